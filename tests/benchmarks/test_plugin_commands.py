"""Commands that other packages add: found, shown in --help, and no harm where they are broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = """
import click

@click.command()
@click.argument("name")
def greet(name):
    "Greet NAME."
    click.echo(f"hello {name}")
"""
POINTS = """[qbslt.commands]
greet = greeting_plugin:greet
score = greeting_plugin:greet
lacking = no_such_module:command
no-command = greeting_plugin:click
"""


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    (tmp_path / "greeting_plugin.py").write_text(PLUGIN)
    info = tmp_path / "greeting-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    return tmp_path


def bench(plugins: Path, *words: str) -> tuple[int, str]:
    code = (
        f"import sys; sys.path.insert(0, {str(plugins)!r}); from benchmarks.cli import main; main()"
    )
    run = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    return run.returncode, run.stdout + run.stderr


def test_installed_commands(plugins: Path) -> None:
    assert bench(plugins, "greet", "you") == (0, "hello you\n")
    code, said = bench(plugins, "--help")
    assert code == 0 and "Greet NAME." in said and "(can't be loaded: " in said
    assert "prepare-vocabulary" in said
    code, said = bench(plugins, "score", "--help")
    assert code == 0 and "Greet" not in said  # its own commands win
    code, said = bench(plugins, "lacking", "--with", "options")
    assert code == 2 and said.count("\n") == 1
    assert "the command lacking (no_such_module:command) can't be loaded: ModuleNotFound" in said
    code, said = bench(plugins, "no-command")
    assert code == 2 and "is no command" in said
    assert bench(plugins, "nonsense")[0] == 2
