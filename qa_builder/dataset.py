"""Read a built dataset: Parquet by split and the manifest that says what made it.

The scorer and the models read datasets through `open_dataset` alone; `writer.py` writes them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_builder.errors import QbsltError
from qa_builder.samples import SCHEMA_VERSION, SPLITS, Sample, samples_from_rows
from qa_builder.strings import END, joined

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST, REJECTS, CONFIG, CARD = "manifest.json", "rejects.jsonl", "config.yaml", "README.md"

# What identifies the content of a dataset, whatever Parquet looks like: see `Fingerprint`.
FINGERPRINT_COLUMNS = ("sample_id", "clip_id", "signer", "gloss", "text", "question")


class Fingerprint:
    """sha256 of one split's content, in the dataset's row order.

    For each of FINGERPRINT_COLUMNS the sha256 of its values as UTF-8, each followed by the byte
    0x1E, a missing value being the byte 0x00; the fingerprint is the sha256 of those digests one
    after the other. So anybody can recompute it, and it does not change with Parquet's version.
    """

    def __init__(self) -> None:
        self._columns = {name: hashlib.sha256() for name in FINGERPRINT_COLUMNS}

    def update(self, columns: Mapping[str, Sequence[str | None]]) -> None:
        """Add rows, given as columns (others than FINGERPRINT_COLUMNS are left aside)."""
        for name, sha in self._columns.items():
            values: Any = columns[name]
            if not values:
                continue
            try:
                sha.update(joined(values))
            except (TypeError, UnicodeEncodeError):  # one is missing, or no UTF-8
                text = END.join("\0" if v is None else v for v in values)
                sha.update(text.encode("utf-8", "surrogatepass"))
            sha.update(END.encode())

    def hexdigest(self) -> str:
        """The digest of the rows so far, as 64 hexadecimal digits."""
        digests = b"".join(sha.digest() for sha in self._columns.values())
        return hashlib.sha256(digests).hexdigest()


def dataset_fingerprint(by_split: dict[str, str]) -> str:
    """Fingerprint of a dataset from those of its splits."""
    text = json.dumps(by_split, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


class Dataset:
    """A built dataset on disk. Nothing but the manifest is read until it is asked for."""

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self.path, self.manifest = path, manifest

    @property
    def name(self) -> str:
        return str(self.manifest["dataset"])

    @property
    def fingerprint(self) -> str:
        return str(self.manifest["fingerprint"])

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self.manifest["splits"])

    @property
    def questions_only(self) -> bool:
        """Whether this is a release without the corpus's own text, to be joined by `hydrate`."""
        return self.manifest.get("content") == "questions"

    def parquet(self, split: str) -> Path:
        """Path of a split's Parquet file; raises QbsltError for a split that is not there."""
        if split not in self.splits:
            raise QbsltError(
                f"the dataset has no split {split!r}; it has: {', '.join(_usual(self.splits))}.",
                file=self.path,
            )
        return self.path / "data" / f"{split}.parquet"

    def table(self, split: str, columns: Sequence[str] | None = None) -> pa.Table:
        """One split as an Arrow table, in the dataset's own row order."""
        import pyarrow.parquet as pq

        # not pq.read_table, which imports pandas and pyarrow.dataset
        with _reading(self.parquet(split), pq.ParquetFile) as file:
            return _reading(
                self.parquet(split), lambda _: file.read(columns=list(columns or []) or None)
            )

    def columns(self, split: str, names: Sequence[str]) -> dict[str, list[Any]]:
        """Columns of one split as plain lists, all of the same length and order."""
        table = self.table(split, names)
        return {name: table.column(name).to_pylist() for name in names}

    def batches(
        self, split: str, columns: Sequence[str] | None = None, rows: int = 4096
    ) -> Iterator[pa.RecordBatch]:
        """One split as a stream of Arrow batches of at most `rows` rows."""
        import pyarrow.parquet as pq

        path = self.parquet(split)
        with _reading(path, pq.ParquetFile) as file:
            batches = file.iter_batches(rows, columns=list(columns or []) or None)
            while (batch := _reading(path, lambda _: next(batches, None))) is not None:
                yield batch

    def samples(self, split: str) -> Iterator[Sample]:
        """The samples of one split, streamed in the dataset's own order."""
        for batch in self.batches(split):
            yield from samples_from_rows(batch.to_pylist())


def _usual(splits: Sequence[str]) -> list[str]:
    """Splits in the order that people name them in; a manifest's keys are sorted."""
    return sorted(splits, key=lambda s: SPLITS.index(s) if s in SPLITS else len(SPLITS))


def _reading(path: Path, read: Any) -> Any:
    import pyarrow as pa

    try:
        return read(path)
    except FileNotFoundError:
        raise QbsltError("this file of the dataset is missing.", file=path, cure=_REBUILD) from None
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError) as e:
        raise QbsltError(
            f"cannot be read as Parquet ({str(e).splitlines()[0]}).", file=path, cure=_REBUILD
        ) from None


_REBUILD = "Build the dataset again, or check it with `qa-builder verify`."


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of the dataset in `path`.

    Raises QbsltError where there is none, where it is no JSON object, or where a newer qbslt
    wrote it.
    """
    file = path / MANIFEST
    if not path.is_dir():
        raise QbsltError("there is no such folder.", file=path, cure=_HOW)
    if not file.is_file():
        raise QbsltError("holds no built dataset (no manifest.json).", file=path, cure=_HOW)
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(manifest, dict) and "kind" in manifest:
            raise QbsltError(f"holds {manifest['kind']}, no dataset.", file=path, cure=_FEATURES)
        version = manifest["schema_version"]
        _ = manifest["dataset"], manifest["fingerprint"], manifest["splits"].items()
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise QbsltError(
            f"is not a dataset manifest ({type(e).__name__}: {e}).", file=file, cure=_REBUILD
        ) from None
    if version != SCHEMA_VERSION:
        raise QbsltError(
            f"has schema version {version}, this qbslt reads version {SCHEMA_VERSION}.",
            file=file,
            cure="Build the dataset again, or install the qbslt that built it.",
        )
    return dict(manifest)


_FEATURES = ("Name the folder that `qa-builder build` made; to verify, export or publish features, "
             "name the store itself.")  # fmt: skip
_HOW = "Make one with `qa-builder build`, or try the toy corpus: `qa-builder toy toy-corpus`."


def open_dataset(path: str | Path) -> Dataset:
    """Open the built dataset in a folder; see `read_manifest` for what it raises."""
    folder = Path(path)
    from qa_builder.atomic import recover

    recover(folder)
    return Dataset(folder, read_manifest(folder))
