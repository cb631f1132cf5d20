"""The predictor behind the bits: each part by hand, the whole by what it must tell apart."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_builder.audit.bits import _elsewhere, _summary, mixture_weights, question_bits
from qa_builder.audit.lexical import LexicalModel
from qa_builder.audit.ngrams import TrigramModel
from qa_builder.audit.pointer import copying
from qa_builder.audit.tokens import EDGE, Ragged, Vocabulary, events_of, lookup
from qa_builder.audit.triggers import TriggerModel


def ragged(*sequences: list[int]) -> Ragged:
    starts = np.cumsum([0, *map(len, sequences)])
    return Ragged(np.array([v for s in sequences for v in s], dtype=np.int64), starts)


SOME = st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=6), min_size=1, max_size=8)


def test_events_of_sentences() -> None:
    events = events_of(ragged([1, 2], [], [3]))
    assert events.row.tolist() == [0, 0, 0, 1, 2, 2]
    assert events.word.tolist() == [1, 2, EDGE, EDGE, 3, EDGE]
    assert events.previous.tolist() == [EDGE, 1, 2, EDGE, EDGE, 3]
    assert events.before.tolist() == [EDGE, EDGE, 1, EDGE, EDGE, EDGE]
    assert events.starts.tolist() == [0, 3, 4, 6]


def test_rows_of_ragged_and_lookup() -> None:
    taken = ragged([1, 2], [], [3]).take(np.array([2, 0, 2]))
    assert taken.values.tolist() == [3, 1, 2, 3] and taken.lengths.tolist() == [1, 2, 1]
    keys, values = np.array([2, 5]), np.array([0.2, 0.5])
    assert lookup(keys, values, np.array([5, 3, 9, 2])).tolist() == [0.5, 0, 0, 0.2]
    vocabulary = Vocabulary()
    assert vocabulary.encode([["b", "a"], ["b"]]).values.tolist() == [1, 2, 1]
    assert len(vocabulary) == 3


def test_kneser_ney_by_hand() -> None:
    """One sentence "1 2", three tokens with the end: D = 1/2, p1 = 1/3, p2 = 2/3, p3 = 5/6."""
    events = events_of(ragged([1, 2]))
    p, left = TrigramModel(events, 3).predict(events)
    assert p == pytest.approx([5 / 6] * 3) and left == pytest.approx([0.5] * 3)
    other = events._replace(word=np.array([2, 1, 1]))
    assert TrigramModel(events, 3).predict(other)[0] == pytest.approx([1 / 12] * 3)


@settings(deadline=None, max_examples=40)
@given(SOME, st.integers(0, 5), st.integers(0, 5))
def test_the_trigram_model_sums_to_one(sentences: list[list[int]], before: int, last: int) -> None:
    size = 6  # token 5 is never seen
    model = TrigramModel(events_of(ragged(*sentences)), size)
    every = events_of(ragged([1] * (size - 1)))._replace(
        word=np.arange(size), previous=np.full(size, last), before=np.full(size, before)
    )
    assert model.predict(every)[0].sum() == pytest.approx(1)


def test_copying_by_hand() -> None:
    """The sentence "1 2 1" and the question "2 1"."""
    copied = copying(events_of(ragged([1, 2, 1])), ragged([2, 1]), 3)
    assert copied.remaining == pytest.approx([1 / 3, 1 / 2, 0, 1])
    assert copied.next == pytest.approx([0, 0, 1, 1])
    assert copied.follows.tolist() == [1, 1, 1, 2]


@settings(deadline=None, max_examples=40)
@given(SOME, st.lists(st.integers(1, 5), max_size=6))
def test_copying_sums_to_one(sentences: list[list[int]], question: list[int]) -> None:
    """Over all tokens that may come next, after each prefix of each sentence."""
    size = 6
    for sentence in sentences:
        for n in range(len(sentence) + 1):
            grown = [[*sentence[:n], w] for w in range(1, size)] + [sentence[:n]]
            copied = copying(events_of(ragged(*grown)), ragged(*[question] * size), size)
            last = [sum(len(g) + 1 for g in grown[:i]) + n for i in range(size)]
            assert copied.remaining[last].sum() == pytest.approx(1)
            follows = copied.next[last].sum()
            assert follows == pytest.approx(0 if copied.follows[last[0]] == 0 else 1)


def test_words_that_go_together() -> None:
    """Question 3 goes with the word 1, question 4 with 2; what goes with neither is 5."""
    sentences, questions = ragged(*[[1, 5], [2, 5]] * 20), ragged(*[[3], [4]] * 20)
    events = events_of(sentences)
    model, trained = LexicalModel(events, questions, 6), events.row < 38
    p = model.predict(trained, ~trained)
    right = p[0]
    swapped = LexicalModel(events, ragged(*[[3], [4]] * 19, [4], [3]), 6)
    wrong = swapped.predict(trained, ~trained)[0]
    assert right > 0.25 > 10 * wrong


def test_one_pair_by_hand() -> None:
    """One word, one question token: word and end are alike, t = (1/2 + 1/2) / (1 + 1)."""
    events = events_of(ragged([1]))
    every = np.ones(2, dtype=bool)
    assert LexicalModel(events, ragged([2]), 3).predict(every, every) == pytest.approx([0.5, 0.5])


def test_triggers_by_hand() -> None:
    """After the start and question 3: once the word 1, once 2; with M = 3 and p_1 = 1/4 each.

    A third row, asked alike, has (1 + 3/4) / (2 + 3) for 1, and so has nothing (token 0): the
    attention doesn't matter. Then comes, after 1, the end: (1 + 3/4) / (1 + 3).
    """
    events = events_of(ragged([1], [2], [1]))
    trained = events.row < 2
    model = TriggerModel(events, ragged([3], [3], [3]), np.full(6, 0.25), 4)
    assert model.predict(trained, ~trained) == pytest.approx([1.75 / 5, 1.75 / 4])


def test_a_trigger_sums_to_one_and_prefers_what_tells() -> None:
    """Question 3 is always there and tells nothing; 4 and 5 tell whether 1 or 2 comes."""
    pairs = [([1], [3, 4]), ([2], [3, 5])] * 30
    told = [*(t for t, _ in pairs), [1], [2], [3], [4], [5], []]
    asked = [*(q for _, q in pairs), *[[3, 4]] * 6]
    events = events_of(ragged(*told))
    trained, first = events.row < 60, np.zeros(len(events.word), dtype=bool)
    first[events.starts[60:-1]] = True
    p = TriggerModel(events, ragged(*asked), np.full(len(first), 1 / 6), 6).predict(trained, first)
    assert p.sum() == pytest.approx(1)
    alike = (2 * 30.5 / 63 + 30.5 / 33) / 3  # were 0, 3 and 4 to count alike
    assert p[0] > alike + 0.05


def test_mixture_weights_by_hand() -> None:
    p_k = np.zeros((5, 9))
    p_k[0] = 0.3
    weights = mixture_weights(p_k, np.zeros(9, dtype=np.int64))
    assert weights[:, 0] == pytest.approx([9.25 / 10, 1 / 40, 1 / 40, 1 / 40, 0])
    assert weights[:, 1] == pytest.approx([0.2] * 5)  # a state that was never seen
    assert weights.sum(0) == pytest.approx(np.ones(weights.shape[1]))


def test_summary_by_hand() -> None:
    gain = np.array([[4.0, 2.0, 0.0], [1.0, -1.0, 0.0]])
    made = _summary(gain, np.array([2.0, 2.0, 4.0]), np.array([0, 0, 1]), seed=0)
    assert (made["bits"], made["shuffled"], made["above"]) == (0.75, 0.0, 0.75)
    assert (made["rows"], made["sentences"]) == (3, 2)
    # Two sentences: the intervals are those of drawing either or both.
    assert (made["low"], made["high"]) == (0.0, 1.5)


@given(st.lists(st.integers(0, 9), min_size=2, max_size=60), st.integers(0, 5))
def test_shuffling_leaves_no_question_with_its_sentence(values: list[int], seed: int) -> None:
    identity = np.array(values)
    other = _elsewhere(identity, np.random.default_rng(seed))
    assert sorted(other.tolist()) == list(range(len(values)))
    if 2 * np.bincount(identity).max() <= len(values):
        assert (identity[other] != identity).all()


def weather(n: int, seed: int) -> list[list[str]]:
    rng = random.Random(seed)
    days, places = ["heute", "morgen", "montag", "dienstag"], ["norden", "süden", "westen", "osten"]
    skies = ["sonne", "regen", "schnee", "nebel", "wolken", "gewitter"]
    return [["am", rng.choice(days), "gibt", "es", "im", rng.choice(places), rng.choice(skies),
             "bei", str(rng.randrange(20)), "grad"] for _ in range(n)]  # fmt: skip


def measured(
    asked: dict[str, list[list[str]]], told: dict[str, list[list[str]]]
) -> dict[str, dict[str, Any]]:
    return {s: b.summary for s, b in question_bits(told, asked, told["train"]).items()}


TOLD = {"train": weather(600, 1), "dev": weather(80, 2), "test": weather(80, 3)}


def test_a_question_that_is_its_answer_tells_all() -> None:
    found = measured(TOLD, TOLD)
    assert list(found) == ["train", "dev", "test"]
    for split, figures in found.items():
        assert figures["bits"] > 0.8 and abs(figures["shuffled"]) < 0.1, split
        assert figures["low"] > 0.8
    assert found["train"]["method"] == "cross-validated"
    assert found["test"]["method"] == "trained on train"


def test_a_question_that_says_nothing_tells_nothing() -> None:
    found = measured({s: [["wie", "wird", "es"]] * len(v) for s, v in TOLD.items()}, TOLD)
    for figures in found.values():
        assert abs(figures["bits"]) < 0.02 and figures["low"] <= 0 <= figures["high"]


def test_bits_see_a_paraphrase() -> None:
    """No token is common, but each sky has its own word in the question."""
    words = {"sonne": "hell", "regen": "nass", "schnee": "weiß", "nebel": "trüb",
             "wolken": "grau", "gewitter": "laut"}  # fmt: skip
    asked = {s: [["wird", "es", words[t[6]]] for t in v] for s, v in TOLD.items()}
    found = measured(asked, TOLD)
    for figures in found.values():
        assert figures["low"] > 0.05 and abs(figures["shuffled"]) < 0.05


def test_more_of_the_answer_is_more_bits() -> None:
    parts = [{s: [t[: 2 * k] or ["wie"] for t in v] for s, v in TOLD.items()} for k in (0, 2, 5)]
    bits = [measured(part, TOLD)["test"]["bits"] for part in parts]
    assert bits[0] < bits[1] < bits[2]


def test_a_split_alone_is_cross_validated_and_a_tiny_one_is_left_out() -> None:
    told = {"dev": TOLD["dev"], "test": TOLD["test"][:5]}
    found = question_bits(told, told, TOLD["train"])
    assert list(found) == ["dev"] and found["dev"].summary["method"] == "cross-validated"
    assert found["dev"].summary["low"] > 0.3


def test_the_same_seed_gives_the_same_bits() -> None:
    asked = {s: [t[4:7] for t in v] for s, v in TOLD.items()}
    first, again, other = (question_bits(TOLD, asked, TOLD["train"], seed) for seed in (3, 3, 4))
    assert first["train"].summary == again["train"].summary
    assert np.array_equal(first["test"].shuffled, again["test"].shuffled)
    assert np.array_equal(first["test"].bits, other["test"].bits)
    assert not np.array_equal(first["test"].shuffled, other["test"].shuffled)
