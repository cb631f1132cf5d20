"""Which words of a translation are its own, and which stand in the question.

Tokens, and what is novel, as the benchmark has them (`benchmarks.metrics.novelty`). (Ours.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from benchmarks.conventions import CONVENTIONS, WITHOUT_BLANKS
from benchmarks.metrics.base import Prepared, Vocabulary
from benchmarks.metrics.novelty import novel_mask
from benchmarks.per_sample import sample_rows
from benchmarks.references import References
from benchmarks.split_data import SplitData

ASKED, RIGHT, OTHER = "asked", "right", "other"


class Token(NamedTuple):
    """A token as it is scored."""

    text: str
    kind: str
    """asked: it stands in the question; else it is novel, and right: it has its counterpart in the
    other sentence, other: it has none."""


class Marked(NamedTuple):
    """Both sentences of a sample."""

    hypothesis: list[Token]
    reference: list[Token]
    between: str
    """What stands between two tokens: a blank, or nothing in Chinese."""


def mark(
    hypothesis: str, reference: str, question: str | None, *, convention: str, language: str
) -> Marked:
    """Both sentences as tokens of a convention; without a question every token is novel.

    As many novel tokens are right as the benchmark counts: those that both have, as multisets.
    """
    prepare, vocabulary = CONVENTIONS[convention].preparation(language), Vocabulary()
    sides = [prepare([text], vocabulary) for text in (hypothesis, reference)]
    asked = prepare([question], vocabulary) if question else None
    names = list(vocabulary)

    def novel(side: Prepared) -> list[tuple[str, bool]]:
        mask = novel_mask(side, asked, len(vocabulary)).tolist()
        return [(names[i], new) for i, new in zip(side.tokens.ids.tolist(), mask, strict=True)]

    ours, theirs = map(novel, sides)
    between = "" if language in WITHOUT_BLANKS else " "
    return Marked(_kinds(ours, theirs), _kinds(theirs, ours), between)


def _kinds(tokens: Sequence[tuple[str, bool]], others: Sequence[tuple[str, bool]]) -> list[Token]:
    left = Counter(text for text, new in others if new)
    found = []
    for text, new in tokens:
        right = new and left[text] > 0
        left[text] -= right
        found.append(Token(text, RIGHT if right else OTHER if new else ASKED))
    return found


def sentence_scores(
    data: SplitData, hypotheses: dict[str, str], convention: str
) -> dict[str, dict[str, Any]]:
    """Of some samples of a split, by id: what the benchmark's samples.jsonl has of them."""
    at = [i for i, sample_id in enumerate(data.sample_id) if sample_id in hypotheses]
    columns = ("sample_id", "clip_id", "text", "gloss", "question", "question_kind",
               "question_leakage", "signer")  # fmt: skip
    cut: dict[str, Any] = {name: [getattr(data, name)[i] for i in at] for name in columns}
    some = replace(data, seen=None if data.seen is None else [data.seen[i] for i in at], **cut)
    texts = [hypotheses[sample_id] for sample_id in some.sample_id]
    metrics = CONVENTIONS[convention].metrics
    asked = some.question if data.has_questions else None
    statistics = References(some.text, data.language, asked).statistics(
        texts, [CONVENTIONS[convention]]
    )[convention]
    rows = sample_rows(some, texts, some.text, metrics, statistics)
    return {row["sample_id"]: row for row in rows}
