"""ROUGE-L (Lin, 2004): mean over segments of an F of the longest common subsequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.metrics.base import Floats, Pairs, ratio

BETA = 1.2
EXACT = 2.0**32  # F in units of 2^-32: sums of millions are exact, whatever their order


@dataclass(frozen=True)
class RougeL:
    """Statistics [n, 3]: F with beta 1.2, F with beta = P/R, 1 (the segment); a mean, not a ratio.

    beta 1.2 is that of coco-caption, nlg-eval and signjoey; beta = P/R with its tiny constants that
    of tf_seq2seq's rouge.py, which TwoStream uses. Precision and recall of a segment are LCS over
    its tokens; F is 0 where nothing is common or a side is empty.
    """

    beta_is_p_over_r: bool = False
    kind = "rouge"
    names = ("rouge_l",)

    @property
    def signature(self) -> str:
        return f"rouge-l|beta:{'p/r' if self.beta_is_p_over_r else BETA}"

    def statistics(self, pairs: Pairs) -> Floats:
        hyp, ref = pairs.hypotheses.pieces, pairs.references.pieces
        common = np.fromiter(map(lcs_length, hyp.rows(), ref.rows()), float, len(hyp.lengths))
        p, r = ratio(common, hyp.lengths.astype(float)), ratio(common, ref.lengths.astype(float))
        fixed = ratio((1 + BETA**2) * p * r, r + BETA**2 * p)
        b2 = (p / (r + 1e-12)) ** 2
        free = (1 + b2) * r * p / (r + b2 * p + 1e-12)
        f = np.round(np.stack((fixed, free), axis=1) * EXACT) / EXACT
        return np.column_stack((f, np.ones(len(f))))

    def score(self, sums: Floats) -> Floats:
        column = int(self.beta_is_p_over_r)
        return 100 * ratio(sums[..., column : column + 1], sums[..., 2:], empty=np.nan)


def lcs_length(a: Sequence[int], b: Sequence[int]) -> int:
    """Length of the longest common subsequence.

    Bit-parallel (Hyyro, 2004): bit j of `row` is 0 where the subsequence grows at b[j].
    """
    masks: dict[int, int] = {}
    for j, token in enumerate(b):
        masks[token] = masks.get(token, 0) | 1 << j
    full = (1 << len(b)) - 1
    row = full
    for token in a:
        mask = masks.get(token)
        if mask:
            hit = row & mask
            row = (row + hit | row - hit) & full
    return len(b) - row.bit_count()
