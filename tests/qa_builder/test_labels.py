"""Label pickles of the GFSLT and signjoey families, and what the official files say of them."""

from __future__ import annotations

import gzip
import json
import pickle
import sys
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest
from corpus_files import (
    Kept,
    built,
    phoenix_row,
    qa_builder,
    refused,
    write,
    write_csl,
    write_labels,
    write_phoenix,
)  # fmt: skip

from qa_builder.dataset import Dataset, open_dataset
from qa_builder.verify import verify


def entry(name: str, **more: Any) -> dict[str, Any]:
    row = {"name": name, "gloss": "MORGEN SONNE", "text": "morgen scheint die sonne", "length": 40}
    return row | more


def build(root: Path, out: Path, *more: str) -> Dataset:
    built("labels", "--root", root, "--out", out, *more)
    return open_dataset(out)


def test_gfslt_family(tmp_path: Path) -> None:
    paths = ["train/b/images0001.png", "train/b/images0002.png"]
    rows = [entry("train/b", imgs_path=paths), entry("train/a", gloss="neg-KALT cl-REGEN++")]
    write_labels(tmp_path / "in/labels.train", rows)
    write_labels(tmp_path / "in/labels.dev", [entry("dev/c", imgs_path=["/home/me/c/1.png"])])
    dataset = build(tmp_path / "in", tmp_path / "out")
    first, second = dataset.samples("train")
    assert (first.clip.clip_id, first.clip.n_frames, first.clip.signer) == ("b", 40, None)
    assert first.clip.frames == "train/b/*.png" and second.clip.frames == "train/a/*"
    assert (second.gloss, second.gloss_clean) == ("neg-KALT cl-REGEN++", "neg-KALT REGEN")
    assert next(dataset.samples("dev")).clip.frames == "dev/c/*"  # an absolute path is no use
    assert (first.text_language, first.sign_language) == ("de", "gsg")
    assert [f["message"] for f in dataset.manifest["findings"]] == ["no label file for test"]


@pytest.mark.parametrize("as_dict", [True, False])
def test_signjoey_family(as_dict: bool, tmp_path: Path) -> None:
    rows = [
        entry("train/a", signer="Signer04", num_frames=12, text="ja .", sign=None, gloss=None),
        entry("train/b", signer=7, gloss=["NORD", "KALT"]),
    ]
    del rows[0]["length"]
    write_labels(tmp_path / "in/phoenix14t.pami0.train", rows, as_dict)
    first, second = build(tmp_path / "in", tmp_path / "out").samples("train")
    assert (first.clip.n_frames, first.clip.signer, first.gloss) == (12, "Signer04", None)
    assert first.text == "ja ." and (second.clip.signer, second.gloss) == ("7", "NORD KALT")


class Tensor:
    """Pickles as a tensor does: as a call of a function of torch, with nested pickled bytes."""

    def __reduce__(self) -> Any:
        torch: Any = sys.modules["torch"]
        return torch.rebuild, (torch.rebuild, (3, 2), pickle.dumps([1]), {"k": 1})


def test_tensors_beside_the_plain_fields_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch: Any = ModuleType("torch")
    torch.rebuild = FunctionType((lambda *a: sys.exit("ran")).__code__, globals(), "rebuild")
    torch.rebuild.__qualname__, torch.rebuild.__module__ = "rebuild", "torch"
    monkeypatch.setitem(sys.modules, "torch", torch)
    rows = [entry("dev/a", sign=Tensor(), num_frames=3, signer="S")]
    write_labels(tmp_path / "in/x.dev", rows, as_dict=False)
    write_labels(tmp_path / "bad/x.dev", [entry("dev/a", length=Tensor())])
    (sample,) = build(tmp_path / "in", tmp_path / "out").samples("dev")
    assert (sample.text, sample.clip.signer) == ("morgen scheint die sonne", "S")
    Kept(tmp_path / "k").refuses("labels", "--root", tmp_path / "bad",
                                 words=["x.dev:1: ", "'length' that is no number"])  # fmt: skip


def test_chinese_is_seen_by_looking(tmp_path: Path) -> None:
    write_labels(tmp_path / "in/labels.test", [entry("S1", text="你好。", gloss="你 好")])
    (sample,) = build(tmp_path / "in", tmp_path / "out").samples("test")
    assert (sample.text_language, sample.sign_language) == ("zh", "csl")
    assert sample.gloss_clean == "你 好"


def test_empty_glosses_are_listed(tmp_path: Path) -> None:
    write_labels(tmp_path / "in/labels.dev", [entry("dev/a"), entry("dev/b", gloss=" ")])
    dataset = build(tmp_path / "in", tmp_path / "out")
    assert dataset.manifest["rejects"] == {"empty-gloss": 1}
    (reject,) = (tmp_path / "out/rejects.jsonl").read_text("utf-8").splitlines()
    assert json.loads(reject)["line"] == 2 and json.loads(reject)["id"] == "b"


def official(tmp_path: Path) -> Path:
    rows = [phoenix_row(n, "morgen scheint die sonne") for n in ("a", "b", "c", "d")]
    return write_phoenix(tmp_path / "phoenix", {"dev": rows})


def test_what_differs_from_the_official_file_is_flagged(tmp_path: Path) -> None:
    """A recogniser's gloss, another sentence, a clip too many and one too few."""
    rows = [
        entry("dev/a"), entry("dev/b", gloss="MORGEN SONNE SONNE"), entry("dev/c", text="anders"),
        entry("dev/x"),
    ]  # fmt: skip
    write_labels(tmp_path / "in/mine.dev", rows)
    out = tmp_path / "out"
    arguments = ("build", "labels", "--root", tmp_path / "in", "--out", out, "--official",
                 f"phoenix:{official(tmp_path)}")  # fmt: skip
    refused(qa_builder(*arguments), "3 findings", "--allow-findings", code=1)
    dataset = open_dataset(out)
    found = {f["id"]: (f["severity"], f["count"]) for f in dataset.manifest["findings"]}
    assert found == {
        "labels-missing-split": ("note", 2),
        "labels-sentence-revision": ("finding", 1), "labels-gloss-not-official": ("finding", 1),
        "labels-missing-clip": ("note", 1), "labels-extra-clip": ("finding", 1),
    }  # fmt: skip
    rejects = [json.loads(x) for x in (out / "rejects.jsonl").read_text("utf-8").splitlines()]
    assert [(r["file"], r["line"], r["id"], r["reason"]) for r in rejects] == [
        ("mine.dev", 3, "c", "labels-sentence-revision"),
        ("mine.dev", 2, "b", "labels-gloss-not-official"),
        ("mine.dev", None, "d", "labels-missing-clip"),
        ("mine.dev", 4, "x", "labels-extra-clip"),
    ]
    sources = [(s["role"], s["path"].split("/")[-1]) for s in dataset.manifest["sources"]]
    assert ("comparison", "PHOENIX-2014-T.dev.corpus.csv") in sources
    assert dataset.manifest["corpus"]["title"].startswith("RWTH-PHOENIX") and verify(out) == []
    assert qa_builder(*arguments, "--allow-findings").exit_code == 0


def test_the_dot_of_signjoey_is_no_difference(tmp_path: Path) -> None:
    rows = [entry(f"dev/{n}", text="morgen scheint die sonne .") for n in "abcd"]
    write_labels(tmp_path / "in/x.dev", rows, as_dict=False)
    dataset = build(tmp_path / "in", tmp_path / "out", "--official",
                    f"phoenix:{official(tmp_path)}")  # fmt: skip
    assert {f["id"] for f in dataset.manifest["findings"]} == {"labels-missing-split"}
    assert dataset.columns("dev", ["text"])["text"] == ["morgen scheint die sonne ."] * 4


def test_official_options_that_are_wrong(tmp_path: Path) -> None:
    write_labels(tmp_path / "in/x.dev", [entry("dev/zz")])
    kept = Kept(tmp_path / "k")
    for given, words in (
        ("phoenix", ["--official 'phoenix' is no NAME:ROOT", "phoenix:/data"]),
        ("signum:/x", ["unknown official corpus 'signum'", "csl-daily, phoenix"]),
        ("phoenix:/nowhere", ["/nowhere", "names no folder"]),
        (f"csl-daily:{write_csl(tmp_path / 'csl')}", ["no clip of the labels is in CSL-Daily"]),
    ):
        said = refused(qa_builder("build", "labels", "--root", tmp_path / "in", "--official", given,
                                  "--out", kept.out), *words)  # fmt: skip
        assert "--official" in said or "RWTH" in said or "known are" in said
        assert verify(kept.out) == []


BAD = {
    "text": (entry("a", text=None), "'text' that is no sound string"),
    "gloss": (entry("a", gloss=[1]), "'gloss' that is no sound string"),
    "length": (entry("a", length="40"), "'length' that is no number of frames"),
    "huge": (entry("a", length=10**12), "'length' that is no number of frames"),
    "signer": (entry("a", signer={}), "'signer' that is neither"),
    "surrogate": (entry("a", text="\udcff"), "'text' that is no sound string"),
    "climbs": (entry("a", imgs_path=["../../b/1.png"]), "leads out of the corpus"),
    "no dict": ("a", "an entry is no dict"),
    "no name": ({"text": "x"}, "an entry is no dict with a string 'name'"),
    "unsafe name": (entry("../a"), "the id is a path that leads out"),
    "double": (entry("ok"), "seen on line 1"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_entries(what: str, tmp_path: Path) -> None:
    bad, words = BAD[what]
    rows = [entry("ok"), bad]
    write(tmp_path / "in/labels.dev", gzip.compress(pickle.dumps(rows)))
    Kept(tmp_path).refuses("labels", "--root", tmp_path / "in", words=["labels.dev:2: ", words])


def test_a_folder_without_or_with_too_many_labels(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "folder.dev").mkdir()
    kept.refuses("labels", "--root", tmp_path / "in", words=["holds no label files"])
    kept.refuses("labels", "--root", tmp_path / "no", words=["--root names no folder"])
    for name in ("a.dev", "b.dev"):
        write_labels(tmp_path / "in" / name, [entry("dev/a")])
    kept.refuses("labels", "--root", tmp_path / "in", words=["2 files for dev: a.dev, b.dev"])
    write(tmp_path / "in2/x.dev", pickle.dumps({}))
    kept.refuses("labels", "--root", tmp_path / "in2", words=["holds no list or dict of clips"])
    write_labels(tmp_path / "in3/x.train", [entry("train/a")])
    write_labels(tmp_path / "in3/x.dev", [entry("a")])
    kept.refuses("labels", "--root", tmp_path / "in3", words=["x.dev:1: ", "in the split 'train'"])
