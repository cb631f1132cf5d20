"""How the benches are called, and how they call others: bad input is one sentence. (Ours.)"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import click

from qa_builder.errors import QbsltError

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
shared_folder = click.argument("shared", required=False, type=_FOLDER)
"""The folder with the real annotation files, where it may be left away."""
needed_folder = click.argument("shared", type=_FOLDER)
sizes = click.argument("sizes", nargs=-1, type=click.IntRange(10, 1_000_000), metavar="[SIZE]...")
"""Numbers of sentences."""


def called(command: Sequence[str], env: dict[str, str] | None = None) -> str:
    """What a command prints; raises QbsltError with its last words where it fails.

    `env` stands beside this process' own variables.
    """
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, errors="replace",
        env=os.environ | (env or {}),
    )  # fmt: skip
    if done.returncode:
        raise failed(command, done.returncode, done.stderr)
    return done.stdout


def failed(command: Sequence[str], code: int, said: str = "") -> QbsltError:
    """The error of a command that a bench has called."""
    shown = " ".join(word if "\n" not in word else "..." for word in command[:8])
    last = " ".join(said.strip().splitlines()[-1:]) or "it said nothing"
    return QbsltError(f"{shown} ended with {code}: {last}")
