"""Which samples go into which batch, and the loader that reads them. (Ours.)

The order is a pure function of the seed and the epoch, so that a run that was killed goes on with
the very batch that it would have come to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.data import DataLoader

if TYPE_CHECKING:
    from baselines.config import Config
    from baselines.data import Batch, SignDataset

_POOL = 32  # batches' worth of samples that are sorted by length together


def train_batches(dataset: SignDataset, epoch: int) -> list[list[int]]:
    """The batches of an epoch (0, 1, ...) of training, as numbers of rows; each row once."""
    config = dataset.config
    lengths = np.array(dataset.lengths(augmented=True))
    draw = np.random.default_rng([dataset.seed, epoch])
    order = draw.permutation(len(lengths))
    pool = _POOL * config.batch_size
    batches: list[list[int]] = []
    for start in range(0, len(order), pool):
        some = order[start : start + pool]
        batches += _cut(some[np.argsort(lengths[some], kind="stable")], lengths, _limits(dataset))
    return [batches[i] for i in draw.permutation(len(batches))]


def ordered_batches(dataset: SignDataset) -> list[list[int]]:
    """The batches of an evaluation: the longest first, so that what does not fit fails at once."""
    lengths = np.array(dataset.lengths(augmented=False))
    return _cut(np.argsort(-lengths, kind="stable"), lengths, _limits(dataset))


def shard(
    batches: Sequence[list[int]], rank: int, world: int, *, even: bool = False
) -> list[list[int]]:
    """The batches of one process of `world`: each world-th, beginning with the rank-th.

    With `even` (in training) all processes get equally many: the first ones are given once more.
    """
    given = list(batches)
    if even and (lacking := -len(given) % world):
        given += [given[i % len(given)] for i in range(lacking)]
    return given[rank::world]


def loader(
    dataset: SignDataset, batches: Sequence[list[int]], epoch: int | None = None, *,
    start: int = 0, workers: int = 0, pin: bool = False,
) -> Iterable[Batch]:  # fmt: skip
    """Reads batches, from the `start`-th on; gives `Batch`. With an epoch they are augmented.

    The number of workers changes no batch. `pin`: into page-locked memory, for a GPU.
    """
    keys = [[(i, epoch) for i in batch] for batch in islice(batches, start, None)]
    return DataLoader(
        dataset, batch_sampler=keys, collate_fn=dataset.collate, num_workers=workers,
        pin_memory=pin, prefetch_factor=4 if workers else None,
        generator=torch.Generator(),  # else a resumed run draws once more from the global one
    )  # fmt: skip


def _limits(dataset: SignDataset) -> tuple[int, float]:
    config: Config = dataset.config
    return config.batch_size, config.frame_budget if dataset.store is not None else float("inf")


def _cut(
    order: np.ndarray[tuple[int], np.dtype[np.int64]],
    lengths: np.ndarray[tuple[int], np.dtype[np.int64]],
    limits: tuple[int, float],
) -> list[list[int]]:
    """Batches in the order given: no more samples, and frames with their padding, than allowed."""
    size, budget = limits
    batches: list[list[int]] = []
    batch: list[int] = []
    longest = 0
    for i in order.tolist():
        longest = max(longest, int(lengths[i]))
        if batch and (len(batch) == size or longest * (len(batch) + 1) > budget):
            batches.append(batch)
            batch, longest = [], int(lengths[i])
        batch.append(i)
    return [*batches, batch] if batch else batches
