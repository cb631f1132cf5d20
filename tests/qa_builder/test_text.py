"""The form in which strings are compared, and the cleaned gloss."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qa_builder.text import (
    INVISIBLE,
    clean_phoenix_gloss,
    clean_phoenix_glosses,
    is_chinese,
    normalize_all,
    normalize_question,
    squeeze,
)  # fmt: skip

TEXTS = st.lists(st.text(max_size=12), max_size=6)
LANGUAGES = st.sampled_from(["de", "zh"])


@pytest.mark.parametrize(
    ("text", "language", "normal"),
    [
        ("  Wie  WARM wird's, morgen?! ", "de", "wie warm wird s morgen"),
        ("Wie wa\u200brm\ufeff", "de", "wie warm"),
        ("u\u0308ber", "de", "über"),
        ("straße №１", "de", "straße no1"),
        ("你 怎么样 ？ＡＢＣ", "zh", "你怎么样abc"),
        ("a\tb\nc\r\nd\u2028e", "de", "a b c d e"),
        ("?!", "de", ""),
    ],
)
def test_normal_form(text: str, language: str, normal: str) -> None:
    assert normalize_question(text, language) == normal


@settings(max_examples=300)
@example(["e\u200b\u0301", "x"], "de")  # an accent that meets its letter when a mark has gone
@example(["a¨", "ΑΣ", "Α", "\n", ""], "zh")
@example(["\n", " \n ", "x\ny"], "de")
@given(TEXTS, LANGUAGES)
def test_all_at_once_is_one_by_one_and_idempotent(texts: list[str], language: str) -> None:
    together = normalize_all(texts, language)
    assert together == [normalize_question(t, language) for t in texts]
    assert normalize_all(together, language) == together


@settings(max_examples=300)
@example(["e\u200b\u0301", "  x", "y  ", "", "Σ σΣ", "…a", "İ", "\ud800", "🙂", "a\nb"], "de")
@given(TEXTS, LANGUAGES)
def test_many_through_the_table_are_as_one_by_one(texts: list[str], language: str) -> None:
    many = texts + ["Wie wird's?"] * 100
    assert normalize_all(many, language) == [normalize_question(t, language) for t in many]


def test_each_character_alone_and_beside_others() -> None:
    """All of those that the table knows, in an order that puts them beside changing ones."""
    characters = [chr(c) for c in (*range(0x3100), *range(0xFE00, 0x10010))]
    random.Random(0).shuffle(characters)
    lines = ["".join(characters[i : i + 9]) for i in range(0, len(characters), 9)]
    for texts in (characters, lines):
        assert normalize_all(texts, "de") == [normalize_question(t, "de") for t in texts]


@settings(max_examples=200)
@given(TEXTS, LANGUAGES)
def test_what_is_left(texts: list[str], language: str) -> None:
    for text in normalize_all(texts, language):
        assert not INVISIBLE.search(text) and text == text.strip()
        assert "  " not in text and "\n" not in text and (language == "de" or " " not in text)


@pytest.mark.parametrize(
    ("gloss", "clean"),
    [
        ("MORGEN SONNE", "MORGEN SONNE"),
        ("__ON__ loc-NORD REGEN++ __OFF__", "NORD REGEN"),
        ("cl-KOMMEN poss-MEIN lh-HAND rh-HAND qu-WO", "KOMMEN MEIN HAND HAND WO"),
        ("neg-KALT negalp-KEIN IX WIE-AUSSEHEN", "neg-KALT negalp-KEIN IX WIE-AUSSEHEN"),
        ("J+U+L+I", "J+U+L+I"),
        ("loc-cl-BERG+ __EMOTION__ ", "BERG"),
        ("__LEFTHAND__", ""),
    ],
)
def test_clean_gloss(gloss: str, clean: str) -> None:
    assert clean_phoenix_gloss(gloss) == clean and clean_phoenix_glosses([gloss]) == [clean]
    assert clean_phoenix_gloss(clean) == clean


@given(st.lists(st.text(st.sampled_from("AÄ+_a \n-loc"), max_size=6)))
def test_many_glosses_are_cleaned_as_each_is(glosses: list[str]) -> None:
    assert clean_phoenix_glosses(glosses) == list(map(clean_phoenix_gloss, glosses))


def test_han_and_blanks() -> None:
    assert is_chinese("a 你") and is_chinese("\U00020000") and not is_chinese("ä ー？")
    assert squeeze(" 你\u3000好\n吗 ") == "你好吗"
