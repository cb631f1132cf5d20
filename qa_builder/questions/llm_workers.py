"""Share out the sentences that a language model is asked about: here, in processes, or with Ray.

Workers only get replies into the cache; what follows from them is decided where the dataset is
built. On this machine they write into its cache file. On another one, where that file is not,
replies travel: those that are known with the sentences, the new ones back with the result. (Ours.)
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from qa_builder.corpora.base import in_batches
from qa_builder.errors import QbsltError
from qa_builder.executors import run_all
from qa_builder.processes import Died
from qa_builder.questions.llm_asking import Asking, Terms
from qa_builder.questions.llm_client import KEY, RESUME, Spent, has_key
from qa_builder.questions.llm_reply import Reply

_WAVES = 8  # sentences of a part, for each request at a time: fewer leave slots empty at its end
_HERE = 4096  # sentences of a part without workers
_IN_MEMORY = Path(":memory:")  # as SQLite calls it


class Part(NamedTuple):
    """Sentences for one worker."""

    sentences: Sequence[str]
    known: dict[str, Reply]  # replies of the cache that bear on them, for another machine


class Fetched(NamedTuple):
    """What came of a part. An error is carried too: what came before it is paid for."""

    sentences: Sequence[str]
    replies: dict[str, Reply]
    spent: Spent
    error: QbsltError | None


class Fetch:
    """Gets the replies about a part of the sentences; goes to each worker once, and stays there."""

    def __init__(self, terms: Terms, done: Callable[[str], None] | None = None) -> None:
        self._terms, self._done = terms, done
        self._machine, self._keyed = machine(), has_key()
        self._asking: Asking | None = None
        self._failed: QbsltError | None = None

    def __call__(self, part: Part) -> Fetched:
        if self._failed:  # further parts lie ready here while the error is on its way
            return Fetched(part.sentences, {}, Spent(), self._failed)
        asking, error = self._ready(), None
        asking.keep(part.known)
        try:
            if self._keyed and not has_key():
                raise QbsltError(f"the worker on {socket.gethostname()} has no ${KEY}.",
                                 cure="Set it there before `ray start`: no key is sent to it.")  # fmt: skip  # noqa: E501
            asking.fetch(part.sentences, self._done or (lambda sentence: None))
        except QbsltError as e:
            self._failed = error = e
        return Fetched(part.sentences, *asking.take(), error)

    def close(self) -> None:
        if self._asking:
            self._asking.close()

    def _ready(self) -> Asking:
        if self._asking is None:
            away = machine() != self._machine
            options = self._terms.options
            options = replace(options, cache=_IN_MEMORY) if away else options
            self._asking = Asking(self._terms._replace(options=options))
        return self._asking


def fetch_all(asking: Asking, sentences: Iterable[str], done: Callable[[str], None]) -> Spent:
    """Have the cache filled with the replies about different sentences; return what was spent.

    `done` is told each sentence. Raises QbsltError where the endpoint fails for good or a worker
    dies; what came before is kept.
    """
    spent, left = Spent(), []
    for sentence in sentences:
        if asking.answer(sentence).unanswered:
            left.append(sentence)
        else:
            done(sentence)
    if not left:
        return spent
    o = asking.terms.options
    # No more workers than requests at one time; their shares add up to no more than the limit.
    workers = min(o.workers, o.concurrency, len(left))
    share = o.concurrency // max(workers, 1)
    here = o.executor == "processes" and not workers
    size = _HERE if here else min(_WAVES * share, -(-len(left) // max(workers, 1)))
    fetch = Fetch(
        asking.terms._replace(options=replace(o, concurrency=share)), done if here else None
    )
    parts = (_part(asking, left[s], o.address) for s in in_batches(len(left), size))
    results = run_all(fetch, parts, workers=workers, executor=o.executor, address=o.address)
    # Closed at once, also after an error: workers that go on would spend money.
    with closing(fetch), closing(results):
        for _, result in results:
            if isinstance(result, Died):
                raise QbsltError(f"a worker was lost: {result.why}.",
                                 cure=f"Take fewer --workers. {RESUME}")  # fmt: skip
            asking.keep(result.replies)
            spent += result.spent
            if result.error:
                raise result.error
            for sentence in () if here else result.sentences:
                done(sentence)
    return spent


def _part(asking: Asking, sentences: Sequence[str], address: str | None) -> Part:
    known: dict[str, Reply] = {}
    for sentence in sentences if address else ():  # else the workers have the cache itself
        known |= asking.known(sentence)
    return Part(sentences, known)


def machine() -> str:
    """Tells this machine from others: its name, and when it was started."""
    boot = ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{socket.gethostname()} {boot}"
