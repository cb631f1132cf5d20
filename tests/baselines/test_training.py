"""Training as a whole: kills, two processes, early stopping, and what ends it with one sentence."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from safetensors.torch import load_file

from baselines.config import METHODS, configure
from baselines.data import Batch
from baselines.journal import read_metrics
from baselines.machine import explained, make_accelerator
from benchmarks.cli import main
from qa_builder.errors import QbsltError

torch.set_num_threads(1)  # bits depend on it, and the processes below have one
ONE_THREAD = os.environ | {"OMP_NUM_THREADS": "1"}


def words(data: Path, out: Path, model: str, **options: Any) -> list[str]:
    given = {"preset": "tiny", "tensorboard": "false", **options}
    return ["run", "--model", model, "--data", str(data), "--out", str(out), "--resamples", "100",
            *(f"{k}={v}" for k, v in given.items())]  # fmt: skip


def run(data: Path, out: Path, model: str, **options: Any) -> Result:
    return CliRunner().invoke(main, words(data, out, model, **options))


def weights(out: Path) -> dict[str, dict[str, bytes]]:
    """Of each file the bytes of its tensors; the order of its header is not ours."""
    files = sorted((out / "checkpoints").rglob("*.safetensors"))
    return {
        str(f.relative_to(out)): {k: t.numpy().tobytes() for k, t in load_file(f).items()}
        for f in files
    }


def scores(out: Path) -> list[dict[str, Any]]:
    """The lines of dev, without those that tell of time."""
    return [{k: v for k, v in row.items() if "seconds" not in k}
            for row in read_metrics(out) if row["kind"] == "dev"]  # fmt: skip


def test_a_killed_run_ends_with_the_same_bits(
    toy_phoenix: Path, toy_store: Path, tmp_path: Path
) -> None:
    options = {"features": toy_store, "epochs": 2, "batch_size": 6, "save_steps": 3, "ema": 0.9,
               "max_frames": 64, "grad_accumulation": 2, "max_length": 15}  # fmt: skip
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = run(toy_phoenix, whole, "ssl-ssaw", **options)
    assert done.exit_code == 0, done.output
    options["workers"] = (
        1  # changes no bit, but lives on for some seconds when its parent is killed
    )
    command = [sys.executable, "-m", "benchmarks.cli",
               *words(toy_phoenix, killed, "ssl-ssaw", **options)]  # fmt: skip
    state = killed / "checkpoints" / "last" / "state.json"
    with subprocess.Popen(command, env=ONE_THREAD, stderr=subprocess.DEVNULL) as child:
        end = time.monotonic() + 120
        while not state.exists() and child.poll() is None and time.monotonic() < end:
            time.sleep(0.002)
        children = Path(f"/proc/{child.pid}/task/{child.pid}/children")
        workers = children.read_text().split()
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    assert any(Path("/proc", pid).exists() for pid in workers)  # they do not keep the folder
    there = json.loads(state.read_text())
    assert there["step"] % 3 == 0 and there["step"] < 14  # it had not ended
    assert there["state"]["batch"] > 0  # in mid-epoch
    assert not (killed / "result.json").exists()
    again = run(toy_phoenix, killed, "ssl-ssaw", **options)
    assert again.exit_code == 0, again.output
    ours, wanted = weights(killed), weights(whole)
    assert len(wanted) == 8 and ours.keys() == wanted.keys()
    assert [name for name in wanted if ours[name] != wanted[name]] == []
    assert scores(killed) == scores(whole) and len(scores(whole)) == 2
    predictions = "predictions.test.jsonl"
    assert (killed / predictions).read_bytes() == (whole / predictions).read_bytes()


def test_two_processes_score_what_they_gather(
    toy_phoenix: Path, toy_store: Path, tmp_path: Path
) -> None:
    """BLEU is no mean of two BLEUs: dev's line must be the score of all translations together."""
    options = {"features": toy_store, "epochs": 4, "batch_size": 6, "max_frames": 48, "beams": 1,
               "max_length": 12, "eval_every": 4, "dropout": 0}  # fmt: skip
    out = tmp_path / "run"
    # by its number: not every machine knows itself by its name
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone",
               "--local-addr", "127.0.0.1", "--nproc_per_node", "2", "-m", "benchmarks.cli",
               *words(toy_phoenix, out, "ssl-ssaw", **options)]  # fmt: skip
    done = subprocess.run(command, env=ONE_THREAD, capture_output=True, text=True, timeout=800)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("wrote ") == 1  # one process alone writes
    rows = [json.loads(line) for line in (out / "predictions.test.jsonl").open()]
    assert len(rows) == len({row["sample_id"] for row in rows}) == 20
    assert json.loads((out / "result.json").read_text())["n"] == 20
    assert scores(out)[0]["step"] == 4 * 7  # of 84 samples by six, each process did a half
    alone = CliRunner().invoke(main, ["run", "--predict-only", str(out), "--split", "dev"])
    assert alone.exit_code == 0, alone.output
    result = json.loads((out / "dev" / "result.json").read_text())
    found = {k: v["value"] for k, v in result["scores"]["standard-phoenix"].items()}
    line = scores(out)[0]
    assert found["chrf2"] > 0
    assert {name: line[name] for name in found} == pytest.approx(found)


def test_it_stops_when_dev_gets_no_better(toy_phoenix: Path, tmp_path: Path) -> None:
    done = run(toy_phoenix, tmp_path / "run", "gloss-to-text", epochs=9, patience=2,
               learning_rate=1e-12, max_length=5, batch_size=42)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert [row["epoch"] for row in scores(tmp_path / "run")] == [1, 2, 3]


def test_a_loss_that_is_not_finite_names_its_samples(toy_phoenix: Path, tmp_path: Path) -> None:
    done = run(toy_phoenix, tmp_path / "run", "gloss-to-text", learning_rate=1e30, clip_norm=0,
               warmup=0)  # fmt: skip
    assert done.exit_code == 2
    assert "error: the loss became nan in step" in done.output and "_toy-" in done.output
    assert "Traceback" not in done.output
    assert not (tmp_path / "run" / "predictions.test.jsonl").exists()


def test_another_option_is_refused(toy_phoenix: Path, tmp_path: Path) -> None:
    first = run(toy_phoenix, tmp_path / "run", "gloss-to-text", epochs=1, max_length=5)
    assert first.exit_code == 0, first.output
    other = run(toy_phoenix, tmp_path / "run", "gloss-to-text", epochs=1, max_length=5, dropout=0.2)
    assert other.exit_code == 2 and "different: options dropout)" in other.output


def test_memory_that_runs_out_names_the_batch() -> None:
    batch = Batch(["a", "b"], ["", ""], torch.zeros(2, 7, 1), torch.ones(2, 7, dtype=torch.bool))
    with pytest.raises(RuntimeError) as caught:
        torch.empty(10**16)  # more than any machine has
    said = explained(caught.value, batch)
    assert isinstance(said, QbsltError)
    assert "a batch of 2 samples of 7 frames: a, b. Lower batch_frames" in str(said)
    other = RuntimeError("shapes differ")
    assert explained(other, batch) is other


def test_memory_that_runs_out_anywhere_is_one_sentence(
    toy_phoenix: Path, toy_store: Path, tmp_path: Path
) -> None:
    """With a real limit, set when the method that is named is called first."""
    size = {"features": toy_store, "epochs": 1, "max_length": 6, "beams": 1, "max_frames": 16,
            "train_share": 0.05, "batch_size": 4, "ema": 0.9}  # fmt: skip
    out = tmp_path / "run"
    free = words(toy_phoenix, out, "gloss-free", **size | {"d_model": 256, "ffn_dim": 1024})
    wide = words(toy_phoenix, tmp_path / "c", "ssl-ssaw", control="question-only",
                 **size | {"ffn_dim": 8192, "batch_size": 20})  # fmt: skip
    cases = [
        ("baselines.materials:Materials.translator", free, "while the model was made"),
        ("torch.optim.swa_utils:AveragedModel.__init__", free, "while the model was made"),
        ("baselines.translator:Translator.forward", free, "with a batch of 4 samples of"),
        ("torch.optim:AdamW.step", free, "in the optimiser's step, after a batch of 4 samples of"),
        ("baselines.translator:Translator.nll", wide, "with a batch of 20 samples of"),
    ]  # fmt: skip
    tasks = [(where, 2 * 2**20, command) for where, command, _ in cases]
    child = subprocess.run(
        [sys.executable, Path(__file__).with_name("short_of_memory.py"), json.dumps(tasks)],
        env=ONE_THREAD | {"MALLOC_MMAP_THRESHOLD_": "65536"}, capture_output=True, text=True,
        timeout=800, check=False,
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    for (code, said), (where, _, expected) in zip(json.loads(child.stdout), cases, strict=True):
        assert code == 2 and f"error: out of memory {expected}" in said, (where, said)
        assert " Lower " in said.splitlines()[-1], (where, said)
    # what fails before its first checkpoint blocks no folder for the options that it advises
    assert {file.name for file in out.iterdir()} == {"config.yaml"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there() -> None:
    config = configure(METHODS["gloss-to-text"], {"preset": "tiny", "device": "cuda"})
    with pytest.raises(QbsltError, match=r"device=cuda, but torch .* finds no GPU"):
        make_accelerator(config)
