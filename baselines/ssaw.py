"""SSAW: sigmoid self-attention weighting of a sign and a question sequence.

Source: SSL-SSAW (arXiv 2509.14036) as its abstract describes it; every position of both sequences
gets an independent weight in (0, 1). The details are ours: the bias -log(length) makes sigmoid
attention begin as softmax does (arXiv 2409.04431), and the weight is read off its output. What it
does is `config.ssaw_weights`: by default it is the position's share of all attention that is paid
to the fused sequence (`shares`). As a scale of the states, the first reading of the description, it
does nothing or harm, as was measured (baselines/RESULTS.md): before the fusion encoder its norms
divide the scale out again, and behind it a softmax does not leave out a position of weight 0, but
reads it as "nothing".
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn


class Ssaw(nn.Module):
    """X' = X + Y, where Y is sigmoid self-attention of X, and w = sigmoid(a linear map of Y).

    Weights do not sum to one: neither those between positions nor w.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.gate = nn.Linear(width, 1)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """`x` [batch, positions, width], `mask` [batch, positions], True where there is something.

        Gives X' of the same shape and w [batch, positions], both 0 where nothing is.
        """
        batch, n, width = x.shape

        def parted(y: Tensor) -> Tensor:  # [batch, heads, positions, width of a head]
            return y.view(batch, n, self.heads, -1).transpose(1, 2)

        q, k, v = parted(self.query(x)), parted(self.key(x)), parted(self.value(x))
        length = mask.sum(1).clamp(min=1).to(x.dtype)  # of the sample, not of its padded batch
        scores = q @ k.transpose(2, 3) / math.sqrt(width // self.heads)
        weights = torch.sigmoid(scores - length.log()[:, None, None, None])
        weights = weights.masked_fill(~mask[:, None, None, :], 0.0)
        y = self.out((weights @ v).transpose(1, 2).reshape(batch, n, width))
        w = torch.sigmoid(self.gate(y)).squeeze(-1)
        return (x + y) * mask[..., None], w * mask


def shares(weights: Tensor) -> Tensor:
    """The attention mask [batch, 1, 1, positions] of weights in (0, 1), 0 where nothing is.

    It is added to the scores of a softmax: exp(score) is multiplied by the weight before it is
    normed, so equal weights change nothing, and a position of weight 0 is left out.
    """
    lowest = torch.finfo(weights.dtype).min
    logs = weights.clamp(min=torch.finfo(weights.dtype).tiny).log()
    return logs.masked_fill(weights == 0, lowest)[:, None, None, :]


def share_attention(decoder: nn.Module) -> None:
    """Let a decoder of transformers take weights [batch, positions] for its encoder's mask.

    `generate` refuses any mask that is not [batch, positions], so they become shares only here.
    """

    def before(_: nn.Module, args: tuple[Any, ...], given: dict[str, Any]) -> Any:
        mask = given.get("encoder_attention_mask")
        if mask is not None and mask.is_floating_point():
            given["encoder_attention_mask"] = shares(mask)
        return args, given

    decoder.register_forward_pre_hook(before, with_kwargs=True)
