"""The page of an analysis of trajectories: one HTML file that needs no other, light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from baselines.trajectory_analysis import KINDS, REPORTED
from qa_builder.atomic import replace_text
from qa_builder.errors import QbsltError
from qa_builder.stats_page import render_page

_BLUE = (63, 135, 214)  # seen on light and on dark


def write_page(found: dict[str, Any], path: Path) -> None:
    """Write the figures of `trajectory_analysis.analyse` as a page, all of it or nothing.

    Whatever it shows is escaped. Raises QbsltError if `path` is a folder.
    """
    if path.is_dir():
        raise QbsltError("is a folder, a page is a file.", file=path, cure="Name a new .html file.")
    template = Path(__file__).with_name("trajectories.html.jinja")
    page = render_page(template, found=found, rows=_rows(found), histogram=_histogram(found),
                       joint=_joint(found))  # fmt: skip
    replace_text(path, page)


def _rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The kinds with their shares in percent."""
    rows = []
    for kind in KINDS:
        counts = found["kinds"][kind]
        share = 100 * counts["pairs"] / max(found["pairs"], 1)
        rows.append({"kind": kind, **counts, "share": share, "reported": REPORTED.get(kind)})
    return rows


def _histogram(found: dict[str, Any]) -> str:
    """Pairs by d, on a logarithmic axis: the tails are what selection works with."""
    from qa_builder.stats_plots import INK, SPLIT_COLOURS, drawing, svg_of

    d = found["d"]
    with drawing(2.8) as (figure, axes):
        axes.stairs(d["counts"], d["edges"], fill=True, color=SPLIT_COLOURS["train"], alpha=0.75)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_xlabel("d = last − first similarity")
        axes.set_ylabel("pairs")
        return svg_of(figure, "change-of-similarity")


def _joint(found: dict[str, Any]) -> str:
    """First against last similarity, the darker the more pairs, with the thresholds."""
    import numpy as np

    from qa_builder.stats_plots import INK, drawing, svg_of

    joint, counts = found["joint"], np.array(found["joint"]["counts"], float)
    shade = np.zeros((*counts.shape, 4), np.uint8)
    shade[..., :3] = _BLUE
    shade[..., 3] = np.round(255 * np.log1p(counts) / max(np.log1p(counts).max(), 1))
    extent = (joint["low"], joint["high"]) * 2
    with drawing(4.4, 4.8) as (figure, axes):
        axes.imshow(shade.swapaxes(0, 1), origin="lower", extent=extent, interpolation="nearest")
        axes.axvline(found["threshold"]["first"], color=INK, linewidth=0.8)
        axes.axhline(found["threshold"]["last"], color=INK, linewidth=0.8)
        axes.set_xlabel("first similarity")
        axes.set_ylabel("last similarity")
        axes.grid(visible=False)
        corners = {"low-high": (0, 1), "high-high": (1, 1), "low-low": (0, 0), "high-low": (1, 0)}
        for kind, (x, y) in corners.items():
            axes.text(0.02 + 0.96 * x, 0.02 + 0.96 * y, kind, transform=axes.transAxes,
                      ha=("left", "right")[x], va=("bottom", "top")[y])  # fmt: skip
        return svg_of(figure, "first-and-last-similarity")
