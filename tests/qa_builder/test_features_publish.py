"""Features as Parquet and on the Hub: behind the same gate as the corpus's text."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from feature_stores import embedding_store, landmark_store, simulated_store
from hub_double import TOKEN, Hub, hub_double

from qa_builder.cli import main
from qa_builder.errors import FindingError, QbsltError
from qa_builder.features.card import make_store_card
from qa_builder.features.parquet import export_store
from qa_builder.features.store import FeatureStore
from qa_builder.publish.hub import push

RIGHT: dict[str, Any] = {"content": "full", "rights": True, "licence": "cc-by-nc-sa-4.0"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    return embedding_store(tmp_path_factory.mktemp("publish") / "store")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with hub_double() as double:
        double.login(monkeypatch)
        yield double


def loaded(path: str, cache: Path, split: str) -> list[dict[str, Any]]:
    from datasets import load_dataset

    return list(load_dataset(path, split=split, cache_dir=str(cache)))


def check(rows: list[dict[str, Any]], store: FeatureStore, split: str) -> None:
    assert [r["clip_id"] for r in rows] == [r.clip_id for r in store.rows() if r.split == split]
    for row in rows:
        features = np.array(row["features"], np.float16).reshape(row["n_frames"], *store.shape)
        assert np.array_equal(features, store[row["clip_id"]], equal_nan=True)
        assert {k: v for k, v in row.items() if k != "features"} == \
            store.row(row["clip_id"])._asdict()  # fmt: skip


def test_parquet_is_the_store_and_loads(store: FeatureStore, tmp_path: Path) -> None:
    for name in ("one", "two"):
        args = ["export", str(store.path), "--to", "parquet", "--out", str(tmp_path / name)]
        result = CliRunner().invoke(main, args)
        assert result.exit_code == 0, result.output
    assert "train.parquet (9 rows)" in result.output
    files = {p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file()}
    assert {str(f) for f in files} == {
        "README.md", "manifest.json", "data/train.parquet", "data/dev.parquet",
    }  # fmt: skip
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    column = pq.read_schema(tmp_path / "one/data/train.parquet").field("features")
    assert str(column.type) in ("list<element: halffloat>", "list<item: halffloat>")
    for split in ("train", "dev"):
        check(loaded(str(tmp_path / "one"), tmp_path / "cache", split), store, split)
    with pytest.raises(QbsltError, match="holds files already"):
        export_store(store, "parquet", tmp_path / "one")
    with pytest.raises(QbsltError, match="known are: parquet"):
        export_store(store, "csv", tmp_path / "three")


def test_published_features_are_not_taken_for_a_dataset(
    store: FeatureStore, tmp_path: Path
) -> None:
    out = ["--to", "parquet", "--out", str(tmp_path / "out")]
    assert CliRunner().invoke(main, ["export", str(store.path), *out]).exit_code == 0
    for command in (["verify"], ["stats"]):
        result = CliRunner().invoke(main, [*command, str(tmp_path / "out")])
        assert result.exit_code == 2
        assert "out: holds sign features as Parquet, no dataset. Name the folder" in result.output


def test_the_card_comes_from_the_manifest_alone(store: FeatureStore, tmp_path: Path) -> None:
    export_store(store, "parquet", tmp_path / "out")
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    card = (tmp_path / "out/README.md").read_text()
    assert make_store_card(manifest) == card
    assert "| train | 9 | 108 |" in card and "license_name: cc-by-nc-sa-3.0" in card
    assert "Extraction failed for 1 of the dataset's clips" in card
    assert "Frames that could not be read, and are NaN: 6" in card
    assert "Not to be published without the right" in card and "Simulated" not in card
    points = landmark_store(tmp_path / "landmarks")
    export_store(points, "parquet", tmp_path / "points")
    assert (
        "75 x 4 (x, y, z, visibility of each point" in (tmp_path / "points/README.md").read_text()
    )


def test_simulated_is_in_the_first_line(tmp_path: Path) -> None:
    export_store(simulated_store(tmp_path / "store"), "parquet", tmp_path / "out")
    body = (tmp_path / "out/README.md").read_text().split("---\n", 2)[2].strip()
    assert body.splitlines()[0] == "# Simulated features of small-qa (simulated)"
    assert "no video was looked at" in body and "made from the annotation" in body


@pytest.mark.parametrize(
    "options",
    [{}, {"content": "full"}, {"content": "full", "rights": True},
     {"content": "full", "licence": "cc-by-4.0"}, {"rights": True, "licence": "cc-by-4.0"}],
)  # fmt: skip
def test_the_rights_gate(store: FeatureStore, hub: Hub, options: dict[str, Any]) -> None:
    with pytest.raises(QbsltError, match=r"made from the corpus's videos.*--i-hold-the-rights"):
        push(store.path, "someone/features", **options)
    assert hub.log == []


def test_simulated_features_pass_the_same_gate(tmp_path: Path, hub: Hub) -> None:
    path = simulated_store(tmp_path / "store").path
    result = CliRunner().invoke(main, ["push-to-hub", str(path), "someone/features"])
    assert result.exit_code == 2 and "simulated ones from its annotation" in result.stderr
    assert hub.log == []


def test_pushed_features_load_from_the_hub(store: FeatureStore, hub: Hub, tmp_path: Path) -> None:
    lines: list[str] = []
    done = push(store.path, "someone/features", **RIGHT, echo=lines.append)
    repo = hub.repos["someone/features"]
    assert repo.private and {f.path for f in done.files} <= repo.files.keys()
    assert "the hashes of all agree" in lines[-1]
    manifest = json.loads(repo.files["manifest.json"])
    assert manifest["release"] == {"licence": "cc-by-nc-sa-4.0"}
    assert manifest["store"]["fingerprint"] == store.manifest["fingerprint"]
    assert b"Published under: cc-by-nc-sa-4.0" in repo.files["README.md"]
    env = {**os.environ, "HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1",
           "HF_HOME": str(tmp_path / "home")}  # fmt: skip
    load = ("import datasets, sys; d = datasets.load_dataset('someone/features', split='dev')\n"
            "d.save_to_disk(sys.argv[1])")  # fmt: skip
    subprocess.run([sys.executable, "-c", load, str(tmp_path / "dev")], env=env, check=True)
    from datasets import load_from_disk

    check(list(load_from_disk(str(tmp_path / "dev"))), store, "dev")
    assert push(store.path, "someone/features", **RIGHT).sent == ()


def test_a_store_with_findings_is_not_published(tmp_path: Path, hub: Hub) -> None:
    path = embedding_store(tmp_path / "store").path
    data = bytearray((path / "data/00000.arrow").read_bytes())
    data[len(data) // 2] ^= 1
    (path / "data/00000.arrow").write_bytes(data)
    with pytest.raises(FindingError, match="its sha256"):
        push(path, "someone/features", **RIGHT)
    assert hub.log == []
