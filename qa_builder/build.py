"""Build a dataset: corpus -> questions -> Parquet, manifest, card; a no-op if unchanged."""

from __future__ import annotations

import gc
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from qa_builder import __version__
from qa_builder.atomic import new_folder, recover
from qa_builder.config import BuildConfig
from qa_builder.corpora.base import FINDING, Corpus, Notes, SourceFile
from qa_builder.corpora.frames import FrameCheck
from qa_builder.dataset import (
    CARD,
    CONFIG,
    MANIFEST,
    REJECTS,
    dataset_fingerprint,
    file_sha256,
    read_manifest,
)  # fmt: skip
from qa_builder.errors import QbsltError
from qa_builder.publish.card import make_card
from qa_builder.questions.base import QuestionSource
from qa_builder.samples import SCHEMA_VERSION, SPLITS
from qa_builder.writer import DatasetRows

# The code that decides the bytes of a dataset: a change in it rebuilds.
_CODE = (
    "samples.py", "dataset.py", "columns.py", "writer.py", "build.py", "config.py", "text.py",
    "lines.py", "strings.py", "arrow.py", "function_words.py", "corpora/*.py", "questions/*.py",
    "questions/lexicon/*", "questions/llm_prompts/*", "audit/leakage.py", "publish/card*.py",
)  # fmt: skip
_OURS = {CARD, MANIFEST, CONFIG, REJECTS, "data", "audit"}


class Built(NamedTuple):
    """What a build did."""

    path: Path
    manifest: dict[str, Any]
    changed: bool  # False: everything was there already

    @property
    def findings(self) -> list[dict[str, Any]]:
        """Findings that make the command exit 1."""
        return [f for f in self.manifest["findings"] if f["severity"] == FINDING]


def build(
    config: BuildConfig,
    corpus: Corpus,
    questions: QuestionSource,
    out: Path,
    frames_root: Path | None = None,
    advance: Callable[[int], None] = lambda n: None,
) -> Built:
    """Build the dataset of a corpus in `out`, unless an equal one is there.

    Raises QbsltError for bad input, and for an `out` that holds something else. Whatever happens,
    `out` is the old dataset or the new one, whole.
    """
    recover(out)
    _check_out(out)
    sources = _hash_sources([*corpus.sources(), *questions.sources()])
    key = _hash({"sources": sources, "config": config.as_dict(), "code": code_version(),
                 "dataset": config.dataset or corpus.info.dataset})  # fmt: skip
    if config.frames == "none" and (manifest := _unchanged(out, key)):
        return Built(out, manifest, changed=False)
    check = FrameCheck(frames_root or corpus.frames_root) if config.frames == "check" else None
    with new_folder(out) as folder, _no_garbage_collection():
        notes = Notes()
        rows = _write_rows(folder, corpus, questions, check, notes, advance)
        manifest = _manifest(config, corpus, questions, rows, notes)
        manifest |= {"sources": sources, "key": key}
        _write_beside(folder, config, manifest, notes)
    return Built(out, manifest, changed=True)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Rows are tuples and strings without cycles: looking for some takes a third of a build."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _write_rows(
    folder: Path,
    corpus: Corpus,
    questions: QuestionSource,
    check: FrameCheck | None,
    notes: Notes,
    advance: Callable[[int], None],
) -> DatasetRows:
    questions.start(corpus.info, notes)
    rows = DatasetRows(folder, corpus.info)
    try:
        for batch in corpus.read(notes):
            if check:
                check.check(batch, notes)
            rows.add(batch, questions.ask(batch, notes))
            advance(len(batch))
    finally:
        rows.close()
    if not rows.counts:
        raise QbsltError("the corpus has no clip in any split.", file=corpus.root)
    questions.finish(notes)
    if check:
        check.finish(notes)
    return rows


def _manifest(
    config: BuildConfig, corpus: Corpus, questions: QuestionSource, rows: DatasetRows, notes: Notes
) -> dict[str, Any]:
    counts = {s: rows.counts[s] for s in SPLITS if s in rows.counts}
    splits = {s: c.as_dict() for s, c in counts.items()}
    kinds = sum((c.kinds for c in counts.values()), Counter[str]())
    return {
        "schema_version": SCHEMA_VERSION,
        "dataset": config.dataset or corpus.info.dataset,
        "content": "full",
        "corpus": corpus.info.as_dict(),
        "created_by": {"name": "qbslt", "version": __version__, "code": code_version()},
        "config": config.as_dict(),
        "splits": splits,
        "fingerprint": dataset_fingerprint({s: v["fingerprint"] for s, v in splits.items()}),
        "questions": {
            "source": questions.name,
            **questions.facts(),
            "kinds": dict(kinds),
            "kinds_by_split": {s: dict(c.kinds) for s, c in counts.items()},
            "mean_leakage": {s: c.leakage for s, c in counts.items()},
        },
        "findings": [asdict(f) for f in notes.findings],
        "rejects": dict(Counter(r.reason for r in notes.rejects)),
    }


def _write_beside(
    folder: Path, config: BuildConfig, manifest: dict[str, Any], notes: Notes
) -> None:
    import yaml

    dumps = json.JSONEncoder(ensure_ascii=False).encode
    lines = [dumps(r._asdict()) + "\n" for r in notes.rejects]
    (folder / REJECTS).write_text("".join(lines), encoding="utf-8")
    resolved = yaml.safe_dump(config.as_dict(), allow_unicode=True, sort_keys=True)
    (folder / CONFIG).write_text(resolved, encoding="utf-8")
    manifest["files"] = list_files(folder)
    write_manifest(folder, manifest)


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the card and, last, manifest.json: its existence means that the rest is complete."""
    (folder / CARD).write_bytes(make_card(manifest).encode())
    text = json.dumps(manifest, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def list_files(folder: Path) -> list[dict[str, Any]]:
    """Path, sha256 and size of the files of a dataset, for the manifest (the card is not one)."""
    files = [*sorted((folder / "data").glob("*.parquet")), folder / CONFIG, folder / REJECTS]
    return [
        {"path": f.relative_to(folder).as_posix(), "sha256": file_sha256(f),
         "bytes": f.stat().st_size}
        for f in files if f.exists()
    ]  # fmt: skip


def _check_out(out: Path) -> None:
    """Refuse to replace anything but a dataset that a build wrote."""
    if not out.exists():
        return
    if not out.is_dir():
        raise QbsltError(
            "is a file; a dataset is a folder.", file=out, cure="Choose another --out."
        )
    names = {p.name for p in out.iterdir()}
    if names and MANIFEST not in names:
        raise QbsltError("holds files, and no dataset.", file=out,
                         cure="Choose another --out: a build replaces the whole folder.")  # fmt: skip  # noqa: E501
    if foreign := sorted(names - _OURS):
        raise QbsltError(
            f"holds files that are not of the dataset ({', '.join(foreign[:3])}), which a new "
            "build would remove.", file=out, cure="Move them, or choose another --out.",
        )  # fmt: skip


def _unchanged(out: Path, key: str) -> dict[str, Any] | None:
    """The manifest of the dataset in `out` if it was built of the same things and is whole."""
    try:
        manifest = read_manifest(out)
    except QbsltError:
        return None
    if manifest.get("key") != key or list_files(out) != manifest.get("files"):
        return None
    if manifest["questions"].get("llm", {}).get("unanswered"):
        return None  # a language model did not answer for some clips: ask again
    card = out / CARD
    whole = card.is_file() and card.read_bytes() == make_card(manifest).encode()
    return manifest if whole else None


def _hash_sources(files: list[SourceFile]) -> list[dict[str, Any]]:
    for file in files:
        if not file.path.is_file():
            raise QbsltError("there is no such file.", file=file.path)
    with ThreadPoolExecutor(2) as pool:  # hashing does not hold the interpreter
        hashes = list(pool.map(lambda file: file_sha256(file.path), files))
    return [
        {"role": role, "path": shown, "sha256": sha256, "bytes": path.stat().st_size}
        for (role, path, shown), sha256 in zip(files, hashes, strict=True)
    ]


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


@cache
def code_version() -> str:
    """Hash (16 hexadecimal digits) of the code that decides the bytes of a dataset."""
    here = Path(__file__).parent
    sha = hashlib.sha256(__version__.encode())
    for pattern in _CODE:
        for file in sorted(here.glob(pattern)):
            sha.update(f"{file.relative_to(here).as_posix()}\0".encode() + file.read_bytes())
    return sha.hexdigest()[:16]
