"""Studies: what is run, what is run again, how it is shown."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from statistics import fmean

import pytest
import yaml

from benchmarks.study import System, jobs_of, run_study
from benchmarks.study_table import finish_study, study_document, study_table
from qa_builder.errors import QbsltError


def systems(data: Path) -> list[System]:
    return [
        System(label="copy", model="copy-question", data=data, seeded=False),
        System(label="other questions", model="wrong-question", data=data),
    ]


def test_each_system_is_run_with_each_seed(
    toy_phoenix: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = jobs_of(systems(toy_phoenix), tmp_path, [3, 4])
    assert [(j.system.label, j.seed) for j in jobs] == [
        ("copy", 3), ("other questions", 3), ("other questions", 4)]  # fmt: skip
    assert jobs[2].folder == tmp_path / "other-questions" / "seed-4"
    said: list[str] = []
    run_study(jobs, at_once=2, echo=said.append)
    assert sorted(line.split(":")[0] for line in said) == sorted(
        f"{j.system.label}, seed {j.seed}" for j in jobs
    )
    for job in jobs:
        config = yaml.safe_load((job.folder / "config.yaml").read_text("utf-8"))
        assert (config["model"], config["seed"]) == (job.system.model, job.seed)

    finish_study("two", jobs, tmp_path, {"options": "none"})
    document = json.loads((tmp_path / "study.json").read_text("utf-8"))
    copy, other = document["systems"]
    values = [
        json.loads((j.folder / "result.json").read_text())["scores"]["standard-phoenix"]["bleu4"]
        for j in jobs[1:]
    ]
    assert other["mean"]["bleu4"] == pytest.approx(fmean(v["value"] for v in values))
    assert other["sd"]["bleu4"] == pytest.approx(
        abs(values[0]["value"] - values[1]["value"]) / 2**0.5
    )
    assert copy["sd"]["bleu4"] is None and copy["mean"]["gain"] == 0
    assert other["mean"]["gain"] == pytest.approx(other["mean"]["bleu4"] - copy["mean"]["bleu4"])
    text = (tmp_path / "study.md").read_text("utf-8")
    row = f"| other questions | control | 2 | {other['mean']['bleu4']:.2f} ± "
    assert row in text and "- options: none" in text and "SIMULATED" not in text
    assert "other questions" in capsys.readouterr().out


def test_what_is_done_is_not_run_again(toy_phoenix: Path, tmp_path: Path) -> None:
    jobs = jobs_of(systems(toy_phoenix), tmp_path, [0])
    run_study(jobs[:1])
    made = (jobs[0].folder / "result.json").stat().st_mtime_ns
    said: list[str] = []
    run_study(jobs, echo=said.append)
    assert said[0] == "1 of 2 runs are done already"
    assert (jobs[0].folder / "result.json").stat().st_mtime_ns == made
    assert study_table(study_document("x", jobs)).rows[0][0] == "copy"
    changed = jobs_of(
        [System(label="copy", model="most-frequent", data=toy_phoenix)], tmp_path, [0]
    )
    with pytest.raises(QbsltError, match="another configuration"):
        run_study(changed)


def test_a_run_that_fails_ends_the_study_with_what_it_said(
    toy_phoenix: Path, tmp_path: Path
) -> None:
    jobs = jobs_of(systems(toy_phoenix), tmp_path, [0])
    (jobs[1].folder).mkdir(parents=True)
    (jobs[1].folder / "notes.txt").write_text("mine")
    with pytest.raises(QbsltError, match=r"exit code 2: .*holds files, but no run") as e:
        run_study(jobs)
    assert e.value.file == jobs[1].folder.with_name("seed-0.log")
    assert (jobs[0].folder / "result.json").exists()  # kept
    with pytest.raises(QbsltError, match="holds no result"):
        study_document("x", jobs)


def test_an_unknown_model_or_option_is_found_before_anything_runs(
    toy_phoenix: Path, tmp_path: Path
) -> None:
    for system in (
        System(label="a", model="copy-questions", data=toy_phoenix),
        System(label="a", model="copy-question", options={"beams": 3}, data=toy_phoenix),
    ):
        with pytest.raises(QbsltError, match=r"^a: "):
            jobs_of([system], tmp_path / "out", [0])
    assert not (tmp_path / "out").exists()


_SLOW = """
import sys
from pathlib import Path
from benchmarks.study import System, jobs_of, run_study
data, out = map(Path, sys.argv[1:])
systems = [System(label=str(k), model="retrieve-by-question", data=data) for k in range(40)]
run_study(jobs_of(systems, out, [0]), echo=lambda said: print(said, flush=True))
"""


def test_a_study_that_was_interrupted_goes_on(toy_phoenix: Path, tmp_path: Path) -> None:
    """Ctrl-C ends the run that is under way, too, and keeps what is done."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SLOW, str(toy_phoenix), str(tmp_path)], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline().startswith("0, seed 0")
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(20) != 0
    time.sleep(0.3)
    done = len(list(tmp_path.glob("*/seed-0/result.json")))
    assert 1 <= done < 5
    time.sleep(1)
    assert len(list(tmp_path.glob("*/seed-0/result.json"))) == done
    named = [System(label=str(k), model="retrieve-by-question", data=toy_phoenix) for k in range(2)]
    said: list[str] = []
    run_study(jobs_of(named, tmp_path, [0]), echo=said.append)
    assert f"{min(done, 2)} of 2 runs are done already" in said
