"""Columns of strings that several readers want as bytes: they are joined and encoded once.

(Ours.) No pyarrow here: whoever only reads a dataset needs none of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

END = "\x1e"  # put between strings that are joined: hardly any holds it


class Strings(list[str]):
    """Strings that keep their joined form; not to be changed."""

    @cached_property
    def joined(self) -> bytes:
        """See `joined`."""
        return END.join(self).encode()


def joined(values: Sequence[str]) -> bytes:
    """Strings with 0x1E between them, as UTF-8.

    Raises TypeError if one is None, and UnicodeEncodeError for a lone surrogate.
    """
    return values.joined if isinstance(values, Strings) else END.join(values).encode()
