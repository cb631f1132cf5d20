"""Every method from the command to a scored row, on the toy corpus with simulated features."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from click.testing import CliRunner, Result
from simulated_store import simulate

from benchmarks.cli import main

torch.set_num_threads(1)
SHORT = {"preset": "tiny", "epochs": 1, "max_frames": 48, "max_length": 10, "beams": 1}


def bench(*words: str) -> Result:
    return CliRunner().invoke(main, ["run", *words])


def run(data: Path, out: Path, model: str, **options: Any) -> Result:
    given = {"tensorboard": "false", **SHORT, **options}
    return bench("--model", model, "--data", str(data), "--out", str(out), "--resamples", "100",
                 *(f"{k}={v}" for k, v in given.items()))  # fmt: skip


def read(file: Path) -> Any:
    return json.loads(file.read_text("utf-8"))


@pytest.mark.parametrize(
    ("model", "options", "track"),
    [
        ("gloss-free", {}, "video"),
        ("gloss-assisted", {}, "video+gloss"),
        ("gloss-assisted", {"gloss": "ctc"}, "video"),
        ("ssl-ssaw", {"tensorboard": "true"}, "video+question"),
        ("ssl-ssaw", {"control": "question-only"}, "control"),
        ("ssl-ssaw", {"control": "wrong-question", "ssaw": "false"}, "control"),
    ],
)
def test_from_nothing_to_a_scored_row(
    toy_phoenix: Path, toy_store: Path, tmp_path: Path, model: str, options: dict[str, Any],
    track: str,
) -> None:  # fmt: skip
    out = tmp_path / "run"
    done = run(toy_phoenix, out, model, features=toy_store, **options)
    assert done.exit_code == 0, done.output
    result = read(out / "result.json")
    assert result["system"] == {"name": model, "track": track}
    assert (result["n"], result["dataset"]["features"]) == (20, "simulated")
    assert "(convention standard-phoenix, SIMULATED features)" in " ".join(done.output.split())
    config = yaml.safe_load((out / "config.yaml").read_text("utf-8"))
    assert config["features"] == "simulated" and config["options"]["d_model"] == 64
    assert Path(config["options"]["features"]).is_absolute()
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "tensorboard").exists() is (options.get("tensorboard") == "true")
    if options.get("gloss") == "ctc":
        glosses = read(out / "glosses" / "result.json")["scores"]["gloss"]["wer"]["value"]
        assert glosses > 0 and f"glosses: WER {glosses:.2f} %" in done.output
    if options.get("control") == "question-only":
        said = read(out / "likelihood.test.json")
        bits = said["bits_per_token"] * said["tokens"]
        assert bits == pytest.approx(said["bits_per_sentence"] * said["sentences"])
        assert said["sentences"] == 20 and 0 < said["bits_per_token"] < 12
        assert f"{said['bits_per_token']:.3f} bits per token" in done.output


def test_it_learns_and_predicts_without_training(toy_phoenix: Path, tmp_path: Path) -> None:
    """Some hundred steps are enough to know the sentences of train by heart."""
    out = tmp_path / "run"
    done = run(toy_phoenix, out, "gloss-to-text", epochs=35, eval_every=35, dropout=0,
               label_smoothing=0, max_length=30, weight_decay=0)  # fmt: skip
    assert done.exit_code == 0, done.output
    metrics = (out / "metrics.jsonl").read_bytes()
    done = bench("--predict-only", str(out), "--split", "train", "--resamples", "100")
    assert done.exit_code == 0, done.output
    assert read(out / "train" / "result.json")["scores"]["standard-phoenix"]["bleu4"]["value"] > 70
    result, predictions = read(out / "result.json"), (out / "predictions.test.jsonl").read_bytes()
    again = bench("--predict-only", str(out), "--resamples", "100")
    assert again.exit_code == 0, again.output
    assert read(out / "result.json") == result
    assert (out / "predictions.test.jsonl").read_bytes() == predictions
    assert (out / "metrics.jsonl").read_bytes() == metrics  # nothing was trained


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "ssl-ssaw"], "needs a store of sign features"),
        (["--model", "gloss-to-text", "beam=3"], "unknown option of gloss-to-text 'beam'"),
        (["--model", "ssl-ssaw", "features=nowhere", "batch_size=1"], "without negatives"),
        (["--model", "gloss-free", "features=nowhere"], "holds no store of sign features"),
        (["--predict-only", "nowhere"], "nowhere: holds no run."),
        (["--predict-only", "nowhere", "--model", "ssl-ssaw"], "leave --model"),
        ([], "Missing option '--model'"),
    ],
)
def test_bad_options(toy_phoenix: Path, words: list[str], said: str) -> None:
    done = bench("--data", str(toy_phoenix), *words)
    assert done.exit_code == 2
    assert said in done.output and "Traceback" not in done.output


def test_predicting_before_training(toy_phoenix: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    failed = run(toy_phoenix, out, "gloss-to-text", learning_rate=1e30, clip_norm=0, warmup=0)
    assert failed.exit_code == 2
    done = bench("--predict-only", str(out))
    assert done.exit_code == 2 and "holds no trained model" in done.output


def test_the_entry_points_are_light() -> None:
    code = ("import sys, baselines.methods\n"
            "heavy = {'torch', 'transformers', 'numpy', 'pyarrow'} & set(sys.modules)\n"
            "assert not heavy, heavy")  # fmt: skip
    subprocess.run([sys.executable, "-c", code], check=True)


def test_missing_features_are_told(toy_phoenix: Path, tmp_path: Path) -> None:
    store = simulate(toy_phoenix, tmp_path / "store", "--limit", "15")
    out = tmp_path / "run"
    refused = run(toy_phoenix, out, "gloss-free", features=store)
    assert refused.exit_code == 2 and "69 clips of train have no features" in refused.output
    # what it advises is possible in the same folder: nothing had begun
    done = run(toy_phoenix, out, "gloss-free", features=store, allow_missing_features="true")
    assert done.exit_code == 0, done.output
    note = "5 samples have no features: translated without their video"
    assert note in read(out / "result.json")["notes"]
    assert read(out / "result.json")["n"] == 20
    assert "|nofeat:5" in read(out / "result.json")["signatures"]["bleu"]
    lines = (out / "predictions.test.jsonl").read_text("utf-8").splitlines()
    assert sum(json.loads(line).get("no_features", False) for line in lines) == 5
    scored = CliRunner().invoke(main, ["score", str(out / "predictions.test.jsonl")])
    assert scored.exit_code == 0 and "|nofeat:5" in scored.output  # the file itself says so


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("options", [{}, {"precision": "fp32"}, {"workers": 2, "ema": 0.9}])
def test_on_a_gpu(
    toy_phoenix: Path, toy_store: Path, tmp_path: Path, options: dict[str, Any]
) -> None:
    """bf16 by default, page-locked batches, averaged weights."""
    out = tmp_path / "run"
    done = run(toy_phoenix, out, "gloss-assisted", features=toy_store, gloss="ctc", device="cuda",
               epochs=2, save_steps=2, **options)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert read(out / "result.json")["n"] == 20
    assert torch.cuda.max_memory_allocated() > 0
