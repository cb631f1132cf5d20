"""The options of decoding change what is generated, and what a run predicts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import torch
import yaml
from click.testing import CliRunner

from baselines import checkpoint
from baselines.batches import loader, ordered_batches
from baselines.data import SignDataset, read_rows
from baselines.decoding import generation_options
from baselines.materials import load_materials
from baselines.methods import gloss_to_text_method as method
from benchmarks.cli import main
from qa_builder.dataset import open_dataset

torch.set_num_threads(1)
LONG = 20


def run(data: Path, out: Path, *words: str) -> dict[str, str]:
    """The translations of a run, by sample id."""
    common = ("preset=tiny", "device=cpu", "tensorboard=false", f"max_length={LONG}", "beams=4")
    command = ["run", "--model", "gloss-to-text", "--data", str(data), "--out", str(out)]
    done = CliRunner().invoke(main, [*command, "--resamples", "100", *common, *words])
    assert done.exit_code == 0, done.output
    lines = (out / "predictions.test.jsonl").read_text("utf-8").splitlines()
    return {row["sample_id"]: row["text"] for row in map(json.loads, lines)}


class Decoder:
    """The trained model of a run, decoding test by changed options."""

    def __init__(self, data: Path, folder: Path) -> None:
        options = yaml.safe_load((folder / "config.yaml").read_text("utf-8"))["options"]
        self.config = method.config(**method.resolve(options))
        graph = method.graph(self.config)
        self.materials = load_materials(self.config, graph, folder)
        self.model = self.materials.translator(self.config, graph, trained=True).eval()
        best = checkpoint.find(folder / "checkpoints", checkpoint.BEST)
        assert best is not None
        checkpoint.load_weights(best, self.model)
        rows = read_rows(open_dataset(data).samples("test"), graph, self.config, split="test",
                         train=False, store=None)  # fmt: skip
        dataset = SignDataset(rows, self.materials.vocabulary, self.config, train=False, store=None)
        self.batches = list(loader(dataset, ordered_batches(dataset)))

    @torch.no_grad()
    def pieces(self, **changes: Any) -> dict[str, list[int]]:
        """The pieces of each translation, without the special ones, by sample id."""
        config = replace(self.config, **changes)
        options = generation_options(config, self.materials, config.beams)
        special = set(self.materials.vocabulary.special_ids)
        return {
            sample_id: [i for i in row if i not in special]
            for batch in self.batches
            for sample_id, row in zip(batch.sample_ids,
                                      self.model.generate(batch, **options).tolist(), strict=True)
        }  # fmt: skip

    def texts(self, **changes: Any) -> dict[str, str]:
        found = self.pieces(**changes)
        return dict(zip(found, self.materials.vocabulary.decode(list(found.values())), strict=True))


@pytest.fixture(scope="module")
def trained(toy_phoenix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """After few epochs, so that it repeats itself."""
    out = tmp_path_factory.mktemp("decoding") / "run"
    run(toy_phoenix, out, "epochs=3")
    return out


@pytest.fixture(scope="module")
def decoder(trained: Path, toy_phoenix: Path) -> Decoder:
    return Decoder(toy_phoenix, trained)


def repeated(rows: dict[str, list[int]], n: int) -> int:
    """How many rows have an n-gram of pieces twice."""
    grams = [[tuple(row[i : i + n]) for i in range(len(row) - n + 1)] for row in rows.values()]
    return sum(len(set(of)) < len(of) for of in grams)


def test_no_n_gram_twice(decoder: Decoder) -> None:
    assert repeated(decoder.pieces(no_repeat_ngram=0), 2) > 0
    assert repeated(decoder.pieces(no_repeat_ngram=2), 2) == 0
    assert repeated(decoder.pieces(no_repeat_ngram=3), 3) == 0


def test_the_length_penalty_makes_longer_or_shorter(decoder: Decoder) -> None:
    def mean(penalty: float, beams: int = 4) -> float:
        found = decoder.pieces(length_penalty=penalty, beams=beams, no_repeat_ngram=2)
        return fmean(map(len, found.values()))

    assert mean(-10.0) < mean(10.0)
    assert mean(-10.0, beams=1) == mean(10.0, beams=1)  # greedy: nothing is compared by it


def test_the_greatest_length(decoder: Decoder) -> None:
    assert max(map(len, decoder.pieces(max_length=3).values())) == 2  # and the end
    assert max(map(len, decoder.pieces().values())) > 2


@pytest.mark.parametrize(
    "changes", [{"no_repeat_ngram": 2}, {"length_penalty": -10.0, "no_repeat_ngram": 2}]
)
def test_a_run_decodes_by_its_options(
    trained: Path, decoder: Decoder, toy_phoenix: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    words = [f"{name}={value}" for name, value in changes.items()]
    found = run(toy_phoenix, tmp_path / "run", "epochs=3", f"weights={trained}", *words)
    assert found == decoder.texts(**changes)
    assert found != decoder.texts()
