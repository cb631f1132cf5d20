"""docs/reproduce.md: its commands can be given as they stand, and its numbers have a source."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "reproduce.md").read_text("utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.S)
            for line in block.splitlines()]  # fmt: skip
_TIMES = (r"\| ([0-9,]+) x ([0-9]+) = ([0-9,]+) \| ([0-9.]+) PFLOP \| ([0-9.]+) min "
          r"\| (\d+) h")  # fmt: skip
REPORTED = ROOT / "benchmarks" / "leaderboard" / "reported.yaml"


def test_the_page_has_both_corpora_and_every_row() -> None:
    for corpus in ("phoenix-2014t-qa", "csl-daily-qa"):
        for row in ("gloss-assisted", "ssl-ssaw", "control=question-only", "gloss=ctc"):
            assert any(corpus in c and row in c and "preset=paper" in c for c in COMMANDS)
            small = [c for c in COMMANDS if corpus in c and "preset=small" in c and "qbslt" in c]
            assert len(small) == 3


@pytest.mark.parametrize("line", [c for c in COMMANDS if c.startswith(("qbslt-bench", "qa-builder"))])  # fmt: skip  # noqa: E501
def test_a_command_is_understood(line: str) -> None:
    """Words, options and the values of all options of the models; nothing is run."""
    from baselines.methods import METHODS
    from benchmarks.cli import main as bench
    from benchmarks.runner import read_options
    from qa_builder.cli import main as builder

    program, name, *words = shlex.split(line)
    group: Any = {"qbslt-bench": bench, "qa-builder": builder}[program]
    with click.Context(group, info_name=program) as above:
        command = group.get_command(above, name)
        assert command is not None
        if isinstance(command, click.Group):  # qa-builder build phoenix
            name, *words = words
            command = command.get_command(above, name)
            assert command is not None
        with command.make_context(name, list(words), parent=above) as made:
            given = made.params
    if program == "qbslt-bench" and name == "run" and given["model"] in METHODS:
        METHODS[given["model"]].resolve(read_options(None, given["words"]))


def test_published_numbers_are_those_of_the_board() -> None:
    found = yaml.safe_load(REPORTED.read_text("utf-8"))
    rows: dict[tuple[str, str], Any] = {}
    for row in found:
        name = "Gold gloss to text" if "Gold" in row["method"] else row["method"]
        rows[row["corpus"], name] = row
    table = re.findall(r"^\| ([^|]+?)(?: \([^|)]*\))? \| [^|]* \| ([0-9.]+) \| ([0-9.]+) \|", PAGE, re.M)  # fmt: skip  # noqa: E501
    assert len(table) == 7
    for method, phoenix, csl in table:
        assert float(phoenix) == rows["phoenix-2014t", method]["bleu4"], method
        assert float(csl) == rows["csl-daily", method]["bleu4"], method
    assert f"{rows['unattributed', 'SSL-SSAW']['bleu4']} on a dataset that was not found" in PAGE


def test_sizes_are_those_that_the_command_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    from transformers import ResNetConfig

    from baselines.sizes import main

    ResNetConfig(depths=[2, 2, 2, 2], hidden_sizes=[64, 128, 256, 512], layer_type="basic",
                 embedding_size=64).save_pretrained(tmp_path)  # fmt: skip
    line = next(c for c in COMMANDS if "baselines.sizes" in c)
    words = shlex.split(line)[3:]
    main([*(w for w in words if not w.startswith("frames_root")), f"frames_root={tmp_path}",
          f"backbone={tmp_path}"])  # fmt: skip
    said = " ".join(capsys.readouterr().out.split())
    for printed, written in (
        ("weights: all 440,411,714 1.64 GiB", "440,411,714, 1.64 GiB"),
        ("weights, gradients, moments 6.56 GiB", "| 6.56 GiB |"),
        ("backbone, a piece of 256 5.30 GiB", "| 5.30 GiB |"),
        ("backbone, a frame, forward 3.63 GFLOP", "| 3.63 GFLOP |"),
    ):
        assert printed in said and written in PAGE, printed


@pytest.mark.parametrize("line", [c for c in COMMANDS if "baselines.speed" in c])
def test_a_command_of_the_speed_is_understood(line: str) -> None:
    pytest.importorskip("torch")
    from importlib import import_module

    from baselines import speed_training
    from baselines.methods import METHODS

    module, *words = shlex.split(line)[2:]
    with import_module(module).main.make_context(module, words) as made:
        given = made.params
    if module == speed_training.__name__:
        method = METHODS[given["model"]]
        options = speed_training.options_of(method, given["words"], toys=False)
        found = method.resolve({"features": str(given["features"]), **options})
        assert found["preset"] == "small" and found["epochs"] == 3


def test_the_arithmetic_of_time() -> None:
    found = re.findall(_TIMES, PAGE)
    assert len(found) == 2
    for rows, mean, frames, peta, minutes, hours in found:
        n = int(rows.replace(",", "")) * int(mean)
        assert n == int(frames.replace(",", ""))
        operations = n * 4 * 3.63e9
        assert round(operations / 1e15, 1) == float(peta)
        assert round(operations / 50e12 / 60, 1) == float(minutes)
        assert round(200 * operations / 50e12 / 3600) == int(hours)
