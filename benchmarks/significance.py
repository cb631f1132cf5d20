"""Intervals and paired tests from sufficient statistics, by resampling distinct references.

A sentence that is signed by three signers is one unit of chance, not three: it is drawn, or swapped
between two systems, as a whole. Every function works on sums, so no text is scored again; the
columns of several metrics, conventions and systems may stand side by side in one array.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.metrics.base import Floats, Ints

CHUNK = 2_000_000  # drawn numbers held at a time: 16 MB
ROUNDING = 1e-9  # percent; a difference that is smaller is none


class Difference(NamedTuple):
    """A paired difference of two systems, a - b, in percent, with 95 % interval and p-value."""

    value: float
    low: float
    high: float
    p: float


def units_of(references: Sequence[Hashable]) -> Ints:
    """The distinct reference [n] of each segment, numbered in order of first sight."""
    seen: dict[Hashable, int] = {}
    return np.array([seen.setdefault(text, len(seen)) for text in references], np.int64)


def sums_by_unit(statistics: Floats, units: Ints) -> Floats:
    """Sums [units, k] of the statistics [n, k] of each unit's segments; n >= 1."""
    order = np.argsort(units, kind="stable")
    starts = np.flatnonzero(np.diff(units[order], prepend=-1))
    sums: Floats = np.add.reduceat(statistics[order], starts, axis=0)
    return sums


def bootstrap(statistics: Floats, units: Ints, resamples: int, seed: int) -> Floats:
    """Sums [resamples, k] of as many units as there are, drawn with replacement (Efron, 1979).

    The same units, seed and resamples draw the same, whatever the statistics: differences of two
    calls are paired.
    """
    by_unit = sums_by_unit(statistics, units)
    n = len(by_unit)
    rng = np.random.default_rng(seed)
    parts = []
    for rows in _chunks(resamples, n):
        drawn = rng.integers(0, n, (rows, n)) + np.arange(rows)[:, None] * n
        times = np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n)
        parts.append(times.astype(np.float64) @ by_unit)
    return np.concatenate(parts)


def interval(scores: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """Percentile interval (low [...], high [...]) of resampled scores [resamples, ...].

    Resamples in which a score is NaN are left out.
    """
    tail = (1 - level) / 2
    quantile = np.nanquantile if np.isnan(scores).any() else np.quantile
    low, high = quantile(scores, (tail, 1 - tail), axis=0)
    return low, high


def paired_bootstrap(
    a: float, b: float, resampled_a: Floats, resampled_b: Floats
) -> Difference:  # fmt: skip
    """Difference of two systems, from their scores and those [resamples] of the same draws.

    Two-sided p: how often the difference moves from its mean by what was observed, or more, with
    one added to both counts (Koehn, EMNLP 2004, in the form of sacreBLEU's paired test). Resamples
    without a score (NaN) are left out; all is NaN if a system has none.
    """
    value, differences = a - b, resampled_a - resampled_b
    if np.isnan(value):
        return Difference(value, value, value, value)
    differences = differences[~np.isnan(differences)]
    low, high = interval(differences)
    moved = np.abs(differences - differences.mean()) >= abs(value) - ROUNDING
    return Difference(value, float(low), float(high), _p(moved))


def randomised(
    statistics_a: Floats, statistics_b: Floats, units: Ints, trials: int, seed: int
) -> tuple[Floats, Floats]:
    """Sums [trials, k] of two systems whose outputs are swapped in half of the units, at random."""
    a, b = sums_by_unit(statistics_a, units), sums_by_unit(statistics_b, units)
    rng = np.random.default_rng(seed)
    moved = [
        rng.integers(0, 2, (rows, len(a))).astype(np.float64) @ (b - a)
        for rows in _chunks(trials, len(a))
    ]
    change = np.concatenate(moved)
    return a.sum(axis=0) + change, b.sum(axis=0) - change


def randomisation_p(a: float, b: float, swapped_a: Floats, swapped_b: Floats) -> float:
    """Two-sided p of approximate randomisation, from the scores [trials] of `randomised` sums.

    Source: Riezler and Maxwell, ACL workshop 2005; one is added to both counts.
    """
    return _p(np.abs(swapped_a - swapped_b) >= abs(a - b) - ROUNDING)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values of several tests, corrected by Holm's step-down method (1979), in their order."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected, floor = [0.0] * len(order), 0.0
    for rank, i in enumerate(order):
        floor = max(floor, min(1.0, (len(order) - rank) * p_values[i]))
        corrected[i] = floor
    return corrected


def _p(extreme: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> float:
    return float((extreme.sum() + 1) / (len(extreme) + 1))


def _chunks(total: int, width: int) -> Iterator[int]:
    size = max(1, CHUNK // max(1, width))
    for start in range(0, total, size):
        yield min(size, total - start)
