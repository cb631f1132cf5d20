"""The page of `qbslt-bench compare --html`: one file, with the sentences that differ most."""

from __future__ import annotations

from typing import Any

from benchmarks.pages import STRATA, renderer

# What the tables show; the document has all scores.
METRICS = ("bleu1", "bleu2", "bleu3", "bleu4", "rouge_l", "chrf2", "novel_f1", "novel_content_f1")


def make_page(found: dict[str, Any], language: str) -> str:
    """The page for a comparison (`compare.compare`) of texts in `language` (ISO 639-1)."""
    highest = max(s["scores"]["bleu4"]["high"] for s in found["systems"])
    return renderer()(
        "compare.html", found=found, language=language, titles=STRATA,
        metrics=[m for m in METRICS if m in found["systems"][0]["scores"]],
        several=len(found["systems"]) > 2, top=max(1.0, highest * 1.1),
    )  # fmt: skip
