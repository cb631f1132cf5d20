"""Whether a store of features is what its manifest says, and in itself consistent. (Ours.)"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_builder.dataset import MANIFEST, file_sha256
from qa_builder.errors import QbsltError, counted
from qa_builder.features.manifest import config_hash, run_key, store_fingerprint
from qa_builder.features.store import mapped, read_store_manifest
from qa_builder.samples import SPLITS

if TYPE_CHECKING:
    import pyarrow as pa

_SHOWN = 5


def verify_store(path: Path) -> list[str]:
    """All that is wrong with the store in a folder, one sentence each; empty if it is sound.

    Raises QbsltError if there is no store there, or its manifest can't be read.
    """
    manifest = read_store_manifest(path)
    try:
        clips = _Clips(manifest)
        damaged = {file["path"]: problem for file in manifest["files"]
                   if (problem := _damage(path, file))}  # fmt: skip
        findings = [f"{name}: {problem}" for name, problem in damaged.items()]
        findings += [*_unknown(path, manifest), *_manifest(manifest)]
        for file in manifest["files"]:
            if file["path"] not in damaged:  # of one that is, anything may be in the rows
                findings += clips.check(path, str(file["path"]))
        return findings if damaged else findings + list(clips.summary())
    except (KeyError, TypeError, AttributeError, ValueError) as e:
        raise QbsltError(f"is not the manifest of a store ({type(e).__name__}: {e}).",
                         file=path / MANIFEST, cure="Extract the features again.") from None  # fmt: skip  # noqa: E501


def _damage(path: Path, file: dict[str, Any]) -> str | None:
    """Why a file is not the one that was written, if it is not."""
    found = path / file["path"]
    if not found.is_file():
        return "is missing"
    if found.stat().st_size != file["bytes"]:
        return f"has {found.stat().st_size:,} bytes, the manifest says {file['bytes']:,}"
    if file_sha256(found) != file["sha256"]:
        return "its sha256 is not that of the manifest"
    return None


def _unknown(path: Path, manifest: dict[str, Any]) -> Iterator[str]:
    listed = {f["path"] for f in manifest["files"]}
    for found in sorted(path.rglob("*")):
        name = found.relative_to(path).as_posix()
        if found.is_file() and name not in listed and name != MANIFEST and name[0] != ".":
            yield f"{name}: is not in the manifest"


def _manifest(manifest: dict[str, Any]) -> Iterator[str]:
    """What the manifest says of itself."""
    if manifest["config_hash"] != config_hash(manifest["config"]):
        yield f"{MANIFEST}: the hash of the settings is not that of the settings"
    if manifest["key"] != run_key(manifest):
        yield f"{MANIFEST}: its key is not that of the extractor, the settings and the clips"
    if manifest["fingerprint"] != store_fingerprint(manifest["files"]):
        yield f"{MANIFEST}: the fingerprint of the store is not that of its files"
    if manifest["simulated"] != (manifest["extractor"] == "simulated"):
        yield f"{MANIFEST}: the extractor is {manifest['extractor']!r}, and simulated is " \
              f"{manifest['simulated']}"  # fmt: skip
    shape, points, channels = (manifest[name] for name in ("shape", "points", "channels"))
    if points and shape != [len(points), len(channels)]:
        yield f"{MANIFEST}: {len(points)} points of {len(channels)} channels, but the shape {shape}"
    if manifest["dtype"] != "float16":
        yield f"{MANIFEST}: the type of the features is {manifest['dtype']}, expected float16"


class _Clips:
    """Checks the rows of one file after another, and keeps the sums."""

    def __init__(self, manifest: dict[str, Any]) -> None:
        self.manifest = manifest
        self.found: Counter[str] = Counter(clips=0, frames=0, bad_frames=0)
        self.rates: set[str | None] = set()
        self.lengths: dict[str, int] = {}
        self.size = 1
        for n in manifest["shape"]:
            self.size *= n
        self.failed = {f["clip_id"] for f in manifest["failures"]}

    def check(self, path: Path, name: str) -> Iterator[str]:
        """Findings of one file, the first few of them."""
        try:
            batches = mapped(path / name)
        except QbsltError as e:
            if (path / name).is_file():
                yield f"{name}: {e.message}"
            return
        shown = 0
        for batch in batches:
            for clip_id, problem in self._batch(batch):
                shown += 1
                if shown <= _SHOWN:
                    yield f"{name}: [{clip_id}]: {problem}"
        if shown > _SHOWN:
            yield f"{name}: {shown - _SHOWN:,} more rows like these"

    def _batch(self, batch: pa.RecordBatch) -> Iterator[tuple[str, str]]:
        import numpy as np

        names = ("clip_id", "split", "fps", "n_frames", "bad_frames")
        columns = [batch.column(name).to_pylist() for name in names]
        features = batch.column("features")
        offsets = features.offsets.to_numpy()
        values = features.values.to_numpy(zero_copy_only=True)
        for i, (clip_id, split, fps, n_frames, bad_frames) in enumerate(zip(*columns, strict=True)):
            self.found.update(clips=1, frames=n_frames, bad_frames=bad_frames)
            self.rates.add(fps)
            if clip_id in self.lengths:
                yield clip_id, "the clip is there already"
            self.lengths[clip_id] = n_frames
            if clip_id in self.failed:
                yield clip_id, "the manifest lists it among the failures"
            if split not in SPLITS:
                yield clip_id, f"unknown split {split!r}"
            clip = values[offsets[i] : offsets[i + 1]]
            if clip.size != n_frames * self.size:
                yield clip_id, f"has {clip.size:,} values, expected {n_frames:,} frames of " \
                               f"{self.size:,}"  # fmt: skip
                continue
            missing = np.isnan(clip)
            empty = int(missing.reshape(n_frames, -1).all(axis=1).sum())
            if empty == n_frames:
                yield clip_id, "holds nothing but NaN"
            elif empty < bad_frames:
                yield clip_id, f"{counted(bad_frames, 'frame', 'are')} counted as unreadable, " \
                               f"{counted(empty, 'frame', 'are')} NaN"  # fmt: skip
            if np.isinf(clip).any():
                yield clip_id, "holds infinite values"

    def summary(self) -> Iterator[str]:
        """What does not agree over all files."""
        for what, n in self.found.items():
            if n != self.manifest[what]:
                yield f"{MANIFEST}: says {self.manifest[what]:,} {what}, the files hold {n:,}"
        told = self.rates - {None}
        if self.manifest["fps"] is not None and told - {self.manifest["fps"]}:
            yield f"{MANIFEST}: says {self.manifest['fps']} fps, the files say otherwise"
        for entry in self.manifest["differing"]:
            if self.lengths.get(entry["clip_id"]) != entry["found"]:
                yield f"{MANIFEST}: [{entry['clip_id']}]: says that {entry['found']:,} frames " \
                      "were found, which is not so"  # fmt: skip
