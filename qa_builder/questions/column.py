"""Questions that stand in a column of the user's own table."""

from __future__ import annotations

from qa_builder.corpora.base import NOTE, ClipBatch, CorpusInfo, Finding, Notes, Reject, SourceFile
from qa_builder.errors import QbsltError, counted
from qa_builder.questions.base import INVISIBLE_NOTE, note_invisible
from qa_builder.samples import Provenance, Question


class TableColumn:
    """Takes the question that each row of a table brings.

    With `optional` a table without such a column gives a dataset without questions.
    """

    def __init__(self, optional: bool) -> None:
        self._optional = optional
        self._seen, self._without = False, 0

    @property
    def name(self) -> str:
        """The source; known when the table was read, for it may have no such column."""
        return "annotated" if self._seen or not self._optional else "none"

    def sources(self) -> list[SourceFile]:
        return []

    def facts(self) -> dict[str, object]:
        return {"formats": ["column"]} if self._seen else {}

    def start(self, info: CorpusInfo, notes: Notes) -> None:
        """Nothing to get ready."""

    def ask(self, batch: ClipBatch, notes: Notes) -> list[list[Question]]:
        questions, n = batch.question, len(batch)
        if questions is None:
            if not self._optional:
                raise QbsltError("has no column for the question.", file=batch.file,
                                 cure="Name it: --column question=NAME.")  # fmt: skip
            self._without += n
            return [[] for _ in range(n)]
        self._seen = True
        lines = batch.line or [0] * n
        note_invisible(notes, batch.file, lines, batch.clip_id, {"question": questions})
        result: list[list[Question]] = []
        for line, clip_id, text in zip(lines, batch.clip_id, questions, strict=True):
            if text is None or not text.strip():
                notes.rejects.append(Reject(batch.file, line, clip_id, "empty-question",
                                            "kept, without a question"))  # fmt: skip
                result.append([])
                continue
            provenance = Provenance("annotated", file=batch.file, line=line)
            result.append([Question(text, None, "annotated", None, provenance)])
        return result

    def finish(self, notes: Notes) -> None:
        for reason, (noun, verb, rest) in (
            ("empty-question", ("clip", "have", "an empty question")),
            ("invisible-character", INVISIBLE_NOTE),
        ):
            n = sum(r.reason == reason for r in notes.rejects)
            if n:
                message = f"{counted(n, noun, verb)} {rest}"
                notes.findings.append(Finding(f"questions-{reason}", NOTE, message, n))
        if self._seen and self._without:
            clips = counted(self._without, "clip", "are")
            message = f"{clips} in tables without a column for the question"
            notes.findings.append(Finding("questions-no-question", NOTE, message, self._without))
