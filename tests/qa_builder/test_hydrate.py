"""A release and a local corpus give the dataset that the release was made of."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpus_files import built, phoenix_row, write_labels, write_phoenix
from hub_double import TOKEN, Hub, hub_double
from small_dataset import INFO, TEXTS, SmallCorpus, small_dataset
from toy_dataset import toy_dataset, toy_root

from qa_builder.corpora.base import ClipBatch, Notes
from qa_builder.dataset import file_sha256, open_dataset
from qa_builder.errors import FindingError, QbsltError
from qa_builder.publish.hub import push
from qa_builder.publish.hydrate import hydrate
from qa_builder.publish.release import make_release
from qa_builder.verify import verify


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return small_dataset(tmp_path / "small")


@pytest.fixture
def release(dataset: Path, tmp_path: Path) -> Path:
    make_release(open_dataset(dataset), tmp_path / "release")
    return tmp_path / "release"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with hub_double() as double:
        double.login(monkeypatch)
        yield double


def test_equal_to_the_original(release: Path, dataset: Path, tmp_path: Path) -> None:
    result = hydrate(str(release), out=tmp_path / "out", corpus=SmallCorpus(tmp_path))
    assert files(tmp_path / "out") == files(dataset)
    assert result.manifest == open_dataset(dataset).manifest
    assert not result.left_out
    assert not result.notes


@pytest.mark.parametrize("corpus", ["phoenix", "csl-daily"])
def test_toy_over_the_hub(hub: Hub, corpus: str, tmp_path: Path) -> None:
    dataset = toy_dataset(corpus, tmp_path)
    push(dataset, "me/toy")
    elsewhere = toy_root(corpus, tmp_path / "elsewhere")
    result = hydrate("me/toy", root=str(elsewhere), out=tmp_path / "out")
    ours, original = files(tmp_path / "out"), files(dataset)
    for name in ("data/train.parquet", "data/dev.parquet", "data/test.parquet", "config.yaml"):
        assert ours[name] == original[name]
    assert result.manifest["fingerprint"] == open_dataset(dataset).fingerprint
    assert not verify(tmp_path / "out")
    # All is equal but the details of rejects that quote sentences, which were not published.
    withheld = hub.repos["me/toy"].files["rejects.jsonl"] != original["rejects.jsonl"]
    assert bool(result.notes) == withheld
    assert withheld or ours == original


def test_revision_of_the_repository(hub: Hub, release: Path, dataset: Path, tmp_path: Path) -> None:
    push(dataset, "me/small")
    first = hub.repos["me/small"].head
    hub.repos["me/small"].commit({})
    hydrate("me/small", revision=first, out=tmp_path / "out", corpus=SmallCorpus(tmp_path))
    assert files(tmp_path / "out") == files(dataset)
    with pytest.raises(QbsltError, match="a folder has no revision"):
        hydrate(str(release), revision=first, out=tmp_path / "no", corpus=SmallCorpus(tmp_path))


def test_order_of_the_corpus_does_not_matter(release: Path, dataset: Path, tmp_path: Path) -> None:
    class Backwards(SmallCorpus):
        def read(self, notes: Notes) -> Iterator[ClipBatch]:
            yield from reversed(list(super().read(notes)))

    hydrate(str(release), out=tmp_path / "out", corpus=Backwards(tmp_path))
    assert files(tmp_path / "out") == files(dataset)


def test_other_revision_and_missing_clips_are_told(release: Path, tmp_path: Path) -> None:
    other = SmallCorpus(tmp_path, (TEXTS[0] + " .", TEXTS[1]))
    with pytest.raises(FindingError) as error:
        hydrate(str(release), out=tmp_path / "out", corpus=other)
    assert "lacks the clips of 3 rows of the release (" in str(error.value)
    assert "annotates otherwise 3 rows of the release (" in str(error.value)
    for id in ("train-2", "dev-2", "test-2", "train-0", "dev-0", "test-0"):
        assert id in str(error.value)
    assert not (tmp_path / "out").exists()


def test_allow_missing_keeps_the_rest(release: Path, dataset: Path, tmp_path: Path) -> None:
    other = SmallCorpus(tmp_path, (TEXTS[0] + " .", TEXTS[1]))
    result = hydrate(str(release), out=tmp_path / "out", corpus=other, allow_missing=True)
    made = open_dataset(tmp_path / "out")
    assert sorted(result.left_out) == [f"{s}-{i}" for s in ("dev", "test", "train") for i in (0, 2)]
    original = open_dataset(dataset)
    for split in ("train", "dev", "test"):
        assert made.table(split).to_pylist() == original.table(split).to_pylist()[1:3]
        assert made.manifest["splits"][split]["rows"] == 2
        assert made.manifest["splits"][split]["clips"] == 1
    assert made.fingerprint != original.fingerprint
    assert made.manifest["key"] == ""
    finding = made.manifest["findings"][-1]
    assert (finding["id"], finding["severity"], finding["count"]) == (
        "hydrated-in-part", "finding", 6,
    )  # fmt: skip
    assert not verify(tmp_path / "out")


def test_corpus_without_any_of_the_clips(release: Path, tmp_path: Path) -> None:
    made = hydrate(
        str(release), out=tmp_path / "out", corpus=SmallCorpus(tmp_path, ()), allow_missing=True
    )
    assert [s["rows"] for s in made.manifest["splits"].values()] == [0, 0, 0]
    assert not verify(tmp_path / "out")


def test_other_signers_are_a_finding(release: Path, tmp_path: Path) -> None:
    with pytest.raises(FindingError, match="its signers differ"):
        hydrate(str(release), out=tmp_path / "out", corpus=SmallCorpus(tmp_path, signer="S2"))
    assert not (tmp_path / "out").exists()


def test_other_bytes_of_the_same_content_are_noted(dataset: Path, tmp_path: Path) -> None:
    """As another version of pyarrow would have written the original."""
    manifest = json.loads((dataset / "manifest.json").read_text())
    make_release(open_dataset(dataset), tmp_path / "release")
    path = tmp_path / "release" / "manifest.json"
    text = path.read_text()
    for file in manifest["files"]:
        if file["path"] == "data/dev.parquet":
            text = text.replace(file["sha256"], "0" * 64)
    path.write_text(text)
    result = hydrate(str(tmp_path / "release"), out=tmp_path / "out", corpus=SmallCorpus(tmp_path))
    assert len(result.notes) == 1
    assert "data/dev.parquet" in result.notes[0]
    assert result.manifest["fingerprint"] == manifest["fingerprint"]
    assert result.manifest["files"] == manifest["files"]
    assert not verify(tmp_path / "out")


def test_withheld_replies_are_noted(tmp_path: Path) -> None:
    dataset = open_dataset(small_dataset(tmp_path / "small", raw_reply="Frage: ..."))
    make_release(dataset, tmp_path / "release")
    made = hydrate(str(tmp_path / "release"), out=tmp_path / "out", corpus=SmallCorpus(tmp_path))
    assert made.manifest["fingerprint"] == dataset.fingerprint
    assert "data/train.parquet" in made.notes[0]
    assert not verify(tmp_path / "out")


@pytest.mark.parametrize("name", ["data/dev.parquet", "config.yaml", "rejects.jsonl"])
def test_damaged_release(release: Path, tmp_path: Path, name: str) -> None:
    data = bytearray((release / name).read_bytes())
    data[len(data) // 2] ^= 1
    (release / name).write_bytes(data)
    with pytest.raises(FindingError, match=f"damaged or missing: {name}"):
        hydrate(str(release), out=tmp_path / "out", corpus=SmallCorpus(tmp_path))
    (release / name).unlink()
    with pytest.raises(FindingError, match=f"damaged or missing: {name}"):
        hydrate(str(release), out=tmp_path / "out", corpus=SmallCorpus(tmp_path))
    assert not (tmp_path / "out").exists()


def rewrite(release: Path, changes: dict[str, object]) -> None:
    path = release / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_split_that_names_a_path(release: Path, tmp_path: Path) -> None:
    rewrite(release, {"splits": {"../../x": {}}})
    with pytest.raises(FindingError, match=r"manifest\.json"):
        hydrate(str(release), out=tmp_path / "out", corpus=SmallCorpus(tmp_path))


def test_no_release(release: Path, dataset: Path, tmp_path: Path) -> None:
    def run(source: str) -> None:
        hydrate(source, out=tmp_path / "out", corpus=SmallCorpus(tmp_path))

    with pytest.raises(QbsltError, match="no questions-only release"):
        run(str(dataset))
    with pytest.raises(QbsltError, match="neither a folder nor"):
        run("nowhere")
    with pytest.raises(QbsltError, match="holds no built dataset"):
        run(str(tmp_path))
    rewrite(release, {"release": None})
    with pytest.raises(QbsltError, match="not the manifest of a release"):
        run(str(release))


def test_parquet_of_another_kind(release: Path, tmp_path: Path) -> None:
    path = release / "data" / "dev.parquet"
    old = json.loads((release / "manifest.json").read_text())["files"]
    for data, sentence in ((b"PAR1 not", "is no Parquet"), (None, "has not the columns")):
        if data is None:
            pq.write_table(pa.table({"x": [1]}), path)
        else:
            path.write_bytes(data)
        new = {"sha256": file_sha256(path), "bytes": path.stat().st_size}
        listed = [f | new if f["path"] == "data/dev.parquet" else f for f in old]
        rewrite(release, {"files": listed})
        with pytest.raises(QbsltError, match=sentence):
            hydrate(str(release), out=tmp_path / "out", corpus=SmallCorpus(tmp_path))


def test_wrong_corpus(release: Path, tmp_path: Path) -> None:
    class Other(SmallCorpus):
        def __init__(self, root: Path) -> None:
            super().__init__(root)
            self.info = type(INFO)(**{**INFO.as_dict(), "name": "other", "title": "Another one"})

    with pytest.raises(QbsltError, match="holds Another one, but the release is of A small corpus"):
        hydrate(str(release), out=tmp_path / "out", corpus=Other(tmp_path))


def test_nothing_is_written_over(release: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(QbsltError, match="is there already"):
        hydrate(str(release), out=out, corpus=SmallCorpus(tmp_path))
    assert files(out) == {"mine.txt": b"mine"}


def test_private_or_missing_repository(
    hub: Hub, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(dataset, "me/small")
    with pytest.raises(QbsltError, match="Check the name") as error:
        hydrate("me/other", out=tmp_path / "out", corpus=SmallCorpus(tmp_path))
    assert TOKEN not in str(error.value)
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no-token"))
    with pytest.raises(QbsltError, match="Check the name"):
        hydrate("me/small", out=tmp_path / "out", corpus=SmallCorpus(tmp_path))


def test_damaged_on_the_hub(hub: Hub, dataset: Path, tmp_path: Path) -> None:
    push(dataset, "me/small")
    files_there = hub.repos["me/small"].files
    hub.repos["me/small"].commit({**files_there, "config.yaml": b"other: 1\n"})
    with pytest.raises(FindingError, match=r"\[?me/small.*config\.yaml"):
        hydrate("me/small", out=tmp_path / "out", corpus=SmallCorpus(tmp_path))


def test_labels_that_were_compared_with_the_official_files(tmp_path: Path) -> None:
    """The release joins with the label files alone."""
    row = {"name": "dev/a", "gloss": "MORGEN", "text": "morgen scheint die sonne", "length": 40}
    write_labels(tmp_path / "labels" / "labels.dev", [row])
    rows = {"dev": [phoenix_row("a", "morgen scheint die sonne", "SONNE")]}
    official = write_phoenix(tmp_path / "phoenix", rows)
    original = tmp_path / "original"
    built("labels", "--root", tmp_path / "labels", "--official", f"phoenix:{official}",
          "--out", original, "--allow-findings")  # fmt: skip
    make_release(open_dataset(original), tmp_path / "release")
    hydrate(str(tmp_path / "release"), root=str(tmp_path / "labels"), out=tmp_path / "out")
    parquet = "data/dev.parquet"
    assert (tmp_path / "out" / parquet).read_bytes() == (original / parquet).read_bytes()
    assert verify(tmp_path / "out") == []


def test_own_tables(tmp_path: Path) -> None:
    from qa_builder.build import build
    from qa_builder.config import BuildConfig
    from qa_builder.corpora import open_table
    from qa_builder.questions import open_source

    table = tmp_path / "corpus" / "train.csv"
    table.parent.mkdir()
    table.write_text("clip_id,text,question\na,es regnet,Was ist?\nb,es schneit,\n")
    config = BuildConfig(corpus="table", language="de")
    corpus = open_table(config, [table])
    path = build(config, corpus, open_source(config, corpus), tmp_path / "own").path
    make_release(open_dataset(path), tmp_path / "release")
    moved = shutil.copytree(table.parent, tmp_path / "moved")
    with pytest.raises(QbsltError, match="--root"):
        hydrate(str(tmp_path / "release"), out=tmp_path / "out")
    hydrate(str(tmp_path / "release"), root=str(moved), out=tmp_path / "out")
    assert files(tmp_path / "out") == files(path)
