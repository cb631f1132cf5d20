"""How well a Chinese question fits, as readers judged questions of its kind, section and wording.

The weights were learned from judged questions (`learn_fit`); a question that is of nothing judged
has none, and stays as it is. (Ours.)
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from qa_builder.questions.candidates import Candidate
from qa_builder.questions.wordings import FOLDER, lines

FITS = FOLDER / "zh_fit.txt"
_STRENGTH = 6.0  # how much of a misfit one unit of log-odds is
# What speaks, in the same unit, against asking what was taught, read or heard and no more: it fits
# before much, and says little.
_VAGUE = 1.0


def traits(c: Candidate) -> Iterator[str]:
    """What a question is judged by: its kind, section, wording and fixed part."""
    section = c.template.split("/")[0]
    yield f"kind {c.kind}"
    yield f"source {section.split('-')[0]}"
    yield f"section {section}"
    yield f"wording {c.template}"
    if c.phrase:
        yield f"phrase {c.phrase}"


def fitted(c: Candidate) -> Candidate:
    """The question with a misfit that is lower where its like fit often, higher where seldom."""
    known = _weights(FITS)
    fit = sum(known.get(trait, 0.0) for trait in traits(c))
    if c.template.startswith("about-"):
        fit -= _VAGUE
    return c._replace(misfit=c.misfit - _STRENGTH * fit)


@cache
def _weights(path: Path) -> dict[str, float]:
    found = {}
    for _, line in lines(path):
        name, _, value = line.rpartition(" = ")
        found[name] = float(value)
    return found
