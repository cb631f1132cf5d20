"""The command `qbslt-bench study`: what it takes and prints. Light, like any cli."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from benchmarks.study import Job


@click.command()
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
@click.argument("words", nargs=-1, metavar="[KEY=VALUE]...")
def study(
    name: str, data: tuple[str, ...], features: Path | None, out: Path | None, seeds: str,
    systems: str | None, jobs: int, dry_run: bool, words: tuple[str, ...],
) -> None:  # fmt: skip
    """Run the systems of study NAME with several seeds, and show them in one table.

    Runs that are done are not run again: the same command goes on with a study that was
    interrupted. Options key=value are those of all its models.

    \b
    question-assistance  does a question help? with controls, for each --data
    ssaw-ablation        ssl-ssaw without one part each
    contrastive-selection  does it matter which negatives scl-slt sees?
    """
    from baselines.studies import STUDIES, named_datasets, plan_study
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

    command = _command(name, data, features, seeds, systems, words)
    finish_study(name, planned, out, {"command": command, **made_by(planned)},
                 trajectory_shares(planned))  # fmt: skip


def _command(
    name: str, data: tuple[str, ...], features: Path | None, seeds: str, systems: str | None,
    words: tuple[str, ...],
) -> str:  # fmt: skip
    """The study as a line that can be typed again."""
    import shlex

    options = [("--data", d) for d in data] + [("--features", features), ("--seeds", seeds),
                                               ("--systems", systems)]  # fmt: skip
    given = [str(word) for option in options if option[1] is not None for word in option]
    return shlex.join(["qbslt-bench", "study", name, *given, *words])


def made_by(jobs: Sequence[Job]) -> dict[str, str]:
    """What a study says of how it was made: what its runs wrote down when they began."""
    import json
    import platform

    from baselines.journal import STARTS
    from baselines.machine import code

    files = sorted({file for job in jobs for file in job.folder.rglob(STARTS)})
    starts = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    return {
        "hardware": "; ".join(sorted({start["machine"] for start in starts})) or "not recorded",
        "code of the trainings": "; ".join(sorted({s["code"] for s in starts if "code" in s}))
        or "not recorded",
        "code of this table": f"{code()}, Python {platform.python_version()}",
    }
