"""Metrics that need a trained network: optional, never by default (`--learned NAME`).

Each gives one score a segment and a mean over segments, so that intervals, strata and paired tests
come as for all others. Install them with `pip install 'qbslt[learned]'`; they download their
networks themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np

from benchmarks.metrics.base import Floats, Metric, Pairs, ratio
from qa_builder.errors import QbsltError, known

Scorer = Callable[[Sequence[str], Sequence[str], str], Sequence[float]]
"""From hypotheses, references and their language to scores, 1 being perfect."""


@dataclass(frozen=True)
class Learned:
    """Statistics [n, 2]: score of the segment, 1. The score is their mean, times 100."""

    name: str
    network: str
    scorer: Scorer

    @property
    def kind(self) -> str:
        return self.name

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def signature(self) -> str:
        return f"{self.name}|network:{self.network}|avg:segments"

    def statistics(self, pairs: Pairs) -> Floats:
        scores = self.scorer(pairs.hypotheses.texts, pairs.references.texts, pairs.language)
        return np.column_stack((np.asarray(scores, float), np.ones(len(scores))))

    def score(self, sums: Floats) -> Floats:
        return 100 * ratio(sums[..., :1], sums[..., 1:], empty=np.nan)


def learned_metrics(names: Sequence[str]) -> list[Metric]:
    """The metrics of these names. Raises QbsltError for an unknown or uninstalled one."""
    found: list[Metric] = []
    for name in dict.fromkeys(names):
        if name not in LEARNED:
            raise known(name, LEARNED, "learned metric")
        try:
            found.append(LEARNED[name]())
        except ImportError as e:
            raise QbsltError(
                f"the metric {name} is not installed ({e}).",
                cure="Install it: pip install 'qbslt[learned]' (BLEURT: from its own repository).",
            ) from None
    return found


def _bertscore() -> Metric:
    """F1 of BERTScore (Zhang et al., ICLR 2020), the network that it has for the language."""
    bert_score = import_module("bert_score")

    def scorer(hyp: Sequence[str], ref: Sequence[str], language: str) -> Sequence[float]:
        _, _, f1 = bert_score.score(list(hyp), list(ref), lang=language, verbose=False)
        return [float(v) for v in f1]

    return Learned("bertscore", f"bert_score-{bert_score.__version__}", scorer)


def _bleurt() -> Metric:
    """BLEURT-20 (Sellam et al., ACL 2020), from the checkpoint folder in $BLEURT_CHECKPOINT."""
    import os

    score = import_module("bleurt.score")

    folder = os.environ.get("BLEURT_CHECKPOINT", "BLEURT-20")
    network = score.BleurtScorer(folder)

    def scorer(hyp: Sequence[str], ref: Sequence[str], language: str) -> Sequence[float]:
        return list(network.score(references=list(ref), candidates=list(hyp)))

    return Learned("bleurt", Path(folder).name, scorer)


def _comet() -> Metric:
    """COMET (Rei et al., EMNLP 2020), in single precision and without a source text.

    The source of sign language translation is a video: an empty text stands for it.
    """
    comet = import_module("comet")

    name = "Unbabel/wmt22-comet-da"
    network = comet.load_from_checkpoint(comet.download_model(name))

    def scorer(hyp: Sequence[str], ref: Sequence[str], language: str) -> Sequence[float]:
        rows = [{"src": "", "mt": h, "ref": r} for h, r in zip(hyp, ref, strict=True)]
        return list(network.predict(rows, gpus=0, progress_bar=False).scores)

    return Learned("comet", f"{name};src:empty", scorer)


LEARNED: dict[str, Callable[[], Metric]] = {
    "bertscore": _bertscore, "bleurt": _bleurt, "comet": _comet
}  # fmt: skip
