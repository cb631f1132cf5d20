"""Samples that a run learned without, for they have no features or frames: a file of its folder.

    RUN/left-out.json   {"train": {"of": 84, "ids": ["...", ...]}, "dev": ...}

What stands there comes into every score of the run: a note, and `nofeat-train:N` in the signature.
A run that learned from all has no such file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from qa_builder.atomic import replace_text
from qa_builder.errors import QbsltError

FILE = "left-out.json"
_SO = {"train": "the model learned without them", "dev": "checkpoints were chosen without them"}


class LeftOut(NamedTuple):
    """Of a split."""

    ids: list[str]
    """The samples without features or frames."""
    of: int
    """How many samples the split has, those among them."""

    def note(self, split: str) -> str:
        """A line for the result."""
        so = _SO.get(split, "left out")
        return f"{len(self.ids):,} of {self.of:,} samples of {split} have no video: {so}"


def write_left_out(
    folder: Path, ids: Mapping[str, Sequence[str]], sizes: Mapping[str, int]
) -> None:
    """Write the file, or remove it where nothing was left out; both by split."""
    found = {split: {"of": sizes[split], "ids": list(some)} for split, some in ids.items() if some}
    if found:
        replace_text(folder / FILE, json.dumps(found, indent=1) + "\n")
    else:
        (folder / FILE).unlink(missing_ok=True)


def read_left_out(folder: Path) -> dict[str, LeftOut]:
    """By split; empty for a folder without the file. Raises QbsltError for a damaged one."""
    file = folder / FILE
    if not file.is_file():
        return {}
    try:
        found = json.loads(file.read_text("utf-8"))
        return {
            split: LeftOut([str(i) for i in one["ids"]], int(one["of"]))
            for split, one in found.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise QbsltError(f"does not say which samples were left out ({type(e).__name__}: {e}).",
                         file=file, cure="Copy the run again from its source.") from None  # fmt: skip  # noqa: E501
