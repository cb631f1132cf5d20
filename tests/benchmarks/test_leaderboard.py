"""Boards: scored again, ranked fairly, controls on each; the site whole, escaped, without text."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from toy_submissions import (
    FIELDS,
    HOSTILE,
    noisy,
    references,
    toy_submissions,
    write_submission,
)

from benchmarks.cli import main
from benchmarks.leaderboard.board import Board, Row, build_boards, rank
from benchmarks.leaderboard.reported import CORPORA, read_reported
from benchmarks.leaderboard.submissions import MAX_BYTES, read_submission
from benchmarks.pages import different, slug, web_address
from benchmarks.predictions import read_predictions
from benchmarks.scorer import load_references, score
from benchmarks.tasks.task import load_task
from qa_builder.cli import main as builder
from qa_builder.dataset import open_dataset
from qa_builder.errors import QbsltError

TASK = "toy-phoenix-qa"
CONTROLS = {"copy-question", "retrieve-by-question", "retrieve-by-gloss", "most-frequent",
            "wrong-question", "reference"}  # fmt: skip


@pytest.fixture(scope="module")
def submissions(tmp_path_factory: pytest.TempPathFactory, toy_phoenix: Path) -> Path:
    return toy_submissions(tmp_path_factory.mktemp("submissions"), toy_phoenix)


@pytest.fixture(scope="module")
def board(submissions: Path, toy_phoenix: Path) -> Board:
    (found,) = build_boards(submissions, [open_dataset(toy_phoenix)], resamples=200, seed=1)
    return found


def build(submissions: Path, out: Path, *data: Path, more: tuple[str, ...] = ()) -> Result:
    given = [word for d in data for word in ("--data", str(d))]
    return CliRunner().invoke(
        main,
        ["leaderboard", "build", str(submissions), "--out", str(out), "--resamples", "100",
         *given, *more],
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, submissions: Path, toy_phoenix: Path) -> Path:
    out = tmp_path_factory.mktemp("out") / "site"
    result = build(submissions, out, toy_phoenix)
    assert result.exit_code == 0, result.output
    return out


def one(root: Path, dataset: Path) -> Path:
    return write_submission(root / "one", TASK, "One", {"predictions.txt": references(dataset)})


def without_questions(toy_phoenix: Path, out: Path) -> Path:
    """The toy corpus built once more: the same dataset with another fingerprint."""
    root = toy_phoenix.parent / "corpora" / "phoenix"
    given = ["--root", str(root), "--questions", "none", "--out", str(out)]
    made = CliRunner().invoke(builder, ["build", "phoenix", *given])
    assert made.exit_code == 0, made.output
    return out


def test_rows_are_scored_again_from_their_predictions(
    board: Board, submissions: Path, toy_phoenix: Path
) -> None:
    data = load_references(open_dataset(toy_phoenix), "test")
    texts = read_predictions(submissions / "good" / "predictions.txt", data.sample_id).texts
    alone = score(load_task(TASK), data, texts, system="x", resamples=200, seed=1)
    row = next(r for r in board.rows if r.name == "Good")
    for key, cell in alone.scores["standard-phoenix"].items():
        assert {k: row.scores[key][k] for k in cell} == cell
    assert row.scores["bleu4"]["std"] is None
    assert row.gain is not None and alone.gain_over_copy is not None
    assert row.gain["bleu4"]["value"] == alone.gain_over_copy["bleu4"]["value"]


def test_seeds_give_mean_and_deviation(board: Board) -> None:
    row = next(r for r in board.rows if r.name == "Three seeds")
    assert list(row.results) == ["0", "42", "100"]
    cells = [r.scores["standard-phoenix"]["bleu4"] for r in row.results.values()]
    values = [c["value"] for c in cells]
    assert row.scores["bleu4"]["value"] == pytest.approx(statistics.mean(values))
    assert row.scores["bleu4"]["std"] == pytest.approx(statistics.stdev(values))
    assert row.scores["bleu4"]["low"] == pytest.approx(statistics.mean(c["low"] for c in cells))
    assert row.scores["bleu4"]["std"] > 0
    ps = [(r.gain_over_copy or {})["bleu4"]["p"] for r in row.results.values()]
    assert row.gain is not None and row.gain["bleu4"]["p"] == max(ps) > min(ps)


def test_controls_are_on_the_board_and_have_no_rank(board: Board) -> None:
    controls = [r for r in board.rows if r.track == "control"]
    assert {r.name for r in controls} == CONTROLS
    assert all(r.rank is None for r in controls)
    assert {r.rank for r in board.rows if r.track != "control"} >= {1}
    by_name = {r.name: r for r in controls}
    assert by_name["reference"].scores["bleu4"]["value"] == pytest.approx(100)
    gain = by_name["copy-question"].gain
    assert gain is not None and gain["bleu4"]["value"] == 0


def test_without_questions_only_the_other_controls(tmp_path: Path, toy_phoenix: Path) -> None:
    out = without_questions(toy_phoenix, tmp_path / "plain")
    one(tmp_path / "s", out)
    result = build(tmp_path / "s", tmp_path / "site", out)
    assert result.exit_code == 0, result.output
    rows = json.loads((tmp_path / "site" / "data" / f"{TASK}.video.json").read_text())
    assert {r["system"] for r in rows} == {"One", "retrieve-by-gloss", "most-frequent", "reference"}
    assert "This split has no questions" in (tmp_path / "site" / f"{TASK}.html").read_text()


def fake(name: str, track: str, value: float, half: float) -> Row:
    cell = {"value": value, "low": value - half, "high": value + half, "std": None}
    return Row(name, track, {}, {"bleu4": cell}, None)


def test_overlapping_the_best_shares_its_rank(board: Board) -> None:
    rows = [
        fake("d", "video", 10, 1), fake("a", "video", 20, 2), fake("c", "video", 15, 1),
        fake("b", "video", 18, 1), fake("q", "video+question", 5, 1),
        fake("copy", "control", 30, 1),
    ]  # fmt: skip
    made = Board(board.task, board.dataset, board.data, rows)
    rank(made)
    assert [(r.name, r.rank) for r in made.rows] == [
        ("copy", None), ("a", 1), ("b", 1), ("c", 3), ("d", 4), ("q", 1),
    ]  # fmt: skip


def test_saying_that_test_was_seen_costs_no_rank(tmp_path: Path, toy_phoenix: Path) -> None:
    lines = noisy(references(toy_phoenix), 0.2, 1)
    for seen in ("yes", "no", "unknown"):
        write_submission(tmp_path / "s" / seen, TASK, seen, {"predictions.txt": lines},
                         seen_test=seen)  # fmt: skip
    (made,) = build_boards(tmp_path / "s", [open_dataset(toy_phoenix)], resamples=100, seed=1)
    assert {r.rank for r in made.rows if r.track == "video"} == {1}


def test_other_splits_and_fingerprints_have_boards_of_their_own(
    tmp_path: Path, toy_phoenix: Path
) -> None:
    other = without_questions(toy_phoenix, tmp_path / "other")
    datasets = [open_dataset(toy_phoenix), open_dataset(other)]
    assert datasets[0].fingerprint != datasets[1].fingerprint
    folder = one(tmp_path / "s", toy_phoenix)
    with pytest.raises(QbsltError, match="several datasets of the task 'toy-phoenix-qa' are given"):
        build_boards(tmp_path / "s", datasets, resamples=100, seed=1)

    text = (folder / "system.yaml").read_text()
    begins = datasets[1].fingerprint[:12]
    (folder / "system.yaml").write_text(f"{text}fingerprint: '{begins}'\n")
    write_submission(tmp_path / "s" / "dev", TASK, "One", split="dev", fingerprint=begins,
                     files={"predictions.txt": references(toy_phoenix, "dev")})  # fmt: skip
    boards = build_boards(tmp_path / "s", datasets, resamples=100, seed=1)
    found = {
        (b.data.dataset["fingerprint"], b.data.split): [r.name for r in b.rows if r.submission]
        for b in boards
    }
    assert found == {
        (datasets[0].fingerprint, "test"): [],
        (datasets[1].fingerprint, "test"): ["One"],
        (datasets[1].fingerprint, "dev"): ["One"],
    }


def test_a_copy_of_a_dataset_and_a_release_are_left_aside(
    tmp_path: Path, toy_phoenix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "copy-of-a", "release"):
        shutil.copytree(toy_phoenix, tmp_path / "data" / name)
    manifest = tmp_path / "data" / "release" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"content": "questions"}))
    one(tmp_path / "s", toy_phoenix)
    monkeypatch.chdir(tmp_path)
    result = build(tmp_path / "s", tmp_path / "site")
    assert result.exit_code == 0, result.output
    assert [b["slug"] for b in json.loads((tmp_path / "site" / "site.json").read_text())["boards"]
            ] == [TASK]  # fmt: skip


def test_all_errors_are_told_at_once(tmp_path: Path, toy_phoenix: Path) -> None:
    root, lines = tmp_path / "s", references(toy_phoenix)
    good = {"predictions.txt": lines}
    write_submission(root / "a", TASK, "A", good, track="vidoe", seen_test="maybe")
    write_submission(root / "b", TASK, "B", good, commit=None, training_data=None, colour="red")
    write_submission(root / "c", TASK, "C", {"predictions.txt": lines[:-3]})
    write_submission(root / "d", "phoenix", "D", good)
    write_submission(root / "e", "csl-daily-qa", "E", good)
    write_submission(root / "f", TASK, "F", {})
    write_submission(root / "g", TASK, "G", good, split="tset")
    write_submission(root / "h", TASK, "G", good, split="tset")
    write_submission(root / "i", TASK, "I", good | {"predictions.1.txt": lines})
    write_submission(root / "j", TASK, "J", good, predictions={"1": "../a/predictions.txt"})
    write_submission(root / "k", TASK, "K", good, fingerprint="feed")
    write_submission(root / "m", TASK, "M", good)
    write_submission(root / "n", TASK, "M", good, split="test")
    (root / "l").mkdir()
    result = build(root, tmp_path / "site", toy_phoenix)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    for said in (
        "a/system.yaml: unknown track 'vidoe'; known are: video, video+gloss, video+question.",
        "a/system.yaml: unknown seen_test 'maybe'; known are: no, unknown, yes.",
        "b/system.yaml: the field 'commit' is missing.",
        "b/system.yaml: the field 'training_data' is missing.",
        "b/system.yaml: unknown field 'colour'; known are: name, track,",
        f"c/predictions.txt: has {len(lines) - 3} lines for {len(lines)} samples",
        "d/system.yaml: unknown task 'phoenix'; known are: csl-daily-qa,",
        "e/system.yaml: the dataset of the task 'csl-daily-qa' is not given; given: toy-phoenix-qa",
        "f: holds no predictions.",
        "g/system.yaml: unknown split 'tset'",
        "h/system.yaml: the name 'G' is taken by",
        "i: several could be the predictions: predictions.txt, predictions.1.txt.",
        "j/system.yaml: the file of seed '1', '../a/predictions.txt', is not in this folder.",
        "k/system.yaml: it is for the dataset 'feed', given are:",
        "l/system.yaml: is missing.",
        "n/system.yaml: the name 'M' is taken by",
    ):
        assert said in result.output
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name: [", "is not YAML"),
        (b"just words", "is not a list of `field: value`"),
        ("name: Größe".encode("latin-1"), "is not UTF-8"),
        (b"#" * (MAX_BYTES + 1), "is larger than 64 KB"),
        (b"[" * 5000, "is not YAML"),
        (b"? [a]\n: b\n", "is not YAML"),
        (b"", "is not a list of `field: value`"),
        (b'name: "\\ud800"\n', "has half a character"),
        (b"name: {a: b}\ntrack: video\n", "'name' is empty or no text"),
        (b"name: " + b"x" * 100, "'name' has more than 80 characters"),
    ],
)
def test_a_broken_system_yaml_is_one_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "system.yaml").write_bytes(content)
    with pytest.raises(QbsltError) as caught:
        read_submission(tmp_path)
    assert any(said in line for line in str(caught.value).splitlines())


def test_values_stay_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "predictions.txt").write_text("x\n")
    fields = FIELDS | {"name": "N", "track": "video", "task": TASK}
    text = yaml.safe_dump(fields).replace("'0123456'", "0123456").replace("'no'", "no")
    assert "commit: 0123456\n" in text and "seen_test: no\n" in text
    (tmp_path / "system.yaml").write_text("\ufeff" + text, "utf-8")
    found = read_submission(tmp_path)
    assert (found.commit, found.seen_test) == ("0123456", "no")


def test_an_empty_or_absent_folder_is_refused(tmp_path: Path, toy_phoenix: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        result = build(folder, tmp_path / "site", toy_phoenix)
        assert result.exit_code == 2
        assert "docs/submit.md" in result.output


def test_only_a_site_is_replaced(site: Path, tmp_path: Path, toy_phoenix: Path) -> None:
    one(tmp_path / "s", toy_phoenix)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    result = build(tmp_path / "s", tmp_path / "mine", toy_phoenix)
    assert result.exit_code == 2 and "no site of this command" in result.output
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "all of it"

    out = tmp_path / "site"
    assert build(site.parent / "nowhere", out, toy_phoenix).exit_code == 2
    assert build(tmp_path / "s", out, toy_phoenix).exit_code == 0
    assert (out / "systems" / "toy-phoenix-qa-one.html").is_file()
    (tmp_path / "s" / "one").rename(tmp_path / "one")
    write_submission(tmp_path / "s" / "two", TASK, "Two",
                     {"predictions.txt": references(toy_phoenix)})  # fmt: skip
    assert build(tmp_path / "s", out, toy_phoenix).exit_code == 0
    assert (out / "systems" / "toy-phoenix-qa-two.html").is_file()
    assert not (out / "systems" / "toy-phoenix-qa-one.html").exists()


def test_the_same_submissions_give_the_same_bytes(
    site: Path, tmp_path: Path, submissions: Path, toy_phoenix: Path
) -> None:
    command = [sys.executable, "-m", "benchmarks.cli", "leaderboard", "build", str(submissions),
               "--out", str(tmp_path / "again"), "--data", str(toy_phoenix),
               "--resamples", "100"]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True,
                   env=os.environ | {"PYTHONHASHSEED": "77", "LC_ALL": "C"})  # fmt: skip
    first, again = (
        {p.relative_to(d): p.read_bytes() for d in [folder] for p in d.rglob("*") if p.is_file()}
        for folder in (site, tmp_path / "again")
    )
    assert first == again


def all_text(site: Path) -> dict[str, str]:
    return {str(p.relative_to(site)): p.read_text("utf-8") for p in site.rglob("*.*")
            if p.is_file()}  # fmt: skip


def test_no_sentence_of_the_corpus_unless_asked_for(
    site: Path, tmp_path: Path, submissions: Path, toy_phoenix: Path
) -> None:
    found = open_dataset(toy_phoenix).columns("test", ["text", "question"])
    outputs = (submissions / "good" / "predictions.txt").read_text().splitlines()
    sentences = [t for t in [*found["text"], *found["question"], *outputs] if t and len(t) > 20]
    assert len(sentences) > 40
    for name, text in all_text(site).items():
        assert not [s for s in sentences if s in text], name
    out = tmp_path / "with"
    assert build(submissions, out, toy_phoenix, more=("--with-examples",)).exit_code == 0
    page = (out / "systems" / "toy-phoenix-qa-good.html").read_text()
    assert sum(s in page for s in found["text"]) >= 10


def test_nothing_is_fetched_from_another_host(site: Path) -> None:
    pages = {n: t for n, t in all_text(site).items() if n.endswith(".html")}
    assert len(pages) > 10
    for text in pages.values():
        assert not re.search(
            r"@import|url\(|<(img|iframe|object|embed|link rel=.?stylesheet)", text
        )
        assert not re.search(r"<script[^>]+src", text)
        assert re.search(r"default-src 'none'", text)
        for link in re.findall(r'href="([^"]*)"', text):
            assert link.startswith("https://example.org/") or re.match(r"[\w./-]+$|data:,$", link)


def test_every_link_leads_somewhere(site: Path) -> None:
    for name, text in all_text(site).items():
        for link in re.findall(r'href="([^":]*)"', text) if name.endswith(".html") else []:
            assert (site / name).parent.joinpath(link).resolve().is_file(), (name, link)


def test_what_a_submission_says_is_escaped(site: Path) -> None:
    for name, text in all_text(site).items():
        if name.endswith(".html"):
            assert HOSTILE not in text
            assert "<img" not in text
            assert 'href="javascript' not in text
        assert re.fullmatch(r"[a-z0-9./-]+", name)
    page = (site / "systems" / "toy-phoenix-qa-script-alert-1-script.html").read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "javascript:alert(1)" in page  # as text


def test_tables_are_beside_as_json_and_csv(site: Path) -> None:
    rows = json.loads((site / "data" / f"{TASK}.video.json").read_text())
    assert {r["system"] for r in rows} >= {"Good", HOSTILE, "=1+1", "copy-question"}
    assert {r["track"] for r in rows} == {"video", "control"}
    with (site / "data" / f"{TASK}.video.csv").open(newline="") as f:
        found = list(csv.DictReader(f))
    assert [r["system"] for r in found] == [
        "'=1+1" if r["system"] == "=1+1" else r["system"] for r in rows
    ]
    assert [float(r["bleu4"]) for r in found] == [r["bleu4"] for r in rows]
    asked = json.loads((site / "data" / f"{TASK}.video-question.json").read_text())
    assert {r["system"] for r in asked if r["rank"]} == {"手语翻译 Übersetzer"}
    one = json.loads((site / "systems" / "toy-phoenix-qa-three-seeds.json").read_text())
    assert [r["seed"] for r in one] == ["0", "42", "100"]


def test_reported_figures_stand_apart(site: Path) -> None:
    rows = read_reported()
    assert {r.corpus for r in rows} == set(CORPORA)
    assert [(r.method, r.bleu4, r.rouge_l) for r in rows if r.corpus == "unattributed"] == [
        ("SSL-SSAW", 35.42, 60.16)
    ]
    by_key = {(r.corpus, r.method): r for r in rows}
    assert by_key["phoenix-2014t", "TwoStream-SLT"].source == "primary"
    assert by_key["csl-daily", "SignCL"].source == "primary"
    assert by_key["phoenix-2014t", "SignCL"].source == "secondary"
    assert by_key["phoenix-2014t", "GFSLT-VLP + CiCo, reproduced"].std == 0.63
    assert {r.source for r in rows} == {"primary", "secondary"}
    page = (site / "reported.html").read_text()
    assert all(f"{r.bleu4:.2f}" in page for r in rows if r.bleu4)
    assert "SSL-SSAW" not in (site / f"{TASK}.html").read_text()


def test_slugs_are_safe_and_different() -> None:
    names = ["GFSLT + CiCo", "gfslt  cico", "手语", "../../etc/passwd", "", HOSTILE, "Ü" * 300]
    found = different(map(slug, names))
    assert len(set(found)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", s) and len(s) < 70 for s in found)
    assert found[:4] == ["gfslt-cico", "gfslt-cico-2", "system", "etc-passwd"]


@pytest.mark.parametrize("text", ["javascript:alert(1)", "data:text/html,x", "http://", "http://[", "javascript://example.org/%0aalert(1)",
                                  "ICCV 2023", "//example.org"])  # fmt: skip
def test_only_web_addresses_are_links(text: str) -> None:
    assert web_address(text) == ""
    assert web_address("https://example.org/x") == "https://example.org/x"
