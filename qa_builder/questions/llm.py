"""`--questions llm`: questions that a language model writes, and the gates that they must pass.

A clip whose sentence brings no question through the gates is given to another source. (Ours;
explained in docs/llm-questions.md.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from qa_builder.corpora.base import NOTE, ClipBatch, CorpusInfo, Finding, Notes, Reject, SourceFile
from qa_builder.errors import QbsltError
from qa_builder.questions.base import QuestionSource
from qa_builder.questions.candidates import BUDGET
from qa_builder.questions.kinds import kind_of
from qa_builder.questions.llm_asking import ROUNDS, Answer, Asking, Terms
from qa_builder.questions.llm_client import Spent, check_client
from qa_builder.questions.llm_cost import cost, estimate, in_words
from qa_builder.questions.llm_options import LlmOptions
from qa_builder.questions.llm_prompt import load_prompt
from qa_builder.questions.llm_reply import Reply
from qa_builder.questions.llm_workers import fetch_all
from qa_builder.samples import Provenance, Question
from qa_builder.text import normalize_all


class LanguageModel:
    """A source that asks a model for several questions a sentence and chooses among them.

    `sentences` gives all sentences of the corpus, in batches: they are asked about before the
    first clip gets its question.
    Raises QbsltError, before anything is sent, for a bad prompt, a missing package, and if the
    corpus's sentences would leave the machine without the user's word.
    """

    name = "llm"

    def __init__(
        self, options: LlmOptions, info: CorpusInfo, fallback: QuestionSource, *,
        sentences: Callable[[], Iterable[Sequence[str]]], per_clip: int = 1, budget: float = BUDGET,
    ) -> None:  # fmt: skip
        check_client()
        _check_numbers(per_clip, budget)
        _check_rights(options, info)
        self._options, self._fallback, self._per_clip = options, fallback, per_clip
        self._language, self._sentences = info.text_language, sentences
        self._prompt = load_prompt(options.prompt, self._language)
        self._asking = Asking(Terms(options, self._prompt, self._language, per_clip, budget))
        self._spent = Spent()
        self._kinds: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()
        self._seen: set[str] = set()  # sentences that are counted already
        self.advance: Callable[[int], None] = lambda clips: None

    def sources(self) -> list[SourceFile]:
        prompt = SourceFile("prompt", self._prompt.path, self._prompt.path.name)
        return [prompt, *self._fallback.sources()]

    def start(self, info: CorpusInfo, notes: Notes) -> None:
        """Ask about all sentences: from here on the cache has what there is to have.

        Raises QbsltError where the endpoint fails for good; what it answered so far is kept.
        """
        self._fallback.start(info, notes)
        clips = Counter(text for texts in self._sentences() for text in texts)
        self._spent = fetch_all(self._asking, clips, lambda s: self.advance(clips[s]))

    def ask(self, batch: ClipBatch, notes: Notes) -> list[list[Question]]:
        answers = {text: self._asking.answer(text) for text in set(batch.text)}
        result = []
        for row, text in enumerate(batch.text):
            self._count(batch, row, answers[text], notes)
            result.append(self._choose(answers[text]))
        self._fall_back(batch, [i for i, chosen in enumerate(result) if not chosen], result, notes)
        return result

    def _choose(self, answer: Answer) -> list[Question]:
        """Of what passed, those whose kinds were chosen least so far; else the model's order."""
        kind = kind_of(self._language)
        normal = normalize_all([q for q, _ in answer.passed], self._language)
        open_ = [(kind(n), q, reply) for n, (q, reply) in zip(normal, answer.passed, strict=True)]
        chosen: list[Question] = []
        while open_ and len(chosen) < self._per_clip:
            best = min(open_, key=lambda c: self._kinds[c[0]])
            open_.remove(best)
            self._kinds[best[0]] += 1
            chosen.append(Question(best[1], best[0], "llm", None, self._provenance(best[2])))
        self._counts["questions"] += len(chosen)
        return chosen

    def _provenance(self, reply: Reply) -> Provenance:
        given = {**self._options.parameters(), "candidates": self._options.candidates}
        version = " ".join([self._prompt.version, *(f"{k}={v}" for k, v in given.items())])
        return Provenance(
            generator="llm", version=version, config_hash=self._prompt.sha256,
            model=self._options.model, revision=reply.revision, raw_reply=reply.content,
            date=reply.date, file=reply.endpoint,
        )  # fmt: skip

    def _fall_back(
        self, batch: ClipBatch, rows: Sequence[int], result: list[list[Question]], notes: Notes
    ) -> None:
        if not rows:
            return
        self._counts["fallback"] += len(rows)
        asked = self._fallback.ask(batch.take(rows), notes)
        for row, questions in zip(rows, asked, strict=True):
            result[row] = questions

    def _count(self, batch: ClipBatch, row: int, answer: Answer, notes: Notes) -> None:
        clip, line = batch.clip_id[row], batch.line[row] if batch.line else None
        if answer.unanswered:
            self._counts["unanswered"] += 1
            detail = "no reply of the model held questions; not kept, another build asks again"
            notes.rejects.append(Reject(batch.file, line, clip, "llm-unanswered", detail))
        if batch.text[row] in self._seen:
            return
        self._seen.add(batch.text[row])
        self._counts["sentences"] += 1
        self._counts["asked_again"] += len(answer.replies) > 1
        for reply in answer.replies:
            self._counts["replies"] += 1
            self._counts["unusable_replies"] += reply.unusable
            self._counts["tokens_in"] += reply.tokens_in
            self._counts["tokens_out"] += reply.tokens_out
        for question, why in answer.rejected:
            self._rejected[why.reason] += 1
            detail = f"{question!r} {why.detail}"
            notes.rejects.append(Reject(batch.file, line, clip, f"llm-{why.reason}", detail))

    def finish(self, notes: Notes) -> None:
        """Sum up what the model could not do."""
        self._asking.close()
        for id, what in _NOTES.items():
            if n := self._counts[id]:
                notes.findings.append(Finding(f"llm-{id}", NOTE, f"{n:,} {what}", n))
        self._fallback.finish(notes)

    def facts(self) -> dict[str, object]:
        """Counts over different sentences; only what a build from the same cache gives again."""
        counts = {name: self._counts[name] for name in _COUNTED}
        price = cost(counts["tokens_in"], counts["tokens_out"], self._options)
        return {
            "formats": [f"{self._options.model}, prompt {self._prompt.version}"],  # for the card
            "llm": {
                "model": self._options.model, "endpoint": self._options.endpoint,
                "prompt": {"version": self._prompt.version, "sha256": self._prompt.sha256},
                "parameters": self._options.parameters(), "candidates": self._options.candidates,
                **counts, "rejected": dict(sorted(self._rejected.items())),
                **({} if price is None else {"cost": price}),
            },
            "fallback": {"source": self._fallback.name, **self._fallback.facts()},
        }  # fmt: skip

    def spent(self) -> str:
        """What this run paid for, in a sentence: what came from the cache is not in it."""
        paid, counts = self._spent, self._counts
        return (
            f"{self._options.model}: {paid.requests:,} requests answered "
            f"({paid.failed:,} failed and sent again), "
            f"{in_words(paid.tokens_in, paid.tokens_out, self._options)}; "
            f"{counts['asked_again']:,} of {counts['sentences']:,} sentences asked again, "
            f"{counts['fallback']:,} clips given to {self._fallback.name!r}"
        )

    def estimate(self, texts: Iterable[str]) -> str:
        """What asking for these sentences would take, in a sentence; nothing is sent."""
        try:
            e = estimate(texts, self._asking, self._options.candidates)
        finally:
            self._asking.close()
        once = in_words(e.tokens_in, e.tokens_out, self._options)
        most = in_words(2 * ROUNDS * e.tokens_in, ROUNDS * e.tokens_out, self._options)
        return (
            f"{self._options.model}: {e.clips:,} clips, {e.sentences:,} different sentences, "
            f"{e.cached:,} answered in the cache; {e.sentences - e.cached:,} requests of about "
            f"{once}; at most about {most}, if every sentence is asked {ROUNDS} times. "
            "Nothing was sent."
        )


_COUNTED = ("sentences", "replies", "asked_again", "unusable_replies", "questions", "fallback",
            "unanswered", "tokens_in", "tokens_out")  # fmt: skip
_NOTES = {
    "fallback": "clips got no question of the model through the gates",
    "unanswered": "clips have a sentence to which the model sent no questions at all",
}


def _check_numbers(per_clip: int, budget: float) -> None:
    if per_clip < 1:
        raise QbsltError("a clip needs at least one question.", cure="Give --per-clip 1.")
    if not 0 <= budget <= 1:
        raise QbsltError(f"a leakage budget of {budget:g} is none: it is a share, 0 to 1.")


def _check_rights(options: LlmOptions, info: CorpusInfo) -> None:
    if not options.strangers or info.toy or options.rights:
        return
    raise QbsltError(
        f"the sentences of {info.title} would leave this machine for "
        f"{' and '.join(options.strangers)}. "
        f"{info.redistribution}",
        cure="If you may send them there, pass --llm rights=held.",
    )
