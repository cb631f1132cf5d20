"""The user's own corpus: CSV, TSV and JSONL, options, streams, and what is refused."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from corpus_files import Kept, built, qa_builder, refused, write

from qa_builder.dataset import Dataset, open_dataset
from qa_builder.verify import verify


def build(out: Path, *tables: Path, more: tuple[str, ...] = ()) -> Dataset:
    given = [x for t in tables for x in ("--table", t)]
    built("table", *given, "--language", "de", "--out", out, *more)
    return open_dataset(out)


ROWS = [
    {"clip_id": "a", "text": 'er sagt "ja", oder', "gloss": "JA ODER", "signer": "s1",
     "frames": "v/a.mp4", "n_frames": "12", "question": "Was sagt er?"},
    {"clip_id": "b/1", "text": "zeile\nzwei", "gloss": "", "signer": "", "frames": "",
     "n_frames": "", "question": "Wie viele Zeilen?"},
]  # fmt: skip


def as_csv(rows: list[dict[str, str]], delimiter: str) -> str:
    quoted = [['"' + v.replace('"', '""') + '"' for v in r.values()] for r in rows]
    return "\n".join(delimiter.join(r) for r in [list(rows[0]), *quoted]) + "\n"


FORMATS = {
    "train.csv": as_csv(ROWS, ","),
    "train.tsv": as_csv(ROWS, "\t"),
    "train.txt": as_csv(ROWS, "\t"),
    "train.jsonl": "".join(json.dumps(r) + "\n\n" for r in ROWS),
    "TRAIN.NDJSON": "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in ROWS),
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("windows", [False, True])
def test_formats_give_the_same_rows(name: str, windows: bool, tmp_path: Path) -> None:
    data = FORMATS[name].encode()
    if windows:  # a line end within a field stays what it is
        ends = data.replace(b"\n", b"\r\n").replace(b"zeile\r\nzwei", b"zeile\nzwei")
        data = b"\xef\xbb\xbf" + ends
    dataset = build(tmp_path / "out", write(tmp_path / name, data))
    a, b = dataset.samples("train")
    assert (a.clip.clip_id, a.text, a.gloss) == ("a", 'er sagt "ja", oder', "JA ODER")
    assert (a.clip.signer, a.clip.frames, a.clip.n_frames) == ("s1", "v/a.mp4", 12)
    assert (b.text, b.clip.signer, b.clip.frames, b.clip.n_frames) == ("zeile\nzwei",) + (None,) * 3
    assert a.question and b.question and b.question.text == "Wie viele Zeilen?"
    assert (a.question.source, a.question.provenance.file) == ("annotated", name)
    assert a.question.provenance.line == 2 - ("json" in name.lower())
    assert dataset.manifest["questions"]["source"] == "annotated"


def test_every_option_goes_where_it_belongs(tmp_path: Path) -> None:
    table = write(tmp_path / "mein.csv", "nr;satz;Zeichen;wer\nx1;guten tag;TAG;anna\n")
    options = ("--column", "clip_id=nr", "--column", "text=satz", "--column", "gloss=Zeichen",
               "--column", "signer=wer", "--delimiter", ";", "--split", "test",
               "--sign-language", "gsg", "--fps", "30000/1001", "--licence", "CC0",
               "--dataset", "mein-qa")  # fmt: skip
    dataset = build(tmp_path / "out", table, more=options)
    (s,) = dataset.samples("test")
    assert (s.clip.clip_id, s.text, s.gloss, s.clip.signer) == ("x1", "guten tag", "TAG", "anna")
    assert s.text_language == "de" and s.sign_language == "gsg"
    assert s.clip.fps is not None and (s.clip.fps.numerator, s.clip.fps.denominator) == (
        30000,
        1001,
    )
    assert dataset.name == "mein-qa" and dataset.manifest["corpus"]["licence"] == "CC0"
    assert s.question is None and dataset.manifest["questions"]["source"] == "none"


def test_splits_from_names_and_columns_in_any_order(tmp_path: Path) -> None:
    mixed = write(tmp_path / "all.csv", "id,split,sentence\n" + "".join(
        f"c{i},{('test', 'train', 'dev')[i % 3]},satz {i}\n" for i in range(30)))  # fmt: skip
    named = write(tmp_path / "korpus-dev_neu.tsv", "name\ttranslation\nd\tsatz\n")
    dataset = build(tmp_path / "out", mixed, named)
    rows = {s: dataset.columns(s, ["clip_id"])["clip_id"] for s in dataset.splits}
    assert rows["test"] == [f"c{i}" for i in range(0, 30, 3)]
    assert rows["dev"] == [f"c{i}" for i in range(2, 30, 3)] + ["d"]
    assert verify(tmp_path / "out") == []


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is told by Linux")
def test_many_rows_of_interleaved_splits_are_streamed(tmp_path: Path) -> None:
    """Several batches, in no more memory than a few of them."""
    path = tmp_path / "all.csv"
    with path.open("w") as f:
        f.write("clip_id,split,text\n")
        f.writelines(f"c{i},{('dev', 'train')[i % 2]},{'wort ' * 40}{i}\n" for i in range(40_000))
    code = (
        "import sys; from pathlib import Path; from qa_builder.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as e: assert not e.code\n"
        "print(Path('/proc/self/status').read_text())"
    )
    command = ["build", "table", "--table", str(path), "--language", "de", "--out"]
    done = subprocess.run([sys.executable, "-c", code, *command, str(tmp_path / "out")],
                          capture_output=True, text=True, check=True)  # fmt: skip
    peak = re.search(r"VmHWM:\s+(\d+) kB", done.stdout)
    assert peak and int(peak[1]) < 350 * 1024
    dataset = open_dataset(tmp_path / "out")
    assert {s: v["rows"] for s, v in dataset.manifest["splits"].items()} == {
        "dev": 20_000, "train": 20_000,
    }  # fmt: skip
    assert dataset.columns("dev", ["clip_id"])["clip_id"][:5000:1000] == [
        f"c{i}" for i in range(0, 10_000, 2000)
    ]


def test_questions_of_the_table(tmp_path: Path) -> None:
    """Empty ones and invisible characters are counted; a table without the column is no error."""
    a = write(tmp_path / "train.csv", "id,text,question\na,x,Was\u200b?\nb,y, \nc,z,Wo?\n")
    b = write(tmp_path / "dev.csv", "id,text\nd,x\n")
    dataset = build(tmp_path / "out", a, b)
    assert dataset.manifest["questions"]["source"] == "annotated"
    assert [s.question and s.question.text for s in dataset.samples("train")] == [
        "Was\u200b?", None, "Wo?",
    ]  # fmt: skip
    assert dataset.manifest["rejects"] == {"empty-question": 1, "invisible-character": 1}
    assert {f["id"]: f["count"] for f in dataset.manifest["findings"]} == {
        "questions-empty-question": 1, "questions-invisible-character": 1,
        "questions-no-question": 1,
    }  # fmt: skip
    sources = {q.question.source for s in dataset.splits for q in dataset.samples(s) if q.question}
    assert sources == {"annotated"}
    none = build(tmp_path / "none", a, more=("--questions", "none"))
    assert none.manifest["questions"]["source"] == "none"
    assert {s.question for s in none.samples("train")} == {None}


def test_json_values_of_other_types(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"clip_id": "a", "text": "x", "signer": 3, "n_frames": 7, "gloss": None},
        {"clip_id": "b", "text": "y"},
    ]
    table = write(tmp_path / "dev.jsonl", "".join(json.dumps(r) + "\n" for r in rows))
    a, b = build(tmp_path / "out", table).samples("dev")
    assert (a.clip.signer, a.clip.n_frames, a.gloss) == ("3", 7, None)
    assert (b.clip.signer, b.clip.n_frames) == (None, None)


OK = {"clip_id": "ok", "text": "x"}
# name of the file, its text, and what the error must say
BAD = {
    "number as id": ("train.jsonl", [OK, {"clip_id": 5, "text": "x"}], [":2: ", "clip_id is 5"]),
    "no text": ("train.jsonl", [OK, {"clip_id": "b"}], [":2: ", "text is missing"]),
    "null text": ("train.jsonl", [OK, {"clip_id": "b", "text": None}], [":2: ", "text is missing"]),
    "huge value": ("train.jsonl", [OK, {"clip_id": "b", "text": {"x": ["y" * 10**6] * 9}}],
                   [":2: ", "text is {'x'", "expected a string"]),
    "deep value": ("train.jsonl", '{"clip_id": "a", "text": ' + "[" * 9**5 + "]" * 9**5 + "}\n",
                   [":1: ", "is no JSON"]),
    "list as split": ("all.jsonl", [OK | {"split": ["dev"]}], [":1: ", "split is ['dev']"]),
    "row without split": ("all.jsonl", [OK | {"split": "dev"}, {"clip_id": "b", "text": "y"}],
                          [":2: ", "split is None", "train, dev, test"]),
    "signer": ("train.jsonl", [OK | {"signer": [1]}], [":1: ", "signer is [1]"]),
    "surrogate": ("train.jsonl", '{"clip_id": "a", "text": "\\ud800"}\n',
                  [":1: ", "text is '\\ud800'", "surrogate"]),
    "surrogate in the id": ("train.jsonl", '{"clip_id": "\\ud800", "text": "a"}\n', [":1: "]),
    "surrogate in a question": ("train.jsonl",
                                '{"clip_id": "a", "text": "a", "question": "\\udfff?"}\n',
                                [":1: ", "question is"]),
    "float frames": ("train.jsonl", [OK | {"n_frames": 3.5}], [":1: ", "n_frames is 3.5"]),
    "no object": ("train.jsonl", f"{json.dumps(OK)}\n[1]\n", [":2: ", "no JSON object"]),
    "broken JSON": ("train.jsonl", f'{json.dumps(OK)}\n{{"a": \n', [":2: ", "is no JSON"]),
    "frames climb": ("train.csv", "clip_id,text,frames\na,x,f/../../y\n", [":2: ", "leads out"]),
    "frames absolute": ("train.csv", "clip_id,text,frames\na,x,/etc\n", [":2: ", "leads out"]),
    "frames of Windows": ("train.csv", "clip_id,text,frames\na,x,..\\y\n", [":2: ", "leads out"]),
    "no number": ("train.csv", "clip_id,text,n_frames\na,x,²\n", [":2: ", "n_frames is '²'"]),
    "too many": ("train.csv", f"clip_id,text,n_frames\na,x,{'9' * 5000}\n", [":2: ", "n_frames"]),
    "no column": ("train.csv", "nummer,text\na,x\n", [":1: ", "lacks a column for clip_id",
                                                      "--column clip_id=NAME", "nummer, text"]),
    "no split": ("mein.csv", "clip_id,text\na,x\n", ["has no split", "--split"]),
    "unknown split": ("mein.csv", "clip_id,text,split\na,x,train\nb,y,val\n",
                      [":3: ", "split is 'val'", "train, dev, test"]),
    "wrong delimiter": ("train.csv", "clip_id;text\na;x\n", [":1: ", "one column 'clip_id;text'",
                                                             "--delimiter"]),
    "blank header": ("train.csv", "\nclip_id,text\na,x\n", [":1: ", "header is blank"]),
    "header only": ("train.csv", "clip_id,text\n", ["a header and no rows"]),
    "empty": ("train.csv", "", ["the file is empty"]),
    "column twice": ("train.csv", "clip_id,text,text\na,x,y\n", [":1: ", "names a column twice"]),
    "too many fields": ("train.csv", "clip_id,text\na,x\nb,y,z\nc,z\nd,x,y,z\n",
                        [":3: ", "has 3 fields", ":5: ", "has 4 fields", "quotes"]),
    "open quote": ("train.csv", 'clip_id,text\na,x\nb,"y\n' + "c,z\n" * 9, [":3: ", "starts here"]),
    "quote in the middle": ("train.csv", 'clip_id,text\na,"x" y\n', [":2: ", "starts here"]),
    "huge field": ("train.csv", "clip_id,text\na," + "x" * (1 << 21) + "\n",
                   [":2: ", "field larger than field limit"]),
    "double": ("train.csv", "clip_id,text\na,x\nb,x\na,y\n", [":4: ", "[a]", "seen on line 2"]),
    "id climbs": ("train.csv", "clip_id,text\n../a,x\n", [":2: ", "leads out of the corpus"]),
    "kind of file": ("train.xlsx", "clip_id,text\na,x\n", ["unknown kind of table '.xlsx'"]),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_bad_tables(what: str, tmp_path: Path) -> None:
    name, content, words = BAD[what]
    if isinstance(content, list):
        content = "".join(json.dumps(r) + "\n" for r in content)
    table = write(tmp_path / name, content)
    Kept(tmp_path).refuses("table", "--table", table, "--language", "de", words=[name, *words])


def test_doubles_over_batches_and_files(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    rows = "".join(f"c{i},x\n" for i in range(9000))
    far = write(tmp_path / "dev.csv", f"clip_id,text\n{rows}c0,x\n")
    kept.refuses("table", "--table", far, "--language", "de",
                 words=["dev.csv:9002: [c0]", "seen before, in the split 'dev'"])  # fmt: skip
    a = write(tmp_path / "train.csv", "clip_id,text\na,x\n")
    b = write(tmp_path / "test.csv", "clip_id,text\nb,x\na,x\n")
    kept.refuses("table", "--table", a, "--table", b, "--language", "de",
                 words=["test.csv:3: [a]", "in the split 'train'"])  # fmt: skip


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), ["the language of the sentences is not given", "--language de"]),
        (("--language", "deutsch"), ["--language is 'deutsch'", "ISO 639"]),
        (("--language", "de", "--delimiter", "::"), ["--delimiter is '::'", "one character"]),
        (("--language", "de", "--delimiter", '"'), ["--delimiter is '\"'"]),
        (("--language", "de", "--fps", "fast"), ["--fps is 'fast'", "30000/1001"]),
        (("--language", "de", "--fps", "1/0"), ["--fps is '1/0'"]),
        (("--language", "de", "--column", "text"), ["--column text is no KEY=VALUE"]),
        (("--language", "de", "--column", "texst=t"), ["unknown field texst", "clip_id, text"]),
        (("--language", "de", "--column", "gloss=g"), ["has no column 'g' (for gloss)", ":1: "]),
        (("--language", "de", "--questions", "column"), ["no column for the question"]),
        (("--language", "de", "--dataset", "../x"), ["dataset is '../x'", "expected a name"]),
        (("--language", "de", "--table", "/nowhere.csv"), ["/nowhere.csv", "no such file"]),
    ],
)
def test_wrong_options(options: tuple[str, ...], words: list[str], tmp_path: Path) -> None:
    table = write(tmp_path / "train.csv", "clip_id,text\na,x\n")
    kept = Kept(tmp_path / "k")
    refused(qa_builder("build", "table", "--table", table, "--out", kept.out, *options), *words)
    assert verify(kept.out) == []
