"""Where systems differ: by stratum, by how frequent a word is in train, and by n-gram."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.conventions import WITHOUT_BLANKS, Convention
from benchmarks.metrics.base import Vocabulary
from benchmarks.metrics.bleu import ORDER
from benchmarks.metrics.ngrams import matches

FREQUENCIES = (0, 1, 10, 100, 1000)  # lower bounds of occurrences in train
NGRAMS = 12  # listed a direction


def by_stratum(strata: Mapping[str, Mapping[str, Sequence[Any]]]) -> dict[str, list[Any]]:
    """Scores by stratum, systems side by side, of the `strata` of each system's result.

    All systems are scored on the same rows, so their strata are the same.
    """
    first = next(iter(strata.values()))
    return {
        kind: [
            {
                "name": stratum["name"], "n": stratum["n"],
                "scores": {name: found[kind][i]["scores"] for name, found in strata.items()},
            }
            for i, stratum in enumerate(first[kind])
        ]
        for kind in first
    }  # fmt: skip


def by_frequency(
    convention: Convention, language: str, references: Sequence[str],
    systems: Mapping[str, Sequence[str]], train: Sequence[str],
) -> list[dict[str, Any]]:  # fmt: skip
    """F1 of words (percent), by how often they occur in the sentences of train.

    Words are the tokens of the convention; hypothesis and reference are compared as multisets in
    each segment, and counts are summed. `n`: such words in the references.
    """
    prepare, vocabulary = convention.preparation(language), Vocabulary()
    trained = prepare(train, vocabulary).tokens
    reference = prepare(references, vocabulary).tokens
    hypotheses = {name: prepare(texts, vocabulary).tokens for name, texts in systems.items()}
    occurrences = np.bincount(trained.ids, minlength=len(vocabulary))
    rows = []
    for low, high in zip(FREQUENCIES, (*FREQUENCIES[1:], None), strict=True):
        chosen = occurrences >= low
        if high is not None:
            chosen &= occurrences < high
        ref = reference.where(chosen[reference.ids])
        scores = {}
        for name, tokens in hypotheses.items():
            hyp = tokens.where(chosen[tokens.ids])
            total = len(hyp.ids) + len(ref.ids)
            both = matches(hyp, ref, 1).sum()
            scores[name] = {"f1": float(200 * both / total) if total else None}
        rows.append({"name": _span(low, high), "n": len(ref.ids), "scores": scores})
    return rows


def _span(low: int, high: int | None) -> str:
    if high is None:
        return f"{low:,} and more"
    return "not in train" if low == 0 else f"{low}–{high - 1}"


def ngrams(
    convention: Convention, language: str, references: Sequence[str],
    a: Sequence[str], b: Sequence[str],
) -> dict[str, list[dict[str, Any]]]:  # fmt: skip
    """N-grams (1 to 4 tokens) of the references that one system gets right and the other does not.

    `a_only`: in how many places a has it and b has not; `b_only`: the reverse; listed by their
    difference, longer n-grams first among equals.
    """
    prepare, vocabulary = convention.preparation(language), Vocabulary()
    rows = [prepare(texts, vocabulary).tokens.rows() for texts in (references, a, b)]
    a_only: Counter[tuple[int, ...]] = Counter()
    b_only: Counter[tuple[int, ...]] = Counter()
    for ref, one, other in zip(*rows, strict=True):
        expected = _grams(ref)
        right_a, right_b = _grams(one) & expected, _grams(other) & expected
        a_only.update(right_a - right_b)
        b_only.update(right_b - right_a)
    words, blank = list(vocabulary), "" if language in WITHOUT_BLANKS else " "

    def listed(more: Counter[tuple[int, ...]], less: Counter[tuple[int, ...]]) -> list[Any]:
        best = sorted(more, key=lambda g: (less[g] - more[g], -len(g), g))[:NGRAMS]
        return [
            {"ngram": blank.join(words[i] for i in g), "a_only": a_only[g], "b_only": b_only[g]}
            for g in best if more[g] > less[g]
        ]  # fmt: skip

    return {"a_better": listed(a_only, b_only), "b_better": listed(b_only, a_only)}


def _grams(row: Sequence[int]) -> Counter[tuple[int, ...]]:
    return Counter(
        tuple(row[i : i + n]) for n in range(1, ORDER + 1) for i in range(len(row) - n + 1)
    )
