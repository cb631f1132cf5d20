"""Gloss-free translation: video alone.

The architecture of GFSLT (GFSLT-VLP, ICCV 2023) without its pre-training, on features of frames.
"""

from __future__ import annotations

from baselines.config import GlossFreeConfig
from baselines.graph import Graph


def graph(config: GlossFreeConfig) -> Graph:
    """Sign encoder, fusion encoder, decoder."""
    return Graph(track="video")
