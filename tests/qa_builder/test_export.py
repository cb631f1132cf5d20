"""Exports are read back with other readers, and hold what the dataset holds."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from small_dataset import small_dataset

from qa_builder.build import build
from qa_builder.cli import main
from qa_builder.config import BuildConfig
from qa_builder.corpora import open_labels, open_table
from qa_builder.corpora.base import Notes
from qa_builder.corpora.labels import Labels
from qa_builder.corpora.safe_pickle import load_plain
from qa_builder.dataset import Dataset, open_dataset
from qa_builder.errors import QbsltError
from qa_builder.export import FORMATS, LABEL_CONFIG, export
from qa_builder.publish.release import make_release
from qa_builder.questions import open_source
from qa_builder.samples import KINDS, SPLITS, arrow_schema

AWKWARD = 'er sagte: "ja",\tdann\r\nnein; und\rdoch'


def awkward(folder: Path) -> Path:
    """A dataset of one clip whose sentence and question hold every delimiter."""
    row = {
        "id": "a",
        "split": "train",
        "text": AWKWARD,
        "gloss": "A",
        "question": f"Wer {AWKWARD}?",
    }
    (folder / "own.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    return rebuild([folder / "own.jsonl"], folder / "own-qa", "de")


def rebuild(files: list[Path], out: Path, language: str) -> Path:
    config = BuildConfig(corpus="table", language=language)
    corpus = open_table(config, files)
    build(config, corpus, open_source(config, corpus), out)
    return out


def columns(dataset: Dataset, *names: str) -> dict[str, dict[str, list[Any]]]:
    return {s: dataset.columns(s, names) for s in dataset.splits}


@pytest.mark.parametrize("format", ["jsonl", "csv", "tsv"])
@pytest.mark.parametrize("which", ["toy_phoenix", "toy_csl", "awkward"])
def test_tables_make_the_same_dataset_again(
    format: str, which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    path = awkward(tmp_path) if which == "awkward" else request.getfixturevalue(which)
    dataset = open_dataset(path)
    written = export(dataset, format, tmp_path / "out")
    assert [f.name for f, _ in written] == [f"{s}.{format}" for s in SPLITS if s in dataset.splits]
    assert [n for _, n in written] == [
        dataset.manifest["splits"][f.stem]["rows"] for f, _ in written
    ]
    language = dataset.manifest["corpus"]["text_language"]
    again = open_dataset(rebuild([f for f, _ in written], tmp_path / "again", language))
    kept = ("sample_id", "clip_id", "split", "signer", "frames", "n_frames", "text", "gloss",
            "question", "question_normalized", "question_kind", "question_leakage")  # fmt: skip
    assert columns(again, *kept) == columns(dataset, *kept)


def test_jsonl_keeps_every_column_and_type(toy_csl: Path, tmp_path: Path) -> None:
    dataset = open_dataset(toy_csl)
    export(dataset, "jsonl", tmp_path / "out")
    lines = (tmp_path / "out" / "dev.jsonl").read_text(encoding="utf-8").splitlines()
    rows, truth = [json.loads(line) for line in lines], dataset.table("dev").to_pylist()
    assert list(rows[0]) == arrow_schema().names
    for row, true in zip(rows, truth, strict=True):
        leakage, true_leakage = row.pop("question_leakage"), true.pop("question_leakage")
        assert row == true and leakage == pytest.approx(true_leakage, abs=1e-6)
        assert len(str(leakage)) < 12  # 0.8, not 0.800000011920929


def test_nested_columns_of_tables_are_json(toy_csl: Path, tmp_path: Path) -> None:
    import pandas as pd

    dataset = open_dataset(toy_csl)
    export(dataset, "tsv", tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "dev.tsv", sep="\t", dtype=str)
    assert list(table.columns) == arrow_schema().names
    truth = dataset.columns("dev", ["words", "question_provenance"])
    assert [json.loads(w) for w in table["words"]] == truth["words"]
    made_by = [
        None if isinstance(v, float) else json.loads(v) for v in table["question_provenance"]
    ]
    assert made_by == truth["question_provenance"]


def test_labelstudio_tasks_fit_their_configuration(tmp_path: Path) -> None:
    dataset = open_dataset(small_dataset(tmp_path / "small"))
    written = export(dataset, "labelstudio", tmp_path / "out")
    assert written[-1] == (tmp_path / "out" / LABEL_CONFIG, 0)
    config = ET.parse(tmp_path / "out" / LABEL_CONFIG).getroot()
    controls = {e.get("name"): e for e in config.iter() if e.get("toName")}
    objects = {e.get("name"): e.get("value") for e in config.iter("Text")}
    assert [c.get("value") for c in controls["kind"]] == list(KINDS)
    assert {c.get("toName") for c in controls.values()} <= set(objects)
    tasks = json.loads((tmp_path / "out" / "dev.json").read_text(encoding="utf-8"))
    truth = dataset.table("dev").to_pylist()
    for task, true in zip(tasks, truth, strict=True):
        assert all(isinstance(task["data"][str(v)[1:]], str) for v in objects.values())
        assert task["data"]["text"] == true["text"]
        assert task["data"]["sample_id"] == true["sample_id"]
        said = {r["from_name"]: r for p in task.get("predictions", ()) for r in p["result"]}
        assert set(said) <= set(controls)
        assert {r["type"] for r in said.values()} <= {c.tag.lower() for c in controls.values()}
        asked = said["question"]["value"]["text"] if said else [None]
        assert asked == [true["question"]]


@pytest.mark.parametrize("which", ["toy_phoenix", "toy_csl"])
def test_gfslt_labels_read_back(which: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    dataset = open_dataset(request.getfixturevalue(which))
    for name in ("one", "two"):
        export(dataset, "gfslt-labels", tmp_path / name)
    for batch in Labels(tmp_path / "one").read(Notes()):
        truth = dataset.columns(batch.split, ["clip_id", "text", "gloss", "n_frames"])
        read = (batch.clip_id, batch.text, batch.gloss, batch.n_frames)
        assert read == tuple(truth.values())
        file = f"labels.{batch.split}"
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    first = next(iter(load_plain(tmp_path / "one" / "labels.dev").values()))
    assert first["name"].startswith("dev/") == (which == "toy_phoenix")


def test_gfslt_labels_have_one_entry_a_clip(tmp_path: Path) -> None:
    dataset = open_dataset(small_dataset(tmp_path / "small"))
    written = export(dataset, "gfslt-labels", tmp_path / "out")
    assert [n for _, n in written] == [3, 3, 3]
    assert list(load_plain(written[0][0])) == ["train-0", "train-1", "train-2"]


def test_an_unknown_format_names_the_known_ones(toy_phoenix: Path, tmp_path: Path) -> None:
    given = ["export", str(toy_phoenix), "--to", "xlsx", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(main, given)
    assert result.exit_code == 2 and all(format in result.output for format in FORMATS)
    assert not (tmp_path / "out").exists()


def test_an_export_replaces_nothing(toy_phoenix: Path, tmp_path: Path) -> None:
    dataset, out = open_dataset(toy_phoenix), tmp_path / "out"
    out.mkdir()
    export(dataset, "csv", out)  # an empty folder will do
    before = {f.name: f.read_bytes() for f in out.iterdir()}
    for taken in (out, out / "dev.csv"):
        with pytest.raises(QbsltError):
            export(dataset, "jsonl", taken)
    assert {f.name: f.read_bytes() for f in out.iterdir()} == before


def test_an_export_that_fails_leaves_nothing(tmp_path: Path) -> None:
    dataset = open_dataset(small_dataset(tmp_path / "small"))
    dataset.parquet("test").unlink()  # the last split to be written
    with pytest.raises(QbsltError, match="missing"):
        export(dataset, "jsonl", tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["small"]


def test_a_release_without_text_has_no_labels_to_export(toy_csl: Path, tmp_path: Path) -> None:
    make_release(open_dataset(toy_csl), tmp_path / "release")
    release = open_dataset(tmp_path / "release")
    for format in ("labelstudio", "gfslt-labels"):
        with pytest.raises(QbsltError, match="hydrate"):
            export(release, format, tmp_path / "out")
    export(release, "jsonl", tmp_path / "out")
    row = json.loads((tmp_path / "out" / "dev.jsonl").open(encoding="utf-8").readline())
    assert row["question"] and "text" not in row


@pytest.mark.parametrize("corpus", ["phoenix", "csl-daily"])
def test_released_labels_come_out_as_they_went_in(
    shared: Path, corpus: str, tmp_path: Path
) -> None:
    root = shared / "gfslt-labels" / corpus
    config, labels = BuildConfig(corpus="labels"), open_labels(root, None)
    build(config, labels, open_source(config, labels), tmp_path / "qa")
    export(open_dataset(tmp_path / "qa"), "gfslt-labels", tmp_path / "out")
    for split in SPLITS:
        file = f"labels.{split}"
        assert load_plain(tmp_path / "out" / file) == load_plain(root / file)
