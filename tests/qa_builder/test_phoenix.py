"""PHOENIX-2014T: the official layout, its quirks, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from corpus_files import (
    MANUAL,
    PHOENIX_HEADER,
    Kept,
    built,
    phoenix_file,
    phoenix_row,
    write,
    write_phoenix,
)  # fmt: skip
from hypothesis import given
from hypothesis import strategies as st

from qa_builder.corpora.textfile import split_columns
from qa_builder.dataset import Dataset, open_dataset


def build(root: Path, out: Path) -> Dataset:
    built("phoenix", "--root", root, "--out", out)
    return open_dataset(out)


def test_rows_in_the_order_of_the_files_byte_for_byte(tmp_path: Path) -> None:
    rows = [
        phoenix_row("z-1", "ähm  zwei  blanks ", " loc-NORD  IX ", speaker="Signer09"),
        phoenix_row("a-1", "zero\u200bwidth und e\u0301", "J+U+L+I neg-KALT++ __PU__"),
    ]
    dataset = build(write_phoenix(tmp_path / "root", {"train": rows}), tmp_path / "out")
    columns = dataset.columns("train", ["clip_id", "text", "gloss", "gloss_clean", "signer"])
    assert columns == {
        "clip_id": ["z-1", "a-1"],
        "text": ["ähm  zwei  blanks ", "zero\u200bwidth und e\u0301"],
        "gloss": [" loc-NORD  IX ", "J+U+L+I neg-KALT++ __PU__"],
        "gloss_clean": ["NORD IX", "J+U+L+I neg-KALT"],
        "signer": ["Signer09", "Signer01"],
    }
    assert dataset.manifest["corpus"]["text_language"] == "de"
    sample = next(dataset.samples("train"))
    assert sample.clip.fps == 25 and sample.sign_language == "gsg"


def test_frames_and_their_number(tmp_path: Path) -> None:
    rows = [
        phoenix_row("a", "t", start=-1, end=-1),
        phoenix_row("b", "t", start=0, end=99),
        phoenix_row("c", "t", start=5, end=4),
        phoenix_row("d", "t").replace("|-1|-1|", "|²|9|"),
        phoenix_row("e", "t").replace("|-1|-1|", f"|0|{'9' * 5000}|"),
    ]
    dataset = build(write_phoenix(tmp_path / "root", {"train": rows}), tmp_path / "out")
    columns = dataset.columns("train", ["frames", "n_frames"])
    assert columns["n_frames"] == [None, 100, None, None, None]
    assert columns["frames"][0] == "features/fullFrame-210x260px/train/a/*.png"


@pytest.mark.parametrize("level", ["", "PHOENIX-2014-T-release-v3/PHOENIX-2014-T", MANUAL])
def test_root_may_be_any_level_of_the_release(level: str, tmp_path: Path) -> None:
    root = write_phoenix(tmp_path / "root")
    assert build(root / level, tmp_path / "out").splits == ("dev", "test", "train")


def test_another_number_of_rows_than_release_v3_is_noted(tmp_path: Path) -> None:
    dataset = build(write_phoenix(tmp_path / "root"), tmp_path / "out")
    found = dataset.manifest["findings"]
    assert [(f["id"], f["severity"]) for f in found] == [("phoenix-other-release", "note")] * 3
    assert "train has 2 rows; release v3 has 7,096" in found[0]["message"]


def test_windows_files_give_the_same_rows(tmp_path: Path) -> None:
    root = write_phoenix(tmp_path / "root")
    plain = build(root, tmp_path / "plain").fingerprint
    for split in ("train", "dev", "test"):
        path = phoenix_file(root, split)
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert build(root, tmp_path / "windows").fingerprint == plain


def test_columns_in_another_order_and_further_ones(tmp_path: Path) -> None:
    root = write_phoenix(tmp_path / "root")
    plain = build(root, tmp_path / "plain").fingerprint
    for split in ("train", "dev", "test"):
        path = phoenix_file(root, split)
        rows = [x.split("|") for x in path.read_text(encoding="utf-8").splitlines()]
        turned = "".join(
            "|".join(["+" if i else "more", *r[::-1]]) + "\n" for i, r in enumerate(rows)
        )
        path.write_text(turned, encoding="utf-8")
    assert build(root, tmp_path / "turned").fingerprint == plain


# what is done to the train file, and what the error must say
BROKEN = {
    "column missing": (f"{PHOENIX_HEADER.replace('|orth', '')}\na|a/1/*.png|-1|-1|S|t\n",
                       [":1: ", "lacks the column orth", "its columns are: name, video"]),
    "column twice": (f"{PHOENIX_HEADER}|orth\na|a/1/*.png|-1|-1|S|G|t|H\n",
                     [":1: ", "has twice: orth"]),
    "comma": (PHOENIX_HEADER.replace("|", ",") + "\na,b,-1,-1,S,G,t\n", [":1: ", "by ','"]),
    "tab": (PHOENIX_HEADER.replace("|", "\t") + "\na\tb\t-1\t-1\tS\tG\tt\n", [":1: ", "'\\t'"]),
    "header only": (f"{PHOENIX_HEADER}\n", ["has a header and no rows", "Copy it again"]),
    "too many fields": (f"{PHOENIX_HEADER}\n{phoenix_row('a', 't')}\n{phoenix_row('b', 't|u')}\n",
                        [":3: ", "has 8 fields", "expected 7", "holds the delimiter"]),
    "blank line": (f"{PHOENIX_HEADER}\n\n{phoenix_row('b', 't')}\n", [":2: ", "has 1 fields"]),
    "double id": ("\n".join([PHOENIX_HEADER, *[phoenix_row("a", "t")] * 2]),
                  [":3: ", "[a]", "was seen on line 2"]),
    "id in two splits": (f"{PHOENIX_HEADER}\n{phoenix_row('dev-1', 't')}\n",
                         ["dev.corpus.csv:2: ", "[dev-1]", "in the split 'train'"]),
    "empty id": (f"{PHOENIX_HEADER}\n{phoenix_row('', 't')}\n", [":2: ", "id is empty"]),
    "id climbs": (f"{PHOENIX_HEADER}\n{phoenix_row('../../etc', 't')}\n",
                  [":2: ", "leads out of the corpus"]),
    "video climbs": (f"{PHOENIX_HEADER}\na|../../x/1/*.png|-1|-1|S|G|t\n",
                     [":2: ", "'../../x/1/*.png'", "leads out of the corpus"]),
    "old Mac line ends": (f"{PHOENIX_HEADER}\r{phoenix_row('a', 't')}\r" * 200,
                          [":1: ", "columns"]),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_broken_files_are_refused(what: str, tmp_path: Path) -> None:
    text, words = BROKEN[what]
    root = write_phoenix(tmp_path / "root")
    path = write(phoenix_file(root, "train"), text)
    name = "dev" if what == "id in two splits" else path.name
    Kept(tmp_path).refuses("phoenix", "--root", root, words=[name, *words])


def test_all_the_errors_of_a_file_come_at_once(tmp_path: Path) -> None:
    rows = [phoenix_row(f"c{i}", "t|zu viel") for i in range(30)]
    root = write_phoenix(tmp_path / "root", {"train": rows})
    said = Kept(tmp_path).refuses("phoenix", "--root", root, words=[":2: ", ":21: "])
    assert said.count("has 8 fields") == 20 and "and 10 more" in said


@given(st.lists(st.text(st.sampled_from("ab|\n \u2028\x0c"), max_size=7)))
def test_columns_are_split_as_lines_are(lines: list[str]) -> None:
    text = "".join(lines)
    rows = [line.split("|") for line in text.split("\n")]
    regular = all(len(row) == 3 for row in rows)
    expected = [list(column) for column in zip(*rows, strict=True)] if regular else None
    assert split_columns(text, "|", 3) == expected


@given(st.lists(st.text(st.sampled_from("ab|\n"), max_size=7)))
def test_what_all_lines_start_with_is_taken_off(lines: list[str]) -> None:
    text = "".join(lines)
    begun = "\n".join(f"ab/{line}" for line in text.split("\n"))
    assert split_columns(begun, "|", 2, "ab/") == split_columns(text, "|", 2)
    if not text.startswith("ab/"):
        assert split_columns(text, "|", 2, "ab/") is None
    assert split_columns(f"{begun}\nb/|", "|", 2, "ab/") is None
