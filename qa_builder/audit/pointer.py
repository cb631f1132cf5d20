"""What copying the question would say next.

Two ways to copy. *Remaining*: any token of the question that the sentence has not used up,
all alike; the question's end counts as one of its tokens. *Next*: what follows the sentence's last
token in the question, so that a run of the question goes on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qa_builder.audit.tokens import EDGE, Events, Floats, Ints, Ragged, events_of, lookup


class Copying(NamedTuple):
    """Of N events: two probabilities, and how well the sentence follows its question so far."""

    remaining: Floats  # [N]
    next: Floats  # [N], 0 where the last token is not in the question
    follows: Ints  # [N] 0: the last token is not in the question, 1: it is, 2: the last two are


def copying(events: Events, questions: Ragged, size: int) -> Copying:
    """The chance of each event by copying; question i belongs to the sentence of row i."""
    asked = events_of(questions)
    here = events.row * size + events.word
    keys, counts = np.unique(asked.row * size + asked.word, return_counts=True)
    left = np.maximum(lookup(keys, counts.astype(float), here) - _used(here), 0)
    remaining = left / np.maximum(_remaining(events, questions.lengths + 1, left > 0), 1)

    follow, grams = np.unique(_pair(asked, size) * size + asked.word, return_counts=True)
    contexts, totals = np.unique(_pair(asked, size), return_counts=True)
    pair = _pair(events, size)
    total = lookup(contexts, totals.astype(float), pair)
    next_ = lookup(follow, grams.astype(float), pair * size + events.word) / np.maximum(total, 1)
    twos = np.unique((asked.row * size + asked.before) * size + asked.previous)
    two = (events.row * size + events.before) * size + events.previous
    both = (lookup(twos, np.ones(len(twos)), two) > 0) & (events.previous != EDGE)
    return Copying(remaining, next_, (total > 0).astype(np.int64) + both)


def _pair(events: Events, size: int) -> Ints:
    return events.row * size + events.previous


def _used(keys: Ints) -> Ints:
    """Of each key, how many equal keys stand before it."""
    order = np.argsort(keys, kind="stable")
    ranks = np.empty(len(keys), dtype=np.int64)
    ordered = keys[order]
    first = np.concatenate(([True], ordered[1:] != ordered[:-1]))[: len(keys)]
    ranks[order] = np.arange(len(keys)) - np.maximum.accumulate(np.where(first, np.arange(len(keys)), 0))  # fmt: skip  # noqa: E501
    return ranks


def _remaining(events: Events, lengths: Ints, taken: NDArray[np.bool_]) -> Ints:
    """How many tokens of the question are unused before each event."""
    before: Ints = np.cumsum(taken) - taken
    return np.asarray(lengths[events.row] - (before - before[events.starts[:-1]][events.row]))
