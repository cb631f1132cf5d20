"""What is looked at before anything is trained, and samples that are learned without."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from baselines.jobs import dev_scorer
from benchmarks.cli import main
from benchmarks.find_dataset import find_dataset
from benchmarks.models import Run, TaskData
from qa_builder.cli import main as build
from qa_builder.dataset import open_dataset

torch.set_num_threads(1)
SHORT = ("preset=tiny", "epochs=1", "max_frames=16", "max_length=6", "beams=1", "tensorboard=false",
         "batch_size=16")  # fmt: skip


def bench(*words: object) -> Result:
    return CliRunner().invoke(main, [str(w) for w in words])


def trained(model: str, data: Path, out: Path, *words: object) -> Result:
    return bench("run", "--model", model, "--data", data, "--out", out, "--resamples", "100",
                 *SHORT, *words)  # fmt: skip


def clips(dataset: Path, split: str) -> list[str]:
    return list(dict.fromkeys(open_dataset(dataset).columns(split, ["clip_id"])["clip_id"]))


def store_without(dataset: Path, folder: Path, missing: list[str]) -> Path:
    """A store, imported from arrays, that lacks some clips."""
    arrays = folder / "arrays"
    arrays.mkdir(parents=True)
    draw = np.random.default_rng(0)
    for split in ("train", "dev", "test"):
        for clip_id in set(clips(dataset, split)) - set(missing):
            np.save(arrays / f"{clip_id}.npy", draw.random((20, 8), dtype=np.float32))
    given = ["--extractor", "import", "--from", str(arrays), "--workers", "0", "--allow-missing"]
    done = CliRunner().invoke(build, ["features", str(dataset), *given, "--out", str(folder / "s")])
    assert done.exit_code == 0, done.output
    return folder / "s"


@pytest.fixture(scope="module")
def own(toy_phoenix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy sentences as a corpus of one's own: no glosses, and no questions in test."""
    folder = tmp_path_factory.mktemp("own")
    with (folder / "own.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("clip_id", "split", "text", "question"))
        for split in ("train", "dev", "test"):
            for s in open_dataset(toy_phoenix).samples(split):
                asked = s.question.text if s.question and split != "test" else ""
                rows.writerow((s.clip.clip_id, split, s.text, asked))
    words = [
        "build",
        "table",
        "--table",
        folder / "own.csv",
        "--language",
        "de",
        "--out",
        folder / "qa",
    ]
    done = CliRunner().invoke(build, [str(w) for w in words])
    assert done.exit_code == 0, done.output
    return folder / "qa"


def test_clips_that_test_lacks_are_told_before_training(toy_phoenix: Path, tmp_path: Path) -> None:
    missing = clips(toy_phoenix, "test")[:3]
    store = f"features={store_without(toy_phoenix, tmp_path, missing)}"
    out = tmp_path / "run"
    done = trained("gloss-free", toy_phoenix, out, store)
    assert done.exit_code == 2 and "epoch 1" not in done.output
    assert f"3 clips of test have no features: {', '.join(missing)}." in done.output
    assert not out.exists()
    dry = bench("study", "question-assistance", "--data", toy_phoenix, "--out", out, "--dry-run",
                *SHORT, store)  # fmt: skip
    assert dry.exit_code == 2 and "error: gloss-free: " in dry.output
    assert "3 clips of test have no features" in dry.output and not out.exists()
    # what it advises goes in the same folder
    done = trained("gloss-free", toy_phoenix, out, store, "allow_missing_features=true")
    assert done.exit_code == 0, done.output
    assert "|nofeat:3|" in json.loads((out / "result.json").read_text())["signatures"]["bleu"] + "|"
    assert not (out / "left-out.json").exists()  # nothing was learned without


def test_questions_that_test_lacks_are_told_before_training(own: Path, tmp_path: Path) -> None:
    store = store_without(own, tmp_path, [])
    for control in ("none", "wrong-question"):
        done = trained("ssl-ssaw", own, tmp_path / "run", f"features={store}", f"control={control}")
        assert done.exit_code == 2 and "epoch 1" not in done.output
        assert "needs a question for each sample; test has none" in done.output
        assert not (tmp_path / "run").exists()


def test_a_study_looks_at_all_its_rows_first(
    own: Path, toy_phoenix: Path, toy_csl: Path, toy_store: Path, tmp_path: Path
) -> None:
    of_own = store_without(own, tmp_path, [])

    def said(data: Path, store: Path, *words: str) -> str:
        done = bench("study", "question-assistance", "--data", data, "--features", store,
                     "--out", tmp_path / "out", *SHORT, *words)  # fmt: skip
        assert done.exit_code == 2 and not (tmp_path / "out").exists()
        return " ".join(done.output.split())

    assert "whose clips of train, dev, test are not those of" in said(toy_csl, toy_store)
    lacking = "error: gloss-assisted oracle: the model gloss-assisted needs a gloss for each sample"
    assert lacking in said(own, of_own, "--systems", "gloss-free,gloss-assisted")
    assert lacking in said(own, of_own, "--systems", "gloss-free,gloss-assisted", "--dry-run")
    assert "the seed 4294967296 is not between 0 and" in said(toy_phoenix, toy_store, "--seeds", "0,4294967296")  # fmt: skip  # noqa: E501
    assert "contrast_batch_size=85 is more than the 84 samples of train" in (
        trained("cl-slt", toy_phoenix, tmp_path / "out", f"features={toy_store}",
                "contrast_batch_size=85").output)  # fmt: skip


@pytest.mark.parametrize("seed", ["-1", "5000000000"])
def test_a_seed_out_of_range_leaves_nothing(
    toy_phoenix: Path, toy_store: Path, tmp_path: Path, seed: str
) -> None:
    words = (toy_phoenix, tmp_path / "run", f"features={toy_store}", f"--seed={seed}")
    done = trained("gloss-free", *words)
    assert done.exit_code == 2 and "0<=x<=4294967295" in done.output
    assert not (tmp_path / "run").exists()


def test_what_it_learned_without_stands_in_the_result(
    toy_phoenix: Path, toy_store: Path, tmp_path: Path
) -> None:
    missing = {s: clips(toy_phoenix, s)[:n] for s, n in (("train", 60), ("dev", 3), ("test", 2))}
    store = store_without(toy_phoenix, tmp_path, [i for ids in missing.values() for i in ids])
    out = tmp_path / "run"
    words = (f"features={store}", "allow_missing_features=true", "epochs=3", "learning_rate=0.01",
             "batch_size=4")  # fmt: skip
    done = trained("gloss-free", toy_phoenix, out, *words)
    assert done.exit_code == 0, done.output
    assert (
        "60 clips of train have no features" in done.output and "and 50 more; left" in done.output
    )
    result: dict[str, Any] = json.loads((out / "result.json").read_text("utf-8"))
    for signature in result["signatures"].values():
        assert "|nofeat:2|nofeat-train:60|nofeat-dev:3" in signature
    assert (
        "60 of 84 samples of train have no video: the model learned without them" in result["notes"]
    )
    assert (
        "3 of 16 samples of dev have no video: checkpoints were chosen without them"
        in result["notes"]
    )
    left_out = json.loads((out / "left-out.json").read_text("utf-8"))
    assert {s: found["ids"] for s, found in left_out.items()} == {
        s: missing[s] for s in ("train", "dev")
    }
    scored = bench("score", out / "predictions.test.jsonl")  # the file alone says so, too
    assert scored.exit_code == 0 and "|nofeat-train:60|nofeat-dev:3" in scored.output

    other = trained("gloss-free", toy_phoenix, out, *words)  # goes on: nothing has changed
    assert other.exit_code == 0, other.output
    left_out["train"]["ids"].pop()
    (out / "left-out.json").write_text(json.dumps(left_out))
    other = trained("gloss-free", toy_phoenix, out, *words)
    assert other.exit_code == 2
    assert "began without 59 samples of train, now 60 have no video" in other.output


def test_dev_is_scored_on_what_is_translated(toy_phoenix: Path, tmp_path: Path) -> None:
    found = find_dataset(data=toy_phoenix)
    data = TaskData(found.task, found.dataset, "video")
    texts = {s.sample_id: s.text for s in list(data.samples("dev"))[3:]}
    scores = dev_scorer(data, Run(tmp_path), list(texts))(texts)
    assert scores["bleu4"] == pytest.approx(100)  # no empty line for the three
