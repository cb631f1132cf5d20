"""`--questions annotated:FILE`: questions that people wrote, joined to the clips by id.

Nothing is repaired in silence: rows that fit no clip, doubles, empty questions, invisible
characters and sentences that are not the corpus's are counted and listed. (Ours.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path

from qa_builder.corpora.base import (
    FINDING,
    NOTE,
    ClipBatch,
    CorpusInfo,
    Finding,
    Notes,
    Reject,
    SourceFile,
)  # fmt: skip
from qa_builder.corpora.textfile import shown
from qa_builder.errors import counted
from qa_builder.questions.base import INVISIBLE_NOTE, OneEach, note_invisible
from qa_builder.questions.formats import QuestionColumns, QuestionRow, read_questions
from qa_builder.samples import Provenance, Question
from qa_builder.text import normalize_question

# A file's sentence that is less like the corpus's than this is another sentence, not another
# revision of it: its question belongs to another clip.
_SAME_SENTENCE = 0.5


class Annotated:
    """A source of annotated questions in one or several files."""

    name = "annotated"

    def __init__(self, files: Sequence[Path], format: str | None = None) -> None:
        self._files, self._format = list(files), format
        self._formats: list[str] = []
        self._columns: list[tuple[str, QuestionColumns]] = []  # file by file, to be asked for
        self._rows: dict[str, list[tuple[str, QuestionRow]]] = {}  # the same by clip, where need be
        self._language = ""
        self._empty: set[str] = set()
        self._used = 0

    def sources(self) -> list[SourceFile]:
        return [SourceFile("questions", f, f.name) for f in self._files]

    def facts(self) -> dict[str, object]:
        return {"formats": self._formats, "used": self._used}

    def start(self, info: CorpusInfo, notes: Notes) -> None:
        """Read all the files and note what is wrong with them by themselves."""
        self._language = info.text_language
        for path in self._files:
            format, columns, malformed = read_questions(path, self._format)
            self._formats.append(format)
            notes.rejects += [
                Reject(path.name, n, None, "malformed-row", f"not in the format {format}")
                for n in malformed
            ]
            blank = [i for i, q in enumerate(columns.question) if not q or q.isspace()]
            for row in columns.take(blank).rows():
                notes.rejects.append(Reject(path.name, row.line, row.clip_id, "empty-question"))
                self._empty.add(row.clip_id)
            note_invisible(notes, path.name, columns.line, columns.clip_id, {
                "question": columns.question, "sentence": columns.text, "id": columns.clip_id,
            })  # fmt: skip
            if blank:
                columns = columns.take(sorted({*range(len(columns.line))} - {*blank}))
            self._columns.append((path.name, columns))
        bad = sum(r.reason == "malformed-row" for r in notes.rejects)
        _find(notes, "malformed-row", bad, (_ROW, "fit", "no format"))
        ids = {clip_id for _, columns in self._columns for clip_id in columns.clip_id}
        if len(ids) < sum(len(columns.line) for _, columns in self._columns):
            self._sort_rows()  # some clip has several rows

    def _sort_rows(self) -> None:
        """Sort by clip what is left in columns."""
        for file, columns in self._columns:
            for row in columns.rows():
                self._rows.setdefault(row.clip_id, []).append((file, row))
        self._columns.clear()

    def ask(self, batch: ClipBatch, notes: Notes) -> Sequence[list[Question]]:
        asked = self._ask_columns(batch) or self._ask_rows(batch, notes)
        self._used += len(asked) if isinstance(asked, OneEach) else sum(map(len, asked))
        return asked

    def _ask_columns(self, batch: ClipBatch) -> OneEach | None:
        """The questions of a batch whose clips and sentences are just the next of a file."""
        for i, (file, columns) in enumerate(self._columns):
            rows = columns.part(slice(len(batch)))
            if (
                rows.clip_id == batch.clip_id
                and rows.text == batch.text
                and {*rows.split} == {batch.split}
            ):
                self._columns[i] = file, columns.part(slice(len(batch), None))
                return OneEach("annotated", file, rows.line, rows.question)
        return None

    def _ask_rows(self, batch: ClipBatch, notes: Notes) -> list[list[Question]]:
        """The question of each clip, if it has rows and one fits; what is odd is noted."""
        self._sort_rows()
        result: list[list[Question]] = []
        take, split = self._rows.pop, batch.split
        lines = batch.line or [0] * len(batch)
        for clip_id, text, line in zip(batch.clip_id, batch.text, lines, strict=True):
            rows = take(clip_id, [])
            if len(rows) == 1 and rows[0][1].text == text and rows[0][1].split == split:
                result.append([_question(*rows[0])])  # nearly all: nothing more to look at
                continue
            question = self._one(rows, split, text, notes)
            if question is None and clip_id not in self._empty:
                notes.rejects.append(
                    Reject(batch.file, line or None, clip_id, "no-question", "kept, without one")
                )
            result.append([question] if question else [])
        return result

    def _one(
        self, rows: list[tuple[str, QuestionRow]], split: str, text: str, notes: Notes
    ) -> Question | None:
        """The first row that fits its clip; the others are doubles."""
        fitting = [(f, r) for f, r in rows if self._fits(f, r, split, text, notes)]
        for file, row in fitting[1:]:
            used = f"{fitting[0][0]}:{fitting[0][1].line}"
            same = "the same" if row.question == fitting[0][1].question else "another"
            notes.rejects.append(Reject(file, row.line, row.clip_id, "double-question",
                                        f"{same} question for this clip was used from {used}"))  # fmt: skip  # noqa: E501
        return _question(*fitting[0]) if fitting else None

    def _fits(self, file: str, row: QuestionRow, split: str, text: str, notes: Notes) -> bool:
        """Whether a row belongs to this clip, by the sentence that it claims to answer."""
        if row.split not in (None, split):
            notes.rejects.append(Reject(file, row.line, row.clip_id, "split-differs",
                                        f"kept; the file says {row.split}, the corpus {split}"))  # fmt: skip  # noqa: E501
        if row.text is None or row.text == text:
            return True
        claimed, own = (normalize_question(t, self._language).replace(" ", "")
                        for t in (row.text, text))  # fmt: skip
        if claimed == own:
            return True
        match = SequenceMatcher(None, claimed, own, autojunk=False)
        bounds = (match.real_quick_ratio, match.quick_ratio, match.ratio)  # cheap ones first
        same = all(ratio() >= _SAME_SENTENCE for ratio in bounds)
        notes.rejects.append(Reject(
            file, row.line, row.clip_id, "text-differs" if same else "text-of-another-sentence",
            f"{'kept' if same else 'not used'}; the file pairs it with {shown(row.text)}, "
            f"the corpus has {shown(text)}",
        ))  # fmt: skip
        return same

    def finish(self, notes: Notes) -> None:
        """List the rows that fit no clip, and sum the rest up."""
        self._sort_rows()
        for rows in self._rows.values():
            notes.rejects += [
                Reject(file, row.line, row.clip_id, "no-such-clip", "the corpus has no such clip")
                for file, row in rows
            ]
        self._rows.clear()
        counts = Counter(r.reason for r in notes.rejects)
        for reason, what in _FINDINGS.items():
            _find(notes, reason, counts[reason], what)
        for reason, what in _NOTES.items():
            _find(notes, reason, counts[reason], what, NOTE)


# reason -> what is counted, what they do, and the rest of the sentence
_ROW = "question row"
_FINDINGS = {
    "no-such-clip": (_ROW, "name", "no clip of the corpus"),
    "double-question": (_ROW, "ask", "about a clip that has its question already"),
    "text-differs": (_ROW, "have", "a sentence that differs from the corpus's"),
    "text-of-another-sentence": (
        _ROW, "are", "paired with another sentence than the corpus's, and not used",
    ),
    "split-differs": (_ROW, "name", "another split than the corpus"),
}  # fmt: skip
_NOTES = {
    "empty-question": (_ROW, "are", "empty"),
    "invisible-character": INVISIBLE_NOTE,
    "no-question": ("clip", "have", "no question in the files"),
}


def _question(file: str, row: QuestionRow) -> Question:
    provenance = Provenance(
        "annotated", None, None, None, None, None, None, None, None, file, row.line
    )
    return Question(row.question, None, "annotated", None, provenance)


def _find(
    notes: Notes, reason: str, n: int, what: tuple[str, str, str], severity: str = FINDING
) -> None:
    if n:
        noun, verb, rest = what
        message = f"{counted(n, noun, verb)} {rest}"
        notes.findings.append(Finding(f"questions-{reason}", severity, message, n))
