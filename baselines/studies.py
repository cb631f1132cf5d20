"""Our studies: which systems stand side by side. `benchmarks.study` runs them. (Ours.)

Light: `qbslt-bench study --help` comes through here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from baselines.config import METHODS, preset
from benchmarks.ablation import ablated
from benchmarks.study import Job, System, jobs_of
from qa_builder.errors import QbsltError, known

_PHOENIX, _CSL = "phoenix-2014t-qa", "csl-daily-qa"
_PUBLISHED = {
    "end to end": {_PHOENIX: 21.97, _CSL: 16.31},
    "+ random contrast": {_PHOENIX: 22.03, _CSL: 20.59},
    "+ selected, log": {_PHOENIX: 25.30, _CSL: 21.41},
    "+ random contrast, fine-tuned": {_PHOENIX: 25.01, _CSL: 20.70},
    "+ selected, log, fine-tuned": {_PHOENIX: 26.00, _CSL: 23.25},
    "+ selected, linear": {_PHOENIX: 24.59},
    "+ selected, sqrt": {_PHOENIX: 24.54},
    "+ selected, easy-only": {_PHOENIX: 24.00},
    "+ selected, hard-only": {_PHOENIX: 12.41},
    "+ selected, log, mean": {_PHOENIX: 12.44},
    "+ selected, log, cls": {_PHOENIX: 14.85},
    "+ selected, log, interval 1": {_PHOENIX: 24.68},
    "+ selected, log, interval 10": {_PHOENIX: 6.26},
}
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
            free = replace(free, uses={"weights": f"gloss-free ({first})"})
        found += [
            System(label=f"copy-question{at}", model="copy-question", data=data, seeded=False),
            free,
            System(label=f"question-only{at}", model="ssl-ssaw", data=data,
                   options={**options, "control": "question-only"}),
            System(label=f"ssl-ssaw{at}", model="ssl-ssaw", options=options, data=data),
            System(label=f"wrong-question{at}", model="ssl-ssaw", data=data,
                   options={**options, "control": "wrong-question"},
                   uses={"weights": f"ssl-ssaw{at}"}),
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


def contrastive_selection(datasets: Datasets, options: Mapping[str, Any]) -> list[System]:
    """Does it matter which negatives a contrastive stage sees? The rows of the paper's tables.

    Published: arXiv 2604.22374 (ACL 2026), of real video. `selected` rows take the reference model
    and the trajectories of `+ selected, log`; other aggregations and intervals need their own, and
    each aggregation its own random control. Raises QbsltError for more than one dataset.
    """
    if len(datasets) > 1:
        raise QbsltError(
            f"the study contrastive-selection takes one dataset, not {len(datasets)} "
            f"({', '.join(datasets)}).",
            cure="Pass one --data; for another corpus run it again with another --out.",
        )
    (data,) = datasets.values()
    early = {"finetune": False}
    lent = {"reference": "+ selected, log"}
    both = sum(int(options.get(k, preset(options.get("preset", "small"), "cl-slt")[k]))
               for k in ("contrast_epochs", "epochs"))  # fmt: skip
    rows: list[tuple[str, str, dict[str, Any], dict[str, str]]] = [
        ("end to end", "gloss-free", {"epochs": both}, {}),
        ("+ random contrast", "cl-slt", early, {}),
        ("+ selected, log", "scl-slt", {**early, "schedule": "log"}, {}),
        ("+ random contrast, fine-tuned", "cl-slt", {}, {}),
        ("+ selected, log, fine-tuned", "scl-slt", {"schedule": "log"}, lent),
        *((f"+ selected, {name}", "scl-slt", {**early, "schedule": name}, lent)
          for name in ("linear", "sqrt", "easy-only", "hard-only")),
        *((f"+ random contrast, {name}", "cl-slt", {**early, "aggregation": name}, {})
          for name in ("mean", "cls")),
        *((f"+ selected, log, {name}", "scl-slt",
           {**early, "schedule": "log", "aggregation": name}, {}) for name in ("mean", "cls")),
        *((f"+ selected, log, interval {n}", "scl-slt",
           {**early, "schedule": "log", "reference_every": n}, {}) for n in (1, 10)),
    ]  # fmt: skip
    return [
        System(
            label=label,
            model=model,
            data=data,
            uses=uses,
            options={**_taken(model, options), **own},
            published=_PUBLISHED.get(label, {}),
        )
        for label, model, own, uses in rows
    ]


def _taken(model: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a model knows, and those that none of the study's does: it will say so."""
    names = {m: {f.name for f in fields(METHODS[m])} for m in ("gloss-free", "cl-slt", "scl-slt")}
    return {k: v for k, v in options.items()
            if k in names[model] or not any(k in known for known in names.values())}  # fmt: skip


STUDIES: dict[str, Callable[[Datasets, Mapping[str, Any]], list[System]]] = {
    "question-assistance": question_assistance,
    "ssaw-ablation": ssaw_ablation,
    "contrastive-selection": contrastive_selection,
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

    With `systems` only the rows whose name has one of these parts, and those whose runs they
    use. Raises QbsltError for seeds that are no numbers, parts that no row has, and as `jobs_of`.
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
    labels |= {label for s in systems if s.label in labels for label in s.uses.values()}
    return [s for s in systems if s.label in labels]
