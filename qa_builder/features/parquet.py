"""A store of features as Parquet: to read with `datasets`, and to publish. (Ours.)"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_builder.atomic import new_folder
from qa_builder.dataset import CARD, MANIFEST
from qa_builder.errors import known
from qa_builder.export import Written, check_free
from qa_builder.features.store import mapped, schema

if TYPE_CHECKING:
    import pyarrow as pa

    from qa_builder.features.store import FeatureStore

FORMATS = ("parquet",)
KIND = "sign features as Parquet"
_FORMAT: dict[str, Any] = {
    "compression": "zstd", "version": "2.6", "write_statistics": ["clip_id"],
    "use_dictionary": ["split", "signer", "fps"],
}  # fmt: skip


def export_store(store: FeatureStore, format: str, out: Path) -> list[Written]:
    """Write a store into the new folder `out`: data/SPLIT.parquet, README.md and manifest.json.

    `datasets.load_dataset(out)` reads it. Raises QbsltError for another format than parquet, and
    for an `out` that holds something. Equal stores give equal bytes.
    """
    if format not in FORMATS:
        raise known(format, FORMATS, "export format of features")
    check_free(out)
    with new_folder(out) as folder:
        manifest = write_parquet(store, folder)
    return [(out / "data" / f"{s}.parquet", n["clips"]) for s, n in manifest["splits"].items()]


def write_parquet(
    store: FeatureStore, folder: Path, licence: str | None = None, publish: bool = False
) -> dict[str, Any]:
    """Write the files into an empty folder; returns their manifest.

    The manifest is the store's, with the files of this folder, `splits` (clips and frames of each)
    and `store` (files and fingerprint of the store); to be published also `release` with the
    licence that the publisher named. Memory does not grow with the store.
    """
    from qa_builder.build import list_files
    from qa_builder.features.card import make_store_card

    (folder / "data").mkdir(parents=True)
    splits = _write_splits(store, folder / "data")
    manifest = {
        **store.manifest,
        "kind": KIND,
        "splits": splits,
        "store": {name: store.manifest[name] for name in ("files", "fingerprint")},
        "files": list_files(folder),
    }
    if publish:
        manifest["release"] = {"licence": licence}
    (folder / CARD).write_bytes(make_store_card(manifest).encode())
    text = json.dumps(manifest, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    return manifest


def _write_splits(store: FeatureStore, data: Path) -> dict[str, dict[str, int]]:
    """Write one file a split; gives the number of its clips and frames."""
    from contextlib import ExitStack

    import pyarrow.parquet as pq

    splits: dict[str, dict[str, int]] = {}
    writers: dict[str, pq.ParquetWriter] = {}
    with ExitStack() as stack:
        for file in store.manifest["files"]:
            for batch in mapped(store.path / file["path"]):
                for split, part in _by_split(batch):
                    if split not in writers:
                        writers[split] = stack.enter_context(
                            pq.ParquetWriter(data / f"{split}.parquet", part.schema, **_FORMAT)
                        )
                        splits[split] = {"clips": 0, "frames": 0}
                    writers[split].write_batch(part)
                    splits[split]["clips"] += len(part)
                    splits[split]["frames"] += sum(part.column("n_frames").to_pylist())
    return splits


def _by_split(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    """The parts of a batch that are of one split, with lists instead of large lists."""
    import pyarrow as pa

    start = 0
    features = schema().get_field_index("features")
    for split, group in groupby(batch.column("split").to_pylist()):
        part = batch.slice(start, len(list(group)))
        start += len(part)
        short = part.column("features").cast(pa.list_(pa.float16()))
        yield str(split), part.set_column(features, "features", short)
