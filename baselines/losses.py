"""The losses: translation, contrast between sign and question, masked language modelling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

IGNORED = -100  # a label that no loss counts


class Losses(NamedTuple):
    """Of one batch: what is minimised, and its parts before they are weighted (for the log)."""

    total: Tensor
    parts: dict[str, Tensor]


def cross_entropy(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Mean over the labels that are not IGNORED; `logits` [..., classes], `labels` [...].

    0 where all labels are ignored. In float32 whatever the logits are.
    """
    flat = labels.flatten()
    loss = F.cross_entropy(
        logits.flatten(0, -2).float(), flat, ignore_index=IGNORED, label_smoothing=smoothing,
        reduction="sum",
    )  # fmt: skip
    return loss / (flat != IGNORED).sum().clamp(min=1)


def identical_rows(ids: Tensor) -> Tensor:
    """Which of the padded rows [batch, length] are equal: [batch, batch], True on the diagonal."""
    return (ids[:, None] == ids[None]).all(-1)


def info_nce(a: Tensor, b: Tensor, scale: Tensor | float, same: Tensor) -> Tensor:
    """InfoNCE both ways between `a` and `b` [batch, width], row i of one belonging to i's other.

    Similarity is the cosine times `scale`. Where `same` [batch, batch] is True off the diagonal,
    the two rows mean the same and are not negatives of each other. (CLIP's loss, Radford et al.,
    ICML 2021, but for `same`.)
    """
    a, b = (F.normalize(side.float(), dim=-1) for side in (a, b))
    logits = scale * a @ b.T
    own = torch.eye(len(a), dtype=torch.bool, device=a.device)
    logits = logits.masked_fill(same & ~own, float("-inf"))
    wanted = torch.arange(len(a), device=a.device)
    return (F.cross_entropy(logits, wanted) + F.cross_entropy(logits.T, wanted)) / 2


def mask_tokens(
    ids: Tensor, mask: Tensor, *, mask_id: int, size: int, special: Sequence[int],
    share: float = 0.15,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Hide a share of the tokens: gives the ids to read and the labels, IGNORED elsewhere.

    Of the chosen tokens 80 % become `mask_id`, 10 % another token of the `size` ones, 10 % stay
    (Devlin et al., NAACL 2019). A row with tokens has one chosen at least; `special` ones and
    padding are never chosen.
    """
    free = mask & ~torch.isin(ids, torch.tensor(list(special), device=ids.device))
    drawn = torch.rand(ids.shape, device=ids.device).masked_fill(~free, 2.0)
    chosen = free & ((drawn < share) | (drawn == drawn.min(1, keepdim=True).values))
    labels = ids.masked_fill(~chosen, IGNORED)
    fate = torch.rand(ids.shape, device=ids.device)
    other = torch.randint(size, ids.shape, device=ids.device)
    hidden = torch.where(chosen & (fate < 0.8), mask_id, ids)
    return torch.where(chosen & (fate >= 0.9), other, hidden), labels


def mean_of(states: Tensor, mask: Tensor) -> Tensor:
    """Mean [batch, width] over the positions [batch, n, width] that are there."""
    there = mask[..., None].to(states.dtype)
    return (states * there).sum(1) / there.sum(1).clamp(min=1)
