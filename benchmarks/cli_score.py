"""`qbslt-bench score` and `validate`: their options, and what they print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from qa_builder.console import warn

if TYPE_CHECKING:
    from benchmarks.find_dataset import Found
    from benchmarks.predictions import Predictions
    from benchmarks.split_data import SplitData

_PATH = click.Path(path_type=Path)
_FORMATS = ("table", "json", "markdown", "latex", "csv")
_TRACKS = ("video", "video+question", "video+gloss", "control")


@click.command()
@click.argument("predictions", type=_PATH)
@click.option("--data", type=_PATH, help="A built dataset; default: that of the run that the file "
              "lies in, or the only one under data/.")  # fmt: skip
@click.option("--task", help="One of `qbslt-bench list`, to choose among several datasets.")
@click.option("--split", help="Default: that of the run, or test.")
@click.option("--references", type=_PATH,
              help="Score against these instead; the result is unofficial.")  # fmt: skip
@click.option("--gloss", is_flag=True, help="The predictions are glosses: word error rate.")
@click.option("--allow-missing", is_flag=True, help="Score missing predictions as empty.")
@click.option("--out", type=_PATH, help="Write result.json and samples.jsonl into this folder.")
@click.option("--format", "format", type=click.Choice(_FORMATS), default="table", show_default=True)
@click.option("--resamples", type=click.IntRange(100, 100_000), default=1000, show_default=True,
              help="Of the bootstrap.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=12345, show_default=True,
              help="Of the bootstrap.")  # fmt: skip
@click.option("--system", help="Name of the system; default: that of the run or the file.")
@click.option("--track", help=f"{', '.join(_TRACKS)}; default: that of the run.")
@click.option("--learned", multiple=True, metavar="NAME",
              help="Add bertscore, bleurt or comet, if installed (see the docs).")  # fmt: skip
def score(predictions: Path, data: Path | None, task: str | None, split: str | None,
          references: Path | None, gloss: bool, allow_missing: bool, out: Path | None,
          format: str, resamples: int, seed: int, system: str | None, track: str | None,
          learned: tuple[str, ...]) -> None:  # fmt: skip
    """Score a file of PREDICTIONS: plain text, TSV, CSV or JSONL."""
    from benchmarks.find_dataset import find_dataset
    from benchmarks.learned import learned_metrics
    from benchmarks.left_out import read_left_out
    from benchmarks.results import write_result
    from benchmarks.scorer import score as score_system
    from benchmarks.show import FORMATS, for_people, tell

    metrics = learned_metrics(learned)
    found = find_dataset(data=data, task=task, split=split, predictions=predictions)
    rows, read, warnings = _read(found, predictions, references, allow_missing, gloss)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)  # a folder that can't be made is told at once
    name, own_track = _system(found, predictions)
    result = score_system(
        found.task, rows, read.texts, system=system or name, track=track or own_track,
        resamples=resamples, seed=seed, gloss=gloss, learned=metrics, source=read,
        warnings=[*found.warnings, *warnings],
        left_out=None if found.run is None else read_left_out(predictions.parent),
    )  # fmt: skip
    tell(result)
    if out is not None:
        write_result(result, out)
    if format == "table":
        for_people(result)
    else:
        click.echo(FORMATS[format](result), nl=False)


@click.command()
@click.argument("path", type=_PATH)
@click.option("--data", type=_PATH, help="A built dataset; default as for score.")
@click.option("--task", help="One of `qbslt-bench list`, to choose among several datasets.")
@click.option("--split", help="Default: that of the run, or test.")
def validate(path: Path, data: Path | None, task: str | None, split: str | None) -> None:
    """Check the predictions of a file, or of a run's or submission's folder, as score would."""
    from benchmarks.validate import findings
    from qa_builder.errors import FindingError

    found = 0
    for file, problems, warnings in findings(path, data=data, task=task, split=split):
        for warning in warnings:
            warn(f"{file}: {warning}")
        for problem in problems:
            click.echo(problem)
        found += len(problems)
        if not problems:
            click.echo(f"{file}: can be scored")
    if found:
        raise FindingError(f"{found:,} finding{'s' if found > 1 else ''} (above).", file=path)


def _read(
    found: Found, predictions: Path, references: Path | None, allow_missing: bool, gloss: bool
) -> tuple[SplitData, Predictions, list[str]]:
    """The rows to score against, the predictions, and warnings of the references' file."""
    from benchmarks.predictions import read_predictions
    from benchmarks.split_data import load_references, replace_references, rows_by_split

    dataset = found.dataset
    rows = load_references(dataset, found.task.split)
    sizes, warnings = rows_by_split(dataset), list[str]()
    read = read_predictions(
        predictions, rows.sample_id, allow_missing=allow_missing, splits=sizes
    )  # fmt: skip
    if references is not None:
        given = read_predictions(references, rows.sample_id, splits=sizes)
        warnings = [f"{given.file}: {warning}" for warning in given.warnings]
        rows = replace_references(rows, given.texts, given.file, gloss=gloss)
    if found.run is not None:
        rows.dataset["features"] = found.run.features
    return rows, read, warnings


def _system(found: Found, predictions: Path) -> tuple[str, str | None]:
    if found.run is not None:
        return found.run.model, found.run.track
    return predictions.name.split(".")[0] or predictions.name, None
