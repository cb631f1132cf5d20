"""Sufficient statistics of systems against one set of references, nothing computed twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.conventions import Convention, Preparation
from benchmarks.metrics.base import Floats, Pairs, Prepared, Vocabulary


class _Side(NamedTuple):
    vocabulary: Vocabulary
    references: Prepared
    questions: Prepared | None


class References:
    """The references (and questions) of n segments, prepared once for all systems.

    A question that is None or empty is missing: every token is novel then.
    """

    def __init__(
        self, texts: Sequence[str], language: str, questions: Sequence[str | None] | None = None
    ) -> None:
        self.texts = list(texts)
        self.language = language
        self.questions = None if questions is None else [q or "" for q in questions]
        self._sides: dict[Preparation, _Side] = {}

    def statistics(
        self, hypotheses: Sequence[str], conventions: Sequence[Convention]
    ) -> dict[str, tuple[Floats, ...]]:
        """Statistics [n, k] of each metric of each convention (by its name), in their order.

        Raises ValueError if there are not as many hypotheses as references.
        """
        if len(hypotheses) != len(self.texts):
            raise ValueError(f"{len(hypotheses)} hypotheses for {len(self.texts)} references")
        result: dict[str, tuple[Floats, ...]] = {}
        for preparation in dict.fromkeys(c.preparation(self.language) for c in conventions):
            pairs = self._pairs(preparation, hypotheses)
            using = [c for c in conventions if c.preparation(self.language) == preparation]
            metrics = {metric.kind: metric for c in using for metric in c.metrics}
            done = {kind: metric.statistics(pairs) for kind, metric in metrics.items()}
            for convention in using:
                result[convention.name] = tuple(done[m.kind] for m in convention.metrics)
        return {convention.name: result[convention.name] for convention in conventions}

    def _pairs(self, preparation: Preparation, hypotheses: Sequence[str]) -> Pairs:
        side = self._sides.get(preparation)
        if side is None:
            vocabulary = Vocabulary()
            questions = self.questions and preparation(self.questions, vocabulary)
            side = _Side(vocabulary, preparation(self.texts, vocabulary), questions or None)
            self._sides[preparation] = side
        prepared = preparation(hypotheses, side.vocabulary)
        return Pairs(prepared, side.references, side.questions, side.vocabulary, self.language)
