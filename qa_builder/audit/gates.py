"""`--fail-on`: limits for CI, such as "leakage>0.5,overlap>0"."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from qa_builder.errors import QbsltError, known

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le,
}  # fmt: skip
_GATE = re.compile(r"\s*([a-z-]+)(?:\.([a-z]+))?\s*([<>]=?)\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*")
# Name of a gate -> where its value stands in the figures of a split.
_OF_SPLIT = {
    "leakage": ("leakage", "recall"), "equal": ("leakage", "equal"),
    "reordered": ("leakage", "reordered"), "copy-bleu": ("copied", "bleu4"),
    "copy-rouge": ("copied", "rouge_l"), "retrieval": ("retrieval", "top1"),
    "bits": ("bits", "above"),
}  # fmt: skip
_FAULTS = ("invisible", "no-mark", "script", "language", "nothing", "answer-elsewhere")
_OVERLAPS = {"overlap": "sentence", "pairs": "pair", "near": "near"}
_KINDS = ("kind", "kinds")  # by split, and over all
_OF_ALL = ("wording", "prompts")  # a share of few questions is chance
NAMES = (
    *_OF_SPLIT,
    "mean",
    *_KINDS,
    *_OF_ALL,
    "missing",
    *_FAULTS,
    *_OVERLAPS,
    "shift",
    "empty",
)


class Gate(NamedTuple):
    """A limit: the audit fails where the value of `name` is so."""

    name: str
    split: str | None
    sign: str
    limit: float

    def __str__(self) -> str:
        split = f".{self.split}" if self.split else ""
        return f"{self.name}{split}{self.sign}{self.limit:g}"


def parse_gates(text: str | None) -> list[Gate]:
    """The gates in `NAME[.SPLIT]>NUMBER,...`; raises QbsltError for anything else."""
    gates = []
    for part in (text or "").split(",") if text else []:
        match = _GATE.fullmatch(part)
        if match is None:
            raise QbsltError(f"--fail-on {part!r} is no NAME>NUMBER.",
                             cure="For instance leakage>0.5,overlap>0.")  # fmt: skip
        name, split, sign, limit = match.groups()
        if name not in NAMES:
            raise known(name, NAMES, "limit of --fail-on")
        gates.append(Gate(name, split, sign, float(limit)))
    return gates


def gate_values(figures: dict[str, Any]) -> dict[str, dict[str, float | None]]:
    """Of each name its value by split; some have one of all questions too or alone, under "all"."""
    values: dict[str, dict[str, float | None]] = {name: {} for name in NAMES}
    for split, f in figures["splits"].items():
        for name, (part, key) in _OF_SPLIT.items():
            values[name][split] = f[part][key] if f[part] else None
        values["mean"][split] = f["leakage"]["mean"]
        for name in _FAULTS:
            values[name][split] = f["form"].get(name, 0)
    for split, v in figures["variety"].items():
        for name in _KINDS:
            values[name][split] = v[name]
    values["mean"]["all"] = figures["variety"]["all"]["mean"]
    for name in _OF_ALL:
        values[name]["all"] = figures["variety"]["all"][name]
    for split, clips in figures["clips"].items():
        values["missing"][split] = without(figures, split, clips)
    for name, what in _OVERLAPS.items():
        for split, v in figures["overlap"][what].items():
            if split != "train":
                values[name][split] = max(v["in"].values(), default=0)
    values["shift"]["all"] = sum(s["kinds_differ"] or s["leakage_differs"] for s in figures["shift"])  # fmt: skip  # noqa: E501
    values["empty"]["all"] = figures["empty"]
    return values


def without(figures: dict[str, Any], split: str, clips: int) -> int:
    """How many clips of a split have no question."""
    of_split = figures["splits"].get(split)
    return clips - (of_split["asked"] if of_split else 0)


def failures(gates: list[Gate], figures: dict[str, Any]) -> list[str]:
    """What fails, a sentence each. Raises QbsltError for a value that could not be measured."""
    values = gate_values(figures)
    failed = []
    for gate in gates:
        by_split = values[gate.name]
        if gate.split is not None and gate.split not in by_split:
            raise known(gate.split, by_split, f"split of the limit {gate.name}")
        wanted = by_split if gate.split is None else {gate.split: by_split[gate.split]}
        if missing := [s for s, v in wanted.items() if v is None]:
            raise QbsltError(f"--fail-on {gate}: {gate.name} of {missing[0]} could not be measured "
                             "(too few sentences).")  # fmt: skip
        measured = {s: v for s, v in wanted.items() if v is not None}
        failed += [
            f"{gate}: {gate.name} of {split} is {value:g}"
            for split, value in measured.items() if _COMPARE[gate.sign](value, gate.limit)
        ]  # fmt: skip
    return failed
