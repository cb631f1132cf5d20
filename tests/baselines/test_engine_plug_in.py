"""docs/add-a-model.md: the variant on our engine, installed and run as the page has it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
import yaml
from click.testing import CliRunner

from baselines.own_clip import Given, translate_clip
from benchmarks.cli import main
from qa_builder.errors import QbsltError

torch.set_num_threads(1)
PAGE = Path(__file__).resolve().parents[2] / "docs" / "add-a-model.md"


def test_the_variant_of_the_docs_runs(
    toy_phoenix: Path, toy_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = PAGE.read_text("utf-8")
    code = re.findall(r"```python\n(.*?)```", text, re.S)[1]
    point = re.search(r"`(side-by-side) = \"(side_by_side:method)\"`", text)
    assert point and code.count("\n") < 100
    info = tmp_path / "site" / "side_by_side-1.0.dist-info"
    info.mkdir(parents=True)
    (tmp_path / "site" / "side_by_side.py").write_text(code, "utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: side_by_side\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[qbslt.models]\n{point[1]} = {point[2]}\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    out = tmp_path / "run"
    words = ["run", "--model", "side-by-side", "--data", str(toy_phoenix), "--out", str(out),
             "--resamples", "100", "preset=tiny", f"features={toy_store}", "epochs=1",
             "max_frames=48", "max_length=8", "beams=1", "tensorboard=false"]  # fmt: skip
    done = CliRunner().invoke(main, [*words, "mlm_weight=0.2"])
    assert done.exit_code == 0, done.output
    result = json.loads((out / "result.json").read_text("utf-8"))
    assert result["system"] == {"name": "side-by-side", "track": "video+question"}
    config = yaml.safe_load((out / "config.yaml").read_text("utf-8"))
    assert config["options"]["mlm_weight"] == 0.2 and config["options"]["d_model"] == 64
    lines = [json.loads(line) for line in (out / "metrics.jsonl").open()]
    assert {"loss_translation", "loss_mlm"} <= lines[0].keys()
    assert "loss_contrast" not in lines[0]
    with pytest.raises(QbsltError, match="trained on simulated features"):
        translate_clip(out, Given(PAGE, "wie", None, None), "cpu")  # it gets as far as the video
    wrong = CliRunner().invoke(main, [*words, "mlm_weight=-1"])
    assert wrong.exit_code == 2 and "mlm_weight is -1, expected 0 or more" in wrong.output
