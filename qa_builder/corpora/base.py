"""What every corpus reader gives: batches of clips as columns, and what was noticed on the way.

Columns, not objects: a reader is measured against pyarrow reading the same file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from qa_builder.errors import QbsltError

NOTE, FINDING = "note", "finding"


@dataclass(frozen=True, kw_only=True)
class CorpusInfo:
    """What is known of a corpus before reading it; goes into the manifest and the card."""

    name: str
    """Short name, as in the `corpus` column."""
    dataset: str
    """Default name of the dataset built of it."""
    title: str
    text_language: str
    """ISO 639-1."""
    sign_language: str | None
    """ISO 639-3."""
    fps: str | None
    """Frames per second as a fraction, "25/1"."""
    where: str
    """How to get it."""
    size: str
    """How large it is, frames and all."""
    licence: str
    redistribution: str
    """What may be passed on, in a sentence."""
    citation: str = ""
    """BibTeX."""
    toy: bool = False
    """Whether it is the toy corpus that ships with qbslt."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class SourceFile(NamedTuple):
    """A file that a build reads."""

    role: str  # "annotation", "questions", ...
    path: Path
    shown: str  # how the manifest names it: relative to the root, the same on every machine


class Reject(NamedTuple):
    """Something in a source that is not in the dataset, or not sound: a line of rejects.jsonl."""

    file: str
    line: int | None
    id: str | None
    reason: str  # a short fixed name, counted in the manifest
    detail: str = ""


@dataclass(frozen=True)
class Finding:
    """Something noticed about a source as a whole, for the manifest. No corpus text in it."""

    id: str
    severity: str  # NOTE or FINDING; a FINDING makes the command exit 1
    message: str
    count: int = 1


@dataclass
class Notes:
    """Collects what readers and question sources notice."""

    rejects: list[Reject] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


@dataclass
class ClipBatch:
    """Clips of one split as columns of equal length, in the corpus's own order."""

    split: str
    clip_id: list[str]
    text: list[str]
    gloss: Sequence[str | None]
    gloss_clean: Sequence[str | None]
    signer: Sequence[str | None]
    frames: Sequence[str | None]
    n_frames: Sequence[int | None]
    words: Sequence[list[str] | None] | None = None
    pos_tags: Sequence[list[str] | None] | None = None
    question: Sequence[str | None] | None = None  # only of a table with a question column
    line: Sequence[int] | None = None  # 1-based, where the corpus is a text file
    file: str = ""

    def __len__(self) -> int:
        return len(self.clip_id)

    def take(self, rows: Sequence[int]) -> ClipBatch:
        """Some of the clips, in this order; one may stand there several times."""
        given: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        columns = {k: v for k, v in given.items() if v is not None and not isinstance(v, str)}
        taken: dict[str, Any] = {k: [v[i] for i in rows] for k, v in columns.items()}
        return replace(self, **taken)


class Corpus(Protocol):
    """A corpus on disk. Making one checks that the root holds it (QbsltError if not)."""

    info: CorpusInfo
    root: Path
    frames_root: Path  # what the clips' `frames` are relative to

    def sources(self) -> list[SourceFile]:
        """The files that `read` reads: their hashes go into the manifest."""
        ...

    def read(self, notes: Notes) -> Iterator[ClipBatch]:
        """Stream the clips. Raises QbsltError (all errors of a file at once) for bad input."""
        ...


BATCH = 8192
ANNOTATIONS = ("auto", "pickle", "video-map")  # of CSL-Daily: which of its two files is read


def in_batches(n: int, size: int = BATCH) -> Iterator[slice]:
    """Slices that cover range(n)."""
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def resolve_root(root: str | None, variable: str, info: CorpusInfo, toy: str) -> Path:
    """The corpus folder from --root or an environment variable.

    Without either, a QbsltError says where the corpus is had from, how large it is, and how to
    try the toy corpus instead.
    """
    import os

    given = root or os.environ.get(variable)
    if given:
        path = Path(given).expanduser()
        if not path.is_dir():
            source = "--root" if root else f"${variable}"
            raise QbsltError(f"{source} names no folder.", file=path, cure=info.where)
        return path
    raise QbsltError(
        f"no corpus folder given: pass --root DIR or set ${variable}. {info.title}: {info.where} "
        f"Size: {info.size}. To try without it: `qa-builder toy toy-corpus`, then "
        f"`qa-builder {toy}`."
    )


def find_below(root: Path, candidates: Sequence[str]) -> Path | None:
    """The first of several relative paths that exists below a root."""
    return next((root / c for c in candidates if (root / c).exists()), None)
