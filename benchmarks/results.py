"""The result of scoring: the document `result.json` and the per-sample file."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.metrics.base import Floats, Ints, Metric

SCHEMA_VERSION = 1
RESULT, SAMPLES = "result.json", "samples.jsonl"
SCHEMA = Path(__file__).with_name("result.schema.json")


@dataclass(frozen=True, kw_only=True)
class Result:
    """Scores of one system, with all that is needed to repeat them. Percent, unrounded.

    The fields up to `versions` are those of result.json (`result.schema.json` describes them).
    """

    task: dict[str, Any]
    system: dict[str, Any]
    n: int
    official: bool
    notes: list[str]
    dataset: dict[str, Any]
    predictions: dict[str, Any] | None
    bootstrap: dict[str, Any]
    scores: dict[str, dict[str, dict[str, float]]]
    """{standard convention: {score: {value, low, high}}}."""
    legacy: dict[str, dict[str, dict[str, float]]]
    """{convention: {score: {value}}}."""
    signatures: dict[str, str]
    """By kind of metric; those of legacy conventions as `convention/kind`."""
    gain_over_copy: dict[str, dict[str, float]] | None
    """{score: {value, low, high, p}}; None without questions."""
    controls: dict[str, dict[str, float]]
    strata: dict[str, list[dict[str, Any]]]
    uncounted: dict[str, int]
    """Segments that a kind of metric does not count."""
    warnings: list[str]
    versions: dict[str, str]
    metrics: tuple[Metric, ...] = field(repr=False)
    """Those of the standard convention."""
    statistics: dict[str, tuple[Floats, ...]] = field(repr=False)
    """[n, k] of each metric of each convention; for paired tests, not written."""
    units: Ints = field(repr=False)
    """[n] the distinct reference sentence of each segment; not written."""
    make_samples: Callable[[], Iterator[dict[str, Any]]] = field(repr=False)

    @cached_property
    def samples(self) -> list[dict[str, Any]]:
        """One for each segment, in the dataset's order: the lines of samples.jsonl."""
        return list(self.make_samples())

    def as_dict(self) -> dict[str, Any]:
        """The document of result.json: plain values, NaN as None."""
        document = {f.name: getattr(self, f.name) for f in fields(self) if f.repr}
        return dict(_plain({"schema_version": SCHEMA_VERSION} | document))

    def json(self) -> str:
        """result.json, as text."""
        return json_text(self.as_dict())


def write_result(result: Result, out: Path) -> None:
    """Write result.json and samples.jsonl into a folder, each whole or not at all."""
    out.mkdir(parents=True, exist_ok=True)
    write_lines(out / SAMPLES, result.make_samples())
    write_text(out / RESULT, [result.json()])  # last: its existence means that all is there


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows as JSONL, whole or not at all."""
    write_text(path, (json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def write_text(path: Path, parts: Iterable[str]) -> None:
    """Write a UTF-8 file, whole or not at all: beside its place first, then renamed.

    Folders on the way are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    try:
        with beside.open("w", encoding="utf-8", newline="") as file:
            file.writelines(parts)
        beside.replace(path)
    except OSError as e:
        if str(e.filename) == str(beside):
            e.filename = str(path)  # the name that the user gave
        raise
    finally:
        beside.unlink(missing_ok=True)


def json_text(value: Any) -> str:
    """A value as JSON text: sorted keys, unescaped UTF-8, NaN as null."""
    return json.dumps(_plain(value), sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
