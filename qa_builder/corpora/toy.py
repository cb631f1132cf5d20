"""The toy corpora that ship with qbslt: of our own writing, in the layouts of the real ones.

A toy root is read by the reader of its model. Only the marker file in it tells them apart, so that
nothing built of a toy can pass for the real corpus.
"""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path

from qa_builder.corpora.base import CorpusInfo
from qa_builder.errors import QbsltError

TOY_MARKER = "toy.json"
ROOTS = ("phoenix", "csl-daily")
_DATA = "toy_data"
# What `toy_clips.make_clips` makes below the same folder.
MADE_ALIGNMENTS = "phoenix/simulated-frame-alignments.parquet"
MADE_VIDEOS = "videos"
_MADE = (
    MADE_ALIGNMENTS, MADE_VIDEOS, "csl-daily/sentence",
    "phoenix/PHOENIX-2014-T-release-v3/PHOENIX-2014-T/features",
)  # fmt: skip
_CURE = "Copy the toy corpus anew: `qa-builder toy DIR`."
_DEEPEST = 4  # release, version, annotations, manual: how far below the marker a root may be set


def toy_info(root: Path, info: CorpusInfo) -> CorpusInfo:
    """`info` with the toy's own name, title and licence if the root is a toy's, else unchanged.

    The marker counts in the root and up to four folders above it, because a root may be set at any
    level of a release. Raises QbsltError if the marker can't be read or lacks a field.
    """
    levels = (root.absolute(), *root.absolute().parents[:_DEEPEST])
    marker = next((m for folder in levels if (m := folder / TOY_MARKER).is_file()), None)
    if marker is None:
        return info
    name, dataset, title = _read_marker(marker)
    return replace(
        info,
        name=name,
        dataset=dataset,
        title=title,
        where="It ships with qbslt: `qa-builder toy DIR` writes it.",
        size="120 clips, under 100 kB of annotation files; frames of three clips, drawn",
        licence="Apache-2.0",
        redistribution="Everything may be passed on under the licence of qbslt.",
        citation="",
        toy=True,
    )


def _read_marker(path: Path) -> tuple[str, str, str]:
    try:
        marker = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as e:  # no UTF-8, or no JSON
        raise QbsltError(f"is no JSON ({e}).", file=path, cure=_CURE) from None
    fields = marker if isinstance(marker, dict) else {}
    names = [v for f in ("corpus", "dataset", "title") if isinstance(v := fields.get(f), str)]
    if len(names) != 3 or fields.get("toy") is not True:
        raise QbsltError(
            "is no marker of a toy corpus: expected toy (true), corpus, dataset and title.",
            file=path, cure=_CURE,
        )  # fmt: skip
    return names[0], names[1], names[2]


def copy_toy(out: Path) -> list[Path]:
    """Write both toy corpora below a folder and return their roots: phoenix, csl-daily.

    Does nothing where they are there already; completes or restores a cut, older or changed copy.
    Raises QbsltError if `out` is no folder, or holds other files and not the whole toy.
    """
    with as_file(files("qa_builder.corpora") / _DATA) as source:
        wanted = {p.relative_to(source): p.read_bytes() for p in _files(source)}
    if any(not _holds(out / path, data) for path, data in wanted.items()):
        _check_free(out, set(wanted))
        for path, data in wanted.items():
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            (out / path).write_bytes(data)
    return [out / root for root in ROOTS]


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if not p.is_dir())


def _holds(path: Path, data: bytes) -> bool:
    return path.is_file() and path.read_bytes() == data


def _check_free(out: Path, toy: set[Path]) -> None:
    if out.exists() and not out.is_dir():
        raise QbsltError("is a file, not a folder.", file=out, cure="Name a new folder.")
    found = (p.relative_to(out) for p in _files(out)) if out.exists() else ()
    other = [p for p in found if p not in toy and not any(map(p.is_relative_to, _MADE))]
    if other:
        raise QbsltError(
            f"this folder holds {len(other):,} files that are not the toy's, "
            f"such as {other[0]}.",
            file=out, cure="Name a new folder.",
        )  # fmt: skip
