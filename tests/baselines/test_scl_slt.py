"""SCL-SLT and CL-SLT as whole runs: each stage's product, kills, the control, and bad input."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter, namedtuple
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from safetensors.torch import load_file
from simulated_store import simulate
from small_disk import on_a_small_disk

from baselines import pair_selection
from baselines.config import SCHEDULES, SclSltConfig, configure
from baselines.journal import read_metrics
from baselines.scl_slt import Selection
from benchmarks.cli import main

torch.set_num_threads(1)  # bits depend on it, and the processes below have one
SHORT = {"preset": "tiny", "tensorboard": "false", "max_frames": 32, "max_length": 8, "beams": 1,
         "contrast_epochs": 2, "epochs": 1}  # fmt: skip
SCL = {"reference_epochs": 2, "reference_every": 1}
EARLY = {"finetune": "false", "contrast_epochs": 1}


def words(data: Path, store: Path, out: Path, model: str, **options: Any) -> list[str]:
    given = {**SHORT, **(SCL if model == "scl-slt" else {}), "features": store, **options}
    return ["run", "--model", model, "--data", str(data), "--out", str(out), "--resamples", "100",
            *(f"{k}={v}" for k, v in given.items())]  # fmt: skip


def run(data: Path, store: Path, out: Path, model: str = "scl-slt", **options: Any) -> Result:
    done = CliRunner().invoke(main, words(data, store, out, model, **options))
    assert done.exit_code in (0, 2), (done.output, done.exception)
    return done


def weights(folder: Path) -> dict[str, bytes]:
    """The bytes of all tensors of the checkpoints below a folder."""
    return {
        f"{f.relative_to(folder)} {name}": tensor.numpy().tobytes()
        for f in sorted(folder.rglob("*.safetensors")) for name, tensor in load_file(f).items()
    }  # fmt: skip


@pytest.fixture(scope="module")
def whole(
    toy_phoenix: Path, toy_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A run of all four stages, and what it said; not to be changed."""
    out = tmp_path_factory.mktemp("scl") / "run"
    done = run(toy_phoenix, toy_store, out, save_steps=4)
    assert done.exit_code == 0, done.output
    return out, done.output


def test_each_stage_leaves_its_product(whole: tuple[Path, str]) -> None:
    out, said = whole
    for name in ("stages/1-reference", "stages/3-contrast", "."):
        assert (out / name / "checkpoints" / "best" / "model.safetensors").is_file()
        assert (out / name / "curves.png").is_file()
    titles = ["stage 1/4, reference", "stage 2/4, traj", "stage 3/4, contrast", "stage 4/4, fine"]
    assert sorted(titles, key=said.index) == titles
    assert said.index("3 matrices of 84 x 84 pairs") < said.index("stage 1/4")  # before all work
    measured = [row for row in read_metrics(out / "stages/1-reference") if row["kind"] == "dev"]
    assert [row["epoch"] for row in measured] == [1, 2]
    assert all(0 <= row["recall1"] <= 100 and "bleu4" not in row for row in measured)
    found = json.loads((out / "trajectories" / "analysis.json").read_text())
    assert found["steps"] == [1, 2] and found["pairs"] == 84 * 83 and found["simulated"] is True
    assert sum(found["shares"].values()) == pytest.approx(100)
    assert found["reported"] == {"high-low": 35.9, "high-high": 31.9, "low-high": 17.8}
    assert "simulated" in (out / "trajectories" / "report.html").read_text("utf-8")
    first, last, scores = (np.load(out / "trajectories" / f"{name}.npy").astype(float)
                           for name in ("step-000001", "step-000002", "pair-scores"))  # fmt: skip
    d = last - first
    np.testing.assert_allclose(scores, d + d.T, atol=4e-3)
    chosen = [row for row in read_metrics(out / "stages/3-contrast") if row["kind"] == "batches"]
    assert [row["quantile"] for row in chosen] == [0.0, pytest.approx(np.log10(5.5))]
    assert chosen[0]["d"] < chosen[1]["d"]  # from easy to hard
    assert json.loads((out / "result.json").read_text())["system"]["track"] == "video"


def test_what_each_stage_trains(whole: tuple[Path, str]) -> None:
    """The text encoder stays as it began in both contrastive stages, and is gone in the end."""
    out, _ = whole
    kept = [load_file(out / "stages" / "1-reference" / "checkpoints" / name / "model.safetensors")
            for name in ("epoch-000001", "epoch-000002")]  # fmt: skip
    contrast = load_file(out / "stages" / "3-contrast" / "checkpoints/last/model.safetensors")
    text = [name for name in contrast if name.startswith("sentences.encoder")]
    assert len(text) > 10
    for name in text:
        assert torch.equal(kept[0][name], contrast[name]), name
        assert torch.equal(kept[1][name], contrast[name]), name
    assert not torch.equal(kept[0]["sign.project.0.weight"], kept[1]["sign.project.0.weight"])
    final = load_file(out / "checkpoints" / "best" / "model.safetensors")
    assert set(contrast) - set(final) == {*text, "sentences.scale.log"}


def killed(command: list[str], when: Path) -> None:
    """Start a command and kill it when a file is there."""
    more = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=more, stderr=subprocess.DEVNULL) as child:
        end = time.monotonic() + 120
        while not when.exists() and child.poll() is None and time.monotonic() < end:
            time.sleep(0.002)
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL


def test_a_run_killed_between_and_in_stages_ends_with_the_same_bits(
    toy_phoenix: Path, toy_store: Path, tmp_path: Path, whole: tuple[Path, str]
) -> None:
    out = tmp_path / "run"
    given = words(toy_phoenix, toy_store, out, "scl-slt", save_steps=4)
    command = [sys.executable, "-m", "benchmarks.cli", *given]
    state = Path("checkpoints", "last", "state.json")
    killed(command, out / "trajectories" / "trajectories.json")
    reference = json.loads((out / "stages" / "1-reference" / state).read_text())
    assert reference["state"]["epoch"] == 2 and not (out / "stages" / "3-contrast").exists()
    killed(command, out / "stages" / "3-contrast" / state)
    there = json.loads((out / "stages" / "3-contrast" / state).read_text())
    assert 4 <= there["step"] < 22 and not (out / "checkpoints").exists()
    done = run(toy_phoenix, toy_store, out, save_steps=4)
    assert done.exit_code == 0, done.output
    assert "stage 1/4" not in done.output and "log batches: " in done.output
    ours, wanted = weights(out), weights(whole[0])
    assert len(wanted) > 100 and ours.keys() == wanted.keys()
    assert [name for name in wanted if ours[name] != wanted[name]] == []
    for name in ("predictions.test.jsonl", "trajectories/step-000002.npy"):
        assert (out / name).read_bytes() == (whole[0] / name).read_bytes()


def test_the_control_differs_in_its_batches_alone(
    toy_phoenix: Path, toy_store: Path, tmp_path: Path, whole: tuple[Path, str]
) -> None:
    """cl-slt is scl-slt with random batches, to the bit; scores of another run can be taken."""
    data, store, reference = toy_phoenix, toy_store, {"reference": whole[0]}
    control = run(data, store, tmp_path / "control", "cl-slt", **EARLY)
    assert "not needed, batches are random" in control.output
    assert "left out (finetune=false)" in control.output
    run(data, store, tmp_path / "random", schedule="random", **EARLY)
    taken = run(data, store, tmp_path / "hard", schedule="hard-only", **EARLY, **reference)
    assert f"taken from {whole[0]}" in taken.output
    assert not (tmp_path / "hard" / "stages").exists()
    random, other, hard = (weights(tmp_path / n) for n in ("control", "random", "hard"))
    assert random == other and random.keys() == hard.keys() and random != hard
    again = CliRunner().invoke(main, ["run", "--predict-only", str(tmp_path / "hard")])
    assert again.exit_code == 0, again.output  # the text branch is left out


def test_a_question_is_fused(toy_csl: Path, tmp_path: Path) -> None:
    """Chinese, in which sentences stand in several rows."""
    store = simulate(toy_csl, tmp_path / "store")
    out = tmp_path / "run"
    done = run(toy_csl, store, out, question="ssaw", schedule="hard-only", **EARLY,
               equal_texts="positives", aggregation="mean")  # fmt: skip
    assert done.exit_code == 0, done.output
    system = json.loads((out / "result.json").read_text())["system"]
    assert system == {"name": "scl-slt", "track": "video+question"}
    names = load_file(out / "checkpoints" / "best" / "model.safetensors").keys()
    assert any(n.startswith("ssaw.") for n in names) and any(n.startswith("text.") for n in names)
    reference = out / "stages" / "1-reference" / "checkpoints" / "last" / "model.safetensors"
    assert not any(n.startswith(("ssaw.", "text.")) for n in load_file(reference))
    row = next(row for row in read_metrics(out) if row["kind"] == "batches")
    assert row["removed"] > 0 and row["together"] > 0
    assert f"{row['removed']} would-be negatives were removed in 1 epoch." in done.output


def test_batches_have_each_row_once_and_count_what_is_removed() -> None:
    groups = pair_selection.group_by("aabbccddefgh")
    selection = Selection(pair_selection.PairSelector(
        None, n=12, batch_size=4, epochs=3, schedule="random", groups=groups, log=lambda line: None
    ))  # fmt: skip
    for epoch in range(3):
        batches, about = selection(epoch)
        assert len(batches) == selection.count == 3
        assert sorted(row for batch in batches for row in batch) == list(range(12))
        assert about["together"] == 0
        free = pair_selection.PairSelector(None, n=12, batch_size=4, epochs=3, schedule="random",
                                           log=lambda line: None)  # fmt: skip
        met = [Counter(groups[batch].tolist()) for batch in free.epoch(epoch).batches]
        assert about["removed"] == sum(k * (k - 1) for c in met for k in c.values())
    assert tuple(pair_selection.SCHEDULES) == SCHEDULES


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"contrast_batch_size": 1}, "contrast_batch_size=1 leaves the contrast without negatives"),
        (
            {"contrast_batch_size": 85},
            "contrast_batch_size=85 is more than the 84 samples of train",
        ),
        ({"schedule": "cubic"}, "unknown value of schedule 'cubic'"),
        ({"reference_every": 2}, "keeps one checkpoint of reference_epochs=2"),
        ({"lora_rank": 4}, "lora_rank=4 without pretrained would freeze random weights"),
        ({"reference": "nowhere"}, "holds no trajectories. reference=RUN takes a run of scl-slt"),
    ],
)
def test_bad_options(
    toy_phoenix: Path, toy_store: Path, tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    done = run(toy_phoenix, toy_store, tmp_path / "run", **options)
    assert done.exit_code == 2 and said in done.output
    assert not (tmp_path / "run" / "stages").exists()


def test_files_of_another_model_or_that_are_gone(
    toy_phoenix: Path, toy_store: Path, tmp_path: Path, whole: tuple[Path, str], monkeypatch: Any
) -> None:
    data, store = toy_phoenix, toy_store
    done = run(data, store, tmp_path / "a", reference=whole[0], dropout=0.2)
    assert done.exit_code == 2
    assert "trajectories of something else: dropout 0.1, not 0.2. Take a run with" in done.output
    assert "remove" not in done.output
    done = run(data, store, tmp_path / "b", reference=whole[0], train_share=0.5)
    assert done.exit_code == 2
    assert "trajectories of something else: train_share 1.0, not 0.5. Take" in done.output
    other = simulate(data, tmp_path / "store", "--seed", "1")
    done = run(data, other, tmp_path / "c", reference=whole[0])
    assert done.exit_code == 2 and "trajectories of something else: dataset " in done.output

    out = tmp_path / "run"
    shutil.copytree(whole[0], out)
    (out / "trajectories" / "step-000001.npy").unlink()
    shutil.rmtree(out / "stages" / "1-reference" / "checkpoints" / "epoch-000001")
    done = run(data, store, tmp_path / "d", reference=out)
    assert done.exit_code == 2 and "the similarities of step 1 are missing" in done.output
    done = run(data, store, out, save_steps=4)
    assert done.exit_code == 2
    assert "reference model's checkpoint of epoch 1 is missing. Remove this folder" in done.output

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, 100))
    done = run(data, store, tmp_path / "full")
    assert done.exit_code == 2 and "kB needed, 0.1 kB free." in done.output
    assert not (tmp_path / "full" / "stages").exists()


def test_a_disk_too_small_for_what_is_kept(
    toy_phoenix: Path, toy_store: Path, tmp_path: Path
) -> None:
    words = ("run", "--model", "scl-slt", "--data", toy_phoenix, "--out", tmp_path / "disk" / "run",
             "preset=tiny", f"features={toy_store}", "tensorboard=false")  # fmt: skip
    done = on_a_small_disk(tmp_path / "disk", "4m", "-m", "benchmarks.cli", *words)
    assert done.returncode == 2, done.stderr
    last = done.stderr.splitlines()[-1]
    assert re.search(r"checkpoints, \d of them kept: [\d.]+ MB and [\d.]+ kB for what comes after "
                     r"needed, [\d.]+ MB free\. Free some space", last), last  # fmt: skip
    assert "epoch 1" not in done.stderr  # nothing was trained


def test_the_page_names_options_that_there_are() -> None:
    page = (Path(__file__).parents[2] / "docs" / "scl-slt.md").read_text("utf-8")
    known = {f.name for f in fields(SclSltConfig)}
    code = re.findall(r"```console\n(.*?)```", page, re.S) + re.findall(r"`([^`\n]+)`", page)
    named = {word for text in code for word in re.findall(r"\b([a-z_]+)=", text)}
    table = re.findall(r"^\| (`[a-z_`, ]+`) \|", page, re.M)
    listed = {word for cell in table for word in re.findall("[a-z_]+", cell)}
    assert len(named) > 4 and named <= known and len(listed) > 12 and listed <= known
    paper = configure(SclSltConfig, {"preset": "paper", "features": "f", "pretrained": "p"})
    assert (paper.reference_epochs, paper.reference_every, paper.epochs) == (20, 5, 200)
    assert (paper.contrast_epochs, paper.contrast_batch_size, paper.lora_rank) == (80, 16, 16)
