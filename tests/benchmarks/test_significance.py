"""Intervals and tests: arithmetic, determinism, and what they find in made-up systems."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import significance
from benchmarks.significance import (
    bootstrap,
    holm,
    interval,
    paired_bootstrap,
    randomisation_p,
    randomised,
    sums_by_unit,
    units_of,
)


def test_units_are_distinct_references() -> None:
    units = units_of(["a", "b", "a", "c", "b"])
    assert units.tolist() == [0, 1, 0, 2, 1]
    rows = np.arange(10.0).reshape(5, 2)
    assert sums_by_unit(rows, units).tolist() == [[4, 6], [10, 12], [6, 7]]


def test_units_of_a_stratum_need_not_start_at_zero() -> None:
    assert sums_by_unit(np.ones((3, 1)), np.array([7, 2, 7])).tolist() == [[1], [2]]


def test_bootstrap_draws_whole_units() -> None:
    statistics = np.array([[1.0, 1], [1, 1], [10, 1]])
    sums = bootstrap(statistics, np.array([0, 0, 1]), resamples=200, seed=1)
    # of the units {2 segments worth 2} and {1 segment worth 10} two are drawn
    assert set(map(tuple, sums.tolist())) == {(4, 4), (12, 3), (20, 2)}


def test_bootstrap_repeats_with_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(0).integers(0, 9, (50, 3)).astype(float)
    units = np.arange(50)
    first = bootstrap(rows, units, 100, seed=7)
    assert (bootstrap(rows, units, 100, seed=7) == first).all()
    assert (bootstrap(rows, units, 100, seed=8) != first).any()
    beside = bootstrap(np.hstack([rows, rows[::-1]]), units, 100, seed=7)
    assert (beside[:, :3] == first).all()
    monkeypatch.setattr(significance, "CHUNK", 333)
    assert (bootstrap(rows, units, 100, seed=7) == first).all()


def test_interval_covers_the_mean_of_95_in_100_samples() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for seed in range(200):
        rows = np.column_stack([rng.normal(5, 2, 80), np.ones(80)])
        sums = bootstrap(rows, np.arange(80), 400, seed)
        low, high = interval(sums[:, 0] / sums[:, 1])
        covered += bool(low <= 5 <= high)
    assert 178 <= covered <= 198


def test_repeating_every_sentence_does_not_narrow_an_interval() -> None:
    rows = np.column_stack([np.random.default_rng(5).normal(5, 2, 60), np.ones(60)])
    thrice, units = np.repeat(rows, 3, axis=0), np.repeat(np.arange(60), 3)

    def width(rows: np.ndarray, units: np.ndarray) -> float:
        sums = bootstrap(rows, units, 1000, 1)
        low, high = interval(sums[:, 0] / sums[:, 1])
        return float(high - low)

    assert width(thrice, units) == pytest.approx(width(rows, np.arange(60)))
    assert width(thrice, np.arange(180)) < 0.7 * width(thrice, units)


def test_interval_is_percentiles_and_ignores_missing_scores() -> None:
    low, high = interval(np.arange(1001.0))
    assert (low, high) == pytest.approx((25, 975))
    low, high = interval(np.append(np.arange(1001.0), [np.nan] * 5))
    assert (low, high) == pytest.approx((25, 975))


def correct(n: int, part: float, seed: int) -> np.ndarray:
    """Segments [n, 2] of a system that is right in a part of them."""
    right = np.random.default_rng(seed).random(n) < part
    return np.column_stack([right, np.ones(n)]).astype(float)


def percent(sums: np.ndarray) -> np.ndarray:
    return 100 * sums[..., 0] / sums[..., 1]


def both_tests(a: np.ndarray, b: np.ndarray, units: np.ndarray) -> tuple[float, float, float]:
    """p of both tests, and the observed difference."""
    value_a, value_b = float(percent(a.sum(axis=0))), float(percent(b.sum(axis=0)))
    sums = bootstrap(np.hstack([a, b]), units, 999, 1)
    found = paired_bootstrap(value_a, value_b, percent(sums[:, :2]), percent(sums[:, 2:]))
    assert found.low <= found.value <= found.high
    swapped = map(percent, randomised(a, b, units, 999, 1))
    return found.p, randomisation_p(value_a, value_b, *swapped), found.value


def test_a_better_system_is_found_and_a_twin_is_not() -> None:
    units = np.arange(400)
    a, b = correct(400, 0.7, 1), correct(400, 0.4, 2)
    p_bootstrap, p_randomised, value = both_tests(a, b, units)
    assert value > 20
    assert p_bootstrap == p_randomised == 0.001
    assert both_tests(a, a, units) == (1, 1, 0)
    assert min(both_tests(a, correct(400, 0.7, 9), units)[:2]) > 0.05


def test_randomisation_is_exact_for_few_units() -> None:
    # 3 units, all won by a: of 8 swaps 2 are as far apart as what was seen
    a, b = np.array([[1.0, 1]] * 3), np.array([[0.0, 1]] * 3)
    swapped_a, swapped_b = map(percent, randomised(a, b, np.arange(3), 4000, 1))
    assert randomisation_p(100, 0, swapped_a, swapped_b) == pytest.approx(0.25, abs=0.03)
    assert swapped_a + swapped_b == pytest.approx(100)


def test_swapping_keeps_units_together() -> None:
    a, b = np.array([[1.0], [1]]), np.array([[0.0], [0]])
    swapped, _ = randomised(a, b, np.array([0, 0]), 100, 1)
    assert set(swapped.ravel().tolist()) == {0.0, 2.0}


def test_no_score_no_test() -> None:
    nothing = np.full(10, np.nan)
    assert np.isnan(paired_bootstrap(np.nan, 1.0, nothing, nothing)).all()


def test_holm_by_hand() -> None:
    # 0.01 x 4, 0.02 x 3 ... never below the one before, never above 1
    assert holm([0.04, 0.01, 0.03, 0.9]) == pytest.approx([0.09, 0.04, 0.09, 0.9])
    assert holm([0.6, 0.5]) == [1.0, 1.0]
    assert holm([]) == []
