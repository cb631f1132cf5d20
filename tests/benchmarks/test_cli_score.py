"""`qbslt-bench score`, `validate` and `list` as a user meets them."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from benchmarks.cli import main
from benchmarks.learned import Learned, learned_metrics
from benchmarks.results import SCHEMA
from benchmarks.scorer import load_references, score
from benchmarks.tasks.task import load_task
from qa_builder.dataset import open_dataset
from qa_builder.errors import QbsltError


def bench(*words: object) -> Result:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def refused(*words: object, code: int = 2) -> str:
    result = bench(*words)
    assert result.exit_code == code, result.output
    assert "error: " in result.stderr and "Traceback" not in result.output
    return result.stderr


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, toy_phoenix: Path) -> Path:
    """Predictions in plain text: the references without their first word."""
    path = tmp_path_factory.mktemp("predictions") / "my-system.txt"
    texts = open_dataset(toy_phoenix).columns("test", ["text"])["text"]
    path.write_text("".join(t.partition(" ")[2] + "\n" for t in texts), "utf-8")
    return path


def test_the_table_starts_with_the_gain_over_copying(file: Path, toy_phoenix: Path) -> None:
    found = bench("score", file, "--data", toy_phoenix, "--resamples", 100)
    assert found.exit_code == 0
    titles = [found.stdout.index(t) for t in (
        "Gain over copying the question", "my-system on toy-phoenix-qa, test, n = 20",
        "Parts of the split", "Legacy conventions", "bleu|smooth:exp|",
    )]  # fmt: skip
    assert titles == sorted(titles) and titles[0] == 0
    assert "plain text: line i was taken for row i" in found.stderr
    assert "\x1b" not in found.output  # no colours when piped


def test_json_is_result_json(tmp_path: Path, file: Path, toy_phoenix: Path) -> None:
    found = bench(
        "score", file, "--data", toy_phoenix, "--out", tmp_path / "out", "--format", "json",
        "--system", "Mine", "--track", "video", "--resamples", 200, "--seed", 7,
    )  # fmt: skip
    assert found.stdout == (tmp_path / "out" / "result.json").read_text("utf-8")
    document = json.loads(found.stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text("utf-8")))
    assert document["system"] == {"name": "Mine", "track": "video"}
    assert (document["bootstrap"]["resamples"], document["bootstrap"]["seed"]) == (200, 7)
    assert len((tmp_path / "out" / "samples.jsonl").read_text("utf-8").splitlines()) == 20


def test_csv_holds_every_number_unrounded(file: Path, toy_phoenix: Path) -> None:
    words = ("score", file, "--data", toy_phoenix, "--resamples", 100, "--format")
    document = json.loads(bench(*words, "json").stdout)
    rows = list(csv.DictReader(io.StringIO(bench(*words, "csv").stdout)))
    bleu = next(r for r in rows if (r["section"], r["score"]) == ("standard", "bleu4"))
    cell = document["scores"]["standard-phoenix"]["bleu4"]
    assert {k: float(bleu[k]) for k in cell} == cell
    assert rows[0]["section"] == "gain over copy"
    assert {r["part"] for r in rows if r["section"] == "legacy"} == set(document["legacy"])


def test_markdown_and_latex(file: Path, toy_phoenix: Path) -> None:
    words = ("score", file, "--data", toy_phoenix, "--resamples", 100, "--system", "a_b|c&<x>")
    markdown = bench(*words, "--format", "markdown").stdout
    assert markdown.startswith("**Gain over copying")
    assert "a\\_b\\|c&\\<x\\> on toy-phoenix-qa" in markdown
    widths = [
        line.replace("\\|", "").count("|") for line in markdown.splitlines() if line[:1] == "|"
    ]
    assert len(widths) > 20 and min(widths) > 2
    latex = bench(*words, "--format", "latex").stdout
    assert r"a\_b|c\&\textless{}x\textgreater{} on toy-phoenix-qa" in latex
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == 4


@pytest.mark.parametrize("format", ["jsonl", "tsv"])
def test_files_with_ids_score_as_plain_text_does(
    tmp_path: Path, file: Path, toy_phoenix: Path, format: str
) -> None:
    ids = open_dataset(toy_phoenix).columns("test", ["sample_id"])["sample_id"]
    pairs = sorted(zip(ids, file.read_text("utf-8").splitlines(), strict=True))
    path = tmp_path / f"p.{format}"
    rows = ["\t".join(p) for p in [("sample_id", "text"), *pairs]]
    if format == "jsonl":
        rows = [json.dumps({"sample_id": i, "text": t}) for i, t in pairs]
    path.write_text("\n".join(rows) + "\n", "utf-8")
    scores = [
        json.loads(bench("score", f, "--data", toy_phoenix, "--format", "json").stdout)["scores"]
        for f in (file, path)
    ]
    assert scores[0] == scores[1]


def test_the_only_built_dataset_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: Path, toy_phoenix: Path, toy_csl: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "no built dataset under data/" in refused("score", file)
    shutil.copytree(toy_phoenix, tmp_path / "data" / "toy-phoenix-qa")
    assert bench("score", file, "--resamples", 100).exit_code == 0
    shutil.copytree(toy_csl, tmp_path / "data" / "toy-csl-daily-qa")
    said = refused("score", file)
    assert "--data data/toy-csl-daily-qa, --data data/toy-phoenix-qa" in said
    assert bench("score", file, "--task", "toy-phoenix-qa", "--resamples", 100).exit_code == 0
    assert "no built dataset csl-daily-qa" in refused("score", file, "--task", "csl-daily-qa")


def test_other_references_make_it_unofficial(tmp_path: Path, file: Path, toy_phoenix: Path) -> None:
    found = bench("score", file, "--data", toy_phoenix, "--references", file, "--format", "json")
    document = json.loads(found.stdout)
    assert document["official"] is False
    assert document["scores"]["standard-phoenix"]["bleu4"]["value"] == pytest.approx(100)
    assert document["signatures"]["bleu"].endswith("|refs:replaced|unofficial")
    assert "references replaced by my-system.txt" in found.stderr
    marked = tmp_path / "marked.txt"
    marked.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    found = bench("score", file, "--data", toy_phoenix, "--references", marked)
    assert "marked.txt: the file starts with a byte order mark" in " ".join(found.stderr.split())
    short = tmp_path / "short.txt"
    short.write_text("x\n")
    assert "short.txt: has 1 line for" in refused(
        "score", file, "--data", toy_phoenix, "--references", short
    )


def test_glosses(tmp_path: Path, toy_phoenix: Path) -> None:
    path = tmp_path / "glosses.txt"
    glosses = open_dataset(toy_phoenix).columns("test", ["gloss"])["gloss"]
    path.write_text("\n".join(glosses) + "\n", "utf-8")
    found = bench("score", path, "--data", toy_phoenix, "--gloss", "--format", "json")
    assert json.loads(found.stdout)["scores"]["gloss"]["wer"]["value"] == 0
    other = tmp_path / "other.txt"
    other.write_text("REGEN\n" * len(glosses), "utf-8")
    words = ("--data", toy_phoenix, "--gloss", "--format", "json", "--references", other)
    assert json.loads(bench("score", other, *words).stdout)["scores"]["gloss"]["wer"]["value"] == 0
    assert json.loads(bench("score", path, *words).stdout)["scores"]["gloss"]["wer"]["value"] > 50


def test_warnings_name_what_was_left_in(tmp_path: Path, file: Path, toy_phoenix: Path) -> None:
    path = tmp_path / "p.txt"
    lines = [f"de_DE {line}</s>" for line in file.read_text("utf-8").splitlines()]
    path.write_bytes("\r\n".join([*lines, ""]).encode("utf-8-sig"))
    found = bench("score", path, "--data", toy_phoenix, "--format", "json", "--resamples", 100)
    assert found.exit_code == 0
    for said in ("byte order mark", "CRLF", "'de_DE', a language code", "'</s>', a special token"):
        assert said in found.stderr
    assert len(json.loads(found.stdout)["warnings"]) == 4


BAD = [
    (["--split", "nowhere"], "no split 'nowhere'; it has: train, dev, test"),
    (["--task", "phoenix"], "known are: csl-daily-qa"),
    (["--task", "csl-daily-qa"], "the task csl-daily-qa needs csl-daily-qa"),
    (["--track", "audio"], "toy-phoenix-qa has: video, video+question, video+gloss, control"),
    (["--learned", "meteor"], "known are: bertscore, bleurt, comet"),
    (["--split", "dev"], "20 lines for 16 samples: that is the size of test"),
]


@pytest.mark.parametrize(("words", "said"), BAD)
def test_bad_usage_is_one_sentence(
    file: Path, toy_phoenix: Path, words: list[str], said: str
) -> None:
    assert said in refused("score", file, "--data", toy_phoenix, *words)


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--resamples", "0"], "100<=x"), (["--seed", "-1"], "x>=0"), (["--format", "xml"], "xml")],
)  # fmt: skip
def test_bad_options(file: Path, toy_phoenix: Path, options: list[str], said: str) -> None:
    found = bench("score", file, "--data", toy_phoenix, *options)
    assert (found.exit_code, said in found.stderr) == (2, True)


def test_data_that_is_no_dataset(tmp_path: Path, file: Path) -> None:
    assert "holds no built dataset" in refused("score", file, "--data", tmp_path)
    assert "there is no such folder" in refused("score", file, "--data", tmp_path / "none")


@pytest.mark.parametrize("split", ["test", "train"])
def test_a_file_that_is_not_the_manifest_s_is_refused(
    tmp_path: Path, file: Path, toy_phoenix: Path, split: str
) -> None:
    data = shutil.copytree(toy_phoenix, tmp_path / "data")
    shutil.copy(data / "data" / "dev.parquet", data / "data" / f"{split}.parquet")
    said = refused("score", file, "--data", data)
    assert f"{split}.parquet: is not the file that the manifest names" in said


def test_an_out_that_can_t_be_is_told_before_scoring(file: Path, toy_phoenix: Path) -> None:
    said = refused("score", file, "--data", toy_phoenix, "--out", file)
    assert said == f"error: {file}: is a file; a folder was expected.\n"


def test_references_without_novel_tokens_are_told(file: Path, toy_phoenix: Path) -> None:
    found = bench("score", file, "--data", toy_phoenix, "--format", "json", "--resamples", 100)
    uncounted = json.loads(found.stdout)["uncounted"]
    notes = found.stderr.count(" of 20 references have no ")
    assert notes == sum(count > 0 for count in uncounted.values()) > 0


def test_validate_tells_all_and_exits_1(tmp_path: Path, file: Path, toy_phoenix: Path) -> None:
    found = bench("validate", file, "--data", toy_phoenix)
    assert (found.exit_code, found.stdout) == (0, f"{file}: can be scored\n")
    path = tmp_path / "p.jsonl"
    path.write_text('{"sample_id": "x", "text": "a"}\n{"sample_id": "x", "text": "b"}\n')
    said = refused("validate", path, "--data", toy_phoenix, code=1)
    assert "2 findings" in said
    assert "nothing" not in bench("validate", path, "--data", toy_phoenix).stdout
    assert "holds no system.yaml and no file named predictions" in refused(
        "validate", tmp_path, "--data", toy_phoenix
    )


def test_validate_reads_a_submission(tmp_path: Path, file: Path, toy_phoenix: Path) -> None:
    (tmp_path / "predictions.txt").write_text(file.read_text("utf-8"), "utf-8")
    (tmp_path / "system.yaml").write_text("name: Mine\ntrack: audio\n")
    found = bench("validate", tmp_path, "--data", toy_phoenix)
    assert found.exit_code == 1
    assert "the field 'task' is missing" in found.stdout
    assert "known are: video" in found.stdout
    (tmp_path / "system.yaml").write_text(
        "name: Mine\ntrack: video\ntask: toy-phoenix-qa\npaper: none\ncode: none\ncommit: none\n"
        "training_data: [train]\nseen_test: no\n"
    )
    assert bench("validate", tmp_path, "--data", toy_phoenix).exit_code == 0
    (tmp_path / "predictions.txt").write_text("x\n")
    assert bench("validate", tmp_path, "--data", toy_phoenix).exit_code == 1


def test_list_shows_what_there_is() -> None:
    found = bench("list").stdout
    for name in ("phoenix-2014t-qa", "novel_content_", "signjoey", "retrieve-by-gloss", "comet"):
        assert name in found


def test_learned_metrics_only_if_installed(
    monkeypatch: pytest.MonkeyPatch, file: Path, toy_phoenix: Path
) -> None:
    monkeypatch.setitem(sys.modules, "bert_score", None)  # whatever this machine has
    assert "pip install 'qbslt[learned]'" in refused(
        "score", file, "--data", toy_phoenix, "--learned", "bertscore"
    )
    with pytest.raises(QbsltError, match="not installed"):
        learned_metrics(["bertscore"])


def test_a_learned_metric_has_all_that_the_others_have(toy_phoenix: Path) -> None:
    def same_length(hyp: list[str], ref: list[str], language: str) -> list[float]:
        assert language == "de"
        return [min(len(h), len(r)) / max(len(h), len(r), 1) for h, r in zip(hyp, ref, strict=True)]

    metric = Learned("length", "none", same_length)  # type: ignore[arg-type]
    data = load_references(open_dataset(toy_phoenix), "test")
    found = score(load_task("toy-phoenix-qa"), data, data.text, system="all", learned=[metric],
                  resamples=100)  # fmt: skip
    assert found.scores["standard-phoenix"]["length"] == {"value": 100, "low": 100, "high": 100}
    assert found.gain_over_copy is not None and found.gain_over_copy["length"]["value"] > 0
    assert found.signatures["length"].startswith("length|network:none|")


def test_a_closed_pipe_is_no_error(file: Path, toy_phoenix: Path) -> None:
    words = [sys.executable, "-m", "benchmarks.cli", "score", str(file), "--data", str(toy_phoenix)]
    done = subprocess.run(
        f"{subprocess.list2cmdline(words)} | head -1", shell=True, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr


def test_639_real_lines_for_642_clips(shared: Path, real_phoenix: Path) -> None:
    path = shared / "system-outputs" / "Phoenix" / "FlaLLM" / "tmp_pres.txt"
    assert "has 639 lines for 642 samples" in refused("score", path, "--data", real_phoenix)
    assert "1 finding" in refused("validate", path, "--data", real_phoenix, code=1)
