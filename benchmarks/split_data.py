"""What is scored against: one split of a built dataset, as columns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from qa_builder.dataset import Dataset, file_sha256
from qa_builder.errors import QbsltError

_COLUMNS = (
    "sample_id", "clip_id", "text", "gloss", "question", "question_kind", "question_leakage",
    "signer",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SplitData:
    """The n rows of a split in the dataset's order; lists of n."""

    dataset: dict[str, Any]
    """name, fingerprint, split_fingerprint, toy, questions, features: as in result.json."""
    split: str
    language: str
    """ISO 639-1 code of the sentences."""
    sample_id: list[str]
    clip_id: list[str]
    text: list[str]
    """The references."""
    gloss: list[str | None]
    question: list[str | None]
    question_kind: list[str | None]
    question_leakage: list[float | None]
    signer: list[str | None]
    seen: list[bool] | None
    """Whether the sentence stands in train, word for word; None for train and without train."""
    built: Dataset | None = field(default=None, repr=False)
    """Where the rows are of, for controls that draw on train."""
    replaced_references: str | None = None
    """The file that the references are of, where they are not the dataset's own."""

    def __len__(self) -> int:
        return len(self.sample_id)

    @property
    def has_questions(self) -> bool:
        return any(self.question)


def load_references(dataset: Dataset, split: str) -> SplitData:
    """Read a split of a built dataset.

    Raises QbsltError for a split that is not there or is empty, a file that can't be read or is
    not the one that the manifest names, and a questions-only release, which has no sentences.
    """
    if dataset.questions_only:
        raise QbsltError(
            "is a questions-only release: it holds no sentences to score against.",
            file=dataset.path, cure="Join it with your copy of the corpus: `qa-builder hydrate`.",
        )  # fmt: skip
    _check_bytes(dataset, split)
    rows: Any = read_columns(dataset, split, _COLUMNS)
    if not rows["sample_id"]:
        raise QbsltError(f"the split {split} has no rows.", file=dataset.path)
    train = None
    if split != "train" and "train" in dataset.splits:
        _check_bytes(dataset, "train")
        train = frozenset(read_columns(dataset, "train", ["text"])["text"])
    return SplitData(
        dataset=_described(dataset, split), split=split,
        language=dataset.manifest["corpus"]["text_language"],
        seen=None if train is None else [text in train for text in rows["text"]],
        built=dataset, **rows,
    )  # fmt: skip


def _check_bytes(dataset: Dataset, split: str) -> None:
    """A score carries the manifest's fingerprint, so the file must be the one that it is of."""
    file = dataset.parquet(split)
    named = {entry["path"]: entry["sha256"] for entry in dataset.manifest.get("files", ())}
    wanted = named.get(file.relative_to(dataset.path).as_posix())
    if wanted and file.is_file() and file_sha256(file) != wanted:
        raise QbsltError(
            "is not the file that the manifest names: its sha256 differs.", file=file,
            cure="Build the dataset again, or check it with `qa-builder verify`.",
        )  # fmt: skip


def replace_references(
    data: SplitData, texts: Sequence[str], file: str, *, gloss: bool = False
) -> SplitData:
    """The same rows with other references, of n texts (or glosses): no score is official."""
    if gloss:
        return replace(data, gloss=list(texts), replaced_references=file)
    return replace(data, text=list(texts), replaced_references=file)


def rows_of(data: SplitData, ids: Collection[str]) -> SplitData:
    """Only the rows of some sample ids, in the same order."""
    wanted = frozenset(ids)
    kept = [i for i, sample_id in enumerate(data.sample_id) if sample_id in wanted]
    columns: dict[str, Any] = {name: [getattr(data, name)[i] for i in kept] for name in _COLUMNS}
    seen = None if data.seen is None else [data.seen[i] for i in kept]
    return replace(data, **columns | {"seen": seen})


def rows_by_split(dataset: Dataset) -> dict[str, int]:
    """How many rows each split has, by its manifest."""
    return {split: counts["rows"] for split, counts in dataset.manifest["splits"].items()}


def read_columns(dataset: Dataset, split: str, names: Sequence[str]) -> dict[str, list[Any]]:
    """Columns of a split as plain lists.

    By `batches`, because `pyarrow.parquet.read_table` imports pandas and takes 0.15 s for it.
    """
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for batch in dataset.batches(split, names, rows=65_536):
        for name in names:
            columns[name].extend(batch.column(name).to_pylist())
    return columns


def _described(dataset: Dataset, split: str) -> dict[str, Any]:
    manifest = dataset.manifest
    return {
        "name": dataset.name,
        "fingerprint": dataset.fingerprint,
        "split_fingerprint": manifest["splits"][split]["fingerprint"],
        "toy": bool(manifest["corpus"].get("toy")),
        "questions": manifest.get("questions", {}).get("source", "none"),
        "features": None,
    }
