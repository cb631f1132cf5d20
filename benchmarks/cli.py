"""The command `qbslt-bench`: what it takes and prints. Heavy imports stand inside the commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from benchmarks.cli_boards import compare, leaderboard
from benchmarks.cli_score import score, validate
from benchmarks.option_words import UNKNOWN_TO_WORDS, key_value_words
from benchmarks.plugin_commands import PluginCommands
from qa_builder import __version__
from qa_builder.console import print_table

_PATH = click.Path(path_type=Path)


@click.group(cls=PluginCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qbslt")
def main() -> None:
    """Score sign language translation under one convention, compare systems, build leaderboards."""


main.add_command(score)
main.add_command(validate)
main.add_command(compare)
main.add_command(leaderboard)


@main.command(context_settings=UNKNOWN_TO_WORDS)
@click.option("--model", help="One of `qbslt-bench list`.")
@click.option("--data", type=_PATH, help="A built dataset; default: the only one under data/.")
@click.option("--task", help="One of `qbslt-bench list`, to choose among several datasets.")
@click.option("--split", help="What to translate; default: the task's, test.")
@click.option("--out", type=_PATH, help="Folder of the run; default: runs/TASK/MODEL.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True,
              help="Seed of the model.")  # fmt: skip
@click.option("--config", type=_PATH, help="YAML file of the model's options.")
@click.option("--predict-only", type=_PATH, metavar="RUN",
              help="Train nothing: translate by the model of a run's folder.")  # fmt: skip
@click.option("--ablate", is_flag=True,
              help="Run it also without one of its parts each.")  # fmt: skip
@click.option("--resume", is_flag=True,
              help="Only go on with a run that is there: begin no new one.")  # fmt: skip
@click.option("--resamples", type=click.IntRange(100, 100_000), default=1000, show_default=True)
@key_value_words
def run(
    model: str | None, data: Path | None, task: str | None, split: str | None, out: Path | None,
    seed: int, config: Path | None, predict_only: Path | None, ablate: bool, resume: bool,
    resamples: int, words: tuple[str, ...],
) -> None:  # fmt: skip
    """Train and run an installed MODEL on a task, and score what it translates.

    The same command in the same folder goes on with a run that was interrupted. Options of the
    model are KEY=VALUE words: gloss=ctc, or --gloss ctc.
    """
    from benchmarks import run_folder, runner
    from benchmarks.find_dataset import find_dataset
    from benchmarks.made_by import typed
    from benchmarks.show import for_people, tell

    if predict_only is not None:
        _refuse_beside_predict_only(model, task, out, config, ablate, resume, words)
        result = runner.predict_only(
            predict_only, data=data, split=split, resamples=resamples, echo=click.echo
        )
    elif model is None:
        raise click.UsageError("Missing option '--model'.")
    elif ablate:
        if split is not None:
            raise click.UsageError("--ablate scores the task's own split: leave --split away.")
        found = find_dataset(data=data, task=task)
        options = runner.read_options(config, words)
        out = out or Path("runs") / found.task.name / f"{model}-ablation"
        given = [("--data", data), ("--task", task), ("--seed", seed), ("--config", config)]
        command = typed(["qbslt-bench", "run", "--model", model, "--ablate"], given, words)
        _ablate(model, found.dataset.path, out, seed, options, command)
        return
    else:
        found = find_dataset(data=data, task=task, split=split)
        out = out or Path("runs") / found.task.name / model
        if resume:
            run_folder.expect_run(out)
        result = runner.run_model(
            model, found, out, seed=seed,
            options=runner.read_options(config, words), resamples=resamples, echo=click.echo,
        )  # fmt: skip
    if result is not None:
        tell(result)
        for_people(result)


def _ablate(
    model: str, data: Path, out: Path, seed: int, options: dict[str, Any], command: str
) -> None:
    """The study of a model without one part each."""
    from benchmarks.ablation import ablated
    from benchmarks.made_by import made_by
    from benchmarks.study import jobs_of, run_study
    from benchmarks.study_table import finish_study

    jobs = jobs_of(ablated(model, options, data), out, [seed])
    run_study(jobs, echo=click.echo)
    finish_study(f"{model}-ablation", jobs, out, made_by(command, jobs))


def _refuse_beside_predict_only(*given: object) -> None:
    if any(given):
        raise click.UsageError(
            "--predict-only RUN takes model, task, folder and options from the run: "
            "leave --model, --task, --out, --config, --ablate, --resume and key=value away."
        )


@main.command("list")
def list_all() -> None:
    """Show the tasks, metrics, conventions and models that there are."""
    from benchmarks.listing import listing

    for title, columns, rows in listing():
        print_table(title, columns, rows)


if __name__ == "__main__":
    main()
