"""Predictions for exactly the samples of a split: nothing missing, double, unknown or shifted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.debris import debris_warnings
from benchmarks.prediction_files import Row, read_file
from qa_builder.errors import QbsltError, raise_all

NOTHING = frozenset(("nan", "NaN", "None", "null", "NULL", "<NA>"))  # how tools write "no value"
_SHOWN = 3
_ALLOW = "Predict them, or pass --allow-missing to have them scored as empty."


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """A translation for every sample of a split, in the dataset's order."""

    texts: list[str]
    warnings: list[str]
    notes: list[str]
    missing: int
    """How many are scored as empty, because `allow_missing` was given."""
    file: str
    """Name of the file, without its folder."""
    sha256: str
    format: str
    """text, tsv, csv or jsonl."""
    no_features: int = 0
    """How many were made without the sample's video, as the file says."""

    def as_dict(self) -> dict[str, Any]:
        """What result.json says of the file."""
        return {k: v for k, v in asdict(self).items() if k in ("file", "sha256", "format")}


def read_predictions(
    path: Path, sample_ids: Sequence[str], *, allow_missing: bool = False,
    splits: Mapping[str, int] | None = None,
) -> Predictions:  # fmt: skip
    """A translation for every sample id, in their order.

    Plain text has one a line, in that order; TSV and CSV have columns sample_id and text, JSONL has
    objects with these fields, `"empty": true` beside a text that is empty on purpose, and
    `"no_features": true` beside one that a model made without the sample's video.
    `allow_missing`: score missing and empty ones as empty. `splits`, the rows of each split of the
    dataset, help to tell why a number of lines is wrong.

    Raises QbsltError, all that is wrong at once: see `prediction_files.read_file`, and for ids that
    are missing, unknown or double, for empty translations, and for a wrong number of lines.
    """
    found = read_file(path, frozenset(sample_ids))
    rows, notes = found.rows, []
    if found.format == "text":
        if len(rows) != len(sample_ids):
            raise _wrong_number(path, rows, len(sample_ids), splits or {})
        rows = [row._replace(sample_id=i) for row, i in zip(rows, sample_ids, strict=True)]
        notes.append("plain text: line i was taken for row i of the dataset's own order")
    raise_all(_wrong_ids(path, rows, sample_ids))
    nothing = [row for row in rows if not row.empty and _is_nothing(row.text)]
    missing = sorted(set(sample_ids).difference(row.sample_id or "" for row in rows))
    if not allow_missing:
        raise_all(_uncovered(path, nothing, missing, len(sample_ids)))
    by_id = {row.sample_id: row.text for row in rows} | {row.sample_id: "" for row in nothing}
    absent = len(missing) + len(nothing)
    if absent:
        notes.append(f"{counted(absent, 'missing prediction')} scored as empty")
    texts = [by_id.get(i, "") for i in sample_ids]
    return Predictions(
        texts=texts, warnings=found.warnings + debris_warnings(texts), notes=notes,
        missing=absent, file=path.name, sha256=found.sha256, format=found.format,
        no_features=sum(row.no_features for row in rows),
    )  # fmt: skip


def _is_nothing(text: str) -> bool:
    return not text or text.isspace() or text.strip() in NOTHING


def counted(n: int, what: str) -> str:
    """`1 line`, `2 lines`: how many of what, in English."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _few(ids: Sequence[str]) -> str:
    return ", ".join(ids[:_SHOWN]) + (", ..." if len(ids) > _SHOWN else "")


def _wrong_ids(path: Path, rows: Sequence[Row], sample_ids: Sequence[str]) -> Iterator[QbsltError]:
    wanted = set(sample_ids)
    ids = [row.sample_id or "" for row in rows]
    unknown = [i for i in dict.fromkeys(ids) if i not in wanted]
    if unknown:
        yield QbsltError(
            f"{counted(len(unknown), 'id')} not in the split that is scored: {_few(unknown)}.",
            file=path, cure=_why_unknown(unknown, wanted),
        )  # fmt: skip
    double = [i for i, times in Counter(ids).items() if times > 1]
    if double:
        lines = [row.line for row in rows if row.sample_id == double[0]]
        yield QbsltError(
            f"{counted(len(double), 'id')} with more than one prediction: {_few(double)} "
            f"(the first one in lines {', '.join(map(str, lines[:_SHOWN]))}).",
            file=path, cure="Keep one prediction for each.",
        )  # fmt: skip


def _why_unknown(unknown: Sequence[str], wanted: set[str]) -> str:
    if all(i.rpartition("/")[2] in wanted for i in unknown):
        return f"They have {unknown[0].rpartition('/')[0] + '/'!r} in front: take it away."
    if any(f"{i}#0" in wanted for i in unknown):
        return "Clips with several questions need a prediction for each: CLIP#0, CLIP#1, ..."
    return "Are they of another split (--split) or another dataset (--data)?"


def _uncovered(
    path: Path, nothing: Sequence[Row], missing: Sequence[str], n: int
) -> Iterator[QbsltError]:
    if missing:
        yield QbsltError(
            f"{len(missing):,} of {n:,} samples have no prediction: {_few(missing)}.",
            file=path, cure=_ALLOW,
        )  # fmt: skip
    if nothing:
        what = Counter(row.text.strip() for row in nothing)
        said = "empty" if list(what) == [""] else "empty or " + _few([w for w in what if w])
        ids = [row.sample_id or "" for row in nothing]
        yield QbsltError(
            f"{len(nothing):,} of {n:,} predictions are {said}: {_few(ids)}.",
            file=path, line=nothing[0].line,
            cure=_ALLOW + ' (JSONL may declare one as meant so: "empty": true.)',
        )  # fmt: skip


def _wrong_number(
    path: Path, rows: Sequence[Row], n: int, splits: Mapping[str, int]
) -> QbsltError:  # fmt: skip
    return QbsltError(
        f"has {counted(len(rows), 'line')} for {n:,} samples: {_why_number(rows, n, splits)}.",
        file=path, cure="Write one line for each sample, or JSONL with sample_id and text.",
    )  # fmt: skip


def _why_number(rows: Sequence[Row], n: int, splits: Mapping[str, int]) -> str:
    texts = [row.text for row in rows]
    other = [split for split, size in splits.items() if size == len(rows)]
    if other:
        return f"that is the size of {other[0]}, so maybe --split {other[0]} is meant"
    if not texts:
        return "the file is empty"
    return _FEWER if len(texts) < n else _why_more(texts, n)


_FEWER = (
    "lines are lacking, most likely clips that a loader left out or empty translations that were "
    "not written; from there on every line would meet a wrong reference"
)


def _why_more(texts: Sequence[str], n: int) -> str:
    extra = len(texts) - n
    if not any(text.strip() for text in texts[n:]):
        return f"{counted(extra, 'empty line')} at the end"
    if extra < n and texts[n:] == texts[:extra]:
        return f"the last {extra:,} repeat the first ones, as a distributed sampler fills up"
    if sum(not text.strip() for text in texts) == extra:
        return f"{counted(extra, 'empty line')} among them"
    if extra == 1:
        return "maybe the first line is a header, or a translation has a line break"
    return "maybe translations have line breaks in them, or the file is of another split"
