"""The questions that are audited, split by split: those of a dataset, or of files beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from qa_builder.audit.tokens import tokenize
from qa_builder.columns import question_columns
from qa_builder.corpora.base import ClipBatch, CorpusInfo, Notes
from qa_builder.dataset import Dataset
from qa_builder.errors import QbsltError
from qa_builder.questions.annotated import Annotated
from qa_builder.samples import SPLITS
from qa_builder.text import normalize_all


@dataclass(frozen=True)
class Rows:
    """A split: its questions as columns of n values, and all its clips."""

    language: str
    ids: list[str]
    texts: list[str]  # the sentences that the questions ask for
    questions: list[str]  # as written
    normal: list[str]  # normalised questions
    kinds: list[str]
    leakage: list[float]  # content recall, 0..1
    clips_asked: int  # clips that have a question
    clip_texts: list[str]  # the sentences of all clips, with question or without
    signers: list[str]  # those of the split, sorted

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def sentences(self) -> list[str]:
        """The sentences in normalised form."""
        return normalize_all(self.texts, self.language)

    @cached_property
    def sentence_tokens(self) -> list[list[str]]:
        return tokenize(self.sentences, self.language)

    @cached_property
    def question_tokens(self) -> list[list[str]]:
        return tokenize(self.normal, self.language)


@dataclass(frozen=True)
class QuestionSet:
    """All splits of what is audited, in the usual order."""

    language: str
    splits: dict[str, Rows]
    empty: int  # questions in the source that are empty
    unused: dict[str, int]  # rows of the files that were not used, by reason


_COLUMNS = ("sample_id", "clip_id", "signer", "text", "question", "question_normalized",
            "question_kind", "question_leakage")  # fmt: skip


def of_dataset(dataset: Dataset) -> QuestionSet:
    """The questions of a dataset. Raises QbsltError if it has none, or none of the sentences."""
    _check_text(dataset)
    language = dataset.manifest["corpus"]["text_language"]
    splits = {}
    for split in _splits(dataset):
        columns = dataset.columns(split, _COLUMNS)
        splits[split] = _rows(language, columns, columns)
    rejects = dataset.manifest.get("rejects", {})
    return _checked(QuestionSet(language, splits, rejects.get("empty-question", 0), {}), dataset)


def of_files(dataset: Dataset, files: Sequence[Path], format: str | None = None) -> QuestionSet:
    """The questions of files, joined by id to the clips of a dataset (which may have none itself).

    Joined as `qa-builder build --questions annotated:FILE` does. Raises QbsltError for a file that
    is in no known format, or that has no question for any clip of the dataset.
    """
    _check_text(dataset)
    info = CorpusInfo(**dataset.manifest["corpus"])
    source, notes, splits = Annotated(files, format), Notes(), {}
    source.start(info, notes)
    for split in _splits(dataset):
        clips = _clips(dataset.columns(split, ("clip_id", "signer", "text")))
        ids, texts = clips["clip_id"], clips["text"]
        nothing = [None] * len(ids)
        batch = ClipBatch(split, ids, texts, nothing, nothing, clips["signer"], nothing, nothing)
        asked = [q[0] if q else None for q in source.ask(batch, notes)]
        columns, _, _ = question_columns(asked, texts, info.text_language)
        splits[split] = _rows(info.text_language, columns | {"sample_id": ids}, clips)
    source.finish(notes)
    unused = Counter(r.reason for r in notes.rejects if r.reason in _UNUSED)
    empty = sum(r.reason == "empty-question" for r in notes.rejects)
    found = QuestionSet(info.text_language, splits, empty, dict(sorted(unused.items())))
    return _checked(found, dataset, files[0])


_UNUSED = ("malformed-row", "no-such-clip", "double-question", "text-of-another-sentence")


def _check_text(dataset: Dataset) -> None:
    if dataset.questions_only:
        raise QbsltError("is a questions-only release: without the sentences nothing can be said "
                         "of leakage.", file=dataset.path,
                         cure="Join it with the corpus first: `qa-builder hydrate`.")  # fmt: skip


def _splits(dataset: Dataset) -> list[str]:
    return [s for s in SPLITS if s in dataset.splits]


def _clips(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """One row a clip: the first of each."""
    ids = columns["clip_id"]
    first = [i for i, clip in enumerate(ids) if i == 0 or clip != ids[i - 1]]
    return {name: [values[i] for i in first] for name, values in columns.items()}


def _rows(language: str, asked: dict[str, Any], clips: dict[str, list[Any]]) -> Rows:
    """Rows of columns: `asked` has those of the questions, `clips` those of the corpus."""
    at = [i for i, q in enumerate(asked["question"]) if q is not None]

    def of(columns: dict[str, Any], name: str) -> list[Any]:
        return [columns[name][i] for i in at]

    return Rows(
        language, of(asked, "sample_id"), of(clips, "text"), of(asked, "question"),
        of(asked, "question_normalized"), of(asked, "question_kind"),
        of(asked, "question_leakage"), len({*of(clips, "clip_id")}), _clips(clips)["text"],
        sorted({s for s in clips["signer"] if s is not None}),
    )  # fmt: skip


def _checked(found: QuestionSet, dataset: Dataset, file: Path | None = None) -> QuestionSet:
    if any(map(len, found.splits.values())):
        return found
    if file:
        raise QbsltError(f"has no question for any clip of {dataset.name}.", file=file,
                         cure="Compare the ids of the file with those of the corpus.")  # fmt: skip
    raise QbsltError("the dataset has no questions.", file=dataset.path,
                     cure="Build it with --questions, or audit a file: --questions FILE.")  # fmt: skip  # noqa: E501
