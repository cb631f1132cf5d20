"""Read pickles that hold plain data, without running what they name.

Released label files are pickles, some with tensors in them. Here a pickle may build containers,
strings and numbers. Constructors of torch and numpy become inert stand-ins, so that the plain
fields beside a tensor can be read; any other name is refused before anything has run.
"""

from __future__ import annotations

import contextlib
import copyreg
import gzip
import io
import pickle
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qa_builder.corpora.textfile import shown
from qa_builder.errors import QbsltError

_AGAIN = "Copy it again from its source."
_SPARE, _GROWTH = 1 << 28, 100  # bytes; the objects of a pickle take up to 72 bytes for one of it
_INERT_MODULES = ("torch", "numpy")


def _old_bytes(text: str, encoding: str = "latin1") -> bytes:
    """What pickles of protocol 0 to 2 hold a byte string as: its bytes as characters."""
    return text.encode("latin1")


# Containers, and what torch and numpy name to rebuild an array without any code of their own.
_PLAIN = {
    ("collections", "OrderedDict"): OrderedDict,
    ("_codecs", "encode"): _old_bytes,
    ("__builtin__", "bytes"): bytes, ("builtins", "bytes"): bytes,
    ("__builtin__", "set"): set, ("builtins", "set"): set,
    ("__builtin__", "frozenset"): frozenset, ("builtins", "frozenset"): frozenset,
    ("__builtin__", "bytearray"): bytearray, ("builtins", "bytearray"): bytearray,
}  # fmt: skip


class Inert:
    """Stands for a tensor or array: takes whatever it is built with, and does nothing."""

    __slots__ = ()

    def __new__(cls, *args: object, **kwargs: object) -> Inert:
        return super().__new__(cls)

    def __setstate__(self, state: object) -> None:
        """Ignore the state."""

    def __repr__(self) -> str:
        return "<not read: a tensor or array>"


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module.split(".", maxsplit=1)[0] in _INERT_MODULES:
            return Inert
        if (module, name) in _PLAIN:
            return _PLAIN[module, name]
        raise _RefusedError(f"{module}.{name}"[:200])

    def persistent_load(self, pid: Any) -> Any:
        raise _RefusedError("a persistent id")


class _RefusedError(Exception):
    pass


@contextlib.contextmanager
def _memory_limit(more: int) -> Iterator[None]:
    """Let the process take only so many bytes more, where the system can tell (Linux).

    Four bytes in a broken pickle can ask for a memo of 32 GB; with a limit it gets a MemoryError
    where the whole machine would be short of memory.
    """
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (ImportError, OSError):
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * resource.getpagesize() + more
    if before[0] != resource.RLIM_INFINITY:
        limit = min(limit, before[0])
    resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def load_plain(path: Path) -> Any:
    """The plain data in a pickle or gzip pickle.

    Raises QbsltError, naming what was refused, if it names anything but plain containers and the
    constructors of torch and numpy; also for a file that is no pickle, or a cut one.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise QbsltError("there is no such file.", file=path) from None
    try:
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        # What was loaded under an extension code before would be given without asking find_class.
        copyreg.clear_extension_cache()
        with _memory_limit(_SPARE + _GROWTH * len(data)):
            return _PlainUnpickler(io.BytesIO(data)).load()
    except _RefusedError as e:
        raise QbsltError(
            f"this pickle names {e}, which could run code; it was refused and nothing was run.",
            file=path, cure="Take the file from its official source, or convert it to a table.",
        ) from None  # fmt: skip
    except MemoryError:
        raise QbsltError("asks for far more memory than its size can need: is broken.", file=path,
                         cure=_AGAIN) from None  # fmt: skip
    except (EOFError, gzip.BadGzipFile, zlib.error) as e:
        raise QbsltError(f"is cut off or broken ({shown(str(e) or 'no end')}).", file=path,
                         cure=_AGAIN) from None  # fmt: skip
    except Exception as e:  # unpickling garbage may raise anything
        raise QbsltError(
            f"is no pickle that can be read ({type(e).__name__}: {shown(str(e))}).", file=path,
            cure=_AGAIN,
        ) from None  # fmt: skip
