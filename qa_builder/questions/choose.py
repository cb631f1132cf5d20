"""Which of a sentence's candidates is asked: within the leakage budget, and varied as a corpus.

The choice is greedy in the corpus's order, with running counts of kinds and wordings; ties are
broken by a hash of seed and clip id. The same corpus, seed and budget give the same questions.
(Ours; the aims are those of docs/leakage.md.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from zlib import crc32

from qa_builder.audit.leakage import content_overlaps
from qa_builder.errors import QbsltError
from qa_builder.questions.candidates import BUDGET, Candidate
from qa_builder.text import UNSPACED, normalize_all

_AIM = 0.3  # content recall from which on a question costs more
_KIND, _TEXT, _PROMPT = 0.25, 0.02, 0.08  # shares of the corpus that a choice keeps well below
_WARM_UP = 300  # questions: before, shares say little
_ORDER = 0.1  # for each place in the order of the candidates; at most
_LAST = 5.0  # for the last of many
_COPYING = {"zh": 1.2}  # what each such run costs; characters are more easily the same than words
_RUN = {"de": 4, "zh": 4}  # tokens of the sentence in a row that a question should not repeat


class Chooser:
    """Chooses for the clips of one corpus, one after another.

    `answers` are the normalised sentences of the corpus, none of which is ever asked.
    """

    def __init__(
        self,
        language: str,
        seed: int = 0,
        budget: float = BUDGET,
        per_clip: int = 1,
        answers: Container[str] = (),
    ) -> None:
        if not 0 <= budget <= 1:
            raise QbsltError(f"a leakage budget of {budget:g} is none: it is a share, 0 to 1.")
        self._language, self._seed = language, seed
        self._budget, self._per_clip, self._answers = budget, per_clip, answers
        self._run = _RUN.get(language, 5)
        self._copying = _COPYING.get(language, 2.0)
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
        runs = _runs(answer, self._run, self._language)
        costs = []
        for k, (c, q, recall) in enumerate(zip(candidates, questions, recalls, strict=True)):
            if recall > self._budget or q == answer or q in self._answers:
                continue
            copied = len(runs & _runs(q, self._run, self._language)) if recall else 0
            order = k * min(_ORDER, _LAST / len(candidates))
            own = 4 * max(0.0, recall - _AIM) + self._copying * copied + order + c.misfit
            draw = crc32(f"{self._seed} {clip_id} {c.text}".encode()) / 2**32
            costs.append((own + draw, c))
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
        return chosen

    def _crowd(self, c: Candidate, chosen: Sequence[Candidate]) -> float:
        """What a candidate costs for being of a kind or a wording that there are many of."""
        n = max(self.kinds.total(), _WARM_UP)
        kind = self.kinds[c.kind] / n / (_PROMPT if c.kind == "prompt" else _KIND)
        text = self.texts[c.text] / n / _TEXT
        wording = self.wordings[c.phrase or c.template] / n / _TEXT
        again = sum((c.kind == o.kind) + (c.template == o.template) for o in chosen)
        often = 4 * text**2 + wording + 8 * max(0.0, wording - 1) ** 2
        return 2 * kind**2 + often + 3 * (c.kind == "prompt") + 2 * again

    def _count(self, c: Candidate) -> None:
        self.kinds[c.kind] += 1
        self.texts[c.text] += 1
        self.wordings[c.phrase or c.template] += 1


def _runs(text: str, n: int, language: str) -> set[tuple[str, ...]]:
    """The runs of n tokens of a normalised text (characters where words are not parted)."""
    tokens = list(text) if language in UNSPACED else text.split()
    return set(zip(*(tokens[i:] for i in range(n)), strict=False))
