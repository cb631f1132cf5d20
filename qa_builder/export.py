"""Write a built dataset in another format: one file a split, into a new folder, all or nothing."""

from __future__ import annotations

import gzip
import json
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_builder.atomic import new_folder
from qa_builder.errors import QbsltError, known
from qa_builder.samples import KINDS, SPLITS

if TYPE_CHECKING:
    import pyarrow as pa

    from qa_builder.dataset import Dataset

LABEL_CONFIG = "label-config.xml"
Written = tuple[Path, int]  # a file and its rows; 0 of a file that holds none


def export(dataset: Dataset, format: str, out: Path) -> list[Written]:
    """Write every split of a dataset into the folder `out` as one of FORMATS.

    Raises QbsltError for an unknown format, for an `out` that holds something, and for a release
    without corpus text where the format needs it. Equal datasets give equal bytes.
    """
    if format not in FORMATS:
        raise known(format, FORMATS, "export format")
    if dataset.questions_only and format in _NEED_TEXT:
        raise QbsltError(
            f"this release holds no corpus text, which {format} needs.", file=dataset.path,
            cure="Join it with a local copy of the corpus first: `qa-builder hydrate`.",
        )  # fmt: skip
    check_free(out)
    with new_folder(out) as folder:
        written = list(FORMATS[format](dataset, folder))
    return [(out / file.name, rows) for file, rows in written]


def check_free(out: Path) -> None:
    """Raise QbsltError for an `out` that is there and holds something."""
    if out.exists() and not out.is_dir():
        raise QbsltError("is a file, not a folder.", file=out, cure="Choose another --out.")
    if out.is_dir() and any(out.iterdir()):
        raise QbsltError("holds files already.", file=out, cure="Name a new folder with --out.")


def _splits(dataset: Dataset) -> list[str]:
    return [s for s in SPLITS if s in dataset.splits]


def _rows(dataset: Dataset, split: str) -> Iterator[dict[str, Any]]:
    for batch in dataset.batches(split):
        yield from _short_floats(batch).to_pylist()


def _short_floats(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch whose 32-bit leakage reads 0.8 instead of 0.800000011920929."""
    import pyarrow as pa

    i = batch.schema.get_field_index("question_leakage")
    if i < 0:
        return batch
    short = batch.column(i).cast(pa.string()).cast(pa.float64())
    return batch.set_column(i, pa.field("question_leakage", pa.float64()), short)


def _jsonl(dataset: Dataset, folder: Path) -> Iterator[Written]:
    """One JSON object a row, with every column in its own type."""
    for split in _splits(dataset):
        n, file = 0, folder / f"{split}.jsonl"
        with file.open("w", encoding="utf-8") as f:
            for row in _rows(dataset, split):
                f.write(json.dumps(row, ensure_ascii=False) + "\n")
                n += 1
        yield file, n


def _delimited(delimiter: str, ending: str) -> Callable[[Dataset, Path], Iterator[Written]]:
    """Tables with all columns, lists and structures as JSON; what is missing is an empty field."""

    def write(dataset: Dataset, folder: Path) -> Iterator[Written]:
        from pyarrow.csv import CSVWriter, WriteOptions

        for split in _splits(dataset):
            n, file, writer = 0, folder / f"{split}.{ending}", None
            options = WriteOptions(delimiter=delimiter, quoting_style="needed")
            for batch in map(_flat, dataset.batches(split)):
                writer = writer or CSVWriter(file, batch.schema, write_options=options)
                writer.write_batch(batch)
                n += len(batch)
            if writer:
                writer.close()
            yield file, n

    return write


def _flat(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch whose nested columns are JSON strings."""
    import pyarrow as pa

    def flat(column: pa.Array) -> pa.Array:
        if not pa.types.is_nested(column.type):
            return column
        texts = [None if v is None else json.dumps(v, ensure_ascii=False)
                 for v in column.to_pylist()]  # fmt: skip
        return pa.array(texts, pa.string())

    return pa.record_batch([flat(c) for c in batch.columns], names=batch.schema.names)


_SHOWN = ("sample_id", "clip_id", "split", "signer", "frames", "gloss", "text")


def _labelstudio(dataset: Dataset, folder: Path) -> Iterator[Written]:
    """Label Studio tasks, the question and its kind as predictions to be corrected by people."""
    for split in _splits(dataset):
        n, file = 0, folder / f"{split}.json"
        with file.open("w", encoding="utf-8") as f:
            for row in _rows(dataset, split):
                f.write(("[\n" if n == 0 else ",\n") + json.dumps(_task(row), ensure_ascii=False))
                n += 1
            f.write("\n]\n")
        yield file, n
    config = folder / LABEL_CONFIG
    config.write_text(_label_config(), encoding="utf-8")
    yield config, 0


def _task(row: dict[str, Any]) -> dict[str, Any]:
    # Label Studio refuses to show a task that lacks a variable of the configuration.
    data = {name: row[name] or "" for name in _SHOWN}
    data |= {"n_frames": row["n_frames"], "leakage": row["question_leakage"]}
    if row["question"] is None:
        return {"data": data}
    result = [_result("question", "textarea", {"text": [row["question"]]})]
    if row["question_kind"]:
        result.append(_result("kind", "choices", {"choices": [row["question_kind"]]}))
    source = row["question_source"] or "unknown"
    return {"data": data, "predictions": [{"model_version": source, "result": result}]}


def _result(name: str, type_: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "from_name": name, "to_name": "text", "type": type_, "value": value}


def _label_config() -> str:
    kinds = "\n".join(f'    <Choice value="{kind}"/>' for kind in KINDS)
    return f"""\
<View>
  <Header value="Sentence"/>
  <Text name="text" value="$text"/>
  <Header value="Glosses" size="5"/>
  <Text name="gloss" value="$gloss"/>
  <Header value="Clip and frames" size="5"/>
  <Text name="clip" value="$clip_id"/>
  <Text name="frames" value="$frames"/>
  <Header value="Which question does this clip answer?"/>
  <TextArea name="question" toName="text" rows="2" maxSubmissions="1" editable="true"
            required="true" placeholder="The question must not give the sentence away."/>
  <Choices name="kind" toName="text" choice="single" showInLine="true">
{kinds}
  </Choices>
</View>
"""


def _gfslt_labels(dataset: Dataset, folder: Path) -> Iterator[Written]:
    """Gzip pickles as the GFSLT family ships them: name -> {name, gloss, text, length}.

    One entry a clip, whatever its questions. A missing gloss is an empty string; a length that the
    annotation does not tell is None. Where the frames lie as PHOENIX has them, names carry the
    split and `imgs_path` lists the frames.
    """
    columns = ("clip_id", "frames", "n_frames", "gloss", "text")
    for split in _splits(dataset):
        entries: dict[str, dict[str, Any]] = {}
        for batch in dataset.batches(split, columns):
            for row in batch.to_pylist():
                entry = _label(row, split)
                entries[entry["name"]] = entry
        file = folder / f"labels.{split}"
        with file.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as f:
            pickle.dump(entries, f, protocol=4)
        yield file, len(entries)


def _label(row: dict[str, Any], split: str) -> dict[str, Any]:
    name, length = row["clip_id"], row["n_frames"]
    like_phoenix = f"/{row['frames']}".endswith(f"/{split}/{name}/*.png")
    if like_phoenix:
        name = f"{split}/{name}"
    entry = {"name": name, "gloss": row["gloss"] or "", "text": row["text"], "length": length}
    if like_phoenix and length:
        entry["imgs_path"] = [f"{name}/images{i:04d}.png" for i in range(1, length + 1)]
    return entry


_NEED_TEXT = ("labelstudio", "gfslt-labels")
FORMATS: dict[str, Callable[[Dataset, Path], Iterator[Written]]] = {
    "jsonl": _jsonl, "csv": _delimited(",", "csv"), "tsv": _delimited("\t", "tsv"),
    "labelstudio": _labelstudio, "gfslt-labels": _gfslt_labels,
}  # fmt: skip
