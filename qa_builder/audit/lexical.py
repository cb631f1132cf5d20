"""Which words of an answer go with which words of its question: IBM model 1 (Brown et al., 1993).

    p(w|q) = 1 / (l + 1) sum_j t(w|v_j),    v_0 = nothing, v_1..v_l the tokens of the question

t is found by expectation maximisation over the pairs of the training part, and smoothed with the
words' relative frequencies f there: t(w|v) = (n(w, v) + f(w)) / (n(v) + 1).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qa_builder.audit.tokens import Events, Floats, Ints, Ragged, pairs_with

_ROUNDS = 5
Bools = NDArray[np.bool_]


class LexicalModel:
    """All pairs of an event's word with a token of its question ("cells"), once for all parts."""

    def __init__(self, events: Events, questions: Ragged, size: int) -> None:
        self._events, self._size = events, size
        self._sources, token = pairs_with(events, questions)
        keys, cells = np.unique(
            np.repeat(events.word, self._sources) * size + token, return_inverse=True
        )
        self._cells = cells.astype(np.int32)  # [cells] which (word, token)
        self._word, self._token = np.divmod(keys, size)  # [types]

    def predict(self, trained: Bools, wanted: Bools) -> Floats:
        """p(w|q) of the wanted events by a model of the trained ones (both masks, [N])."""
        table = self._train(trained)
        cells, starts, sources = self._part(wanted)
        return np.asarray(_sums(table[cells], starts) / sources)

    def _train(self, trained: Bools) -> Floats:
        """t by type of pair."""
        cells, starts, sources = self._part(trained)
        table = np.ones(len(self._word))
        counts: Floats = np.zeros(len(table))
        totals: Floats = np.zeros(self._size)
        for _ in range(_ROUNDS):
            p = table[cells]
            p /= np.repeat(_sums(p, starts), sources)
            counts = np.bincount(cells, weights=p, minlength=len(table)).astype(float)
            totals = np.bincount(self._token, weights=counts, minlength=self._size).astype(float)
            table = counts / np.maximum(totals, 1e-300)[self._token]
        words = self._events.word[trained]
        frequency = np.bincount(words, minlength=self._size) / max(len(words), 1)
        return np.asarray((counts + frequency[self._word]) / (totals[self._token] + 1))

    def _part(self, mask: Bools) -> tuple[NDArray[np.int32], Ints, Ints]:
        """Cells of some events, where each event's begin, and how many it has."""
        sources = self._sources[mask]
        starts = np.concatenate(([0], np.cumsum(sources)[:-1])) if len(sources) else sources
        return self._cells[np.repeat(mask, self._sources)], starts, sources


def _sums(values: Floats, starts: Ints) -> Floats:
    return np.asarray(np.add.reduceat(values, starts)) if len(starts) else np.zeros(0)
