"""A trigram language model in numpy: interpolated Kneser-Ney smoothing (Chen & Goodman, 1999).

With c the counts of trigrams, and below them the number of different tokens that were seen before
an n-gram; with D = n1 / (n1 + 2 n2) from the n-grams of one and of two counts:

    p(w|h) = max(c(hw) - D, 0) / c(h.) + left(h) p(w|h'),    left(h) = D N(h.) / c(h.)

h' is h without its first token, N(h.) the number of different tokens after h; p() below unigrams is
1 / S for each of the S tokens of the vocabulary. Where h was not seen, p(w|h) = p(w|h').
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from qa_builder.audit.tokens import Events, Floats, Ints, lookup

_ORDER = 3


class _Table(NamedTuple):
    """Counts of n-grams of one length; a key is its tokens as the digits of a number to base S."""

    keys: Ints
    counts: Floats
    contexts: Ints
    totals: Floats  # c(h.) a context
    types: Floats  # N(h.) a context
    discount: float


class TrigramModel:
    """The model of the events of some sentences; `size` is S, at most two million."""

    def __init__(self, events: Events, size: int) -> None:
        self._size = size
        keys, counts = np.unique(_keys(events, size), return_counts=True)
        tables = [_table(keys, counts, size)]
        for n in range(_ORDER - 1, 0, -1):
            keys, counts = np.unique(keys % size**n, return_counts=True)
            tables.append(_table(keys, counts, size))
        self._tables = tables[::-1]

    def predict(self, events: Events) -> tuple[Floats, Floats]:
        """Of N events: p(word | before, previous), and left(before, previous), both [N]."""
        trigrams = _keys(events, self._size)
        p = np.full(len(trigrams), 1 / self._size)
        left = np.ones(len(trigrams))
        for n, table in enumerate(self._tables, 1):
            keys = trigrams % self._size**n
            contexts = keys // self._size
            total = lookup(table.contexts, table.totals, contexts)
            seen = np.maximum(total, 1)
            left = np.where(total > 0, table.discount * lookup(table.contexts, table.types, contexts) / seen, 1)  # fmt: skip  # noqa: E501
            p = np.maximum(lookup(table.keys, table.counts, keys) - table.discount, 0) / seen + left * p  # fmt: skip  # noqa: E501
        return p, left


def _keys(events: Events, size: int) -> Ints:
    return (events.before * size + events.previous) * size + events.word


def _table(keys: Ints, counts: Ints, size: int) -> _Table:
    contexts, of, types = np.unique(keys // size, return_inverse=True, return_counts=True)
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    # Very small texts may have none of either: half a count is the middle of what D can be.
    discount = once / (once + 2 * twice) if once and twice else 0.5
    totals: Floats = np.bincount(of, weights=counts, minlength=len(contexts)).astype(float)
    return _Table(keys, counts.astype(float), contexts, totals, types.astype(float), discount)
