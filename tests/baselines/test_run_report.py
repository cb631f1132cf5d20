"""report.html of a run: made by training itself, or of whatever is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from baselines.journal import METRICS, Journal, read_metrics
from baselines.run_report import write_report
from benchmarks.cli import main
from qa_builder.errors import QbsltError

torch.set_num_threads(1)


def test_training_leaves_a_report(toy_phoenix: Path, toy_store: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ["run", "--model", "ssl-ssaw", "--data", str(toy_phoenix), "--out", str(out),
             "--resamples", "100", "--seed", "7", "preset=tiny", "epochs=3", "max_length=10",
             "tensorboard=false", f"features={toy_store}"]  # fmt: skip
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    page = (out / "report.html").read_text("utf-8")
    for shown in ("all together", "contrast (InfoNCE)", "masked pieces", "translation", "BLEU-4",
                  "Learning rate", "Frames or sentences a second", "Seed 7", "torch",
                  "learning_rate</td><td><code>0.003", '<p class="simulated">simulated</p>'):  # fmt: skip  # noqa: E501
        assert shown in page, shown
    best = max((row for row in read_metrics(out) if row["kind"] == "dev"), key=lambda r: r["bleu4"])
    assert f"best: {best['bleu4']:.2f}, epoch {best['epoch']}" in page
    assert page.count("<svg") == 3 + 4 + 2 and "test BLEU-4" not in page
    assert not re.search(r"https?://(?!www\.w3\.org)", page)  # names of SVG apart
    done = CliRunner().invoke(main, ["report", str(out)])
    assert done.exit_code == 0 and done.output == f"wrote {out / 'report.html'}\n"
    assert "test BLEU-4" in (out / "report.html").read_text("utf-8")  # by now it was scored


def test_a_run_that_went_on_and_one_that_goes_on(tmp_path: Path) -> None:
    """Without a config, in a stage's folder, its last line cut off by a kill."""
    stage = tmp_path / "stages" / "first"
    stage.mkdir(parents=True)
    journal = Journal(stage, 0, tensorboard=False)
    journal.write("dev", 5, {"epoch": 1, "seconds": 60.0, "recall1": 12.5})
    journal.write("train", 9, {"loss": 2.0, "loss_sentences": 2.0, "epoch": 2})
    Journal(stage, 5, tensorboard=False)  # went on; what was after step 5 is dropped
    with (stage / METRICS).open("a") as file:
        file.write(json.dumps({"kind": "train", "step": 8, "loss": 1.5, "epoch": 2}) + "\n{")
    done = CliRunner().invoke(main, ["report", str(tmp_path)])
    assert done.exit_code == 0 and done.output == f"wrote {stage / 'report.html'}\n"
    page = (stage / "report.html").read_text("utf-8")
    for shown in ("<td>began</td>", "<td>went on after step 5</td>", "best: 12.50, epoch 1", "R@1",
                  "60 s", "<h1>first</h1>"):  # fmt: skip
        assert shown in page, shown
    assert page.count("<svg") == 2 and "simulated" not in page.split("</style>")[1]


def test_where_nothing_was_trained(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        done = CliRunner().invoke(main, ["report", str(folder)])
        assert done.exit_code == 2 and "nothing was trained here" in done.output
    with pytest.raises(QbsltError, match=r"holds no metrics\.jsonl"):
        write_report(tmp_path)
    (tmp_path / METRICS).write_text("")
    assert "no lines of training yet" in write_report(tmp_path).read_text("utf-8")
