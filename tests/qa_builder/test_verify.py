"""`verify` finds whatever is changed in a built dataset, also where the hashes are made to fit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from qa_builder.cli import main
from qa_builder.dataset import file_sha256
from qa_builder.verify import verify


@pytest.fixture
def dataset(toy_phoenix: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(toy_phoenix, tmp_path / "dataset"))


def rewrite(dataset: Path, change: Callable[[pa.Table], pa.Table], split: str = "test") -> None:
    """Change the rows of a split and make the manifest's hash and size of the file fit."""
    path = dataset / f"data/{split}.parquet"
    pq.write_table(change(pq.read_table(path)), path)
    mend(dataset, path)


def mend(dataset: Path, path: Path) -> None:
    manifest = json.loads((dataset / "manifest.json").read_text(encoding="utf-8"))
    for file in manifest["files"]:
        if file["path"] == path.relative_to(dataset).as_posix():
            file |= {"sha256": file_sha256(path), "bytes": path.stat().st_size}
    save(dataset, manifest)


def save(dataset: Path, manifest: dict[str, Any]) -> None:
    text = json.dumps(manifest, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
    (dataset / "manifest.json").write_text(text, encoding="utf-8")


def set_value(column: str, row: int, value: Any) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        values = table.column(column).to_pylist()
        values[row] = value
        index = table.schema.get_field_index(column)
        field = table.schema.field(column).with_nullable(True)
        return table.set_column(index, field, pa.array(values, field.type))

    return change


def swap(column: str) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        values = table.column(column).to_pylist()
        values[0], values[1] = values[1], values[0]
        index = table.schema.get_field_index(column)
        return table.set_column(index, table.schema.field(column), pa.array(values))

    return change


def swap_ids(table: pa.Table) -> pa.Table:
    return swap("clip_id")(swap("sample_id")(table))


def test_a_sound_dataset(dataset: Path) -> None:
    assert verify(dataset) == []
    assert CliRunner().invoke(main, ["verify", str(dataset)]).exit_code == 0


@pytest.mark.parametrize("file", ["data/train.parquet", "rejects.jsonl", "config.yaml"])
def test_one_flipped_byte(dataset: Path, file: str) -> None:
    path = dataset / file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    result = CliRunner().invoke(main, ["verify", str(dataset)])
    assert result.exit_code == 1
    assert f"{file}: its sha256 is not that of the manifest" in result.output


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.slice(1), "has 19 rows, the manifest says 20"),
        (swap_ids, "does not have the source hash"),
        (swap("question"), "its normalised question is not that of its question"),
        (swap("text"), "does not have the source hash"),
        (lambda t: t.take([1, 0, *range(2, t.num_rows)]), "fingerprint of its rows"),
        (set_value("sample_id", 3, "other"), "the sample id does not belong to the clip"),
        (set_value("split", 0, "dev"), "its split is 'dev'"),
        (set_value("question_kind", 0, "riddle"), "unknown kind or source (riddle"),
        (set_value("question_leakage", 0, 1.5), "its leakage is 1.5"),
        (set_value("question", 0, None), "says something about one"),
        (lambda t: pa.concat_tables([t.slice(0, 19), t.slice(0, 1)]), "the id is in test already"),
        (lambda t: t.drop_columns(["gloss"]), "its columns are not those of schema version 1"),
        (lambda t: t.rename_columns([*t.column_names[:-1], "hash"]), "its columns are not those"),
    ],
)  # fmt: skip
def test_changed_rows_with_fitting_hashes(
    dataset: Path, change: Callable[[pa.Table], pa.Table], says: str
) -> None:
    rewrite(dataset, change)
    assert says in "\n".join(verify(dataset))


def test_missing_and_foreign_files(dataset: Path) -> None:
    (dataset / "data/dev.parquet").unlink()
    (dataset / "notes.txt").write_text("mine")
    found = "\n".join(verify(dataset))
    assert "data/dev.parquet: is missing" in found
    assert "notes.txt: is not in the manifest" in found


def test_a_file_that_is_no_parquet(dataset: Path) -> None:
    path = dataset / "data/test.parquet"
    path.write_bytes(b"PAR1 nonsense PAR1")
    mend(dataset, path)
    assert "cannot be read as Parquet" in "\n".join(verify(dataset))


def test_changed_manifest_and_card(dataset: Path) -> None:
    manifest = json.loads((dataset / "manifest.json").read_text(encoding="utf-8"))
    manifest["fingerprint"] = "0" * 64
    manifest["splits"]["dev"]["with_question"] += 1
    manifest["rejects"]["no-such-clip"] = 3
    save(dataset, manifest)
    found = "\n".join(verify(dataset))
    for says in ("README.md: is not the card", "the fingerprint of the dataset",
                 "has 16 with_question, the manifest says 17", "counts by reason"):  # fmt: skip
        assert says in found


@pytest.mark.parametrize(
    ("text", "says"),
    [("{", "is not a dataset manifest"), ("[]", "is not a dataset manifest"),
     ('{"schema_version": 99, "dataset": "x", "fingerprint": "", "splits": {}}', "version 99")],
)  # fmt: skip
def test_manifest_that_cannot_be_read(dataset: Path, text: str, says: str) -> None:
    (dataset / "manifest.json").write_text(text)
    result = CliRunner().invoke(main, ["verify", str(dataset)])
    assert result.exit_code == 2 and says in result.output and "Traceback" not in result.output


def test_no_dataset_there(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["verify", str(tmp_path / "none")])
    assert result.exit_code == 2 and "qa-builder toy" in result.output
