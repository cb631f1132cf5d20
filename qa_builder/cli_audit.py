"""`qa-builder audit`: what it takes and prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qa_builder.console import print_table
from qa_builder.corpora.base import FINDING

if TYPE_CHECKING:
    from qa_builder.audit.run import Audit

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("dataset", type=_PATH)
@click.option(
    "--questions",
    multiple=True,
    type=_PATH,
    metavar="FILE",
    help="Audit the questions of this file instead; may be given several times.",
)
@click.option("--format", help="Format of the file; default: found by looking.")
@click.option(
    "--out",
    type=_PATH,
    help="Folder for audit.json, audit.html and questions.jsonl; default: DATASET/audit, "
    "and with --questions DATASET/audit/NAME-OF-FILE.",
)
@click.option("--fail-on", metavar="LIMITS", help="Exit 1 beyond limits: leakage>0.5,overlap>0.")
@click.option("--seed", type=int, default=0, show_default=True,
              help="Seed of the shuffled questions and of the intervals.")  # fmt: skip
def audit(dataset: Path, questions: tuple[Path, ...], format: str | None, out: Path | None,
          fail_on: str | None, seed: int) -> None:  # fmt: skip
    """Measure what the questions of a DATASET give away, and what else is wrong with them."""
    from qa_builder.audit.gates import failures, parse_gates
    from qa_builder.audit.question_set import of_dataset, of_files
    from qa_builder.audit.report import write_audit, write_summary
    from qa_builder.audit.run import audit as measure
    from qa_builder.dataset import open_dataset
    from qa_builder.errors import FindingError, QbsltError

    gates = parse_gates(fail_on)
    if seed < 0:
        raise QbsltError(f"--seed {seed} is negative.", cure="Take 0 or more.")
    opened = open_dataset(dataset)
    asked = of_files(opened, questions, format) if questions else of_dataset(opened)
    found = measure(asked, seed)
    head = {"dataset": opened.name, "fingerprint": opened.fingerprint, "schema_version": 1,
            "source": ", ".join(f.name for f in questions) or "The dataset's own questions"}  # fmt: skip  # noqa: E501
    own = dataset / "audit"
    folder = out or (own / questions[0].stem if questions else own)
    write_audit(found, asked, head, folder)
    if folder == own:
        write_summary(found, opened)
    report(found, head)
    click.echo(f"wrote {folder / 'audit.html'}")
    if failed := failures(gates, found.figures):
        raise FindingError("; ".join(failed) + ".", file=dataset,
                           cure=f"See {folder / 'audit.html'}.")  # fmt: skip


def report(found: Audit, head: dict[str, Any]) -> None:
    """Print the figures by split, and the findings."""
    rows = [
        (s, f["questions"], _digits(f["leakage"]["recall"], 3), f["leakage"]["equal"],
         f["copied"]["equal"], f["leakage"]["reordered"], f["copied"]["bleu4"],
         f["copied"]["rouge_l"], f["copied"]["chrf"], f["retrieval"]["top1"], *_bits(f["bits"]))
        for s, f in found.figures["splits"].items()
    ]  # fmt: skip
    columns = ("split", "questions", "recall", "equal", "as printed", "re-ordered", "copy BLEU-4",
               "ROUGE-L", "chrF", "found 1st", "bits", "shuffled", "above (95 %)")  # fmt: skip
    print_table(f"{head['dataset']}: {head['source']}", columns, rows)
    v = found.figures["variety"]["all"]
    click.echo(
        f"all questions: {v['kinds']} kinds, the most frequent {v['kind']:.1%}; mean content "
        f"recall {v['mean']:.3f}; the most frequent wording {v['wording']:.1%}; general prompts "
        f"{v['prompts']:.1%}"
    )
    severe = [f for f in found.findings if f.severity == FINDING]
    for f in severe:
        click.echo(f"{f.severity}: [{f.id}] {f.message}. {f.cure}")
    click.echo(f"{len(severe)} findings, and {len(found.findings) - len(severe)} notes on the page")


def _digits(value: float, n: int) -> str:
    return f"{value:z.{n}f}"


def _bits(bits: dict[str, Any] | None) -> tuple[object, ...]:
    if bits is None:
        return ("-", "-", "-")
    interval = f"{bits['above']:z.2f} ({bits['low']:z.2f} to {bits['high']:z.2f})"
    return (_digits(bits["bits"], 2), _digits(bits["shuffled"], 2), interval)
