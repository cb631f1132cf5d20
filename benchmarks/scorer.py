"""The only place where a number is made: predictions and references in, a `Result` out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

import numpy as np

from benchmarks.controls import COPY, QUICK, control_texts
from benchmarks.conventions import CONVENTIONS, GLOSS, LEGACY, Convention
from benchmarks.left_out import LeftOut
from benchmarks.metrics.base import Floats, Ints, Metric
from benchmarks.metrics.novelty import Novelty
from benchmarks.order import order_warning
from benchmarks.per_sample import sample_rows
from benchmarks.predictions import Predictions
from benchmarks.references import References
from benchmarks.results import Result
from benchmarks.significance import (
    bootstrap,
    interval,
    paired_bootstrap,
    sums_by_unit,
    units_of,
)
from benchmarks.split_data import SplitData, load_references
from benchmarks.strata import described, strata_of
from benchmarks.tasks.task import Task, check_track
from qa_builder import __version__
from qa_builder.errors import QbsltError

__all__ = ["RESAMPLES", "SEED", "SplitData", "load_references", "score"]

RESAMPLES, SEED, LEVEL = 1000, 12345, 95


def score(
    task: Task, data: SplitData, hypotheses: Sequence[str], *, system: str,
    track: str | None = None, resamples: int = RESAMPLES, seed: int = SEED, gloss: bool = False,
    learned: Sequence[Metric] = (), notes: Sequence[str] = (), warnings: Sequence[str] = (),
    source: Predictions | None = None, left_out: Mapping[str, LeftOut] | None = None,
) -> Result:  # fmt: skip
    """Score one system.

    `hypotheses` stand in the order of `data`; `source` is the file that they were read of, `notes`
    and `warnings` go into the result beside those of the file. With `gloss` they are glosses and
    scored by WER against the glosses of `data`. `left_out`, by split, is what the system learned
    without: notes and signatures say so. `learned` metrics stand beside those of the
    convention. Raises QbsltError for a track that the task has not, and where glosses are lacking;
    ValueError if the lengths differ.
    """
    check_track(track, task)
    standard = _standard(task, data, gloss, learned)
    references = _glosses(data) if gloss else data.text
    asked = data.question if data.has_questions and not gloss else None
    of = References(references, data.language, asked)
    legacy = () if gloss else LEGACY
    statistics = of.statistics(hypotheses, (standard, *legacy))
    own = _Board(standard.metrics, statistics.pop(standard.name))
    copy, controls = None, {}
    for name, texts in ({} if gloss else control_texts(data, names=QUICK)).items():
        board = _Board(standard.metrics, of.statistics(texts, (standard,))[standard.name])
        controls[name] = board.scores()
        copy = board if name == COPY else copy
    units = units_of(data.text)
    _resample([own] if copy is None else [own, copy], units, resamples, seed)
    return Result(
        task=task.as_dict() | {"split": data.split, "convention": standard.name},
        system={"name": system, "track": track},
        n=len(data), official=data.replaced_references is None,
        notes=[*_notes(data, source, notes, left_out or {}), *_uncounted_notes(own)],
        dataset=data.dataset,
        predictions=None if source is None else source.as_dict(),
        bootstrap={"resamples": resamples, "seed": seed, "unit": "distinct reference sentence",
                   "units": int(units.max()) + 1, "level": LEVEL},
        scores={standard.name: own.with_intervals()},
        legacy={c.name: _values(c, statistics[c.name]) for c in legacy},
        signatures=_signatures(task, data, (standard, *legacy), resamples, seed, source,
                               left_out or {}),
        gain_over_copy=None if copy is None else _gain(own, copy), controls=controls,
        strata=_strata(data, own, copy), uncounted=_uncounted(own),
        warnings=[*warnings, *_warnings(data, source, gloss)], versions=versions(),
        statistics={standard.name: own.parts} | statistics, units=units, metrics=standard.metrics,
        make_samples=lambda: sample_rows(
            data, list(hypotheses), references, standard.metrics, own.parts),
    )  # fmt: skip


class _Board:
    """Statistics of all metrics of a system side by side."""

    resampled: dict[str, Floats]
    """Scores [resamples] by name, once `_resample` has drawn them."""

    def __init__(self, metrics: Sequence[Metric], parts: Sequence[Floats]) -> None:
        self.metrics = metrics
        self.columns: Floats = np.hstack(list(parts))
        self._cuts = [*accumulate(part.shape[1] for part in parts)][:-1]

    @property
    def parts(self) -> tuple[Floats, ...]:
        """The statistics [n, k] of each metric."""
        return tuple(np.split(self.columns, self._cuts, axis=1))

    def named(self, sums: Floats) -> dict[str, Floats]:
        """Scores [...] by name of summed statistics [..., k] of all metrics."""
        found: dict[str, Floats] = {}
        for metric, part in zip(self.metrics, np.split(sums, self._cuts, axis=-1), strict=True):
            found |= dict(zip(metric.names, np.moveaxis(metric.score(part), -1, 0), strict=True))
        return found

    def scores(self) -> dict[str, float]:
        return {k: float(v) for k, v in self.named(self.columns.sum(axis=0)).items()}

    def with_intervals(self) -> dict[str, dict[str, float]]:
        found = {}
        for name, value in self.scores().items():
            low = high = value
            if not np.isnan(value):
                low, high = map(float, interval(self.resampled[name], LEVEL / 100))
            found[name] = {"value": value, "low": low, "high": high}
        return found


def _resample(boards: Sequence[_Board], units: Ints, resamples: int, seed: int) -> None:
    """Draw for all systems at once, so that they are paired."""
    drawn = bootstrap(np.hstack([board.columns for board in boards]), units, resamples, seed)
    for board, sums in zip(boards, np.split(drawn, len(boards), axis=1), strict=True):
        board.resampled = board.named(sums)


def _standard(
    task: Task, data: SplitData, gloss: bool, learned: Sequence[Metric]
) -> Convention:  # fmt: skip
    """The task's convention; what is novel is not asked where there are no questions."""
    standard = GLOSS if gloss else CONVENTIONS[task.convention]
    metrics = standard.metrics
    if not data.has_questions:
        metrics = tuple(m for m in metrics if not isinstance(m, Novelty))
    return replace(standard, metrics=(*metrics, *learned))


def _glosses(data: SplitData) -> list[str]:
    lacking = sum(not gloss for gloss in data.gloss)
    if lacking:
        raise QbsltError(
            f"{lacking:,} of {len(data):,} rows of {data.split} have no gloss to compare with.",
            cure="Score translations, without --gloss.",
        )
    return [gloss or "" for gloss in data.gloss]


def _notes(
    data: SplitData, source: Predictions | None, notes: Sequence[str],
    left_out: Mapping[str, LeftOut],
) -> list[str]:  # fmt: skip
    replaced = data.replaced_references
    return [
        *([f"references replaced by {replaced}: not for a board"] if replaced else []),
        *(source.notes if source else []),
        *notes,
        *(found.note(split) for split, found in left_out.items()),
    ]


def _warnings(data: SplitData, source: Predictions | None, gloss: bool) -> list[str]:
    if source is None:
        return []
    plain = source.format == "text" and not gloss
    return source.warnings + (order_warning(source.texts, data) if plain else [])


def _values(convention: Convention, parts: Sequence[Floats]) -> dict[str, dict[str, float]]:
    return {k: {"value": v} for k, v in _Board(convention.metrics, parts).scores().items()}


def _gain(own: _Board, copy: _Board) -> dict[str, dict[str, float]]:
    a, b = own.scores(), copy.scores()
    drawn_a, drawn_b = own.resampled, copy.resampled
    return {k: paired_bootstrap(a[k], b[k], drawn_a[k], drawn_b[k])._asdict() for k in a}


def _strata(data: SplitData, own: _Board, copy: _Board | None) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for name, (parts, codes) in strata_of(data).items():
        inside = codes >= 0
        sizes = np.bincount(codes[inside], minlength=len(parts))
        scores = own.named(sums_by_unit(own.columns[inside], codes[inside]))
        rows = [described(part, int(n)) for part, n in zip(parts, sizes, strict=True)]
        for i, row in enumerate(rows):
            row["scores"] = {k: float(v[i]) for k, v in scores.items()}
        if copy is not None:
            copied = copy.named(sums_by_unit(copy.columns[inside], codes[inside]))
            for i, row in enumerate(rows):
                row["gain_over_copy"] = {k: float(scores[k][i] - copied[k][i]) for k in scores}
        found[name] = rows
    return found


def _uncounted(board: _Board) -> dict[str, int]:
    return {
        metric.kind: int((part[:, -1] == 0).sum())
        for metric, part in zip(board.metrics, board.parts, strict=True)
        if isinstance(metric, Novelty)
    }


def _uncounted_notes(board: _Board) -> list[str]:
    n = len(board.columns)
    return [
        f"{count:,} of {n:,} references have no {_NOVEL[kind]}, for their question holds them all: "
        "they do not count in its P, R and F1"
        for kind, count in _uncounted(board).items() if count
    ]  # fmt: skip


_NOVEL = {"novel": "novel token", "novel_content": "novel content token"}


def _signatures(
    task: Task, data: SplitData, conventions: Sequence[Convention], resamples: int, seed: int,
    source: Predictions | None, left_out: Mapping[str, LeftOut],
) -> dict[str, str]:  # fmt: skip
    standard = conventions[0]
    where = (
        f"|task:{task.name}|split:{data.split}|n:{len(data)}"
        f"|data:{data.dataset['split_fingerprint'][:16]}|bs:{resamples}|seed:{seed}"
        + "".join(f"|{k}:{v}" for k, v in versions().items() if k in ("qbslt", "sacrebleu"))
        + (f"|missing:{source.missing}" if source and source.missing else "")
        + (f"|nofeat:{source.no_features}" if source and source.no_features else "")
        + "".join(f"|nofeat-{split}:{len(found.ids)}" for split, found in left_out.items())
        + ("|refs:replaced|unofficial" if data.replaced_references else "")
    )
    return {
        metric.kind if c is standard else f"{c.name}/{metric.kind}":
            c.signature(metric, data.language) + where
        for c in conventions for metric in c.metrics
    }  # fmt: skip


def versions() -> dict[str, str]:
    """Versions of what made a number."""
    import platform
    from importlib.metadata import version

    return {"qbslt": __version__, "sacrebleu": version("sacrebleu"), "numpy": np.__version__,
            "python": platform.python_version()}  # fmt: skip
