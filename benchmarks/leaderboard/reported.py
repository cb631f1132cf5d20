"""Published results, as they stand in print: `reported.yaml`, shown apart and never ranked."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

UNATTRIBUTED = "unattributed"
CORPORA = {
    "phoenix-2014t": "PHOENIX-2014T, test",
    "csl-daily": "CSL-Daily, test",
    UNATTRIBUTED: "Unattributed: the data set is not known",
}
SCORES = ("bleu1", "bleu2", "bleu3", "bleu4", "rouge_l")


class Reported(NamedTuple):
    """One row of one table of a paper; scores in percent, None where none was found."""

    corpus: str  # a key of CORPORA
    method: str
    paper: str
    year: int
    kind: str  # gloss, gloss-free, question or upper bound
    source: str  # primary: seen in the paper or its repository; secondary: in another paper's table
    bleu1: float | None = None
    bleu2: float | None = None
    bleu3: float | None = None
    bleu4: float | None = None
    rouge_l: float | None = None
    std: float | None = None  # of BLEU-4 over seeds
    note: str = ""


@cache
def read_reported() -> tuple[Reported, ...]:
    """All published rows, in the file's order."""
    import yaml

    text = files("benchmarks.leaderboard").joinpath("reported.yaml").read_text("utf-8")
    rows: list[dict[str, Any]] = yaml.safe_load(text)
    return tuple(Reported(**row) for row in rows)
