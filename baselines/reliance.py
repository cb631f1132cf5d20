"""What a trained run relies on: how well it guesses the sentences when one thing is spoilt.

    python -m baselines.reliance RUN [--split dev|train] [--seed 0]

Bits per token of the references, each token given those before it: as trained; with the video, or
the question (or the glosses), of another clip; and with SSAW's weights evened out (each position of
a side has the mean of that side in its clip) or moved to other positions of their side. What costs
nothing when it is spoilt, the model does not use. Beside it, where the decoder looks: the share of
its attention that a side has, against its share of the positions. (Ours.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import torch
from torch import Tensor

from baselines import checkpoint
from baselines.batches import loader, ordered_batches
from baselines.data import Row, SignDataset, read_rows
from baselines.decoding import likelihood
from baselines.explaining import TrainedRun, open_trained
from baselines.machine import make_accelerator
from baselines.materials import CHECKPOINTS
from baselines.methods import calm_threads
from benchmarks.controls import derangement
from benchmarks.find_dataset import find_dataset
from benchmarks.models import TaskData
from qa_builder.console import fail, print_table
from qa_builder.errors import QbsltError

if TYPE_CHECKING:
    from baselines.ssaw import Ssaw
    from baselines.translator import Translator

Change = Callable[[Tensor, Tensor], Tensor]
"""New weights [batch, n] of old ones and the places of a side, [batch, n], True where it is."""


def evened(weights: Tensor, side: Tensor) -> Tensor:
    """Each of a side's weights is their mean in its clip."""
    means = (weights * side).sum(1) / side.sum(1).clamp(min=1)
    return torch.where(side, means[:, None], weights)


def moved(weights: Tensor, side: Tensor) -> Tensor:
    """Each of a side's weights is that of another of its positions: half of the side further."""
    found = weights.clone()
    for row, there in zip(found, side, strict=True):
        own = row[there]
        row[there] = own.roll(max(len(own) // 2, 1))
    return found


@contextmanager
def changed_weights(
    model: Translator, change: Change | None, seen: list[list[tuple[float, float]]]
) -> Iterator[None]:
    """Let SSAW work with other weights, or with its own; `seen` gets what its own are.

    That is, for signs and for assistance, the mean and the deviation over the positions of each
    clip.
    """
    signs: list[Tensor] = []

    def count(_: Any, __: Any, states: tuple[Tensor, Tensor]) -> None:
        signs[:] = [states[1].sum(1)]

    def weigh(_: Ssaw, given: tuple[Tensor, Tensor], made: tuple[Tensor, Tensor]) -> Any:
        (states, weights), mask = made, given[1]
        first = torch.arange(mask.shape[1], device=mask.device)[None] < signs[0][:, None]
        new = weights
        for i, side in enumerate((mask & first, mask & ~first)):
            parts = [row[there] for row, there in zip(weights, side, strict=True) if there.any()]
            seen[i] += [(float(p.mean()), float(p.std(correction=0))) for p in parts]
            new = change(new, side) if change else new
        return states, new

    assert model.sign is not None and model.ssaw is not None
    hooks = [model.sign.register_forward_hook(count), model.ssaw.register_forward_hook(weigh)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def spoilt(rows: list[Row], what: str, seed: int) -> list[Row]:
    """Rows with the video ("clip_id") or the assistance ("source") of another."""
    values = derangement([getattr(row, what) for row in rows], seed)
    new: list[dict[str, Any]] = [{what: value} for value in values]
    return [row._replace(**fields) for row, fields in zip(rows, new, strict=True)]


def looked_at(model: Translator, dataset: SignDataset, workers: int) -> list[list[float]]:
    """Of the signs and of the assistance, mean over clips: their share of the positions that the
    decoder reads, and of its attention when it writes the references.
    """
    sides: list[list[list[float]]] = [[], []]
    for read in loader(dataset, ordered_batches(dataset), workers=workers):
        batch = read.to(model.kinds.weight.device)
        attention, mask, signs = model.looks(batch)
        assert batch.target_mask is not None
        pieces = batch.target_mask[..., None]
        mean = (attention * pieces).sum(1) / pieces.sum(1)  # [batch, n], sums to 1
        first = torch.arange(mask.shape[1], device=mask.device)[None] < signs[:, None]
        for i, there in enumerate((mask & first, mask & ~first)):
            shares = there.sum(1) / mask.sum(1), (mean * there).sum(1)
            sides[i] += torch.stack(shares, 1).tolist()
    return [[fmean(column) for column in zip(*side, strict=True)] for side in sides]


class Measured(NamedTuple):
    """What a run relies on."""

    bits: dict[str, float]
    """Per token, by what is spoilt; "nothing" first."""
    weights: list[list[Any]]
    """SSAW's, of signs and of assistance: their mean and deviation in each clip."""
    looks: list[list[float]]
    """Of signs and of assistance: share of the positions, and of the decoder's attention."""


def measure(run: TrainedRun, split: str, seed: int) -> Measured:
    """What there is to know of a run, on one split.

    Raises QbsltError for a split that the store has not, and for one without sentences: those of
    the split that is translated are hidden from models.
    """
    found = find_dataset(data=Path(run.about.dataset))
    samples = TaskData(found.task, found.dataset, run.about.track).samples(split)
    store = run.materials.source
    rows = read_rows(samples, run.graph, run.config, split=split, train=True, store=store)
    accelerator = make_accelerator(run.config)
    model = run.materials.translator(run.config, run.graph, trained=True)
    best = checkpoint.find(run.folder / CHECKPOINTS, checkpoint.BEST)
    assert best is not None  # open_trained has looked
    checkpoint.load_weights(best, model)
    model.to(accelerator.device).eval()

    def dataset(some: list[Row]) -> SignDataset:
        return SignDataset(some, run.materials.vocabulary, run.config, train=True, store=store,
                           glosses=run.materials.glosses)  # fmt: skip

    def bits(some: list[Row]) -> float:
        return likelihood(model, dataset(some), run.config, accelerator)["bits_per_token"]

    table = {"nothing": bits(rows)}
    seen: list[list[Any]] = [[], []]
    if store is not None and not run.graph.hide_sign:
        table["video"] = bits(spoilt(rows, "clip_id", seed))
    if run.graph.assist:
        table[run.graph.assist] = bits(spoilt(rows, "source", seed))
    if model.ssaw is not None:
        for name, change in {"SSAW, evened": evened, "SSAW, moved": moved}.items():
            seen = [[], []]
            with changed_weights(model, change, seen):
                table[name] = bits(rows)
    return Measured(table, seen, looked_at(model, dataset(rows), run.config.workers))


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--split", type=click.Choice(["dev", "train"]), default="dev", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Which clips are exchanged.")
def main(folder: Path, split: str, seed: int) -> None:
    """Print the tables."""
    calm_threads()
    run = open_trained(folder)
    found = measure(run, split, seed)
    own = found.bits["nothing"]
    rows = [[name, f"{bits:.3f}", f"{bits - own:+.3f}"] for name, bits in found.bits.items()]
    print_table(f"{folder}, {split}: guessing the references", ["spoilt", "bits per token", "cost"],
                rows)  # fmt: skip
    sides = ("signs", run.graph.assist or "")
    if all(attention for _, attention in found.looks):
        rows = [[side, *(f"{100 * share:.1f} %" for share in of)]
                for side, of in zip(sides, found.looks, strict=True)]  # fmt: skip
        print_table(
            "Where the decoder looks", ["side", "of the positions", "of the attention"], rows
        )
    if any(found.weights):
        print_table(
            "SSAW's weights", ["side", "mean", "deviation within a clip, mean"],
            [[side, *(f"{fmean(column):.3f}" for column in zip(*of, strict=True))]
             for side, of in zip(sides, found.weights, strict=True) if of],
        )  # fmt: skip


if __name__ == "__main__":
    try:
        main()
    except QbsltError as e:
        fail(str(e), e.exit_code)
