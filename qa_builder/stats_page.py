"""The page of `qa-builder stats --html`: one file that needs no other, light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qa_builder.atomic import replace_text
from qa_builder.errors import QbsltError
from qa_builder.stats_tables import findings, tables


def write_page(found: dict[str, Any], path: Path) -> None:
    """Write the figures of `stats.collect` as one HTML file with plots; all of it, or none.

    Raises QbsltError if `path` is a folder.
    """
    if path.is_dir():
        raise QbsltError("is a folder, a page is a file.", file=path, cure="Name a new .html file.")
    replace_text(path, make_page(found))


def make_page(found: dict[str, Any]) -> str:
    """The page as a string; equal figures give equal pages. Whatever it shows is escaped."""
    from qa_builder.stats_plots import PLOTS

    by_title = {title: (columns, rows) for title, columns, rows in tables(found)[1:]}
    return render_page(
        Path(__file__).with_name("stats.html.jinja"),
        found=found,
        findings=list(findings(found)),
        plots={name: draw(found) for name, draw in PLOTS.items()},
        tables=by_title,
        shown=lambda v: f"{v:,}" if isinstance(v, int) else v,
    )


def render_page(template: Path, **values: Any) -> str:
    """Fill a page's template; `style` is the style sheet that all pages share."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True,
    )  # fmt: skip
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    text = template.read_text(encoding="utf-8")
    return environment.from_string(text).render(style=style, **values)
