"""What is written of each segment: `samples.jsonl`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isnan
from typing import Any

from benchmarks.metrics.base import Floats, Metric
from benchmarks.metrics.bleu import Bleu
from benchmarks.metrics.novelty import Novelty
from benchmarks.split_data import SplitData

_SHOWN = ("rouge_l", "chrf2", "novel_f1", "wer")


def sample_rows(
    data: SplitData, hypotheses: Sequence[str], references: Sequence[str],
    metrics: Sequence[Metric], statistics: Sequence[Floats],
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """One dict a segment: texts, sentence scores in percent, counts of novel tokens.

    A score that a segment cannot have is None (novel-token F1 where nothing is novel).
    """
    columns: dict[str, Sequence[Any]] = {
        "sample_id": data.sample_id,
        "hypothesis": hypotheses,
        "reference": references,
        "question": data.question,
        "question_kind": data.question_kind,
        "question_leakage": data.question_leakage,
        "seen": data.seen or [None] * len(data),
    }
    for metric, counts in zip(metrics, statistics, strict=True):
        columns |= _scores(metric, counts)
    names = list(columns)
    return (dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True))


def _scores(metric: Metric, statistics: Floats) -> dict[str, Sequence[Any]]:
    if isinstance(metric, Bleu):
        return {"bleu4": metric.sentence_scores(statistics).tolist()}
    found: dict[str, Sequence[Any]] = {}
    scores = metric.score(statistics)
    for i, name in enumerate(metric.names):
        if name in _SHOWN:
            found[name] = [None if isnan(score) else score for score in scores[:, i].tolist()]
    if isinstance(metric, Novelty):
        parts = ("common", "in_hypothesis", "in_reference")
        for i, part in enumerate(parts):
            found[f"{metric.kind}_{part}"] = statistics[:, i].astype(int).tolist()
    return found
