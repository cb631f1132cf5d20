"""Comparisons: the tests agree with each other, wins add up, and the report says what was found."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from toy_submissions import HOSTILE, noisy, references

from benchmarks.buckets import by_frequency, ngrams
from benchmarks.cli import main
from benchmarks.compare import compare, distinct_names
from benchmarks.conventions import STANDARD, STANDARD_PHOENIX
from benchmarks.predictions import read_predictions
from benchmarks.scorer import load_references
from benchmarks.significance import holm
from benchmarks.tasks.task import task_for
from qa_builder.dataset import open_dataset
from qa_builder.errors import QbsltError


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["compare", *map(str, words)])


@pytest.fixture
def files(tmp_path: Path, toy_phoenix: Path) -> list[Path]:
    """Good, almost as good, and bad."""
    texts, paths = references(toy_phoenix), []
    for name, share in (("good", 0.15), ("fair", 0.3), ("bad", 0.8)):
        paths.append(tmp_path / f"{name}.txt")
        paths[-1].write_text("\n".join(noisy(texts, share, 5)) + "\n", "utf-8")
    return paths


def compared(dataset: Path, paths: Sequence[Path], train: bool = True) -> dict[str, Any]:
    opened = open_dataset(dataset)
    data = load_references(opened, "test")
    systems = {p.stem: read_predictions(p, data.sample_id) for p in paths}
    sentences = opened.columns("train", ["text"])["text"] if train else None
    return compare(task_for(opened), data, systems, train=sentences, resamples=300, seed=3)


def test_a_better_system_is_found_better(toy_phoenix: Path, files: list[Path]) -> None:
    (pair,) = compared(toy_phoenix, [files[0], files[2]])["pairs"]
    for name in ("bleu4", "rouge_l", "chrf2", "novel_f1"):
        test = pair["tests"][name]
        assert 0 < test["low"] < test["value"] < test["high"]
        assert test["p"] < 0.01 and test["p_randomisation"] < 0.01
    assert pair["sentences"]["a_better"] > 5 * pair["sentences"]["b_better"]
    assert pair["examples"]["a_better"] and pair["ngrams"]["a_better"]


def test_a_system_does_not_differ_from_itself(toy_phoenix: Path, files: list[Path]) -> None:
    copy = files[0].with_name("copy.txt")
    copy.write_bytes(files[0].read_bytes())
    found = compared(toy_phoenix, [files[0], copy])
    (pair,) = found["pairs"]
    assert pair["sentences"] == {"a_better": 0, "same": found["n"], "b_better": 0}
    assert {(t["value"], t["p"], t["p_randomisation"]) for t in pair["tests"].values()} == {
        (0, 1, 1)
    }
    assert pair["examples"] == pair["ngrams"] == {"a_better": [], "b_better": []}


def test_swapping_the_systems_swaps_the_result(toy_phoenix: Path, files: list[Path]) -> None:
    (there,) = compared(toy_phoenix, files[:2])["pairs"]
    (back,) = compared(toy_phoenix, files[1::-1])["pairs"]
    one, other = there["tests"]["bleu4"], back["tests"]["bleu4"]
    assert one["value"] == -other["value"] and one["low"] == pytest.approx(-other["high"])
    assert one["p"] == other["p"] and one["p_randomisation"] == other["p_randomisation"]
    assert there["sentences"]["a_better"] == back["sentences"]["b_better"]
    assert [e["sample_id"] for e in there["examples"]["a_better"]] == [
        e["sample_id"] for e in back["examples"]["b_better"]
    ]
    assert [g["ngram"] for g in there["ngrams"]["a_better"]] == [
        g["ngram"] for g in back["ngrams"]["b_better"]
    ]


def test_wins_ties_and_losses_are_all_sentences(toy_phoenix: Path, files: list[Path]) -> None:
    found = compared(toy_phoenix, files)
    assert [(p["a"], p["b"]) for p in found["pairs"]] == [
        ("good", "fair"), ("good", "bad"), ("fair", "bad"),
    ]  # fmt: skip
    assert all(sum(p["sentences"].values()) == found["n"] for p in found["pairs"])


def test_three_systems_are_corrected_by_holm(toy_phoenix: Path, files: list[Path]) -> None:
    pairs = compared(toy_phoenix, files)["pairs"]
    for name in pairs[0]["tests"]:
        for p in ("p", "p_randomisation"):
            raw = [pair["tests"][name][p] for pair in pairs]
            assert [pair["tests"][name][f"{p}_holm"] for pair in pairs] == holm(raw)
    assert pairs[0]["tests"]["bleu4"]["p_holm"] >= pairs[0]["tests"]["bleu4"]["p"]


def test_scores_are_those_of_the_scorer(toy_phoenix: Path, files: list[Path]) -> None:
    found = compared(toy_phoenix, files[:2])
    out = files[0].parent / "out"
    scored = CliRunner().invoke(main, ["score", str(files[0]), "--data", str(toy_phoenix), "--out",
                                       str(out), "--resamples", "300", "--seed", "3"])  # fmt: skip
    assert scored.exit_code == 0, scored.output
    result = json.loads((out / "result.json").read_text())
    assert found["systems"][0]["scores"] == result["scores"]["standard-phoenix"]
    assert found["signatures"] == result["signatures"]
    (pair,) = found["pairs"]
    values = [s["scores"]["bleu4"]["value"] for s in found["systems"]]
    assert pair["tests"]["bleu4"]["value"] == values[0] - values[1]


def test_ngrams_that_one_gets_right() -> None:
    found = ngrams(
        STANDARD_PHOENIX, "de",
        ["im norden regnet es .", "im norden schneit es", "im süden schneit es"],
        ["im norden regnet es", "im osten schneit es", "im norden schneit"],
        ["im süden regnet es", "im westen schneit es", "im süden schneit es es"],
    )  # fmt: skip
    a_better = {g["ngram"]: (g["a_only"], g["b_only"]) for g in found["a_better"]}
    assert a_better["norden"] == (1, 0)  # in the second, nobody has it; in the third, it is wrong
    assert a_better["im norden regnet es"] == (1, 0)
    assert "schneit" not in a_better
    b_better = {g["ngram"]: (g["a_only"], g["b_only"]) for g in found["b_better"]}
    assert b_better["es"] == (0, 1)  # once, as it stands in the reference
    assert b_better["süden"] == (0, 1)
    chinese = ngrams(STANDARD, "zh", ["今天 天气 好"], ["今天天气"], ["明天好"])
    assert "今天天气" in {g["ngram"] for g in chinese["a_better"]}


def test_words_by_frequency_in_train() -> None:
    rows = by_frequency(
        STANDARD_PHOENIX, "de", ["a b c", "a d"], {"x": ["a b b", "a e"], "y": ["c", "d"]},
        ["a"] * 10 + ["b b"],
    )  # fmt: skip
    found = {r["name"]: (r["n"], r["scores"]["x"]["f1"], r["scores"]["y"]["f1"]) for r in rows}
    assert found["not in train"] == (2, 0, 100)  # c, d; x writes e
    assert found["1–9"] == (1, pytest.approx(200 / 3), 0)  # b; x writes it twice
    assert found["10–99"] == (2, 100, 0)  # a
    assert found["100–999"] == (0, None, None)
    assert sum(r["n"] for r in rows) == 5


def test_names_tell_files_apart() -> None:
    assert distinct_names([Path("x/a.txt"), Path("x/b.jsonl")]) == ["a", "b"]
    assert distinct_names([Path("x/p.txt"), Path("y/p.txt")]) == ["x", "y"]
    assert distinct_names([Path("x/1/p.txt"), Path("y/1/p.txt")]) == ["x", "y"]
    assert distinct_names([Path("x/p.txt"), Path("y/p.txt"), Path("y/q.txt")]) == [
        "x", "y", "q",
    ]  # fmt: skip
    # a name that stands alone is kept, unless a folder of the others has it too
    assert distinct_names([Path("q/p.txt"), Path("y/p.txt"), Path("y/q.txt")]) == [
        "q/p", "y/p", "y/q",
    ]  # fmt: skip
    with pytest.raises(QbsltError, match="given twice"):
        distinct_names([Path("a.txt"), Path("a.txt")])


def test_command_prints_and_writes(tmp_path: Path, toy_phoenix: Path, files: list[Path]) -> None:
    page, document = tmp_path / "report.html", tmp_path / "report.json"
    result = run(*files, "--data", toy_phoenix, "--resamples", 100, "--html", page,
                 "--json", document)  # fmt: skip
    assert result.exit_code == 0, result.output
    for said in ("good - fair", "p (randomisation, Holm)", "sentence BLEU-4: good better in"):
        assert said in result.output
    found = json.loads(document.read_text(), parse_constant=pytest.fail)
    assert [s["name"] for s in found["systems"]] == ["good", "fair", "bad"]
    assert set(found["buckets"]) >= {"leakage", "length", "kind", "frequency", "signer"}
    text = page.read_text("utf-8")
    for said in ("By leakage of the question", "By frequency in train", "By kind of question",
                 "By length of the reference", "N-grams that good gets right and bad does not",
                 "Sentences in which bad is better by most"):  # fmt: skip
        assert said in text
    assert references(toy_phoenix)[0][:8] in text or 'lang="de"' in text
    assert not re.search(r"<script[^>]+src|url\(|https?://", text)
    again = tmp_path / "again.html"
    run(*files, "--data", toy_phoenix, "--resamples", 100, "--html", again)
    assert again.read_bytes() == page.read_bytes()


def test_the_report_escapes_what_systems_wrote(tmp_path: Path, toy_phoenix: Path) -> None:
    texts = references(toy_phoenix)
    (tmp_path / "a.txt").write_text("\n".join(texts) + "\n", "utf-8")
    (tmp_path / "<b>.txt").write_text("\n".join([HOSTILE] * len(texts)) + "\n", "utf-8")
    page = tmp_path / "page.html"
    result = run(tmp_path / "a.txt", tmp_path / "<b>.txt", "--data", toy_phoenix, "--html", page)
    assert result.exit_code == 0, result.output
    text = page.read_text("utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert HOSTILE not in text and "<b>.txt" not in text


def test_chinese_is_shown_as_chinese(tmp_path: Path, toy_csl: Path) -> None:
    texts = references(toy_csl)
    for name, share in (("a", 0.2), ("b", 0.6)):
        (tmp_path / f"{name}.txt").write_text("\n".join(noisy(texts, share, 1)) + "\n", "utf-8")
    page = tmp_path / "page.html"
    result = run(tmp_path / "a.txt", tmp_path / "b.txt", "--data", toy_csl, "--html", page)
    assert result.exit_code == 0, result.output
    text = page.read_text("utf-8")
    assert 'lang="zh"' in text
    assert sum(t in text for t in texts) >= 5


def test_sorted_lines_are_noticed_and_the_size_of_a_split_too(
    tmp_path: Path, toy_phoenix: Path, files: list[Path]
) -> None:
    texts, ids = references(toy_phoenix), open_dataset(toy_phoenix).columns("test", ["sample_id"])
    by_id = [text for _, text in sorted(zip(ids["sample_id"], texts, strict=True))]
    path = tmp_path / "sorted.txt"
    path.write_text("\n".join(by_id) + "\n", "utf-8")
    given = ("--data", toy_phoenix, "--task", "toy-phoenix-qa", "--resamples", 100)
    assert "warning: sorted: the lines fit the references" in run(files[0], path, *given).output
    said = run(files[0], path, *given, "--split", "dev").output
    assert "that is the size of test, so maybe --split test is meant" in said
    said = run(files[0], path, *given, "--json", tmp_path).output
    assert f"{tmp_path}: is a folder, a file was expected." in said


def test_bad_input_is_one_sentence(tmp_path: Path, toy_phoenix: Path, files: list[Path]) -> None:
    short = tmp_path / "short.txt"
    short.write_text("nur eine zeile\n")
    for given, said in (
        ([files[0]], "two or more files"),
        ([files[0], files[0]], "given twice"),
        ([files[0], short], "short.txt: has 1 line for"),
        ([files[0], tmp_path / "none.txt"], "none.txt"),
        ([*files[:2], "--split", "tset"], "no split 'tset'"),
    ):
        result = run(*given, "--data", toy_phoenix, "--html", tmp_path / "page.html")
        assert result.exit_code == 2, (given, result.output)
        assert said in result.output and "Traceback" not in result.output
        assert not (tmp_path / "page.html").exists()
