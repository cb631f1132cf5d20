"""Write the rows of a dataset: Parquet by split, and what is counted while they pass by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from qa_builder.arrow import as_array
from qa_builder.columns import Columns, dataset_columns
from qa_builder.corpora.base import ClipBatch, CorpusInfo
from qa_builder.dataset import Fingerprint
from qa_builder.samples import Question, arrow_schema

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


class ParquetSplitWriter:
    """Writes one split, a row group a call; the same rows give the same bytes.

    A thread of its own writes while the next rows are made: at most one row group waits.
    """

    def __init__(self, path: Path) -> None:
        self._schema = arrow_schema()
        self._writer = pq.ParquetWriter(path, self._schema, **_FORMAT)
        self._thread = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None

    def write(self, columns: Columns) -> None:
        """Write rows given as columns of equal length (lists or Arrow arrays).

        What goes wrong in writing is raised by the next call, or by `close`.
        """
        arrays = [as_array(columns[f.name], f.type) for f in self._schema]
        batch = pa.record_batch(arrays, schema=self._schema)
        self._wait()
        self._writing = self._thread.submit(self._writer.write_batch, batch)

    def _wait(self) -> None:
        if self._writing:
            self._writing.result()

    def close(self) -> None:
        """Finish the file."""
        try:
            self._wait()
        finally:
            self._thread.shutdown()
            self._writer.close()


class SplitCounts:
    """What the manifest says of a split, summed batch by batch."""

    def __init__(self) -> None:
        self.rows = self.clips = self.with_question = self.given = self.content = 0
        self.kinds: Counter[str | None] = Counter()
        self._signers: set[str | None] = set()
        self._sentences: set[str] = set()
        self._fingerprint = Fingerprint()

    def add(self, columns: Columns, n_clips: int, given: int, content: int) -> None:
        """Count rows; `given` and `content` are what `question_columns` said of them."""
        self.rows += len(columns["sample_id"])
        self.clips += n_clips
        self.with_question += len(columns["question"]) - columns["question"].count(None)
        self.given, self.content = self.given + given, self.content + content
        self.kinds.update(columns["question_kind"])
        self._signers.update(columns["signer"])
        self.kinds.pop(None, None)  # of clips without question, without signer
        self._signers.discard(None)
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


class DatasetRows:
    """Writes the rows of a dataset into `folder/data`, and counts them."""

    def __init__(self, folder: Path, info: CorpusInfo) -> None:
        self._folder, self._info = folder / "data", info
        self._folder.mkdir()
        self._writers: dict[str, ParquetSplitWriter] = {}
        self.counts: dict[str, SplitCounts] = {}

    def add(self, batch: ClipBatch, questions: Sequence[Sequence[Question]]) -> None:
        """Write the rows of a batch of clips with their questions (a list a clip)."""
        columns, given, content = dataset_columns(self._info, batch, questions)
        if batch.split not in self._writers:
            path = self._folder / f"{batch.split}.parquet"
            self._writers[batch.split] = ParquetSplitWriter(path)
            self.counts[batch.split] = SplitCounts()
        self._writers[batch.split].write(columns)
        self.counts[batch.split].add(columns, len(batch), given, content)

    def close(self) -> None:
        """Finish the files. To be called also when reading has failed."""
        with ExitStack() as stack:
            for writer in self._writers.values():
                stack.callback(writer.close)
