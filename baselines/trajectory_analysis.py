"""What the trajectories of pairs show: kinds, changes, the pairs that rise most, equal texts.

All is streamed by rows. Counts are exact: float16 has 65,536 values, so that one count a value
gives any quantile and histogram of any number of pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.pair_groups import Groups, group_by
from baselines.trajectories import Matrix, Trajectories, blocks, difference
from qa_builder.errors import QbsltError

KINDS = ("high-low", "high-high", "low-high", "low-low")
REPORTED = {"high-low": 35.9, "high-high": 31.9, "low-high": 17.8}  # % in the paper; no threshold
THRESHOLDS = ("pooled", "own")
ALIKE = 0.8  # share of tokens in both, of those in either, from which texts count as near-identical
_BINS, _CELLS = 60, 48  # of the histogram of d; of a side of the joint one
_VALUES = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float64)
_ORDER = np.argsort(np.where(np.isfinite(_VALUES), _VALUES, np.inf), kind="stable")

Counts = NDArray[np.int64]  # of each float16 value, by its bits [65536]


def analyse(
    trajectories: Trajectories, ids: Sequence[str], texts: Sequence[str],
    *, tokens: Callable[[str], Sequence[str]] = str.split, threshold: str | float = "pooled",
    rising: int = 30,
) -> dict[str, Any]:  # fmt: skip
    """Figures of all pairs of different rows (the negatives), as plain values for JSON.

    `ids` and `texts` are of the samples, in the order of the matrices. `threshold`: a similarity is
    high above the median of the negatives of first and last checkpoint together ("pooled"), of each
    checkpoint's own ("own"), or above a number. Takes O(n^2) time and O(n) memory. Raises
    QbsltError for another number of texts and another threshold.
    """
    n, first, last = trajectories.n, trajectories.first, trajectories.last
    if not len(ids) == len(texts) == n:
        raise QbsltError(f"there are {len(texts):,} texts for trajectories of {n:,} samples.")
    counts = _count(first), _count(last)
    thresholds = _thresholds(counts, threshold)
    groups = Groups(group_by(texts), 1, "apart")
    found = _Found(groups, rising, _range(counts))
    for rows in blocks(n):
        found.add(rows, first[rows], last[rows], thresholds)
    same, near = same_pairs(groups), near_pairs(texts, tokens, groups)
    kinds = {kind: {"pairs": int(found.kinds[k])} for k, kind in enumerate(KINDS)}
    for name, pairs in (("identical", same), ("near", near)):
        by_kind = _kinds_of(first[pairs], last[pairs], thresholds)
        for kind, count in zip(KINDS, by_kind, strict=True):
            kinds[kind][name] = int(count)
    own = np.arange(n)
    return {
        "samples": n, "pairs": n * (n - 1), "steps": trajectories.steps,
        "simulated": trajectories.source.simulated, "aggregation": trajectories.source.aggregation,
        "threshold": {"how": str(threshold), "first": thresholds[0], "last": thresholds[1]},
        "kinds": kinds, "identical": len(same[0]), "near": len(near[0]), "alike": ALIKE,
        "similarity": {
            side: {"negatives": _mean(c), "positives": float(m[own, own].mean(dtype=float))}
            for side, c, m in zip(("first", "last"), counts, (first, last), strict=True)
        },
        "d": {"mean": _mean(found.d), "quantiles": {
            str(q): quantile(found.d, q) for q in (0.01, 0.1, 0.5, 0.9, 0.99)},
            **_histogram(found.d)},
        "joint": {"low": found.low, "high": found.high, "counts": found.joint.tolist()},
        "rising": [
            {"d": d, "video": ids[i], "text": ids[j], "video_says": texts[i], "text_says": texts[j],
             "first": float(first[i, j]), "last": float(last[i, j])}
            for d, i, j in found.rising()
        ],
    }  # fmt: skip


class _Found:
    """What is added up block by block."""

    def __init__(self, groups: Groups, rising: int, span: tuple[float, float]) -> None:
        self.n, self._most = len(groups.of), rising
        self.low, self.high = span
        self._leader = np.unique(groups.of, return_index=True)[1][groups.of]  # first row of a text
        self._leads = self._leader == np.arange(self.n)
        self.kinds, self.d = np.zeros(4, np.int64), np.zeros(65536, np.int64)
        self.joint = np.zeros((_CELLS, _CELLS), np.int64)  # [first, last]
        self._top: list[tuple[float, int, int]] = []

    def add(
        self, rows: slice, first: Matrix, last: Matrix, thresholds: tuple[float, float]
    ) -> None:  # fmt: skip
        negative = np.ones(first.shape, bool)
        own = np.arange(len(first))
        negative[own, rows.start + own] = False
        d = difference(first, last)
        self.d += np.bincount(d[negative].view(np.uint16), minlength=65536)
        self.kinds += _kinds_of(first[negative], last[negative], thresholds)
        a, b = (self._cell(side[negative]) for side in (first, last))
        joint = np.bincount(a * _CELLS + b, minlength=_CELLS**2)
        self.joint += joint.reshape(_CELLS, _CELLS)
        d[:, ~self._leads] = -np.inf  # a text in several rows has equal columns: one is shown
        d[own, self._leader[rows]] = -np.inf  # and no text is its own videos' negative
        values = d.ravel()
        floor = self._top[-1][0] if len(self._top) == self._most else -np.inf
        where = np.flatnonzero(values > floor)
        # so many hold enough different pairs of texts; equal values are kept to be ordered below
        enough = self._most * int(np.bincount(self._leader[rows]).max())
        if len(where) > enough:
            least = -np.partition(-values[where], enough - 1)[enough - 1]
            where = where[values[where] >= least]
        pairs = [(-float(values[w]), rows.start + int(w // self.n), int(w % self.n)) for w in where]
        best: dict[tuple[int, int], tuple[float, int, int]] = {}
        for fall, i, j in sorted([*((-v, i, j) for v, i, j in self._top), *pairs]):
            best.setdefault((int(self._leader[i]), j), (-fall, i, j))
        self._top = list(best.values())[: self._most]

    def _cell(self, values: Matrix) -> NDArray[np.intp]:
        share = (values.astype(np.float32) - self.low) / (self.high - self.low)
        return (share * _CELLS).astype(np.intp).clip(0, _CELLS - 1)

    def rising(self) -> list[tuple[float, int, int]]:
        """(d, video, text), greatest d first; each pair of different texts by its best video."""
        return self._top


def _kinds_of(first: Matrix, last: Matrix, thresholds: tuple[float, float]) -> Counts:
    """How many pairs are of each of `KINDS` [4]."""
    a, b = (side > np.float32(t) for side, t in zip((first, last), thresholds, strict=True))
    both, high_first, high_last = (int(np.count_nonzero(x)) for x in (a & b, a, b))
    of_all = first.size - high_first - high_last + both
    return np.array([high_first - both, both, high_last - both, of_all])


def _count(matrix: Matrix) -> Counts:
    """How often each float16 value stands off the diagonal."""
    total = np.zeros(65536, np.int64)
    for rows in blocks(len(matrix)):
        total += np.bincount(matrix[rows].view(np.uint16).ravel(), minlength=65536)
    diagonal = np.array(matrix[np.arange(len(matrix)), np.arange(len(matrix))])
    return total - np.bincount(diagonal.view(np.uint16), minlength=65536)


def quantile(counts: Counts, q: float) -> float:
    """The least value that a share `q` of all does not exceed."""
    reached = np.cumsum(counts[_ORDER])
    return float(_VALUES[_ORDER[np.searchsorted(reached, max(q * reached[-1], 1))]])


def _range(counts: Sequence[Counts]) -> tuple[float, float]:
    low, high = (quantile(counts[0] + counts[1], q) for q in (0.0, 1.0))
    return (low, high) if high > low else (low, low + 1)


def _mean(counts: Counts) -> float:
    return float((_VALUES[counts > 0] * counts[counts > 0]).sum() / max(counts.sum(), 1))


def _histogram(counts: Counts) -> dict[str, list[Any]]:
    low, high = _range((counts, counts))
    there = counts > 0
    made, edges = np.histogram(_VALUES[there], _BINS, (low, high), weights=counts[there])
    return {"edges": edges.tolist(), "counts": made.astype(int).tolist()}


def _thresholds(counts: Sequence[Counts], how: str | float) -> tuple[float, float]:
    if how == "pooled":
        pooled = quantile(counts[0] + counts[1], 0.5)
        return pooled, pooled
    if how == "own":
        return quantile(counts[0], 0.5), quantile(counts[1], 0.5)
    try:
        return float(how), float(how)
    except ValueError:
        raise QbsltError(f"unknown threshold {how!r}; known are: {', '.join(THRESHOLDS)}, "
                         "or a number.") from None  # fmt: skip


def same_pairs(groups: Groups) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """All ordered pairs of different rows of one text: their videos, their texts."""
    return _rows_of(groups, [(g, g) for g in np.flatnonzero(groups.sizes > 1).tolist()])


def _rows_of(
    groups: Groups, pairs: Sequence[tuple[int, int]]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """All pairs of rows of pairs of texts, but for a row and itself."""
    videos, texts = [np.empty(0, np.intp)], [np.empty(0, np.intp)]
    for a, b in pairs:
        i, j = (x.ravel() for x in np.meshgrid(groups.members(a), groups.members(b), indexing="ij"))
        videos.append(i[i != j])
        texts.append(j[i != j])
    return np.concatenate(videos), np.concatenate(texts)


def near_pairs(
    texts: Sequence[str], tokens: Callable[[str], Sequence[str]], groups: Groups
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """All ordered pairs of rows with different texts of which `ALIKE` of the tokens are shared.

    Shared by the Jaccard index: tokens in both over tokens in either, order and repeats aside.
    """
    from scipy.sparse import csr_matrix

    words: dict[str, int] = {}
    sets = [{words.setdefault(t, len(words)) for t in tokens(texts[int(groups.members(g)[0])])}
            for g in range(len(groups.sizes))]  # fmt: skip
    sizes = np.array([len(s) for s in sets])
    columns = np.array([w for s in sets for w in sorted(s)], np.intp)
    shape = (len(sets), max(len(words), 1))
    table = csr_matrix((np.ones(len(columns), np.float32), columns,
                        np.concatenate(([0], np.cumsum(sizes)))), shape=shape)  # fmt: skip
    near: list[tuple[int, int]] = []
    for rows in blocks(len(sets), 512):
        both = (table[rows] @ table.T).tocoo()
        a, b = both.row + rows.start, both.col
        keep = (both.data >= ALIKE * (sizes[a] + sizes[b] - both.data) - 1e-6) & (a != b)
        near += zip(a[keep].tolist(), b[keep].tolist(), strict=True)
    return _rows_of(groups, near)
