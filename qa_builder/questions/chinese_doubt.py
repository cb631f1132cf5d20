"""What speaks against a Chinese question, whatever the sentence: doubtful sections, words. (Ours.)"""

from __future__ import annotations

from functools import cache

from qa_builder.questions.chinese_words import within
from qa_builder.questions.wordings import FOLDER


def doubt(section: str, asks: str) -> float:
    """How much speaks against the wordings of a section, of a mood: 0 for most."""
    known = _doubtful()
    return known.get(f"{section}/{asks}", known.get(section, 0.0))


def is_unsaid(question: str) -> bool:
    """Whether a question has a word that no partner takes from a sentence: abuse, suicide."""
    return any(word in question for word in within("unsaid"))


@cache
def _doubtful() -> dict[str, float]:
    lines = (FOLDER / "zh_doubtful.txt").read_text("utf-8").splitlines()
    rows = (line.split(" = ") for line in lines if line and not line.startswith("#"))
    return {name: float(value) for name, value in rows}
