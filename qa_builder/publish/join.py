"""Join the rows of a questions-only release with the clips of a corpus, by id and source hash."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from qa_builder.arrow import as_array
from qa_builder.columns import clip_columns, question_columns
from qa_builder.corpora.base import Corpus, Notes
from qa_builder.dataset import FINGERPRINT_COLUMNS, Dataset
from qa_builder.errors import QbsltError
from qa_builder.samples import RELEASE_COLUMNS, Question, arrow_schema
from qa_builder.writer import ParquetSplitWriter, SplitCounts

_SCHEMA = arrow_schema()
_CLIP = pa.schema([f for f in _SCHEMA if not f.name.startswith(("sample_id", "question"))])

_COUNTED = (*FINGERPRINT_COLUMNS, "question_kind")


class Joined(NamedTuple):
    """One split of a release, and where its clips stand in the corpus."""

    rows: pa.Table  # of the release: RELEASE_COLUMNS
    groups: list[int]  # number of rows of each row group
    clips: pa.Table  # of the corpus
    index: pa.Array  # for each of `rows` the row of `clips`, null if the corpus lacks it
    same: pa.Array  # for each of `rows` whether its clip is there with the same annotation

    def lacking(self) -> list[str]:
        """Ids of the rows whose clip the corpus does not have."""
        return self._ids(pc.is_null(self.index))

    def differing(self) -> list[str]:
        """Ids of the rows whose clip the corpus annotates otherwise."""
        return self._ids(pc.and_(pc.is_valid(self.index), pc.invert(self.same)))

    def _ids(self, mask: pa.Array) -> list[str]:
        ids: list[str] = self.rows["sample_id"].filter(mask).to_pylist()
        return ids


def join(release: Dataset, corpus: Corpus) -> dict[str, Joined]:
    """Find the clips of each split of the release. Raises QbsltError for files of another kind."""
    by_split = _read_clips(corpus)
    found = {}
    for split in release.splits:
        rows, groups = _read_rows(release.parquet(split))
        clips = by_split.get(split, _CLIP.empty_table())
        index = _one_array(pc.index_in(rows["clip_id"], clips["clip_id"]))
        same = pc.equal(_one_array(clips["source_hash"]).take(index), rows["source_hash"])
        found[split] = Joined(rows, groups, clips, index, pc.fill_null(_one_array(same), False))
    return found


def _read_clips(corpus: Corpus) -> dict[str, pa.Table]:
    tables: dict[str, list[pa.Table]] = {}
    for batch in corpus.read(Notes()):
        columns = clip_columns(corpus.info, batch)
        arrays = [as_array(columns[f.name], f.type) for f in _CLIP]
        tables.setdefault(batch.split, []).append(pa.table(arrays, schema=_CLIP))
    return {split: pa.concat_tables(parts).combine_chunks() for split, parts in tables.items()}


def _read_rows(path: Path) -> tuple[pa.Table, list[int]]:
    try:
        with pq.ParquetFile(path) as file:
            groups = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
            rows = file.read().combine_chunks()
    except (pa.ArrowInvalid, OSError) as e:
        raise QbsltError(f"is no Parquet ({str(e).splitlines()[0]}).", file=path) from None
    if rows.schema.names != list(RELEASE_COLUMNS):
        raise QbsltError("has not the columns of a questions-only release.", file=path)
    return rows, groups


def write_joined(path: Path, joined: Joined, language: str) -> SplitCounts:
    """Write the rows whose clip fits, in the row groups of the release; returns their counts.

    `language` is that of the sentences (ISO 639-1).
    """
    counts, start = SplitCounts(), 0
    writer = ParquetSplitWriter(path)
    try:
        for n in joined.groups:
            fits = joined.same.slice(start, n)
            rows = joined.rows.slice(start, n).filter(fits)
            clips = joined.clips.take(joined.index.slice(start, n).filter(fits))
            start += n
            if not len(rows):
                continue
            columns = {
                name: _one_array((rows if name in RELEASE_COLUMNS else clips)[name])
                for name in _SCHEMA.names
            }
            writer.write(columns)
            _count(counts, columns, language)
    finally:
        writer.close()
    return counts


def _count(counts: SplitCounts, columns: dict[str, pa.Array], language: str) -> None:
    values = {name: columns[name].to_pylist() for name in _COUNTED}
    questions = [None if q is None else Question(q) for q in values["question"]]
    _, given, content = question_columns(questions, values["text"], language)
    counts.add(values, len(set(values["clip_id"])), given, content)


def _one_array(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    if isinstance(column, pa.Array):
        return column
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
