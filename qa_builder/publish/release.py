"""The folder that is published: by default without anything that belongs to the corpus's owners."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qa_builder.dataset import CARD, CONFIG, MANIFEST, REJECTS, Dataset, file_sha256
from qa_builder.errors import QbsltError, known
from qa_builder.publish.card import make_card
from qa_builder.samples import RELEASE_COLUMNS
from qa_builder.text import normalize_question

CONTENTS = ("questions", "full")
_BATCH = 8192


def make_release(
    dataset: Dataset, out: Path, content: str = "questions", licence: str | None = None
) -> dict[str, Any]:
    """Write the release of a full dataset into the folder `out`; returns the release's manifest.

    `content` is "questions" (RELEASE_COLUMNS alone) or "full" (the dataset's files as they are).
    The manifest is the dataset's, with the release's own files and a key "release": `licence` as
    named by the publisher and, for questions alone, "full" (what `full_manifest` puts back),
    "withheld" (what -> count) and "repeating_questions" (questions that hold their sentence).
    The same dataset gives the same bytes. Raises QbsltError for a dataset without its corpus text.
    """
    if content not in CONTENTS:
        raise known(content, CONTENTS, "content")
    if dataset.questions_only:
        raise QbsltError(
            "is a questions-only release already.",
            file=dataset.path,
            cure="Publish the dataset that it was made of; `qa-builder hydrate` gives it back.",
        )
    out.mkdir(parents=True, exist_ok=True)
    (out / "data").mkdir(exist_ok=True)
    manifest = {k: v for k, v in dataset.manifest.items() if k != "release"}
    release: dict[str, Any] = {"licence": licence}
    if content == "full":
        for file in manifest["files"]:
            shutil.copyfile(dataset.path / file["path"], out / file["path"])
    else:
        release |= _write_questions(dataset, out)
        manifest |= {"content": content, "files": describe_files(out, manifest["files"])}
    manifest["release"] = release
    write_manifest(out, manifest)
    return manifest


def full_manifest(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest of the dataset that a questions-only release was made of."""
    kept = {k: v for k, v in manifest.items() if k != "release"}
    return {**kept, **manifest["release"]["full"]}


def describe_files(folder: Path, files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The manifest's list of files, with the hashes and sizes of those in `folder`."""
    paths = [folder / f["path"] for f in files]
    return [
        {"path": f["path"], "sha256": file_sha256(p), "bytes": p.stat().st_size}
        for f, p in zip(files, paths, strict=True)
    ]


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write manifest.json, and the card that follows from it."""
    text = json.dumps(manifest, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    (folder / CARD).write_text(make_card(manifest), encoding="utf-8")


def _write_questions(dataset: Dataset, out: Path) -> dict[str, Any]:
    """Write the files of a questions-only release; returns its part of the manifest."""
    manifest = dataset.manifest
    replies = repeating = 0
    for split in dataset.splits:
        withheld, repeats = _write_split(dataset, split, out / "data" / f"{split}.parquet")
        replies, repeating = replies + withheld, repeating + repeats
    shutil.copyfile(dataset.path / CONFIG, out / CONFIG)
    details = _write_rejects(dataset.path / REJECTS, out / REJECTS)
    counts = {"replies of language models": replies, "details of rejected rows": details}
    return {
        "full": {"content": manifest["content"], "files": manifest["files"]},
        "withheld": {what: n for what, n in counts.items() if n},
        "repeating_questions": repeating,
    }


def _write_split(dataset: Dataset, split: str, path: Path) -> tuple[int, int]:
    """Write the release columns of one split; counts replies withheld and repeating questions."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from qa_builder.samples import arrow_schema

    schema = pa.schema([arrow_schema().field(name) for name in RELEASE_COLUMNS])
    replies = repeating = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in dataset.batches(split, [*RELEASE_COLUMNS, "text"], _BATCH):
            repeating += sum(_repeats(batch))
            columns = {name: batch.column(name) for name in RELEASE_COLUMNS}
            provenance = columns["question_provenance"]
            columns["question_provenance"], n = _without_replies(provenance)
            replies += n
            writer.write_batch(pa.record_batch(list(columns.values()), schema=schema))
    return replies, repeating


def _repeats(batch: Any) -> Iterator[bool]:
    names = ("question", "text", "text_language")
    for question, text, language in zip(*(batch.column(n).to_pylist() for n in names), strict=True):
        sentence = normalize_question(text, language)
        yield bool(question and sentence) and sentence in normalize_question(question, language)


def _without_replies(provenance: Any) -> tuple[Any, int]:
    """Provenance without the raw replies of language models, which may quote the sentence."""
    import pyarrow as pa

    index = provenance.type.get_field_index("raw_reply")
    replies = provenance.field(index)
    n = len(replies) - replies.null_count
    if not n:
        return provenance, 0
    children = [provenance.field(i) for i in range(provenance.type.num_fields)]
    children[index] = pa.nulls(len(replies), replies.type)
    fields = list(provenance.type)
    mask = provenance.is_null()
    return pa.StructArray.from_arrays(children, fields=fields, mask=mask), n


def _write_rejects(source: Path, path: Path) -> int:
    """Write the rejects without their details, which may quote a sentence; counts those left out."""
    withheld = 0
    with source.open(encoding="utf-8") as lines, path.open("w", encoding="utf-8") as out:
        for line in lines:
            row = json.loads(line)
            if row.get("detail"):
                row, withheld = {**row, "detail": ""}, withheld + 1
                line = json.dumps(row, ensure_ascii=False) + "\n"
            out.write(line)
    return withheld
