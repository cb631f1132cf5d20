"""Sentences as flat arrays of token numbers: what the predictor of `bits.py` counts with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qa_builder.text import UNSPACED

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
EDGE = 0  # the token before the first and after the last of every sentence


def tokenize(normal: Sequence[str], language: str) -> list[list[str]]:
    """Tokens of strings in normalised form: words; characters of Chinese and Japanese."""
    return [list(t) if language in UNSPACED else t.split() for t in normal]


class Ragged(NamedTuple):
    """n sequences in one array: sequence i is values[starts[i]:starts[i + 1]]."""

    values: Ints  # [sum of lengths]
    starts: Ints  # [n + 1]

    @property
    def lengths(self) -> Ints:
        return np.diff(self.starts)

    def take(self, rows: Ints) -> Ragged:
        """The sequences of these rows, in this order."""
        lengths = self.lengths[rows]
        starts = np.concatenate(([0], np.cumsum(lengths)))
        shift = np.repeat(self.starts[:-1][rows] - starts[:-1], lengths)
        return Ragged(self.values[np.arange(starts[-1]) + shift], starts)


class Vocabulary:
    """Numbers tokens in the order of their first appearance, from 1."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}

    def __len__(self) -> int:
        """How many numbers there are, EDGE among them."""
        return len(self._ids) + 1

    def encode(self, sequences: Iterable[Sequence[str]]) -> Ragged:
        """Number sequences of tokens; new tokens get new numbers."""
        ids, lengths, values = self._ids, [0], []
        for tokens in sequences:
            lengths.append(len(tokens))
            values += [ids.setdefault(t, len(ids) + 1) for t in tokens]
        return Ragged(np.array(values, dtype=np.int64), np.cumsum(lengths, dtype=np.int64))


class Events(NamedTuple):
    """All that is to be predicted: each token of each sentence, and the end of each sentence."""

    row: Ints  # [N] which sentence
    word: Ints  # [N] the token; EDGE for the end
    previous: Ints  # [N] the token before it; EDGE at the start
    before: Ints  # [N] the token before that
    starts: Ints  # [n + 1] where each sentence's events begin


def events_of(sentences: Ragged) -> Events:
    """The events of n sentences: one more for each than it has tokens."""
    lengths = sentences.lengths + 1
    starts = np.concatenate(([0], np.cumsum(lengths)))
    row = np.repeat(np.arange(len(lengths)), lengths)
    word = np.full(starts[-1], EDGE)
    within = np.ones(starts[-1], dtype=bool)
    within[starts[1:] - 1] = False
    word[within] = sentences.values
    # A sentence ends with EDGE: so its end is what stands before the start of the next.
    previous = np.concatenate(([EDGE], word[:-1]))[: len(word)]
    before = np.concatenate(([EDGE], previous[:-1]))[: len(word)]
    before[starts[:-1]] = EDGE
    return Events(row, word, previous, before, starts)


def pairs_with(events: Events, questions: Ragged) -> tuple[Ints, Ints]:
    """Each event with EDGE (for "nothing") and then with each token of its question, in one array.

    Gives how many such pairs each event has, [N], and the tokens of all pairs, [sum].
    """
    sources = questions.lengths[events.row] + 1
    starts = np.cumsum(sources) - sources
    place = np.arange(sources.sum()) - np.repeat(starts, sources)
    at = np.repeat(questions.starts[events.row], sources) + place - 1
    return sources, np.where(place == 0, EDGE, np.append(questions.values, EDGE)[at])


def lookup(keys: Ints, values: Floats, wanted: Ints) -> Floats:
    """values[i] where keys[i] (sorted) is the wanted key; 0 where there is none."""
    if not len(keys):
        return np.zeros(len(wanted))
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0.0)
