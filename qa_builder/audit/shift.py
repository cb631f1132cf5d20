"""Whether the questions of dev and train are like those of test: else dev is no guide to test.

Kinds are compared by the total variation distance (half the sum of the differences of shares, 0..1)
with a chi-squared test; leakage by the Kolmogorov-Smirnov statistic (the largest difference of the
two distribution functions, 0..1) with its test. A shift is told where it is large and not due to
chance.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from qa_builder.audit.question_set import QuestionSet, Rows

LARGE, CHANCE = 0.1, 0.01
FEWEST = 30  # questions of a split


def shift(questions: QuestionSet) -> list[dict[str, Any]]:
    """Each pair of splits with enough questions: distances, their p, and whether they differ."""
    names = [s for s, r in questions.splits.items() if len(r) >= FEWEST]
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    return [_compare(a, b, questions.splits[a], questions.splits[b]) for a, b in pairs]


def _compare(a: str, b: str, rows_a: Rows, rows_b: Rows) -> dict[str, Any]:
    from scipy.stats import ks_2samp

    distance, chance = _kinds(Counter(rows_a.kinds), Counter(rows_b.kinds))
    leakage = ks_2samp(rows_a.leakage, rows_b.leakage, method="asymp")
    ks, ks_chance = float(leakage.statistic), float(leakage.pvalue)
    return {
        "splits": [a, b],
        "kinds": round(distance, 4), "kinds_p": _digits(chance),
        "kinds_differ": distance > LARGE and chance < CHANCE,
        "leakage": round(ks, 4), "leakage_p": _digits(ks_chance),
        "leakage_differs": ks > LARGE and ks_chance < CHANCE,
    }  # fmt: skip


def _kinds(a: Counter[str], b: Counter[str]) -> tuple[float, float]:
    """Total variation distance of two counts, and the chance of one as large without a shift."""
    from scipy.stats import chi2_contingency

    names = sorted({*a, *b})
    distance = sum(abs(a[n] / a.total() - b[n] / b.total()) for n in names) / 2
    if len(names) < 2:
        return distance, 1.0
    return distance, float(chi2_contingency([[c[n] for n in names] for c in (a, b)]).pvalue)


def _digits(p: float) -> float:
    """p to three digits: enough, and the same on every machine."""
    return float(f"{p:.2e}")
