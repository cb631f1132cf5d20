"""Options from a preset, a YAML file and `key=value` words into a dataclass, checked. (Ours.)"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, field, fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar, Protocol

from qa_builder.errors import QbsltError, known, raise_all

PRESETS = ("tiny", "small", "paper")
GENERAL = "general"  # the section of a preset that all methods share
_PATHS = ("features", "frames_root", "pretrained", "vocabulary", "backbone", "weights",
          "sign_encoder", "reference")  # fmt: skip
_OR_NAMES = ("pretrained", "backbone")  # of a model on the Hub


class Options(Protocol):
    """A dataclass of options: the fields are made by `option`."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    method: ClassVar[str]

    def problems(self) -> Iterator[QbsltError]:
        """What is wrong between fields that are right each by itself."""


def option(
    default: Any = MISSING, *, low: float | None = None, high: float | None = None,
    below: float | None = None, choices: Sequence[str] = (),
) -> Any:  # fmt: skip
    """A field with the values that it may have: low <= value <= high, value < below, choices.

    Without a default every preset has to give it.
    """
    limits = {"low": low, "high": high, "below": below, "choices": tuple(choices)}
    return field(default=default, metadata=limits)


def resolve(cls: type[Options], options: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a method: the preset's, and over them those given.

    What it gives can be given to it again. Paths become absolute. Raises QbsltError for unknown
    options, wrong types, values out of range and contradictions: all of them at once.
    """
    by_name = {f.name: f for f in fields(cls)}
    errors = [
        known(str(k), by_name, f"option of {cls.method}") for k in options if k not in by_name
    ]
    given: dict[str, Any] = {}
    for name, value in options.items():
        if name in by_name:
            try:
                given[name] = _checked(by_name[name], value)
            except QbsltError as e:
                errors.append(e)
    name = given.get("preset", by_name["preset"].default)
    values = {f.name: f.default for f in fields(cls) if f.default is not MISSING}
    values |= preset(name, cls.method) | given
    for path in by_name.keys() & set(_PATHS):
        values[path] = _absolute(values[path], path in _OR_NAMES)
    errors += cls(**values).problems()
    raise_all(errors)
    return {f.name: values[f.name] for f in fields(cls)}


@cache
def _preset_file(name: str) -> dict[str, dict[str, Any]]:
    import yaml

    text = files("baselines.configs").joinpath(f"{name}.yaml").read_text("utf-8")
    sections: dict[str, dict[str, Any]] = yaml.safe_load(text)
    return sections


def preset(name: str, method: str) -> dict[str, Any]:
    """The values of a preset: its general section, and over it the method's own."""
    sections = _preset_file(name)
    return sections[GENERAL] | sections.get(method, {})


def _absolute(path: str | None, or_name: bool) -> str | None:
    """An absolute path, so that a run can be gone on with from any folder."""
    if path is None or (or_name and not Path(path).expanduser().exists()):
        return path  # the name of a checkpoint on the Hub
    return str(Path(path).expanduser().absolute())


def _checked(f: Field[Any], value: Any) -> Any:
    """A value as its field holds it; raises QbsltError where it doesn't fit."""
    kind = f.type.__name__ if isinstance(f.type, type) else str(f.type)
    fitting = _READERS[kind](value)
    if fitting is None and not (value is None and kind.endswith("None")):
        raise QbsltError(f"the option {f.name} is {value!r}, expected {_EXPECTED[kind]}.")
    limits = f.metadata
    if fitting is None or not limits:
        return fitting
    if limits["choices"] and fitting not in limits["choices"]:
        raise known(str(value), limits["choices"], f"value of {f.name}")
    low, high, below = limits["low"], limits["high"], limits["below"]
    if (
        (low is not None and fitting < low)
        or (high is not None and fitting > high)
        or (below is not None and fitting >= below)
    ):
        said = [
            f"{low:g} or more" if low is not None else "",
            f"{high:g} or less" if high is not None else "",
            f"less than {below:g}" if below is not None else "",
        ]
        raise QbsltError(
            f"the option {f.name} is {value!r}, expected {' and '.join(filter(None, said))}."
        )
    return fitting


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)  # YAML takes 1e-3 for text
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _whole(value: Any) -> int | None:
    digits = isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value)
    return int(value) if digits or type(value) is int else None


def _yes_or_no(value: Any) -> bool | None:
    words = {"true": True, "yes": True, "false": False, "no": False}
    return value if isinstance(value, bool) else words.get(str(value).lower())


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, (bool, list, dict)):
        return None
    return str(value) or None


_READERS = {"int": _whole, "float": _number, "bool": _yes_or_no, "str": _text,
            "str | None": _text}  # fmt: skip
_EXPECTED = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text",
             "str | None": "the path of a folder"}  # fmt: skip
