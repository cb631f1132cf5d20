"""`qa-builder verify`: whether a dataset is what its manifest says, and in itself consistent.

A store of features is checked by `features/verify_store.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qa_builder.dataset import (
    CARD,
    MANIFEST,
    REJECTS,
    Dataset,
    Fingerprint,
    dataset_fingerprint,
    file_sha256,
    open_dataset,
)  # fmt: skip
from qa_builder.errors import QbsltError
from qa_builder.samples import (
    KINDS,
    RELEASE_COLUMNS,
    SOURCES,
    SPLITS,
    arrow_schema,
    sample_id,
    source_hash,
)  # fmt: skip
from qa_builder.text import normalize_question

_SHOWN = 5


def verify(path: Path) -> list[str]:
    """All that is wrong with the dataset, or the store of features, in a folder: one sentence each.

    Raises QbsltError if there is neither, or its manifest can't be read.
    """
    from qa_builder.features.store import is_store
    from qa_builder.features.verify_store import verify_store

    if is_store(path):
        return verify_store(path)
    dataset = open_dataset(path)
    findings = [*_files(dataset), *_card(dataset)]
    splits: dict[str, str] = {}
    seen: dict[str, str] = {}
    for split, counts in dataset.manifest["splits"].items():
        try:
            found, fingerprint = _split(dataset, split, counts, seen)
        except QbsltError as e:
            found, fingerprint = [str(e)], ""
        findings += found
        splits[split] = fingerprint
    if not dataset.questions_only and dataset_fingerprint(splits) != dataset.fingerprint:
        findings.append(f"{MANIFEST}: the fingerprint of the dataset is not that of its rows")
    return findings + list(_rejects(dataset))


def _files(dataset: Dataset) -> Iterator[str]:
    listed = {f["path"]: f for f in dataset.manifest.get("files", [])}
    for name, file in listed.items():
        path = dataset.path / name
        if not path.is_file():
            yield f"{name}: is missing"
        elif path.stat().st_size != file["bytes"]:
            yield f"{name}: has {path.stat().st_size:,} bytes, the manifest says {file['bytes']:,}"
        elif file_sha256(path) != file["sha256"]:
            yield f"{name}: its sha256 is not that of the manifest"
    known = {*listed, MANIFEST, CARD}
    for path in sorted(dataset.path.rglob("*")):
        name = path.relative_to(dataset.path).as_posix()
        if path.is_file() and name not in known and not name.startswith(("audit/", ".")):
            yield f"{name}: is not in the manifest"


def _card(dataset: Dataset) -> Iterator[str]:
    from qa_builder.publish.card import make_card

    card = dataset.path / CARD
    if not card.is_file():
        yield f"{CARD}: is missing"
    elif card.read_bytes() != make_card(dataset.manifest).encode():
        yield f"{CARD}: is not the card that the manifest gives"


def _split(
    dataset: Dataset, split: str, counts: dict[str, Any], seen: dict[str, str]
) -> tuple[list[str], str]:
    """Findings of one split, and the fingerprint of its rows."""
    if split not in SPLITS:
        return [f"{MANIFEST}: unknown split {split!r}"], ""
    schema = arrow_schema()
    names = RELEASE_COLUMNS if dataset.questions_only else schema.names
    fingerprint, rows, questions, where = Fingerprint(), 0, 0, f"data/{split}.parquet"
    found: list[str] = []
    for batch in dataset.batches(split):
        if not found and rows == 0:
            want = [schema.field(n) for n in names]
            have = [batch.schema.field(i) for i in range(len(batch.schema.names))]
            if [(f.name, f.type) for f in want] != [(f.name, f.type) for f in have]:
                return [f"{where}: its columns are not those of schema version 1"], ""
        columns = {n: batch.column(n).to_pylist() for n in names}
        found += _rows(dataset, split, columns, rows, seen)
        rows += batch.num_rows
        questions += sum(q is not None for q in columns["question"])
        if not dataset.questions_only:
            fingerprint.update(columns)
    for what, n in (("rows", rows), ("with_question", questions)):
        if counts[what] != n:
            found.append(f"{where}: has {n:,} {what}, the manifest says {counts[what]:,}")
    if not dataset.questions_only and counts["fingerprint"] != fingerprint.hexdigest():
        found.append(f"{where}: the fingerprint of its rows is not that of the manifest")
    return found, fingerprint.hexdigest()


def _rows(
    dataset: Dataset, split: str, columns: dict[str, list[Any]], first: int, seen: dict[str, str]
) -> Iterator[str]:
    """Findings of a batch of rows; `first` is the number of the first, `seen` the ids so far."""
    corpus = dataset.manifest["corpus"]["name"]
    shown = 0
    for i in range(len(columns["sample_id"])):
        row = {name: values[i] for name, values in columns.items()}
        problems = [p for p in _row_problems(row, split, corpus) if p]
        if row["sample_id"] in seen:
            problems.append(f"the id is in {seen[row['sample_id']]} already")
        seen[row["sample_id"]] = split
        for problem in problems:
            shown += 1
            if shown <= _SHOWN:
                yield f"data/{split}.parquet: row {first + i + 1} [{row['sample_id']}]: {problem}"
    if shown > _SHOWN:
        yield f"data/{split}.parquet: {shown - _SHOWN:,} more rows like these"


def _row_problems(row: dict[str, Any], split: str, corpus: str) -> Iterator[str]:
    clip_id, k = row["clip_id"], row["sample_id"].rpartition("#")[2]
    if row["sample_id"] not in (clip_id, sample_id(clip_id, int(k) if k.isdigit() else 0, 2)):
        yield f"the sample id does not belong to the clip {clip_id}"
    if row["split"] != split:
        yield f"its split is {row['split']!r}"
    if row["corpus"] != corpus:
        yield f"its corpus is {row['corpus']!r}, the manifest says {corpus!r}"
    if "text" in row and source_hash(clip_id, row["text"], row["gloss"]) != row["source_hash"]:
        yield "its annotation does not have the source hash that stands beside it"
    if "words" in row and len(row["words"] or ()) != len(row["pos_tags"] or ()):
        yield "it has another number of words than of tags"
    question = row["question"]
    if question is None:
        if any(row[c] is not None for c in RELEASE_COLUMNS if c.startswith("question")):
            yield "it has no question, but says something about one"
        return
    if normalize_question(question, row["text_language"]) != row["question_normalized"]:
        yield "its normalised question is not that of its question"
    if row["question_kind"] not in KINDS or row["question_source"] not in SOURCES:
        yield f"unknown kind or source ({row['question_kind']}, {row['question_source']})"
    if row["question_leakage"] is None or not 0 <= row["question_leakage"] <= 1:
        yield f"its leakage is {row['question_leakage']}, expected 0..1"


def _rejects(dataset: Dataset) -> Iterator[str]:
    path = dataset.path / REJECTS
    counts: dict[str, int] = {}
    if not path.is_file():
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            reason = json.loads(line)["reason"]
        except (ValueError, KeyError, TypeError):
            yield f"{REJECTS}:{number}: is no reject"
            continue
        counts[reason] = counts.get(reason, 0) + 1
    if counts != dataset.manifest["rejects"]:
        yield f"{REJECTS}: its counts by reason are not those of the manifest"
