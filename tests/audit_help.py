"""Small question sets for the tests of the audit."""

from __future__ import annotations

from qa_builder.audit.question_set import QuestionSet, Rows
from qa_builder.columns import question_columns
from qa_builder.samples import Question
from qa_builder.text import normalize_all


def rows(pairs: list[tuple[str, str]], language: str = "de", prefix: str = "c") -> Rows:
    """A split of (sentence, question) pairs."""
    texts, questions = [t for t, _ in pairs], [q for _, q in pairs]
    columns, _, _ = question_columns([Question(q) for q in questions], texts, language)
    ids = [f"{prefix}{i}" for i in range(len(pairs))]
    return Rows(
        language, ids, texts, questions, normalize_all(questions, language),
        columns["question_kind"], columns["question_leakage"], len(pairs), texts, ["S1"],
    )  # fmt: skip


def question_set(language: str = "de", **splits: list[tuple[str, str]]) -> QuestionSet:
    """Splits of (sentence, question) pairs."""
    return QuestionSet(language, {s: rows(p, language, s) for s, p in splits.items()}, 0, {})
