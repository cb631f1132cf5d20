"""A store of sign features: Arrow files, memory-mapped, one row a clip. (Ours.)

    STORE/manifest.json       what made it, of which clips, the sha256 of every file
    STORE/data/00000.arrow    columns of `schema()`, uncompressed, so that reading is mapping

`features` holds a clip's numbers in row-major order; the manifest's `shape` is that of a frame.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from qa_builder.dataset import MANIFEST
from qa_builder.errors import QbsltError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

STORE_VERSION, KIND = 1, "sign features"
_BATCH, _SHARD = 32 * 2**20, 512 * 2**20  # bytes of features a record batch, and a file
_COLUMNS = ("clip_id", "split", "signer", "frames", "fps", "n_frames", "bad_frames")


class Row(NamedTuple):
    """What a store tells of a clip beside its features."""

    clip_id: str
    split: str
    signer: str | None
    frames: str | None  # path or glob, relative to the corpus root
    fps: str | None  # a fraction
    n_frames: int
    bad_frames: int  # could not be read: all NaN


def schema() -> pa.Schema:
    """The columns of a store."""
    import pyarrow as pa

    s, i = pa.string(), pa.int32()
    types = dict.fromkeys(_COLUMNS, s) | {"n_frames": i, "bad_frames": i}
    return pa.schema([*types.items(), ("features", pa.large_list(pa.float16()))])


class NoStore(NamedTuple):
    """Why a folder holds no store that can be opened."""

    what: str
    cure: str


def why_no_store(folder: Path) -> NoStore | None:
    """What is wrong with the folder or its manifest; None if it holds a store."""
    make = "Make one with `qa-builder features DATASET --extractor ... --out STORE`."
    none = "holds no store of sign features"
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return NoStore(
            f"{none}: there is no {MANIFEST if folder.is_dir() else 'such folder'}", make
        )
    except OSError as e:
        return NoStore(f"its {MANIFEST} can't be read ({e.strerror})", "Mend its mode or its disk.")
    except ValueError as e:  # no JSON, or no UTF-8
        return NoStore(f"its {MANIFEST} is cut off or damaged ({e})", _AGAIN)
    if not isinstance(manifest, dict) or manifest.get("kind") != KIND:
        return NoStore(f"{none}, but something else", make)
    return None


def is_store(path: Path) -> bool:
    """Whether a folder holds a store (and not a dataset, say)."""
    return why_no_store(path) is None


def open_store(path: str | Path) -> FeatureStore:
    """Open the store in a folder, without reading features.

    Raises QbsltError where there is none, or files of it are missing or cut off.
    """
    folder = Path(path)
    manifest = read_store_manifest(folder)
    try:
        return FeatureStore(folder, manifest)
    except (KeyError, TypeError) as e:
        raise QbsltError(
            f"is not the manifest of a store ({type(e).__name__}: {e}).",
            file=folder / MANIFEST,
            cure=_AGAIN,
        ) from None


def read_store_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of the store in a folder; raises QbsltError where there is none."""
    from qa_builder.atomic import recover

    recover(folder)
    if wrong := why_no_store(folder):
        raise QbsltError(f"{wrong.what}.", file=folder, cure=wrong.cure)
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    if manifest.get("store_version") != STORE_VERSION:
        raise QbsltError(
            f"has store version {manifest.get('store_version')}, this qbslt reads version "
            f"{STORE_VERSION}.", file=folder / MANIFEST, cure="Extract the features again.",
        )  # fmt: skip
    return manifest


_AGAIN = "Copy the store again from its source, or extract the features again with --restart."


class FeatureStore:
    """A store on disk: features by clip id. Can be sent to other processes, which map it anew."""

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self.path, self.manifest = path, manifest
        self.shape: tuple[int, ...] = tuple(manifest["shape"])
        self._batches = [b for f in manifest["files"] for b in mapped(path / f["path"])]
        self._index = {
            clip_id: (b, row)
            for b, batch in enumerate(self._batches)
            for row, clip_id in enumerate(batch.column("clip_id").to_pylist())
        }
        self._values = [_values(b) for b in self._batches]

    def __reduce__(self) -> tuple[Any, ...]:
        return open_store, (self.path,)

    def __len__(self) -> int:
        return len(self._index)

    def __contains__(self, clip_id: object) -> bool:
        return clip_id in self._index

    @property
    def clip_ids(self) -> list[str]:
        """The ids of the clips, in the order of the dataset."""
        return list(self._index)

    @property
    def simulated(self) -> bool:
        """Whether no video was looked at: to be said wherever a number made with it is shown."""
        return bool(self.manifest["simulated"])

    def __getitem__(self, clip_id: str) -> NDArray[np.float16]:
        """A clip's features, [n_frames, *shape]: a view of the file, read when it is used.

        NaN where there is nothing. Raises QbsltError for a clip that the store does not hold.
        """
        b, row = self._where(clip_id)
        values, offsets = self._values[b]
        return values[offsets[row] : offsets[row + 1]].reshape(-1, *self.shape)

    def mask(self, clip_id: str) -> NDArray[np.bool_]:
        """True where there is something: [n_frames, points], or [n_frames] for embeddings."""
        import numpy as np

        return ~np.isnan(self[clip_id][..., 0])

    def row(self, clip_id: str) -> Row:
        """What the store tells of a clip."""
        b, row = self._where(clip_id)
        return Row(*(self._batches[b].column(c)[row].as_py() for c in Row._fields))

    def rows(self) -> Iterator[Row]:
        """What the store tells of all clips, in order."""
        for batch in self._batches:
            yield from map(Row._make, zip(*(batch.column(c).to_pylist() for c in Row._fields),
                                          strict=True))  # fmt: skip

    def _where(self, clip_id: str) -> tuple[int, int]:
        try:
            return self._index[clip_id]
        except KeyError:
            failed = {f["clip_id"]: f["reason"] for f in self.manifest["failures"]}
            why = (
                f"extraction failed: {failed[clip_id].rstrip('.')}"
                if clip_id in failed
                else "it has none"
            )
            raise QbsltError(f"no features of this clip: {why}.", file=self.path, id=clip_id,
                             cure="Extract its dataset's features again.") from None  # fmt: skip


def mapped(path: Path) -> list[pa.RecordBatch]:
    """The record batches of one file of a store; raises QbsltError for what is none.

    Reads ids and offsets, which are checked, and no features.
    """
    import pyarrow as pa

    try:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        if reader.schema != schema():
            raise QbsltError("has other columns than a store.", file=path, cure=_AGAIN)
        batches = [reader.get_batch(i) for i in range(reader.num_record_batches)]
        for batch in batches:  # Arrow follows wrong offsets out of the file, and crashes
            batch.validate(full=True)
        return batches
    except FileNotFoundError:
        raise QbsltError("this file of the store is missing.", file=path, cure=_AGAIN) from None
    except (pa.ArrowException, OSError, ValueError) as e:  # ValueError: names that are no UTF-8
        raise QbsltError(
            f"cannot be read as Arrow ({str(e).splitlines()[0]}).", file=path, cure=_AGAIN
        ) from None


def _values(batch: pa.RecordBatch) -> tuple[NDArray[np.float16], NDArray[np.int64]]:
    column = batch.column("features")
    return column.values.to_numpy(zero_copy_only=True), column.offsets.to_numpy()


def write_shards(
    folder: Path, clips: Iterable[tuple[Row, NDArray[np.float16]]], shape: Sequence[int]
) -> list[Path]:
    """Write clips, in the order given, as the files of a store; returns their paths.

    Holds one record batch of some 32 MB in memory. The same clips give the same bytes.
    """
    import pyarrow as pa

    data = folder / "data"
    data.mkdir()
    paths: list[Path] = []
    written = _SHARD
    with ExitStack() as stack:
        for batch in _batches(clips, tuple(shape)):
            if written >= _SHARD:
                stack.close()
                paths.append(data / f"{len(paths):05d}.arrow")
                sink = stack.enter_context(pa.OSFile(str(paths[-1]), "wb"))
                writer = stack.enter_context(pa.ipc.new_file(sink, schema()))
                written = 0
            writer.write_batch(batch)
            written += batch.nbytes
    return paths


def _batches(
    clips: Iterable[tuple[Row, NDArray[np.float16]]], shape: tuple[int, ...]
) -> Iterator[pa.RecordBatch]:
    rows: list[Row] = []
    arrays: list[NDArray[np.float16]] = []
    size = 0
    for row, array in clips:
        assert array.dtype == "float16" and array.shape == (row.n_frames, *shape), row.clip_id
        rows.append(row)
        arrays.append(array)
        size += array.nbytes
        if size >= _BATCH:
            yield _batch(rows, arrays)
            rows, arrays, size = [], [], 0
    if rows:
        yield _batch(rows, arrays)


def _batch(rows: Sequence[Row], arrays: Sequence[NDArray[np.float16]]) -> pa.RecordBatch:
    import numpy as np
    import pyarrow as pa

    offsets = np.concatenate([[0], np.cumsum([a.size for a in arrays])]).astype(np.int64)
    values = np.concatenate([a.ravel() for a in arrays])
    features = pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(values))
    columns = [pa.array(c, schema().field(n).type)
               for n, c in zip(_COLUMNS, zip(*rows, strict=True), strict=True)]  # fmt: skip
    return pa.record_batch([*columns, features], schema=schema())
