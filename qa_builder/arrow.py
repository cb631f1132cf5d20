"""Arrow arrays of plain Python values, from their buffers.

`pyarrow.array` imports pandas to ask of every list whether it is a Series: a quarter of the time
that a build takes, for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from qa_builder.errors import QbsltError

_NUMBERS = {pa.int32(): np.int32, pa.int64(): np.int64, pa.float32(): np.float32}

_MOST_BYTES = (1 << 31) - 1  # of an array of strings: its offsets have 32 bits


def arrow_column(values: Sequence[Any], type: pa.DataType) -> pa.Array:
    """An array of strings, lists of strings or numbers; None stands for null.

    Raises QbsltError for strings that Arrow can't hold: 2 GB of them, or a lone surrogate.
    """
    n = len(values)
    missing = values.count(None)
    if missing == n:
        return pa.nulls(n, type)
    validity = _bits([v is not None for v in values]) if missing else None
    if pa.types.is_list(type):
        offsets = _offsets([len(v or ()) for v in values])
        items = arrow_column(list(chain.from_iterable(v or () for v in values)), type.value_type)
        return pa.Array.from_buffers(type, n, [validity, offsets], missing, children=[items])
    if pa.types.is_string(type):
        filled = ["" if v is None else v for v in values] if missing else values
        text = "".join(filled)
        try:
            data = text.encode()
        except UnicodeEncodeError:
            raise QbsltError("a text holds a lone surrogate, which UTF-8 has no bytes for.",
                             cure="Take the character out of the source.") from None  # fmt: skip
        if len(data) > _MOST_BYTES:
            raise QbsltError(f"{n:,} rows hold over 2 GB of text, which is too much.",
                             cure="Make the texts of the source shorter.")  # fmt: skip
        lengths = map(len, filled) if len(data) == len(text) else (len(v.encode()) for v in filled)
        buffers = [validity, _offsets(list(lengths)), pa.py_buffer(data)]
        return pa.Array.from_buffers(type, n, buffers, missing)
    numbers = np.array([v or 0 for v in values] if missing else values, dtype=_NUMBERS[type])
    return pa.Array.from_buffers(type, n, [validity, pa.py_buffer(numbers)], missing)


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
