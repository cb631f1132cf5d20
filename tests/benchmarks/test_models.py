"""Models: a plug-in that is installed by its entry point, and runs that are killed or go wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from benchmarks.models import visible
from benchmarks.tasks.task import TRACKS
from qa_builder.dataset import open_dataset

DOCS = Path(__file__).resolve().parents[2] / "docs" / "add-a-model.md"
SLOW = """
import os, time
from qa_builder.samples import Prediction

class Slow:
    name, track = "slow", "video"
    def __init__(self, wait=0.0, give="all"):
        self.wait, self.give = float(wait), give
    def fit(self, data, run):
        pass
    def predict(self, samples, run):
        for i, sample in enumerate(samples):
            time.sleep(self.wait)
            if self.give == "none" and i == 3:
                return
            if self.give == "number":
                yield Prediction(sample.sample_id, 7)
            yield Prediction("other" if self.give == "other" else sample.sample_id, "regen" * 2000)

class Wrong(Slow):
    track = "audio"
"""


def block(language: str) -> str:
    """The first block of a language in the page."""
    found = re.search(rf"```{language}\n(.*?)```", DOCS.read_text("utf-8"), re.S)
    assert found, f"docs/add-a-model.md has no {language} block"
    return found[1]


def install(site: Path, module: str, code: str, points: dict[str, str]) -> None:
    """Put a package with entry points on a path, as an installer leaves it."""
    site.mkdir(exist_ok=True)
    (site / f"{module}.py").write_text(code, "utf-8")
    info = site / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    lines = [f"{name} = {value}" for name, value in points.items()]
    (info / "entry_points.txt").write_text("[qbslt.models]\n" + "\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import tomllib

    folder = tmp_path_factory.mktemp("site")
    points = tomllib.loads(block("toml"))["project"]["entry-points"]["qbslt.models"]
    install(folder, "word_for_gloss", block("python"), points)
    install(folder, "slow", SLOW, {
        "slow": "slow:Slow", "wrong": "slow:Wrong", "gone": "slow:Gone", "nowhere": "no_such:Model",
    })  # fmt: skip
    return folder


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.cli", *words]


def bench(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words), env=os.environ | {"PYTHONPATH": str(site)}, capture_output=True, text=True
    )


def refused(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("error: ") and "Traceback" not in done.stderr
    return done.stderr


def test_the_plug_in_of_the_docs_has_thirty_lines() -> None:
    assert len([line for line in block("python").splitlines() if line.strip()]) <= 30


def test_the_plug_in_of_the_docs_runs(site: Path, tmp_path: Path, toy_phoenix: Path) -> None:
    assert "word-for-gloss" in bench(site, "list").stdout
    out = tmp_path / "run"
    run = ("run", "--model", "word-for-gloss", "--data", str(toy_phoenix), "--out", str(out))
    done = bench(site, *run, "min_count=1")
    assert done.returncode == 0, done.stderr
    result = json.loads((out / "result.json").read_text("utf-8"))
    assert result["system"] == {"name": "word-for-gloss", "track": "video+gloss"}
    assert result["scores"]["standard-phoenix"]["bleu1"]["value"] > 10
    config = yaml.safe_load((out / "config.yaml").read_text("utf-8"))
    assert config["options"] == {"min_count": 1}
    assert config["fingerprint"] == open_dataset(toy_phoenix).fingerprint
    again = bench(site, *run, "min_count=1")
    assert again.returncode == 0
    assert json.loads((out / "result.json").read_text("utf-8")) == result
    assert "different: options" in refused(bench(site, *run, "min_count=2"))


def test_score_finds_the_dataset_of_a_run(
    site: Path, tmp_path: Path, toy_phoenix: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = bench(
        site, "run", "--model", "copy-question", "--data", str(toy_phoenix), "--split", "dev"
    )
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs" / "toy-phoenix-qa" / "copy-question"
    file = folder / "predictions.dev.jsonl"
    result = json.loads(bench(site, "score", str(file), "--format", "json").stdout)
    assert (result["task"]["split"], result["n"]) == ("dev", 16)
    assert result["system"] == {"name": "copy-question", "track": "control"}
    checked = bench(site, "validate", str(folder))
    assert (checked.returncode, "can be scored" in checked.stdout) == (0, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "no-such"], "known are: cl-slt, copy-question"),
        (["--model", "wrong"], "unknown track 'audio'"),
        (["--model", "gone"], "can't be loaded"),
        (["--model", "nowhere"], "can't be loaded: No module named 'no_such'"),
        (["--model", "slow", "speed=1"], "unknown option of slow 'speed'; known are: give, wait"),
        (["--model", "copy-question", "k=1"], "has no options"),
        (["--model", "slow", "wait"], "is no key=value"),
        (["--model", "slow", "--config", "none.yaml"], "no such file of options"),
        (["--model", "slow", "give=none"], "17 of 20 samples have no prediction"),
        (["--model", "slow", "give=number"], "gave int for a translation"),
        (["--model", "slow", "give=other"], "not in the split"),
        (["--model", "slow", "--split", "nowhere"], "no split 'nowhere'"),
        (["--model", "slow", "--task", "csl-daily-qa"], "needs csl-daily-qa"),
        (["--model", "slow", "--resume"], "holds no run to go on with"),
    ],
)
def test_bad_runs_end_with_one_sentence(
    site: Path, tmp_path: Path, toy_phoenix: Path, words: list[str], said: str
) -> None:
    out = tmp_path / "out"
    assert said in refused(
        bench(site, "run", "--data", str(toy_phoenix), "--out", str(out), *words)
    )
    assert not (out / "result.json").exists()


def test_an_out_with_other_files_is_left_alone(
    site: Path, tmp_path: Path, toy_phoenix: Path
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    words = ("run", "--model", "slow", "--data", str(toy_phoenix), "--out", str(tmp_path))
    assert "holds files, but no run" in refused(bench(site, *words))
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_a_run_that_failed_before_it_began_is_not_in_the_way(
    site: Path, tmp_path: Path, toy_phoenix: Path
) -> None:
    out = tmp_path / "out"
    words = ("run", "--model", "slow", "--data", str(toy_phoenix), "--out", str(out))
    assert "gave int" in refused(bench(site, *words, "give=number"))
    assert [p.name for p in out.iterdir()] == ["config.yaml"]
    done = bench(site, *words)
    assert done.returncode == 0, done.stderr
    assert "different: options give" in refused(bench(site, *words, "give=number"))


def test_two_commands_do_not_write_one_folder(
    site: Path, tmp_path: Path, toy_phoenix: Path
) -> None:
    out = tmp_path / "out"
    words = ("run", "--model", "slow", "--data", str(toy_phoenix), "--out", str(out), "wait=5")
    env = os.environ | {"PYTHONPATH": str(site)}
    with subprocess.Popen(command(*words), env=env, stdout=subprocess.DEVNULL) as child:
        for _ in range(2000):
            if (out / "config.yaml").exists():
                break
            time.sleep(0.05)
        for again in (words, ("run", "--predict-only", str(out))):
            assert "another command is writing this folder now" in refused(bench(site, *again))
        child.kill()


def test_a_killed_run_leaves_no_half_file(site: Path, tmp_path: Path, toy_phoenix: Path) -> None:
    out = tmp_path / "out"
    words = command(
        "run", "--model", "slow", "--data", str(toy_phoenix), "--out", str(out), "wait=0.1"
    )
    env = os.environ | {"PYTHONPATH": str(site)}
    with subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL) as child:
        beside = out / ".predictions.test.jsonl.new"
        for _ in range(2000):
            if beside.exists() and beside.stat().st_size:
                break
            time.sleep(0.05)
        assert beside.stat().st_size > 0  # it was writing
        child.send_signal(signal.SIGKILL)
    assert not (out / "predictions.test.jsonl").exists()
    assert not (out / "result.json").exists()
    again = [*words, "--resume"]
    done = subprocess.run(again, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len((out / "predictions.test.jsonl").read_text("utf-8").splitlines()) == 20
    assert not beside.exists()


@pytest.mark.parametrize("track", TRACKS)
def test_a_track_sees_what_it_may(track: str, toy_csl: Path) -> None:
    sample = next(s for s in open_dataset(toy_csl).samples("test") if s.question and s.gloss)
    shown = visible(sample, track)
    assert (shown.text == sample.text) == (track == "control")
    assert (shown.gloss is not None) == (track in ("video+gloss", "control"))
    assert (shown.question is not None) == (track in ("video+question", "control"))
    hidden = [shown.words, shown.pos_tags, shown.source_hash]
    assert track == "control" or hidden == [None, None, None]
    assert (shown.sample_id, shown.clip) == (sample.sample_id, sample.clip)


def test_a_run_whose_dataset_changed_or_went(
    site: Path, tmp_path: Path, toy_phoenix: Path, toy_csl: Path
) -> None:
    out = tmp_path / "out"
    bench(site, "run", "--model", "copy-question", "--data", str(toy_phoenix), "--out", str(out))
    file, config = out / "predictions.test.jsonl", out / "config.yaml"
    whole = config.read_text("utf-8")
    config.write_text(re.sub(r"fingerprint: \w+", "fingerprint: 'abcdef'", whole), "utf-8")
    done = bench(site, "score", str(file))
    assert done.returncode == 0 and "made on another build" in done.stderr
    config.write_text(whole.replace(str(toy_phoenix), str(tmp_path / "gone")), "utf-8")
    assert "not there any more" in refused(bench(site, "score", str(file)))
    assert bench(site, "score", str(file), "--data", str(toy_phoenix)).returncode == 0
    assert "not in the split" in refused(bench(site, "score", str(file), "--data", str(toy_csl)))
    config.write_text(whole.replace("seed: 0\n", ""), "utf-8")
    assert "is no configuration of a run" in refused(bench(site, "score", str(file)))
    config.write_text(re.sub(r"dataset: .+", "dataset: [5]", whole), "utf-8")
    assert "is no configuration of a run" in refused(bench(site, "score", str(file)))
    for foreign in ("model: mbart\nlr: 3\n", "{{ not yaml"):  # of another toolkit
        config.write_text(foreign, "utf-8")
        assert bench(site, "score", str(file), "--data", str(toy_phoenix)).returncode == 0
