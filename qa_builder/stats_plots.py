"""Plots of a dataset's figures as inline SVG that follows the colours and the font of its page.

Matplotlib draws in stand-in colours, which become CSS variables: so one drawing serves light and
dark. A plot has no title; its page gives it one.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from qa_builder.stats_tables import by_total

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT = "#010101", "#020202"
SPLIT_COLOURS = {"train": "#030303", "dev": "#040404", "test": "#050505"}
_CSS = {INK: "var(--ink)", FAINT: "var(--line)"} | {
    colour: f"var(--{split})" for split, colour in SPLIT_COLOURS.items()
}
_WIDTH = 5.6  # inches, of 72 units of the drawing
_MOST = 12  # bars; what is beyond is one bar "others"
_STYLE: Any = {
    "svg.fonttype": "none", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False,
    "axes.edgecolor": FAINT, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK,
    "text.color": INK, "axes.grid": True, "grid.color": FAINT, "axes.axisbelow": True,
    "grid.linewidth": 0.5, "xtick.major.size": 0, "ytick.major.size": 0, "legend.frameon": False,
    "text.parse_math": False,  # names may hold dollars
}  # fmt: skip


def length_plots(found: dict[str, Any]) -> dict[str, str]:
    """Lengths by split: one SVG for each of sentences, glosses, questions and frames."""
    units = {"gloss": "glosses", "frames": "frames"}
    return {
        measure: steps(h["edges"], h["counts"], units.get(measure, found["unit"]), measure)
        for measure, h in found["histograms"].items()
    }


def leakage_plot(found: dict[str, Any]) -> dict[str, str]:
    """Content recall of the questions by split."""
    counts = {s: v["bins"] for s, v in found["leakage"].items()}
    if not counts:
        return {}
    n = len(next(iter(counts.values())))
    edges = [i / n for i in range(n + 1)]
    return {"leakage": steps(edges, counts, "content recall", "leakage")}


def kinds_plot(found: dict[str, Any]) -> dict[str, str]:
    """Kinds of questions by split."""
    return _bars(found["kinds"], "% of the questions", "kinds")


def signers_plot(found: dict[str, Any]) -> dict[str, str]:
    """Signers by split."""
    return _bars(found["signers"], "% of the clips", "signers")


def duplicates_plot(found: dict[str, Any]) -> dict[str, str]:
    """What share of a split is in another split too: sentences, questions, both together."""
    return {
        what: _shared(by_split, what)
        for what, by_split in found["duplicates"].items() if len(by_split) > 1
    }  # fmt: skip


PLOTS: dict[str, Callable[[dict[str, Any]], dict[str, str]]] = {
    "lengths": length_plots, "leakage": leakage_plot, "kinds": kinds_plot,
    "signers": signers_plot, "duplicates": duplicates_plot,
}  # fmt: skip


def steps(edges: Sequence[float], counts: dict[str, list[int]], unit: str, name: str) -> str:
    """A histogram by split, as shares of it; `edges` has one number more than each of `counts`."""
    with drawing(2.6) as (figure, axes):
        for split, values in counts.items():
            if total := sum(values):
                shares = [100 * v / total for v in values]
                colour = SPLIT_COLOURS[split]
                axes.stairs(shares, edges, fill=True, color=colour, alpha=0.12)
                axes.stairs(shares, edges, color=colour, linewidth=1.6, label=split)
        axes.set_xlabel(unit)
        axes.set_ylabel("% of the split")
        axes.set_xlim(edges[0], edges[-1])
        axes.grid(visible=False, axis="x")
        axes.legend()
        return svg_of(figure, name)


def _bars(counts: dict[str, dict[str, int]], unit: str, name: str) -> dict[str, str]:
    """Bars by name and split, as shares of the split; no plot of nothing."""
    counts = {s: c for s, c in counts.items() if c}
    if not counts:
        return {}
    names = by_total(counts)
    shown = names if len(names) <= _MOST else names[: _MOST - 1]
    labels = shown if shown is names else [*shown, f"{len(names) - len(shown)} others"]
    with drawing(0.7 + 0.34 * len(labels)) as (figure, axes):
        high = 0.8 / len(counts)
        for i, (split, c) in enumerate(counts.items()):
            values = [c.get(n, 0) for n in shown]
            values += [sum(c.values()) - sum(values)] if labels is not shown else []
            shares = [100 * v / sum(c.values()) for v in values]
            at = [k + (i - (len(counts) - 1) / 2) * high for k in range(len(labels))]
            axes.barh(at, shares, high * 0.9, color=SPLIT_COLOURS[split], label=split)
        axes.set_yticks(range(len(labels)), [_short(n) for n in labels])
        axes.invert_yaxis()
        axes.set_xlabel(unit)
        axes.grid(visible=False, axis="y")
        axes.legend(loc="lower right")
        return {name: svg_of(figure, name)}


def _short(name: str) -> str:
    return name if len(name) <= 24 else name[:23] + "…"


def _shared(by_split: dict[str, Any], name: str) -> str:
    """A square for each pair of splits, the darker the larger the share; within one: repeats."""
    splits = list(by_split)
    with drawing(0.7 + 0.62 * len(splits), width=4.2) as (figure, axes):
        for y, s in enumerate(splits):
            for x, other in enumerate(splits):
                v = by_split[s]
                n = v["repeated"] if s == other else v["in"][other]
                share = n / v["n"]
                axes.add_patch(_square(x, y, share))
                axes.text(x, y, f"{100 * share:.1f} %\n{n:,}", ha="center", va="center")
        axes.set_xlim(-0.5, len(splits) - 0.5)
        axes.set_ylim(len(splits) - 0.5, -0.5)
        axes.set_xticks(range(len(splits)), [f"in {s}" for s in splits])
        axes.set_yticks(range(len(splits)), [f"of {s}" for s in splits])
        axes.xaxis.tick_top()
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        return svg_of(figure, f"duplicates-{name}")


def _square(x: int, y: int, share: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, facecolor=SPLIT_COLOURS["train"],
                     alpha=0.04 + 0.6 * share, linewidth=0)  # fmt: skip


@contextmanager
def drawing(height: float, width: float = _WIDTH) -> Iterator[tuple[Figure, Axes]]:
    """A figure with one pair of axes, in the style of the page; sizes in inches."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.subplots()


def svg_of(figure: Figure, name: str) -> str:
    """The drawing as an SVG element without ids of its own, but for clip paths."""
    import matplotlib as mpl

    out = io.StringIO()
    with warnings.catch_warnings(), mpl.rc_context({"svg.hashsalt": name}):
        # The browser has the glyphs that Matplotlib's own font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(out, format="svg", transparent=True, metadata=metadata)
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r' id="[A-Za-z.]+_\d+"| (width|height)="[\d.]+pt"', "", svg)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"#0([1-5])(?:0\1){2}", lambda m: _CSS[m[0]], svg)
    return svg.replace("<svg", f'<svg role="img" aria-label="{name}"', 1).strip()
