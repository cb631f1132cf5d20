"""Write boards as a static site: pages, and JSON and CSV beside each table.

Sentences of a corpus are licensed. A site is made to be published, so it holds none of them, nor
what systems wrote in their place, unless `examples` asks for them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.leaderboard.board import Board
from benchmarks.leaderboard.reported import CORPORA, SCORES, read_reported
from benchmarks.leaderboard.views import board_views, flat
from benchmarks.pages import STRATA, renderer
from benchmarks.results import json_text
from benchmarks.show import TITLES
from qa_builder import __version__
from qa_builder.atomic import new_folder
from qa_builder.errors import QbsltError

MARKER = "site.json"
SCHEMA_VERSION = 1


def write_site(boards: Sequence[Board], out: Path, *, examples: bool = False) -> list[str]:
    """Write the site into `out`, in place of one that stands there; all of it, or nothing.

    Returns the paths of the pages in `out`. The same boards give the same bytes. Raises QbsltError
    if `out` is something else than an earlier site.
    """
    check_out(out)
    views = board_views(boards, examples)
    files = {**_pages(views), **_tables(views)}
    files[MARKER] = json_text({
        "schema_version": SCHEMA_VERSION, "made_by": f"qbslt {__version__}",
        "boards": [{k: v[k] for k in ("slug", "task", "split", "convention", "dataset")}
                   for v in views],
        "files": sorted(files),
    })  # fmt: skip
    with new_folder(out) as folder:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
    return [name for name in files if name.endswith(".html")]


def check_out(out: Path) -> None:
    """Raise QbsltError if `out` holds something else than an earlier site."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    try:
        made_by = json.loads((out / MARKER).read_text("utf-8"))["made_by"]
    except (OSError, ValueError, KeyError, TypeError):
        made_by = None
    if made_by is None:
        raise QbsltError(
            "is there already and is no site of this command; it would be replaced.",
            file=out, cure="Choose another --out, or remove it.",
        )  # fmt: skip


def _pages(views: Sequence[dict[str, Any]]) -> dict[str, str]:
    render = renderer()
    nav = [{"slug": v["slug"], "title": f"{v['task']} · {v['split']}"} for v in views]
    reported = _reported()
    shared = {"nav": nav, "names": TITLES, "titles": STRATA}
    pages = {
        "index.html": render("index.html", boards=views, up="", here="index", **shared),
        "reported.html": render(
            "reported.html", tables=reported, scores=SCORES, up="", here="reported", **shared
        ),
    }
    for view in views:
        pages[f"{view['slug']}.html"] = render(
            "board.html", board=view, up="", here=view["slug"], **shared
        )
        for row in view["rows"]:
            pages[f"systems/{row['slug']}.html"] = render(
                "system.html", board=view, row=row, up="../", here=view["slug"], **shared
            )
    return pages


def _reported() -> list[dict[str, Any]]:
    return [
        {"corpus": corpus, "title": title,
         "rows": [r._asdict() for r in read_reported() if r.corpus == corpus]}
        for corpus, title in CORPORA.items()
    ]  # fmt: skip


def _tables(views: Sequence[dict[str, Any]]) -> dict[str, str]:
    files: dict[str, str] = {}
    for view in views:
        for table in view["tables"]:
            files |= _both(f"data/{table['slug']}", [flat(row) for row in table["rows"]])
        for row in view["rows"]:
            files[f"systems/{row['slug']}.json"] = json_text(row["results"])
    for table in _reported():
        files |= _both(f"data/reported-{table['corpus']}", table["rows"])
    return files


def _both(path: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {f"{path}.json": json_text(rows), f"{path}.csv": _csv(rows)}


def _csv(rows: Iterable[Mapping[str, Any]]) -> str:
    rows = list(rows)
    text = io.StringIO()
    columns = list(dict.fromkeys(key for row in rows for key in row))
    table = csv.DictWriter(text, columns, lineterminator="\n")
    table.writeheader()
    table.writerows({k: _cell(v) for k, v in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula gets an apostrophe in front."""
    risky = isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r")
    return f"'{value}" if risky else value
