"""What every source of questions gives: for each clip of a batch, its questions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from qa_builder.corpora.base import ClipBatch, CorpusInfo, Notes, Reject, SourceFile
from qa_builder.samples import Question
from qa_builder.text import INVISIBLE, characters_of


class QuestionSource(Protocol):
    """Annotated files, rules, or a language model. A build asks it batch by batch.

    It leaves `leakage` None, and `kind` if it does not know it: the build computes both alike for
    all sources.
    """

    @property
    def name(self) -> str:
        """One of samples.SOURCES, or "none"."""
        ...

    def sources(self) -> list[SourceFile]:
        """The files that it reads: their hashes go into the manifest."""
        ...

    def start(self, info: CorpusInfo, notes: Notes) -> None:
        """Get ready for a corpus. Raises QbsltError for bad input."""
        ...

    def ask(self, batch: ClipBatch, notes: Notes) -> list[list[Question]]:
        """For each clip of the batch its questions, none to several, in a fixed order."""
        ...

    def finish(self, notes: Notes) -> None:
        """Note what was left over when all clips had been asked for."""
        ...

    def facts(self) -> dict[str, object]:
        """What the manifest says of this source, beside its name."""
        ...


class NoQuestions:
    """`--questions none`: every clip goes without one."""

    name = "none"

    def sources(self) -> list[SourceFile]:
        return []

    def start(self, info: CorpusInfo, notes: Notes) -> None:
        """Nothing to get ready."""

    def ask(self, batch: ClipBatch, notes: Notes) -> list[list[Question]]:
        return [[] for _ in range(len(batch))]

    def finish(self, notes: Notes) -> None:
        """Nothing is left over."""

    def facts(self) -> dict[str, object]:
        return {}


INVISIBLE_NOTE = ("zero-width or control character", "", "in question rows, kept")


def note_invisible(
    notes: Notes,
    file: str,
    rows: Sequence[tuple[int, str]],
    columns: Mapping[str, Sequence[str]],
) -> None:
    """Note invisible characters in columns of question rows; `rows` gives their lines and ids."""
    for what, values in columns.items():
        there = INVISIBLE.findall("".join(characters_of("".join(values))))
        if not there:
            continue
        one_of = re.compile(f"[{''.join(there)}]")  # looks faster for one than for any
        for (line, clip_id), value in zip(rows, values, strict=True):
            if found := one_of.findall(value):
                codes = " ".join(sorted({f"U+{ord(c):04X}" for c in found}))
                notes.rejects.append(Reject(file, line, clip_id, "invisible-character",
                                            f"kept; {len(found)} in the {what}: {codes}"))  # fmt: skip  # noqa: E501
