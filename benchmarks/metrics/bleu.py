"""BLEU-1 to BLEU-4 of a corpus, after sacreBLEU (Post, WMT 2018)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.metrics.base import Floats, Pairs, ratio
from benchmarks.metrics.ngrams import matches, totals

ORDER = 4
EXP, NONE, NLGEVAL = "exp", "none", "nlgeval"


@dataclass(frozen=True)
class Bleu:
    """Statistics [n, 10] in sacreBLEU's order: hypothesis length, reference length, 4 x matches,
    4 x n-grams of the hypothesis. BLEU-k is the geometric mean of the precisions 1..k, with brevity
    penalty.

    `smoothing`: "exp" (sacreBLEU's default), "none" (floor 0), or "nlgeval", the tiny constants of
    nlg-eval's bleu_scorer.py, by which a BLEU of 0 becomes about 1e-6.
    """

    smoothing: str = EXP
    kind = "bleu"
    names = ("bleu1", "bleu2", "bleu3", "bleu4")

    @property
    def signature(self) -> str:
        return f"bleu|smooth:{self.smoothing}"

    def statistics(self, pairs: Pairs) -> Floats:
        hyp, ref = pairs.hypotheses.tokens, pairs.references.tokens
        lengths = np.stack((hyp.lengths, ref.lengths), axis=1)
        return np.hstack((lengths, matches(hyp, ref, ORDER), totals(hyp.lengths, ORDER)))

    def score(self, sums: Floats) -> Floats:
        if self.smoothing == NLGEVAL:
            return _nlgeval(sums)
        return _sacrebleu(sums, smooth=self.smoothing == EXP)

    def sentence_scores(self, statistics: Floats) -> Floats:
        """BLEU-4 [...] of single sentences: orders longer than the hypothesis are left out.

        As sacreBLEU's sentence_bleu (effective order).
        """
        orders = np.minimum(ORDER, statistics[..., :1]).astype(int)
        scores = _sacrebleu(statistics, smooth=self.smoothing == EXP)
        return np.take_along_axis(scores, np.maximum(orders - 1, 0), axis=-1)[..., 0]


def _parts(sums: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    return sums[..., :1], sums[..., 1:2], sums[..., 2 : 2 + ORDER], sums[..., 2 + ORDER :]


def _sacrebleu(sums: Floats, smooth: bool) -> Floats:
    hyp, ref, correct, total = _parts(sums)
    precision = ratio(correct, total)
    if smooth:  # each order without a match halves the precision once more
        missed = (correct == 0) & (total > 0)
        smoothed = ratio(np.exp2(-np.cumsum(missed, axis=-1)), total)
        precision = np.where(missed, smoothed, precision)
    possible = (precision.cumprod(axis=-1) > 0) & (correct[..., :1] > 0)
    logs = np.log(precision, out=np.zeros_like(precision), where=precision > 0)
    mean = np.cumsum(logs, axis=-1) / np.arange(1, ORDER + 1)
    penalty = np.exp(np.minimum(0, 1 - ratio(ref, hyp)))
    return np.where(possible, 100 * penalty * np.exp(mean), 0.0)


def _nlgeval(sums: Floats) -> Floats:
    tiny, small = 1e-15, 1e-9
    hyp, ref, correct, total = _parts(sums)
    product = np.cumprod((correct + tiny) / (total + small), axis=-1)
    penalty = np.exp(np.minimum(0, 1 - (ref + small) / (hyp + tiny)))
    return 100 * penalty * product ** (1 / np.arange(1, ORDER + 1))
