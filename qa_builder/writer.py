"""Write the rows of a dataset: Parquet by split, and what is counted while they pass by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from qa_builder.arrow import arrow_column, struct_column
from qa_builder.audit.leakage import content_overlaps
from qa_builder.corpora.base import ClipBatch, CorpusInfo
from qa_builder.dataset import Fingerprint
from qa_builder.questions.kinds import kind_of
from qa_builder.samples import Provenance, Question, arrow_schema, sample_id, source_hash
from qa_builder.text import normalize_all

_REPEATED = [
    "corpus", "split", "signer", "fps", "text_language", "sign_language", "question_kind",
    "question_source", "question_provenance.generator", "question_provenance.file",
]  # fmt: skip
_FORMAT = {
    "compression": "zstd",
    "version": "2.6",
    "use_dictionary": _REPEATED,
    "write_statistics": ["sample_id", "clip_id"],
}

Columns = dict[str, Any]


class ParquetSplitWriter:
    """Writes one split, a row group a call; the same rows give the same bytes."""

    def __init__(self, path: Path) -> None:
        self._schema = arrow_schema()
        self._writer = pq.ParquetWriter(path, self._schema, **_FORMAT)

    def write(self, columns: Columns) -> None:
        """Write rows given as columns of equal length (lists or Arrow arrays)."""
        arrays = [
            c if isinstance(c := columns[f.name], pa.Array) else arrow_column(c, f.type)
            for f in self._schema
        ]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


def clip_columns(info: CorpusInfo, batch: ClipBatch) -> Columns:
    """The columns of the schema that say what a clip is; lists of the batch's length."""
    n = len(batch)
    ids, texts, gloss = batch.clip_id, batch.text, batch.gloss
    return {
        "clip_id": ids,
        "corpus": [info.name] * n,
        "split": [batch.split] * n,
        "signer": batch.signer,
        "frames": batch.frames,
        "n_frames": batch.n_frames,
        "fps": [info.fps] * n,
        "gloss": gloss,
        "gloss_clean": batch.gloss_clean,
        "text": texts,
        "text_language": [info.text_language] * n,
        "sign_language": [info.sign_language] * n,
        "words": batch.words if batch.words is not None else [None] * n,
        "pos_tags": batch.pos_tags if batch.pos_tags is not None else [None] * n,
        "source_hash": list(map(source_hash, ids, texts, gloss)),
    }


def question_columns(
    questions: Sequence[Question | None], texts: Sequence[str], language: str
) -> tuple[Columns, int, int]:
    """The columns of the schema that say what is asked; leakage is computed here, and kinds that
    the source left open.

    Also the content tokens of the sentences that the questions give away, and all of them.
    """
    asked = [q for q in questions if q is not None]
    normal = normalize_all([q.text for q in asked], language)
    answers = normalize_all(
        [t for q, t in zip(questions, texts, strict=True) if q is not None], language
    )
    overlap = content_overlaps(answers, normal, language)
    kind = kind_of(language)
    kinds = [q.kind or kind(n) for q, n in zip(asked, normal, strict=True)]
    given, total = sum(g for g, _ in overlap), sum(n for _, n in overlap)
    leakage = [g / n if n else 0.0 for g, n in overlap]
    absent = [q is None for q in questions]

    def spread(values: Sequence[Any]) -> list[Any]:
        if len(values) == len(questions):
            return list(values)
        rest = iter(values)
        return [None if missing else next(rest) for missing in absent]

    return {
        "question": spread([q.text for q in asked]),
        "question_normalized": spread(normal),
        "question_kind": spread(kinds),
        "question_source": spread([q.source for q in asked]),
        "question_leakage": spread(leakage),
        "question_provenance": _provenance(spread([q.provenance for q in asked]), absent),
    }, given, total  # fmt: skip


def _provenance(values: Sequence[Provenance | None], absent: Sequence[bool]) -> pa.Array:
    type_ = arrow_schema().field("question_provenance").type
    none = Provenance()
    fields = zip(*(v or none for v in values), strict=True)
    arrays = [arrow_column(f, type_.field(i).type) for i, f in enumerate(fields)]
    return struct_column(arrays, type_, absent)


class SplitCounts:
    """What the manifest says of a split, summed batch by batch."""

    def __init__(self) -> None:
        self.rows = self.clips = self.with_question = self.given = self.content = 0
        self.kinds: Counter[str] = Counter()
        self._signers: set[str] = set()
        self._sentences: set[str] = set()
        self._fingerprint = Fingerprint()

    def add(self, columns: Columns, n_clips: int, given: int, content: int) -> None:
        """Count rows; `given` and `content` are what `question_columns` said of them."""
        kinds = [k for k in columns["question_kind"] if k is not None]
        self.rows += len(columns["sample_id"])
        self.clips += n_clips
        self.with_question += sum(q is not None for q in columns["question"])
        self.given, self.content = self.given + given, self.content + content
        self.kinds.update(kinds)
        self._signers.update(s for s in columns["signer"] if s is not None)
        self._sentences.update(columns["text"])
        self._fingerprint.update(columns)

    @property
    def leakage(self) -> float | None:
        """Content recall of the split: tokens given away by all tokens, 0..1."""
        return round(self.given / self.content, 6) if self.content else None

    def as_dict(self) -> dict[str, Any]:
        return {
            "rows": self.rows, "clips": self.clips, "with_question": self.with_question,
            "signers": len(self._signers), "distinct_sentences": len(self._sentences),
            "fingerprint": self._fingerprint.hexdigest(),
        }  # fmt: skip


def dataset_rows(
    info: CorpusInfo, batch: ClipBatch, questions: Sequence[Sequence[Question]]
) -> tuple[Columns, int, int]:
    """All columns of a batch: one row a (clip, question), a clip without question gives one row."""
    columns = clip_columns(info, batch)
    if all(len(q) <= 1 for q in questions):
        flat = [q[0] if q else None for q in questions]
        ids = list(batch.clip_id)
    else:
        clips = [(i, k, len(q)) for i, q in enumerate(questions) for k in range(len(q) or 1)]
        columns = {name: [c[i] for i, _, _ in clips] for name, c in columns.items()}
        flat = [questions[i][k] if n else None for i, k, n in clips]
        ids = [sample_id(batch.clip_id[i], k, n) for i, k, n in clips]
    asked, given, total = question_columns(flat, columns["text"], info.text_language)
    return columns | asked | {"sample_id": ids}, given, total


class DatasetRows:
    """Writes the rows of a dataset into `folder/data`, and counts them."""

    def __init__(self, folder: Path, info: CorpusInfo) -> None:
        self._folder, self._info = folder / "data", info
        self._folder.mkdir()
        self._writers: dict[str, ParquetSplitWriter] = {}
        self.counts: dict[str, SplitCounts] = {}

    def add(self, batch: ClipBatch, questions: Sequence[Sequence[Question]]) -> None:
        """Write the rows of a batch of clips with their questions (a list a clip)."""
        columns, given, content = dataset_rows(self._info, batch, questions)
        if batch.split not in self._writers:
            path = self._folder / f"{batch.split}.parquet"
            self._writers[batch.split] = ParquetSplitWriter(path)
            self.counts[batch.split] = SplitCounts()
        self._writers[batch.split].write(columns)
        self.counts[batch.split].add(columns, len(batch), given, content)

    def close(self) -> None:
        """Finish the files. To be called also when reading has failed."""
        for writer in self._writers.values():
            writer.close()
