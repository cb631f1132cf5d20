"""What an audit leaves behind: audit.json, questions.jsonl, audit.html, and the card's summary."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from qa_builder.atomic import replace_text
from qa_builder.audit.question_set import QuestionSet, Rows
from qa_builder.audit.run import Audit, QuestionFigures, examples
from qa_builder.corpora.base import FINDING, NOTE
from qa_builder.dataset import CARD, MANIFEST, Dataset

TEMPLATE = Path(__file__).with_name("audit.html.jinja")
JSON, PAGE, EACH = "audit.json", "audit.html", "questions.jsonl"


def write_audit(found: Audit, questions: QuestionSet, head: dict[str, Any], out: Path) -> None:
    """Write the three files of an audit into a folder; the same audit gives the same bytes.

    `head` says what was audited: "dataset", "fingerprint", "source". audit.json and questions.jsonl
    hold ids and figures alone; the page shows questions and sentences too.
    """
    lines = [json.dumps(asdict(q), ensure_ascii=False) + "\n" for q in found.questions]
    page = make_page(found, questions, head)
    replace_text(out / EACH, "".join(lines))
    replace_text(out / PAGE, page)
    text = json.dumps(head | found.as_dict(), sort_keys=True, indent=2, ensure_ascii=False)
    replace_text(out / JSON, text + "\n")


def summary(found: Audit) -> dict[str, Any]:
    """What the manifest, and so the card, says of an audit: figures by split, and the findings."""
    figures = found.figures
    return {
        "splits": {s: {
            "recall": f["leakage"]["recall"], "equal": f["leakage"]["equal"],
            "copy_bleu4": f["copied"]["bleu4"], "retrieval_top1": f["retrieval"]["top1"],
            "bits_above": f["bits"] and f["bits"]["above"],
            "bits_interval": f["bits"] and [f["bits"]["low"], f["bits"]["high"]],
        } for s, f in figures["splits"].items()},
        "findings": [
            {"id": f.id, "severity": f.severity, "message": f.message} for f in found.findings
        ],
    }  # fmt: skip


def write_summary(found: Audit, dataset: Dataset) -> None:
    """Put the summary into the dataset's manifest, under "audit", and make its card anew."""
    from qa_builder.publish.card import make_card

    manifest = dataset.manifest | {"audit": summary(found)}
    text = json.dumps(manifest, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
    replace_text(dataset.path / CARD, make_card(manifest))
    replace_text(dataset.path / MANIFEST, text)


def make_page(found: Audit, questions: QuestionSet, head: dict[str, Any]) -> str:
    """The page as one string that needs no other file. Whatever it shows is escaped."""
    from qa_builder.audit.plots import relevance_plot
    from qa_builder.stats_page import render_page
    from qa_builder.stats_plots import duplicates_plot, kinds_plot, leakage_plot

    splits = found.figures["splits"]
    shapes = {
        "leakage": {s: {"bins": f["leakage"]["bins"]} for s, f in splits.items()},
        "kinds": {s: f["kinds"] for s, f in splits.items()},
        "duplicates": _squares(found.figures["overlap"]),
    }
    return render_page(
        TEMPLATE,
        digits=lambda v, n=2: "-" if v is None else f"{v:z.{n}f}",
        head=head,
        figures=found.figures,
        by_severity={
            severity: [f for f in found.findings if f.severity == severity]
            for severity in (FINDING, NOTE)
        },
        relevance=relevance_plot(found.questions),
        plots=leakage_plot(shapes) | kinds_plot(shapes),
        overlaps=duplicates_plot(shapes),
        examples={k: list(_shown(v, questions)) for k, v in examples(found.questions).items()},
    )


def _squares(overlap: dict[str, Any]) -> dict[str, Any]:
    """Overlaps in the shape of `stats`: those of splits that have something to compare."""
    shown = {}
    for what in ("sentence", "question", "pair"):
        by_split = {s: v for s, v in overlap[what].items() if v["n"]}
        shown[what] = {
            s: {"n": v["n"], "repeated": v["n"] - v["distinct"],
                "in": {o: n for o, n in v["in"].items() if o in by_split}}
            for s, v in by_split.items()
        }  # fmt: skip
    return shown


def _shown(
    each: list[QuestionFigures], questions: QuestionSet
) -> Iterator[tuple[QuestionFigures, str, str]]:
    """Figures of questions with the question and its sentence."""
    where: dict[str, dict[str, int]] = {}
    for q in each:
        rows: Rows = questions.splits[q.split]
        at = where.setdefault(q.split, {id_: i for i, id_ in enumerate(rows.ids)})[q.id]
        yield q, rows.questions[at], rows.texts[at]
