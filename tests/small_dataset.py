"""A small dataset, built from a corpus and questions in memory, to publish and to join again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qa_builder.build import build
from qa_builder.config import BuildConfig
from qa_builder.corpora.base import (
    NOTE,
    ClipBatch,
    CorpusInfo,
    Finding,
    Notes,
    Reject,
    SourceFile,
)  # fmt: skip
from qa_builder.samples import SPLITS, Provenance, Question

INFO = CorpusInfo(
    name="small", dataset="small-qa", title="A small corpus", text_language="de",
    sign_language="gsg", fps="25/1", where="Nowhere: it is invented.", size="9 clips",
    licence="CC BY-NC-SA 3.0", redistribution="Ask its owners.",
    citation="@misc{small, title = {A small corpus}}",
)  # fmt: skip
TEXTS = ("morgen scheint die sonne", "im norden regnet es stark", "nachts wird es richtig kalt")
GLOSSES = ("MORGEN SONNE SCHEINEN", "NORD REGEN STARK", None)
# The second clip has two questions, one of them its own sentence; the third has none.
QUESTIONS = (["Wie wird es morgen?"], ["Im Norden regnet es stark?", "Wo ist es nass?"], [])


class SmallCorpus:
    """Three clips a split, in batches of two; other `texts` make another revision of it."""

    def __init__(self, root: Path, texts: tuple[str, ...] = TEXTS, signer: str = "S1") -> None:
        self.root = self.frames_root = root
        self.info, self._texts, self._signer = INFO, texts, signer

    def sources(self) -> list[SourceFile]:
        return []

    def read(self, notes: Notes) -> Iterator[ClipBatch]:
        for split in SPLITS:
            for part in (range(len(self._texts))[:2], range(len(self._texts))[2:]):
                gloss = [GLOSSES[i] for i in part]
                yield ClipBatch(
                    split, [f"{split}-{i}" for i in part], [self._texts[i] for i in part], gloss,
                    gloss, [self._signer] * len(part), [f"{split}/{i}/*.png" for i in part],
                    [40 + i for i in part], [self._texts[i].split() for i in part],
                    [["X"] * len(self._texts[i].split()) for i in part],
                )  # fmt: skip


class SmallQuestions:
    """QUESTIONS, with one row left over; `raw_reply` as if a language model had written them."""

    name = "annotated"

    def __init__(self, raw_reply: str | None, reject: Reject) -> None:
        self._made_by, self._reject = Provenance("annotated", raw_reply=raw_reply), reject

    def sources(self) -> list[SourceFile]:
        return []

    def start(self, info: CorpusInfo, notes: Notes) -> None:
        notes.findings.append(Finding("two-revisions", NOTE, "One | of two."))

    def ask(self, batch: ClipBatch, notes: Notes) -> list[list[Question]]:
        asked = [QUESTIONS[int(clip_id[-1])] for clip_id in batch.clip_id]
        return [
            [Question(q, source="annotated", provenance=self._made_by) for q in questions]
            for questions in asked
        ]

    def finish(self, notes: Notes) -> None:
        notes.rejects.append(self._reject)

    def facts(self) -> dict[str, object]:
        return {"formats": ["table"]}


def small_dataset(
    path: Path, raw_reply: str | None = None, detail: str = "", id: str = "x-1"
) -> Path:
    """Build the dataset in `path`; `detail` and `id` are those of its one reject."""
    reject = Reject("q.txt", 7, id, "no-such-clip", detail)
    build(BuildConfig(), SmallCorpus(path), SmallQuestions(raw_reply, reject), path)
    return path
