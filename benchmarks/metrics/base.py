"""What every metric works on (tokens of a test set) and what it gives (statistics and scores)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Vocabulary(dict[str, int]):
    """Numbers of tokens, 0, 1, 2 ... in the order of first sight."""

    def __missing__(self, token: str) -> int:
        self[token] = number = len(self)
        return number


@dataclass(frozen=True)
class Tokens:
    """The tokens of n segments, one after the other."""

    ids: Ints
    """[total] numbers of the tokens, not negative."""
    lengths: Ints
    """[n] tokens of each segment."""

    @classmethod
    def of(cls, rows: Iterable[Sequence[str]], vocabulary: Vocabulary) -> Tokens:
        """Number the tokens of each segment; unknown ones enter the vocabulary."""
        ids: list[int] = []
        lengths: list[int] = []
        for row in rows:
            ids.extend(map(vocabulary.__getitem__, row))
            lengths.append(len(row))
        return cls(np.array(ids, np.int64), np.array(lengths, np.int64))

    @property
    def bounds(self) -> Ints:
        """[n + 1] where each segment starts in `ids`, and the end of the last one."""
        return np.concatenate(([0], np.cumsum(self.lengths)))

    @property
    def segments(self) -> Ints:
        """[total] the segment of each token."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    def rows(self) -> list[list[int]]:
        """The numbers as one list a segment."""
        ids = self.ids.tolist()
        return [ids[a:b] for a, b in pairwise(self.bounds.tolist())]

    def where(self, keep: npt.NDArray[np.bool_]) -> Tokens:
        """Only the tokens marked in `keep` [total]; segments stay, maybe empty."""
        lengths = np.bincount(self.segments[keep], minlength=len(self.lengths))
        return Tokens(self.ids[keep], lengths)


@dataclass(frozen=True)
class Prepared:
    """Texts of n segments as a convention compares them."""

    texts: list[str]
    tokens: Tokens
    pieces: Tokens
    """What ROUGE counts: the tokens, or in some conventions what lies between single blanks."""


@dataclass(frozen=True)
class Pairs:
    """Hypotheses and references of the same n segments, with the questions where there are any."""

    hypotheses: Prepared
    references: Prepared
    questions: Prepared | None
    vocabulary: Vocabulary
    language: str
    """ISO 639-1 code of the texts."""


class Metric(Protocol):
    """A way to score. Scores, intervals and paired tests need only sums of its statistics."""

    @property
    def kind(self) -> str:
        """Metrics of one kind have the same statistics of the same pairs."""

    @property
    def names(self) -> tuple[str, ...]:
        """The scores that it gives."""

    @property
    def signature(self) -> str:
        """Its settings, `key:value|key:value`."""

    def statistics(self, pairs: Pairs) -> Floats:
        """Sufficient statistics [n, k], one row a segment; their sums are exact in any order."""

    def score(self, sums: Floats) -> Floats:
        """Scores in percent [..., len(names)] of summed statistics [..., k].

        NaN where nothing was counted that a score could be made of.
        """


def ratio(part: Floats, whole: Floats, empty: float = 0.0) -> Floats:
    """part / whole, and `empty` where whole is 0."""
    result: Floats = np.full(np.broadcast_shapes(part.shape, whole.shape), empty)
    np.divide(part, whole, out=result, where=whole != 0)
    return result
