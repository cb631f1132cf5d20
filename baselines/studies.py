"""Our studies: which systems stand side by side. `benchmarks.study` runs them. (Ours.)

Light: `qbslt-bench study --help` comes through here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.ablation import ablated
from benchmarks.study import Job, System, jobs_of
from qa_builder.errors import QbsltError, known

Datasets = Mapping[str, Path | None]  # by the name that tells their questions apart


def question_assistance(datasets: Datasets, options: Mapping[str, Any]) -> list[System]:
    """Does a question help? Systems with and without it, and controls, for each set of questions.

    `question-only` sees no video, `wrong-question` is the trained ssl-ssaw asked others' questions.
    Systems that see no question are trained once, and scored beside each set of questions.
    """
    first = next(iter(datasets))
    found = []
    for name, data in datasets.items():
        at = f" ({name})" if name else ""
        free = System(label=f"gloss-free{at}", model="gloss-free", options=options, data=data)
        if name != first:
            free = replace(free, weights_of=f"gloss-free ({first})")
        found += [
            System(label=f"copy-question{at}", model="copy-question", data=data, seeded=False),
            free,
            System(label=f"question-only{at}", model="ssl-ssaw", data=data,
                   options={**options, "control": "question-only"}),
            System(label=f"ssl-ssaw{at}", model="ssl-ssaw", options=options, data=data),
            System(label=f"wrong-question{at}", model="ssl-ssaw", data=data,
                   options={**options, "control": "wrong-question"}, weights_of=f"ssl-ssaw{at}"),
        ]  # fmt: skip
    for gloss in ("oracle", "ctc"):
        found.append(System(label=f"gloss-assisted {gloss}", model="gloss-assisted",
                            options={**options, "gloss": gloss}, data=datasets[first]))  # fmt: skip
    return found


def ssaw_ablation(datasets: Datasets, options: Mapping[str, Any]) -> list[System]:
    """What each part of SSL-SSAW brings: all of it, and without one part each."""
    return [
        system
        for name, data in datasets.items()
        for system in ablated("ssl-ssaw", options, data, f" ({name})" if name else "")
    ]


STUDIES: dict[str, Callable[[Datasets, Mapping[str, Any]], list[System]]] = {
    "question-assistance": question_assistance,
    "ssaw-ablation": ssaw_ablation,
}


def named_datasets(words: Sequence[str]) -> dict[str, Path | None]:
    """Datasets of words NAME=PATH, or of one PATH; without any the only one under data/.

    Raises QbsltError for several without names, and for a name that is given twice.
    """
    if not words:
        return {"": None}
    found: dict[str, Path | None] = {}
    for word in words:
        name, equals, path = word.partition("=")
        if not equals:
            name, path = "", word
        if name in found or (not equals and len(words) > 1):
            raise QbsltError(
                f"--data {word}: several datasets need a name each.",
                cure="For instance --data public=data/a --data rules=data/b.",
            )
        found[name] = Path(path)
    return found


def plan_study(
    name: str, datasets: Datasets, options: Mapping[str, Any], out: Path, seeds: str,
    systems: str | None = None,
) -> list[Job]:  # fmt: skip
    """The runs of a study; `seeds` and `systems` as words with commas.

    With `systems` only the rows whose name has one of these parts, and those whose weights they
    take. Raises QbsltError for seeds that are no numbers, parts that no row has, and as `jobs_of`.
    """
    try:
        numbers = list(dict.fromkeys(int(word) for word in seeds.split(",")))
    except ValueError:
        raise QbsltError(f"--seeds {seeds!r} is no list of whole numbers.",
                         cure="For instance --seeds 0,1,2.") from None  # fmt: skip
    found = STUDIES[name](datasets, options)
    if systems is not None:
        found = _chosen(found, [part.strip() for part in systems.split(",") if part.strip()])
    return jobs_of(found, out, numbers)


def _chosen(systems: list[System], parts: Sequence[str]) -> list[System]:
    for part in parts:
        if not any(part in s.label for s in systems):
            raise known(part, [s.label for s in systems], "system of this study")
    labels = {s.label for s in systems if any(part in s.label for part in parts)}
    labels |= {s.weights_of for s in systems if s.label in labels and s.weights_of}
    return [s for s in systems if s.label in labels]
