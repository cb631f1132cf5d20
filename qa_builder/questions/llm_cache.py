"""Replies of a language model on disk: what was paid for once is never paid for again."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qa_builder.errors import QbsltError
from qa_builder.questions.llm_reply import Reply

_APPLICATION, _VERSION = 0x71626C74, 1  # "qblt": tells our file from any other SQLite file
_COLUMNS = ", ".join(Reply._fields)
_TABLE = """CREATE TABLE replies (
    key TEXT PRIMARY KEY, content TEXT NOT NULL, endpoint TEXT NOT NULL, revision TEXT, date TEXT,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, unusable INTEGER NOT NULL
) WITHOUT ROWID"""
_CURE = "Name another file with --llm cache=FILE, or remove this one."


def payload_key(prompt_sha256: str, payload: Mapping[str, Any]) -> str:
    """sha256 of all that decides a reply: prompt file, model, parameters and message.

    The endpoint is not part of it: the same model elsewhere need not be paid again.
    """
    text = json.dumps([prompt_sha256, payload], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Cache:
    """A table key -> Reply. Each reply is on disk before the next one is asked for.

    Several builds may share one file. Raises QbsltError if the file can't be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            # Autocommit and a write-ahead log: a kill loses nothing that was written.
            self._db = sqlite3.connect(path, timeout=60, isolation_level=None)
            self._db.execute("BEGIN IMMEDIATE")  # another build may be making the same file
            self._check()
            self._db.execute("COMMIT")
            self._write_ahead()
            self._db.execute("PRAGMA synchronous = NORMAL")

    def _write_ahead(self) -> None:
        """Turn the write-ahead log on: SQLite does not wait here while others open the file."""
        for wait in (*[0.05] * 200, None):
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError:
                if wait is None:
                    raise
                time.sleep(wait)

    def _check(self) -> None:
        """Make the table in a new file; refuse a file of another kind or version."""
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        used = application or version or self._db.execute("SELECT 1 FROM sqlite_master").fetchone()
        if used and (application, version) != (_APPLICATION, _VERSION):
            self._db.close()
            raise QbsltError("is no reply cache of this version.", file=self._path, cure=_CURE)
        if not used:
            self._db.execute(_TABLE)
            self._db.execute(f"PRAGMA application_id = {_APPLICATION}")
            self._db.execute(f"PRAGMA user_version = {_VERSION}")

    def get(self, key: str) -> Reply | None:
        """The reply that was stored under a key."""
        with self._errors():
            query = f"SELECT {_COLUMNS} FROM replies WHERE key = ?"  # noqa: S608
            row = self._db.execute(query, (key,)).fetchone()
        return Reply(*row) if row else None

    def put(self, key: str, reply: Reply) -> Reply:
        """Store a reply for good and return the one to use: the first one of a key stays."""
        marks = ", ".join("?" * (1 + len(Reply._fields)))
        with self._errors():
            self._db.execute(
                f"INSERT OR IGNORE INTO replies (key, {_COLUMNS}) VALUES ({marks})",  # noqa: S608
                (key, *reply),
            )
        return self.get(key) or reply

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as e:
            raise QbsltError(f"can't be used as the cache of replies ({e}).",
                             file=self._path, cure=_CURE) from None  # fmt: skip
