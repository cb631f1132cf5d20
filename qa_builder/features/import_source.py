"""What the readers of published features share: the source, its files, and its faults. (Ours.)"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_builder.dataset import file_sha256
from qa_builder.errors import QbsltError

if TYPE_CHECKING:
    from numpy.typing import NDArray

PACKAGES = {"pose": "pose-format", "hdf5": "h5py"}  # format -> package that reads it
ENDINGS = {
    "pose": (".pose",), "npy": (".npy",), "npz": (".npz",), "hdf5": (".h5", ".hdf5", ".hdf"),
    "skels": (".skels", ".skel"),
}  # fmt: skip


@dataclass
class Source:
    """An opened source of one format.

    `read` gives a clip's numbers, [n_frames, *shape], NaN = nothing there; whatever it raises is
    that clip's fault alone. `where` are the clips as the source names them, with the file of each.
    """

    where: Mapping[str, Path]
    read: Callable[[str], NDArray[Any]]
    files: Sequence[Path]  # all that decides the features
    points: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)  # what is done to the numbers


def files_of(source: Path, format: str) -> list[Path]:
    """The files of a format in a folder and the folders below it, sorted; or the one file."""
    if source.is_file():
        return [source]
    found = (p for p in source.rglob("*") if p.suffix.lower() in ENDINGS[format])
    return sorted(p for p in found if not p.name.startswith(".") and p.is_file())


def one_a_clip(source: Path, format: str) -> dict[str, Path]:
    """Clips of one file each: the path below the source, without its ending."""
    keys: dict[str, Path] = {}
    for path in files_of(source, format):
        inside = Path(path.name) if path == source else path.relative_to(source)
        key = inside.with_suffix("").as_posix()
        if key in keys:
            raise QbsltError(f"two files of the clip {key}.", file=path, cure="Remove one.")
        keys[key] = path
    return keys


def digest(source: Path, files: Sequence[Path]) -> str:
    """sha256 of the one file, or over the sorted lines `NAME SHA256` of several.

    Names are relative to the source's folder. The contents count, not the sizes: arrays that were
    made again have the same size.
    """
    from concurrent.futures import ThreadPoolExecutor

    if len(files) == 1:
        return file_sha256(files[0])
    folder = source if source.is_dir() else source.parent
    with ThreadPoolExecutor(4) as pool:  # hashing leaves Python's lock
        hashes = list(pool.map(file_sha256, files))
    lines = sorted(f"{f.relative_to(folder).as_posix()} {sha}\n"
                   for f, sha in zip(files, hashes, strict=True))  # fmt: skip
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


@contextlib.contextmanager
def reading(path: Path | None, format: str) -> Iterator[None]:
    """Whatever a foreign reader throws at a broken file becomes one sentence."""
    try:
        yield
    except QbsltError as e:
        raise QbsltError(e.message, file=e.file or path, line=e.line, id=e.id,
                         cure=e.cure) from None  # fmt: skip
    except ModuleNotFoundError as e:
        package = PACKAGES.get(format, e.name or format)
        raise QbsltError(f"importing {format} needs the package {package}.",
                         cure="Install it: pip install 'qbslt[features]'.") from None  # fmt: skip
    except Exception as e:
        why = " ".join(str(e).split())[:200] or type(e).__name__
        raise QbsltError(f"cannot be read as {format} ({why}).", file=path) from None
