"""The studies of our models, weights that are taken from another run, and ablations."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

from baselines.methods import ssl_ssaw_method
from baselines.studies import (
    STUDIES,
    contrastive_selection,
    named_datasets,
    plan_study,
    question_assistance,
)
from baselines.study_shares import trajectory_shares
from baselines.trajectory_analysis import REPORTED
from benchmarks import made_by
from benchmarks.ablation import ablated
from benchmarks.cli import main
from benchmarks.study import System, jobs_of, run_study
from benchmarks.study_table import finish_study
from qa_builder import __version__
from qa_builder.errors import QbsltError

torch.set_num_threads(1)
DOCS = Path(__file__).resolve().parents[2] / "docs"
SHORT = ("preset=tiny", "epochs=1", "max_frames=16", "max_length=6", "beams=1", "tensorboard=false")


def bench(*words: object) -> Result:
    return CliRunner().invoke(main, [str(w) for w in words])


def read(file: Path) -> Any:
    return json.loads(file.read_text("utf-8"))


@pytest.fixture(scope="module")
def trained(toy_phoenix: Path, toy_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of ssl-ssaw and of what takes its weights."""
    out = tmp_path_factory.mktemp("study")
    done = bench("study", "question-assistance", "--data", toy_phoenix, "--features", toy_store,
                 "--out", out, "--seeds", "1", "--systems", "copy, wrong", *SHORT)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "SIMULATED features" in done.output
    return out


def test_wrong_question_is_the_same_model_asked_differently(trained: Path) -> None:
    rows = {s["label"]: s for s in read(trained / "study.json")["systems"]}
    assert list(rows) == ["copy-question", "ssl-ssaw", "wrong-question"]
    assert rows["wrong-question"]["track"] == "control"
    own, wrong = (trained / name / "seed-1" for name in ("ssl-ssaw", "wrong-question"))
    weights = "checkpoints/best/model.safetensors"
    assert (own / weights).read_bytes() == (wrong / weights).read_bytes()
    assert not (wrong / "metrics.jsonl").exists()  # nothing was trained
    texts = [(run / "predictions.test.jsonl").read_text("utf-8") for run in (own, wrong)]
    assert texts[0].count("\n") == texts[1].count("\n") == 20


def test_a_run_from_before_an_option_lends_its_weights(
    trained: Path, toy_phoenix: Path, toy_store: Path, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    shutil.copytree(trained / "ssl-ssaw" / "seed-1", old)
    lines = (old / "config.yaml").read_text("utf-8").splitlines(keepends=True)
    kept = [line for line in lines if "assist_dropout" not in line]
    (old / "config.yaml").write_text("".join(kept), "utf-8")
    assert len(kept) == len(lines) - 1
    for more, code in (("assist_dropout=0.5", 2), ("beams=2", 0)):
        done = bench("run", "--model", "ssl-ssaw", "--data", toy_phoenix, "--out", tmp_path / more,
                     "--seed", "1", f"features={toy_store}", *SHORT, f"weights={old}", more)  # fmt: skip  # noqa: E501
        assert done.exit_code == code, done.output


def test_a_study_says_how_it_was_made(trained: Path, toy_phoenix: Path, toy_store: Path) -> None:
    said = read(trained / "study.json")["made_by"]
    assert said["command"].startswith("qbslt-bench study question-assistance --data ")
    assert (
        f"--features {toy_store} --seeds 1 --systems 'copy, wrong' preset=tiny" in said["command"]
    )
    assert said["hardware"].startswith(("CPU, ", "1 x "))
    start = read(trained / "ssl-ssaw" / "seed-1" / "starts.jsonl")
    assert said["code of the trainings"] == start["code"]
    assert start["code"].startswith(f"qbslt {__version__}")
    assert f"- command: {said['command']}" in (trained / "study.md").read_text("utf-8")


def test_code_names_the_commit_of_a_clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made_by, "_CODE", tmp_path)
    assert made_by.code() == f"qbslt {__version__}"  # installed: no clone
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@example.org"]
    (tmp_path / "file").write_text("1")
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], check=True)
    assert re.fullmatch(rf"qbslt {__version__}, commit [0-9a-f]{{12}}", made_by.code())
    (tmp_path / "file").write_text("2")
    assert made_by.code().endswith(", changed")


def test_weights_of_another_model_or_training_are_refused(
    trained: Path, toy_phoenix: Path, toy_store: Path, tmp_path: Path
) -> None:
    own = trained / "ssl-ssaw" / "seed-1"

    def said(model: str, *words: str) -> str:
        done = bench("run", "--model", model, "--data", toy_phoenix, "--out", tmp_path / "run",
                     "--seed", "1", f"features={toy_store}", *SHORT, *words)  # fmt: skip
        assert done.exit_code == 2 and "Traceback" not in done.output
        (tmp_path / "run" / "config.yaml").unlink()
        return " ".join(done.output.split())

    assert "is a run of ssl-ssaw, not of gloss-free" in said("gloss-free", f"weights={own}")
    assert "other options: d_model, heads" in said("ssl-ssaw", f"weights={own}", "d_model=96", "heads=3")  # noqa: E501  # fmt: skip
    assert "other options: control" in said("ssl-ssaw", f"weights={own}", "control=question-only")
    assert "holds no trained run" in said("ssl-ssaw", f"weights={tmp_path}")


def test_question_assistance_has_each_set_of_questions(tmp_path: Path) -> None:
    two = question_assistance({"public": tmp_path / "a", "rules": tmp_path / "b"}, {"epochs": 3})
    by_label = {s.label: s for s in two}
    for name, data in (("public", tmp_path / "a"), ("rules", tmp_path / "b")):
        wrong = by_label[f"wrong-question ({name})"]
        assert (wrong.data, wrong.uses) == (data, {"weights": f"ssl-ssaw ({name})"})
        assert by_label[f"question-only ({name})"].options["control"] == "question-only"
        assert not by_label[f"question-only ({name})"].uses
    assert not by_label["gloss-free (public)"].uses
    assert by_label["gloss-free (rules)"].uses == {"weights": "gloss-free (public)"}
    assert {s.options["gloss"] for s in two if s.model == "gloss-assisted"} == {"oracle", "ctc"}
    assert all(s.options.get("epochs") == 3 for s in two if s.model != "copy-question")


def test_an_ablation_has_a_run_without_each_part(toy_store: Path) -> None:
    systems = ablated("ssl-ssaw", {"features": str(toy_store), "mlm_weight": 0.5}, None)
    assert systems[0].options["mlm_weight"] == 0.5 and systems[3].options["mlm_weight"] == 0
    systems = ablated("ssl-ssaw", {"features": str(toy_store)}, None)
    off = {s.label: {k: v for k, v in s.options.items() if k != "features"} for s in systems}
    assert off == {
        "ssl-ssaw": {}, "ssl-ssaw, no SSAW": {"ssaw": False},
        "ssl-ssaw, no contrast": {"contrast_weight": 0.0}, "ssl-ssaw, no MLM": {"mlm_weight": 0.0},
        "ssl-ssaw, no question": {"question": "none"},
    }  # fmt: skip


def test_ablation_is_one_command(
    toy_phoenix: Path, toy_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two of the runs, to be quick."""
    parts = {"no contrast": ssl_ssaw_method.ablations["no contrast"]}
    monkeypatch.setattr(ssl_ssaw_method, "ablations", parts)
    done = bench("run", "--model", "ssl-ssaw", "--data", toy_phoenix, "--out", tmp_path,
                 "--ablate", f"features={toy_store}", *SHORT)  # fmt: skip
    assert done.exit_code == 0, done.output
    said = read(tmp_path / "study.json")["made_by"]
    begun = f"qbslt-bench run --model ssl-ssaw --ablate --data {toy_phoenix} --seed 0 features="
    assert said["command"].startswith(begun)
    assert said["hardware"].startswith("CPU, ") or " x " in said["hardware"]
    assert said["code of the trainings"].startswith(f"qbslt {__version__}")
    for name, words in said.items():
        assert f"- {name}: {words}\n" in (tmp_path / "study.md").read_text("utf-8")
    rows = [row["label"] for row in read(tmp_path / "study.json")["systems"]]
    assert rows == ["ssl-ssaw", "ssl-ssaw, no contrast"]
    first = (tmp_path / "ssl-ssaw-no-contrast/seed-0/metrics.jsonl").read_text().splitlines()[0]
    assert "loss_mlm" in first and "loss_contrast" not in first


def test_bad_input_is_one_sentence(toy_phoenix: Path, toy_store: Path, tmp_path: Path) -> None:
    common = ("--data", toy_phoenix, "--out", tmp_path / "out")
    for words, expected in (
        (("study", "questions", *common), "unknown study 'questions'"),
        (("study", "question-assistance", *common, "--seeds", "a"), "no list of whole numbers"),
        (("study", "question-assistance", *common), "needs a store of sign features"),
        (("study", "question-assistance", *common, "--features", toy_store, "--systems", "foo"),
         "unknown system of this study 'foo'"),
        (("study", "question-assistance", *common, "--data", "x"), "need a name each"),
        (("study", "contrastive-selection", "--data", f"a={toy_phoenix}", "--data",
          f"b={toy_phoenix}", "--features", toy_store, "--dry-run"),
         "the study contrastive-selection takes one dataset, not 2 (a, b)."),
        (("study", "question-assistance", *common, "--seed", "1"), "Did you mean '--seeds'"),
        (("study", "question-assistance", *common, "--features", toy_store, "--nothing", "1"),
         "unknown option of"),
        (("run", "--model", "gloss-free", *common, "--ablate", f"features={toy_store}"),
         "names no parts"),
        (("run", "--model", "ssl-ssaw", *common, "--ablate", f"features={toy_store}", "ssaw=false"),
         "nothing to ablate in: no SSAW"),
        (("run", "--model", "ssl-ssaw", *common, "--ablate", "--split", "dev"), "leave --split"),
    ):  # fmt: skip
        done = bench(*words)
        assert done.exit_code == 2 and expected in done.output, done.output
    assert not (tmp_path / "out").exists()


def test_datasets_by_name() -> None:
    assert named_datasets([]) == {"": None}
    assert named_datasets(["a"]) == {"": Path("a")}
    assert named_datasets(["p=a", "q=b"]) == {"p": Path("a"), "q": Path("b")}
    with pytest.raises(QbsltError, match="need a name each"):
        named_datasets(["p=a", "p=b"])


@pytest.mark.parametrize("name", list(STUDIES))
def test_every_study_can_be_planned(
    name: str, toy_phoenix: Path, toy_store: Path, tmp_path: Path
) -> None:
    jobs = plan_study(name, {"": toy_phoenix}, {"features": str(toy_store)}, tmp_path, "0,1")
    labels = [j.system.label for j in jobs]
    assert len(set(labels)) > 3 and len({j.folder for j in jobs}) == len(jobs)


def test_the_shares_of_trajectories_stand_beside_the_paper_s(
    toy_phoenix: Path, tmp_path: Path
) -> None:
    systems = [System(label=name, model="copy-question", data=toy_phoenix) for name in "ab"]
    jobs = jobs_of(systems, tmp_path, [0, 1])
    run_study(jobs)
    assert trajectory_shares(jobs) == []
    for job, share in ((jobs[1], 10.0), (jobs[3], 20.0)):  # b trained a reference model
        shares = {"high-low": share, "high-high": 30.0, "low-high": 5.0, "low-low": 65.0 - share}
        (job.folder / "trajectories").mkdir(parents=True)
        (job.folder / "trajectories" / "analysis.json").write_text(
            json.dumps({"shares": shares, "reported": REPORTED, "simulated": True})
        )
    (table,) = trajectory_shares(jobs)
    assert table.rows == [
        ["b", "2", "15.0 ± 7.1", "30.0 ± 0.0", "5.0 ± 0.0", "50.0 ± 7.1"],
        ["reported (arXiv 2604.22374)", "-", "35.9", "31.9", "17.8", "-"],
    ]
    finish_study("x", jobs, tmp_path, beside=[table])
    text = (tmp_path / "study.md").read_text("utf-8")
    assert f"## {table.title}" in text and table.title.endswith("SIMULATED features")
    assert "| b | 2 | 15.0 ± 7.1 |" in text


def test_the_paper_s_numbers_stand_beside_its_rows() -> None:
    systems = contrastive_selection({"": None}, {})
    reported = {s.label: s.published["phoenix-2014t-qa"] for s in systems if s.published}
    assert len(systems) - len(reported) == 2  # random contrast of other aggregations: ours
    page = (DOCS / "scl-slt.md").read_text("utf-8")
    assert [label for label, score in reported.items() if f"{score:.2f}" not in page] == []
