"""SSAW: sigmoid self-attention weighting of a sign and a question sequence.

Source: SSL-SSAW (arXiv 2509.14036) as its abstract describes it; every position of both sequences
gets an independent weight in (0, 1). The details are ours: the bias -log(length) makes sigmoid
attention begin as softmax does (arXiv 2409.04431), and the weight is read off its output. As the
fusion encoder's norms divide a scale out again, the weights also scale what leaves it
(`translator.py`): without that evening them out costs nothing (`python -m baselines.reliance`).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Ssaw(nn.Module):
    """X' = w * (X + Y), where Y is sigmoid self-attention of X and w = sigmoid(a linear map of Y).

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
        w = torch.sigmoid(self.gate(y)) * mask[..., None]
        return w * (x + y), w.squeeze(-1)
