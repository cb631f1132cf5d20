"""What a method has of the translator's graph. (Ours.)

    frames -> SignEncoder --+                               +-> CTC head (glosses)
                            +-> [sign; assistance] -> SSAW -+-> fusion encoder -> decoder -> text
    pieces -> TextEncoder --+                               +-> masked language modelling
         (InfoNCE between the means of both)

Light, so that `qbslt-bench list` can ask for a method's track.
"""

from __future__ import annotations

from typing import NamedTuple


class Graph(NamedTuple):
    """One method's share; a weight of 0 means that the part is not there."""

    track: str
    """One of `benchmarks.tasks.task.TRACKS`: what the method may see at test."""
    sign: bool = True
    """The sign encoder."""
    assist: str | None = None
    """What goes through the text encoder: "question", "gloss" or nothing."""
    ssaw: bool = False
    """Sigmoid weighting before the fusion; without it plain concatenation."""
    contrast: float = 0.0
    """Weight of InfoNCE between sign and assistance."""
    temperature: float = 0.07
    """Where the learned temperature of InfoNCE starts."""
    mlm: float = 0.0
    """Weight of masked language modelling on the assistance."""
    mlm_probability: float = 0.15
    """Share of its pieces that is masked."""
    ctc: float = 0.0
    """Weight of CTC on the sign encoder; the glosses it reads are the assistance at test."""
    hide_sign: bool = False
    """Every clip is one frame of zeros: neither content nor length is seen."""
    wrong_question: bool = False
    """At test each question is moved to another sample."""
