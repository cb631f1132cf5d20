"""`--questions rules --workers N`: the same dataset, and one sentence where it can't be made."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_rules_german import batch, info

from qa_builder.cli import main
from qa_builder.corpora.base import Notes
from qa_builder.corpora.toy import copy_toy
from qa_builder.errors import QbsltError
from qa_builder.processes import Crew
from qa_builder.questions.rules import Rules, Sentences


def build(root: Path, out: Path, *more: str) -> tuple[int, str]:
    given = ["build", "csl-daily", "--root", str(root / "csl-daily"), "--out", str(out)]
    result = CliRunner().invoke(main, [*given, "--allow-findings", *more])
    return result.exit_code, result.output


def test_workers_change_no_byte(tmp_path: Path) -> None:
    copy_toy(tmp_path / "toy")
    for name, more in (("alone", []), ("two", ["--workers", "2"])):
        assert build(tmp_path / "toy", tmp_path / name, *more)[0] == 0
    alone, two = (
        {p.relative_to(tmp_path / name): p.read_bytes() for p in (tmp_path / name).rglob("*.*")}
        for name in ("alone", "two")
    )
    assert alone == two and len(alone) > 3


@pytest.mark.parametrize(
    ("more", "says"),
    [(["--workers", "many"], "--workers many is not a whole number from 0 to 1000"),
     (["--workers", "2", "--model", "m"], "language model are for --questions llm. Rules take --w"),
     (["--workers", "2", "--questions", "none"], "language model are for --questions llm")],
)  # fmt: skip
def test_what_rules_do_not_take_is_told(more: list[str], says: str, tmp_path: Path) -> None:
    copy_toy(tmp_path / "toy")
    code, output = build(tmp_path / "toy", tmp_path / "out", *more)
    assert code == 2 and says in output and not (tmp_path / "out").exists()


def dies(sentences: Sentences) -> list[list[object]]:
    os.kill(os.getpid(), signal.SIGKILL)
    return []


def test_a_lost_worker_is_told() -> None:
    rules, notes = Rules(workers=1), Notes()
    rules.start(info("de"), notes)
    rules._crew = Crew(dies, 1)  # type: ignore[arg-type]
    with pytest.raises(QbsltError, match=r"a worker was lost: .*killed.* Take fewer --workers\."):
        rules.ask(batch("train", ["a-1"], ["morgen regnet es im norden ."]), notes)
