"""Ask a language model about sentences: several at a time, what fails the gates once more.

What the model said is in the cache; what follows from it is found there, without the model. So
whoever fetched the replies, in whatever order, the answers are the same. (Ours.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from qa_builder.questions.candidates import BUDGET
from qa_builder.questions.gates import Rejection, rejection
from qa_builder.questions.llm_cache import Cache, payload_key
from qa_builder.questions.llm_client import Endpoint, Spent
from qa_builder.questions.llm_options import LlmOptions
from qa_builder.questions.llm_prompt import Prompt
from qa_builder.questions.llm_reply import Reply, questions_in
from qa_builder.text import normalize_question

ROUNDS = 3  # the first request, and two with the reasons why its questions were rejected
TRIES = 3  # of one request whose replies hold no questions
_MOST = 20  # questions of one reply that are looked at


class Answer(NamedTuple):
    """What a model made of one sentence."""

    passed: list[tuple[str, Reply]]  # questions that passed the gates, and the replies they are of
    rejected: list[tuple[str, Rejection]]
    replies: list[Reply]  # of all rounds
    unanswered: bool  # whether it came to an end for want of a reply that holds questions


class Terms(NamedTuple):
    """What decides an answer, beside the sentence and the replies."""

    options: LlmOptions
    prompt: Prompt
    language: str  # ISO 639-1
    wanted: int = 1  # questions
    budget: float = BUDGET


class Asking:
    """Asks about sentences of one language and keeps every reply that holds questions."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self._options, self._prompt, self._language, self._wanted, self._budget = terms
        self._cache: Cache | None = None
        self._endpoint: Endpoint | None = None
        self._runner = asyncio.Runner()
        self._fresh: dict[str, Reply] = {}

    def answer(self, sentence: str) -> Answer:
        """What follows from the replies in the cache; `unanswered` where one is wanting."""
        return self._replay(sentence)[0]

    def known(self, sentence: str) -> dict[str, Reply]:
        """The replies in the cache that bear on a sentence, by their keys."""
        return self._replay(sentence)[1]

    def keep(self, replies: Mapping[str, Reply]) -> None:
        """Put replies into the cache that were paid for elsewhere; the first of a key stays."""
        cache = self._open_cache()
        for key, reply in replies.items():
            cache.put(key, reply)

    def fetch(
        self, sentences: Sequence[str], done: Callable[[str], None] = lambda sentence: None
    ) -> None:
        """Get the replies about different sentences that the cache lacks, each kept as it comes.

        Raises QbsltError where the endpoint fails for good; what it answered so far is kept.
        """
        try:
            self._runner.run(self._all(iter(sentences), done))
        except ExceptionGroup as e:  # the others were cancelled because of the first
            raise e.exceptions[0] from None

    def take(self) -> tuple[dict[str, Reply], Spent]:
        """The new replies by their keys, and what was spent, since the last time."""
        fresh, self._fresh, spent = self._fresh, {}, Spent()
        if self._endpoint:
            spent, self._endpoint.spent = self._endpoint.spent, spent
        return fresh, spent

    def cached(self, sentence: str) -> Reply | None:
        """The reply to the first request about a sentence, if it was paid for already."""
        return self._open_cache().get(self._key(self.first_message(sentence)))

    def first_message(self, sentence: str) -> str:
        return self._prompt.message(sentence, self._options.candidates)

    def close(self) -> None:
        if self._endpoint:
            self._runner.run(self._endpoint.close())
            self._endpoint = None
        self._runner.close()
        if self._cache:
            self._cache.close()
            self._cache = None

    def _rounds(self, sentence: str) -> Generator[str, Reply | None, Answer]:
        """Yield the messages of a sentence, one after another; wants the reply to each."""
        answer = Answer([], [], [], False)
        first = message = self.first_message(sentence)
        for _ in range(ROUNDS):
            reply = yield message
            if reply is None:
                return answer._replace(unanswered=True)
            answer.replies.append(reply)
            self._sort_out(sentence, reply, answer)
            if len(answer.passed) >= self._wanted or not answer.rejected:
                break
            message = self._prompt.repeat(first, self._options.candidates, answer.rejected)
        return answer

    def _sort_out(self, sentence: str, reply: Reply, answer: Answer) -> None:
        """Let the questions of a reply pass the gates; each counts once, however it is written."""
        before = [q for q, _ in answer.passed] + [q for q, _ in answer.rejected]
        seen = {normalize_question(q, self._language) for q in before}
        for question in questions_in(reply.content)[:_MOST]:
            if (normal := normalize_question(question, self._language)) in seen:
                continue
            seen.add(normal)
            if why := rejection(question, sentence, self._language, self._budget):
                answer.rejected.append((question, why))
            else:
                answer.passed.append((question, reply))

    def _replay(self, sentence: str) -> tuple[Answer, dict[str, Reply]]:
        cache, known = self._open_cache(), dict[str, Reply]()
        rounds = self._rounds(sentence)
        message = next(rounds)
        while True:
            key = self._key(message)
            if reply := cache.get(key):
                known[key] = reply
            try:
                message = rounds.send(reply)
            except StopIteration as end:
                return end.value, known

    async def _all(self, sentences: Iterator[str], done: Callable[[str], None]) -> None:
        self._endpoint = self._endpoint or Endpoint(self._options)

        async def some() -> None:
            for sentence in sentences:  # which the tasks share
                await self._one(sentence)
                done(sentence)

        async with asyncio.TaskGroup() as group:
            for _ in range(2 * self._options.concurrency):  # half may wait after a failure
                group.create_task(some())

    async def _one(self, sentence: str) -> None:
        rounds = self._rounds(sentence)
        message = next(rounds)
        while True:
            reply = await self._reply(message)
            try:
                message = rounds.send(reply)
            except StopIteration:
                return

    async def _reply(self, message: str) -> Reply | None:
        """A reply that holds questions, or None after some that do not: only the first is kept."""
        assert self._endpoint
        cache, key = self._open_cache(), self._key(message)
        if kept := cache.get(key):
            return kept
        paid_in = paid_out = 0
        for unusable in range(TRIES):
            reply = await self._endpoint.complete(self._payload(message))
            paid_in, paid_out = paid_in + reply.tokens_in, paid_out + reply.tokens_out
            if questions_in(reply.content):
                reply = reply._replace(
                    tokens_in=paid_in, tokens_out=paid_out, unusable=unusable
                )  # fmt: skip
                self._fresh[key] = cache.put(key, reply)
                return self._fresh[key]
            if not unusable:
                message = self._prompt.repair(message, self._options.candidates)
        return None

    def _payload(self, message: str) -> dict[str, Any]:
        messages = [{"role": "user", "content": message}]
        return {"model": self._options.model, "messages": messages, **self._options.parameters()}

    def _key(self, message: str) -> str:
        return payload_key(self._prompt.sha256, self._payload(message))

    def _open_cache(self) -> Cache:
        self._cache = self._cache or Cache(self._options.cache)
        return self._cache
