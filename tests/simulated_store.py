"""Stores of simulated features, made as a user makes them."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner


def simulate(dataset: Path, out: Path, *options: str) -> Path:
    """Simulate features of a dataset, by the command."""
    from qa_builder.cli import main

    given = ["--extractor", "simulated", "--difficulty", "easy", "--dim", "32", "--workers", "0"]
    result = CliRunner().invoke(
        main, ["features", str(dataset), *given, *options, "--out", str(out)]
    )
    assert result.exit_code == 0, result.output
    return out
