"""report.html of a run's folder: its curves, its settings, and the machine that it was on. (Ours.)

It is made of metrics.jsonl (and of config.yaml, starts.jsonl and result.json, where they are).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from baselines.journal import CHOSEN_BY, METRICS, read_metrics
from benchmarks.made_by import STARTS
from benchmarks.run_folder import RunConfig, read_run
from qa_builder.atomic import replace_text
from qa_builder.errors import QbsltError

REPORT = "report.html"
_NAMES = CHOSEN_BY | {
    "chrf2": "chrF2", "novel_f1": "novel-token F1", "loss": "all together", "ctc": "CTC",
    "mlm": "masked pieces", "contrast": "contrast (InfoNCE)",
    "sentences": "contrast with sentences",
}  # fmt: skip
_BESIDE = ("chrf2", "novel_f1")  # scores on dev that get a curve of their own
_MANY = 60  # points of a curve, up to which each of them is drawn as a dot


def reports(run: Path) -> Iterator[Path]:
    """Write the report of a run's folder, and of each stage below it; gives their paths.

    Raises QbsltError where nothing was trained.
    """
    folders = sorted({file.parent for file in run.rglob(METRICS)}) if run.is_dir() else []
    if not folders:
        raise QbsltError(f"holds no {METRICS}: nothing was trained here.", file=run,
                         cure="Pass the folder that `qbslt-bench run --model ...` left.")  # fmt: skip  # noqa: E501
    return map(write_report, folders)


def write_report(folder: Path) -> Path:
    """Write report.html beside the metrics.jsonl of a folder, and give its path.

    Takes what there is: a run that is still going, was killed, or a stage whose config.yaml lies in
    a folder above. One file that needs no other. Raises QbsltError without metrics.jsonl.
    """
    from qa_builder.stats_page import render_page

    if not (folder / METRICS).is_file():
        raise QbsltError(f"holds no {METRICS}: nothing was trained here.", file=folder)
    rows = read_metrics(folder)
    train = [row for row in rows if row["kind"] == "train"]
    dev = [row for row in rows if row["kind"] == "dev"]
    about, above = _about(folder)
    best = _best(dev)
    page = render_page(
        Path(__file__).with_name("run_report.html.jinja"),
        title=_title(folder, about, above), about=about, tiles=_tiles(folder, train, dev, best),
        plots=_plots(train, dev, best), starts=_starts(folder),
        simulated=about is not None and about.features == "simulated",
    )  # fmt: skip
    out = folder / REPORT
    replace_text(out, page)
    return out


def _about(folder: Path) -> tuple[RunConfig | None, Path]:
    """The configuration of the run that a folder is, or is a stage of, and its folder."""
    place = folder.resolve()
    for level in (place, *place.parents[:2]):
        if (found := read_run(level)) is not None:
            return found, level
    return None, place


def _title(folder: Path, about: RunConfig | None, above: Path) -> str:
    if about is None:
        return folder.resolve().name
    stage = folder.resolve().relative_to(above).as_posix()
    return f"{about.model} on {about.task}" + ("" if stage == "." else f": {stage}")


def _starts(folder: Path) -> list[dict[str, Any]]:
    """When training began, and went on: the step, the machine and the code."""
    try:
        lines = (folder / STARTS).read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines]
    except (OSError, ValueError):
        return []


def _best(dev: Sequence[dict[str, Any]]) -> tuple[str, dict[str, Any]] | None:
    """The measure of the training, and the first line of dev that has its highest value."""
    for measure in CHOSEN_BY:
        rows = [row for row in dev if measure in row]
        if rows:
            return measure, max(rows, key=lambda row: row[measure])
    return None


def _tiles(
    folder: Path, train: Sequence[dict[str, Any]], dev: Sequence[dict[str, Any]],
    best: tuple[str, dict[str, Any]] | None,
) -> list[tuple[str, str, str]]:  # fmt: skip
    """Name, figure and remark."""
    found = []
    if best is not None:
        measure, row = best
        where = f"epoch {row['epoch']}, step {row['step']:,}"
        found.append((f"best dev {_NAMES[measure]}", f"{row[measure]:.2f}", where))
    last = max((row["step"] for row in (*train, *dev)), default=0)
    found.append(("steps", f"{last:,}", f"{len(dev):,} evaluations on dev"))
    if dev and "seconds" in dev[-1]:
        seconds = dev[-1]["seconds"]
        took = f"{seconds:,.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} min"
        found.append(("time", took, "training and dev, without pauses"))
    if rates := sorted(row["rate"] for row in train if "rate" in row):
        found.append((_rate_name(folder), f"{rates[len(rates) // 2]:,.0f}", "median of the lines"))
    for split, result in _results(folder):
        scores = next(iter(result["scores"].values()))
        if "bleu4" in scores:
            found.append((f"{split} BLEU-4", f"{scores['bleu4']['value']:.2f}",
                          f"n = {result['n']:,}"))  # fmt: skip
    return found


def _rate_name(folder: Path) -> str:
    about, _ = _about(folder)
    options = {} if about is None else about.options
    video = about is None or options.get("features") or options.get("frames_root")
    return "frames/s" if video else "sentences/s"


def _results(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The scores that the folder has, by split."""
    for file in (folder / "result.json", *sorted(folder.glob("*/result.json"))):
        if file.parent.name == "glosses":
            continue
        try:
            result = json.loads(file.read_text("utf-8"))
            yield result["task"]["split"], result
        except (OSError, ValueError, KeyError):
            continue


def _plots(
    train: Sequence[dict[str, Any]], dev: Sequence[dict[str, Any]],
    best: tuple[str, dict[str, Any]] | None,
) -> list[tuple[str, list[tuple[str, str]]]]:  # fmt: skip
    """Headings, each with the names and drawings of its curves; what has no numbers is left out."""
    names = sorted({key for row in train for key in row if key.startswith("loss")})
    measure = None if best is None else best[0]
    scores = [k for k in (measure, *_BESIDE) if k and any(k in row for row in dev)]
    curves = {
        "Dev": [(_name(k), _curve(dev, k, "epoch", best)) for k in scores],
        "Losses on train": [(_name(k), _curve(train, k, "step")) for k in names],
        "Pace": [(what, _curve(train, k, "step")) for k, what in
                 (("learning_rate", "Learning rate"), ("rate", "Frames or sentences a second"))
                 if any(k in row for row in train)],
    }  # fmt: skip
    return [(heading, drawn) for heading, drawn in curves.items() if drawn]


def _name(key: str) -> str:
    plain = key.removeprefix("loss_")
    return _NAMES.get(plain, plain.replace("_", " "))


def _curve(
    rows: Sequence[dict[str, Any]], key: str, along: str,
    best: tuple[str, dict[str, Any]] | None = None,
) -> str:  # fmt: skip
    """A curve as SVG; with the best marked, where it is its own."""
    from matplotlib.ticker import MaxNLocator

    from qa_builder.stats_plots import INK, SPLIT_COLOURS, drawing, svg_of

    points = [(row[along], row[key]) for row in rows
              if isinstance(row.get(key), int | float) and along in row]  # fmt: skip
    with drawing(2.3, 4.2) as (figure, axes):
        x, y = [p[0] for p in points], [p[1] for p in points]
        axes.plot(x, y, color=SPLIT_COLOURS["train"], linewidth=1.6,
                  marker="." if len(points) <= _MANY else None)  # fmt: skip
        if best is not None and best[0] == key:
            at, value = best[1][along], best[1][key]
            axes.plot([at], [value], "o", color=SPLIT_COLOURS["dev"], markersize=8)
            side = "right" if at > (x[0] + x[-1]) / 2 else "left"
            axes.annotate(f"best: {value:.2f}, epoch {best[1]['epoch']}", (at, value), (0, 9),
                          textcoords="offset points", ha=side, color=INK)  # fmt: skip
            axes.set_ylim(0, max(1.18 * value, 1e-9))
        elif points:
            axes.set_ylim(min(0, *y), None)
        axes.set_xlabel(along)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        return svg_of(figure, f"{key}-by-{along}".replace("_", "-"))
