"""Replace a folder in one step, so that a killed command leaves the old one or the new one, whole.

A new version is written in a sibling folder (`.NAME.new`) and exchanged with the old one by one
system call (renameat2 with RENAME_EXCHANGE). Where the file system has none, two renames are used,
and `recover` puts the old folder back if the command dies between them.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from qa_builder.errors import QbsltError

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


def _sibling(path: Path, kind: str) -> Path:
    return path.parent / f".{path.name}.{kind}"


def recover(path: Path) -> None:
    """Put the old folder back if a command died between the two renames of `_replace`."""
    old = _sibling(path, "old")
    if not path.exists() and old.is_dir():
        with contextlib.suppress(OSError):
            os.rename(old, path)


def _exchange(a: Path, b: Path) -> bool:
    """Exchange two folders in one system call; False where that can't be done."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    return bool(rename(_AT_FDCWD, os.fsencode(a), _AT_FDCWD, os.fsencode(b), _RENAME_EXCHANGE) == 0)


def _replace(new: Path, path: Path) -> None:
    if not path.exists():
        os.rename(new, path)
        return
    if not _exchange(new, path):
        old = _sibling(path, "old")
        shutil.rmtree(old, ignore_errors=True)
        os.rename(path, old)
        os.rename(new, path)
        shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(new, ignore_errors=True)  # after an exchange it holds the old version


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder to write in; if the block succeeds it replaces `path`, else it goes.

    Raises QbsltError if another process is writing the same folder.
    """
    with locked(path), new_version(path) as new:
        yield new


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let no other command write `path` or what lies beside it for as long as the block takes.

    Raises QbsltError if another process is writing the same folder.
    """
    import fcntl

    lock_file = _sibling(path, "lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        opened = lock_file.open("w")
    except FileNotFoundError:  # of a folder such as /proc, whoever asks
        raise QbsltError("no folder can be made here.", file=path,
                         cure="Choose another --out.") from None  # fmt: skip
    with opened as lock, _not_for_children(lock):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = os.fstat(lock.fileno()).st_ino == lock_file.stat().st_ino
        except OSError:
            held = False
        if not held:  # taken, or its last holder removed the file after we opened it
            raise QbsltError(
                "another command is writing this folder now.",
                file=path,
                cure="Wait until it has ended, or choose another --out.",
            )
        try:
            yield
        finally:
            lock_file.unlink(missing_ok=True)


@contextlib.contextmanager
def _not_for_children(lock: IO[str]) -> Iterator[None]:
    """Have processes that are forked meanwhile close a lock's file.

    A lock is held for as long as any process has its file open: after a kill -9 workers that still
    run would keep the folder from the command that goes on.
    """
    _held.add(lock)
    try:
        yield
    finally:
        _held.discard(lock)


def _let_go() -> None:
    """In a process that was just forked."""
    while _held:
        _held.pop().close()


_held: set[IO[str]] = set()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


@contextlib.contextmanager
def new_version(path: Path) -> Iterator[Path]:
    """`new_folder` for whoever holds the lock, and has more to do under it afterwards."""
    recover(path)
    new = _sibling(path, "new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    try:
        yield new
        _replace(new, path)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def replace_text(path: Path, text: str) -> None:
    """Write a file as UTF-8, all of it or not at all; its folder is made if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        new.write_text(text, encoding="utf-8")
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)
