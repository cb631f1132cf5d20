"""The choice of a question: budget, variety, the same every time."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_builder.errors import QbsltError
from qa_builder.questions.candidates import Candidate
from qa_builder.questions.choose import Chooser

SENTENCE = "am montag regnet es im norden kräftig"  # content: montag regnet norden kräftig


def candidate(text: str, kind: str = "what", template: str = "") -> Candidate:
    return Candidate(text, kind, "", template or text, "rain")


def chosen(candidates: list[Candidate], **options: float) -> list[str]:
    chooser = Chooser("de", **options)  # type: ignore[arg-type]
    return [c.text for c in chooser.choose(["clip"], [SENTENCE], [candidates])[0]]


def test_the_budget_is_kept_even_by_a_worse_question() -> None:
    telling = candidate("Regnet es am Montag im Norden?", "yes-no")  # gives 3 of 4 away
    general = candidate("Wie geht es weiter?", "prompt")
    assert chosen([telling, general]) == [general.text]
    assert chosen([telling, general], budget=0.75) == [telling.text]


def test_the_answer_itself_is_no_question() -> None:
    answer = candidate("Am Montag regnet es im Norden kräftig?")
    with pytest.raises(QbsltError, match=r"\[clip\] no question keeps the leakage budget of 1"):
        chosen([answer], budget=1)


def test_a_budget_that_no_question_keeps_is_told() -> None:
    with pytest.raises(QbsltError, match="leakage budget of 0"):
        chosen([candidate("Wo regnet es?")], budget=0)
    with pytest.raises(QbsltError, match="is none: it is a share"):
        Chooser("de", budget=1.5)


def test_a_copied_run_costs_more_than_a_loose_word() -> None:
    """Both give as much away, but only one repeats four words in a row."""
    run = candidate("Was heißt es, am Montag regnet es?")
    loose = candidate("Wie viel regnet es am Montag?", "how-many")
    assert chosen([run, loose]) == [loose.text]


def test_what_fits_worse_is_asked_where_nothing_else_is() -> None:
    pointed = candidate("Was fällt vom Himmel?", template="a")
    general = candidate("Was gibt es Neues?", template="b")._replace(misfit=3.0)
    assert chosen([general, pointed]) == [pointed.text]
    assert chosen([general]) == [general.text]


def test_wordings_of_one_phrase_are_counted_together() -> None:
    """Two sections ask in the same words: a third wording has its turn as often as both."""
    own = [candidate(f"Was ist {n}?", template=f"{n % 2}/1")._replace(phrase="Was ist _?")
           for n in range(60)]  # fmt: skip
    own += [candidate(f"Was macht {n}?", template="c")._replace(phrase="Was macht _?")
            for n in range(60)]  # fmt: skip
    ids = [f"c{i}" for i in range(600)]
    asked = [q[0].phrase for q in Chooser("de").choose(ids, [SENTENCE] * 600, [own] * 600)]
    assert max(Counter(asked).values()) < 0.6 * 600


def test_several_questions_of_a_clip_differ_in_text_and_kind() -> None:
    given_ = [
        candidate("Wo ist es nass?", "where", "a"),
        candidate("Wo ist es feucht?", "where", "b"),
        candidate("Wer braucht einen Schirm?", "who", "c"),
    ]
    two = chosen(given_, per_clip=2)
    assert len(two) == 2 and "Wer braucht einen Schirm?" in two
    assert sorted(chosen(given_ * 2, per_clip=9)) == sorted(c.text for c in given_)


def test_kinds_and_wordings_spread_over_a_corpus() -> None:
    many = [candidate(f"{word} {n}?", kind, f"{kind}{n}")
            for kind, word in (("where", "Wo"), ("what", "Was"), ("how", "Wie")) for n in range(30)]  # fmt: skip  # noqa: E501
    many.append(candidate("Wie geht es weiter?", "prompt"))
    ids = [f"c{i}" for i in range(2000)]
    questions = [q[0] for q in Chooser("de").choose(ids, [SENTENCE] * 2000, [many] * 2000)]
    assert max(Counter(q.text for q in questions).values()) <= 0.03 * 2000
    assert max(Counter(q.kind for q in questions).values()) <= 0.40 * 2000


@given(st.integers(0, 5), st.lists(st.integers(1, 7), min_size=1, max_size=5))
def test_batches_make_no_difference_and_the_seed_does(seed: int, sizes: list[int]) -> None:
    own = [candidate(f"Was kommt {n}?", template=str(n)) for n in range(20)]
    n = sum(sizes)
    ids = [f"c{i}" for i in range(n)]
    whole = Chooser("de", seed).choose(ids, [SENTENCE] * n, [own] * n)
    chooser, parts = Chooser("de", seed), []
    for size in sizes:
        part = ids[len(parts) : len(parts) + size]
        parts += chooser.choose(part, [SENTENCE] * size, [own] * size)
    assert parts == whole
    long = [f"c{i}" for i in range(30)]
    a, b = (Chooser("de", s).choose(long, [SENTENCE] * 30, [own] * 30) for s in (seed, seed + 1))
    assert a != b
