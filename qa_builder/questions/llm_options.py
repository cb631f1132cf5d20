"""The options of a language model: the mapping `llm` of a build's configuration, checked."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from qa_builder.errors import QbsltError, known, raise_all
from qa_builder.executors import check_executor


@dataclass(frozen=True, kw_only=True)
class LlmOptions:
    """Where a model is asked, how, and what it costs."""

    base_url: str
    """Of any OpenAI-compatible endpoint, up to and with /v1."""
    model: str
    """As the endpoint names it."""
    prompt: str | None = None
    """A prompt that ships (de-1, zh-1, en-1) or a YAML file; default: that of the language."""
    temperature: float | None = 0.7
    """0..2; `none` sends none, for models that refuse it."""
    concurrency: int = 8
    """Requests at one time."""
    candidates: int = 4
    """Questions wanted in one reply."""
    price_in: float | None = None
    """For a million prompt tokens, in any currency."""
    price_out: float | None = None
    """For a million completion tokens, in the same currency."""
    cache: Path
    """SQLite file of the replies; default: qbslt/llm.sqlite in the user's cache folder."""
    rights: str | None = None
    """`held`: you may send the corpus's sentences to an endpoint on another machine."""
    executor: str = "processes"
    """Who asks: processes on this machine, or ray."""
    workers: int = 0
    """How many of them; 0: this process alone (with Ray, one)."""
    address: str | None = None
    """Of a Ray cluster that is there; default: Ray starts on this machine."""

    @property
    def endpoint(self) -> str:
        """Host and port of the endpoint, as given."""
        return urlsplit(self.base_url).netloc

    @property
    def strangers(self) -> list[str]:
        """Hosts that would see the sentences and are not this machine or on a private network."""
        cluster = (self.address or "").rpartition("://")[2]
        hosts = [self.endpoint, *([] if cluster in ("", "auto", "local") else [cluster])]
        return [h for h in hosts if not _is_private(urlsplit(f"//{h}").hostname or "")]

    def parameters(self) -> dict[str, Any]:
        """What is sent beside the model's name and the messages."""
        return {} if self.temperature is None else {"temperature": self.temperature}


def llm_options(given: Mapping[str, Any]) -> LlmOptions:
    """Check a mapping of texts and numbers. Raises QbsltError, all errors at once."""
    names = [f.name for f in fields(LlmOptions)]
    errors = [known(k, names, "option of --llm") for k in given if k not in names]
    errors += [
        QbsltError(f"--questions llm needs {option}.", cure=f"For instance {option} {example}.")
        for key, option, example in (
            ("base_url", "--base-url", "http://localhost:8000/v1"), ("model", "--model", "NAME"),
        ) if not given.get(key)
    ]  # fmt: skip
    values: dict[str, Any] = {"cache": default_cache()}
    for key in (k for k in given if k in _READ):
        read, expected = _READ[key]
        try:
            values[key] = read(given[key])
        except ValueError:
            # The value is not repeated: a base URL may hold a key.
            errors.append(QbsltError(f"the value of {key} is not {expected}."))
    raise_all(errors)
    options = LlmOptions(**values)
    check_executor(options.executor, options.workers, options.address)
    return options


def workers_of(given: Mapping[str, Any]) -> int:
    """The one of these options that rules share: their number of processes."""
    read, expected = _READ["workers"]
    try:
        return int(read(given.get("workers", 0)))
    except ValueError:
        raise QbsltError(f"--workers {given['workers']} is not {expected}.") from None


_WITHOUT_EFFECT = ("cache", "concurrency", "executor", "workers", "address")  # on the questions


def portable(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that decide the bytes of a dataset; a prompt file by its name alone."""
    kept = {k: v for k, v in given.items() if k not in _WITHOUT_EFFECT}
    if isinstance(prompt := kept.get("prompt"), str):
        kept["prompt"] = Path(prompt).name
    return kept


def default_cache() -> Path:
    """`qbslt/llm.sqlite` in the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "qbslt/llm.sqlite"


def _is_private(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost"


def _url(value: Any) -> str:
    parts = urlsplit(str(value))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError
    return str(value).rstrip("/")


def _number(least: float, most: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        number = float(value)
        if not least <= number <= most:
            raise ValueError
        return number

    return read


def _whole(least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if not least <= (number := int(str(value))) <= most:
            raise ValueError
        return number

    return read


def _temperature(value: Any) -> float | None:
    return None if str(value).lower() == "none" else _number(0, 2)(value)


def _held(value: Any) -> str:
    if value != "held":
        raise ValueError
    return "held"


_PRICE = (_number(0, 1e6), "a price of a million tokens, such as 0.15")
_READ: dict[str, tuple[Callable[[Any], Any], str]] = {
    "base_url": (_url, "an http(s) address without user, key or query (the key is read from "
                 "OPENAI_API_KEY)"),
    "model": (str, "a name"),
    "prompt": (str, "a name or a file"),
    "temperature": (_temperature, "a number from 0 to 2, or none"),
    "concurrency": (_whole(1, 1000), "a whole number from 1 to 1000"),
    "candidates": (_whole(1, 20), "a whole number from 1 to 20"),
    "price_in": _PRICE,
    "price_out": _PRICE,
    "cache": (lambda v: Path(v).expanduser(), "a file"),
    "rights": (_held, "`held`"),
    "executor": (str, "a name"),
    "workers": (_whole(0, 1000), "a whole number from 0 to 1000"),
    "address": (str, "an address"),
}  # fmt: skip
