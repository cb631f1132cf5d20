"""Which of a sentence's candidates is asked: within the leakage budget, and varied as a corpus.

The choice is greedy in the corpus's order, with running counts of kinds and wordings; ties are
broken by a hash of seed and clip id. The same corpus, seed and budget give the same questions.
(Ours; the aims are those of docs/leakage.md.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from typing import NamedTuple
from zlib import crc32

from qa_builder.audit.leakage import content_overlaps
from qa_builder.errors import QbsltError
from qa_builder.questions.candidates import BUDGET, Candidate
from qa_builder.questions.reviewed import Reviews, digest
from qa_builder.text import UNSPACED, normalize_all

_PROMPT = 0.08  # share of general prompts that a choice keeps well below
_WARM_UP = 300  # questions: before, shares say little


class _Weights(NamedTuple):
    """How much counts what speaks against a question."""

    aim: float = 0.3  # content recall from which on a question costs more
    draw: float = 1.0  # what chance may add
    order: float = 0.1  # for each place in the order of the candidates; at most
    last: float = 5.0  # for the last of many
    run: int = 5  # tokens of the sentence in a row that a question should not repeat
    copying: float = 2.0  # what each such run costs
    prompt: float = 3.0  # what a general prompt costs
    kind: float = 0.25  # shares of the corpus that a kind and a wording should keep well below
    text: float = 0.02
    steep: int = 1  # how late a wording that grows frequent costs: its share to this power
    beyond: float = 8.0  # what a wording costs that is above its share


# Chinese characters are more easily the same than words; and its rules say themselves what speaks
# against each candidate, so that the best is left only when it has nearly its share.
# Their scale is that of what was learned from reviews (`chinese_fit`): 6 a unit of log-odds.
_WEIGHTS = {
    "de": _Weights(run=4),
    "zh": _Weights(
        aim=0.4,
        draw=0.4,
        last=0.5,
        run=4,
        copying=1.6,
        prompt=26.0,
        kind=0.4,
        text=0.027,
        steep=4,
        beyond=200.0,
    ),
}


class Chooser:
    """Chooses for the clips of one corpus, one after another.

    `answers` are the normalised sentences of the corpus, none of which is ever asked; `reviews` is
    what readers judged of single questions.
    """

    def __init__(
        self,
        language: str,
        seed: int = 0,
        budget: float = BUDGET,
        per_clip: int = 1,
        answers: Container[str] = (),
        reviews: Reviews | None = None,
    ) -> None:
        if not 0 <= budget <= 1:
            raise QbsltError(f"a leakage budget of {budget:g} is none: it is a share, 0 to 1.")
        self._language, self._seed = language, seed
        self._budget, self._per_clip, self._answers = budget, per_clip, answers
        self._weights, self._reviews = _WEIGHTS.get(language, _Weights()), reviews or {}
        self.reviewed = 0  # questions chosen that readers judged to fit
        self.kinds: Counter[str] = Counter()
        self.texts: Counter[str] = Counter()
        self.wordings: Counter[str] = Counter()

    def choose(
        self,
        clip_ids: Sequence[str],
        sentences: Sequence[str],
        candidates: Sequence[Sequence[Candidate]],
    ) -> list[list[Candidate]]:
        """For each clip its questions, all different; fewer than asked for where there are no more.

        Raises QbsltError where no candidate of a sentence keeps the budget.
        """
        language = self._language
        answers = normalize_all(sentences, language)
        counts = [len(c) for c in candidates]
        questions = normalize_all([c.text for cs in candidates for c in cs], language)
        repeated = [a for a, n in zip(answers, counts, strict=True) for _ in range(n)]
        recalls = [g / n if n else 0.0 for g, n in content_overlaps(repeated, questions, language)]
        result, at = [], 0
        for clip_id, answer, own in zip(clip_ids, answers, candidates, strict=True):
            part = slice(at, at + len(own))
            at += len(own)
            result.append(self._one(clip_id, answer, own, questions[part], recalls[part]))
        return result

    def _one(
        self,
        clip_id: str,
        answer: str,
        candidates: Sequence[Candidate],
        questions: Sequence[str],
        recalls: Sequence[float],
    ) -> list[Candidate]:
        weights = self._weights
        runs = _runs(answer, weights.run, self._language)
        known = self._reviews.get(digest(answer), {}) if self._reviews else {}
        costs = []
        for k, (c, q, recall) in enumerate(zip(candidates, questions, recalls, strict=True)):
            if recall > self._budget or q == answer or q in self._answers:
                continue
            copied = len(runs & _runs(q, weights.run, self._language)) if recall else 0
            order = k * min(weights.order, weights.last / len(candidates))
            own = 4 * max(0.0, recall - weights.aim) + weights.copying * copied + order + c.misfit
            own += known[c.text].cost if c.text in known else 0.0
            draw = crc32(f"{self._seed} {clip_id} {c.text}".encode()) / 2**32
            costs.append((own + weights.draw * draw, c))
        if not costs:
            raise QbsltError(
                f"no question keeps the leakage budget of {self._budget:g}.", id=clip_id,
                cure="Give more: --budget 0.5, say.",
            )  # fmt: skip
        chosen: list[Candidate] = []
        while costs and len(chosen) < self._per_clip:
            _, _, best = min((cost + self._crowd(c, chosen), c.text, c) for cost, c in costs)
            costs = [(cost, c) for cost, c in costs if c.text != best.text]
            chosen.append(best)
            self._count(best)
            self.reviewed += best.text in known and known[best.text].fits == 2
        return chosen

    def _crowd(self, c: Candidate, chosen: Sequence[Candidate]) -> float:
        """What a candidate costs for being of a kind or a wording that there are many of."""
        n, w = max(self.kinds.total(), _WARM_UP), self._weights
        kind = self.kinds[c.kind] / n / (_PROMPT if c.kind == "prompt" else w.kind)
        text = self.texts[c.text] / n / w.text
        wording = self.wordings[c.phrase or c.template] / n / w.text
        again = sum((c.kind == o.kind) + (c.template == o.template) for o in chosen)
        often = 4 * text**2 + wording**w.steep + w.beyond * max(0.0, wording - 1) ** 2
        return 2 * kind**2 + often + w.prompt * (c.kind == "prompt") + 2 * again

    def _count(self, c: Candidate) -> None:
        self.kinds[c.kind] += 1
        self.texts[c.text] += 1
        self.wordings[c.phrase or c.template] += 1


def _runs(text: str, n: int, language: str) -> set[tuple[str, ...]]:
    """The runs of n tokens of a normalised text (characters where words are not parted)."""
    tokens = list(text) if language in UNSPACED else text.split()
    return set(zip(*(tokens[i:] for i in range(n)), strict=False))
