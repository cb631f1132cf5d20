"""Rows with equal texts in contrastive training: no negatives of each other, and where they go."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.intp]


def group_by(texts: Iterable[Hashable]) -> NDArray[np.int64]:
    """A number for each row [n], equal where the texts are equal; in order of appearance."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(text, len(numbers)) for text in texts], np.int64)


def same_group(groups: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which rows of a batch [b] have equal texts: [b, b], True on the diagonal.

    A loss takes these pairs off the diagonal out of the negatives, or takes them as positives.
    """
    same: NDArray[np.bool_] = groups[:, None] == groups[None, :]
    return same


class Groups:
    """Rows by text, and how many rows of a text one batch may hold."""

    def __init__(self, groups: NDArray[np.int64], batches: int, same: str) -> None:
        _, self.of, self.sizes = np.unique(groups, return_inverse=True, return_counts=True)
        self._members = np.argsort(self.of, kind="stable")
        self._ends = np.cumsum(self.sizes)
        self.most = -(-self.sizes // batches) if same == "apart" else self.sizes

    def members(self, group: int) -> Indices:
        return self._members[self._ends[group] - self.sizes[group] : self._ends[group]]

    def describe(self, batches: list[int]) -> list[str]:
        n = len(self.of)
        pairs = int((self.sizes * (self.sizes - 1)).sum())
        repeated = int((self.sizes > 1).sum())
        share = pairs / (n * (n - 1))
        met = sum(b * (b - 1) for b in batches) * share
        stand = "stands in several rows" if repeated == 1 else "stand in several rows each"
        lines = [f"equal texts: {repeated:,} of {len(self.sizes):,} {stand}; {pairs:,} of "
                 f"{n * (n - 1):,} pairs of different rows ({100 * share:.3f} %) are no "
                 f"negatives; random batches would hold {met:,.1f} of them an epoch."]  # fmt: skip
        crowded = int(((self.most > 1) & (self.sizes > len(batches))).sum())
        if crowded:
            lines.append(f"equal texts: {crowded:,} have more rows than there are batches: these "
                         "share batches, and the loss must mask them.")  # fmt: skip
        return lines


class Quota:
    """How many rows each text still has, may give to a batch, and has to give to it.

    With L rows and B batches left, and M the most a batch may hold, a batch has to take
    L - M (B - 1) of them, or the rest would not fit. As L <= M B holds at first and, so, after each
    batch, that is L / B at most, and min(L, M) is L / B at least: summed over texts, what has to be
    taken fits into a batch of 1 / B of all rows, and there is always a candidate.
    """

    def __init__(self, groups: Groups) -> None:
        self._groups, self._left = groups, groups.sizes.copy()

    def start(self, batches: int) -> None:
        """Begin a batch, the first of `batches` that are left."""
        self._due = np.maximum(self._left - self._groups.most * (batches - 1), 0)
        self._free = self._groups.most.copy()
        self.due = int(self._due.sum())

    def note(self, sample: int) -> None:
        """Count a sample that the batch took."""
        group = self._groups.of[sample]
        self._left[group] -= 1
        self._free[group] -= 1
        if self._due[group]:
            self._due[group] -= 1
            self.due -= 1

    def beside(self, sample: int) -> tuple[Indices, bool]:
        """All rows of the sample's text, and whether the batch may take more of them."""
        group = self._groups.of[sample]
        return self._groups.members(group), bool(self._free[group] > 0)

    def must(self, samples: Indices) -> NDArray[np.bool_]:
        """Which samples are of texts that have to give rows to this batch."""
        wanted: NDArray[np.bool_] = self._due[self._groups.of[samples]] > 0
        return wanted

    def owing(self) -> Indices:
        """All rows, in batches or not, of the texts that have to give rows to this batch."""
        found = [self._groups.members(g) for g in np.flatnonzero(self._due).tolist()]
        return np.concatenate(found) if found else np.empty(0, np.intp)

    def same(self, samples: Indices) -> NDArray[np.bool_]:
        return same_group(self._groups.of[samples])
