"""The page of `qa-builder stats --html`: one file that needs no other, light and dark."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from qa_builder.errors import QbsltError
from qa_builder.stats_tables import findings, tables


def write_page(found: dict[str, Any], path: Path) -> None:
    """Write the figures of `stats.collect` as one HTML file with plots; all of it, or none.

    Raises QbsltError if `path` is a folder.
    """
    if path.is_dir():
        raise QbsltError("is a folder, a page is a file.", file=path, cure="Name a new .html file.")
    page = make_page(found)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        new.write_text(page, encoding="utf-8")
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def make_page(found: dict[str, Any]) -> str:
    """The page as a string; equal figures give equal pages. Whatever it shows is escaped."""
    from jinja2 import Environment, StrictUndefined

    from qa_builder.stats_plots import PLOTS

    environment = Environment(
        undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True,
    )  # fmt: skip
    template = Path(__file__).with_name("stats.html.jinja").read_text(encoding="utf-8")
    by_title = {title: (columns, rows) for title, columns, rows in tables(found)[1:]}
    return environment.from_string(template).render(
        found=found,
        findings=list(findings(found)),
        plots={name: draw(found) for name, draw in PLOTS.items()},
        tables=by_title,
        shown=lambda v: f"{v:,}" if isinstance(v, int) else v,
    )
