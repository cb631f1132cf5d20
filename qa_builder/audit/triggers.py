"""Which word comes next, knowing the last word and one word of the question.

Each token v of the question (and "nothing") proposes what followed the last token u of the sentence
in those training sentences whose question had v too, with the trigram model of `ngrams.py` behind
it; a token counts by its attention, which expectation maximisation finds on the training part,
every event left out of its own counts:

    p(w|h, q) = sum_j a(v_j) p(w|h, v_j) / sum_j a(v_j)
    p(w|h, v) = (c(v, u, w) + M p_1(w|h)) / (c(v, u) + M)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qa_builder.audit.tokens import Events, Floats, Ints, Ragged, pairs_with

_M = 3.0
_ROUNDS = 4
_FAITH = 20  # pseudo-counts that hold the attention of a rare token at the mean
Bools = NDArray[np.bool_]


class TriggerModel:
    """All pairs of an event with a token of its question ("cells"), once for all parts."""

    def __init__(self, events: Events, questions: Ragged, language: Floats, size: int) -> None:
        self._size, self._language = size, language
        self._sources, token = pairs_with(events, questions)
        self._token = token.astype(np.int32)
        self._event = np.repeat(np.arange(len(events.word)), self._sources).astype(np.int32)
        context = token * size + np.repeat(events.previous, self._sources)
        keys, cells = np.unique(
            context * size + np.repeat(events.word, self._sources), return_inverse=True
        )
        contexts, of = np.unique(keys // size, return_inverse=True)
        self._cells = cells.astype(np.int32)  # [cells] which (v, u, w)
        self._of, self._contexts = of.astype(np.int32), len(contexts)  # [types] which (v, u)

    def predict(self, trained: Bools, wanted: Bools) -> Floats:
        """p(w|h, q) of the wanted events by a model of the trained ones (both masks, [N])."""
        learnt = trained[self._event]
        counts = np.bincount(self._cells[learnt], minlength=len(self._of)).astype(float)
        totals = np.bincount(self._of, weights=counts, minlength=self._contexts).astype(float)
        attention = self._attention(learnt, trained, counts, totals)
        asked = wanted[self._event]
        weights = attention[self._token[asked]]
        starts = _starts(self._sources[wanted])
        p = self._p(asked, counts, totals, 0)
        return np.asarray(np.add.reduceat(weights * p, starts) / np.add.reduceat(weights, starts))

    def _p(self, cells: Bools, counts: Floats, totals: Floats, left_out: int) -> Floats:
        """p(w|h, v) of some cells; `left_out` is 1 where the cells are in the counts themselves."""
        types = self._cells[cells]
        p = counts[types] - left_out + _M * self._language[self._event[cells]]
        p /= totals[self._of[types]] - left_out + _M
        return np.asarray(p)

    def _attention(self, learnt: Bools, trained: Bools, counts: Floats, totals: Floats) -> Floats:
        """a by token: how often it is the one that proposed the word, of how often it is there."""
        token, sources = self._token[learnt], self._sources[trained]
        p, starts = self._p(learnt, counts, totals, 1), _starts(sources)
        there = np.bincount(token, minlength=self._size)
        attention = np.ones(self._size)
        for _ in range(_ROUNDS):
            share = attention[token] * p
            share /= np.repeat(np.add.reduceat(share, starts), sources)
            proposed = np.bincount(token, weights=share, minlength=self._size)
            mean = proposed.sum() / there.sum()
            attention = (proposed + _FAITH * mean) / (there + _FAITH)
        return attention


def _starts(sources: Ints) -> Ints:
    return np.concatenate(([0], np.cumsum(sources)[:-1]))
