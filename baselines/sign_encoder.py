"""The sign encoder that all methods share: frames -> one state for every four of them.

Projection -> temporal convolution K5-P2-K5-P2 (kernel 5, max-pooling 2, twice), as in GFSLT-VLP
(ICCV 2023), -> transformer encoder. Ours: layer norm where GFSLT has batch norm, so that a clip's
states never depend on the other clips of its batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

from baselines.text_encoder import mbart_config, states_encoder

if TYPE_CHECKING:
    from baselines.config import Config


class SignEncoder(nn.Module):
    """Frames of `dim` numbers -> states of config.d_model."""

    def __init__(self, dim: int, config: Config) -> None:
        super().__init__()
        width, self.dim = config.d_model, dim
        self.project = nn.Sequential(nn.Linear(dim, width), nn.LayerNorm(width))
        self.convolutions = nn.ModuleList(nn.Conv1d(width, width, 5, padding=2) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.dropout = nn.Dropout(config.dropout)
        self.encoder = states_encoder(mbart_config(config, config.sign_layers, vocab_size=8))

    def forward(self, frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """`frames` [batch, n, dim] and `mask` [batch, n], True where there is a frame.

        Gives states [batch, m, d_model] and their mask [batch, m]; m is n / 4, rounded up after
        each halving, and so for each clip by itself.
        """
        x = self.dropout(self.project(frames))
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = x * mask[..., None]
            x = F.relu(norm(convolution(x.transpose(1, 2)).transpose(1, 2)))
            # what is not there is 0, which is no more than any ReLU gives: it never wins a pool
            x = F.max_pool1d((x * mask[..., None]).transpose(1, 2), 2, ceil_mode=True)
            x = x.transpose(1, 2)
            mask = mask[:, ::2]
        states = self.encoder(inputs_embeds=self.dropout(x), attention_mask=mask.long())
        return states.last_hidden_state, mask
