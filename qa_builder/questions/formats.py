"""The formats in which annotated questions are public, told apart by looking at the file.

Each reader turns one line into (split or None, clip id, the sentence it claims or None, question),
or gives None for a line that is not of its format. REFERENCE of the shapes: docs/data-format.md.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from qa_builder.corpora.textfile import encodable, read_text, shown, split_columns
from qa_builder.errors import QbsltError, known
from qa_builder.samples import SPLITS


class QuestionRow(NamedTuple):
    """A question as a file has it."""

    line: int  # 1-based
    split: str | None
    clip_id: str
    text: str | None  # the sentence that the file pairs it with
    question: str


class QuestionColumns(NamedTuple):
    """The questions of a file, as lists (or a range) of equal length."""

    line: Sequence[int]
    split: Sequence[str | None]
    clip_id: Sequence[str]
    text: Sequence[str | None]
    question: Sequence[str]

    def rows(self) -> Iterator[QuestionRow]:
        """The same, row by row."""
        return map(QuestionRow, *self)

    def take(self, rows: Sequence[int]) -> QuestionColumns:
        """Some of the rows, in this order."""
        columns: Any = ([column[i] for i in rows] for column in self)
        return QuestionColumns(*columns)

    def part(self, part: slice) -> QuestionColumns:
        """Some of the rows that follow one another."""
        columns: Any = (column[part] for column in self)
        return QuestionColumns(*columns)


Parsed = tuple[str | None, str, str | None, str] | None


def _split_name(name: str) -> tuple[str | None, str]:
    split, slash, rest = name.partition("/")
    return (split, rest) if slash and split in SPLITS else (None, name)


def _phoenix_blank(line: str) -> Parsed:
    """`split/name text%question%gloss`: the id and the sentence are parted by a blank."""
    fields = line.split("%")
    if len(fields) != 3:
        return None
    name, blank, text = fields[0].partition(" ")
    return (*_split_name(name), text, fields[1]) if blank and "/" in name else None


def _phoenix_blank_columns(text: str) -> QuestionColumns | None:
    """What `_phoenix_blank` gives of all lines, if they are of one split and none is odd."""
    split = text.partition("/")[0]
    if split not in SPLITS or (fields := split_columns(text, "%", 3, f"{split}/")) is None:
        return None
    ids, blanks, texts = zip(*[claim.partition(" ") for claim in fields[0]], strict=True)
    if {*blanks} != {" "}:
        return None
    splits = [split] * len(ids)
    return QuestionColumns(range(1, len(ids) + 1), splits, list(ids), list(texts), fields[1])


def _phoenix_percent(line: str) -> Parsed:
    """`split/name%text%question%gloss`."""
    fields = line.split("%")
    if len(fields) != 4 or "/" not in fields[0] or " " in fields[0]:
        return None
    return (*_split_name(fields[0]), fields[1], fields[2])


def _csl_pipes(line: str) -> Parsed:
    """`index|name|frames|gloss|char-spaced text|word-spaced text|question|[...]`, 7 or 8 fields."""
    fields = line.split("|")
    if len(fields) not in (7, 8) or not fields[0].isdigit() or not fields[2].isdigit():
        return None
    return None, fields[1], fields[4], fields[6]


_MOST_QS = 20  # looking for the question that stands twice takes the cube of their number
_TWICE = re.compile(r"((?:.*/)?[^/Q]*)Q(.*?)Q(.*)Q(\3)Q(.*)")


def _csl_q(line: str) -> Parsed:
    """`path/nameQglossQquestionQquestionQtext`: the question stands there twice."""
    if not 4 <= line.count("Q") <= _MOST_QS:
        return None
    if match := _TWICE.fullmatch(line):
        path, _, question, _, text = match.groups()
    else:
        fields = line.split("Q")
        if len(fields) != 5:
            return None
        path, _, question, _, text = fields
    return (None, path.rpartition("/")[2], text, question) if "/" in path else None


LINE_FORMATS: dict[str, Callable[[str], Parsed]] = {
    "phoenix-blank": _phoenix_blank,
    "phoenix-percent": _phoenix_percent,
    "csl-pipes": _csl_pipes,
    "csl-q": _csl_q,
}
FORMATS = (*LINE_FORMATS, "table")
_IDS = ("sample_id", "clip_id", "name", "id", "video_id", "video")
_QUESTIONS = ("question", "question_text", "q")
_TEXTS = ("text", "translation", "sentence")
_LOOK_AT, _LONG = 50, 10_000  # lines; characters of a header


def find_format(path: Path, lines: Sequence[str]) -> str:
    """The format of a file of questions, by its first lines; QbsltError if none fits."""
    head = [line for line in lines[:_LOOK_AT] if line.strip()]
    for name, parse in LINE_FORMATS.items():
        if sum(parse(line) is not None for line in head) * 2 > len(head):
            return name
    if head and (head[0].lstrip().startswith("{") or _delimiter(head[0])):
        return "table"
    raise QbsltError(
        "is in no known format of questions.", file=path, line=1,
        cure=f"Known are {', '.join(FORMATS)} (a table has a column {' or '.join(_IDS[:3])} and a "
        "column question); name one with --format.",
    )  # fmt: skip


def read_questions(path: Path, format: str | None) -> tuple[str, QuestionColumns, list[int]]:
    """Read a file of annotated questions: its format, its rows, the lines that don't fit it.

    Blank lines are neither.
    """
    if format is not None and format not in FORMATS:
        raise known(format, FORMATS, "format")
    text = read_text(path)
    format = format or find_format(path, text.split("\n", _LOOK_AT))
    if format == "phoenix-blank" and (columns := _phoenix_blank_columns(text)):
        return format, columns, []
    lines = text.split("\n")
    if format == "table":
        rows, malformed = _table(path, lines)
    else:
        rows, malformed = _rows(lines, LINE_FORMATS[format])
    if not rows:
        raise QbsltError(f"no line is in the format {format}.", file=path,
                         cure=f"Known are {', '.join(FORMATS)}.")  # fmt: skip
    return format, QuestionColumns(*map(list, zip(*rows, strict=True))), malformed


def _rows(
    lines: Sequence[str], parse: Callable[[str], Parsed]
) -> tuple[list[QuestionRow], list[int]]:
    rows, malformed = [], []
    for i, line in enumerate(lines, 1):
        if parsed := parse(line):
            rows.append(QuestionRow(i, *parsed))
        elif line.strip():
            malformed.append(i)
    return rows, malformed


def _delimiter(header: str) -> str | None:
    names = {d: next(csv.reader([header[:_LONG]], delimiter=d), []) for d in ("\t", ",", "|", ";")}
    return next((d for d, n in names.items() if {*n} & {*_IDS} and {*n} & {*_QUESTIONS}), None)


def _table(path: Path, lines: Sequence[str]) -> tuple[list[QuestionRow], list[int]]:
    rows, malformed = [], []
    for number, row in _records(path, lines):
        clip_id, question, text = (_first(row, names) for names in (_IDS, _QUESTIONS, _TEXTS))
        if clip_id is None or question is None:
            malformed.append(number)
            continue
        if not all(v is None or encodable(v) for v in (clip_id, question, text)):
            raise QbsltError("holds a lone surrogate, which UTF-8 has no bytes for.", file=path,
                             line=number, cure="Take the character out.")  # fmt: skip
        split, name = _split_name(clip_id)
        rows.append(QuestionRow(number, split or _first(row, ("split",)), name, text, question))
    if not rows:
        raise QbsltError("no row has an id and a question.", file=path,
                         cure=f"Ids: {', '.join(_IDS)}; questions: {', '.join(_QUESTIONS)}.")  # fmt: skip  # noqa: E501
    return rows, malformed


def _records(path: Path, lines: Sequence[str]) -> Iterator[tuple[int, dict[str, object]]]:
    if lines[0].lstrip().startswith("{"):
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as e:
                raise QbsltError(f"is no JSON ({e}).", file=path, line=number,
                                 cure="A JSONL file has one object {...} a line.") from None  # fmt: skip  # noqa: E501
            yield number, row if isinstance(row, dict) else {}
        return
    yield from _delimited(path, lines)


def _delimited(path: Path, lines: Sequence[str]) -> Iterator[tuple[int, dict[str, object]]]:
    delimiter = _delimiter(lines[0])
    if delimiter is None:
        raise QbsltError(f"the header {shown(lines[0])} has no id and question column.", file=path,
                         line=1, cure=f"Ids: {', '.join(_IDS)}; questions: "
                         f"{', '.join(_QUESTIONS)}.")  # fmt: skip
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter, strict=True)
    start = 1  # where a row starts: a quoted field may hold line ends
    try:
        header = next(reader)
        start = reader.line_num + 1
        for row in reader:
            if row:
                yield start, dict(zip(header, row, strict=True)) if len(row) == len(header) else {}
            start = reader.line_num + 1
    except csv.Error as e:
        raise QbsltError(f"the row that starts here cannot be read ({e}).", file=path, line=start,
                         cure='Put fields that hold a quote in quotes, and double it: "".') from None  # fmt: skip  # noqa: E501


def _first(row: dict[str, object], names: Sequence[str]) -> str | None:
    value = next((row[n] for n in names if n in row), None)
    return value if isinstance(value, str) else None
