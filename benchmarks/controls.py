"""Systems that see no video, as plug-ins: what a score is worth beside them.

Every board shows them. `trivial` gives those that cost nothing, which every score is compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.conventions import WITHOUT_BLANKS
from benchmarks.split_data import SplitData, read_columns
from qa_builder.errors import QbsltError
from qa_builder.samples import Prediction, Sample

if TYPE_CHECKING:
    from benchmarks.models import Run, TaskData


class Rows(NamedTuple):
    """Columns of equal length; what is missing is empty."""

    text: list[str]
    question: list[str]
    gloss: list[str]


Answer = Callable[[Rows, Rows, str, int], Sequence[str]]
"""From the rows of train, those to answer, the language and a seed to translations."""


def trivial(data: SplitData, seed: int) -> dict[str, Sequence[str]]:
    """Outputs of the controls that need no search; none of questions where there are none."""
    found: dict[str, Sequence[str]] = {}
    if data.has_questions:
        questions = [q or "" for q in data.question]
        found["copy-question"] = questions
        found["wrong-question"] = derangement(questions, seed)
    if data.most_frequent is not None:
        found["most-frequent"] = [data.most_frequent] * len(data)
    return found


def derangement(items: Sequence[str], seed: int) -> list[str]:
    """Each item moved to another place (Sattolo, 1986: one random cycle through all)."""
    import random

    draw = random.Random(seed)
    moved = list(items)
    for i in range(len(moved) - 1, 0, -1):
        j = draw.randrange(i)
        moved[i], moved[j] = moved[j], moved[i]
    return moved
