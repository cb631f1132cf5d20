"""Read text files strictly: encodings, delimiters and columns that are wrong are errors."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from pathlib import Path
from string import ascii_letters, digits

from qa_builder.errors import QbsltError, raise_all

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
BOM = b"\xef\xbb\xbf"
_MOST = 2**31 - 1  # n_frames is a column of 32 bits

_PLAIN = f"{ascii_letters}{digits}_-+/|".encode()  # of ids of which only slashes can be wrong

_cut = reprlib.Repr()
_cut.maxstring = _cut.maxother = 80


def shown(value: object) -> str:
    """A value as an error message shows it: quoted, and cut where it is long."""
    return _cut.repr(value)


def short(name: str) -> str:
    """A name as an error message shows it: as it is, but cut where it is long."""
    return name if len(name) <= 80 else f"{name[:80]}..."


def listed(names: Sequence[str]) -> str:
    """Names as an error message lists them, cut where there are many or long ones."""
    more = f", ... ({len(names):,} in all)" if len(names) > 20 else ""
    return ", ".join(map(short, names[:20])) + more


def frame_count(value: object) -> int | None:
    """A number of frames, given as an int or in digits; None where it is none."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) < 11 else None
    return value if type(value) is int and 0 <= value <= _MOST else None


def leads_out(path: str) -> bool:
    """Whether a path of frames is absolute or climbs up, out of the corpus."""
    parts = path.replace("\\", "/").split("/")
    return ".." in parts or path[:1] in ("/", "\\") or parts[0].endswith(":")


def encodable(text: str) -> bool:
    """Whether a text is free of lone surrogates, which UTF-8 has no bytes for."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_lines(path: Path) -> list[str]:
    """The lines of `read_text`."""
    return read_text(path).split("\n")


def read_text(path: Path) -> str:
    """A UTF-8 file with plain line ends, none after the last line.

    Admits a byte order mark and CRLF. Raises QbsltError for another encoding, NUL bytes, or an
    empty file.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise QbsltError("there is no such file.", file=path, cure="Check its path.") from None
    if data.startswith(_UTF16):
        raise QbsltError("is UTF-16, expected UTF-8.", file=path, cure=_iconv(path, "UTF-16"))
    data = data.removeprefix(BOM)
    if not data or data.isspace():
        raise QbsltError("the file is empty.", file=path, cure="Copy it again from its source.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as e:
        line = data.count(b"\n", 0, e.start) + 1
        raise QbsltError(
            f"is not UTF-8 (byte 0x{data[e.start]:02x}); perhaps Latin-1 or GB18030.",
            file=path, line=line, cure=_iconv(path, "LATIN1"),
        ) from None  # fmt: skip
    if b"\0" in data:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise QbsltError("holds NUL bytes: it is no UTF-8 text.", file=path, line=line,
                         cure="Save it as UTF-8, or copy it again from its source.")  # fmt: skip
    if b"\r" in data:
        text = text.replace("\r\n", "\n")
    return text.removesuffix("\n")


def _iconv(path: Path, encoding: str) -> str:
    return f"Convert it: `iconv -f {encoding} -t UTF-8 {path.name} > utf8.txt`."


def check_header(path: Path, header: str, delimiter: str, required: Sequence[str]) -> list[str]:
    """The column names of a header line; QbsltError for a wrong delimiter or a missing column."""
    columns = header.split(delimiter)
    if len(columns) == 1:
        found = next((d for d in ("|", "\t", ",", ";") if header.count(d) >= len(required) - 1), "")
        seen = f" (it seems to be parted by {found!r})" if found else ""
        raise QbsltError(
            f"expected a header of columns parted by {delimiter!r}{seen}.", file=path, line=1,
            cure=f"The columns must include: {', '.join(required)}.",
        )  # fmt: skip
    missing = [c for c in required if c not in columns]
    twice = sorted({c for c in columns if columns.count(c) > 1}) if not missing else []
    if missing or twice:
        what = (
            f"lacks the column {', '.join(missing)}" if missing else f"has twice: {listed(twice)}"
        )
        raise QbsltError(
            f"{what}; its columns are: {listed(columns)}.",
            file=path, line=1, cure="Use the annotation file as it was released.",
        )  # fmt: skip
    return columns


def split_columns(text: str, delimiter: str, n: int, start: str = "") -> list[list[str]] | None:
    """The fields of lines as n columns, without what all lines start with; None if any line has
    more or fewer fields, or starts otherwise.
    """
    if not text.startswith(start):
        return None
    marked = text[len(start) :].replace(f"\n{start}", f"{delimiter}\n{delimiter}")
    flat = marked.split(delimiter)
    ends = flat[n :: n + 1]  # where each line has n fields, the line ends are those, and no others
    if len(flat) % (n + 1) != n or not len(ends) == ends.count("\n") == text.count("\n"):
        return None
    return [flat[i :: n + 1] for i in range(n)]


def split_rows(path: Path, lines: Sequence[str], delimiter: str, n: int) -> list[list[str]]:
    """Split the lines after the header in n fields each; all the lines that don't fit at once."""
    rows = [line.split(delimiter) for line in lines[1:]]
    if any(len(r) != n for r in rows):
        raise_all(
            QbsltError(
                f"has {len(r)} fields parted by {delimiter!r}, expected {n}.",
                file=path, line=i,
                cure="Look for a cut or blank line, or a field that holds the delimiter.",
            )
            for i, r in enumerate(rows, 2)
            if len(r) != n
        )  # fmt: skip
    if not rows:
        raise QbsltError("has a header and no rows.", file=path,
                         cure="Copy it again from its source.")  # fmt: skip
    return rows


def check_ids(
    path: Path, ids: Sequence[str], seen: dict[str, str], split: str, lines: Sequence[int]
) -> None:
    """Refuse empty, unsafe and double ids, and ids that another split has; note them in `seen`.

    `lines` gives the line of each id. All the errors of the file come at once.
    """
    wanted = len(seen) + len(ids)
    if seen.keys().isdisjoint(ids) and _plainly_safe(ids):
        seen.update(dict.fromkeys(ids, split))
        if len(seen) == wanted:
            return
        seen = {i: s for i, s in seen.items() if s != split}
    errors: list[QbsltError] = []
    here: dict[str, int] = {}
    for line, clip_id in zip(lines, ids, strict=True):
        problem = unsafe(clip_id)
        if not problem and clip_id in here:
            problem = f"the id was seen on line {here[clip_id]} already"
        elif not problem and clip_id in seen:
            problem = f"the id was seen before, in the split {seen[clip_id]!r}"
        if problem:
            cure = "Each clip must have one id, in one split."
            error = QbsltError(f"{problem}.", file=path, line=line, id=short(clip_id), cure=cure)
            errors.append(error)
        here.setdefault(clip_id, line)
    raise_all(errors)
    seen.update(dict.fromkeys(ids, split))


def _plainly_safe(ids: Sequence[str]) -> bool:
    """A quick test of all ids at once; where it says no, `unsafe` looks at each."""
    joined = f"|{'|'.join(ids)}|"
    if joined.isascii() and not joined.encode().translate(None, _PLAIN):
        return "|/" not in joined and "||" not in joined
    odd = ("\\", "#", "..", " |", "| ", "|/", "||")
    return joined.isprintable() and not any(o in joined for o in odd)


def unsafe(clip_id: str) -> str:
    """Why an id can't be used as a name of files; empty if it can."""
    if not clip_id or clip_id != clip_id.strip():
        return "the id is empty or has blanks around it"
    if clip_id.startswith("/") or "\\" in clip_id or ".." in clip_id.split("/"):
        return "the id is a path that leads out of the corpus"
    if not clip_id.isprintable() or "#" in clip_id:
        return "the id holds a control character or '#', which marks further questions of a clip"
    return ""
