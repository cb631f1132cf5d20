"""Published features as arrays: `.npy`, `.npz`, HDF5. Nothing in them is unpickled. (Ours.)"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_builder.errors import QbsltError
from qa_builder.features.import_source import Source, one_a_clip, reading

if TYPE_CHECKING:
    from numpy.typing import NDArray


def open_arrays(source: Path, format: str) -> Source:
    """`.npy` and `.npz`: a folder of files, one a clip; or one `.npz`, an array a clip."""
    import numpy as np

    if format == "npz" and source.is_file():
        with reading(source, format), np.load(source, allow_pickle=False) as file:
            names = dict.fromkeys(file.files, source)

        def read_from(key: str) -> NDArray[Any]:
            with np.load(source, allow_pickle=False) as file:
                return _numbers(file[key])

        return Source(names, read_from, [source])
    paths = one_a_clip(source, format)

    def read(key: str) -> NDArray[Any]:
        if format == "npy":  # mapped: a header that lies takes no memory
            return _numbers(np.load(paths[key], mmap_mode="r", allow_pickle=False))
        with np.load(paths[key], allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return _numbers(arrays[_only({name: a.ndim for name, a in arrays.items()})])

    return Source(paths, read, list(paths.values()))


def open_hdf5(source: Path, format: str) -> Source:
    """HDF5: one file with a dataset or a group a clip, or a folder of files, one a clip."""
    import h5py

    if source.is_dir():
        paths = one_a_clip(source, format)

        def read_file(key: str) -> NDArray[Any]:
            with h5py.File(paths[key]) as file:
                return _numbers(file[_only(_datasets(file))][()])

        return Source(paths, read_file, list(paths.values()))
    with reading(source, format), h5py.File(source) as file:
        found = _datasets(file)
    grouped = _by_group(found)
    names = {name.rpartition("/")[0] if grouped else name: name for name in found}

    def read(key: str) -> NDArray[Any]:
        with h5py.File(source) as file:
            return _numbers(file[names[key]][()])

    return Source(dict.fromkeys(names, source), read, [source])


def _datasets(file: Any) -> dict[str, int]:
    """Path -> number of dimensions of the datasets in an HDF5 file; links are not followed."""
    import h5py

    found: dict[str, int] = {}

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim >= 2:
            found[name] = item.ndim

    file.visititems(visit)
    return found


def _by_group(names: Mapping[str, int]) -> bool:
    """Whether each group is a clip: in all of them, the one dataset has the same name."""
    parts = [name.rpartition("/") for name in names]
    groups, leaves = {group for group, _, _ in parts}, {leaf for _, _, leaf in parts}
    if not parts or "" in groups or len(groups) < len(parts) or len(leaves) > 1:
        return False
    return len(parts) > 1 or leaves <= _LEAVES


_LEAVES = {"features", "feature", "feat", "data", "keypoints", "pose", "embeddings", "x"}


def _only(dimensions: Mapping[str, int]) -> str:
    """The name of the one array with frames and values."""
    names = [name for name, n in dimensions.items() if n >= 2] or list(dimensions)
    if len(names) > 1 and "features" in names:
        return "features"
    if len(names) != 1:
        held = ", ".join(sorted(names)[:5]) or "none"
        raise QbsltError(
            f"holds {len(names)} arrays ({held}), expected one, or one named features."
        )
    return names[0]


def _numbers(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind not in "fiub":
        raise QbsltError(f"holds {array.dtype}, expected real numbers.")
    return array
