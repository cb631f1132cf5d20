"""Gloss to text: what a perfect recogniser would allow; no video is seen.

A row of every sign translation paper since Camgoez et al. (CVPR 2018; CVPR 2020: 24.54 BLEU-4 on
PHOENIX-2014T). The glosses are the corpus's own, so it stands on the track `video+gloss`.
"""

from __future__ import annotations

from baselines.config import GlossToTextConfig
from baselines.graph import Graph


def graph(config: GlossToTextConfig) -> Graph:
    """Text encoder over the glosses, fusion encoder, decoder."""
    return Graph(track="video+gloss", sign=False, assist="gloss")
