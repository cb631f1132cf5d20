"""`qa-builder audit`: exit codes, files, bytes, and the page in a browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from audit_help import question_set
from click.testing import CliRunner, Result

from qa_builder.audit.report import make_page
from qa_builder.audit.run import audit
from qa_builder.cli import main
from qa_builder.corpora.toy import copy_toy
from qa_builder.dataset import open_dataset
from qa_builder.publish.release import make_release
from qa_builder.verify import verify

CHROMIUM = Path("/usr/bin/chromium")
HEAD = {"dataset": "<img src=http://example.org/x>", "fingerprint": "0" * 64, "source": "a & b"}


def run(*args: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in args])


@pytest.fixture
def dataset(toy_phoenix: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(toy_phoenix, tmp_path / "toy-qa"))


def test_an_audit_stands_in_the_dataset(dataset: Path) -> None:
    result = run("audit", dataset)
    assert result.exit_code == 0, result.output
    assert "[equal]" in result.output and "audit.html" in result.output
    found = json.loads((dataset / "audit" / "audit.json").read_text())
    opened = open_dataset(dataset)
    assert found["fingerprint"] == opened.fingerprint
    recall = {s: f["leakage"]["recall"] for s, f in found["splits"].items()}
    mean = opened.manifest["questions"]["mean_leakage"]
    assert recall == pytest.approx(mean, abs=1e-4)
    assert {f["severity"] for f in found["findings"]} == {"finding", "note"}
    assert verify(dataset) == []


def test_each_question_has_its_figures(dataset: Path) -> None:
    run("audit", dataset)
    lines = (dataset / "audit" / "questions.jsonl").read_text().splitlines()
    opened = open_dataset(dataset)
    assert len(lines) == sum(v["with_question"] for v in opened.manifest["splits"].values())
    by_id = {row["id"]: row for row in map(json.loads, lines)}
    columns = opened.columns("train", ["sample_id", "question_leakage", "question"])
    for id_, leakage, question in zip(*columns.values(), strict=True):
        if question is not None:
            assert by_id[id_]["leakage"] == pytest.approx(leakage, abs=1e-4)
            assert by_id[id_]["bits"] is not None


def test_json_and_lines_hold_no_sentence(dataset: Path) -> None:
    run("audit", dataset)
    columns = open_dataset(dataset).columns("train", ["text", "question"])
    for name in ("audit.json", "questions.jsonl"):
        held = (dataset / "audit" / name).read_text()
        assert not [t for t in columns["text"] if len(t) > 12 and t in held]
        assert not [q for q in columns["question"] if q and len(q) > 12 and q in held]


def test_the_summary_is_in_the_manifest(dataset: Path) -> None:
    before = open_dataset(dataset).manifest
    run("audit", dataset)
    after = open_dataset(dataset).manifest
    summary = after.pop("audit")
    assert after == before
    assert set(summary["splits"]) == {"train", "dev", "test"}
    assert summary["splits"]["train"]["bits_interval"][0] > 0


def test_limits_make_the_exit_code(dataset: Path) -> None:
    assert run("audit", dataset, "--fail-on", "leakage>0.9").exit_code == 0
    result = run("audit", dataset, "--fail-on", "leakage>0.1,overlap>0")
    assert result.exit_code == 1
    assert "leakage of train" in result.output and "overlap of test is 1" in result.output
    assert (dataset / "audit" / "audit.json").exists()
    (dataset / "audit" / "audit.json").unlink()
    assert run("audit", dataset, "--fail-on", "leek>0.1").exit_code == 2
    assert not (dataset / "audit" / "audit.json").exists()


def test_a_file_beside_a_dataset(dataset: Path, tmp_path: Path) -> None:
    copy_toy(tmp_path / "toy")
    files = sorted((tmp_path / "toy" / "phoenix" / "annotated-questions").iterdir())
    own = run("audit", dataset, "--out", tmp_path / "own")
    given = [x for f in files for x in ("--questions", f)]
    beside = run("audit", dataset, *given, "--out", tmp_path / "beside")
    assert (own.exit_code, beside.exit_code) == (0, 0), beside.output
    a, b = (json.loads((tmp_path / n / "audit.json").read_text()) for n in ("own", "beside"))
    assert a["splits"] == b["splits"] and a["overlap"] == b["overlap"]
    assert "audit" not in open_dataset(dataset).manifest


def test_a_table_of_questions(dataset: Path, tmp_path: Path) -> None:
    ids = open_dataset(dataset).columns("test", ["clip_id"])["clip_id"]
    file = tmp_path / "mine.csv"
    file.write_text("id,question\n" + "".join(f"{i},Wie wird das Wetter?\n" for i in ids)
                    + "nowhere,Was?\n")  # fmt: skip
    result = run("audit", dataset, "--questions", file, "--fail-on", "leakage>0.3")
    assert result.exit_code == 0 and "(no-such-clip)" in result.output
    found = json.loads((dataset / "audit" / "mine" / "audit.json").read_text())
    assert list(found["splits"]) == ["test"] and found["unused"] == {"no-such-clip": 1}
    assert verify(dataset) == []


def test_bad_input_is_one_sentence(dataset: Path, tmp_path: Path, toy_csl: Path) -> None:
    empty, other = tmp_path / "empty.csv", tmp_path / "other.csv"
    empty.write_text("")
    other.write_text("id,question\nx,Was?\n")
    make_release(open_dataset(toy_csl), tmp_path / "release")
    for args, said in (
        ((tmp_path / "nowhere",), "no such folder"),
        ((tmp_path / "release",), "qa-builder hydrate"),
        ((dataset, "--questions", tmp_path / "no.txt"), "no.txt"),
        ((dataset, "--questions", empty), "empty.csv"),
        ((dataset, "--questions", other), "has no question for any clip"),
        ((dataset, "--seed", -1), "negative"),
        ((dataset, "--out", other), "other.csv"),
    ):
        result = run("audit", *args)
        assert result.exit_code == 2, (args, result.output)
        assert result.output.count("\n") == 1 and said in result.output, result.output


def test_a_dataset_without_questions(tmp_path: Path) -> None:
    copy_toy(tmp_path)
    assert run("build", "phoenix", "--root", tmp_path / "phoenix", "--questions", "none",
               "--out", tmp_path / "qa").exit_code == 0  # fmt: skip
    result = run("audit", tmp_path / "qa")
    assert result.exit_code == 2 and "the dataset has no questions" in result.output


def test_the_same_bytes_in_every_run(dataset: Path, tmp_path: Path) -> None:
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-m", "qa_builder.cli", "audit", dataset, "--out", tmp_path / seed],
            check=True, capture_output=True,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path.cwd())},
        )  # fmt: skip
    for name in ("audit.json", "audit.html", "questions.jsonl"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def hostile(folder: Path) -> Path:
    """A page of questions and sentences that are markup."""
    asked = question_set(
        train=[("schöne grüße <script>document.title='run'</script>", "Wer <b>grüßt</b> $x_1$?")]
        * 3,
        test=[("<svg onload=alert(1)>", "Was?")],
    )
    page = folder / "page.html"
    page.write_text(make_page(audit(asked), asked, HEAD), encoding="utf-8")
    return page


def test_the_page_asks_no_other_host_and_escapes(tmp_path: Path) -> None:
    page = hostile(tmp_path).read_text(encoding="utf-8")
    assert "<script" not in page and "<img" not in page and "<b>" not in page
    assert "&lt;svg onload" in page and "grüßt" in page
    assert not re.search(r"<[^>]+(?:src|href)=|@import|url\([^#]", page)


@pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Debian's chromium (apt install chromium)")
def test_the_page_in_a_browser(dataset: Path, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    run("audit", dataset, "--out", tmp_path / "out")
    files = (tmp_path / "out" / "audit.html", hostile(tmp_path))
    asked, said, papers = [], [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox"]
        )  # fmt: skip
        for file in files:
            for scheme in ("light", "dark"):
                page = browser.new_page(color_scheme=scheme, viewport={"width": 390, "height": 800})
                page.on("request", lambda r: asked.append(r.url))
                page.on("console", lambda m: said.append(m.text))
                page.goto(file.as_uri())
                assert page.evaluate("document.documentElement.scrollWidth") == 390
                assert page.title().endswith(": audit")
                papers.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        page = browser.new_page()
        page.goto(files[0].as_uri())
        assert page.locator("figure svg").count() == 6
        drawn = page.locator("figure svg").first.evaluate("s => s.textContent")
        assert "content recall" in drawn and "shuffled" in drawn
        assert page.locator("details[open]").count() == 1
        browser.close()
    assert len(set(papers)) == 2 and not said
    assert set(asked) == {f.as_uri() for f in files}
