"""The folder that is published: by default without anything that belongs to the corpus's owners."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_builder.build import list_files, write_manifest
from qa_builder.dataset import CONFIG, REJECTS, Dataset
from qa_builder.errors import QbsltError, known
from qa_builder.samples import RELEASE_COLUMNS, arrow_schema
from qa_builder.text import normalize_question

if TYPE_CHECKING:
    import pyarrow as pa

CONTENTS = ("questions", "full")


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
    (out / "data").mkdir(parents=True)
    manifest = {k: v for k, v in dataset.manifest.items() if k != "release"}
    release: dict[str, Any] = {"licence": licence}
    if content == "full":
        for file in manifest["files"]:
            shutil.copyfile(dataset.path / file["path"], out / file["path"])
    else:
        release |= _write_questions(dataset, out)
        manifest |= {"content": content, "files": list_files(out)}
    manifest["release"] = release
    write_manifest(out, manifest)
    return manifest


def full_manifest(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest of the dataset that a questions-only release was made of."""
    kept = {k: v for k, v in manifest.items() if k != "release"}
    return {**kept, **manifest["release"]["full"]}


def _write_questions(dataset: Dataset, out: Path) -> dict[str, Any]:
    """Write the files of a questions-only release; returns its part of the manifest."""
    manifest = dataset.manifest
    replies = repeating = 0
    for split in dataset.splits:
        withheld, repeats = _write_split(dataset.parquet(split), out / "data" / f"{split}.parquet")
        replies, repeating = replies + withheld, repeating + repeats
    shutil.copyfile(dataset.path / CONFIG, out / CONFIG)
    rejects = _write_rejects(dataset.path / REJECTS, out / REJECTS)
    counts = {"replies of language models": replies, "details of rejected rows": rejects}
    return {
        "full": {"content": manifest["content"], "files": manifest["files"]},
        "withheld": {what: n for what, n in counts.items() if n},
        "repeating_questions": repeating,
    }


def _write_split(source: Path, path: Path) -> tuple[int, int]:
    """Write the release columns of one split; counts replies withheld and repeating questions.

    The row groups are those of the source, so that `hydrate` can write the same file again.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([arrow_schema().field(name) for name in RELEASE_COLUMNS])
    replies = repeating = 0
    with pq.ParquetFile(source) as file, pq.ParquetWriter(path, schema, **_FORMAT) as writer:
        for i in range(file.num_row_groups):
            rows = file.read_row_group(i, [*RELEASE_COLUMNS, "text"]).combine_chunks()
            repeating += sum(_repeats(rows))
            made_by, withheld = _without_replies(rows["question_provenance"].chunk(0))
            replies += withheld
            columns = [made_by if n == "question_provenance" else rows[n] for n in RELEASE_COLUMNS]
            writer.write_table(pa.table(columns, schema=schema))
    return replies, repeating


def _repeats(rows: pa.Table) -> Iterator[bool]:
    """Of each row, whether its question holds its whole sentence."""
    names = ("question_normalized", "text", "text_language")
    for question, text, language in zip(*(rows[n].to_pylist() for n in names), strict=True):
        sentence = normalize_question(text, language)
        yield bool(question and sentence) and sentence in question


def _without_replies(made_by: pa.StructArray) -> tuple[pa.StructArray, int]:
    """Provenance without the raw replies of language models, which may quote the sentence."""
    import pyarrow as pa

    fields = list(made_by.type)
    children = {f.name: made_by.field(f.name) for f in fields}
    replies = children["raw_reply"]
    children["raw_reply"] = pa.nulls(len(made_by), replies.type)
    bare = pa.StructArray.from_arrays(
        list(children.values()), fields=fields, mask=made_by.is_null()
    )
    return bare, len(replies) - replies.null_count


def _write_rejects(source: Path, path: Path) -> int:
    """Write the rejects without what may quote a sentence of the corpus; counts those cut."""
    cut = 0
    lines = []
    for line in source.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        bare = {
            **row,
            "id": row["id"] if row["id"] and _ID.fullmatch(row["id"]) else None,
            "detail": "" if _QUOTATION.search(row["detail"]) else row["detail"],
        }
        cut += bare != row
        lines.append(json.dumps(bare, ensure_ascii=False) + "\n")
    path.write_text("".join(lines), encoding="utf-8")
    return cut


_ID = re.compile(r"[!-~]+")  # not of several words, as a sentence in a file's wrong column
_QUOTATION = re.compile(r"[^ -~]|[\"'`]")  # qbslt's own words have neither

_FORMAT = {"compression": "zstd", "version": "2.6", "write_statistics": ["sample_id", "clip_id"]}
