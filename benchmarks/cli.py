"""The command `qbslt-bench`: what it takes and prints. Heavy imports stand inside the commands."""

from __future__ import annotations

from pathlib import Path

import click

from benchmarks.cli_boards import compare, leaderboard
from benchmarks.cli_score import score, validate
from qa_builder import __version__
from qa_builder.console import Commands, print_table

_PATH = click.Path(path_type=Path)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qbslt")
def main() -> None:
    """Score sign language translation under one convention, compare systems, build leaderboards."""


main.add_command(score)
main.add_command(validate)
main.add_command(compare)
main.add_command(leaderboard)


@main.command()
@click.option("--model", required=True, help="One of `qbslt-bench list`.")
@click.option("--data", type=_PATH, help="A built dataset; default: the only one under data/.")
@click.option("--task", help="One of `qbslt-bench list`, to choose among several datasets.")
@click.option("--split", help="What to translate; default: the task's, test.")
@click.option("--out", type=_PATH, help="Folder of the run; default: runs/TASK/MODEL.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the model.")
@click.option("--config", type=_PATH, help="YAML file of the model's options.")
@click.option("--resamples", type=click.IntRange(100, 100_000), default=1000, show_default=True)
@click.argument("words", nargs=-1, metavar="[KEY=VALUE]...")
def run(
    model: str, data: Path | None, task: str | None, split: str | None, out: Path | None, seed: int,
    config: Path | None, resamples: int, words: tuple[str, ...],
) -> None:  # fmt: skip
    """Train and run an installed MODEL on a task, and score what it translates."""
    from benchmarks.find_dataset import find_dataset
    from benchmarks.runner import read_options, run_model
    from benchmarks.show import for_people, tell

    found = find_dataset(data=data, task=task, split=split)
    result = run_model(
        model, found, out or Path("runs") / found.task.name / model,
        options=read_options(config, words), seed=seed, resamples=resamples, echo=click.echo,
    )  # fmt: skip
    tell(result)
    for_people(result)


@main.command("list")
def list_all() -> None:
    """Show the tasks, metrics, conventions and models that there are."""
    from benchmarks.listing import listing

    for title, columns, rows in listing():
        print_table(title, columns, rows)


if __name__ == "__main__":
    main()
