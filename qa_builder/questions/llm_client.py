"""One OpenAI-compatible endpoint: requests with a limit, back-off, and errors without the key."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from qa_builder.errors import QbsltError
from qa_builder.questions.llm_cost import tokens
from qa_builder.questions.llm_reply import Reply

if TYPE_CHECKING:
    import openai

    from qa_builder.questions.llm_options import LlmOptions

ATTEMPTS = 8
FIRST_ATTEMPTS = 3  # of a server that says 500 and never answered yet: most lack the model
FIRST_WAIT = 1.0  # seconds; doubled at each attempt
LONGEST_WAIT = 600.0  # seconds that an endpoint may ask us to wait
TIMEOUT = 600.0  # seconds for one answer; a local model on a CPU is slow
KEY = "OPENAI_API_KEY"  # the variable of the environment, on each machine that asks
RESUME = "The replies so far are kept: run the same command again to go on."


@dataclass
class Spent:
    """What a run cost: counted at the wire, so it differs from run to run."""

    requests: int = 0  # that were answered
    failed: int = 0  # that were not, and were sent again
    tokens_in: int = 0
    tokens_out: int = 0

    def __add__(self, other: Spent) -> Spent:
        return Spent(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


class _Again(Exception):
    """A failure that may pass: how long the endpoint asked to wait, for whom; if it is its own."""

    def __init__(
        self, what: str, seconds: float | None = None, all_wait: bool = False, broken: bool = False
    ) -> None:
        super().__init__(what)
        self.seconds, self.all_wait, self.broken = seconds, all_wait, broken


def has_key() -> bool:
    """Whether this machine's environment holds a key."""
    return bool(os.environ.get(KEY))


def check_client() -> None:
    """Raise QbsltError if the package is missing, or the key is none that a header can carry."""
    if find_spec("openai") is None:
        raise QbsltError("--questions llm needs the package openai.",
                         cure="pip install 'qbslt[llm]'.")  # fmt: skip
    key = os.environ.get(KEY, "")
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        raise QbsltError(f"${KEY} holds characters that no key has (a blank, a line end?).",
                         cure="Set it again.")  # fmt: skip


class Endpoint:
    """Asks for chat completions, in one event loop; `close` when done."""

    def __init__(self, options: LlmOptions) -> None:
        import openai

        self._options, self.spent = options, Spent()
        self._key = os.environ.get(KEY, "")
        self._client = openai.AsyncOpenAI(
            api_key=self._key or "none", base_url=options.base_url, max_retries=0,
            timeout=openai.Timeout(TIMEOUT, connect=10),
        )  # fmt: skip
        self._slots = asyncio.Semaphore(options.concurrency)
        self._resume_at = 0.0  # of the monotonic clock: nobody asks before
        self._reached = self._answered = False

    async def close(self) -> None:
        await self._client.close()

    async def complete(self, payload: Mapping[str, Any]) -> Reply:
        """Send one request until it is answered. Raises QbsltError where more tries are vain."""
        for attempt in range(ATTEMPTS):
            try:
                async with self._slots:
                    await self._let_wait()
                    return await self._once(payload)
            except _Again as e:
                failure = e
            self.spent.failed += 1
            if failure.broken and not self._answered and attempt + 1 == FIRST_ATTEMPTS:
                raise self._error(f"can't answer ({failure}).", cure="Has it the model "
                                  f"{self._options.model!r}? Its log may tell.")  # fmt: skip
            wait = FIRST_WAIT * 2**attempt if failure.seconds is None else failure.seconds
            if wait > LONGEST_WAIT:
                raise self._error(f"asks to wait {wait:.0f} s ({failure}).", cure=RESUME)
            if failure.all_wait:
                self._resume_at = max(self._resume_at, time.monotonic() + wait)
            elif attempt < ATTEMPTS - 1:
                await asyncio.sleep(wait)
        raise self._error(f"gave no answer ({failure}).", cure=RESUME)

    async def _let_wait(self) -> None:
        while (left := self._resume_at - time.monotonic()) > 0:
            await asyncio.sleep(left)

    async def _once(self, payload: Mapping[str, Any]) -> Reply:
        import openai

        try:
            answer = await self._client.chat.completions.create(**payload)
            reply = self._reply(answer, payload)
        except openai.APIStatusError as e:
            if _refused(e):
                return self._count("", answer=None, payload=payload)
            raise self._status(e) from None
        except openai.APITimeoutError:
            raise _Again(f"none within {TIMEOUT:.0f} s") from None
        except openai.APIConnectionError:
            if not self._reached:
                raise self._error("can't be reached.", cure="Is it running, and is --base-url "
                                  f"{self._options.base_url} right? {RESUME}") from None  # fmt: skip  # noqa: E501
            raise _Again("the connection failed") from None
        except (openai.APIError, ValueError, AttributeError, TypeError, IndexError):
            self._reached = True
            raise _Again("what it sends is no chat completion; --base-url mostly ends in /v1") from None  # fmt: skip  # noqa: E501
        self._reached = self._answered = True
        return reply

    def _reply(self, answer: Any, payload: Mapping[str, Any]) -> Reply:
        """Any odd answer raises one of the errors that `_once` takes for a failure."""
        content = answer.choices[0].message.content
        if not isinstance(content, str | None):
            raise TypeError
        return self._count(self.clean(content or ""), answer, payload)

    def _count(self, content: str, answer: Any, payload: Mapping[str, Any]) -> Reply:
        usage = getattr(answer, "usage", None)
        paid_in, paid_out = (getattr(usage, f"{n}_tokens", None) for n in ("prompt", "completion"))
        if type(paid_in) is not int or type(paid_out) is not int:
            paid_in, paid_out = tokens(payload["messages"][0]["content"]), tokens(content)
        self.spent.requests += 1
        self.spent.tokens_in += paid_in
        self.spent.tokens_out += paid_out
        names = (getattr(answer, n, None) for n in ("model", "system_fingerprint"))
        revision = " ".join(self.clean(n) for n in names if isinstance(n, str) and n) or None
        date = _date(getattr(answer, "created", None))
        return Reply(content, self._options.endpoint, revision, date, paid_in, paid_out)

    def _status(self, e: openai.APIStatusError) -> Exception:
        """What to do about an HTTP status: an _Again or a QbsltError."""
        self._reached = True
        code, model = e.status_code, self._options.model
        said = " ".join(self.clean(_said(e)).split())[:300]
        if code in (401, 403):
            # What it says is not repeated: some servers quote the key.
            given = f"refused the key in ${KEY}" if self._key else "wants a key"
            return self._error(f"{given} (HTTP {code}).", cure=f"Set ${KEY}.")
        if code == 404:
            return self._error(f"knows no model {model!r}, or not this address (HTTP 404).",
                               cure="See --model; --base-url mostly ends in /v1.")  # fmt: skip
        if code == 429 and e.code == "insufficient_quota":
            return self._error("says that the quota is used up (HTTP 429).", cure=RESUME)
        if code in (408, 409, 429) or code >= 500:
            wait = _retry_after(e.response.headers)
            return _Again(
                f"HTTP {code}: {said}", wait, code == 429 or wait is not None, broken=code == 500
            )
        return self._error(f"did not accept the request (HTTP {code}: {said}).")

    def _error(self, message: str, cure: str | None = None) -> QbsltError:
        return QbsltError(f"the endpoint {self._options.endpoint} {message}", cure=cure)

    def clean(self, text: str) -> str:
        """Text that a file can hold, without the key, should a server send it back."""
        if len(self._key) >= 8:  # shorter ones ("none", "EMPTY") are no secret
            text = text.replace(self._key, "***")
        return text.encode("utf-8", "replace").decode()


def _said(e: openai.APIStatusError) -> str:
    """The message of an error, wherever the server puts it."""
    body = e.body
    for key in ("error", "message", "detail"):
        body = body.get(key, body) if isinstance(body, dict) else body
    return body if isinstance(body, str) else e.message


def _refused(e: openai.APIStatusError) -> bool:
    """Whether a filter of the endpoint keeps this one sentence from its model."""
    return e.status_code == 400 and e.code == "content_filter"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to wait: a number, or a date."""
    value = headers.get("retry-after", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _date(created: Any) -> str | None:
    if type(created) is not int or created <= 0:
        return None
    try:
        return datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return None
