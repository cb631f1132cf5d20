"""Arrow arrays of plain Python values, from their buffers.

`pyarrow.array` imports pandas to ask of every list whether it is a Series: a quarter of the time
that a build takes, for nothing. (`pyarrow.scalar` and `to_numpy` import it as well.)
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from qa_builder.errors import QbsltError
from qa_builder.strings import END, joined

_NUMBERS = {pa.int32(): np.int32, pa.int64(): np.int64, pa.float32(): np.float32}

_MOST_BYTES = (1 << 31) - 1  # of an array of strings: its offsets have 32 bits


def arrow_column(values: Sequence[Any], type: pa.DataType) -> pa.Array:
    """An array of strings, lists of strings or numbers; None stands for null.

    Raises QbsltError for strings that Arrow can't hold: 2 GB of them, or a lone surrogate.
    """
    n = len(values)
    if pa.types.is_string(type) and n:
        with contextlib.suppress(TypeError):  # unless one is None
            offsets, data = _texts(values)
            return pa.Array.from_buffers(type, n, [None, offsets, data], 0)
    missing = values.count(None)
    if missing == n:
        return pa.nulls(n, type)
    validity = _bits([v is not None for v in values]) if missing else None
    if pa.types.is_list(type):
        offsets = _offsets([len(v or ()) for v in values])
        items = arrow_column(list(chain.from_iterable(v or () for v in values)), type.value_type)
        return pa.Array.from_buffers(type, n, [validity, offsets], missing, children=[items])
    if pa.types.is_string(type):
        offsets, data = _texts(["" if v is None else v for v in values])
        return pa.Array.from_buffers(type, n, [validity, offsets, data], missing)
    numbers = np.array([v or 0 for v in values] if missing else values, dtype=_NUMBERS[type])
    return pa.Array.from_buffers(type, n, [validity, pa.py_buffer(numbers)], missing)


def _texts(values: Sequence[str]) -> tuple[pa.Buffer, pa.Buffer]:
    """The offsets and the bytes of strings."""
    try:
        data = joined(values)
    except UnicodeEncodeError:
        raise QbsltError("a text holds a lone surrogate, which UTF-8 has no bytes for.",
                         cure="Take the character out of the source.") from None  # fmt: skip
    if len(data) - len(values) >= _MOST_BYTES:
        raise QbsltError(f"{len(values):,} rows hold over 2 GB of text, which is too much.",
                         cure="Make the texts of the source shorter.")  # fmt: skip
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord(END))
    if len(ends) == len(values) - 1:
        return _parted(data, ends)
    encoded = [v.encode() for v in values]  # one of them holds the character itself
    return _offsets(list(map(len, encoded))), pa.py_buffer(b"".join(encoded))


def _parted(data: bytes, ends: NDArray[np.int64]) -> tuple[pa.Buffer, pa.Buffer]:
    """The offsets and the bytes of the strings between separators, which stand at `ends`."""
    offsets = np.zeros(len(ends) + 2, dtype=np.int32)
    offsets[1:-1] = ends - np.arange(len(ends))
    offsets[-1] = len(data) - len(ends)
    return pa.py_buffer(offsets), pa.py_buffer(data.replace(END.encode(), b""))


def numbered_words(lines: bytes) -> tuple[NDArray[np.int32], NDArray[np.int64], list[str]]:
    """Of each word of all lines its number and that of its line; and the words by number.

    Lines as `joined` gives them; words are parted by single blanks, an empty line has one empty
    word.
    """
    codes = np.frombuffer(lines + END.encode(), dtype=np.uint8).copy()
    after_line = codes == ord(END)
    ends = np.flatnonzero((codes == ord(" ")) | after_line) + 1
    rows = np.zeros(len(ends), dtype=np.int64)
    np.cumsum(after_line[ends[:-1] - 1], out=rows[1:])
    codes[after_line] = ord(" ")  # each word with a blank behind it: so nothing is cut out
    offsets = np.zeros(len(ends) + 1, dtype=np.int32)
    offsets[1:] = ends
    words = pa.Array.from_buffers(
        pa.string(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(codes)], 0
    )
    numbered = words.dictionary_encode()
    numbers = np.frombuffer(numbered.indices.buffers()[1], dtype=np.int32)[: len(words)]
    return numbers, rows, [word[:-1] for word in numbered.dictionary.to_pylist()]


def half_hex(digests: bytes, size: int) -> pa.Array:
    """An array of the first halves of digests of so many bytes, in hexadecimal digits."""
    halves = np.frombuffer(digests, dtype=np.uint8).reshape(-1, size)[:, : size // 2]
    offsets = np.arange(0, halves.size * 2 + 1, size, dtype=np.int32)
    digits = pa.py_buffer(halves.tobytes().hex().encode())
    return pa.Array.from_buffers(pa.string(), len(halves), [None, pa.py_buffer(offsets), digits])


def repeated(value: str | None, n: int) -> pa.Array:
    """An array of n times the same string, or null."""
    return pa.repeat(arrow_column([value], pa.string())[0], n)


def as_array(
    column: Sequence[Any] | NDArray[np.float64] | pa.Array, type: pa.DataType
) -> pa.Array:  # fmt: skip
    """`arrow_column`, of what may be an array already: of Arrow, or of numbers in numpy."""
    if isinstance(column, pa.Array):
        return column
    if isinstance(column, range):
        column = np.arange(column.start, column.stop, column.step)
    if isinstance(column, np.ndarray):
        numbers = pa.py_buffer(column.astype(_NUMBERS[type]))
        return pa.Array.from_buffers(type, len(column), [None, numbers], 0)
    return arrow_column(column, type)


def struct_column(
    children: Sequence[pa.Array], type: pa.DataType, absent: Sequence[bool]
) -> pa.Array:
    """An array of structs from the arrays of their fields; null where `absent` says so."""
    validity = _bits([not a for a in absent]) if any(absent) else None
    return pa.Array.from_buffers(
        type, len(absent), [validity], sum(absent), children=list(children)
    )


def _bits(values: Sequence[bool]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(np.array(values, dtype=bool), bitorder="little"))


def _offsets(lengths: Sequence[int]) -> pa.Buffer:
    offsets = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=offsets[1:])
    return pa.py_buffer(offsets)
