"""Clipped n-gram matches of all segments at once: what BLEU, chrF and novel-token F1 count.

The counts are sacreBLEU's (equal to its own statistics in every segment: see the tests). Counted in
numpy with one sort for all orders they cost about a tenth of its loops over segments, without which
a score with five conventions and controls could not be had in the time of one of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from benchmarks.metrics.base import Floats, Ints, Tokens

BLOCK = 4096  # segments sorted together; bounds memory
KEY_BITS = 63


def totals(lengths: Ints, order: int) -> Floats:
    """Number of n-grams [n, order] in segments of these lengths [n], for n-grams 1..order."""
    counts: Floats = np.maximum(0, lengths[:, None] - np.arange(order)).astype(np.float64)
    return counts


def matches(hypotheses: Tokens, references: Tokens, order: int) -> Floats:
    """Clipped matches [n, order]: each n-gram counts as often as it occurs on both sides."""
    n = len(hypotheses.lengths)
    result = np.zeros((n, order))
    ends = hypotheses.bounds, references.bounds
    for first in range(0, n, BLOCK):
        last = min(first + BLOCK, n)
        hyp, ref = (
            Tokens(side.ids[b[first] : b[last]], side.lengths[first:last])
            for side, b in zip((hypotheses, references), ends, strict=True)
        )
        result[first:last] = _block(hyp, ref, order)
    return result


def _block(hyp: Tokens, ref: Tokens, order: int) -> Floats:
    n = len(hyp.lengths)
    ids = np.concatenate((hyp.ids, ref.ids))
    segments = np.concatenate((hyp.segments, ref.segments))
    if not len(ids):
        return np.zeros((n, order))
    room = (KEY_BITS - 1 - n.bit_length()) // order
    if _bits(ids) > room:
        ids = np.cumsum(np.bincount(ids) > 0)[ids] - 1  # only those that occur
    if _bits(ids) > room:
        ids = _numbered_by_segment(ids, segments)
    if _bits(ids) > room:  # a segment of thousands of different tokens
        rows = zip(hyp.rows(), ref.rows(), strict=True)
        return np.array([_matches_of_one(h, r, order) for h, r in rows])
    bounds = np.concatenate((hyp.bounds[1:], ref.bounds[1:] + len(hyp.ids)))
    left = np.repeat(bounds, np.concatenate((hyp.lengths, ref.lengths))) - np.arange(len(ids))
    keys = _packed(ids, left, segments, order, _bits(ids)) << 1
    keys[: len(hyp.ids)] |= 1
    keys.sort()
    return _matches_of_sorted(keys, n, order, _bits(ids))


def _bits(ids: Ints) -> int:
    return int(ids.max() + 1).bit_length()


def _numbered_by_segment(ids: Ints, segments: Ints) -> Ints:
    """Number the different tokens of each segment from 0, so that they need fewer bits."""
    distinct, number = np.unique(segments * (ids.max() + 1) + ids, return_inverse=True)
    owner = distinct // (ids.max() + 1)
    return number - np.searchsorted(owner, segments)


def _packed(ids: Ints, left: Ints, segments: Ints, order: int, bits: int) -> Ints:
    """Segment and the n-gram that starts at each token, in one number; 0 beyond the segment."""
    following = np.concatenate((ids + 1, np.zeros(order, np.int64)))
    keys = segments
    for k in range(order):
        keys = keys << bits | np.where(left > k, following[k : k + len(ids)], 0)
    return keys


def _matches_of_sorted(keys: Ints, n: int, order: int, bits: int) -> Floats:
    """Count runs of equal prefixes; the lowest bit of a key tells hypothesis from reference."""
    from_hypothesis = np.concatenate(([0], np.cumsum(keys & 1)))
    result = np.zeros((n, order))
    for k in range(1, order + 1):
        grams = keys >> (1 + bits * (order - k))
        starts = np.concatenate(([0], np.flatnonzero(grams[1:] != grams[:-1]) + 1, [len(keys)]))
        hyp = np.diff(from_hypothesis[starts])
        both = np.minimum(hyp, np.diff(starts) - hyp)
        gram = grams[starts[:-1]]
        both[gram & ((1 << bits) - 1) == 0] = 0  # shorter than k: it runs out of its segment
        result[:, k - 1] = np.bincount(gram >> (bits * k), weights=both, minlength=n)
    return result


def _matches_of_one(hyp: Sequence[int], ref: Sequence[int], order: int) -> list[int]:
    def grams(row: Sequence[int], k: int) -> Counter[tuple[int, ...]]:
        return Counter(tuple(row[i : i + k]) for i in range(len(row) - k + 1))

    return [(grams(hyp, k) & grams(ref, k)).total() for k in range(1, order + 1)]
