"""Parts of a split that a score is looked at in: how much the question leaks, and who signs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks.conventions import WITHOUT_BLANKS
from benchmarks.metrics.base import Ints
from benchmarks.split_data import SplitData


class Stratum(NamedTuple):
    """A part of a split; `low` and `high` are the least and greatest value in it, if it has any."""

    name: str
    low: float | None = None
    high: float | None = None


class Strata(NamedTuple):
    """A split cut into parts: each of `parts` holds a row at least."""

    parts: list[Stratum]
    codes: Ints
    """[n] the part of each row; -1 for a row that is in none."""


def strata_of(data: SplitData) -> dict[str, Strata]:
    """All strata that the columns of a split allow, by name.

    leakage: thirds by the question's content recall; length: thirds by words (characters in
    languages without blanks); seen: whether the sentence stands in train; kind; signer.
    """
    found = {
        "leakage": thirds(data.question_leakage, ("low", "middle", "high")),
        "seen": named([_SEEN[s] for s in data.seen] if data.seen else [None] * len(data)),
        "kind": named(data.question_kind),
        "length": thirds(_lengths(data), ("short", "middle", "long")),
        "signer": named(data.signer),
    }
    return {name: strata for name, strata in found.items() if strata.parts}


_SEEN = {True: "seen in train", False: "unseen"}


def _lengths(data: SplitData) -> list[float | None]:
    if data.language in WITHOUT_BLANKS:
        return [len("".join(text.split())) for text in data.text]
    return [len(text.split()) for text in data.text]


def named(values: Sequence[str | None]) -> Strata:
    """One part for each value, in their order; rows with None are in none."""
    names = sorted({v for v in values if v is not None})
    code = {name: i for i, name in enumerate(names)}
    codes = [-1 if v is None else code[v] for v in values]
    return Strata([Stratum(name) for name in names], np.array(codes, np.int64))


def thirds(values: Sequence[float | None], names: Sequence[str]) -> Strata:
    """Three parts cut at the terciles of the values; equal values stay together.

    So parts may differ in size, and one may be lacking.
    """
    given = np.array([np.nan if v is None else v for v in values], np.float64)
    known = ~np.isnan(given)
    if not known.any():
        return Strata([], np.full(len(given), -1))
    cuts = np.quantile(given[known], (1 / 3, 2 / 3), method="inverted_cdf")
    third = np.searchsorted(cuts, given[known])
    used, codes = np.unique(third, return_inverse=True)
    parts = []
    for i, k in enumerate(used):
        inside = given[known][codes == i]
        parts.append(Stratum(names[k], float(inside.min()), float(inside.max())))
    all_codes = np.full(len(given), -1)
    all_codes[known] = codes
    return Strata(parts, all_codes)


def described(stratum: Stratum, n: int) -> dict[str, Any]:
    """What result.json says of a part, without its scores."""
    bounds = {} if stratum.low is None else {"low": stratum.low, "high": stratum.high}
    return {"name": stratum.name, "n": n} | bounds
