"""Training that begins with the sign encoder of another run."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from safetensors.torch import load_file, save_file

from baselines.checkpoint import AVERAGE, MODEL, STATE
from baselines.methods import gloss_free_method
from benchmarks.cli import main
from qa_builder.dataset import file_sha256
from qa_builder.errors import QbsltError

torch.set_num_threads(1)
BEST = Path("checkpoints/best")
SHORT = ("preset=tiny", "epochs=1", "max_frames=16", "max_length=4", "beams=1", "train_share=0.1",
         "tensorboard=false")  # fmt: skip


def train(model: str, out: Path, data: Path, store: Path, *options: str) -> Result:
    words = ["run", "--model", model, "--data", data, "--out", out, "--seed", "0", *SHORT,
             f"features={store}", *options]  # fmt: skip
    return CliRunner().invoke(main, [str(w) for w in words])


def signs(run: Path) -> dict[str, torch.Tensor]:
    found = load_file(run / BEST / MODEL)
    return {name: tensor for name, tensor in found.items() if name.startswith("sign.")}


@pytest.fixture(scope="module")
def reader(toy_phoenix: Path, toy_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a CTC head, whose sign encoder has learned something."""
    out = tmp_path_factory.mktemp("runs") / "reader"
    done = train("gloss-assisted", out, toy_phoenix, toy_store, "gloss=ctc")
    assert done.exit_code == 0, done.output
    return out


def test_training_begins_with_the_sign_encoder_of_another_model(
    reader: Path, toy_phoenix: Path, toy_store: Path, tmp_path: Path
) -> None:
    still = "learning_rate=0"  # so that what is there in the end is what it began with
    for name, options in {"with": [f"sign_encoder={reader}"], "without": []}.items():
        done = train("ssl-ssaw", tmp_path / name, toy_phoenix, toy_store, still, *options)
        assert done.exit_code == 0, done.output
    theirs, begun, new = signs(reader), signs(tmp_path / "with"), signs(tmp_path / "without")
    assert theirs.keys() == begun.keys() == new.keys()
    assert all(torch.equal(theirs[name], begun[name]) for name in theirs)
    assert not all(torch.equal(theirs[name], new[name]) for name in theirs)
    others = [load_file(tmp_path / run / BEST / MODEL) for run in ("with", "without")]
    assert all(torch.equal(others[0][n], others[1][n]) for n in others[0] if n not in theirs)
    said = json.loads((tmp_path / "with" / "sign-encoder.json").read_text("utf-8"))
    assert said == {"run": str(reader), "model": "gloss-assisted",
                    "weights_sha256": file_sha256(reader / BEST / MODEL)}  # fmt: skip
    assert not (tmp_path / "without" / "sign-encoder.json").exists()


def test_the_averaged_weights_are_taken_where_they_are_what_is_evaluated(
    reader: Path, toy_phoenix: Path, toy_store: Path, tmp_path: Path
) -> None:
    averaged = tmp_path / "averaged"
    shutil.copytree(reader, averaged)
    weights = load_file(averaged / BEST / MODEL)
    save_file({name: t + 1 if t.is_floating_point() else t for name, t in weights.items()},
              averaged / BEST / AVERAGE)  # fmt: skip
    state = json.loads((averaged / BEST / STATE).read_text("utf-8"))
    (averaged / BEST / STATE).write_text(json.dumps(state | {"averaged": 3}), "utf-8")
    done = train("gloss-free", tmp_path / "run", toy_phoenix, toy_store, "learning_rate=0",
                 f"sign_encoder={averaged}")  # fmt: skip
    assert done.exit_code == 0, done.output
    theirs = signs(reader)
    assert all(torch.equal(theirs[n] + 1, t) for n, t in signs(tmp_path / "run").items())


def test_a_run_goes_on_without_the_one_it_began_with(
    reader: Path, toy_phoenix: Path, toy_store: Path, tmp_path: Path
) -> None:
    source, run = tmp_path / "source", tmp_path / "run"
    shutil.copytree(reader, source)
    whole = ("gloss-free", run, toy_phoenix, toy_store, f"sign_encoder={source}")
    done = train(*whole)
    assert done.exit_code == 0, done.output
    first = signs(run)
    shutil.rmtree(source)
    (run / "result.json").unlink()
    done = train(*whole)
    assert done.exit_code == 0, done.output
    assert all(torch.equal(first[name], tensor) for name, tensor in signs(run).items())


def _no_run(run: Path) -> None:
    shutil.rmtree(run / "checkpoints")


def _of_text(run: Path) -> None:
    config = (run / "config.yaml").read_text("utf-8")
    changed = re.sub(r"features: /.*", "features: null", config)
    assert changed != config
    (run / "config.yaml").write_text(changed, "utf-8")


def _other_features(run: Path) -> None:
    file = run / "features.json"
    said = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps(said | {"extractor": "landmarks"}), "utf-8")


def _cut(run: Path) -> None:
    file = run / BEST / MODEL
    whole = file.read_bytes()
    file.unlink()  # it is a hard link of the other checkpoint's
    file.write_bytes(whole[: len(whole) // 2])


def _none(run: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("spoil", "options", "words"),
    [
        (_no_run, [], "holds no trained run"),
        (_of_text, [], "without a sign encoder over sign features"),
        (_other_features, [], "with extractor landmarks, not simulated"),
        (_cut, [], "cannot be read (SafetensorError)"),
        (_none, ["d_model=16"], "has a sign encoder of other sizes: "),
        (_none, ["heads=1"], "heads is 2 there, 1 here"),
    ],
)
def test_a_run_that_cannot_lend_its_sign_encoder_is_refused(
    reader: Path, toy_phoenix: Path, toy_store: Path, tmp_path: Path,
    spoil: Any, options: list[str], words: str,
) -> None:  # fmt: skip
    source, out = tmp_path / "source", tmp_path / "run"
    shutil.copytree(reader, source)
    spoil(source)
    done = train("gloss-free", out, toy_phoenix, toy_store, f"sign_encoder={source}", *options)
    assert done.exit_code == 2, done.output
    assert words in done.output and str(source) in done.output and "Traceback" not in done.output
    assert not (out / "checkpoints").exists() and not (out / "sign-encoder.json").exists()


def test_it_goes_with_features_alone(toy_store: Path) -> None:
    with pytest.raises(QbsltError, match="sign_encoder needs features, not frames_root"):
        gloss_free_method(preset="tiny", frames_root="x", sign_encoder="run")
