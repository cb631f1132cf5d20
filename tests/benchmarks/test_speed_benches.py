"""The benches end bad input with one sentence; what they call, too."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.speed.calling import called
from qa_builder.errors import QbsltError


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("__main__", ["nowhere"], "'nowhere' does not exist"),
        ("build", ["nowhere"], "'nowhere' does not exist"),
        ("build", ["EMPTY"], "holds no PHOENIX-2014T annotations"),
        ("questions", ["nowhere"], "'nowhere' does not exist"),
        ("questions", ["EMPTY"], "holds no PHOENIX-2014T annotations"),
        ("features", ["nowhere"], "'nowhere' does not exist"),
        ("metrics", ["many"], "'many' is not"),
        ("score", ["many"], "'many' is not"),
        ("landmarks", [], "Missing argument 'SHARED'"),
        ("landmarks", ["EMPTY"], "no clip"),
        ("landmark_check", ["EMPTY"], "has no *_color.mp4"),
    ],
)
def test_bad_input(name: str, words: list[str], said: str, tmp_path: Path) -> None:
    if name.startswith("landmark"):
        pytest.importorskip("mediapipe")
    main = import_module(f"benchmarks.speed.{name}").main
    found = CliRunner().invoke(main, [str(tmp_path) if w == "EMPTY" else w for w in words])
    assert isinstance(found.exception, SystemExit) and found.exit_code == 2, found.output
    assert said in " ".join(found.output.split())


def test_the_help_has_the_commands_for_a_gpu() -> None:
    found = CliRunner().invoke(import_module("benchmarks.speed.__main__").main, ["--help"])
    assert "baselines.speed_training --data DATASET --features STORE" in found.output
    assert "preset=small" in found.output


def test_a_command_that_fails_is_told_with_its_last_words() -> None:
    code = "import sys; print('first', file=sys.stderr); sys.exit('the last')"
    with pytest.raises(QbsltError, match=r"ended with 1: the last$"):
        called([sys.executable, "-c", code])
    assert called([sys.executable, "-c", "print(7)"]) == "7\n"
