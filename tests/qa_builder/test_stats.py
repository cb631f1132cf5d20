"""The figures of a dataset, and the page that shows them."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from small_dataset import small_dataset

from qa_builder.build import build
from qa_builder.cli import main
from qa_builder.config import BuildConfig
from qa_builder.corpora import open_corpus, open_table
from qa_builder.dataset import open_dataset
from qa_builder.publish.release import make_release
from qa_builder.questions import open_source
from qa_builder.stats import collect, tables, tokenize, write_page

CHROMIUM = Path("/usr/bin/chromium")


def run(*args: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in args])


def build_real(root: Path, out: Path, corpus: str, questions: str = "none") -> dict[str, Any]:
    config = BuildConfig(corpus=corpus, questions=questions)
    opened = open_corpus(config, str(root))
    build(config, opened, open_source(config, opened), out)
    return collect(open_dataset(out))


def own_table(folder: Path, rows: list[dict[str, Any]], language: str = "de") -> Path:
    file, out = folder / "own.jsonl", folder / "own-qa"
    file.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    config = BuildConfig(corpus="table", language=language)
    corpus = open_table(config, [file])
    build(config, corpus, open_source(config, corpus), out)
    return out


def test_figures_agree_with_the_rows(toy_phoenix: Path) -> None:
    dataset = open_dataset(toy_phoenix)
    found = collect(dataset)
    assert list(found["splits"]) == ["train", "dev", "test"]
    for split, figures in found["splits"].items():
        columns = dataset.columns(split, ["text", "signer", "question", "n_frames"])
        said = dataset.manifest["splits"][split]
        assert figures["rows"] == said["rows"] and figures["clips"] == said["clips"]
        assert figures["with_question"] == said["with_question"]
        assert figures["sentences"] == said["distinct_sentences"] == len(set(columns["text"]))
        lengths = [len(t.split()) for t in columns["text"]]
        of_split = found["lengths"]["sentence"][split]
        assert of_split["mean"] == pytest.approx(statistics.mean(lengths))
        assert of_split["median"] == statistics.median(lengths)
        assert (of_split["min"], of_split["max"]) == (min(lengths), max(lengths))
        assert sum(found["histograms"]["sentence"]["counts"][split]) == len(lengths)
        signers = found["signers"][split]
        assert sum(signers.values()) == said["rows"] and len(signers) == said["signers"]
        assert found["kinds"][split] == dataset.manifest["questions"]["kinds_by_split"][split]


def test_vocabulary_counts_what_train_lacks(toy_phoenix: Path) -> None:
    dataset = open_dataset(toy_phoenix)
    words = {s: [w for t in dataset.columns(s, ["text"])["text"] for w in t.split()]
             for s in ("train", "dev")}  # fmt: skip
    new = [w for w in words["dev"] if w not in set(words["train"])]
    found = collect(dataset)["vocabulary"]["sentence"]["dev"]
    assert new
    assert found == {"distinct": len(set(words["dev"])), "tokens": len(words["dev"]),
                     "new": len(set(new)), "running_new": len(new)}  # fmt: skip


def test_leakage_and_answers_in_questions(tmp_path: Path) -> None:
    sentence = "morgen scheint die sonne"
    rows = [{"id": "a", "split": "test", "text": sentence, "question": "Morgen scheint die Sonne?"},
            {"id": "b", "split": "test", "text": sentence, "question": "Was scheint?"},
            {"id": "c", "split": "test", "text": sentence, "question": ""}]  # fmt: skip
    found = collect(open_dataset(own_table(tmp_path, rows)))["leakage"]["test"]
    assert (found["n"], found["equal"], found["above_half"]) == (2, 1, 1)
    assert found["mean"] == pytest.approx((1 + 1 / 3) / 2)
    assert found["bins"] == [0, 0, 0, 1, 0, 0, 0, 0, 0, 1]


def test_a_clip_with_two_questions_is_one_clip(tmp_path: Path) -> None:
    found = collect(open_dataset(small_dataset(tmp_path / "small")))
    assert found["splits"]["train"] == {
        "rows": 4, "clips": 3, "signers": 1, "sentences": 3, "with_question": 3}  # fmt: skip
    assert found["lengths"]["sentence"]["train"]["n"] == 3
    assert found["lengths"]["question"]["train"]["n"] == 3
    assert found["signers"]["train"] == {"S1": 3}
    assert found["duplicates"]["sentence"]["test"] == {
        "n": 3, "distinct": 3, "repeated": 0, "in": {"train": 3, "dev": 3}}  # fmt: skip


def test_duplicates_within_and_across(tmp_path: Path) -> None:
    texts = {"train": ["ja", "ja", "nein"], "test": ["ja", "doch"]}
    rows = [{"id": f"{s}{i}", "split": s, "text": t, "question": f"Wer {i % 2}?"}
            for s, sentences in texts.items() for i, t in enumerate(sentences)]  # fmt: skip
    found = collect(open_dataset(own_table(tmp_path, rows)))["duplicates"]
    assert found["sentence"]["train"] == {
        "n": 3, "distinct": 2, "repeated": 2, "in": {"test": 2}}  # fmt: skip
    assert found["question"]["train"]["repeated"] == 2
    assert found["pair"]["train"] == {"n": 3, "distinct": 3, "repeated": 0, "in": {"test": 1}}


def test_tokens_of_both_kinds_of_writing() -> None:
    assert tokenize(["Wo ist's, Größe?"], "de") == [["wo", "ist", "s", "größe"]]
    assert tokenize(["你 好！"], "zh") == [["你", "好", "！"]]


def test_a_release_without_text_says_what_is_left_out(toy_csl: Path, tmp_path: Path) -> None:
    make_release(open_dataset(toy_csl), tmp_path / "release")
    found = collect(open_dataset(tmp_path / "release"))
    assert set(found["lengths"]) == {"question"} and set(found["duplicates"]) == {"question"}
    assert found["splits"]["train"]["sentences"] is None
    assert "hydrate" in found["left_out"][0]
    result = run("stats", tmp_path / "release", "--html", tmp_path / "page.html")
    assert result.exit_code == 0 and "hydrate" in result.output
    assert "no corpus text" in (tmp_path / "page.html").read_text()


def test_the_command_prints_tables_or_json(toy_phoenix: Path) -> None:
    plain = run("stats", toy_phoenix).output
    assert "\x1b[" not in plain
    for title, _, _ in tables(collect(open_dataset(toy_phoenix))):
        assert title in plain
    found = json.loads(run("stats", toy_phoenix, "--json").output)
    assert found == json.loads(json.dumps(collect(open_dataset(toy_phoenix))))


def test_a_folder_without_dataset_is_one_sentence(tmp_path: Path) -> None:
    result = run("stats", tmp_path)
    assert result.exit_code == 2 and result.output.count("\n") == 1


def test_a_folder_is_no_page(toy_phoenix: Path, tmp_path: Path) -> None:
    result = run("stats", toy_phoenix, "--html", tmp_path)
    assert result.exit_code == 2 and f"{tmp_path}: is a folder" in result.output
    assert not list(tmp_path.iterdir())


def test_page_is_the_same_in_every_run(toy_csl: Path, tmp_path: Path) -> None:
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-m", "qa_builder.cli", "stats", toy_csl, "--html", f"{seed}.html"],
            cwd=tmp_path, check=True, capture_output=True,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path.cwd())},
        )  # fmt: skip
    assert (tmp_path / "1.html").read_bytes() == (tmp_path / "2.html").read_bytes()


def test_a_page_that_fails_leaves_the_old_one(toy_phoenix: Path, tmp_path: Path) -> None:
    page, found = tmp_path / "page.html", collect(open_dataset(toy_phoenix))
    write_page(found, page)
    before = page.read_bytes()
    with pytest.raises(UnicodeEncodeError):  # when half the file may be written already
        write_page(found | {"title": "\ud800"}, page)
    assert page.read_bytes() == before and list(tmp_path.iterdir()) == [page]


def hostile(folder: Path) -> Path:
    """A dataset whose names are markup, formulas and Chinese."""
    signers = ("<script>document.title='run'</script>", "$x_1$ & $y$", "手语者")
    rows = [{"id": f"{i}", "split": "train", "signer": s, "text": "schöne grüße", "n_frames": 7,
             "question": "Wer grüßt?"} for i, s in enumerate(signers)]  # fmt: skip
    page = folder / "page.html"
    found = collect(open_dataset(own_table(folder, rows)))
    write_page(found | {"dataset": "<img src=http://example.org/x>"}, page)
    return page


def test_page_asks_no_other_host_and_escapes(tmp_path: Path) -> None:
    page = hostile(tmp_path).read_text(encoding="utf-8")
    assert "<script" not in page and "<img" not in page
    assert "手语者" in page and "$x_1$ &amp; $y$" in page
    assert not re.search(r"<[^>]+(?:src|href)=|@import|url\([^#]", page)


@pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium (apt install chromium)")
def test_page_in_a_browser(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    page_file = hostile(tmp_path)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox"]
        )  # fmt: skip
        papers, asked, said = [], [], []
        for scheme in ("light", "dark"):
            page = browser.new_page(color_scheme=scheme, viewport={"width": 390, "height": 800})
            page.on("request", lambda r: asked.append(r.url))
            page.on("console", lambda m: said.append(m.text))
            page.goto(page_file.as_uri())
            papers.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
            assert page.title().startswith("<img src=http://example.org/x>")
            assert page.evaluate("document.documentElement.scrollWidth") == 390
            drawn = page.locator("svg").evaluate_all("all => all.map(s => s.textContent).join()")
            assert "手语者" in drawn and "<script>" in drawn and "$x_1$ & $y$" in drawn
            ink = page.locator("svg text").first.evaluate("t => getComputedStyle(t).fill")
            assert ink == page.evaluate("getComputedStyle(document.body).color")
        browser.close()
    assert papers[0] != papers[1]
    assert set(asked) == {page_file.as_uri()} and not said


def test_csl_daily_test_sentences_are_in_dev(shared: Path, tmp_path: Path) -> None:
    found = build_real(shared / "CSL-Daily", tmp_path / "csl", "csl-daily")
    test = found["duplicates"]["sentence"]["test"]
    assert (test["n"], test["in"]["dev"]) == (1176, 1173)
    assert found["vocabulary"]["sentence"]["train"]["distinct"] == 2343
    frames = found["lengths"]["frames"]["train"]
    assert (round(frames["mean"]), frames["min"], frames["max"]) == (119, 10, 493)


def test_phoenix_sentences_that_are_in_train(shared: Path, tmp_path: Path) -> None:
    annotated = ",".join(str(shared / "annotated-questions" / f"phoenix.{s}.txt")
                         for s in ("train", "dev", "test"))  # fmt: skip
    found = build_real(shared / "PHOENIX-2014-T-release-v3", tmp_path / "phx", "phoenix",
                       f"annotated:{annotated}")  # fmt: skip
    sentences = found["duplicates"]["sentence"]
    assert (sentences["test"]["n"], sentences["test"]["in"]["train"]) == (642, 32)
    assert (sentences["dev"]["n"], sentences["dev"]["in"]["train"]) == (519, 25)
    assert found["vocabulary"]["sentence"]["train"]["distinct"] == 2887
    assert found["splits"]["train"]["sentences"] == 6853
    assert any("numbers of frames" in reason for reason in found["left_out"])
