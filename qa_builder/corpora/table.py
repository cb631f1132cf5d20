"""The user's own corpus: CSV, TSV or JSONL files, streamed, with columns named by options."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from qa_builder.corpora.base import BATCH, ClipBatch, CorpusInfo, Notes, SourceFile
from qa_builder.corpora.textfile import (
    check_ids,
    encodable,
    frame_count,
    leads_out,
    listed,
    read_lines,
    shown,
)  # fmt: skip
from qa_builder.errors import QbsltError, raise_all
from qa_builder.samples import SPLITS

# The names that each field goes by in the field's own files; the first that is there is taken.
FIELDS = {
    "clip_id": ("clip_id", "name", "id", "video_id", "video"),
    "text": ("text", "translation", "sentence"),
    "gloss": ("gloss", "orth", "glosses"),
    "split": ("split",),
    "signer": ("signer", "speaker"),
    "frames": ("frames", "path", "video_path"),
    "n_frames": ("n_frames", "num_frames", "length"),
    "question": ("question",),
}

INFO = CorpusInfo(
    name="own",
    dataset="own-qa",
    title="own corpus",
    text_language="",
    sign_language=None,
    fps=None,
    where="It is the user's own.",
    size="",
    licence="unknown",
    redistribution="Whatever the owner of the corpus allows.",
)
_FORMATS = {".csv": ",", ".tsv": "\t", ".txt": "\t", ".jsonl": "", ".ndjson": ""}
_MAX_FIELD = 1 << 20


class Table:
    """Reads files with one clip a row.

    `columns` maps fields to column names where they are not those of FIELDS. The split comes from
    a column, else from the file's name (`train.csv`), else it is `split`.
    """

    def __init__(
        self,
        files: Sequence[Path],
        info: CorpusInfo,
        columns: dict[str, str] | None = None,
        split: str | None = None,
        delimiter: str | None = None,
    ) -> None:
        if not files:
            raise QbsltError("no table given.", cure="Name one or several CSV, TSV or JSONL files.")
        raise_all(
            QbsltError("there is no such file.", file=f, cure="--table takes the path of a file.")
            for f in files if not f.is_file()
        )  # fmt: skip
        self.root = self.frames_root = files[0].parent
        self.info, self._files = info, list(files)
        self._named, self._split, self._delimiter = columns or {}, split, delimiter
        unknown = [f for f in self._named if f not in FIELDS]
        if unknown:
            raise QbsltError(f"unknown field {', '.join(unknown)}; known are: {', '.join(FIELDS)}.")

    def sources(self) -> list[SourceFile]:
        return [SourceFile("annotation", f, f.name) for f in self._files]

    def read(self, notes: Notes) -> Iterator[ClipBatch]:
        """Stream the clips in the order of the files; a batch ends where the split changes."""
        seen: dict[str, str] = {}
        for path in self._files:
            rows = self._rows(path)
            found = _open_batches(rows, self._columns, self._split or _split_of(path), path)
            for batch in found:
                assert batch.line is not None
                check_ids(path, batch.clip_id, seen, batch.split, batch.line)
                yield batch

    def _rows(self, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
        delimiter = self._delimiter or _FORMATS.get(path.suffix.lower())
        if delimiter is None:
            raise QbsltError(f"unknown kind of table {path.suffix!r}; known are: "
                             f"{', '.join(_FORMATS)}.", file=path, cure="Or pass --delimiter.")  # fmt: skip  # noqa: E501
        return _jsonl(path) if delimiter == "" else _delimited(path, delimiter)

    def _columns(self, path: Path, names: Sequence[str]) -> dict[str, str]:
        """Which column of a file each field comes from."""
        found = dict(self._named)
        errors = [
            QbsltError(f"has no column {c!r} (for {f}); it has: {listed(names)}.", file=path,
                       line=1, cure=f"Name one of them: --column {f}=NAME.")
            for f, c in found.items() if c not in names
        ]  # fmt: skip
        for field, usual in FIELDS.items():
            column = next((u for u in usual if u in names), None)
            if column and field not in found:
                found[field] = column
        errors += [
            QbsltError(f"lacks a column for {f}; it has: {listed(names)}.", file=path, line=1,
                       cure=f"Name it: --column {f}=NAME (known by itself: {', '.join(FIELDS[f])}).")  # noqa: E501
            for f in ("clip_id", "text") if f not in found
        ]  # fmt: skip
        raise_all(errors)
        return found


def _split_of(path: Path) -> str | None:
    """The split that a file's name tells (`train.csv`, `corpus.dev.tsv`)."""
    parts = path.stem.lower().replace("-", ".").replace("_", ".").split(".")
    return next((s for s in SPLITS if s in parts), None)


def _open_batches(rows: Iterator[tuple[int, dict[str, Any]]], columns: Any, split: str | None,
                  path: Path) -> Iterator[ClipBatch]:  # fmt: skip
    first = next(rows, None)
    if first is None:
        raise QbsltError("has a header and no rows.", file=path,
                         cure="Copy it again from its source.")  # fmt: skip
    found = columns(path, list(first[1]))
    if "split" not in found and split is None:
        raise QbsltError("has no split: no column for it, and the file's name tells none.",
                         file=path, cure="Name the file train.csv, add a column, or pass --split.")  # fmt: skip  # noqa: E501
    head: list[tuple[int, dict[str, Any]]] = [first]
    while chunk := head + list(islice(rows, BATCH - len(head))):
        head = []
        yield from _by_split(chunk, found, split, path)


def _by_split(chunk: list[tuple[int, dict[str, Any]]], found: dict[str, str], split: str | None,
              path: Path) -> Iterator[ClipBatch]:  # fmt: skip
    column = found.get("split")
    values = [split] * len(chunk) if column is None else [r.get(column) for _, r in chunk]
    if not all(map(SPLITS.__contains__, values)):
        raise_all(
            QbsltError(f"the split is {shown(v)}, expected one of {', '.join(SPLITS)}.",
                       file=path, line=line, cure="Change it, or pass --split for a whole file.")
            for (line, _), v in zip(chunk, values, strict=True) if v not in SPLITS
        )  # fmt: skip
    for name in dict.fromkeys(values):
        assert name is not None
        yield _batch(
            [c for c, v in zip(chunk, values, strict=True) if v == name], found, name, path
        )


def _batch(chunk: list[tuple[int, dict[str, Any]]], found: dict[str, str], split: str,
           path: Path) -> ClipBatch:  # fmt: skip
    def strings(field: str) -> list[Any]:
        column = found.get(field)
        return [None] * len(chunk) if column is None else [r.get(column) for _, r in chunk]

    columns = {f: strings(f) for f in FIELDS if f != "split"}
    _check_values(chunk, columns, path)
    return ClipBatch(
        split=split,
        clip_id=columns["clip_id"],
        text=columns["text"],
        gloss=columns["gloss"],
        gloss_clean=columns["gloss"],
        signer=[v or None for v in columns["signer"]],
        frames=[v or None for v in columns["frames"]],
        n_frames=list(map(frame_count, columns["n_frames"])),
        question=columns["question"] if "question" in found else None,
        line=[line for line, _ in chunk],
        file=path.name,
    )


def _check_values(chunk: list[tuple[int, dict[str, Any]]], columns: dict[str, list[Any]],
                  path: Path) -> None:  # fmt: skip
    """Refuse values that the dataset can't hold; all the wrong ones of a chunk at once."""
    columns["signer"] = [str(v) if type(v) is int else v for v in columns["signer"]]
    problems = [
        (chunk[i][0], field, problem)
        for field, values in columns.items() if not _plainly_sound(field, values)
        for i, value in enumerate(values)
        if (problem := _PROBLEM.get(field, _string_problem)(value))
    ]  # fmt: skip
    raise_all(
        QbsltError(f"{field} {problem}.", file=path, line=line, cure="Change it in the table.")
        for line, field, problem in sorted(problems)
    )


def _plainly_sound(field: str, values: list[Any]) -> bool:
    """A quick test of a whole column; where it says no, each value is looked at."""
    types = set(map(type, values))
    if types == {type(None)}:
        return field not in ("clip_id", "text")
    return types == {str} and field not in ("frames", "n_frames") and encodable("".join(values))


def _string_problem(value: Any) -> str:
    if value is None or (type(value) is str and (value.isascii() or encodable(value))):
        return ""
    return f"is {shown(value)}, expected a string (without lone surrogates)"


def _needed_problem(value: Any) -> str:
    return "is missing" if value is None else _string_problem(value)


def _count_problem(value: Any) -> str:
    known = value is None or value == "" or frame_count(value) is not None
    return "" if known else f"is {shown(value)}, expected a whole number of frames"


def _frames_problem(value: Any) -> str:
    if type(value) is str and leads_out(value):
        return f"is {shown(value)}, a path that leads out of the corpus; expected a relative one"
    return _string_problem(value)


_PROBLEM: dict[str, Callable[[Any], str]] = {
    "clip_id": _needed_problem, "text": _needed_problem, "frames": _frames_problem,
    "n_frames": _count_problem,
}  # fmt: skip


def _lines(path: Path) -> Iterator[str]:
    """Lines of a UTF-8 file as a stream, with errors of encoding as QbsltError."""
    line = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as f:
            for line, text in enumerate(f, 1):
                if "\0" in text:
                    raise QbsltError("holds NUL bytes: it is no UTF-8 text.", file=path, line=line,
                                     cure="Save it as UTF-8.")  # fmt: skip
                yield text
    except UnicodeDecodeError:
        read_lines(path)  # says which encoding it may be, and where
        raise
    if line == 0:
        raise QbsltError("the file is empty.", file=path, cure="Copy it again from its source.")


def _delimited(path: Path, delimiter: str) -> Iterator[tuple[int, dict[str, Any]]]:
    csv.field_size_limit(_MAX_FIELD)
    reader = csv.reader(_lines(path), delimiter=delimiter, strict=True)
    line = 1  # where a row starts: a quoted field may hold line ends
    try:
        header = _header(path, next(reader, []), delimiter)
        line = reader.line_num + 1
        errors: list[QbsltError] = []
        for row in reader:
            if len(row) == len(header):
                yield line, dict(zip(header, row, strict=True))
            elif row:
                message = f"has {len(row)} fields, expected {len(header)}."
                errors.append(QbsltError(message, file=path, line=line, cure=_QUOTE))
            line = reader.line_num + 1
        raise_all(errors)
    except csv.Error as e:
        raise QbsltError(f"the row that starts here cannot be read ({e}).", file=path, line=line,
                         cure=_QUOTE) from None  # fmt: skip


_QUOTE = (
    'Put fields that hold the delimiter, a line end or a quote in quotes, and double these: "".'
)


def _header(path: Path, header: list[str], delimiter: str) -> list[str]:
    if len(header) < 2:
        seen = f"is one column {shown(header[0])}" if header else "is blank"
        raise QbsltError(
            f"the header {seen} when parted by {delimiter!r}.", file=path, line=1,
            cure="Pass the right character: --delimiter ';'.",
        )  # fmt: skip
    if len(set(header)) != len(header):
        raise QbsltError(f"names a column twice: {listed(header)}.", file=path, line=1,
                         cure="Give each column a name of its own.")  # fmt: skip
    return header


def _jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, text in enumerate(_lines(path), 1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as e:
            raise QbsltError(f"is no JSON ({e}).", file=path, line=line, cure=_OBJECT) from None
        if not isinstance(row, dict):
            raise QbsltError("is no JSON object.", file=path, line=line, cure=_OBJECT)
        yield line, row


_OBJECT = "A JSONL file has one object {...} a line."
