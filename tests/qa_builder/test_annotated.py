"""Annotated questions: formats found by looking, and everything odd counted and listed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from corpus_files import (
    CHINESE,
    Kept,
    built,
    phoenix_row,
    qa_builder,
    refused,
    write,
    write_csl,
    write_phoenix,
)  # fmt: skip

from qa_builder.dataset import Dataset, open_dataset
from qa_builder.verify import verify

SENTENCE = "morgen scheint die sonne"
S1, S2 = CHINESE[0][0], CHINESE[2][0]


@pytest.fixture
def german(tmp_path: Path) -> Path:
    rows = {"dev": [phoenix_row(n, SENTENCE) for n in ("a", "b", "c")]}
    return write_phoenix(tmp_path / "phoenix", rows)


def build(root: Path, out: Path, *files: Path, more: tuple[str, ...] = ()) -> Dataset:
    corpus = root.name
    source = "annotated:" + ",".join(map(str, files))
    built(corpus, "--root", root, "--questions", source, "--out", out, "--allow-findings", *more)
    return open_dataset(out)


def asked(dataset: Dataset) -> dict[str, str]:
    return {
        s.clip.clip_id: s.question.text
        for split in dataset.splits for s in dataset.samples(split) if s.question
    }  # fmt: skip


def listed(dataset: Dataset) -> list[tuple[Any, ...]]:
    lines = (dataset.path / "rejects.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(x) for x in lines]
    assert dict(Counter(r["reason"] for r in rows)) == dataset.manifest["rejects"]
    found = [(r["file"], r["line"], r["id"], r["reason"]) for r in rows]
    return [f for f in found if f[3] != "no-question"]


GERMAN = {
    "phoenix-blank": f"dev/a {SENTENCE}%Wie wird es?%MORGEN\ndev/b {SENTENCE}%Was ist?%X\n",
    "phoenix-percent": f"dev/a%{SENTENCE}%Wie wird es?%MORGEN\ndev/b%{SENTENCE}%Was ist?%X\n",
    "table": "id,question\na,Wie wird es?\ndev/b,Was ist?\n",
}
TABLES = {
    "comma": 'clip_id,"question"\na,Wie wird es?\nb,"Was ist?"\n',
    "tab": "name\tmore\tquestion_text\na\t1\tWie wird es?\nb\t2\tWas ist?\n",
    "semicolon": "video;q\na;Wie wird es?\nb;Was ist?\n",
    "pipe, with sentence": f"sample_id|text|question\na|{SENTENCE}|Wie wird es?\n"
    f"b|{SENTENCE}|Was ist?\n",
    "JSONL": '{"id": "a", "question": "Wie wird es?"}\n\n{"id": "dev/b", "question": "Was ist?"}\n',
    "JSONL, split": '{"id": "a", "split": "dev", "question": "Wie wird es?"}\n'
    '{"video_id": "b", "question": "Was ist?"}\n',
}


@pytest.mark.parametrize("name", [*GERMAN, *TABLES])
@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("ask", [False, True])
def test_german_formats(name: str, windows: bool, ask: bool, german: Path, tmp_path: Path) -> None:
    """Found by looking, or named; a Windows editor's BOM and CRLF change nothing."""
    text = (GERMAN | TABLES)[name]
    data = b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode() if windows else text.encode()
    format = name if name in GERMAN else "table"
    dataset = build(german, tmp_path / "out", write(tmp_path / "q.txt", data),
                    more=("--format", format) if ask else ())  # fmt: skip
    assert asked(dataset) == {"a": "Wie wird es?", "b": "Was ist?"}
    assert dataset.manifest["questions"]["formats"] == [format]
    assert dataset.manifest["questions"]["used"] == 2 and listed(dataset) == []
    (a, *_) = dataset.samples("dev")
    assert a.question and a.question.provenance.file == "q.txt" and a.question.kind == "how"
    assert a.question.provenance.line == 2 - (text[0] in "{d")


CHINESE_FILES = {
    "csl-pipes": f"0|{S1}|50|我 爱 家|我 爱 我 的 家 。|我 爱 我 的 家 。|你 爱 什么 ？|[1]\n"
    f"2|{S2}|52|今天 冷|今 天 很 冷 。|今天 很 冷 。|今天 冷 吗\n",
    "csl-q": f"sentence/frames/{S1}Q我 爱 家Q你 爱 什么 ？Q你 爱 什么 ？Q我 爱 我 的 家\n"
    f"sentence/frames/{S2}Q今天 QQ 冷Q今天 冷 吗Q今天 冷 吗Q今 天 很 冷\n",
}


@pytest.mark.parametrize("name", CHINESE_FILES)
def test_chinese_formats(name: str, tmp_path: Path) -> None:
    root = write_csl(tmp_path / "csl-daily")
    dataset = build(root, tmp_path / "out", write(tmp_path / "q.txt", CHINESE_FILES[name]))
    assert asked(dataset) == {S1: "你 爱 什么 ？", S2: "今天 冷 吗"}
    assert dataset.manifest["questions"]["formats"] == [name] and listed(dataset) == []
    (normal,) = dataset.columns("dev", ["question_normalized"])["question_normalized"]
    assert normal == "今天冷吗" and dataset.manifest["questions"]["kinds"] == {
        "what": 1, "yes-no": 1,
    }  # fmt: skip


def test_every_oddity_is_counted_and_listed_with_file_and_line(
    german: Path, tmp_path: Path
) -> None:
    first = write(tmp_path / "1.txt", "\n".join([
        f"dev/a {SENTENCE}%Wie\u200b wird es?%G",  # kept, with its zero-width blank
        "",  # a blank line is nothing
        f"dev/zzz {SENTENCE}%Wer?%G",  # no such clip
        f"dev/b {SENTENCE}% %G",  # empty
        "dev/c ganz etwas anderes, auch länger%Falsch?%G",  # another clip's sentence
        f"dev/a {SENTENCE}%Noch eine?%G",  # double
        "kein format",
        f"train/train-1 {SENTENCE}x%Ähnlich?%G",  # the sentence differs a little
        "train/train-2 guten abend meine damen und herren%Was?%G",
        f"dev/test-1 {SENTENCE}%Anderer Teil?%G",  # the split differs
    ]))  # fmt: skip
    second = write(tmp_path / "2.jsonl", "\n".join([
        '{"id": "a", "question": "Wie\\u200b wird es?"}',  # double, the same
        '{"id": "b"}',  # no question
        '{"id": "test-2", "question": "Steuer\\u0007zeichen"}',
        '[1]',
    ]))  # fmt: skip
    out = tmp_path / "out"
    dataset = build(german, out, first, second)
    assert sorted(listed(dataset), key=str) == sorted([
        ("1.txt", 1, "a", "invisible-character"), ("1.txt", 3, "zzz", "no-such-clip"),
        ("1.txt", 4, "b", "empty-question"), ("1.txt", 5, "c", "text-of-another-sentence"),
        ("1.txt", 6, "a", "double-question"), ("1.txt", 7, None, "malformed-row"),
        ("1.txt", 8, "train-1", "text-differs"),
        ("1.txt", 9, "train-2", "text-of-another-sentence"),
        ("1.txt", 10, "test-1", "split-differs"), ("2.jsonl", 1, "a", "double-question"),
        ("2.jsonl", 1, "a", "invisible-character"), ("2.jsonl", 2, None, "malformed-row"),
        ("2.jsonl", 3, "test-2", "invisible-character"), ("2.jsonl", 4, None, "malformed-row"),
    ], key=str)  # fmt: skip
    assert asked(dataset) == {
        "a": "Wie\u200b wird es?", "train-1": "Ähnlich?", "test-1": "Anderer Teil?",
        "test-2": "Steuer\u0007zeichen",
    }  # fmt: skip
    severity = {
        f["id"].removeprefix("questions-"): (f["severity"], f["count"])
        for f in dataset.manifest["findings"] if f["id"].startswith("questions")
    }  # fmt: skip
    assert severity == {
        "malformed-row": ("finding", 3), "no-such-clip": ("finding", 1),
        "double-question": ("finding", 2), "text-differs": ("finding", 1),
        "text-of-another-sentence": ("finding", 2), "split-differs": ("finding", 1),
        "empty-question": ("note", 1), "invisible-character": ("note", 3),
        "no-question": ("note", 2),
    }  # fmt: skip
    details = (out / "rejects.jsonl").read_text("utf-8")
    assert "used from 1.txt:1" in details and "the same question" in details
    assert "U+200B" in details and "ganz etwas anderes" in details and "U+0007" in details
    assert verify(out) == []


def test_rows_are_joined_by_id_in_whatever_order(german: Path, tmp_path: Path) -> None:
    """Rows in the order of the clips are taken as columns, others one by one."""
    lines = [f"dev/{n} {SENTENCE}%Was ist {n}?%G\n" for n in "abc"]
    orders = {
        "in order": [lines], "turned": [lines[::-1]], "in two files": [lines[:2], lines[2:]],
        "and more": [[*lines, lines[1].replace("%Was", "%Wer")]],
    }  # fmt: skip
    for name, files in orders.items():
        paths = [write(tmp_path / name / f"{i}.txt", "".join(rows)) for i, rows in enumerate(files)]
        dataset = build(german, tmp_path / name / "out", *paths)
        assert asked(dataset) == {n: f"Was ist {n}?" for n in "abc"}
        assert dataset.manifest["questions"]["used"] == 3
        double = [("0.txt", 4, "b", "double-question")] if name == "and more" else []
        assert listed(dataset) == double
        read = [s.question.provenance for s in dataset.samples("dev") if s.question]
        assert [lines.index(files[int(p.file[0])][p.line - 1]) for p in read] == [0, 1, 2]


def test_findings_exit_1_unless_allowed(german: Path, tmp_path: Path) -> None:
    file = write(
        tmp_path / "q.txt", f"dev/a anders hier nichts gleich%Wie?%G\n{GERMAN['phoenix-blank']}"
    )
    given = ("build", "phoenix", "--root", german, "--questions", f"annotated:{file}", "--out",
             tmp_path / "out")  # fmt: skip
    refused(qa_builder(*given), "1 finding ", "rejects.jsonl", "--allow-findings", code=1)
    assert asked(open_dataset(tmp_path / "out"))["a"] == "Wie wird es?"  # the row that fits
    assert qa_builder(*given, "--allow-findings").exit_code == 0


def test_two_corpora_files_given_apart_and_several_options(german: Path, tmp_path: Path) -> None:
    a = write(tmp_path / "a.txt", f"dev/a {SENTENCE}%Wie wird es?%G\n")
    b = write(tmp_path / "b.csv", "id,question\nb,Was ist?\n")
    built("phoenix", "--root", german, "--questions", f"annotated:{a}", "--questions",
          f"annotated:{b}", "--out", tmp_path / "out")  # fmt: skip
    dataset = open_dataset(tmp_path / "out")
    assert asked(dataset) == {"a": "Wie wird es?", "b": "Was ist?"}
    assert dataset.manifest["questions"]["formats"] == ["phoenix-blank", "table"]
    assert [s["path"] for s in dataset.manifest["sources"] if s["role"] == "questions"] == [
        "a.txt", "b.csv",
    ]  # fmt: skip


def test_line_ends_within_a_question_are_kept(german: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "q.csv", 'id,question\na,"Wie\nwird ""es""?"\nb,Was?\nc,"x" y\n')
    Kept(tmp_path).refuses("phoenix", "--root", german, "--questions", f"annotated:{file}",
                           words=["q.csv:5: ", "starts here"])  # fmt: skip
    file = write(tmp_path / "q.csv", 'id,question\na,"Wie\nwird ""es""?"\nb,Was?\nc\n')
    dataset = build(german, tmp_path / "out", file)
    assert asked(dataset) == {"a": 'Wie\nwird "es"?', "b": "Was?"}
    assert listed(dataset) == [("q.csv", 5, None, "malformed-row")]


def test_a_huge_sentence_or_many_qs_take_no_time(german: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "q.txt", f"dev/a {'x' * 3_000_000}%Wie?%G\ndev/b {SENTENCE}%Was?%G\n")
    dataset = build(german, tmp_path / "out", file)
    assert [r[1:] for r in listed(dataset)] == [(1, "a", "text-of-another-sentence")]
    assert (tmp_path / "out/rejects.jsonl").stat().st_size < 5000
    many = write(tmp_path / "qs.txt", ("a/b" + "Q" * 3000 + "x\n") * 3)
    Kept(tmp_path).refuses("phoenix", "--root", german, "--questions", f"annotated:{many}",
                           words=["qs.txt:1: ", "in no known format"])  # fmt: skip


BAD = {
    "no format": ("ein text\nnoch einer\n", (), [":1: ", "no known format", "--format"]),
    "wrong format": (GERMAN["phoenix-blank"], ("--format", "csl-q"), ["no line is in the format"]),
    "unknown format": ("x", ("--format", "xml"), ["unknown value of format 'xml'", "csl-pipes"]),
    "table of other columns": ("a,b\n1,2\n", ("--format", "table"), [":1: ", "no id and question"]),
    "broken JSON": ('{"id": "a", "question": "x"}\n{"id"\n', (), [":2: ", "is no JSON"]),
    "surrogate": ('{"id": "a", "question": "\\ud800"}\n', (), [":1: ", "lone surrogate"]),
    "JSON without ids": ('{"question": "x"}\n', (), ["no row has an id and a question"]),
    "empty": ("", (), ["the file is empty"]),
    "Latin-1": ("dev/a ähm%Wie?%G\n".encode("latin-1"), (), [":1: ", "not UTF-8", "iconv -f"]),
    "UTF-16": ("dev/a x%Wie?%G\n".encode("utf-16"), (), ["is UTF-16", "iconv -f UTF-16"]),
    "NUL": ("dev/a x%Wie?%G\ndev/b\0 x%Wie?%G\n", (), [":2: ", "NUL"]),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_bad_files_of_questions(what: str, german: Path, tmp_path: Path) -> None:
    content, options, words = BAD[what]
    file = write(tmp_path / "q.txt", content)
    wanted = words if options[-1:] == ("xml",) else ["q.txt", *words]
    kept = Kept(tmp_path)
    refused(qa_builder("build", "phoenix", "--root", german, "--questions", f"annotated:{file}",
                       "--out", kept.out, *options), *wanted)  # fmt: skip
    assert verify(kept.out) == []
