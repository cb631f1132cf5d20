"""What the pages of a board show: plain values, made of rows and results."""

from __future__ import annotations

import math
from collections.abc import Sequence
from shlex import quote
from typing import Any

from benchmarks.controls import COPY
from benchmarks.leaderboard.board import CONTROL, REFERENCE, Board, Row
from benchmarks.pages import different, slug
from benchmarks.show import TITLES

SHOWN = ("bleu1", "rouge_l", "chrf2", "novel_f1")  # beside BLEU-4, in this order
EXAMPLES = 12
SEEN = {"yes": "test seen", "unknown": "test seen?", "no": ""}
KINDS = {
    "video": "video only",
    "video+question": "video + question",
    "video+gloss": "video + gloss",
    CONTROL: "control",
}


def board_views(boards: Sequence[Board], examples: bool) -> list[dict[str, Any]]:
    """One dict a board, with one dict a system; file names differ in all of them."""
    names = [f"{b.task.name} {'' if b.data.split == 'test' else b.data.split}" for b in boards]
    names = [
        f"{name} {b.data.dataset['fingerprint'][:8]}" if names.count(name) > 1 else name
        for name, b in zip(names, boards, strict=True)
    ]
    views = [_board(b, s) for b, s in zip(boards, different(map(slug, names)), strict=True)]
    places = [(view, row) for view, b in zip(views, boards, strict=True) for row in b.rows]
    pages = different(f"{view['slug']}-{slug(row.name)}" for view, row in places)
    for (view, row), page in zip(places, pages, strict=True):
        view["rows"].append(_row(row, page, examples))
    for view in views:
        _arrange(view)
    return views


def _board(board: Board, page: str) -> dict[str, Any]:
    return {
        "slug": page, "title": board.task.title, "task": board.task.name,
        "split": board.data.split, "n": len(board.data), "language": board.data.language,
        "convention": board.task.convention, "dataset": board.data.dataset,
        "corpus": board.task.corpus, "bootstrap": board.rows[0].result.bootstrap,
        "signature": board.rows[0].result.signatures["bleu"],
        "has_questions": board.data.has_questions, "rows": [],
    }  # fmt: skip


def _arrange(view: dict[str, Any]) -> None:
    """Add what is computed over all rows: tables by track, the chart's scale, the point."""
    rows = view["rows"]
    systems = [r for r in rows if r["track"] != CONTROL]
    tracks = [t for t in KINDS if t != CONTROL and any(r["track"] == t for r in systems)]
    view["tables"] = [
        {
            "track": t,
            "title": KINDS[t],
            "slug": f"{view['slug']}.{t.replace('+', '-')}",
            "rows": [r for r in rows if r["track"] in (t, CONTROL)],
        }
        for t in tracks
    ] or [{"track": CONTROL, "title": "controls", "slug": f"{view['slug']}.control", "rows": rows}]
    view["shown"] = [k for k in SHOWN if all(k in r["scores"] for r in rows)]
    view["chart"] = [r for r in rows if r["name"] != REFERENCE or r["track"] != CONTROL]
    highest = max([r["bleu4"]["high"] or 0.0 for r in view["chart"]], default=0.0)
    view["top"] = max(1.0, math.ceil(highest * 1.04))
    copies = [r for r in rows if r["track"] == CONTROL and r["name"] == COPY]
    view["copied"] = copies[0]["bleu4"]["value"] if copies else None
    view["point"] = {t: next((r for r in systems if r["track"] == t), None) for t in KINDS}


def _row(row: Row, page: str, examples: bool) -> dict[str, Any]:
    results = [{"seed": seed, **r.as_dict()} for seed, r in row.results.items()]
    own = row.submission
    return {
        "slug": page, "name": row.name, "track": row.track, "kind": KINDS[row.track],
        "rank": row.rank, "control": row.track == CONTROL,
        "css": "" if row.track != CONTROL else "copy" if row.name == COPY else "control",
        "scores": row.scores, "bleu4": row.scores["bleu4"], "gain": row.gain,
        "gain4": row.gain and row.gain["bleu4"],
        "seeds": [s for s in row.results if s],
        "submission": own and own._asdict(), "seen": SEEN[own.seen_test] if own else "",
        "features": own.features if own else "",
        "results": results, "result": results[0],
        "commands": _commands(row), "examples": _examples(row) if examples else [],
    }  # fmt: skip


def _commands(row: Row) -> list[str]:
    """What prints the row's figures again."""
    first = row.result
    data = f"--data data/{quote(first.dataset['name'])} --split {quote(first.task['split'])}"
    if row.submission is None:
        return [f"qbslt-bench run --model {row.name} {data} --seed {first.bootstrap['seed']}"]
    drawn = f"--resamples {first.bootstrap['resamples']} --seed {first.bootstrap['seed']}"
    return [
        f"qbslt-bench score {quote(r.predictions['file'])} {data} {drawn}"
        for r in row.results.values() if r.predictions
    ]  # fmt: skip


def _examples(row: Row) -> list[dict[str, Any]]:
    """Sentences spread evenly from the best to the worst by sentence BLEU-4: none is picked."""
    distinct = {s["reference"]: s for s in row.result.samples}.values()
    samples = sorted(distinct, key=lambda s: -s["bleu4"])
    n = min(EXAMPLES, len(samples))
    return [samples[round(i * (len(samples) - 1) / max(1, n - 1))] for i in range(n)]


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """A system as one flat record: the columns of CSV and JSON beside each table."""
    own = row["submission"] or {}
    record = {"rank": row["rank"], "system": row["name"], "track": row["track"]}
    for key in TITLES:
        if key in row["scores"]:
            cell = row["scores"][key]
            record |= {key: cell["value"], f"{key}_low": cell["low"], f"{key}_high": cell["high"]}
            record[f"{key}_std"] = cell["std"]
    for part in ("value", "low", "high", "p"):
        record[f"bleu4_gain_over_copy_{part}"] = row["gain4"] and row["gain4"][part]
    record["seeds"] = " ".join(row["seeds"])
    for key in ("seen_test", "paper", "code", "commit", "features", "note"):
        record[key] = own.get(key, "")
    record["training_data"] = "; ".join(own.get("training_data", ()))
    record["signature"] = row["result"]["signatures"]["bleu"]
    return record
