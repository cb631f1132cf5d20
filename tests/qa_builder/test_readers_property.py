"""Any rows in an official layout come back as they were; damage gives a dataset or a sentence."""

from __future__ import annotations

import csv
import io
import json
import pickle
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from corpus_files import phoenix_row, qa_builder, write, write_csl, write_labels, write_phoenix
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qa_builder.corpora.base import ClipBatch, Corpus, Notes
from qa_builder.corpora.csl_daily import CslDaily
from qa_builder.corpora.labels import Labels
from qa_builder.corpora.phoenix import Phoenix
from qa_builder.corpora.table import INFO, Table
from qa_builder.corpora.toy import copy_toy
from qa_builder.questions.formats import read_questions
from qa_builder.verify import verify

SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
UTF8 = {"exclude_categories": ["Cs"]}
ANY = st.text(st.characters(**UTF8), max_size=10)  # type: ignore[arg-type]
NO_NUL = st.text(st.characters(exclude_characters="\0", **UTF8), max_size=10)  # type: ignore[arg-type]
FIELD = st.text(st.characters(exclude_characters="\0\r\n|", **UTF8), max_size=10)  # type: ignore[arg-type]
ID = st.text(st.sampled_from("abcäß中0_-./+ "), min_size=1, max_size=8).filter(
    lambda s: s == s.strip() and ".." not in s and s[0] != "/"
)
TOKENS = st.lists(
    st.text(st.characters(exclude_characters="\0\r\n| ", **UTF8), min_size=1, max_size=3),  # type: ignore[arg-type]
    min_size=1, max_size=4,
)  # fmt: skip


def ids(n: int = 6) -> st.SearchStrategy[list[str]]:
    return st.lists(ID, min_size=1, max_size=n, unique=True)


def read(corpus: Corpus) -> dict[str, ClipBatch]:
    found = list(corpus.read(Notes()))
    assert len({b.split for b in found}) == len(found)
    return {b.split: b for b in found}


@SETTINGS
@given(st.data())
def test_phoenix(tmp_path: Path, data: st.DataObject) -> None:
    names = data.draw(ids())
    texts, glosses = (data.draw(st.lists(FIELD, min_size=len(names), max_size=len(names)))
                      for _ in range(2))  # fmt: skip
    rows = [phoenix_row(*row) for row in zip(names, texts, glosses, strict=True)]
    root = write_phoenix(tmp_path, {"train": rows, "dev": [phoenix_row("§dev", "x")],
                                    "test": [phoenix_row("§test", "x")]})  # fmt: skip
    batch = read(Phoenix(root))["train"]
    assert (batch.clip_id, batch.text, list(batch.gloss)) == (names, texts, glosses)


@SETTINGS
@given(st.data())
def test_csl_daily_by_both_ways(tmp_path: Path, data: st.DataObject) -> None:
    names = data.draw(ids())
    info = [{"name": n, "length": data.draw(st.integers(0, 500)), "signer": 3,
             **{f"label_{f}": data.draw(TOKENS) for f in ("gloss", "char", "word")}}
            for n in names]  # fmt: skip
    info = [r | {"label_postag": ["n"] * len(r["label_word"])} for r in info]  # type: ignore[arg-type]
    root = write_csl(tmp_path, info, "".join(f"{n}|dev\n" for n in names))
    lines = [
        "|".join([str(i), r["name"], str(r["length"]),
                  *(" ".join(r[f"label_{f}"]) for f in ("gloss", "char", "word", "postag"))])
        for i, r in enumerate(info)
    ]  # fmt: skip
    header = "index|name|length|gloss|char|word|postag"
    write(root / "sentence_label/video_map.txt", "\n".join([header, *lines]) + "\n")
    batch = read(CslDaily(root, "pickle"))["dev"]
    assert batch.clip_id == names and batch.n_frames == [r["length"] for r in info]
    assert batch.text == ["".join(r["label_char"]) for r in info]
    assert batch.gloss == [" ".join(r["label_gloss"]) for r in info]
    by_map = read(CslDaily(root, "video-map"))["dev"]
    assert replace(by_map, signer=batch.signer, line=batch.line, file=batch.file) == batch


@SETTINGS
@given(ids(), st.data(), st.booleans())
def test_labels(tmp_path: Path, names: list[str], data: st.DataObject, as_dict: bool) -> None:
    rows = [{"name": f"dev/{n}", "text": data.draw(ANY), "gloss": data.draw(ANY), "length": 3}
            for n in names]  # fmt: skip
    write_labels(tmp_path / "labels.dev", rows, as_dict)
    batch = read(Labels(tmp_path))["dev"]
    assert batch.clip_id == names and batch.text == [r["text"] for r in rows]
    assert batch.gloss == [r["gloss"] for r in rows]


@SETTINGS
@given(ids(), st.data(), st.sampled_from([",", "\t", ";", "jsonl"]), st.booleans())
def test_table(
    tmp_path: Path, names: list[str], data: st.DataObject, form: str, flag: bool
) -> None:
    rows = [{"clip_id": n, "text": data.draw(NO_NUL), "gloss": data.draw(NO_NUL)} for n in names]
    if form == "jsonl":
        text = "".join(json.dumps(r, ensure_ascii=flag) + "\n" for r in rows)
    else:
        buffer = io.StringIO(newline="")
        ends = "\r\n" if flag else "\n"
        w = csv.DictWriter(buffer, [*rows[0]], delimiter=form, quoting=csv.QUOTE_ALL,
                           lineterminator=ends)  # fmt: skip
        w.writeheader()
        w.writerows(rows)
        text = buffer.getvalue()
    path = write(tmp_path / ("dev.jsonl" if form == "jsonl" else "dev.csv"), text)
    table = Table([path], INFO, delimiter=None if form == "jsonl" else form)
    batch = read(table)["dev"]
    assert (batch.clip_id, batch.text) == (names, [r["text"] for r in rows])
    assert list(batch.gloss) == [r["gloss"] for r in rows]


QUESTION = st.text(st.characters(exclude_characters="\0\r\n|%Q", **UTF8), min_size=1, max_size=9)  # type: ignore[arg-type]
LINES = {
    "phoenix-blank": lambda name, text, q: f"dev/{name} {text}%{q}%GLOSS",
    "phoenix-percent": lambda name, text, q: f"dev/{name}%{text}%{q}%GLOSS",
    "csl-pipes": lambda name, text, q: f"0|{name}|9|G|{text}|{text}|{q}|",
    "csl-q": lambda name, text, q: f"frames/{name}QGQ{q}Q{q}Q{text}",
}


@pytest.mark.parametrize("format", LINES)
@SETTINGS
@given(data=st.data())
def test_questions(tmp_path: Path, format: str, data: st.DataObject) -> None:
    plain = st.text(st.sampled_from("abc0_-"), min_size=1, max_size=6)
    rows = data.draw(st.lists(st.tuples(plain, QUESTION, QUESTION), min_size=1, max_size=5))
    text = "\n".join(LINES[format](*r) for r in rows) + "\n"
    found, columns, malformed = read_questions(write(tmp_path / "q.txt", text), None)
    read_rows = list(columns.rows())
    assert (found, malformed) == (format, [])
    assert [(r.clip_id, r.text, r.question) for r in read_rows] == rows
    assert [r.line for r in read_rows] == list(range(1, len(rows) + 1))


# --- damage --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small corpora of each kind: the first clips of the toys, a table, labels."""
    folder = tmp_path_factory.mktemp("damage")
    copy_toy(folder)
    write(
        folder / "t/train.csv", 'clip_id,text,n_frames,question\na,"x, y",3,Wie?\nb,z,4,Wo?\n' * 1
    )
    write(folder / "t/dev.jsonl", '{"clip_id": "c", "text": "x"}\n{"clip_id": "d", "text": "y"}\n')
    rows = [{"name": f"dev/{i}", "text": "satz", "gloss": "SATZ", "length": 4} for i in range(4)]
    write(folder / "l/labels.dev", pickle.dumps(rows, 2))
    return folder


def commands(root: Path) -> dict[str, list[str | Path]]:
    """What is damaged, and the command that reads it."""
    manual = "phoenix/PHOENIX-2014-T-release-v3/PHOENIX-2014-T/annotations/manual"
    sentences = "csl-daily/sentence_label"
    phoenix = ["phoenix", "--root", root / "phoenix"]
    csl = ["csl-daily", "--root", root / "csl-daily"]
    asked = {c: f"{c}/annotated-questions/{c}.dev.txt" for c in ("phoenix", "csl-daily")}
    return {
        f"{manual}/PHOENIX-2014-T.dev.corpus.csv": phoenix,
        f"{sentences}/csl2020ct_v2.pkl": csl,
        f"{sentences}/split_1.txt": csl,
        f"{sentences}/video_map.txt": [*csl, "--annotations", "video-map"],
        asked["phoenix"]: [*phoenix, "--questions", f"annotated:{root / asked['phoenix']}"],
        asked["csl-daily"]: [*csl, "--questions", f"annotated:{root / asked['csl-daily']}"],
        "phoenix/toy.json": phoenix,
        "t/train.csv": ["table", "--table", root / "t/train.csv", "--language", "de"],
        "t/dev.jsonl": ["table", "--table", root / "t/dev.jsonl", "--language", "zh"],
        "l/labels.dev": ["labels", "--root", root / "l"],
    }  # fmt: skip


SPLICES = st.sampled_from([
    b"", b"|", b"%", b"Q", b"\n", b"\n\n", b"\r", b"\0", b"\xff", b"\xc3", b"\xef\xbb\xbf", b'"',
    b",", b"../", b"#", b"\\ud800", b"-1", b"{", b"]", "，".encode(), b"9" * 400, b"\xe2\x80\x8b",
])  # fmt: skip


def damaged(data: bytes, draw: Any) -> bytes:
    """Bytes cut out, put in or overwritten; lines dropped, doubled or swapped."""
    for _ in range(draw(st.integers(1, 3))):
        at, size = draw(st.integers(0, len(data))), draw(st.integers(0, 30))
        lines = data.split(b"\n")
        i, j = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        how = draw(st.sampled_from(["cut", "put", "over", "end", "drop", "double", "swap"]))
        if how in ("drop", "double", "swap"):
            if how == "swap":
                lines[i], lines[j] = lines[j], lines[i]
            else:
                lines[i : i + 1] = [] if how == "drop" else [lines[i]] * 2
            data = b"\n".join(lines)
        elif how == "end":
            data = data[:at]
        else:
            put = draw(SPLICES) if how != "cut" else b""
            data = data[:at] + put + data[at + (0 if how == "put" else size) :]
    return data


@pytest.fixture
def mended(toys: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """One of the files, to be damaged; it is put right afterwards."""
    path = toys / request.param
    whole = path.read_bytes()
    yield path
    path.write_bytes(whole)


@pytest.mark.parametrize("mended", commands(Path()), indirect=True)
@settings(SETTINGS, max_examples=40)
@given(data=st.data())
def test_damage_gives_a_dataset_or_a_sentence(
    toys: Path, mended: Path, tmp_path: Path, data: st.DataObject
) -> None:
    name = mended.relative_to(toys).as_posix()
    whole = (tmp_path / "whole").read_bytes() if (tmp_path / "whole").exists() else None
    if whole is None:
        whole = mended.read_bytes()
        (tmp_path / "whole").write_bytes(whole)
    mended.write_bytes(damaged(whole, data.draw))
    out = tmp_path / "out"
    shutil.rmtree(out, ignore_errors=True)
    result = qa_builder("build", *commands(toys)[name], "--out", out)
    assert isinstance(result.exception, SystemExit) or result.exit_code == 0, result.exc_info
    assert result.exit_code in (0, 1, 2)
    if result.exit_code == 2:
        assert result.stderr.startswith("error: ") and len(result.stderr) < 20_000
        assert not out.exists()
    else:
        assert verify(out) == []
