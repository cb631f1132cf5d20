"""Questions that stand in a column of the user's own table."""

from __future__ import annotations

from qa_builder.corpora.base import NOTE, ClipBatch, CorpusInfo, Finding, Notes, Reject, SourceFile
from qa_builder.errors import QbsltError
from qa_builder.samples import Provenance, Question


class TableColumn:
    """Takes the question that each row of a table brings.

    With `optional` a table without such a column gives a dataset without questions.
    """

    def __init__(self, optional: bool) -> None:
        self.name = "annotated"
        self._optional = optional
        self._without = 0

    def sources(self) -> list[SourceFile]:
        return []

    def facts(self) -> dict[str, object]:
        return {"formats": ["column"]}

    def start(self, info: CorpusInfo, notes: Notes) -> None:
        """Nothing to get ready."""

    def ask(self, batch: ClipBatch, notes: Notes) -> list[list[Question]]:
        if batch.question is None:
            if not self._optional:
                raise QbsltError("has no column for the question.", file=batch.file,
                                 cure="Name it: --column question=NAME.")  # fmt: skip
            self.name = "none"
            return [[] for _ in range(len(batch))]
        lines = batch.line or [0] * len(batch)
        result: list[list[Question]] = []
        for clip_id, text, line in zip(batch.clip_id, batch.question, lines, strict=True):
            if text is None or not text.strip():
                notes.rejects.append(Reject(batch.file, line, clip_id, "empty-question",
                                            "kept, without a question"))  # fmt: skip
                result.append([])
                self._without += 1
                continue
            provenance = Provenance(self.name, file=batch.file, line=line)
            result.append([Question(text, None, self.name, None, provenance)])
        return result

    def finish(self, notes: Notes) -> None:
        if self._without:
            message = f"{self._without:,} clips have an empty question"
            notes.findings.append(Finding("questions-empty-question", NOTE, message, self._without))
