"""Tables for a pipe, and numbers with what they count."""

from __future__ import annotations

import subprocess
import sys

import pytest

from qa_builder.console import print_table
from qa_builder.errors import counted


@pytest.mark.parametrize(
    ("n", "noun", "verb", "said"),
    [
        (1, "clip", "", "1 clip"),
        (0, "clip", "", "0 clips"),
        (2000, "question row", "are", "2,000 question rows are"),
        (1, "question row", "are", "1 question row is"),
        (1, "clip", "have", "1 clip has"),
        (1, "question row", "name", "1 question row names"),
    ],
)
def test_one_is_no_plural(n: int, noun: str, verb: str, said: str) -> None:
    assert counted(n, noun, verb) == said


def test_a_table_in_a_pipe_is_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    wide = "x" * 200
    print_table("a title", ("gloss", "times", "note"), [("天气", 1200, wide), ("REGEN", 3, "-")])
    title, head, rule, first, second, last = capsys.readouterr().out.split("\n")[:6]
    assert title == "a title" and last == ""
    assert head == "gloss  times  note"
    assert rule == "-" * (5 + 2 + 5 + 2 + 200)  # nothing is wrapped
    assert first == f"天气   1,200  {wide}"  # a Chinese character takes two columns
    assert second == "REGEN      3  -"


def test_a_pipe_needs_no_rich() -> None:
    code = (
        "import sys; from qa_builder.console import print_table; print_table('', ('a',), [(1,)]); "
        "print('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "a\n-\n1\n\nFalse\n"
