"""Boards: every submission scored again from its predictions, ranked beside the controls.

One board is one task, split, dataset fingerprint and convention; within it, systems are ranked only
against those of the same track. Controls stand on every board and have no rank.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from benchmarks.controls import control_texts
from benchmarks.leaderboard.submissions import TRACKS, Submission, read_submissions
from benchmarks.predictions import Predictions, read_predictions
from benchmarks.results import Result
from benchmarks.scorer import score
from benchmarks.split_data import SplitData, load_references
from benchmarks.tasks.task import Task, load_task, task_for, tasks
from qa_builder.dataset import Dataset
from qa_builder.errors import QbsltError, raise_all

CONTROL, REFERENCE = "control", "reference"
RANKED_BY = "bleu4"

Cell = dict[str, float | None]


@dataclass(eq=False)
class Row:
    """A system on a board: the mean over its seeds, and the result of each."""

    name: str
    track: str
    results: dict[str, Result]
    """By seed; the seed is "" where there is one."""
    scores: dict[str, Cell]
    """{score: {value, low, high, std}}: means over the seeds; std is None for one seed."""
    gain: dict[str, Cell] | None
    """The same of the paired difference to copying the question, and the largest p of the seeds."""
    submission: Submission | None = None
    rank: int | None = None

    @property
    def result(self) -> Result:
        """That of the first seed."""
        return next(iter(self.results.values()))


@dataclass
class Board:
    """What may be compared: the same task, split, fingerprint and convention."""

    task: Task
    dataset: Dataset
    data: SplitData
    rows: list[Row] = field(default_factory=list)
    """Systems by rank and controls between them, best BLEU-4 first."""

    def tracks(self) -> dict[str, list[Row]]:
        """Rows by track, in the usual order, without tracks that nobody is in."""
        by_track = {t: [r for r in self.rows if r.track == t] for t in TRACKS}
        return {track: rows for track, rows in by_track.items() if rows}


class _Entry(NamedTuple):
    submission: Submission
    predictions: dict[str, Predictions]


def build_boards(
    root: Path, datasets: Sequence[Dataset], *, resamples: int, seed: int,
    advance: Callable[[int], None] = lambda n: None,
) -> list[Board]:  # fmt: skip
    """The boards of all datasets, with the submissions in the folders of `root`.

    A dataset has a board for its task's own split, and one for each other split that a submission
    names. Raises QbsltError, or ErrorList with all that is wrong with the submissions.
    """
    submissions, errors = read_submissions(root)
    boards = {
        (i, task.split): Board(task, d, load_references(d, task.split))
        for i, d in enumerate(datasets) if (task := task_for(d)).split in d.splits
    }  # fmt: skip
    entries: dict[tuple[int, str], list[_Entry]] = {}
    named: dict[tuple[int, str, str, str], Submission] = {}
    for submission in submissions:
        try:
            i = _dataset_of(submission, datasets)
            task = task_for(datasets[i], submission.split or None)
            key = i, task.split
            _check_name(
                submission, named.setdefault((*key, submission.track, submission.name), submission)
            )
            if key not in boards:
                boards[key] = _board(submission, task, datasets[i])
            entry = _Entry(submission, _predictions(submission, boards[key].data))
            entries.setdefault(key, []).append(entry)
        except QbsltError as e:
            errors += getattr(e, "errors", [e])
    raise_all(errors)
    for key, board in boards.items():
        board.rows = list(_rows(board, entries.get(key, []), resamples, seed, advance))
        rank(board)
    return [boards[key] for key in sorted(boards)]


def _dataset_of(submission: Submission, datasets: Sequence[Dataset]) -> int:
    """Which of the datasets a submission is for. Raises QbsltError if none or several fit."""
    names = [task_for(d).name for d in datasets]
    if submission.task not in names and submission.task not in tasks():
        choices = ", ".join(sorted({*tasks(), *names}))
        raise QbsltError(
            f"unknown task {submission.task!r}; known are: {choices}.", file=submission.file
        )
    same = [i for i, name in enumerate(names) if name == submission.task]
    if not same:
        wanted = load_task(submission.task).dataset
        raise QbsltError(
            f"the dataset of the task {submission.task!r} is not given; given: {', '.join(names)}.",
            file=submission.file, cure=f"Build {wanted} and pass its folder with --data.",
        )  # fmt: skip
    fits = [i for i in same if datasets[i].fingerprint.startswith(submission.fingerprint)]
    if len(fits) != 1:
        listed = ", ".join(datasets[i].fingerprint[:16] for i in same)
        raise QbsltError(
            f"it is for the dataset {submission.fingerprint!r}, given are: {listed}."
            if submission.fingerprint else
            f"several datasets of the task {submission.task!r} are given: {listed}.",
            file=submission.file, cure="Write the `fingerprint` of the one it is for.",
        )  # fmt: skip
    return fits[0]


def _check_name(submission: Submission, owner: Submission) -> None:
    """Raise QbsltError if another submission has the name on the same board and track."""
    if owner is not submission:
        raise QbsltError(
            f"the name {submission.name!r} is taken by {owner.file} (same task and track).",
            file=submission.file, cure="Give one of them another name.",
        )  # fmt: skip


def _board(submission: Submission, task: Task, dataset: Dataset) -> Board:
    if task.split not in dataset.splits:
        raise QbsltError(
            f"unknown split {task.split!r}; {dataset.name} has: {', '.join(dataset.splits)}.",
            file=submission.file,
        )
    return Board(task, dataset, load_references(dataset, task.split))


def _predictions(submission: Submission, data: SplitData) -> dict[str, Predictions]:
    read: dict[str, Predictions] = {}
    errors: list[QbsltError] = []
    for seed, path in submission.predictions.items():
        try:
            read[seed] = read_predictions(path, data.sample_id)
        except QbsltError as e:
            errors += getattr(e, "errors", [e])
    raise_all(errors)
    return read


def _rows(
    board: Board, entries: Iterable[_Entry], resamples: int, seed: int,
    advance: Callable[[int], None],
) -> Iterable[Row]:  # fmt: skip
    def scored(name: str, track: str, texts: Sequence[str], source: Predictions | None) -> Result:
        result = score(
            board.task, board.data, texts, system=name, track=track, resamples=resamples,
            seed=seed, source=source,
        )  # fmt: skip
        advance(1)
        return result

    for submission, predictions in entries:
        results = {
            s: scored(submission.name, submission.track, p.texts, p)
            for s, p in predictions.items()
        }  # fmt: skip
        yield _row(submission.name, submission.track, results, submission)
    for name, texts in control_texts(board.data).items():
        yield _row(name, CONTROL, {"": scored(name, CONTROL, texts, None)})


def _row(
    name: str, track: str, results: dict[str, Result], submission: Submission | None = None
) -> Row:
    found = [r.as_dict() for r in results.values()]
    convention = found[0]["task"]["convention"]
    gains = [r["gain_over_copy"] for r in found]
    gain = _means(gains) if all(gains) else None
    for key, cell in (gain or {}).items():
        ps = [g[key]["p"] for g in gains]
        cell["p"] = None if None in ps else max(ps)
    scores = _means([r["scores"][convention] for r in found])
    return Row(name, track, results, scores, gain, submission)


def _means(seeds: Sequence[Mapping[str, Mapping[str, float | None]]]) -> dict[str, Cell]:
    """Mean of value, low and high of each score over the seeds, and standard deviation of value.

    The mean of the bounds makes an interval that is rather too wide than too narrow for the mean.
    """
    cells: dict[str, Cell] = {}
    for key in seeds[0]:
        cell: Cell = {}
        for part in ("value", "low", "high"):
            values = [v for seed in seeds if (v := seed[key][part]) is not None]
            cell[part] = statistics.fmean(values) if len(values) == len(seeds) else None
        several = len(seeds) > 1 and cell["value"] is not None
        values = [v for seed in seeds if (v := seed[key]["value"]) is not None]
        cell["std"] = statistics.stdev(values) if several else None
        cells[key] = cell
    return cells


def rank(board: Board) -> None:
    """Rank the systems of each track, and put all rows of the board in order.

    The best one and all whose interval overlaps its interval share rank 1; the best of the others
    and those that overlap it share the next, which counts everybody above; and so on.
    """
    for rows in board.tracks().values():
        waiting = sorted(rows, key=lambda r: -_bound(r, "value"))
        above = 0
        while waiting:
            best = waiting[0]
            group = [r for r in waiting if _bound(r, "high") >= _bound(best, "low")]
            for row in group:
                row.rank = above + 1
            above += len(group)
            waiting = [r for r in waiting if r not in group]
    board.rows.sort(key=lambda r: (-_bound(r, "value"), r.name))


def _bound(row: Row, part: str) -> float:
    value = row.scores[RANKED_BY][part]
    return float("-inf") if value is None else value
