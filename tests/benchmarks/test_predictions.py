"""Files of predictions: every format, and everything that is refused or warned of."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.debris import debris_warnings
from benchmarks.prediction_files import MAX_CHARACTERS, decode
from benchmarks.predictions import read_predictions
from qa_builder.errors import QbsltError

IDS = ["b-2", "a-1", "c-3"]
TEXTS = ["im süden regnet es", "morgen scheint die sonne", "nachts wird es kalt"]
SPLITS = {"train": 9, "dev": 2, "test": 3}


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def jsonl(rows: list[tuple[str, str]]) -> str:
    return "".join(json.dumps({"sample_id": i, "text": t}) + "\n" for i, t in rows)


def refused(path: Path, ids: list[str] = IDS) -> str:
    with pytest.raises(QbsltError) as caught:
        read_predictions(path, ids, splits=SPLITS)
    assert caught.value.exit_code == 2
    assert str(path) in str(caught.value)
    return str(caught.value)


PAIRS = sorted(zip(IDS, TEXTS, strict=True))  # another order than the dataset's
FILES = {
    "p.txt": "\n".join(TEXTS) + "\n",
    "no-last-line-end.txt": "\n".join(TEXTS),
    "p.tsv": "sample_id\ttext\n" + "".join(f"{i}\t{t}\n" for i, t in PAIRS),
    "no-header.tsv": "".join(f"{i}\t{t}\n" for i, t in PAIRS),
    "more-columns.csv": "score,text,sample_id\n" + "".join(f'1,"{t}",{i}\n' for i, t in PAIRS),
    "p.csv": "sample_id,text\n" + "".join(f"{i},{t}\n" for i, t in PAIRS),
    "p.jsonl": jsonl(PAIRS),
    "a-table.txt": "sample_id\ttext\n" + "".join(f"{i}\t{t}\n" for i, t in PAIRS),
    "json-lines": jsonl(PAIRS),
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_dataset_s_order(tmp_path: Path, name: str) -> None:
    found = read_predictions(write(tmp_path, name, FILES[name]), IDS)
    assert found.texts == TEXTS
    assert (found.missing, found.warnings, found.file) == (0, [], name)
    assert (found.format == "text") == bool(found.notes)  # only plain text is a matter of trust


@settings(max_examples=30)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])).map("x".__add__), min_size=1))
def test_any_text_survives_jsonl(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    ids = [str(i) for i in range(len(texts))]
    path = tmp_path_factory.mktemp("any") / "p.jsonl"
    path.write_text(jsonl(list(zip(ids, texts, strict=True))), "utf-8")
    assert read_predictions(path, ids).texts == texts


def test_unicode_line_separators_do_not_break_plain_text(tmp_path: Path) -> None:
    texts = ["a\u2028b", "c\x0bd\x85e", "f\x1cg"]
    assert read_predictions(write(tmp_path, "p.txt", "\n".join(texts)), IDS).texts == texts


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a\nb\n", "2 lines for 3 samples: that is the size of dev"),
        ("a\n", "1 line for 3 samples: lines are lacking"),
        ("", "0 lines for 3 samples: the file is empty"),
        ("a\nb\nc\n\n", "4 lines for 3 samples: 1 empty line at the end"),
        ("a\nb\nc\na\nb\n", "the last 2 repeat the first ones"),
        ("a\n" * 1000, "1,000 lines for 3 samples: maybe translations have line breaks"),
        ("a\n\nb\n\nc\n", "2 empty lines among them"),
        ("text\na\nb\nc\n", "maybe the first line is a header"),
        ("a\nb\nc\nd\ne\nf\n", "line breaks in them"),
    ],
)
def test_a_wrong_number_of_lines_is_refused_with_the_likely_cause(
    tmp_path: Path, text: str, why: str
) -> None:
    assert why in refused(write(tmp_path, "p.txt", text))


def test_639_lines_for_642_clips(tmp_path: Path) -> None:
    said = refused(write(tmp_path, "p.txt", "ja\n" * 639), [f"clip-{i}" for i in range(642)])
    assert "639 lines for 642 samples" in said and "wrong reference" in said


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (PAIRS[:1], "2 of 3 samples have no prediction: b-2, c-3."),
        ([*PAIRS, ("d-4", "x")], "1 id not in the split that is scored: d-4."),
        ([*PAIRS, ("a-1", "x")], "1 id with more than one prediction: a-1 (the first one in"),
        ([(f"test/{i}", t) for i, t in PAIRS], "'test/' in front"),
        ([*PAIRS[:2], ("c-3", " ")], "1 of 3 predictions are empty: c-3."),
        ([*PAIRS[:2], ("c-3", "nan")], "1 of 3 predictions are empty or nan: c-3."),
        ([], "3 of 3 samples have no prediction"),
    ],
)  # fmt: skip
def test_coverage_by_id_is_exact(tmp_path: Path, rows: list[tuple[str, str]], said: str) -> None:
    assert said in refused(write(tmp_path, "p.jsonl", jsonl(rows)))


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    rows = [("a-1", "x"), ("a-1", "y"), ("z", "x")]
    said = refused(write(tmp_path, "p.jsonl", jsonl(rows)))
    assert "not in the split" in said and "more than one" in said


def test_clips_with_several_questions_need_one_each(tmp_path: Path) -> None:
    path = write(tmp_path, "p.jsonl", jsonl([("a", "x")]))
    assert "CLIP#0" in refused(path, ["a#0", "a#1"])


def test_allow_missing_scores_as_empty_and_says_so(tmp_path: Path) -> None:
    path = write(tmp_path, "p.jsonl", jsonl([("a-1", "x"), ("b-2", "")]))
    found = read_predictions(path, IDS, allow_missing=True)
    assert found.texts == ["", "x", ""]
    assert found.missing == 2
    assert found.notes == ["2 missing predictions scored as empty"]


def test_allow_missing_does_not_allow_other_faults(tmp_path: Path) -> None:
    lines = write(tmp_path, "p.txt", "a\nb\n")
    extra = write(tmp_path, "p.jsonl", jsonl([*PAIRS, ("d-4", "x")]))
    for path in (lines, extra):
        with pytest.raises(QbsltError):
            read_predictions(path, IDS, allow_missing=True)


def test_an_empty_translation_may_be_declared(tmp_path: Path) -> None:
    row = json.dumps({"sample_id": "c-3", "text": "", "empty": True})
    path = write(tmp_path, "p.jsonl", jsonl(PAIRS[:2]) + row)
    found = read_predictions(path, IDS)
    assert (found.texts[2], found.missing, found.notes) == ("", 0, [])


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("p.jsonl", '{"sample_id": "a-1", "text": NaN}', ":1: text is NaN, a string was expected"),
        ("p.jsonl", '{"sample_id": "a-1", "text": "x\\ud800"}', "half a character (\\ud800)"),
        ("p.jsonl", '{"sample_id": 7, "text": "x"}', "sample_id is 7"),
        ("p.jsonl", '{"id": "a-1", "text": "x"}', "no field 'sample_id'; it has: id, text"),
        ("p.jsonl", '[{"sample_id": "a-1"}]', "is no JSON object, but list"),
        ("p.jsonl", "im süden regnet es", "is no JSON"),
        ("p.jsonl", "[" * 100_000, "is no JSON"),
        ("p.tsv", "sample_id\ttext\na-1\tx\ty\n", ":2: has 3 fields, expected 2"),
        ("p.tsv", "im süden regnet es\n", "the first line names no columns"),
        ("p.csv", 'sample_id,text\na-1,"x\n', "is no CSV"),
        ("p.csv", "sample_id,text\na-1,ja, nein\n", ":2: has 3 fields"),
        ("p.txt", b"\x80\x04\x95\0\0\0", "is no text file"),
        ("p.txt", "x" * (MAX_CHARACTERS + 1) + "\na\nb\n", ":1: the translation has 20,001"),
    ],
)
def test_bad_files_are_refused_with_their_line(
    tmp_path: Path, name: str, text: str | bytes, said: str
) -> None:
    assert said in refused(write(tmp_path, name, text))


def test_missing_file_and_folder(tmp_path: Path) -> None:
    assert "there is no such file" in refused(tmp_path / "none.txt")
    assert "is a folder" in refused(tmp_path)


@pytest.mark.parametrize("name", ["p.txt", "p.jsonl", "p.tsv", "p.csv"])
def test_huge_wrong_files_are_refused_in_seconds(tmp_path: Path, name: str) -> None:
    start = time.perf_counter()
    long_line = refused(write(tmp_path, name, "x" * 10_000_000))
    many_lines = refused(write(tmp_path, name, "regen\n" * 1_000_000))
    assert time.perf_counter() - start < 200  # about a second; what is quadratic takes hours
    assert max(len(long_line), len(many_lines)) < 10_000


def test_a_million_unknown_ids(tmp_path: Path) -> None:
    path = write(
        tmp_path, "p.tsv", "sample_id\ttext\n" + "".join(f"{i}\tx\n" for i in range(10**6))
    )
    assert "1,000,000 ids not in the split" in refused(path)


@pytest.mark.parametrize(
    ("data", "text", "warning"),
    [
        ("süden\n".encode("utf-8-sig"), "süden\n", "byte order mark"),
        ("süden\n".encode("utf-16"), "süden\n", "is UTF-16, not UTF-8; it was read"),
        ("a\nsüden\n".encode("cp1252"), "a\nsüden\n", "byte 0xfc in line 2); it was read as Win"),
        ("今天天气很好\n".encode("gb18030"), "今天天气很好\n", "GB 18030"),
    ],
)  # fmt: skip
def test_other_encodings_are_read_with_a_warning(data: bytes, text: str, warning: str) -> None:
    found, (said,) = decode(data, Path("p.txt"))
    assert found == text
    assert warning in said and "UTF-8" in said


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_other_line_ends_are_read_with_a_warning(tmp_path: Path, end: str) -> None:
    found = read_predictions(write(tmp_path, "p.txt", end.join([*TEXTS, ""])), IDS)
    assert found.texts == TEXTS
    assert "CR" in found.warnings[0]


@pytest.mark.parametrize(
    ("left", "what"),
    [("de_DE", "language code"), ("zh_CN", "language code"), ("[de_DE]", "language code"),
     ("deu_Latn", "language code"), ("<unk>", "unknown token"), ("</s>", "special token"),
     ("[SEP]", "special token"), ("▁es", "word pieces"), ("reg@@ en", "word pieces")],
)  # fmt: skip
def test_debris_in_every_line_is_named(left: str, what: str) -> None:
    warnings = debris_warnings([f"{left} {text}" for text in TEXTS])
    assert len(warnings) == 1
    assert what in warnings[0] and "3 of 3" in warnings[0]
    assert repr(left.removesuffix("es").removeprefix("reg").removesuffix(" en")) in warnings[0]


def test_ordinary_texts_give_no_warning() -> None:
    assert debris_warnings([*TEXTS, "今天 [笑] <3 a_b", "MEZ", "5 >> 3"]) == []


def test_what_is_known_of_the_file(tmp_path: Path) -> None:
    found = read_predictions(write(tmp_path, "p.txt", "a\nb\nc\n"), IDS).as_dict()
    sha256 = hashlib.sha256(b"a\nb\nc\n").hexdigest()
    assert found == {"file": "p.txt", "format": "text", "sha256": sha256}
