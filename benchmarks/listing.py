"""What there is: tasks, metrics, conventions and models, as tables."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.conventions import CONVENTIONS, GLOSS, LEGACY
from benchmarks.learned import LEARNED
from benchmarks.models import installed_models
from benchmarks.tasks.task import tasks

METRICS = {
    "bleu1 .. bleu4": "BLEU of n-grams up to 1 .. 4, from sacreBLEU's statistics",
    "rouge_l": "ROUGE-L, mean over sentences of F with beta 1.2",
    "chrf2": "chrF of characters 1 .. 6 with beta 2, from sacreBLEU's statistics",
    "novel_*": "precision, recall and F1 over tokens that the question does not hold",
    "novel_content_*": "the same without function words and punctuation",
    "wer": "word error rate of glosses (--gloss)",
}

Listed = tuple[str, list[str], list[list[str]]]


def listing() -> Iterator[Listed]:
    """Title, columns and rows of each table."""
    yield "Tasks", ["task", "data set", "split", "convention", "tracks"], [
        [t.name, t.dataset, t.split, t.convention, ", ".join(t.tracks)] for t in tasks().values()
    ]  # fmt: skip
    metrics = [[name, what] for name, what in METRICS.items()]
    metrics += [[name, "learned; --learned NAME, if installed"] for name in LEARNED]
    yield "Metrics, in percent, with 95 % bootstrap intervals", ["metric", "what"], metrics
    kinds = {c.name: "legacy" for c in LEGACY} | {GLOSS.name: "glosses"}
    yield "Conventions", ["convention", "kind", "who", "what"], [
        [c.name, kinds.get(c.name, "standard"), c.who, c.description] for c in CONVENTIONS.values()
    ]  # fmt: skip
    yield "Models (qbslt-bench run --model NAME)", ["model", "from", "package"], [
        [name, point.value, f"{point.dist.name} {point.dist.version}" if point.dist else "-"]
        for name, point in installed_models().items()
    ]  # fmt: skip
