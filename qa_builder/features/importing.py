"""`--extractor import`: features that somebody published, by clip id. (Ours.)"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from qa_builder.errors import QbsltError, known
from qa_builder.features.base import ClipFeatures, ClipTask, Description
from qa_builder.features.import_arrays import open_arrays, open_hdf5
from qa_builder.features.import_skeletons import open_pose, open_skels
from qa_builder.features.import_source import ENDINGS, PACKAGES, Source, digest, files_of, reading

if TYPE_CHECKING:
    from numpy.typing import NDArray

VERSION = "1"
_OPEN = {"pose": open_pose, "npy": open_arrays, "npz": open_arrays, "hdf5": open_hdf5,
         "skels": open_skels}  # fmt: skip
_SPLIT = {"train": "train", "dev": "dev", "val": "dev", "valid": "dev", "validation": "dev",
          "test": "test"}  # fmt: skip


class Coverage(NamedTuple):
    """Which clips a dataset and a source share."""

    both: list[str]  # ids of the dataset's clips
    only_dataset: list[str]
    only_source: list[str]  # as the source names them


@dataclass
class Imported:
    """Features from `.pose`, `.npy`, `.npz`, HDF5 or skeleton text files (docs/features-import.md).

    `format` is found by looking at the source where it is not given. Every clip has the shape of
    the first one that can be read; values keep their units, but x and y of `.pose` files.
    """

    source: Path
    format: str | None = None
    _opened: _Opened | None = field(init=False, default=None, repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return Imported, (self.source, self.format)

    def describe(self) -> Description:
        """Shape, points and channels; hashes the whole source.

        Raises QbsltError for a source that is missing, empty, of several formats or unreadable.
        """
        from importlib.metadata import version

        opened = self._open()
        source, package = opened.source, PACKAGES.get(opened.format)
        config = {
            "format": opened.format,
            "files": len(source.files),
            "bytes": sum(f.stat().st_size for f in source.files),
            "sha256": digest(self.source, source.files),
            **source.config,
        }
        return Description(VERSION, config, opened.shape, source.points, source.channels,
                           libraries={package: version(package)} if package else {})  # fmt: skip

    def __call__(self, task: ClipTask) -> ClipFeatures:
        """The clip's features, as float16 [n_frames, *shape].

        Raises QbsltError for a clip that the source lacks or has twice, whose file is broken, whose
        frames have another shape, or whose values are beyond float16.
        """
        opened = self._open()
        keys = opened.find(task.clip_id, task.split)
        if not keys:
            raise QbsltError("the source has no features of this clip.")
        if len(keys) > 1:
            raise QbsltError(f"the source has it more than once: {', '.join(keys[:3])}.")
        return ClipFeatures(opened.read(keys[0]))

    def ids(self) -> list[str]:
        """All clips of the source, as it names them."""
        return list(self._open().source.where)

    def coverage(self, clips: Iterable[ClipTask]) -> Coverage:
        """Which of the clips the source has. What it has twice counts as had: that clip fails.

        Raises QbsltError where two clips of the dataset would be given the same features.
        """
        opened = self._open()
        taken: dict[str, str] = {}
        both: list[str] = []
        missing: list[str] = []
        for clip in clips:
            keys = opened.find(clip.clip_id, clip.split)
            (both if keys else missing).append(clip.clip_id)
            for key in keys:
                other = taken.setdefault(key, clip.clip_id)
                if other != clip.clip_id and len(keys) == 1:
                    raise QbsltError(
                        f"has {key!r}, which fits two clips: {other} and {clip.clip_id}.",
                        file=self.source, cure="Name the source's clips as the dataset does.",
                    )  # fmt: skip
        return Coverage(both, missing, [key for key in opened.source.where if key not in taken])

    def _open(self) -> _Opened:
        if self._opened is None:
            self._opened = _Opened(self.source, self.format or _found(self.source))
        return self._opened


class _Opened:
    """A source with an index of its names; `shape` is that of a frame."""

    def __init__(self, path: Path, format: str) -> None:
        if format not in _OPEN:
            raise known(format, _OPEN, "format")
        if not path.exists():
            raise QbsltError("there is no such file or folder.", file=path)
        self.format = format
        with reading(path, format):
            self.source: Source = _OPEN[format](path, format)
        if not self.source.where:
            raise QbsltError(f"holds no clips in the format {format}.", file=path,
                             cure=f"Known formats: {', '.join(_OPEN)}.")  # fmt: skip
        self._names = {_nfc(key): key for key in self.source.where}
        self._by_last, self._by_bare = defaultdict(list), defaultdict(list)
        for name in self._names:
            self._by_last[name.rpartition("/")[2]].append(name)
            self._by_bare[_bare(name)].append(name)
        self.shape = self._shape(path)

    def find(self, clip_id: str, split: str) -> list[str]:
        """What the source may mean by a clip: its own names; several are ambiguous."""
        clip_id = _nfc(clip_id)
        if clip_id in self._names:
            return [self._names[clip_id]]
        own = clip_id.removeprefix(f"{split}/")
        last = own.rpartition("/")[2]
        found = dict.fromkeys(
            name for name in self._by_last[last] if name == own or name.endswith(f"/{own}")
        )
        for bare in {_bare(own), _bare(clip_id), _bare(f"{split}/{own}")}:
            found |= dict.fromkeys(self._by_bare[bare])
        return [self._names[name] for name in found if _split_of(name) in (None, split)]

    def read(self, key: str) -> NDArray[np.float16]:
        """A clip's numbers as float16; infinite values become NaN."""
        with reading(self.source.where[key], self.format):
            values = np.asarray(self.source.read(key))
            if values.ndim < 2 or 0 in values.shape:
                raise QbsltError(f"holds an array {list(values.shape)}, expected frames x values.")
            if values.shape[1:] != self.shape:
                raise QbsltError(f"has {list(values.shape[1:])} values a frame, expected "
                                 f"{list(self.shape)}, as the first clip has.")  # fmt: skip
            with np.errstate(over="ignore", invalid="ignore"):
                half = values.astype(np.float16)
            infinite = np.isinf(half)
            if np.isfinite(values[infinite]).any():
                raise QbsltError(f"holds {np.nanmax(np.abs(values[np.isfinite(values)])):,.0f}, "
                                 "which is beyond float16 (65,504 at most).")  # fmt: skip
            half[infinite] = np.nan
            if np.isnan(half).all():
                raise QbsltError("holds nothing but NaN.")
            return half

    def _shape(self, path: Path) -> tuple[int, ...]:
        """Shape of a frame of the first clip that can be read."""
        first: QbsltError | None = None
        for key, file in self.source.where.items():
            try:
                with reading(file, self.format):
                    shape = np.shape(self.source.read(key))
            except QbsltError as e:
                first = first or e
                continue
            if len(shape) >= 2 and 0 not in shape:
                return shape[1:]
        if first:
            raise first
        raise QbsltError("no clip of it is an array of frames x values.", file=path)


def _found(source: Path) -> str:
    """The format of a source, by the endings of its files."""
    if not source.exists():
        raise QbsltError("there is no such file or folder.", file=source)
    if source.is_file():
        for format, endings in ENDINGS.items():
            if source.suffix.lower() in endings:
                return format
        found = []
    else:
        found = [format for format in ENDINGS if files_of(source, format)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(e for endings in ENDINGS.values() for e in endings)
    if found:
        raise QbsltError(f"holds features in several formats ({', '.join(found)}).", file=source,
                         cure="Choose one with --format.")  # fmt: skip
    raise QbsltError("holds no features that can be imported.", file=source,
                     cure=f"Known endings: {listed}; --format says which it is.")  # fmt: skip


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _bare(name: str) -> str:
    """A name as a file may have it: what is neither letter nor digit is one underscore."""
    return re.sub(r"[\W_]+", "_", name)


def _split_of(name: str) -> str | None:
    """The split that a name tells by its folders, such as train/NAME."""
    return next((_SPLIT[part] for part in name.split("/")[:-1] if part in _SPLIT), None)
