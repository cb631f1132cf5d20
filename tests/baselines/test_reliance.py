"""What a trained run relies on: what is spoilt is spoilt, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor

from baselines.data import Row
from baselines.explaining import open_trained
from baselines.reliance import changed_weights, evened, main, measure, moved, spoilt
from benchmarks.cli import main as bench
from qa_builder.errors import QbsltError

torch.set_num_threads(1)
SHORT = ("preset=tiny", "epochs=1", "max_frames=16", "max_length=4", "beams=1", "train_share=0.1",
         "tensorboard=false")  # fmt: skip


def train(model: str, out: Path, data: Path, store: Path, *options: str) -> Path:
    words = ["run", "--model", model, "--data", data, "--out", out, f"features={store}", *SHORT]
    done = CliRunner().invoke(bench, [str(w) for w in [*words, *options]])
    assert done.exit_code == 0, done.output
    return out


@pytest.fixture(scope="module")
def run(toy_phoenix: Path, toy_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train("ssl-ssaw", tmp_path_factory.mktemp("runs") / "run", toy_phoenix, toy_store)


def test_weights_are_evened_and_moved_within_their_side() -> None:
    weights = torch.tensor([[0.1, 0.3, 0.5, 0.9], [0.2, 0.4, 0.6, 0.0]])
    side = torch.tensor([[True, True, True, False], [True, True, False, False]])
    assert torch.allclose(evened(weights, side),
                          torch.tensor([[0.3, 0.3, 0.3, 0.9], [0.3, 0.3, 0.6, 0.0]]))  # fmt: skip
    assert torch.equal(moved(weights, side),
                       torch.tensor([[0.5, 0.1, 0.3, 0.9], [0.4, 0.2, 0.6, 0.0]]))  # fmt: skip


def test_another_clip_has_it() -> None:
    rows = [Row(f"s{i}", f"c{i}", f"text {i}", f"question {i}") for i in range(4)]
    for what in ("clip_id", "source"):
        found = spoilt(rows, what, seed=1)
        assert all(getattr(a, what) != getattr(b, what) for a, b in zip(rows, found, strict=True))
        back = [r._replace(**{what: getattr(o, what)}) for r, o in zip(found, rows, strict=True)]
        assert back == rows


def test_what_is_changed_costs_and_what_is_not_does_not(run: Path) -> None:
    opened = open_trained(run)
    table, seen, looks = measure(opened, "dev", 0)
    assert list(table) == ["nothing", "video", "question", "SSAW, evened", "SSAW, moved"]
    assert all(0 < bits < 20 for bits in table.values())
    assert len({round(bits, 9) for bits in table.values()}) == 5  # each of them does something
    assert len(seen[0]) == len(seen[1]) == 16  # clips of dev
    assert all(0 < mean < 1 and 0 <= deviation < 0.5 for side in seen for mean, deviation in side)
    places, attention = zip(*looks, strict=True)
    assert sum(places) == pytest.approx(1) and sum(attention) == pytest.approx(1)
    assert min(places) > 0 and min(attention) > 0 and places != attention


def test_weights_are_as_they_were_without_a_change(run: Path) -> None:
    from baselines.loss_pull import _batches

    opened = open_trained(run)
    torch.manual_seed(0)
    model = opened.materials.translator(opened.config, opened.graph).eval()
    (batch,) = _batches(opened, 1)
    own = model.nll(batch)[0]

    def halved(weights: Tensor, side: Tensor) -> Tensor:  # every other one of a side
        other = torch.arange(weights.shape[1]) % 2 == 0
        return torch.where(side & other, weights / 2, weights)

    for change, same in ((None, True), (halved, False)):
        with changed_weights(model, change, [[], []]):
            assert torch.allclose(model.nll(batch)[0], own, atol=1e-4) is same
        assert torch.allclose(model.nll(batch)[0], own, atol=1e-6)


def test_the_command_prints_what_a_model_has(
    run: Path, toy_phoenix: Path, toy_store: Path, tmp_path: Path
) -> None:
    done = CliRunner().invoke(main, [str(run)])
    assert done.exit_code == 0, done.output
    assert "nothing" in done.output and "SSAW, moved" in done.output and "signs" in done.output
    assert "of the attention" in done.output
    free = train("gloss-free", tmp_path / "free", toy_phoenix, toy_store)
    done = CliRunner().invoke(main, [str(free), "--split", "train"])
    assert done.exit_code == 0, done.output
    assert "video" in done.output and "question" not in done.output and "SSAW" not in done.output
    assert "looks" not in done.output  # there is one side alone


def test_a_split_or_a_run_that_is_not_there_is_refused(run: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, [str(run), "--split", "test"])  # its sentences are hidden
    assert done.exit_code == 2 and "'dev', 'train'" in done.output
    done = CliRunner().invoke(main, [str(tmp_path)])
    assert isinstance(done.exception, QbsltError), done.output
