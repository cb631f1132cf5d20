"""The one vocabulary that everybody shares: Clip, Question, Provenance, Sample, Arrow schema.

A dataset has one row a (clip, question). `sample_id` is the clip's id, or `clip_id#k` where a clip
has several questions. All types are named tuples: building 600,000 of them must not cost more than
reading the file that they come from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA_VERSION = 1
SPLITS = ("train", "dev", "test")
KINDS = ("yes-no", "what", "when", "where", "who", "how", "how-many", "which", "why", "prompt")
SOURCES = ("annotated", "rules", "llm", "human")


class Provenance(NamedTuple):
    """What made a question, and where it was read. Every field may be None (not applicable)."""

    generator: str | None = None  # "annotated", "rules-de", "llm", ...
    version: str | None = None  # of the generator
    config_hash: str | None = None  # sha256 of the configuration or prompt, hexadecimal
    model: str | None = None
    revision: str | None = None
    seed: int | None = None
    raw_reply: str | None = None
    annotator: str | None = None
    date: str | None = None  # ISO 8601
    file: str | None = None  # source file, relative to where it was found
    line: int | None = None  # 1-based


class Question(NamedTuple):
    """A question that a clip answers."""

    text: str  # as written by its source, byte for byte
    kind: str | None = None  # one of KINDS
    source: str | None = None  # one of SOURCES
    leakage: float | None = None  # content recall of the sentence in the question, 0..1
    provenance: Provenance = Provenance()


class Clip(NamedTuple):
    """A stretch of sign video."""

    clip_id: str
    corpus: str
    split: str  # one of SPLITS
    signer: str | None
    frames: str | None  # path or glob of the frames, relative to the corpus root
    n_frames: int | None
    fps: Fraction | None  # frames per second


class Sample(NamedTuple):
    """A clip with its annotation and, where there is one, the question that it answers."""

    sample_id: str
    clip: Clip
    gloss: str | None  # the official string
    text: str  # the official string: the reference translation
    text_language: str  # ISO 639-1 ("de", "zh", ...)
    sign_language: str | None  # ISO 639-3 ("gsg", "csl", ...)
    question: Question | None
    gloss_clean: str | None = None  # mark-up removed
    words: list[str] | None = None  # official word segmentation, where the corpus has one
    pos_tags: list[str] | None = None  # one a word
    question_normalized: str | None = None
    source_hash: str | None = None


class Prediction(NamedTuple):
    """All that a translation system must write."""

    sample_id: str
    text: str


def sample_id(clip_id: str, k: int, n: int) -> str:
    """Id of a clip's k-th question (0-based) of n."""
    return clip_id if n <= 1 else f"{clip_id}#{k}"


def source_hash(clip_id: str, text: str, gloss: str | None) -> str:
    """Hash (128 bits, hexadecimal) of a clip's annotation; the id is the salt.

    `hydrate` uses it to tell whether a local corpus holds the annotation that a question was made
    for, without the annotation itself being published.
    """
    return source_hashes([clip_id], [text], [gloss])[0]


def source_hashes(
    clip_ids: Iterable[str], texts: Iterable[str], glosses: Iterable[str | None]
) -> list[str]:
    """`source_hash` of many clips."""
    digits = source_digests(clip_ids, texts, glosses).hex()
    return [digits[i : i + 32] for i in range(0, len(digits), 64)]


def source_digests(
    clip_ids: Iterable[str], texts: Iterable[str], glosses: Iterable[str | None]
) -> bytes:
    """The sha256 of many clips' annotations, 32 bytes each, one after the other: the first half of
    each is the clip's `source_hash`.
    """
    sha, rows = hashlib.sha256, zip(clip_ids, texts, glosses, strict=True)
    return b"".join([
        sha(f"{i}\x1f{t}\x1f{g or ''}".encode("utf-8", "surrogatepass")).digest()
        for i, t, g in rows
    ])  # fmt: skip


def arrow_schema() -> pa.Schema:
    """The columns of a dataset, in order. `docs/data-format.md` explains each."""
    import pyarrow as pa

    s, i, words = pa.string(), pa.int32(), pa.list_(pa.string())
    number = {"seed": pa.int64(), "line": i}
    provenance = pa.struct([(f, number.get(f, s)) for f in Provenance._fields])
    fields: list[tuple[str, pa.DataType]] = [
        ("sample_id", s), ("clip_id", s), ("corpus", s), ("split", s), ("signer", s),
        ("frames", s), ("n_frames", i), ("fps", s),
        ("gloss", s), ("gloss_clean", s), ("text", s), ("text_language", s), ("sign_language", s),
        ("words", words), ("pos_tags", words),
        ("question", s), ("question_normalized", s), ("question_kind", s),
        ("question_source", s), ("question_leakage", pa.float32()),
        ("question_provenance", provenance),
        ("source_hash", s),
    ]  # fmt: skip
    required = {"sample_id", "clip_id", "corpus", "split", "text", "text_language", "source_hash"}
    return pa.schema([pa.field(n, t, nullable=n not in required) for n, t in fields])


# All that a questions-only release holds: nothing that belongs to the owners of the corpus.
RELEASE_COLUMNS = (
    "sample_id", "clip_id", "corpus", "split", "text_language", "sign_language",
    "question", "question_normalized", "question_kind", "question_source", "question_leakage",
    "question_provenance", "source_hash",
)  # fmt: skip


def sample_from_row(row: Mapping[str, Any]) -> Sample:
    """Make a Sample of one row (column -> plain Python value; columns not read count as None)."""
    get = row.get
    fps = get("fps")
    text = get("question")
    question = None
    if text is not None:
        question = Question(
            text, get("question_kind"), get("question_source"), get("question_leakage"),
            Provenance(**(get("question_provenance") or {})),
        )  # fmt: skip
    clip = Clip(
        row["clip_id"], get("corpus") or "", row["split"], get("signer"), get("frames"),
        get("n_frames"), Fraction(fps) if fps else None,
    )  # fmt: skip
    return Sample(
        row["sample_id"], clip, get("gloss"), get("text") or "", get("text_language") or "",
        get("sign_language"), question, get("gloss_clean"), get("words"), get("pos_tags"),
        get("question_normalized"), get("source_hash"),
    )  # fmt: skip


def samples_from_rows(rows: Iterable[Mapping[str, Any]]) -> Iterable[Sample]:
    """Make Samples of rows, lazily."""
    return map(sample_from_row, rows)
