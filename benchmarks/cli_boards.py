"""`qbslt-bench compare` and `qbslt-bench leaderboard`: systems beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qa_builder.console import print_table, progress, warn
from qa_builder.errors import QbsltError

if TYPE_CHECKING:
    from qa_builder.dataset import Dataset

_PATH = click.Path(path_type=Path)
_RESAMPLES = click.option(
    "--resamples", type=click.IntRange(100, 100_000), default=1000, show_default=True,
    help="Draws of the bootstrap, and swaps of the randomisation test.",
)  # fmt: skip
_SEED = click.option("--seed", type=click.IntRange(0), default=12345, show_default=True,
                     help="Seed of the draws.")  # fmt: skip


@click.command()
@click.argument("predictions", nargs=-1, required=True, type=_PATH)
@click.option("--data", type=_PATH, help="A built dataset; default as for score.")
@click.option("--task", help="One of `qbslt-bench list`, to choose among several datasets.")
@click.option("--split", help="Default: that of the run, or test.")
@_RESAMPLES
@_SEED
@click.option("--html", type=_PATH, help="Write a report with buckets, examples and n-grams.")
@click.option("--json", "json_file", type=_PATH, help="Write all figures as JSON.")
def compare(
    predictions: tuple[Path, ...], data: Path | None, task: str | None, split: str | None,
    resamples: int, seed: int, html: Path | None, json_file: Path | None,
) -> None:  # fmt: skip
    """Compare the PREDICTIONS of two or more systems: is one really better?

    Paired bootstrap and approximate randomisation for every metric, corrected by Holm for more than
    two systems; wins by sentence; the sentences and n-grams that differ most.
    """
    from benchmarks.compare import compare as compared
    from benchmarks.compare import distinct_names
    from benchmarks.compare_page import make_page
    from benchmarks.find_dataset import find_dataset
    from benchmarks.predictions import read_predictions
    from benchmarks.results import json_text, write_text
    from benchmarks.split_data import load_references, read_columns, rows_by_split

    if len(predictions) < 2:
        raise QbsltError("two or more files of predictions are compared, one was given.")
    found = find_dataset(data=data, task=task, split=split, predictions=predictions[0])
    references = load_references(found.dataset, found.task.split)
    names = distinct_names(predictions)
    sizes = rows_by_split(found.dataset)
    read = [read_predictions(path, references.sample_id, splits=sizes) for path in predictions]
    train = None
    if "train" in found.dataset.splits and found.task.split != "train":
        train = read_columns(found.dataset, "train", ["text"])["text"]
    document = compared(
        found.task, references, dict(zip(names, read, strict=True)), train=train,
        resamples=resamples, seed=seed,
    )  # fmt: skip
    for warning in found.warnings:
        warn(warning)
    for system in document["systems"]:
        for warning in system["warnings"]:
            warn(f"{system['name']}: {warning}")
    _print(document)
    if json_file:
        write_text(json_file, [json_text(document)])
    if html:
        write_text(html, [make_page(document, references.language)])


def _print(found: dict[str, Any]) -> None:
    from benchmarks.compare_page import METRICS
    from benchmarks.show import bounds, metric_name, number, p_value

    metrics = [m for m in METRICS if m in found["systems"][0]["scores"]]
    print_table(
        f"{found['task']['name']}, {found['task']['split']}, {found['n']:,} sentences",
        ["metric", *(s["name"] for s in found["systems"])],
        [[metric_name(m), *(_with_interval(s["scores"][m]) for s in found["systems"])]
         for m in metrics],
    )  # fmt: skip
    several = len(found["systems"]) > 2
    ps = ["p", "p_randomisation", *(["p_holm", "p_randomisation_holm"] if several else [])]
    heads = ["p (bootstrap)", "p (randomisation)", "p (bootstrap, Holm)", "p (randomisation, Holm)"]
    for pair in found["pairs"]:
        rows = [
            [metric_name(m), number(t["value"], "+"), bounds(t, "+"), *(p_value(t[p]) for p in ps)]
            for m in metrics if (t := pair["tests"][m])
        ]  # fmt: skip
        columns = ["metric", "difference", "95 % interval", *heads[: len(ps)]]
        print_table(f"{pair['a']} - {pair['b']}", columns, rows)
        s = pair["sentences"]
        click.echo(
            f"sentence BLEU-4: {pair['a']} better in {s['a_better']:,}, {pair['b']} in "
            f"{s['b_better']:,}, the same in {s['same']:,}\n"
        )
    click.echo(found["signatures"]["bleu"])


def _with_interval(cell: Mapping[str, float | None]) -> str:
    from benchmarks.show import bounds, number

    return f"{number(cell['value'])} ({bounds(cell)})"


@click.group()
def leaderboard() -> None:
    """Boards of submitted systems, as a static site."""


@leaderboard.command()
@click.argument("submissions", type=_PATH)
@click.option("--out", type=_PATH, required=True, help="Folder of the site; replaced as a whole.")
@click.option(
    "--data",
    type=_PATH,
    multiple=True,
    help="A built dataset; may be given several times.  [default: all under data/]",
)
@click.option(
    "--with-examples",
    is_flag=True,
    help="Show sentences of the corpus and outputs; only if its licence lets you.",
)
@_RESAMPLES
@_SEED
def build(
    submissions: Path, out: Path, data: tuple[Path, ...], with_examples: bool, resamples: int,
    seed: int,
) -> None:  # fmt: skip
    """Score every folder in SUBMISSIONS again and write a site with a board for each task.

    Each folder holds predictions and a system.yaml: see docs/submit.md.
    """
    from benchmarks.leaderboard.board import build_boards
    from benchmarks.leaderboard.site import check_out, write_site

    check_out(out)
    with progress("scoring", None, "systems") as advance:
        boards = build_boards(
            submissions, _datasets(data), resamples=resamples, seed=seed, advance=advance
        )  # fmt: skip
    pages = write_site(boards, out, examples=with_examples)
    for board in boards:
        rows = [
            [r.rank or "-", r.name, r.track, _with_interval(r.scores["bleu4"])]
            for r in board.rows
        ]  # fmt: skip
        columns = ["rank", "system", "track", "BLEU-4"]
        print_table(f"{board.task.name}, {board.data.split}", columns, rows)
    click.echo(f"wrote {out / 'index.html'} and {len(pages) - 1} more pages")


def _datasets(folders: Sequence[Path]) -> list[Dataset]:
    from benchmarks.find_dataset import BUILT
    from qa_builder.dataset import MANIFEST, open_dataset

    if folders:
        opened = [open_dataset(folder) for folder in folders]
    else:
        built = [open_dataset(m.parent) for m in sorted(BUILT.glob(f"*/{MANIFEST}"))]
        opened = [d for d in built if not d.questions_only]
    if not opened:
        raise QbsltError(
            f"there is no built dataset under {BUILT}/.",
            cure="Make one with `qa-builder build`, or pass its folder with --data.",
        )
    by_content: dict[str, Dataset] = {}
    for dataset in opened:
        by_content.setdefault(dataset.fingerprint, dataset)  # a copy makes no second board
    return list(by_content.values())
