"""The gloss recogniser on simulated features of the toy corpus."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from baselines.recognizer import (
    Clip,
    Recognizer,
    Settings,
    batches,
    clips_of,
    collate,
    look_alikes,
    main,
    recognize,
    word_error_rate,
)
from benchmarks.metrics.base import Vocabulary
from qa_builder.cli import main as builder
from qa_builder.dataset import open_dataset
from qa_builder.errors import QbsltError
from qa_builder.features.simulated import DIFFICULTIES, family_of
from qa_builder.features.store import open_store

torch.set_num_threads(1)


def simulate(dataset: Path, out: Path) -> Path:
    given = ["--difficulty", "easy", "--dim", "32", "--workers", "0", "--out", str(out)]
    given = [str(dataset), "--extractor", "simulated", *given]
    result = CliRunner().invoke(builder, ["features", *given])
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture(scope="module")
def store(toy_csl: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(toy_csl, tmp_path_factory.mktemp("recognizer") / "store")


def test_it_learns_to_read_and_says_that_the_signer_is_simulated(tmp_path: Path) -> None:
    places, weather = ("NORD", "SUED", "WEST", "OST"), ("REGEN", "WIND", "SONNE")
    rows = ["clip_id,split,gloss,text,n_frames"]
    for i in range(144):
        gloss = f"{places[i % 4]} {weather[i // 4 % 3]}"
        rows.append(f"c{i},{'dev' if i % 7 == 0 else 'train'},{gloss},text {i},{16 + i % 8}")
    (tmp_path / "t.csv").write_text("\n".join(rows))
    built = tmp_path / "built"
    given = ["--table", str(tmp_path / "t.csv"), "--language", "de", "--questions", "none"]
    result = CliRunner().invoke(builder, ["build", "table", *given, "--out", str(built)])
    assert result.exit_code == 0, result.output
    store = simulate(built, tmp_path / "store")

    def run(*options: str) -> str:
        given = [str(store), str(built), "--hidden", "48", "--batch", "8", *options]
        result = CliRunner().invoke(main, given)
        assert result.exit_code == 0, result.output
        return result.output

    out = run("--epochs", "14")
    rate = float(re.search(r"^WER ([\d.]+) %$", out, re.M)[1])  # type: ignore[index]
    assert rate < 30 and "simulated features of own-qa: {'alignments': None, 'difficulty'" in out
    assert "123 clips" in out and "dev: 21 clips, 42 glosses, 0 not in train" in out
    short = [run("--epochs", "1", "--train-clips", "40", "--no-context") for _ in range(2)]
    results = [re.sub(r"[\d.]+ s\b", "", out) for out in short]
    assert results[0] == results[1] and "40 clips" in results[0] and "context=False" in results[0]
    assert "taken for a look-alike" in results[0]


def test_a_clip_does_not_depend_on_its_batch(store: Path, toy_csl: Path) -> None:
    features = open_store(store)
    clips = clips_of(open_dataset(toy_csl), features, "dev")
    torch.manual_seed(0)
    model = Recognizer(32, 7, Settings(hidden=16)).eval()
    together, steps = model(*collate(clips, features))
    for i, clip in enumerate(clips):
        alone, (n,) = model(*collate([clip], features))
        assert n == steps[i] == -(-len(features[clip.clip_id]) // 4)
        torch.testing.assert_close(together[i, :n], alone[0], rtol=1e-4, atol=1e-4)
    ordered = [c for part in batches(clips, features, 3) for c in part]
    assert {*ordered} == {*clips} and len(ordered) == len(clips)


def test_the_rate_counts_what_is_wrong() -> None:
    clips = [Clip("a", ("A", "B")), Clip("b", ("C", "D"))]
    assert word_error_rate(clips, {"a": ("A", "B"), "b": ("C", "D")}) == 0
    assert word_error_rate(clips, {"a": ("A", "X"), "b": ("C",)}) == 50
    assert word_error_rate(clips, {"a": (), "b": ()}) == 100


def test_look_alikes_are_counted_where_they_can_be() -> None:
    d = DIFFICULTIES["easy"]
    families: dict[int | None, list[str]] = {}
    for i in range(400):
        families.setdefault(family_of(0, f"G{i}", d), []).append(f"G{i}")
    lone = families.pop(None)
    a, b = next(f for f in families.values() if len(f) > 1)[:2]
    c = next(f for f in families.values() if a not in f)[0]
    manifest = {"simulated": True, "config": {"made_of": "glosses", "seed": 0, "parameters": vars(d)}}  # fmt: skip  # noqa: E501
    clips = [Clip("1", (a, lone[0])), Clip("2", (a, c)), Clip("3", (c,))]
    found = {"1": (b, lone[1]), "2": (a, b), "3": (a,)}
    assert look_alikes(clips, found, manifest) == (1, 4)
    manifest["config"] = {"made_of": "frame alignments"}
    assert look_alikes(clips, found, manifest) is None


def test_an_untrained_one_gives_an_answer_for_each_clip(store: Path, toy_csl: Path) -> None:
    features = open_store(store)
    clips = clips_of(open_dataset(toy_csl), features, "test")
    vocabulary = Vocabulary({"A": 0, "B": 1})
    found = recognize(Recognizer(32, 3, Settings(hidden=8)), clips, features, vocabulary)
    assert set(found) == {c.clip_id for c in clips} and {g for r in found.values() for g in r} <= {"A", "B"}  # fmt: skip  # noqa: E501
    assert np.isfinite(word_error_rate(clips, found))


def test_a_store_of_other_clips_is_refused(store: Path, toy_phoenix: Path) -> None:
    with pytest.raises(QbsltError, match="features of no clip with a gloss of dev"):
        clips_of(open_dataset(toy_phoenix), open_store(store), "dev")
    command = [sys.executable, "-m", "baselines.recognizer", str(toy_phoenix), str(toy_phoenix)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("error: ") and "Traceback" not in done.stderr  # fmt: skip  # noqa: E501
