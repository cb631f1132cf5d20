"""What every source of questions gives: for each clip of a batch, its questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, overload

from qa_builder.corpora.base import ClipBatch, CorpusInfo, Notes, Reject, SourceFile
from qa_builder.lines import odd_units, units_of
from qa_builder.samples import Provenance, Question
from qa_builder.text import INVISIBLE


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

    def ask(self, batch: ClipBatch, notes: Notes) -> Sequence[list[Question]]:
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


class OneEach(Sequence[list[Question]]):
    """One question for each clip of a batch, all of one file, as columns.

    Reads like any answer of `ask`; a build takes the columns, and makes no objects of the rows.
    """

    def __init__(self, source: str, file: str, lines: Sequence[int], texts: Sequence[str]) -> None:
        self.source, self.file, self.lines, self.texts = source, file, lines, texts

    def __len__(self) -> int:
        return len(self.texts)

    @overload
    def __getitem__(self, i: int) -> list[Question]: ...
    @overload
    def __getitem__(self, i: slice) -> list[list[Question]]: ...
    def __getitem__(self, i: int | slice) -> list[Question] | list[list[Question]]:
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(len(self)))]
        provenance = Provenance(self.source, file=self.file, line=self.lines[i])
        return [Question(self.texts[i], None, self.source, None, provenance)]


INVISIBLE_NOTE = ("zero-width or control character", "", "in question rows, kept")


def note_invisible(
    notes: Notes,
    file: str,
    lines: Sequence[int],
    ids: Sequence[str],
    columns: Mapping[str, Sequence[str | None]],
) -> None:
    """Note invisible characters in columns of question rows, whose lines and ids are given."""
    for what, values in columns.items():
        odd = map(chr, odd_units(units_of("".join(filter(None, values)))))
        there = [c for c in odd if INVISIBLE.match(c)]
        for i in sorted({i for c in there for i, v in enumerate(values) if v and c in v}):
            found = INVISIBLE.findall(values[i] or "")
            codes = " ".join(sorted({f"U+{ord(c):04X}" for c in found}))
            notes.rejects.append(Reject(file, lines[i], ids[i], "invisible-character",
                                        f"kept; {len(found)} in the {what}: {codes}"))  # fmt: skip
