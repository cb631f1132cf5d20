"""Ask a language model about sentences: several at a time, what fails the gates once more.

How the sentences are shared out is all in `answers`: an executor that has several machines gives
each of them an `Asking` and a part of the sentences. (Ours.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
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
    unanswered: bool  # whether it came to an end because no reply held questions


class Asking:
    """Asks about sentences of one language and keeps every reply that holds questions."""

    def __init__(
        self, options: LlmOptions, prompt: Prompt, language: str, *,
        wanted: int = 1, budget: float = BUDGET,
    ) -> None:  # fmt: skip
        self._options, self._prompt, self._language = options, prompt, language
        self._wanted, self._budget = wanted, budget
        self._cache: Cache | None = None
        self.spent = Spent()

    def answers(
        self, sentences: Sequence[str], done: Callable[[str], None] = lambda sentence: None
    ) -> list[Answer]:
        """An answer for each of several different sentences, in their order.

        Raises QbsltError where the endpoint fails for good; what it answered so far is kept.
        """
        try:
            return asyncio.run(self._all(sentences, done))
        except ExceptionGroup as e:  # the others were cancelled because of the first
            raise e.exceptions[0] from None

    def cached(self, sentence: str) -> Reply | None:
        """The reply to the first request about a sentence, if it was paid for already."""
        return self._open_cache().get(self._key(self.first_message(sentence)))

    def first_message(self, sentence: str) -> str:
        return self._prompt.message(sentence, self._options.candidates)

    def close(self) -> None:
        if self._cache:
            self._cache.close()
            self._cache = None

    async def _all(self, sentences: Sequence[str], done: Callable[[str], None]) -> list[Answer]:
        async with Endpoint(self._options, self.spent) as endpoint, asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._one(endpoint, s, done)) for s in sentences]
        return [t.result() for t in tasks]

    async def _one(self, endpoint: Endpoint, sentence: str, done: Callable[[str], None]) -> Answer:
        answer = Answer([], [], [], False)
        first = message = self.first_message(sentence)
        for _ in range(ROUNDS):
            reply = await self._reply(endpoint, message)
            if reply is None:
                answer = answer._replace(unanswered=True)
                break
            answer.replies.append(reply)
            self._sort_out(sentence, reply, answer)
            if len(answer.passed) >= self._wanted or not answer.rejected:
                break
            message = self._prompt.repeat(first, self._options.candidates, answer.rejected)
        done(sentence)
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

    async def _reply(self, endpoint: Endpoint, message: str) -> Reply | None:
        """A reply that holds questions, or None after some that do not: only the first is kept."""
        cache, key = self._open_cache(), self._key(message)
        if kept := cache.get(key):
            return kept
        paid_in = paid_out = 0
        for unusable in range(TRIES):
            reply = await endpoint.complete(self._payload(message))
            paid_in, paid_out = paid_in + reply.tokens_in, paid_out + reply.tokens_out
            if questions_in(reply.content):
                reply = reply._replace(
                    tokens_in=paid_in, tokens_out=paid_out, unusable=unusable
                )  # fmt: skip
                return cache.put(key, reply)
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
