"""The columns of a dataset: what is said of clips and of the questions that they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from qa_builder.arrow import as_array, half_hex, repeated, struct_column
from qa_builder.audit.leakage import overlap_counts
from qa_builder.corpora.base import ClipBatch, CorpusInfo
from qa_builder.dataset import FINGERPRINT_COLUMNS
from qa_builder.questions.base import OneEach
from qa_builder.questions.kinds import kind_of, kinds_of
from qa_builder.samples import Provenance, Question, arrow_schema, sample_id, source_digests
from qa_builder.strings import Strings
from qa_builder.text import normalize_all

Columns = dict[str, Any]  # lists, or arrays of Arrow or numpy, of equal length

_SCHEMA = arrow_schema()
_PROVENANCE = _SCHEMA.field("question_provenance").type
_WORDS = _SCHEMA.field("words").type


def clip_columns(info: CorpusInfo, batch: ClipBatch) -> Columns:
    """The columns of the schema that say what a clip is, of the batch's length."""
    n = len(batch)
    ids, texts, gloss = batch.clip_id, batch.text, batch.gloss
    return {
        "clip_id": ids,
        "corpus": repeated(info.name, n),
        "split": repeated(batch.split, n),
        "signer": batch.signer,
        "frames": batch.frames,
        "n_frames": batch.n_frames,
        "fps": repeated(info.fps, n),
        "gloss": gloss,
        "gloss_clean": batch.gloss_clean,
        "text": texts,
        "text_language": repeated(info.text_language, n),
        "sign_language": repeated(info.sign_language, n),
        "words": batch.words if batch.words is not None else pa.nulls(n, _WORDS),
        "pos_tags": batch.pos_tags if batch.pos_tags is not None else pa.nulls(n, _WORDS),
        "source_hash": half_hex(source_digests(ids, texts, gloss), 32),
    }


def question_columns(
    questions: Sequence[Question | None], texts: Sequence[str], language: str
) -> tuple[Columns, int, int]:
    """The columns of the schema that say what is asked; leakage is computed here, and kinds that
    the source left open.

    Also the content tokens of the sentences that the questions give away, and all of them.
    """
    asked = [q for q in questions if q is not None]
    answers = [t for q, t in zip(questions, texts, strict=True) if q is not None]
    normal = normalize_all([q.text for q in asked], language)
    recalls, given, content = _recalls(answers, normal, language)
    kind = kind_of(language)
    columns: Columns = {
        "question": [q.text for q in asked],
        "question_normalized": normal,
        "question_kind": [q.kind or kind(n) for q, n in zip(asked, normal, strict=True)],
        "question_source": [q.source for q in asked],
        "question_leakage": recalls.tolist(),
    }
    if len(asked) < len(questions):
        columns = {name: _spread(values, questions) for name, values in columns.items()}
    return columns | {"question_provenance": _provenance_of(questions)}, given, content


def _one_each(questions: OneEach, texts: Sequence[str], language: str) -> tuple[Columns, int, int]:
    """As `question_columns`, without making a Question a row."""
    n = len(questions)
    normal = Strings(normalize_all(questions.texts, language))
    recalls, given, content = _recalls(texts, normal, language)
    provenance = {
        "generator": repeated(questions.source, n), "file": repeated(questions.file, n),
        "line": questions.lines,
    }  # fmt: skip
    return {
        "question": questions.texts,
        "question_normalized": normal,
        "question_kind": kinds_of(normal, language),
        "question_source": repeated(questions.source, n),
        "question_leakage": recalls,
        "question_provenance": _provenance(provenance, [False] * n),
    }, given, content  # fmt: skip


def _recalls(
    texts: Sequence[str], normal: Sequence[str], language: str
) -> tuple[NDArray[np.float64], int, int]:
    """The leakage of n normalised questions about sentences [n], and its two sums (see above)."""
    given, content = overlap_counts(normalize_all(texts, language), normal, language)
    return given / np.maximum(content, 1), int(given.sum()), int(content.sum())


def _spread(values: Sequence[Any], questions: Sequence[Question | None]) -> list[Any]:
    """Values of the questions that are there, with None for those that are not."""
    rest = iter(values)
    return [None if q is None else next(rest) for q in questions]


def _provenance_of(questions: Sequence[Question | None]) -> pa.Array:
    absent, none = [q is None for q in questions], Provenance()
    if all(absent):
        return _provenance({}, absent)
    values = zip(*(none if q is None else q.provenance for q in questions), strict=True)
    return _provenance(dict(zip(Provenance._fields, values, strict=True)), absent)


def _provenance(columns: Mapping[str, Any], absent: Sequence[bool]) -> pa.Array:
    """Structs of the columns of their fields; a field that is not given is null everywhere."""
    n = len(absent)
    arrays = [
        as_array(columns[f.name], f.type) if f.name in columns else pa.nulls(n, f.type)
        for f in _PROVENANCE
    ]
    return struct_column(arrays, _PROVENANCE, absent)


def dataset_columns(
    info: CorpusInfo, batch: ClipBatch, questions: Sequence[Sequence[Question]]
) -> tuple[Columns, int, int]:
    """All columns of a batch: one row a (clip, question), a clip without question gives one row.

    Also the content tokens that the questions give away, and all of them.
    """
    language, ids = info.text_language, batch.clip_id
    if isinstance(questions, OneEach):
        asked, given, content = _one_each(questions, batch.text, language)
    else:
        flat = [q[0] if q else None for q in questions]
        if any(len(q) > 1 for q in questions):
            clips = [(i, k, len(q)) for i, q in enumerate(questions) for k in range(len(q) or 1)]
            ids = [sample_id(batch.clip_id[i], k, n) for i, k, n in clips]
            flat = [questions[i][k] if n else None for i, k, n in clips]
            batch = batch.take([i for i, _, _ in clips])
        asked, given, content = question_columns(flat, batch.text, language)
    columns = {"sample_id": ids, **clip_columns(info, batch), **asked}
    for name in FINGERPRINT_COLUMNS:
        columns[name] = Strings(columns[name])  # Arrow and the fingerprint want the same bytes
    if columns["sample_id"] == columns["clip_id"]:
        columns["sample_id"] = columns["clip_id"]
    return columns, given, content
