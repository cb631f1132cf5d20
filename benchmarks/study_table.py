"""A study's results side by side: mean and deviation over seeds. (Ours.)"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import click

from benchmarks.results import RESULT, json_text, write_text
from benchmarks.show import Table, metric_name, number
from benchmarks.study import Job, read_result
from qa_builder.console import print_table
from qa_builder.errors import QbsltError

SCHEMA_VERSION = 1
JSON, MARKDOWN = "study.json", "study.md"

# What a study shows of each run; a system that lacks one has a hyphen there.
_SHOWN = ("bleu4", "rouge_l", "novel_f1", "gain", "bits", "wer")
_TITLES = {"gain": "gain over copy", "bits": "bits per token", "wer": "gloss WER"}


def study_document(
    name: str, jobs: Sequence[Job], made_by: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The document of study.json: each system's scores by seed, their mean and deviation.

    Scores in percent, unrounded, under the task's standard convention. Raises QbsltError for a run
    without a result.
    """
    systems: dict[str, dict[str, Any]] = {}
    last: dict[str, Any] = {}
    for job in jobs:
        if not (job.folder / RESULT).exists():
            raise QbsltError("holds no result.", file=job.folder)
        last = result = read_result(job.folder)
        row = systems.setdefault(job.system.label, {
            "label": job.system.label, "model": job.system.model,
            "track": result["system"]["track"],
            "options": dict(job.system.options), "features": result["dataset"]["features"],
            "questions": result["dataset"]["questions"], "notes": result["notes"],
            "fingerprint": result["dataset"]["fingerprint"],
            "published": job.system.published.get(result["task"]["name"]), "seeds": {},
        })  # fmt: skip
        row["seeds"][str(job.seed)] = _values(result, job.folder)
    for row in systems.values():
        row["mean"], row["sd"] = {}, {}
        for key in _SHOWN:
            values = [v[key] for v in row["seeds"].values() if v[key] is not None]
            row["mean"][key] = fmean(values) if values else None
            row["sd"][key] = stdev(values) if len(values) > 1 else None
    return {
        "schema_version": SCHEMA_VERSION, "study": name, "task": last["task"], "n": last["n"],
        "versions": last["versions"], "signatures": last["signatures"],
        "made_by": dict(made_by or {}), "systems": list(systems.values()),
    }  # fmt: skip


def study_table(document: Mapping[str, Any]) -> Table:
    """The document as a table."""
    systems = document["systems"]
    shown = [k for k in _SHOWN if any(s["mean"][k] is not None for s in systems)]
    published = any(s["published"] is not None for s in systems)
    rows = [
        [s["label"], s["track"], str(len(s["seeds"])), *(_cell(s, key) for key in shown)]
        + ([number(s["published"])] if published else [])
        for s in systems
    ]
    simulated = any(s["features"] == "simulated" for s in systems)
    task = document["task"]
    title = f"{document['study']}: {task['name']}, {task['split']}, {document['n']:,} sentences" + (
        ", SIMULATED features" if simulated else ""
    )
    columns = ["system", "track", "seeds", *(_TITLES.get(k) or metric_name(k) for k in shown)]
    columns += ["published BLEU-4"] if published else []
    return Table(title, columns, rows)


def _notes(document: Mapping[str, Any]) -> list[str]:
    """What the results say beside their numbers, each thing once."""
    return sorted({note for s in document["systems"] for note in s["notes"]})


def finish_study(
    name: str, jobs: Sequence[Job], out: Path, made_by: Mapping[str, str] | None = None,
    beside: Sequence[Table] = (),
) -> None:  # fmt: skip
    """Put the results of a study's runs into its folder, and show them; `beside`: more tables."""
    document = study_document(name, jobs, made_by) | {"beside": [t._asdict() for t in beside]}
    write_study(document, out)
    for table in (study_table(document), *beside):
        print_table(*table)
    for note in _notes(document):
        click.echo(f"note: {note}")
    click.echo(f"wrote {out / JSON} and {out / MARKDOWN}")


def write_study(document: Mapping[str, Any], out: Path) -> None:
    """Write study.json and study.md into a folder."""
    table = study_table(document)
    lines = [
        f"# {table.title}\n\n",
        "Mean and standard deviation over seeds; percent, under the task's standard convention. "
        "Gain over copy: BLEU-4 above that of printing the question, the same dataset's. "
        "Published: as a paper reports it, of other data and code than these.\n\n",
        _line(table.columns), _line(["---"] * len(table.columns)), *map(_line, table.rows), "\n",
        *(f"- note: {note}\n" for note in _notes(document)),
        *(f"- {k}: {v}\n" for k, v in document["made_by"].items()),
        *(f"- {k}: `{v}`\n" for k, v in document["signatures"].items() if "/" not in k),
    ]  # fmt: skip
    for beside in document.get("beside", []):
        lines += [f"\n## {beside['title']}\n\n", _line(beside["columns"]),
                  _line(["---"] * len(beside["columns"])), *map(_line, beside["rows"])]  # fmt: skip
    write_text(out / MARKDOWN, lines)
    write_text(out / JSON, [json_text(document)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _cell(system: Mapping[str, Any], key: str) -> str:
    mean, sd = system["mean"][key], system["sd"][key]
    if mean is None:
        return "-"
    sign = "+" if key == "gain" else ""
    return f"{mean:{sign}.2f}" + ("" if sd is None else f" ± {sd:.2f}")


def _values(result: dict[str, Any], folder: Path) -> dict[str, float | None]:
    """Of one run: those of `_SHOWN`."""
    gain = (result["gain_over_copy"] or {}).get("bleu4") or {}
    return {
        **{name: _score(result, name) for name in ("bleu4", "rouge_l", "novel_f1")},
        "gain": gain.get("value"), "bits": _bits(result, folder), "wer": _wer(folder),
    }  # fmt: skip


def _score(result: dict[str, Any], name: str) -> float | None:
    cell = result["scores"][result["task"]["convention"]].get(name)
    return None if cell is None else cell["value"]


def _bits(result: dict[str, Any], folder: Path) -> float | None:
    file = folder / f"likelihood.{result['task']['split']}.json"
    return json.loads(file.read_text("utf-8"))["bits_per_token"] if file.exists() else None


def _wer(folder: Path) -> float | None:
    file = folder / "glosses" / RESULT
    return _score(json.loads(file.read_text("utf-8")), "wer") if file.exists() else None
