"""chrF2 of a corpus, after sacreBLEU: character n-grams 1..6, beta 2, no white space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.metrics.base import Floats, Pairs, Tokens, ratio
from benchmarks.metrics.ngrams import matches, totals

ORDER, BETA = 6, 2.0


@dataclass(frozen=True)
class Chrf:
    """Statistics [n, 18] in sacreBLEU's order: hypothesis, reference, matches, for each n of 1..6.

    Source: Popovic, WMT 2015, with sacreBLEU's effective order.
    """

    kind = "chrf"
    names = ("chrf2",)
    signature = "chrf|nc:6|nw:0|beta:2|space:no|eff:yes"

    def statistics(self, pairs: Pairs) -> Floats:
        hyp, ref = _characters(pairs.hypotheses.texts), _characters(pairs.references.texts)
        in_hyp, in_ref = totals(hyp.lengths, ORDER), totals(ref.lengths, ORDER)
        in_hyp[in_ref == 0] = 0  # as sacreBLEU: what no reference can match does not count
        columns = np.stack((in_hyp, in_ref, matches(hyp, ref, ORDER)), axis=2)
        return columns.reshape(len(columns), 3 * ORDER)

    def score(self, sums: Floats) -> Floats:
        hyp, ref, both = np.moveaxis(sums.reshape(*sums.shape[:-1], ORDER, 3), -1, 0)
        used = (hyp > 0) & (ref > 0)
        orders = used.sum(axis=-1).astype(np.float64)
        precision = ratio((ratio(both, hyp) * used).sum(axis=-1), orders)
        recall = ratio((ratio(both, ref) * used).sum(axis=-1), orders)
        f = ratio((1 + BETA**2) * precision * recall, BETA**2 * precision + recall)
        return 100 * f[..., None]


def _characters(texts: Sequence[str]) -> Tokens:
    """The characters of each text but white space, as code points."""
    squeezed = ["".join(text.split()) for text in texts]
    codes = np.frombuffer("".join(squeezed).encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter(map(len, squeezed), np.int64, len(squeezed))
    return Tokens(codes.astype(np.int64), lengths)
