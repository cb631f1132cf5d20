"""A result as tables, and tables as text: for people, Markdown, LaTeX; or all numbers as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isnan
from typing import Any, NamedTuple

from benchmarks.results import Result

TITLES = {
    "bleu1": "BLEU-1", "bleu2": "BLEU-2", "bleu3": "BLEU-3", "bleu4": "BLEU-4",
    "rouge_l": "ROUGE-L", "chrf2": "chrF2",
    "novel_precision": "novel-token P", "novel_recall": "novel-token R",
    "novel_f1": "novel-token F1", "novel_content_precision": "novel content P",
    "novel_content_recall": "novel content R", "novel_content_f1": "novel content F1",
    "wer": "WER", "wer_substitutions": "substitutions", "wer_insertions": "insertions",
    "wer_deletions": "deletions",
}  # fmt: skip
_HEADLINE = ("bleu4", "rouge_l", "chrf2", "novel_f1", "wer")


class Table(NamedTuple):
    """A titled table of printed values."""

    title: str
    columns: list[str]
    rows: list[list[str]]


def tables(result: Result) -> Iterator[Table]:
    """What is shown of a result, in order: the gain over copying first, legacy numbers last."""
    if result.gain_over_copy is not None:
        yield _gain(result.gain_over_copy)
    yield _scores(result)
    if result.strata:
        yield _strata(result.strata)
    if result.legacy:
        yield _legacy(result)


def metric_name(name: str) -> str:
    """What people call a score."""
    return TITLES.get(name, name)


def number(value: float | None, sign: str = "") -> str:
    """A score in percent as tables print it; a hyphen for none. `sign`: "+" for a difference."""
    return "-" if value is None or isnan(value) else f"{value:{sign}.2f}"


def bounds(cell: Mapping[str, float | None], sign: str = "") -> str:
    """The interval of a score."""
    return f"{number(cell['low'], sign)} .. {number(cell['high'], sign)}"


def p_value(value: float) -> str:
    """A p-value."""
    return "-" if isnan(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _gain(gains: dict[str, dict[str, float]]) -> Table:
    rows = [
        [metric_name(k), number(v["value"], "+"), bounds(v, "+"), p_value(v["p"])]
        for k, v in gains.items()
    ]
    title = "Gain over copying the question"
    return Table(title, ["score", "gain", "95 % interval", "p"], rows)


def _scores(result: Result) -> Table:
    (convention, scores), *_ = result.scores.items()
    controls = list(result.controls)
    rows = [
        [metric_name(k), number(v["value"]), bounds(v)]
        + [number(result.controls[c][k]) for c in controls]
        for k, v in scores.items()
    ]
    task = result.task
    title = f"{result.system['name']} on {task['name']}, {task['split']}, n = {result.n:,}"
    features = result.dataset.get("features")  # "simulated"
    about = f"convention {convention}" + (f", {features.upper()} features" if features else "")
    columns = ["score", "value", "95 % interval", *controls]
    return Table(f"{title} ({about})", columns, rows)


def _strata(strata: dict[str, list[dict[str, Any]]]) -> Table:
    some = next(iter(strata.values()))[0]
    shown = [k for k in _HEADLINE if k in some["scores"]]
    gains = "gain_over_copy" in some
    columns = [
        "part",
        "n",
        *map(metric_name, shown),
        *([f"gain, {metric_name(shown[0])}"] if gains else []),
    ]
    rows = []
    for name, parts in strata.items():
        for part in parts:
            span = f" ({part['low']:.3g} .. {part['high']:.3g})" if "low" in part else ""
            row = [f"{name}: {part['name']}{span}", f"{part['n']:,}"]
            row += [number(part["scores"][k]) for k in shown]
            rows.append(row + ([number(part["gain_over_copy"][shown[0]], "+")] if gains else []))
    return Table("Parts of the split (beware of small n)", columns, rows)


def _legacy(result: Result) -> Table:
    names = list(dict.fromkeys(k for scores in result.legacy.values() for k in scores))
    rows = [
        [convention, *(number(scores.get(k, {}).get("value")) for k in names)]
        for convention, scores in result.legacy.items()
    ]
    title = "Legacy conventions, only for comparison with papers that use them"
    return Table(title, ["convention", *map(metric_name, names)], rows)


def markdown(result: Result) -> str:
    """The tables in Markdown, with the signatures."""
    parts = []
    for title, columns, rows in tables(result):
        lines = [columns, ["---"] + ["---:"] * (len(columns) - 1), *rows]
        body = "\n".join("| " + " | ".join(_escaped(line, _MARKDOWN)) + " |" for line in lines)
        parts.append(f"**{_escaped([title], _MARKDOWN)[0]}**\n\n{body}\n")
    parts += ["\n".join(f"- `{s}`" for s in shown_signatures(result)) + "\n"]
    return "\n".join(parts)


_MARKDOWN = {c: "\\" + c for c in "\\|*_<>`["}
_TEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip


def latex(result: Result) -> str:
    """The tables in LaTeX (package booktabs), the signatures as comments."""
    parts = [f"% {s}" for s in shown_signatures(result)]
    for title, columns, rows in tables(result):
        lines = [" & ".join(_escaped(line, _TEX)) + r" \\" for line in (columns, *rows)]
        parts += [
            rf"\begin{{table}}\centering\caption{{{_escaped([title], _TEX)[0]}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(columns) - 1)}}}\toprule",
            lines[0] + r"\midrule", *lines[1:], r"\bottomrule\end{tabular}\end{table}",
        ]  # fmt: skip
    return "\n".join(parts) + "\n"


def _escaped(cells: Sequence[str], escapes: dict[str, str]) -> list[str]:
    table = str.maketrans(escapes)
    return [" ".join(cell.translate(table).split()) for cell in cells]


def comma_separated(result: Result) -> str:
    """Every number, unrounded, one a line."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("section", "part", "score", "value", "low", "high", "p", "n"))
    for section, part, score, cell, n in _cells(result):
        numbers = ["" if (v := cell.get(k)) is None or isnan(v) else repr(v) for k in _FIELDS]
        writer.writerow((section, part, score, *numbers, n))
    return file.getvalue()


_FIELDS = ("value", "low", "high", "p")
_Cell = tuple[str, str, str, dict[str, float], int]


def _cells(result: Result) -> Iterator[_Cell]:
    for k, cell in (result.gain_over_copy or {}).items():
        yield "gain over copy", "", k, cell, result.n
    for section, boards in (("standard", result.scores), ("legacy", result.legacy)):
        for convention, scores in boards.items():
            yield from ((section, convention, k, cell, result.n) for k, cell in scores.items())
    for control, values in result.controls.items():
        yield from (("control", control, k, {"value": v}, result.n) for k, v in values.items())
    for name, parts in result.strata.items():
        for part in parts:
            for k, v in part["scores"].items():
                yield f"by {name}", part["name"], k, {"value": v}, part["n"]


def shown_signatures(result: Result) -> list[str]:
    """The signatures of the standard convention."""
    return [s for name, s in result.signatures.items() if "/" not in name]


def tell(result: Result) -> None:
    """Print notes and warnings to standard error."""
    import click

    from qa_builder.console import warn

    for note in result.notes:
        click.echo(f"note: {note}", err=True)
    for warning in result.warnings:
        warn(warning)


def for_people(result: Result) -> None:
    """Print the tables to standard output: in colour on a terminal, plain when piped."""
    from rich import box
    from rich.table import Table as Printed

    from qa_builder.console import console

    out = console()
    for title, columns, rows in tables(result):
        table = Printed(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
        for i, column in enumerate(columns):
            table.add_column(column, justify="right" if i else "left")
        for row in rows:
            table.add_row(*row)
        out.print(table, markup=False)
    for signature in shown_signatures(result):
        print(signature)


FORMATS: dict[str, Callable[[Result], str]] = {
    "json": Result.json, "markdown": markdown, "latex": latex, "csv": comma_separated,
}  # fmt: skip
