"""`qa-builder verify STORE` finds whatever was changed in a store after it was written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from feature_stores import FAILS, embedding_store, landmark_store, simulated_store

from qa_builder.cli import main
from qa_builder.dataset import file_sha256
from qa_builder.errors import QbsltError
from qa_builder.features.manifest import config_hash, run_key, store_fingerprint
from qa_builder.features.store import open_store
from qa_builder.verify import verify

DATA = "data/00000.arrow"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return embedding_store(tmp_path_factory.mktemp("verify") / "store").path


@pytest.fixture
def store(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "store"))


def edit(store: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = store / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


def rewrite(store: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Write other rows, and a manifest that has their sha256."""
    path = store / DATA
    with pa.ipc.open_file(path) as file:
        table = change(file.read_all())
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)

    def sign(manifest: dict[str, Any]) -> None:
        manifest["files"] = [{"path": DATA, "bytes": path.stat().st_size,
                              "sha256": file_sha256(path)}]  # fmt: skip
        manifest["fingerprint"] = store_fingerprint(manifest["files"])

    edit(store, sign)


def with_column(table: pa.Table, name: str, values: list[Any]) -> pa.Table:
    i = table.schema.get_field_index(name)
    return table.set_column(i, table.schema.field(i), pa.array(values, table.schema.field(i).type))


def test_stores_as_written_are_sound(whole: Path, tmp_path: Path) -> None:
    assert verify(whole) == []
    assert verify(landmark_store(tmp_path / "landmarks").path) == []
    assert verify(simulated_store(tmp_path / "simulated").path) == []
    result = CliRunner().invoke(main, ["verify", str(whole)])
    assert result.exit_code == 0 and "nothing to complain of" in result.output


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
def test_a_flipped_byte(store: Path, at: float) -> None:
    data = bytearray((store / DATA).read_bytes())
    data[int(at * len(data))] ^= 1
    (store / DATA).write_bytes(data)
    assert f"{DATA}: its sha256 is not that of the manifest" in verify(store)
    assert CliRunner().invoke(main, ["verify", str(store)]).exit_code == 1


def test_offsets_that_lead_out_of_the_file_are_told_and_not_followed(store: Path) -> None:
    data = bytearray((store / DATA).read_bytes())
    with pa.ipc.open_file(pa.BufferReader(bytes(data))) as file:
        ends = file.get_batch(0).column("clip_id").buffers()[1].to_pybytes()
    at = data.index(ends)
    data[at + 7] ^= 0x40  # the first id would end a gigabyte from here
    (store / DATA).write_bytes(data)
    with pytest.raises(QbsltError, match="cannot be read as Arrow"):
        open_store(store)
    assert verify(store) == [f"{DATA}: its sha256 is not that of the manifest"]


def test_files_that_are_cut_missing_or_too_many(store: Path) -> None:
    (store / "notes.txt").write_text("x")
    (store / ".lock").write_text("x")
    assert verify(store) == ["notes.txt: is not in the manifest"]
    (store / DATA).write_bytes((store / DATA).read_bytes()[:-100])
    found = verify(store)
    assert len(found) == 2 and any("bytes, the manifest says" in f for f in found)
    with pytest.raises(QbsltError, match="cannot be read as Arrow"):
        open_store(store)
    (store / DATA).unlink()
    assert f"{DATA}: is missing" in verify(store)


def test_a_dropped_row(store: Path) -> None:
    before = (store / "manifest.json").read_bytes()
    rewrite(store, lambda t: t.slice(1))
    found = verify(store)
    assert any("says 10 clips, the files hold 9" in f for f in found)
    assert any("frames, the files hold" in f for f in found)
    (store / "manifest.json").write_bytes(before)
    assert any("sha256" in f or "bytes" in f for f in verify(store))


def test_two_swapped_ids(store: Path) -> None:
    before = (store / "manifest.json").read_bytes()

    def swap(table: pa.Table) -> pa.Table:
        ids = table["clip_id"].to_pylist()
        return with_column(table, "clip_id", [ids[1], ids[0], *ids[2:]])

    rewrite(store, swap)
    (store / "manifest.json").write_bytes(before)
    assert verify(store) == [f"{DATA}: its sha256 is not that of the manifest"]


def test_rows_that_cannot_be(store: Path) -> None:
    def change(table: pa.Table) -> pa.Table:
        ids = table["clip_id"].to_pylist()
        table = with_column(table, "clip_id", [ids[1], *ids[1:-1], FAILS])
        table = with_column(table, "split", ["train", "train", "val", *["train"] * 7])
        lengths = table["n_frames"].to_pylist()
        table = with_column(table, "n_frames", [*lengths[:3], lengths[3] + 1, *lengths[4:]])
        features = table["features"].to_pylist()
        features[6] = [np.float16(np.nan)] * len(features[6])
        features[7][5] = np.float16(np.inf)
        table = with_column(table, "features", features)
        return with_column(table, "bad_frames", [0] * 8 + [2, 0])

    rewrite(store, change)
    found = "\n".join(verify(store))
    assert "[train/1]: the clip is there already" in found
    assert "[train/2]: unknown split 'val'" in found
    assert "[train/3]: has 66 values, expected 12 frames of 6" in found
    assert "[train/6]: holds nothing but NaN" in found
    assert "[train/7]: holds infinite values" in found
    assert f"{DATA}: 2 more rows like these" in found


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda m: m["config"].update(model="other"), "the hash of the settings"),
        (lambda m: m.update(version="2"), "its key is not that of"),
        (lambda m: m.update(fingerprint="0" * 64), "the fingerprint of the store"),
        (lambda m: m.update(extractor="simulated"), "and simulated is False"),
        (lambda m: m.update(shape=[3, 2]), "its key is not"),
        (lambda m: m.update(points=["a", "b"], channels=["x"]), "2 points of 1 channels"),
        (lambda m: m.update(bad_frames=99), "says 99 bad_frames, the files hold 6"),
        (lambda m: m.update(fps="50"), "says 50 fps"),
        (lambda m: m.update(dtype="float32"), "expected float16"),
        (lambda m: m["failures"].append({"clip_id": "train/0", "reason": ""}), "[train/0]"),
        (lambda m: m["differing"].append({"clip_id": "x", "expected": 1, "found": 2}), "[x]"),
    ],
)
def test_a_manifest_that_was_changed(store: Path, change: Any, finding: str) -> None:
    edit(store, change)
    assert any(finding in f for f in verify(store))


def test_the_label_simulated_cannot_be_taken_off(tmp_path: Path) -> None:
    store = simulated_store(tmp_path / "store").path
    edit(store, lambda m: m.update(simulated=False, extractor="frames"))
    assert any("its key" in f for f in verify(store))


def test_what_is_no_manifest(store: Path) -> None:
    edit(store, lambda m: m.pop("failures"))
    with pytest.raises(QbsltError, match=r"is not the manifest of a store \(KeyError"):
        verify(store)


def test_digests_can_be_computed_by_anybody(whole: Path) -> None:
    import hashlib

    manifest = json.loads((whole / "manifest.json").read_text())
    text = json.dumps(manifest["config"], sort_keys=True, separators=(",", ":"))
    assert manifest["config_hash"] == config_hash(manifest["config"])
    assert manifest["config_hash"] == hashlib.sha256(text.encode()).hexdigest()
    assert manifest["key"] == run_key(manifest)
