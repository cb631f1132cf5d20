"""Normalise many lines at once: each character is looked up in a table, in numpy.

For lines whose characters can be replaced one by one, which is nearly all. (Ours.)
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Units = NDArray[np.uint16]

_NOTHING, _UNSURE = 0, 1  # units that stand for no character, and for a line to be read with care
_PRINTABLE = range(32, 127)  # of ASCII
# Characters that no neighbour changes, and that change none: no accents, no parts of a syllable.
_ALONE = re.compile(
    r"[\u0000-\u02ff\u2000-\u206f\u3000-\u3029\u3030-\u303f\u4e00-\u9fff\uff01-\uff5e]"
)


def units_of(text: str) -> Units:
    """The UTF-16 units of a text: its code points, but for the rare ones that take two units."""
    return np.frombuffer(text.encode("utf-16-le", "surrogatepass"), dtype=np.uint16)


def odd_units(units: Units) -> list[int]:
    """The units that are not printable ASCII, each once, in order."""
    odd = units[(units - _PRINTABLE[0]) >= len(_PRINTABLE)]  # those below it wrap round
    return list(np.flatnonzero(np.bincount(odd)).tolist()) if len(odd) else []


def map_lines(lines: str, blanks: bool) -> tuple[list[str] | None, list[int]]:
    """Lines in the normal form of `text.normalize_all`, with single blanks or with none; None where
    all are in it.

    Also the numbers of the lines that have a character which may depend on its neighbours, or
    become several: what is given for these is of no use.
    """
    given = units_of(f"\n{lines}\n")  # each line has an end on both sides
    units = np.take(_table(given, blanks), given)
    numbers: list[int] = []
    if len(unsure := np.flatnonzero(units == _UNSURE)):
        ends = np.flatnonzero(units == ord("\n"))
        numbers = (np.unique(np.searchsorted(ends, unsure)) - 1).tolist()
    units = _without(units, units == _NOTHING, 0)
    if blanks:
        units = _single_blanks(units)
    if np.array_equal(units, given):
        return None, []
    return units[1:-1].tobytes().decode("utf-16-le").split("\n"), numbers


def _table(units: Units, blanks: bool) -> Units:
    """What becomes of each character, by its number."""
    present = [*_PRINTABLE, *odd_units(units)]
    table = np.zeros(max(present) + 1, dtype=np.uint16)
    table[present] = [_image(code) for code in present]
    if not blanks:
        table[table == ord(" ")] = _NOTHING
    return table


def _single_blanks(units: Units) -> Units:
    """Without blanks before another blank, and at the ends of lines."""
    edge = (units == ord(" ")) | (units == ord("\n"))
    units = _without(units, (units[:-1] == ord(" ")) & edge[1:], 0)
    return _without(units, (units[1:] == ord(" ")) & (units[:-1] == ord("\n")), 1)


def _without(units: Units, drop: NDArray[np.bool_], start: int) -> Units:
    """Without the units, from `start` on, that are to be dropped: in most texts, none."""
    if not drop.any():
        return units
    keep = np.ones(len(units), dtype=bool)
    keep[start : start + len(drop)] = ~drop
    left: Units = units[keep]
    return left


@lru_cache(maxsize=100_000)
def _image(code: int) -> int:
    """What normalisation makes of a character, whatever stands beside it."""
    c = chr(code)
    if c == "\n":
        return code
    image = unicodedata.normalize("NFKC", c).lower()
    if not _ALONE.match(c) or len(image) != 1:
        return _UNSURE
    image = plain(image)
    if not unicodedata.is_normalized("NFKC", image):
        return _UNSURE
    return ord(image) if image else _NOTHING


@lru_cache(maxsize=100_000)
def plain(c: str) -> str:
    """What is left of a character without punctuation: itself, a blank, or nothing."""
    if c.isalnum():
        return c
    if c.isspace() or unicodedata.category(c)[0] in "PSZ":
        return " "
    return "" if unicodedata.category(c)[0] == "C" else c
