"""Arrow arrays from buffers are those that pyarrow makes."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_builder.arrow import (
    arrow_column,
    as_array,
    half_hex,
    numbered_words,
    repeated,
    struct_column,
)
from qa_builder.errors import QbsltError
from qa_builder.strings import Strings, joined

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
COLUMNS: dict[Any, st.SearchStrategy[Any]] = {
    pa.string(): TEXT,
    pa.list_(pa.string()): st.lists(TEXT | st.none(), max_size=3),
    pa.int32(): st.integers(-(2**31), 2**31 - 1),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float32(): st.floats(width=32, allow_nan=False),
}


@pytest.mark.parametrize("type_", COLUMNS, ids=str)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_equal_to_pyarrow(type_: pa.DataType, data: st.DataObject) -> None:
    values = data.draw(st.lists(COLUMNS[type_] | st.none(), max_size=20))
    ours, theirs = arrow_column(values, type_), pa.array(values, type_)
    ours.validate(full=True)
    assert ours.type == theirs.type and ours.null_count == theirs.null_count
    assert ours.equals(theirs) and ours.to_pylist() == theirs.to_pylist()


@given(st.lists(st.none() | st.tuples(TEXT, st.integers(0, 9) | st.none()), max_size=12))
@settings(max_examples=60, deadline=None)
def test_structs(values: list[Any]) -> None:
    type_ = pa.struct([("a", pa.string()), ("b", pa.int32())])
    absent = [v is None for v in values]
    children = [
        arrow_column([None if v is None else v[i] for v in values], type_.field(i).type)
        for i in range(2)
    ]
    ours = struct_column(children, type_, absent)
    ours.validate(full=True)
    assert ours.to_pylist() == [v and {"a": v[0], "b": v[1]} for v in values]


def test_what_utf8_has_no_bytes_for() -> None:
    with pytest.raises(QbsltError, match="lone surrogate"):
        arrow_column(["a", "\ud800"], pa.string())


def test_more_text_than_the_offsets_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa_builder.arrow._MOST_BYTES", 4)
    assert arrow_column(["ää"], pa.string()).to_pylist() == ["ää"]
    with pytest.raises(QbsltError, match="over 2 GB"):
        arrow_column(["ää", "x"], pa.string())


def test_a_string_that_holds_the_character_between_strings() -> None:
    values = ["a\x1eb", "", "ä", "\x1e"]
    assert arrow_column(values, pa.string()).to_pylist() == values


@pytest.mark.parametrize("value", ["ä", None])
def test_repeated(value: str | None) -> None:
    column = repeated(value, 3)
    assert column.type == pa.string() and column.to_pylist() == [value] * 3
    assert as_array(column, pa.string()) is column


@given(st.lists(st.lists(st.sampled_from(["a", "ä", "regen", "的"]), max_size=4), max_size=9))
def test_words_are_numbered(lines: list[list[str]]) -> None:
    lines = lines or [[]]
    numbers, rows, words = numbered_words(joined([" ".join(line) for line in lines]))
    found = list(zip(rows.tolist(), (words[n] for n in numbers), strict=True))
    assert found == [(i, w) for i, line in enumerate(lines) for w in line or [""]]
    assert len(words) == len(set(words))


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=5), min_size=1))
def test_strings_are_joined_once_and_the_same(values: list[str]) -> None:
    column = Strings(values)
    assert joined(column) == joined(values) == "\x1e".join(values).encode()
    assert joined(column) is joined(column)
    assert arrow_column(column, pa.string()).to_pylist() == values


def test_what_has_no_bytes_is_not_joined() -> None:
    missing: list[Any] = ["a", None]
    with pytest.raises(TypeError):
        joined(Strings(missing))
    with pytest.raises(UnicodeEncodeError):
        joined(["\ud800"])


def test_first_halves_of_digests_in_hexadecimal() -> None:
    digests = [hashlib.sha256(word).digest() for word in (b"a", b"b", b"")]
    found = half_hex(b"".join(digests), 32)
    assert found.to_pylist() == [d.hex()[:32] for d in digests]
    assert half_hex(b"", 32).to_pylist() == []


def test_numbers_of_numpy_and_ranges() -> None:
    assert as_array(range(2, 9, 3), pa.int32()).equals(pa.array([2, 5, 8], pa.int32()))
    thirds = np.arange(3) / 3
    assert as_array(thirds, pa.float32()).equals(pa.array(thirds.tolist(), pa.float32()))
