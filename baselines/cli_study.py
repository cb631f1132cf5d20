"""The command `qbslt-bench study`: what it takes and prints. Light, like any cli."""

from __future__ import annotations

from pathlib import Path

import click

from benchmarks.option_words import UNKNOWN_TO_WORDS, key_value_words


@click.command(context_settings=UNKNOWN_TO_WORDS)
@click.argument("name")
@click.option("--data", multiple=True, metavar="[NAME=]PATH",
              help="A built dataset; several with other questions: NAME=PATH each.")  # fmt: skip
@click.option("--features", type=click.Path(path_type=Path), help="Store of sign features.")
@click.option("--out", type=click.Path(path_type=Path),
              help="Folder of all runs; default: runs/study-NAME.")  # fmt: skip
@click.option("--seeds", default="0,1,2", show_default=True, help="Seeds, with commas.")
@click.option("--systems", help="Only these rows: parts of their names, with commas.")
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True,
              help="Runs at the same time.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Show the runs, and start none.")
@key_value_words
def study(
    name: str, data: tuple[str, ...], features: Path | None, out: Path | None, seeds: str,
    systems: str | None, jobs: int, dry_run: bool, words: tuple[str, ...],
) -> None:  # fmt: skip
    """Run the systems of study NAME with several seeds, and show them in one table.

    Runs that are done are not run again: the same command goes on with a study that was
    interrupted. Options key=value (or --key value) are those of all its models.

    \b
    question-assistance  does a question help? with controls, for each --data
    ssaw-ablation        ssl-ssaw without one part each
    contrastive-selection  does it matter which negatives scl-slt sees?
    """
    from baselines.studies import STUDIES, named_datasets, plan_study
    from benchmarks.made_by import made_by, typed
    from benchmarks.runner import read_options
    from benchmarks.study import run_study
    from benchmarks.study_table import finish_study
    from qa_builder.console import print_table
    from qa_builder.errors import known

    if name not in STUDIES:
        raise known(name, STUDIES, "study")
    out = out or Path("runs") / f"study-{name}"
    options = read_options(None, words) | ({"features": str(features)} if features else {})
    planned = plan_study(name, named_datasets(data), options, out, seeds, systems)
    if dry_run:
        rows = [(j.system.label, j.seed, "done" if j.done else "", j.folder) for j in planned]
        print_table(f"{len(rows)} runs", ("system", "seed", "", "folder"), rows)
        return
    run_study(planned, at_once=jobs, echo=click.echo)
    from baselines.study_shares import trajectory_shares  # brings torch

    given = [*(("--data", d) for d in data), ("--features", features), ("--seeds", seeds),
             ("--systems", systems)]  # fmt: skip
    command = typed(["qbslt-bench", "study", name], given, words)
    finish_study(name, planned, out, made_by(command, planned), trajectory_shares(planned))
