"""CSL-Daily: pickle and video_map.txt, the split file, known quirks, and what is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from corpus_files import CHINESE, Kept, built, chinese_info, write, write_csl

from qa_builder.corpora import csl_daily
from qa_builder.dataset import FINGERPRINT_COLUMNS, Dataset, open_dataset
from qa_builder.samples import arrow_schema


def build(root: Path, out: Path, *more: str) -> Dataset:
    built("csl-daily", "--root", root, "--out", out, *more)
    return open_dataset(out)


def test_rows_of_the_pickle(tmp_path: Path) -> None:
    dataset = build(write_csl(tmp_path / "root"), tmp_path / "out")
    first, second = dataset.samples("train")
    assert (first.text, first.gloss, first.clip.signer) == ("我爱我的家。", "我 爱 家", "0")
    assert first.words == ["我", "爱", "我", "的", "家", "。"] and len(first.pos_tags or ()) == 6
    assert (second.clip.n_frames, second.clip.fps, second.clip.signer) == (51, 30, "1")
    assert first.clip.frames == "sentence/frames_512x512/S000001_P0000_T00/*.jpg"
    assert [s.text for s in dataset.samples("test")] == ["你去哪里？"]


def test_video_map_gives_the_same_rows_but_for_the_signer(tmp_path: Path) -> None:
    root = write_csl(tmp_path / "root")
    a = build(root, tmp_path / "a", "--annotations", "pickle")
    b = build(root, tmp_path / "b", "--annotations", "video-map")
    names = [n for n in arrow_schema().names if n != "signer"]
    for split in ("train", "dev", "test"):
        assert a.columns(split, names) == b.columns(split, names)
        assert set(b.columns(split, ["signer"])["signer"]) == {None}
    assert "signer" in FINGERPRINT_COLUMNS and a.fingerprint != b.fingerprint
    used = [[s["path"].split("/")[-1] for s in d.manifest["sources"]] for d in (a, b)]
    assert used == [["csl2020ct_v2.pkl", "split_1.txt"], ["video_map.txt", "split_1.txt"]]


def test_video_map_of_the_toy_corpus_too(tmp_path: Path, toy_csl: Path) -> None:
    from qa_builder.corpora.toy import copy_toy

    root = copy_toy(tmp_path / "toy")[1]
    a, b = open_dataset(toy_csl), build(root, tmp_path / "b", "annotations=video-map")
    names = ["clip_id", "text", "gloss", "words", "pos_tags", "n_frames", "frames", "source_hash"]
    for split in ("train", "dev", "test"):
        assert a.columns(split, names) == b.columns(split, names)


def test_auto_takes_the_video_map_where_there_is_no_pickle(tmp_path: Path) -> None:
    root = write_csl(tmp_path / "root")
    (root / "sentence_label" / "csl2020ct_v2.pkl").unlink()
    assert build(root, tmp_path / "out").manifest["splits"]["train"]["rows"] == 2
    Kept(tmp_path).refuses("csl-daily", "--root", root, "--annotations", "pickle",
                           words=["csl2020ct_v2.pkl", "is missing", "Copy it"])  # fmt: skip


def test_missing_and_extra_clip_are_reported_by_name(tmp_path: Path) -> None:
    """The release has one name of the split without annotation, and one annotated without split."""
    extra, lost = "S000005_P0004_T00", "S000007_P0003_T00"
    info = [*chinese_info(), chinese_info()[0] | {"name": extra}]
    split = "".join(f"{r[0]}|{r[1]}\n" for r in CHINESE) + f"{lost}|train\n"
    out = tmp_path / "out"
    result = built("csl-daily", "--root", write_csl(tmp_path / "root", info, split), "--out", out)
    dataset = open_dataset(out)
    (finding,) = dataset.manifest["findings"]
    assert finding["id"] == "csl-daily-missing-extra-clip" and finding["count"] == 2
    assert extra in finding["message"] and lost in finding["message"]
    assert "the clip known for it" in result.output
    assert dataset.manifest["rejects"] == {"clip-without-split": 1, "clip-without-annotation": 1}
    assert f'"file": "csl2020ct_v2.pkl", "line": 5, "id": "{extra}"' in (
        out / "rejects.jsonl"
    ).read_text("utf-8")
    assert dataset.manifest["splits"]["train"]["rows"] == 2


def test_other_unmatched_clips_are_told_from_the_known_one(tmp_path: Path) -> None:
    split = "".join(f"{r[0]}|{r[1]}\n" for r in CHINESE[:3])
    root = write_csl(tmp_path / "root", split=split)
    dataset = build(root, tmp_path / "out")
    (finding,) = dataset.manifest["findings"]
    assert "not only the known clip" in finding["message"] and dataset.splits == ("dev", "train")


def test_revision_of_the_sentences_is_named(tmp_path: Path, monkeypatch: Any) -> None:
    marks = [hashlib.sha256(t.encode()).hexdigest()[:12] for t in ("我爱我的家。", "我爱我的家")]
    monkeypatch.setitem(csl_daily.REVISION_MARKS, CHINESE[0][0], tuple(marks))
    root = write_csl(tmp_path / "root")
    (finding,) = build(root, tmp_path / "a").manifest["findings"]
    assert finding["id"] == "csl-daily-sentence-revision"
    assert finding["message"].endswith("these are csl2020ct_v2")
    info = chinese_info()
    info[0]["label_char"] = info[0]["label_char"][:-1]
    (other,) = build(write_csl(root, info), tmp_path / "b").manifest["findings"]
    assert other["message"].endswith("these are gfslt-labels")
    info[0]["label_char"] = ["家"]
    (unknown,) = build(write_csl(root, info), tmp_path / "c").manifest["findings"]
    assert unknown["message"].endswith("an unknown revision")


# an entry's field and its bad value, and what the error must say
BAD_ENTRIES = {
    "no number": ("length", "50", "length that is no number"),
    "negative": ("length", -1, "length that is no number"),
    "too many frames": ("length", 2**31, "length that is no number"),
    "string, not list": ("label_char", "我爱", "not lists of strings"),
    "number in a list": ("label_gloss", ["我", 3], "not lists of strings"),
    "surrogate": ("label_word", ["\ud800"], "not lists of strings"),
    "words and tags": ("label_word", ["冷"], "has 1 words and 4 tags"),
    "name": ("name", 7, "name that is no string"),
    "signer": ("signer", [1], "neither a number nor a string"),
}


@pytest.mark.parametrize("what", BAD_ENTRIES)
def test_bad_entries_of_the_pickle(what: str, tmp_path: Path) -> None:
    field, value, words = BAD_ENTRIES[what]
    info = chinese_info()
    info[2][field] = value
    root = write_csl(tmp_path / "root", info)
    Kept(tmp_path).refuses("csl-daily", "--root", root, words=["csl2020ct_v2.pkl:3: ", words])


@pytest.mark.parametrize("info", [{}, [], [7], ["ab"], [{"name": "x"}], [None]])
def test_other_pickles_are_refused(info: Any, tmp_path: Path) -> None:
    root = write_csl(tmp_path / "root", info)
    Kept(tmp_path).refuses("csl-daily", "--root", root, words=["csl2020ct_v2.pkl", "info"])


BAD_FILES = {
    "unknown split": ("split_1.txt", "name|split\nS000001_P0000_T00|valid\n",
                      [":2: ", "unknown split 'valid'", "train, dev, test"]),
    "double name": ("split_1.txt", "name|split\na|dev\nb|dev\na|test\n", [":4: ", "[a]", "line 2"]),
    "unsafe name": ("split_1.txt", "name|split\n../a|dev\n", [":2: ", "leads out of the corpus"]),
    "line end of old Macs": ("split_1.txt", "name|split\na\rb|dev\n", [":2: ", "control char"]),
    "header": ("split_1.txt", "a|train\nb|train\n", [":1: ", "lacks the column name, split"]),
    "map length": ("video_map.txt",
                   "index|name|length|gloss|char|word|postag\n0|a|²|g|c|w|t\n1|b|x|g|c|w|t\n",
                   [":2: ", ":3: ", "no number of frames"]),
    "map column": ("video_map.txt", "index|name|length|gloss|char\n0|a|1|g|c\n",
                   [":1: ", "lacks the column word, postag"]),
    "map tags": ("video_map.txt",
                 "index|name|length|gloss|char|word|postag\n0|a|1|g|c|w w|t\n1|b|1|g|c|w|\n",
                 [":2: [a] has 2 words and 1 tags", ":3: [b] has 1 words and 0 tags"]),
    "map double": ("video_map.txt",
                   "index|name|length|gloss|char|word|postag\n" + "0|a|1|g|c|w|t\n" * 2,
                   [":3: ", "seen on line 2"]),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD_FILES)
def test_broken_text_files_are_refused(what: str, tmp_path: Path) -> None:
    name, text, words = BAD_FILES[what]
    root = write_csl(tmp_path / "root")
    write(root / "sentence_label" / name, text)
    Kept(tmp_path).refuses("csl-daily", "--root", root, "--annotations", "video-map",
                           words=[name, *words])  # fmt: skip


def test_double_names_in_the_pickle(tmp_path: Path) -> None:
    info = chinese_info()
    root = write_csl(tmp_path / "root", [*info, info[1]])
    Kept(tmp_path).refuses("csl-daily", "--root", root,
                           words=["csl2020ct_v2.pkl:5: ", info[1]["name"], "seen on line 2"])  # fmt: skip  # noqa: E501
