"""Calls to the Hub: tried again a few times, and then its errors as one sentence with the cure."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TypeVar

from qa_builder.console import warn
from qa_builder.errors import QbsltError

T = TypeVar("T")

TRIES = 5
LONGEST_WAIT = 120.0  # seconds; a Hub that asks for more is reported instead
# 409 and 412: somebody else committed meanwhile; a new try starts from the new state.
_PASSING = frozenset({408, 409, 412, 429, 500, 502, 503, 504})

_CURES = {
    401: ("does not accept the token, or there is none (HTTP 401).",
          "Log in with `hf auth login`, or set HF_TOKEN to a valid token, and check the name."),
    403: ("does not let this token write here (HTTP 403).",
          "Use a token with write permission for this owner, or choose a repository of your own."),
    404: ("has no such dataset repository or owner, or hides it from this token (HTTP 404).",
          "Check the name (OWNER/NAME), the revision, and whose token it is."),
}  # fmt: skip
_AGAIN = "Run the same command again later: what has arrived is not sent again."


def retrying(repo_id: str, call: Callable[[], T]) -> T:
    """Run `call`, again after a passing fault (429, 5xx, cut connection), at most TRIES times.

    huggingface_hub tries some requests again by itself; this covers the rest, so `call` must start
    from what the Hub holds. Waits 1, 2, 4, ... seconds or as long as `Retry-After` says. Raises
    QbsltError, one sentence without the token.
    """
    for attempt in range(1, TRIES + 1):
        try:
            with _progress_bars():
                return call()
        except _errors() as e:
            wait = _wait(e, attempt)
            if wait is None or wait > LONGEST_WAIT or attempt == TRIES:
                raise _explain(e, repo_id) from None
            warn(f"{_explain(e, repo_id).message} Trying again in {wait:.0f} s.")
        time.sleep(wait)
    raise AssertionError("unreachable")


def fetch(repo_id: str, folder: Path, revision: str | None, patterns: list[str]) -> None:
    """Download a dataset repository's files that match `patterns` into a folder."""
    from huggingface_hub import snapshot_download

    retrying(repo_id, lambda: snapshot_download(
        repo_id, repo_type="dataset", revision=revision, local_dir=folder, allow_patterns=patterns
    ))  # fmt: skip


def _progress_bars() -> AbstractContextManager[object]:
    """huggingface_hub's own progress bars, on a terminal alone."""
    from huggingface_hub.utils import disable_progress_bars

    return nullcontext() if sys.stderr.isatty() else disable_progress_bars()


def _errors() -> tuple[type[Exception], ...]:
    """What a call to the Hub raises: its own errors, the transport's, Xet's and bad replies."""
    from huggingface_hub.errors import HfHubHTTPError

    # The HTTP library beneath huggingface_hub changes with its version; its base error is ours too.
    transport = HfHubHTTPError.__bases__[0]
    return (transport, ConnectionError, TimeoutError, FileNotFoundError, RuntimeError, ValueError)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _status(error: BaseException) -> tuple[int | None, str]:
    """The HTTP status behind an error, if any, and its Retry-After header."""
    for e in _chain(error):
        response = getattr(e, "response", None)
        if response is not None:
            return int(response.status_code), str(response.headers.get("retry-after", "")).strip()
    return None, ""


def _wait(error: BaseException, attempt: int) -> float | None:
    """Seconds until the next try; None if another try can't help."""
    status, after = _status(error)
    if status is not None:
        if status not in _PASSING:
            return None
    elif not any(_is_transport(e) for e in _chain(error)):
        return None
    return float(after) if after.isdigit() else 2.0 ** (attempt - 1)


def _is_transport(error: BaseException) -> bool:
    transport, *_ = _errors()
    kinds = (transport, ConnectionError, TimeoutError, json.JSONDecodeError)
    return isinstance(error, kinds) or type(error) is RuntimeError  # the last is Xet's


def _explain(error: BaseException, repo_id: str) -> QbsltError:
    from huggingface_hub import constants

    status, _ = _status(error)
    if status in _CURES:
        message, cure = _CURES[status]
        return QbsltError(f"the Hub {message}", id=repo_id, cure=cure)
    if status in _PASSING:
        message = f"the Hub could not do it now (HTTP {status})."
        return QbsltError(message, id=repo_id, cure=_AGAIN)
    if status is None and any(_is_transport(e) for e in _chain(error)):
        message = f"the connection to {constants.ENDPOINT} failed ({type(error).__name__})."
        return QbsltError(message, id=repo_id, cure=f"Check the network. {_AGAIN}")
    said = getattr(error, "server_message", None) or str(error)
    code = f" (HTTP {status})" if status else ""
    return QbsltError(f"the Hub refused{code}: {_harmless(said)}", id=repo_id)


def _harmless(text: str) -> str:
    """A foreign message as one line without the token, should the Hub have echoed it."""
    from huggingface_hub import get_token

    token = get_token()
    line = " ".join(text.split())
    return line.replace(token, "***") if token else line
