"""Tokens of whole splits' videos and sentences, to be compared; retrieval on dev. (Ours.)"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from accelerate import Accelerator
from torch import Tensor

from baselines.batches import loader, ordered_batches
from baselines.cico import AGGREGATIONS
from baselines.machine import batch_memory, memory
from baselines.pair_groups import group_by, same_group
from baselines.trajectories import Tokens, blocks

if TYPE_CHECKING:
    from baselines.config import Config
    from baselines.data import SignDataset
    from baselines.translator import Translator

_BLOCK = 256  # videos, and sentences, that are compared at a time


@torch.no_grad()
def tokens_of(
    model: Translator, dataset: SignDataset, config: Config, accelerator: Accelerator
) -> tuple[Tokens, Tokens]:
    """The tokens of all videos and of their sentences, in the order of the dataset's rows.

    Nothing is augmented or dropped. On a GPU in half precision, else in single.
    """
    gpu = accelerator.device.type == "cuda"
    batches = ordered_batches(dataset)
    of_rows: dict[int, tuple[Tensor, Tensor]] = {}
    was = model.training
    model.eval()
    found = loader(dataset, batches, workers=config.workers, pin=gpu)
    for rows, batch in zip(batches, found, strict=True):
        with batch_memory(batch), accelerator.autocast():
            sides = model.compared(batch.to(accelerator.device))
        kind = torch.float16 if gpu else torch.float32
        for row, video, text in zip(rows, *(_parted(*s, kind) for s in sides), strict=True):
            of_rows[row] = video, text
    model.train(was)
    videos, texts = zip(*(of_rows[i] for i in range(len(dataset))), strict=True)
    return Tokens(videos), Tokens(texts)


def _parted(states: Tensor, mask: Tensor, kind: torch.dtype) -> Iterator[Tensor]:
    """The tokens [n, width] of each row, without padding."""
    return (row[there].to(kind) for row, there in zip(states, mask, strict=True))


@torch.no_grad()
def retrieval(
    model: Translator, dataset: SignDataset, config: Config, accelerator: Accelerator
) -> dict[str, float]:
    """Of the videos of a split, in percent, whose most similar sentence is their own ("recall1").

    Beside it that of sentences ("recall1_text"). Any row with the same sentence is right.
    """
    videos, texts = tokens_of(model, dataset, config, accelerator)
    device = str(accelerator.device)
    like = AGGREGATIONS[model.graph.aggregation]
    rows = []
    with memory(f"while {len(videos):,} videos were compared with {len(texts):,} sentences",
                "Lower max_frames: a video then has fewer tokens."):  # fmt: skip
        for some in blocks(len(videos), _BLOCK):
            video = videos.padded(some, device)
            parts = [like(*video, *texts.padded(c, device)) for c in blocks(len(texts), _BLOCK)]
            rows.append(torch.cat([part.both() for part in parts], 1).cpu())
        alike = torch.cat(rows)
    same = torch.from_numpy(same_group(group_by(row.text for row in dataset.rows)))
    own = torch.arange(len(same))
    return {
        "recall1": 100 * same[own, alike.argmax(1)].float().mean().item(),
        "recall1_text": 100 * same[alike.argmax(0), own].float().mean().item(),
    }
