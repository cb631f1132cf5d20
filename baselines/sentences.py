"""The text branch of SCL-SLT: how like a video is to each sentence of its batch. Only in training.

Contrast between the tokens of videos and of sentences both ways, with the similarities of `cico.py`
and a learned scale. The text encoder has embeddings of its own, so that it can be frozen while the
decoder is trained. (SCL-SLT, arXiv 2604.22374. Ours: no projection before the comparison, so that
the decoder reads the very states that are compared; what stands for all with `cls`.)
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from baselines.cico import AGGREGATIONS, Scale, contrast
from baselines.losses import identical_rows
from baselines.text_encoder import TextEncoder, text_layers

if TYPE_CHECKING:
    from pathlib import Path

    from baselines.config import Config
    from baselines.data import Batch
    from baselines.graph import Graph

States = tuple[Tensor, Tensor]  # [batch, n, width], and their mask [batch, n]


class Sentences(nn.Module):
    """Text encoder, learned scale, and the loss between videos and sentences.

    `embeddings` are copied; for `checkpoint` see `text_encoder.mbart`. With `graph.freeze_text` the
    encoder never changes and drops nothing.
    """

    def __init__(
        self, config: Config, graph: Graph, embeddings: nn.Embedding, checkpoint: Path | None = None
    ) -> None:
        super().__init__()
        self.encoder = TextEncoder(text_layers(config, checkpoint), copy.deepcopy(embeddings))
        self.encoder.requires_grad_(not graph.freeze_text)
        self.scale = Scale(graph.temperature)
        self.graph = graph
        self.first: nn.Parameter | None = None
        """With `cls` the token [width] before a video's that comes to stand for all of them."""
        if graph.aggregation == "cls":
            self.first = nn.Parameter(torch.randn(config.d_model) * config.d_model**-0.5)

    def train(self, mode: bool = True) -> Sentences:
        """As any module, but that a frozen encoder stays as at test."""
        super().train(mode)
        self.encoder.train(mode and not self.graph.freeze_text)
        return self

    def forward(self, video: States, batch: Batch) -> Tensor:
        """The loss [] of the videos' compared tokens against the batch's own sentences.

        Rows with the same target pieces are never each other's negatives; with `graph.positives`
        they are wanted as much as a row's own.
        """
        assert batch.target_ids is not None
        alike = AGGREGATIONS[self.graph.aggregation](*video, *self.tokens(batch))
        same = identical_rows(batch.target_ids)
        return contrast(alike, self.scale(), same, self.graph.positives)

    def tokens(self, batch: Batch) -> States:
        """The sentences' compared tokens [batch, n, width]; with `cls` the last piece's alone."""
        states, mask = self.encoder(batch.target_ids, batch.target_mask)
        if self.first is None:
            return states, mask
        last = (mask.sum(1) - 1)[:, None, None].expand(-1, 1, states.shape[2])
        return states.gather(1, last), mask[:, :1]
