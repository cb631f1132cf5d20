"""Content recall: many sentences at once are as one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_builder.audit.leakage import content_overlaps, overlap_counts

WORDS = {
    "de": st.lists(st.sampled_from(["regen", "die", "und", "süden", "wind", "in"]), max_size=5),
    "zh": st.lists(st.sampled_from(["天", "的", "我", "了", "𠀀"]), max_size=5),
}


@pytest.mark.parametrize(
    ("text", "question", "counts"),
    [
        ("der regen kommt der regen", "kommt regen", (2, 2)),
        ("die und", "und", (1, 2)),  # no content token: all count
        ("", "regen", (0, 0)), ("regen", "", (0, 1)),
    ],
)  # fmt: skip
def test_counts(text: str, question: str, counts: tuple[int, int]) -> None:
    assert content_overlaps([text], [question], "de") == [counts]
    assert content_overlaps([text] * 200, [question] * 200, "de") == [counts] * 200


@pytest.mark.parametrize("language", WORDS)
@given(data=st.data())
def test_many_at_once(language: str, data: st.DataObject) -> None:
    between = "" if language == "zh" else " "
    pairs = data.draw(st.lists(st.tuples(WORDS[language], WORDS[language]), max_size=8))
    rows = [(between.join(text), between.join(question)) for text, question in pairs]
    one_by_one = [content_overlaps([text], [question], language)[0] for text, question in rows]
    many = rows * 100
    given_, content = overlap_counts([t for t, _ in many], [q for _, q in many], language)
    assert list(zip(given_.tolist(), content.tolist(), strict=True)) == one_by_one * 100
