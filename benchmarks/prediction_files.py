"""From the bytes of a prediction file to its rows, whatever its encoding and format."""

from __future__ import annotations

import contextlib
import csv
import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from qa_builder.errors import QbsltError, raise_all

MAX_BYTES = 256_000_000
MAX_CHARACTERS = 20_000  # of one translation; a longer one is a file without line breaks
_SHOWN_ERRORS = 100
_HIGH = re.compile(rb"[\x80-\xff]+")
_UTF8 = "Save the file as UTF-8."
_UTF16 = "is UTF-16, not UTF-8; it was read as such"
_BOM = "starts with a byte order mark (BOM), which was taken away"
_HALF = re.compile("[\ud800-\udfff]")  # of a character; JSON may have it, no file can
_COLUMNS = "sample_id", "text"
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))


class Row(NamedTuple):
    """One prediction as its file has it."""

    line: int  # 1-based
    sample_id: str | None  # None in plain text
    text: str
    empty: bool = False  # whether the file says that the translation is empty on purpose
    no_features: bool = False  # whether the file says that the model had no video of it


@dataclass(frozen=True)
class PredictionFile:
    """A file of predictions, before anybody asks whether they are the right ones."""

    rows: list[Row]
    format: str
    """text, tsv, csv or jsonl."""
    sha256: str
    """Of the bytes."""
    warnings: list[str]


def read_file(path: Path, known_ids: Collection[str]) -> PredictionFile:
    """Read a file of predictions; its name, or what it looks like, tells the format.

    `known_ids` tell a table without a header from plain text. Raises QbsltError for a file that is
    not there, is no text, has lines that its format does not allow, or a translation of more than
    20,000 characters.
    """
    import hashlib

    data = _bytes(path)
    text, warnings = decode(data, path)
    text, ends = _unix_line_ends(text)
    lines = text.removesuffix("\n").split("\n") if text else []
    format = _format(path, lines, known_ids)
    errors: list[QbsltError] = []
    rows = list(_READERS[format](path, lines, known_ids, errors.append))
    errors += islice((_too_long(path, r) for r in rows if len(r.text) > MAX_CHARACTERS), 20)
    raise_all(errors)
    return PredictionFile(rows, format, hashlib.sha256(data).hexdigest(), warnings + ends)


def _bytes(path: Path) -> bytes:
    if path.is_dir():
        raise QbsltError("is a folder; a file of predictions was expected.", file=path)
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise QbsltError("there is no such file of predictions.", file=path,
                         cure="Check its path, or make one: `qbslt-bench run`.") from None  # fmt: skip  # noqa: E501
    if size > MAX_BYTES:
        raise QbsltError(
            f"has {size:,} bytes; a file of predictions has {MAX_BYTES:,} at most.", file=path
        )
    return path.read_bytes()


def decode(data: bytes, path: Path) -> tuple[str, list[str]]:
    """The text of a file, and a warning if it is not plain UTF-8.

    Other encodings are told by their mark, or else guessed: GB 18030 or Windows-1252. Raises
    QbsltError for what is no text.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            said = _UTF16 if encoding == "utf-16" else _BOM
            try:
                return data.decode(encoding), [f"the file {said}. {_UTF8}"]
            except UnicodeDecodeError:
                break
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise QbsltError("is no text file (it has a zero byte).", file=path, line=line)
    try:
        return data.decode("utf-8"), []
    except UnicodeDecodeError as e:
        line = data.count(b"\n", 0, e.start) + 1
        text, encoding = _guess(data)
        said = f"the file is not UTF-8 (byte 0x{data[e.start]:02x} in line {line})"
        return text, [f"{said}; it was read as {encoding}. {_UTF8}"]


def _guess(data: bytes) -> tuple[str, str]:
    runs = _HIGH.findall(data)  # Chinese has them in pairs, Western text one by one
    if 2 * sum(len(run) for run in runs if len(run) > 1) > sum(map(len, runs)):
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode("gb18030"), "GB 18030"
    return data.decode("cp1252", "replace"), "Windows-1252"


def _unix_line_ends(text: str) -> tuple[str, list[str]]:
    if "\r" not in text:
        return text, []
    windows = text.count("\r\n")
    text = text.replace("\r\n", "\n")
    if "\n" not in text:
        text = text.replace("\r", "\n")
    said = f"{windows:,} lines end in CRLF, as on Windows" if windows else "lines end in CR"
    return text, [f"{said}; the CR was taken away"]


def _format(path: Path, lines: Sequence[str], known_ids: Collection[str]) -> str:
    suffix = path.suffix.lower()
    if suffix in (".jsonl", ".ndjson", ".json"):
        return "jsonl"
    if suffix in (".tsv", ".csv"):
        return suffix[1:]
    first = lines[0] if lines else ""
    if first.startswith("{") and '"sample_id"' in first:
        return "jsonl"
    for format, mark in (("tsv", "\t"), ("csv", ",")):
        fields = first.split(mark)
        if len(fields) > 1 and (fields[0] in known_ids or set(_COLUMNS) <= set(fields)):
            return format
    return "text"


_Tell = Callable[[QbsltError], None]


def _text(path: Path, lines: Sequence[str], ids: Collection[str], tell: _Tell) -> Iterator[Row]:
    return (Row(i, None, line) for i, line in enumerate(lines, 1))


def _tsv(path: Path, lines: Sequence[str], ids: Collection[str], tell: _Tell) -> Iterator[Row]:
    """Fields between tabs, without quotes."""
    rows = ((i, line.split("\t")) for i, line in enumerate(lines, 1))
    return _table(path, rows, ids, tell)


def _csv(path: Path, lines: Sequence[str], ids: Collection[str], tell: _Tell) -> Iterator[Row]:
    """Fields between commas, quoted as in RFC 4180."""
    reader = csv.reader((line + "\n" for line in lines), strict=True)

    def rows() -> Iterator[tuple[int, list[str]]]:
        try:
            for fields in reader:
                yield reader.line_num, fields
        except csv.Error as e:
            tell(QbsltError(f"is no CSV ({e}).", file=path, line=reader.line_num,
                            cure="Put quotes around texts with commas or quotes."))  # fmt: skip

    return _table(path, rows(), ids, tell)


def _table(
    path: Path, rows: Iterator[tuple[int, list[str]]], ids: Collection[str], tell: _Tell
) -> Iterator[Row]:
    line, first = next(rows, (1, []))
    names = first if set(_COLUMNS) <= set(first) else list(_COLUMNS)
    if names is not first:
        if len(first) != 2 or first[0] not in ids:
            shown = ", ".join(first)[:80]
            tell(QbsltError(f"the first line names no columns sample_id and text, but {shown!r}.",
                            file=path, line=line))  # fmt: skip
            return
        yield Row(line, first[0], first[1])
    at, text = (names.index(column) for column in _COLUMNS)
    wrong = 0
    for line, fields in rows:
        if len(fields) == len(names):
            yield Row(line, fields[at], fields[text])
        elif (wrong := wrong + 1) <= _SHOWN_ERRORS:
            tell(QbsltError(f"has {len(fields)} fields, expected {len(names)}.",
                            file=path, line=line))  # fmt: skip


def _jsonl(path: Path, lines: Sequence[str], ids: Collection[str], tell: _Tell) -> Iterator[Row]:
    wrong = 0
    for i, line in enumerate(lines, 1):
        said = _json_row(line)
        if isinstance(said, str):
            tell(QbsltError(said, file=path, line=i))
            if (wrong := wrong + 1) == _SHOWN_ERRORS:
                return
        else:
            yield Row(i, *said)


def _json_row(line: str) -> tuple[str, str, bool, bool] | str:
    """Id, text, whether it is empty on purpose and made without video; or what is wrong."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as e:
        return f"is no JSON ({str(e)[:100]})."
    if not isinstance(row, dict):
        return f"is no JSON object, but {type(row).__name__}; one object a line was expected."
    for field in _COLUMNS:
        if field not in row:
            return f"has no field {field!r}; it has: {', '.join(map(str, row))[:100]}."
        if not isinstance(row[field], str):
            return f"{field} is {json.dumps(row[field])[:40]}, a string was expected."
        if half := _HALF.search(row[field]):
            return f"{field} has half a character (\\u{ord(half[0]):04x}); write the whole one."
    marks = (row.get("empty") is True, row.get("no_features") is True)
    return row["sample_id"], row["text"], *marks


def _too_long(path: Path, row: Row) -> QbsltError:
    return QbsltError(
        f"the translation has {len(row.text):,} characters; {MAX_CHARACTERS:,} are allowed.",
        file=path, line=row.line, id=row.sample_id,
        cure="Does the file hold all translations in one line?",
    )  # fmt: skip


_READERS = {"text": _text, "tsv": _tsv, "csv": _csv, "jsonl": _jsonl}
