"""What every generated question must pass, whoever wrote it: pure functions. (Ours.)

It is one line of readable text, not too long, in the corpus's language, a question, not the answer
itself, and gives away no more of the answer than the budget allows.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache
from typing import NamedTuple

from qa_builder.audit.leakage import content_overlaps
from qa_builder.function_words import FUNCTION_WORDS
from qa_builder.questions.candidates import BUDGET
from qa_builder.questions.kinds import kind_of
from qa_builder.text import INVISIBLE, UNSPACED, normalize_all

REASONS = ("form", "language", "length", "answer", "leakage", "no-question")
WORDS = (2, 30)  # of spaced languages
CHARACTERS = (3, 45)  # of unspaced ones
_KNOWN = 1 / 6  # share of words: a question that has fewer known words of its language is foreign
_OWN_SCRIPT = 0.7  # share of letters: a foreign name or an abbreviation is no other language
# Words that many German questions have as their only sign of being German.
_ASKING = frozenset(
    ("wann", "warum", "was", "wer", "weshalb", "wie", "wieso", "wo", "wodurch", "woher", "wohin",
     "womit")
)  # fmt: skip


class Rejection(NamedTuple):
    """Why a question is not used."""

    reason: str  # one of REASONS
    detail: str  # for people: what was measured


def rejection(
    question: str, sentence: str, language: str, budget: float = BUDGET, prompt: bool = False
) -> Rejection | None:
    """Why `question` can't stand before `sentence`, or None where it can.

    `language` is that of both (ISO 639-1); with `prompt` it need not be a question, as what comes
    before a greeting is none. The first gate that closes gives the reason.
    """
    if not question.strip() or INVISIBLE.search(question) or len(question.splitlines()) != 1:
        return Rejection("form", "empty, of several lines, or with invisible characters")
    asked, answer = normalize_all([question, sentence], language)
    if not in_language(asked, answer, language):
        return Rejection("language", f"does not look like {language}")
    if found := _closeness(asked, answer, language, budget):
        return found
    if not (prompt or is_question(question, asked, language)):
        return Rejection("no-question", "asks nothing")
    return None


def _closeness(asked: str, answer: str, language: str, budget: float) -> Rejection | None:
    """The gates that compare tokens, of normalised forms."""
    spaced = language not in UNSPACED
    tokens, own = (t.split() if spaced else list(t) for t in (asked, answer))
    least, most = WORDS if spaced else CHARACTERS
    if not least <= len(tokens) <= most:
        return Rejection("length", f"{len(tokens)} tokens, allowed are {least} to {most}")
    if sorted(tokens) == sorted(own):
        return Rejection("answer", "is the sentence itself, or its words in another order")
    given, content = content_overlaps([answer], [asked], language)[0]
    if content and given / content > budget:
        share = f"{given} of {content} content tokens"
        return Rejection("leakage", f"holds {share} of the sentence, allowed is {budget:.2f}")
    return None


def is_question(question: str, asked: str, language: str) -> bool:
    """By its mark, or by its first words (`asked` is its normalised form)."""
    return question.rstrip().endswith(("?", "？")) or kind_of(language)(asked) != "prompt"


def in_language(asked: str, answer: str, language: str) -> bool:
    """Whether a normalised question is in the language of the sentence that it asks for.

    Its letters must be of the sentence's script. German and English share one: there the words
    that only one language has decide, and a question nearly without known words is foreign.
    """
    letters = Counter(_script(c) for c in asked if c.isalpha())
    own = "CJK" if language in UNSPACED else _main_script(answer)
    if letters[own] < _OWN_SCRIPT * letters.total():
        return False
    if language not in ("de", "en"):
        return True
    words = set(asked.split())
    known = FUNCTION_WORDS[language] | (_ASKING if language == "de" else frozenset())
    other = FUNCTION_WORDS["en" if language == "de" else "de"]
    foreign = words & other - known
    mine = words & (known | set(answer.split())) - foreign
    return len(foreign) <= len(mine - other) and len(mine) > _KNOWN * len(words)


def _main_script(text: str) -> str:
    scripts = Counter(_script(c) for c in text if c.isalpha())
    return max(sorted(scripts), key=scripts.__getitem__, default="LATIN")


@lru_cache(maxsize=10_000)
def _script(letter: str) -> str:
    """LATIN, CJK, CYRILLIC, ...: the first word of a letter's name in Unicode."""
    return unicodedata.name(letter, "?").split(maxsplit=1)[0].partition("-")[0]
