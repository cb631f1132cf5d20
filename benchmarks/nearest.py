"""The most similar text of many, by words alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from benchmarks.metrics.base import Floats, Ints, Tokens, Vocabulary


def nearest(
    candidates: Sequence[str], queries: Sequence[str], tokenise: Callable[[str], list[str]]
) -> list[int]:
    """For each query the index of the candidate with the greatest tf-idf cosine.

    Weights are (1 + log tf) * log(1 + n / df) with n candidates (Salton and Buckley, 1988); of
    equals the first one is taken; -1 where a query has no token in common with any candidate.
    """
    vocabulary = Vocabulary()
    rows = Tokens.of(map(tokenise, candidates), vocabulary)
    asked = Tokens.of(map(tokenise, queries), vocabulary)
    n, size = len(candidates), len(vocabulary)
    token, row, times = _counted(rows, size, by_token=True)
    df = np.bincount(token, minlength=size)
    idf = np.log1p(n / np.maximum(df, 1))
    weight = (1 + np.log(times)) * idf[token]
    norm = np.sqrt(np.bincount(row, weight**2, minlength=n))
    weight /= norm[row]
    starts = np.concatenate(([0], np.cumsum(df)))
    q_row, q_token, q_times = _counted(asked, size, by_token=False)
    q_weight = (1 + np.log(q_times)) * idf[q_token]
    bounds = np.searchsorted(q_row, np.arange(len(queries) + 1)).tolist()
    found = []
    for first, last in pairwise(bounds):
        similarity: Floats = np.zeros(n)
        for t, w in zip(q_token[first:last], q_weight[first:last], strict=True):
            having = slice(starts[t], starts[t + 1])
            similarity[row[having]] += w * weight[having]  # each row stands once in a posting
        best = int(similarity.argmax()) if n else 0
        found.append(best if n and similarity[best] > 0 else -1)
    return found


def _counted(tokens: Tokens, size: int, *, by_token: bool) -> tuple[Ints, Ints, Ints]:
    """Distinct pairs of token and row, sorted by the first, and how often each occurs."""
    if by_token:
        n = max(1, len(tokens.lengths))
        pairs, times = np.unique(tokens.ids * n + tokens.segments, return_counts=True)
        return pairs // n, pairs % n, times
    pairs, times = np.unique(tokens.segments * size + tokens.ids, return_counts=True)
    return pairs // max(1, size), pairs % max(1, size), times
