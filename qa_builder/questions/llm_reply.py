"""What an endpoint answered, and the questions in it."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

LONGEST = 100_000  # characters of a reply that are looked at
_THINKING = re.compile(r"<think>.*?</think>", re.DOTALL)


class Reply(NamedTuple):
    """The answer to one request, as the cache keeps it."""

    content: str  # as it came
    endpoint: str  # host and port, as given
    revision: str | None  # the model's name in the answer, and the server's fingerprint
    date: str | None  # when it was made, by the answer: ISO 8601, UTC
    tokens_in: int  # with those of the unusable answers before it
    tokens_out: int
    unusable: int = 0  # answers to the same request before it that held no questions


def questions_in(content: str) -> list[str]:
    """The questions of a reply: {"questions": [...]}, or a list alone; prose round it is skipped.

    Empty if there is no such JSON, or if it was cut off.
    """
    text = _THINKING.sub("", content[:LONGEST]).strip()
    decoder = json.JSONDecoder()
    for start in [0, *(m.start() for m in re.finditer(r"\{", text))]:
        try:
            value, _ = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if found := _strings(value):
            return found
    return []


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        value = value.get("questions")
    if not isinstance(value, list):
        return []
    texts = (v.get("question") if isinstance(v, dict) else v for v in value)
    # A lone surrogate is valid JSON and no text that a file could hold.
    return [t.strip().encode("utf-8", "replace").decode() for t in texts if isinstance(t, str)]
