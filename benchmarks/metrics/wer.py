"""Word error rate of glosses, by the alignment that sign language recognition counts with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.metrics.base import Floats, Pairs, ratio

SUBSTITUTION, INSERTION, DELETION = 4, 3, 3


@dataclass(frozen=True)
class Wer:
    """Statistics [n, 4]: substitutions, insertions, deletions, glosses of the reference.

    As `wer_list` of signjoey and SLRT (after zszyellow/WER-in-python): the alignment of least cost
    with 4 for a substitution and 3 for an insertion or deletion, read from the end and preferring,
    in this order, match, substitution, insertion, deletion; each error then counts 1. So it may
    exceed the plain edit distance. Unlike theirs, costs don't overflow in rows over 85 glosses.
    """

    kind = "wer"
    names = ("wer", "wer_substitutions", "wer_insertions", "wer_deletions")
    signature = "wer|costs:4,3,3"

    def statistics(self, pairs: Pairs) -> Floats:
        hyp, ref = pairs.hypotheses.tokens, pairs.references.tokens
        errors = [align(h, r) for h, r in zip(hyp.rows(), ref.rows(), strict=True)]
        return np.column_stack((np.array(errors, float).reshape(-1, 3), ref.lengths))

    def score(self, sums: Floats) -> Floats:
        errors = np.concatenate((sums[..., :3].sum(axis=-1, keepdims=True), sums[..., :3]), axis=-1)
        return 100 * ratio(errors, sums[..., 3:], empty=np.nan)


def align(hypothesis: Sequence[int], reference: Sequence[int]) -> tuple[int, int, int]:
    """Substitutions, insertions and deletions of the alignment of a hypothesis to a reference."""
    if hypothesis == reference:
        return 0, 0, 0
    costs = _costs(hypothesis, reference)
    x, y = len(reference), len(hypothesis)
    substitutions = insertions = deletions = 0
    while x or y:
        here = costs[x][y]
        if x and y and reference[x - 1] == hypothesis[y - 1] and here == costs[x - 1][y - 1]:
            x, y = x - 1, y - 1
        elif x and y and here == costs[x - 1][y - 1] + SUBSTITUTION:
            substitutions, x, y = substitutions + 1, x - 1, y - 1
        elif y and here == costs[x][y - 1] + INSERTION:
            insertions, y = insertions + 1, y - 1
        else:
            deletions, x = deletions + 1, x - 1
    return substitutions, insertions, deletions


def _costs(hypothesis: Sequence[int], reference: Sequence[int]) -> list[list[int]]:
    """Least cost [len(reference) + 1][len(hypothesis) + 1] of aligning each pair of prefixes."""
    row = [INSERTION * j for j in range(len(hypothesis) + 1)]
    rows = [row]
    for token in reference:
        above, left = row, row[0] + DELETION
        row = [left]
        for j, other in enumerate(hypothesis):
            if token == other:
                left = above[j]
            else:
                left = min(above[j] + SUBSTITUTION, left + INSERTION, above[j + 1] + DELETION)
            row.append(left)
        rows.append(row)
    return rows
