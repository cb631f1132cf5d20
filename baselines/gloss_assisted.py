"""Gloss-assisted translation: the graph of SSL-SSAW with glosses in the question's place.

With gloss=oracle the corpus's glosses are given at test, too (track `video+gloss`). With gloss=ctc
a CTC head on the sign encoder learns to read them beside the translation; training reads the
corpus's glosses, test (and dev) those of the head, so it stands on the track `video`. (Ours.)
"""

from __future__ import annotations

from baselines.config import GlossAssistedConfig
from baselines.graph import Graph


def graph(config: GlossAssistedConfig) -> Graph:
    """All parts of SSL-SSAW, and with gloss=ctc the CTC head."""
    read = config.gloss == "ctc"
    return Graph(
        track="video" if read else "video+gloss", assist="gloss", ssaw=config.weighted(),
        contrast=config.contrast_weight, temperature=config.temperature, mlm=config.mlm_weight,
        mlm_probability=config.mlm_probability, ctc=config.ctc_weight if read else 0.0,
    )  # fmt: skip
