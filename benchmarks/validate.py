"""Everything that `score` would refuse, of a file, a run or a submission."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.find_dataset import find_dataset
from benchmarks.predictions import read_predictions
from benchmarks.split_data import load_references
from qa_builder.errors import ErrorList, QbsltError

_ENDINGS = (".txt", ".tsv", ".csv", ".jsonl")


class Checked(NamedTuple):
    """What was found in one file."""

    file: Path
    problems: list[str]
    warnings: list[str]


def findings(
    path: Path, *, data: Path | None = None, task: str | None = None, split: str | None = None
) -> Iterator[Checked]:
    """Check a file, or every file of predictions in a folder.

    Raises QbsltError where there is nothing to check, or no dataset to check it against.
    """
    files = [path]
    if path.is_dir():
        files = sorted(p for p in path.glob("predictions*") if p.suffix in _ENDINGS)
        if not files:
            raise QbsltError("holds no file named predictions*.", file=path)
    for file in files:
        found = find_dataset(
            data=data, task=task, split=split or _split_of(file), predictions=file
        )  # fmt: skip
        rows = load_references(found.dataset, found.task.split)
        sizes = {s: v["rows"] for s, v in found.dataset.manifest["splits"].items()}
        try:
            read = read_predictions(file, rows.sample_id, splits=sizes)
        except ErrorList as e:
            yield Checked(file, [str(error) for error in e.errors], [])
        except QbsltError as e:
            yield Checked(file, [str(e)], [])
        else:
            yield Checked(file, [], [*found.warnings, *read.warnings])


def _split_of(file: Path) -> str | None:
    """dev of predictions.dev.jsonl."""
    parts = file.name.split(".")
    return parts[1] if len(parts) == 3 and parts[0] == "predictions" else None
