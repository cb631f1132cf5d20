"""All throughput benches: `python -m benchmarks.speed [SHARED]`, as `make bench` runs them."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from benchmarks.speed.calling import failed
from qa_builder.console import Command

_GPU = (
    "On your GPU, the preset small: pip install nvidia-ml-py; "
    "python -m baselines.speed_training --data DATASET --features STORE preset=small epochs=3 "
    "(docs/reproduce.md)."
)


@click.command(cls=Command)
@click.argument("shared", required=False, envvar="QBSLT_SHARED",
                type=click.Path(exists=True, file_okay=False, path_type=Path))  # fmt: skip
def main(shared: Path | None) -> None:
    """Run all benches; SHARED: a folder with the real annotation files.

    \b
    Training on a GPU, with data of your own: frames a second, busy share, memory.
      pip install nvidia-ml-py
      python -m baselines.speed_training --data DATASET --features STORE \\
        --model ssl-ssaw preset=small epochs=3
    The kernel of CiCo similarity against a matrix product, where a GPU is:
      python -m baselines.speed
    """
    given = [str(shared)] if shared else []
    names = ["build", "questions", "features"]
    clip = shared is not None and any((shared / "video").glob("*.mp4"))
    names += ["landmarks"] if clip else []  # there is no clip but the real one
    for name in names:
        _run(f"benchmarks.speed.{name}", *given)
    for name in ("score", "metrics"):
        _run(f"benchmarks.speed.{name}")
    if find_spec("torch"):  # the baselines come with an extra; a process, not an import
        _run("baselines.speed")
        _run("baselines.speed_training")
        click.echo(_GPU)


def _run(*arguments: str) -> None:
    """One bench in a process of its own, so that none is measured in the memory of another."""
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, check=False)
    if done.returncode:
        raise failed(command, done.returncode, "look above")


if __name__ == "__main__":
    main()
