"""What a method has of the translator's graph. (Ours.)

    frames -> SignEncoder --+                               +-> CTC head (glosses)
                            +-> [sign; assistance] -> SSAW -+-> fusion encoder -> decoder -> text
    pieces -> TextEncoder --+                               +-> masked language modelling
         (InfoNCE between the means of both)

The text branch of SCL-SLT (`sentences.py`) compares what the fusion encoder makes of the video
alone with the sentence.

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
    ssaw: str | None = None
    """What the weights of SSAW do, one of `config.SSAW_WEIGHTS`; None: plain concatenation."""
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
    translation: float = 1.0
    """Weight of the translation loss; 0: a model that only compares videos and sentences."""
    sentences: float = 0.0
    """Weight of the contrast between video and sentence; `temperature` is where it starts."""
    aggregation: str = "cico"
    """How the tokens of both are compared: one of `cico.AGGREGATIONS`."""
    positives: bool = False
    """Rows with the same sentence are positives of each other; without it neither this nor that."""
    freeze_text: bool = True
    """The text encoder of the sentences is not trained."""
    lora_rank: int = 0
    """Of the adapters on fusion encoder and decoder, which alone are trained; 0: all weights."""
    hide_sign: bool = False
    """Every clip is one frame of zeros: neither content nor length is seen."""
    wrong_question: bool = False
    """At test each question is moved to another sample."""
