"""Bad input is one clear sentence with file, line and cure, and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from corpus_files import (
    Kept,
    built,
    contents,
    phoenix_file,
    phoenix_row,
    qa_builder,
    refused,
    write,
    write_csl,
    write_phoenix,
)  # fmt: skip

from qa_builder.dataset import open_dataset
from qa_builder.verify import verify

TABLE = "clip_id,text\na,ähm ein satz\nb,über\n"


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "kept")


@pytest.fixture(autouse=True)
def no_roots(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PHOENIX_ROOT", "CSL_DAILY_ROOT"):
        monkeypatch.delenv(name, raising=False)


# --- the root ---------------------------------------------------------------------------------


def test_without_a_root_the_message_tells_where_the_corpus_is_had_from(kept: Kept) -> None:
    kept.refuses("phoenix", words=["--root DIR", "$PHOENIX_ROOT", "RWTH Aachen", "39 GB",
                                   "`qa-builder toy toy-corpus`",
                                   "`qa-builder build phoenix --root toy-corpus/phoenix`"])  # fmt: skip  # noqa: E501
    kept.refuses("csl-daily", words=["--root DIR", "$CSL_DAILY_ROOT", "research agreement",
                                     "tens of GB", "qa-builder toy toy-corpus",
                                     "build csl-daily --root toy-corpus/csl-daily"])  # fmt: skip


def test_what_the_message_advises_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert qa_builder("toy", "toy-corpus").exit_code == 0
    built("phoenix", "--root", "toy-corpus/phoenix")
    built("csl-daily", "--root", "toy-corpus/csl-daily")
    assert sorted(p.name for p in Path("data").iterdir()) == ["toy-csl-daily-qa", "toy-phoenix-qa"]


def test_root_from_the_environment(
    tmp_path: Path, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOENIX_ROOT", str(write_phoenix(tmp_path / "p")))
    monkeypatch.setenv("CSL_DAILY_ROOT", str(write_csl(tmp_path / "c")))
    built("phoenix", "--out", tmp_path / "a")
    built("csl-daily", "--out", tmp_path / "b")
    monkeypatch.setenv("PHOENIX_ROOT", "/nowhere")
    kept.refuses("phoenix", words=["/nowhere", "$PHOENIX_ROOT names no folder", "RWTH Aachen"])
    built("phoenix", "--root", tmp_path / "p", "--out", tmp_path / "c2")  # --root wins


def test_wrong_roots(tmp_path: Path, kept: Kept) -> None:
    phoenix, csl = write_phoenix(tmp_path / "p"), write_csl(tmp_path / "c")
    (tmp_path / "empty").mkdir()
    for corpus in ("phoenix", "csl-daily"):
        kept.refuses(corpus, "--root", tmp_path / "none", words=["--root names no folder", "none"])
        kept.refuses(corpus, "--root", phoenix_file(phoenix, "dev"), words=["names no folder"])
        kept.refuses(corpus, "--root", tmp_path / "empty", words=["holds no ", "Set --root to"])
    kept.refuses("phoenix", "--root", csl, words=["this looks like CSL-Daily", "Set --root"])
    kept.refuses("csl-daily", "--root", phoenix, words=["this looks like PHOENIX-2014T"])


def test_missing_files_all_at_once(tmp_path: Path, kept: Kept) -> None:
    phoenix, csl = write_phoenix(tmp_path / "p"), write_csl(tmp_path / "c")
    phoenix_file(phoenix, "dev").unlink()
    kept.refuses("phoenix", "--root", phoenix, words=["dev.corpus.csv", "is missing", "Copy it"])
    phoenix_file(phoenix, "test").unlink()
    kept.refuses("phoenix", "--root", phoenix, words=["dev.corpus.csv", "test.corpus.csv"])
    (csl / "sentence_label/split_1.txt").unlink()
    kept.refuses("csl-daily", "--root", csl, words=["split_1.txt", "which clip is in which split"])
    for name in ("csl2020ct_v2.pkl", "video_map.txt"):
        (csl / "sentence_label" / name).unlink()
    kept.refuses("csl-daily", "--root", csl, words=["split_1.txt", "has the sentences"])


# --- bytes that are no sound text, in each file that a reader reads ------------------------------

BYTES = {
    "Latin-1": (lambda s: s.encode("latin-1", "replace"), ["not UTF-8", "0xe4", "iconv -f LATIN1"]),
    "GB18030": (lambda s: s.replace("ä", "你").encode("gb18030"), ["not UTF-8", "GB18030"]),
    "UTF-16": (lambda s: s.encode("utf-16"), ["is UTF-16", "iconv -f UTF-16"]),
    "UTF-16 without BOM": (lambda s: s.replace("ä", "a").encode("utf-16-le"), ["NUL bytes"]),
    "NUL": (lambda s: s.replace("ä", "\0").encode(), ["NUL bytes", "UTF-8"]),
    "empty": (lambda s: b"", ["the file is empty", "Copy it again"]),
    "BOM alone": (lambda s: b"\xef\xbb\xbf", ["the file is empty"]),
    "cut in a character": (lambda s: s.encode().partition(b"\xc3")[0] + b"\xc3", ["not UTF-8"]),
}  # fmt: skip


@pytest.mark.parametrize("what", BYTES)
@pytest.mark.parametrize("corpus", ["phoenix", "csl-daily", "table", "questions"])
def test_encodings(what: str, corpus: str, tmp_path: Path, kept: Kept) -> None:
    turn, words = BYTES[what]
    root = write_phoenix(tmp_path / "p", {"dev": [phoenix_row("a", "x"), phoenix_row("b", "ähm")]})
    if corpus == "phoenix":
        file = phoenix_file(root, "dev")
        given: tuple[str | Path, ...] = ("phoenix", "--root", root)
    elif corpus == "csl-daily":
        csl = write_csl(tmp_path / "c", split="S000001_P0000_T00|train\nähm|dev\n")
        file, given = csl / "sentence_label/split_1.txt", ("csl-daily", "--root", csl)
    elif corpus == "table":
        file = write(tmp_path / "train.csv", "clip_id,text\na,ein satz\nb,ähm\n")
        given = ("table", "--table", file, "--language", "de")
    else:
        file = write(tmp_path / "q.txt", "dev/a x%Was?%G\ndev/b ähm%Wo?%G\n")
        given = ("phoenix", "--root", root, "--questions", f"annotated:{file}")
    file.write_bytes(turn(file.read_text(encoding="utf-8")))
    said = kept.refuses(*given, words=[str(file), *words])
    if "not UTF-8" in said or what == "NUL":
        assert f"{file}:{2 if corpus == 'questions' else 3}: " in said


# --- large and odd things ----------------------------------------------------------------------


def test_lines_of_10_mb(tmp_path: Path, kept: Kept) -> None:
    long = "x" * 10_000_000
    rows = {"dev": [phoenix_row("a", long), phoenix_row("b", "t")]}
    built("phoenix", "--root", write_phoenix(tmp_path / "ok", rows), "--out", tmp_path / "out")
    texts = open_dataset(tmp_path / "out").columns("dev", ["text"])["text"]
    assert [len(t) for t in texts] == [10_000_000, 1]
    rows = {"dev": [phoenix_row("a", "t"), long]}
    kept.refuses(
        "phoenix", "--root", write_phoenix(tmp_path / "a", rows), words=[":3: ", "1 field"]
    )
    rows = {"dev": [phoenix_row(long + "#", "t")]}
    kept.refuses("phoenix", "--root", write_phoenix(tmp_path / "b", rows), words=[":2: ", "'#'"])
    write(phoenix_file(tmp_path / "b", "dev"), long + "\n")
    kept.refuses("phoenix", "--root", tmp_path / "b", words=[":1: ", "expected a header"])
    write(phoenix_file(tmp_path / "b", "dev"), "|".join(["x"] * 100_000) + "\n")
    kept.refuses("phoenix", "--root", tmp_path / "b", words=["lacks the column", "100,000 in all"])
    csl = write_csl(tmp_path / "c", split=f"{long}|valid\n")
    kept.refuses("csl-daily", "--root", csl, words=[":2: ", "unknown split"])
    for text in (f"clip_id,text\na,{long}\n", long, f'clip_id,text\na,"{long}'):
        table = write(tmp_path / "train.csv", text)
        kept.refuses("table", "--table", table, "--language", "de", words=["train.csv:"])
    table = write(
        tmp_path / "train.jsonl", f'{{"clip_id": "a", "text": "x", "n_frames": "{long}"}}'
    )
    kept.refuses("table", "--table", table, "--language", "de", words=["jsonl:1: ", "n_frames"])
    questions = write(tmp_path / "q.txt", long)
    kept.refuses("phoenix", "--root", tmp_path / "ok", "--questions", f"annotated:{questions}",
                 words=["q.txt:1: ", "no known format"])  # fmt: skip


def test_names_that_are_no_text(tmp_path: Path, kept: Kept) -> None:
    name = os.fsdecode(b"train\xff.csv")
    try:
        table = write(tmp_path / name, "clip_id,text,split\na,x,dev\n")
    except OSError:
        pytest.skip("this file system takes no such name")
    given = [sys.executable, "-m", "qa_builder.cli", "build", "table", "--table", str(table)]
    done = subprocess.run([*given, "--language", "de", "--out", str(kept.out)],
                          capture_output=True, check=False)  # fmt: skip
    assert done.returncode == 2 and b"rename the file" in done.stderr
    assert b"Traceback" not in done.stderr and verify(kept.out) == []


# --- where the dataset goes --------------------------------------------------------------------


def table(folder: Path) -> tuple[str, ...]:
    return "table", "--table", str(write(folder / "train.csv", TABLE)), "--language", "de"


def test_out_that_is_something_else(tmp_path: Path) -> None:
    given = table(tmp_path)
    file = write(tmp_path / "file", "mine")
    foreign = write(tmp_path / "foreign/thesis.tex", "mine").parent
    before = contents(tmp_path)
    refused(qa_builder("build", *given, "--out", file), str(file), "is a file", "another --out")
    refused(qa_builder("build", *given, "--out", file / "x" / "y"), "file", "is a file")
    refused(qa_builder("build", *given, "--out", foreign), "holds files, and no dataset",
            "another --out")  # fmt: skip
    refused(qa_builder("build", *given, "--out", "/"), "holds files")
    assert contents(tmp_path) == before


def test_out_with_a_foreign_file_in_a_dataset(tmp_path: Path, kept: Kept) -> None:
    write(kept.out / "notes.txt", "mine")
    said = refused(
        qa_builder("build", *table(tmp_path), "--out", kept.out), "notes.txt", "Move them"
    )
    assert "would remove" in said and (kept.out / "notes.txt").read_text() == "mine"


def test_out_by_a_link_or_a_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link stays a link; `.` is the folder that one is in."""
    given = table(tmp_path)
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to("far")
    for seed in ("1", "2", "3"):
        built(*given, "--out", tmp_path / "link", "--seed", seed)
        assert (tmp_path / "link").is_symlink() and verify(tmp_path / "far") == []
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    built(*given, "--out", ".")
    assert verify(tmp_path / "here") == []
    assert not [p.name for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_out_with_a_name_that_looks_like_mark_up(tmp_path: Path) -> None:
    result = built(*table(tmp_path), "--out", tmp_path / "x[/y]:smile: [red]")
    assert "x[/y]:smile: [red])" in result.stdout.replace("\n", "")
    assert verify(tmp_path / "x[/y]:smile: [red]") == []


def test_out_that_may_not_be_written(tmp_path: Path) -> None:
    given = [sys.executable, "-m", "qa_builder.cli", "build", *table(tmp_path)]
    locked = tmp_path / "locked"
    locked.mkdir()
    mounted = os.geteuid() == 0  # root may write in spite of any mode
    if mounted:
        mount = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(locked)]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("root may write everywhere here, and can mount nothing")
    else:
        locked.chmod(0o555)
    try:
        done = subprocess.run([*given, "--out", str(locked / "out")], capture_output=True,
                              text=True, check=False)  # fmt: skip
    finally:
        if mounted:
            subprocess.run(["umount", str(locked)], check=True)
        locked.chmod(0o755)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert str(locked) in done.stderr and ("read-only" in done.stderr or "denied" in done.stderr)


# --- Ctrl-C --------------------------------------------------------------------------------------


def test_ctrl_c_stops_with_a_sentence_and_keeps_the_old_dataset(tmp_path: Path, kept: Kept) -> None:
    big = tmp_path / "train.csv"
    with big.open("w") as f:
        f.write("clip_id,text,question\n")
        f.writelines(f"c{i},satz nummer {i} mit wind,was ist {i}\n" for i in range(300_000))
    before = contents(kept.out)
    command = [sys.executable, "-m", "qa_builder.cli", "build", "table", "--table", str(big),
               "--language", "de", "--out", str(kept.out)]  # fmt: skip
    new = kept.out.parent / ".out.new/data/train.parquet"
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not new.exists():
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=100)
    assert process.returncode == 130, said
    assert said.strip() == "error: interrupted; nothing that existed before was changed."
    assert contents(kept.out) == before and verify(kept.out) == []
    assert [p.name for p in kept.out.parent.glob(".out*")] == []
