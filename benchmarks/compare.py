"""Compare systems on the same split: paired tests, wins by sentence, and where they differ.

What compare-mt (Neubig et al., NAACL 2019) shows, under the task's convention and with the tests of
`significance.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.buckets import by_frequency, by_stratum, ngrams
from benchmarks.conventions import CONVENTIONS, Convention
from benchmarks.metrics.base import Floats, Ints
from benchmarks.metrics.bleu import Bleu
from benchmarks.predictions import Predictions
from benchmarks.results import Result
from benchmarks.scorer import RESAMPLES, SEED, score
from benchmarks.significance import (
    ROUNDING,
    bootstrap,
    holm,
    paired_bootstrap,
    randomisation_p,
    randomised,
)
from benchmarks.split_data import SplitData
from benchmarks.tasks.task import Task
from qa_builder.errors import QbsltError

SCHEMA_VERSION = 1
EXAMPLES = 10  # sentences a direction
_TESTS = ("p", "p_randomisation")


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """Names for files: the file's own, or the nearest folders' where several have the same.

    Raises QbsltError if a file is given twice.
    """
    own = [p.name.removesuffix(p.suffix) for p in paths]
    alike = [p for p, name in zip(paths, own, strict=True) if own.count(name) > 1]
    if len(alike) < len(paths):
        others = iter(_by_folder(alike))
        names = [next(others) if own.count(name) > 1 else name for name in own]
        if len(set(names)) == len(names):
            return names
    return _by_folder(paths)


def _by_folder(paths: Sequence[Path]) -> list[str]:
    if not paths:
        return []
    parts = [(*p.absolute().parent.parts, p.name.removesuffix(p.suffix)) for p in paths]
    for n in range(1, max(map(len, parts)) + 1):
        for names in (
            [p[-n] if n <= len(p) else "" for p in parts],
            ["/".join(p[-n:]) for p in parts],
        ):
            if len(set(names)) == len(names) and all(names):
                return names
    raise QbsltError("the same file of predictions is given twice.", file=paths[0])


class _System(NamedTuple):
    name: str
    source: Predictions
    result: Result
    statistics: Floats  # [n, k] of all metrics of the convention, side by side
    resampled: Floats  # [resamples, k] their sums
    sentences: Floats  # [n] BLEU-4 of each sentence


def compare(
    task: Task, data: SplitData, systems: Mapping[str, Predictions], *,
    train: Sequence[str] | None = None, resamples: int = RESAMPLES, seed: int = SEED,
) -> dict[str, Any]:  # fmt: skip
    """Compare two or more systems, by name; the document that `--json` writes.

    systems: the scores of each; pairs: for each two systems a and b, `tests` (a - b in percent with
    95 % interval, p of the paired bootstrap and of approximate randomisation, both also corrected
    by Holm over all pairs), `sentences` (how often a is better, the same, or b, in sentence
    BLEU-4), `examples` and `ngrams` (what a gets right and b does not, and the reverse); buckets:
    scores of all by stratum, and F1 of words by their frequency in `train`, where it is given.
    """
    convention = CONVENTIONS[task.convention]
    scored = [
        _scored(task, data, name, source, resamples, seed) for name, source in systems.items()
    ]
    pairs = [_pair(data, convention, a, b, seed) for a, b in combinations(scored, 2)]
    _correct(pairs)
    texts = {s.name: s.source.texts for s in scored}
    buckets = by_stratum({s.name: s.result.strata for s in scored})
    if train:
        buckets["frequency"] = by_frequency(convention, data.language, data.text, texts, train)
    first = scored[0].result
    return {
        "schema_version": SCHEMA_VERSION, "task": first.task, "dataset": first.dataset,
        "n": first.n, "bootstrap": first.bootstrap, "signatures": first.signatures,
        "systems": [_described(s) for s in scored], "pairs": pairs, "buckets": buckets,
    }  # fmt: skip


def _scored(
    task: Task, data: SplitData, name: str, source: Predictions, resamples: int, seed: int
) -> _System:
    result = score(
        task, data, source.texts, system=name, resamples=resamples, seed=seed, source=source,
    )  # fmt: skip
    parts = result.statistics[task.convention]
    stacked = np.hstack(parts)
    sentences = next(
        metric.sentence_scores(part)
        for metric, part in zip(result.metrics, parts, strict=True) if isinstance(metric, Bleu)
    )  # fmt: skip
    resampled = bootstrap(stacked, result.units, resamples, seed)
    return _System(name, source, result, stacked, resampled, sentences)


def _described(system: _System) -> dict[str, Any]:
    result = system.result
    return {
        "name": system.name, "predictions": result.predictions,
        "scores": result.scores[result.task["convention"]],
        "notes": result.notes, "warnings": result.warnings,
    }  # fmt: skip


def _pair(
    data: SplitData, convention: Convention, a: _System, b: _System, seed: int
) -> dict[str, Any]:
    difference = a.sentences - b.sentences
    won, lost = difference > ROUNDING, difference < -ROUNDING
    return {
        "a": a.name, "b": b.name, "tests": _tests(convention, a, b, seed),
        "sentences": {
            "a_better": int(won.sum()), "same": int((~won & ~lost).sum()),
            "b_better": int(lost.sum()),
        },
        "examples": {
            "a_better": _examples(data, a, b, difference),
            "b_better": _examples(data, a, b, -difference),
        },
        "ngrams": ngrams(convention, data.language, data.text, a.source.texts, b.source.texts),
    }  # fmt: skip


def _tests(
    convention: Convention, a: _System, b: _System, seed: int
) -> dict[str, dict[str, float]]:
    units: Ints = a.result.units
    swapped_a, swapped_b = randomised(
        a.statistics, b.statistics, units, len(a.resampled), seed
    )  # fmt: skip
    widths = [part.shape[1] for part in a.result.statistics[convention.name]]
    tests = {}
    bounds = pairwise(np.cumsum([0, *widths]).tolist())
    for metric, (i, j) in zip(a.result.metrics, bounds, strict=True):
        score_a, score_b = (metric.score(s.statistics[:, i:j].sum(axis=0)) for s in (a, b))
        drawn_a, drawn_b = metric.score(a.resampled[:, i:j]), metric.score(b.resampled[:, i:j])
        random_a, random_b = metric.score(swapped_a[:, i:j]), metric.score(swapped_b[:, i:j])
        for k, name in enumerate(metric.names):
            one, other = float(score_a[k]), float(score_b[k])
            test = paired_bootstrap(one, other, drawn_a[:, k], drawn_b[:, k])
            p = randomisation_p(one, other, random_a[:, k], random_b[:, k])
            undefined = np.isnan(test.value)
            tests[name] = test._asdict() | {"p_randomisation": float("nan") if undefined else p}
    return tests


def _correct(pairs: list[dict[str, Any]]) -> None:
    """Add Holm-corrected p-values: for each score and test, all pairs are one family."""
    for name in pairs[0]["tests"]:
        for p in _TESTS:
            found = [pair["tests"][name][p] for pair in pairs]
            corrected = found if np.isnan(found).any() else holm(found)
            for pair, value in zip(pairs, corrected, strict=True):
                pair["tests"][name][f"{p}_holm"] = value


def _examples(data: SplitData, a: _System, b: _System, difference: Floats) -> list[dict[str, Any]]:
    """The sentences with the largest positive difference, each reference once."""
    found: dict[str, dict[str, Any]] = {}
    for i in np.argsort(-difference, kind="stable").tolist():
        if difference[i] <= ROUNDING or len(found) == EXAMPLES:
            break
        found.setdefault(data.text[i], {
            "sample_id": data.sample_id[i], "question": data.question[i],
            "reference": data.text[i],
            "a": a.source.texts[i], "b": b.source.texts[i],
            "a_bleu4": float(a.sentences[i]), "b_bleu4": float(b.sentences[i]),
        })  # fmt: skip
    return list(found.values())
