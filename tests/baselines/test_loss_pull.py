"""Gradients of each loss: what a part's loss pulls at, and against sums that are known."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from baselines.loss_pull import gradients, main, parts_of, pull
from benchmarks.cli import main as bench
from qa_builder.errors import QbsltError

torch.set_num_threads(1)
SHORT = ("preset=tiny", "epochs=1", "max_frames=16", "beams=1", "tensorboard=false", "dropout=0")


@pytest.fixture(scope="module")
def run(toy_phoenix: Path, toy_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "ssaw"
    words = ["run", "--model", "ssl-ssaw", "--data", toy_phoenix, "--out", out,
             f"features={toy_store}", *SHORT]  # fmt: skip
    done = CliRunner().invoke(bench, [str(w) for w in words])
    assert done.exit_code == 0, done.output
    return out


def test_cosine_and_norm_are_those_of_hand_made_gradients() -> None:
    found = pull({
        "translation": {"a": torch.tensor([3.0, 4.0]), "b": torch.tensor([0.0])},
        "mlm": {"a": torch.tensor([-4.0, 3.0]), "b": torch.tensor([12.0])},
    })  # fmt: skip
    assert found["a", "translation"] == pytest.approx((5.0, 1.0), abs=1e-6)
    assert found["a", "mlm"] == pytest.approx((5.0, 0.0), abs=1e-6)
    assert found["all", "mlm"] == pytest.approx((13.0, 0.0), abs=1e-6)


def test_the_losses_add_up_and_weights_scale_them(run: Path) -> None:
    from baselines.explaining import open_trained
    from baselines.loss_pull import _batches

    opened = open_trained(run)
    torch.manual_seed(0)
    model = opened.materials.translator(opened.config, opened.graph).train()
    (batch,) = _batches(opened, 1)
    apart = gradients(model, batch, 5)
    assert list(apart) == ["translation", "contrast", "mlm"]
    assert not apart["contrast"]["decoder"].any() and not apart["mlm"]["decoder"].any()
    torch.manual_seed(5)
    model(batch).total.backward()
    for part, parameters in parts_of(model).items():
        whole = torch.cat([p.grad.flatten() for p in parameters if p.grad is not None])
        assert torch.allclose(whole, sum(g[part] for g in apart.values()), atol=1e-5), part
    model.graph = opened.graph._replace(contrast=3 * opened.graph.contrast)
    more = gradients(model, batch, 5)
    assert torch.allclose(more["contrast"]["sign encoder"],
                          3 * apart["contrast"]["sign encoder"], atol=1e-5)  # fmt: skip


def test_the_table_of_a_run(run: Path) -> None:
    done = CliRunner().invoke(main, [str(run), "--batches", "2", "mlm_weight=2"])
    assert done.exit_code == 0, done.output
    rows = [line.split("  ")[0] for line in done.output.splitlines()]
    parts = ["embeddings", "sign encoder", "text encoder", "SSAW", "fusion encoder", "decoder"]
    assert [r for r in rows if r in [*parts, "all"]] == [*parts, "all"]
    with pytest.raises(QbsltError, match="no loss beside the translation"):
        main([str(run), "mlm_weight=0", "contrast_weight=0"], standalone_mode=False)
