"""Lexicon files: their lines, and the wordings of questions with slots. Same for all languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from qa_builder.errors import QbsltError
from qa_builder.samples import KINDS

FOLDER = Path(__file__).parent / "lexicon"
_BLANKS = re.compile("_+")
_SLOT = re.compile(r" ?\{(\w+)\}")


class Wording(NamedTuple):
    """A question with slots, as "Wie wird das Wetter {wann} {wo}?"."""

    kind: str  # one of samples.KINDS
    asks: str  # the part of the sentence that it asks for: a word of the language's own, or "-"
    text: str
    slots: tuple[str, ...]
    name: str  # "section/3": which wording of its section

    @property
    def phrase(self) -> str:
        """Its fixed part with a blank for its slots (one for neighbours): two may have the same."""
        return _BLANKS.sub("_", _SLOT.sub("_", self.text))

    def fill(self, **parts: str) -> str:
        """The question with what is kept of the sentence; a slot without a part vanishes."""
        return _SLOT.sub(lambda m: f" {parts[m[1]]}" if parts.get(m[1]) else "", self.text)


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a lexicon with their numbers, without comments and blank ones.

    Raises QbsltError where the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise QbsltError(f"is a lexicon that cannot be read ({e}).", file=path) from None
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            yield number, line.strip()


def pairs(path: Path) -> Iterator[tuple[str, str]]:
    """The entries `left = right` of a lexicon; the right side is empty where there is none."""
    for _, line in lines(path):
        left, _, right = line.partition("=")
        yield left.strip(), right.strip()


def read_wordings(path: Path) -> dict[str, list[Wording]]:
    """The wordings of a file by section.

    A section starts with `[name]`; a wording is `kind asks question`. Raises QbsltError with the
    line of anything else.
    """
    sections: dict[str, list[Wording]] = {}
    section: list[Wording] | None = None
    name = ""
    for number, line in lines(path):
        if line.startswith("["):
            name = line.strip("[]")
            section = sections.setdefault(name, [])
            continue
        parts = line.split(None, 2)
        if section is None or len(parts) < 3 or parts[0] not in KINDS:
            raise QbsltError("is no wording of a section.", file=path, line=number,
                             cure=f"Write: KIND ASKS QUESTION; kinds: {', '.join(KINDS)}.")  # fmt: skip  # noqa: E501
        kind, asks, text = parts
        slots = tuple(_SLOT.findall(text))
        section.append(Wording(kind, asks, text, slots, f"{name}/{len(section) + 1}"))
    return sections
