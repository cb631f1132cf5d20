"""Everything that `score` would refuse, of a file, a run or a submission."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.find_dataset import Found, find_dataset
from benchmarks.leaderboard.submissions import SYSTEM, read_submission
from benchmarks.order import order_warning
from benchmarks.predictions import read_predictions
from benchmarks.split_data import load_references, rows_by_split
from qa_builder.errors import QbsltError
from qa_builder.samples import SPLITS

_ENDINGS = (".txt", ".tsv", ".csv", ".jsonl")


class Checked(NamedTuple):
    """What was found in one file."""

    file: Path
    problems: list[str]
    warnings: list[str]


def findings(
    path: Path, *, data: Path | None = None, task: str | None = None, split: str | None = None
) -> Iterator[Checked]:
    """Check a file, or all predictions of a run's or a submission's folder.

    Raises QbsltError where there is nothing to check, or no dataset to check it against.
    """
    files = [path]
    if (path / SYSTEM).is_file():
        try:
            submission = read_submission(path)
        except QbsltError as e:
            yield Checked(path / SYSTEM, _each(e), [])
            return
        files = list(submission.predictions.values())
        task, split = task or submission.task, split or submission.split or None
    elif path.is_dir():
        files = sorted(p for p in path.glob("predictions*") if p.suffix in _ENDINGS)
        if not files:
            raise QbsltError(
                f"holds no {SYSTEM} and no file named predictions*.", file=path,
                cure="Give a file, or the folder of one run or one submission.",
            )  # fmt: skip
    for file in files:
        given = split or (_split_of(file) if path.is_dir() else None)
        yield _check(file, find_dataset(data=data, task=task, split=given, predictions=file))


def _check(file: Path, found: Found) -> Checked:
    rows = load_references(found.dataset, found.task.split)
    try:
        read = read_predictions(file, rows.sample_id, splits=rows_by_split(found.dataset))
    except QbsltError as e:
        return Checked(file, _each(e), [])
    order = order_warning(read.texts, rows) if read.format == "text" else []
    return Checked(file, [], [*found.warnings, *read.warnings, *order])


def _each(error: QbsltError) -> list[str]:
    return [str(e) for e in getattr(error, "errors", [error])]


def _split_of(file: Path) -> str | None:
    """dev of predictions.dev.jsonl, as a run has it."""
    parts = file.name.split(".")
    return parts[1] if len(parts) == 3 and parts[1] in SPLITS else None
