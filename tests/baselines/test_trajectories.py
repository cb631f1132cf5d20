"""Trajectories of pairs: what is written, what a kill leaves, what the analysis counts."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from baselines.cico import cico
from baselines.pair_selection import PairSelector, group_by
from baselines.trajectories import (
    Source,
    Tokens,
    Trajectories,
    difference,
    open_trajectories,
    write_trajectories,
)
from baselines.trajectory_analysis import KINDS, analyse, quantile
from baselines.trajectory_page import write_page
from qa_builder.errors import QbsltError

SOURCE = Source(dataset="d1", model="m1", aggregation="cico", simulated=True)
TEXTS = ["rain in the north", "rain in the north today", "sun", "rain in the north", "snow",
         "in the north rain", "frost", "sun"]  # fmt: skip


def simulated(texts: list[str], step: int, dim: int = 16) -> tuple[Tokens, Tokens]:
    """Made-up tokens: two frames a word, its embedding in noise that falls with the steps."""
    words = sorted({w for text in texts for w in text.split()})
    table = torch.randn(len(words), dim, generator=torch.Generator().manual_seed(0))
    noise = torch.Generator().manual_seed(step)
    rows = [table[[words.index(w) for w in text.split()]] for text in texts]
    videos = [
        row.repeat_interleave(2, 0) + torch.randn(2 * len(row), dim, generator=noise) * 20 / step
        for row in rows
    ]
    return Tokens(videos), Tokens(rows)


def quiet(line: str) -> None:
    pass


def write(folder: Path, texts: list[str] = TEXTS, **more: Any) -> Trajectories:
    given: dict[str, Any] = {"source": SOURCE, "steps": [20, 5], "n": len(texts), "log": quiet}
    return write_trajectories(folder, encode=lambda s: simulated(texts, s), **(given | more))


def test_the_similarities_of_all_pairs(tmp_path: Path) -> None:
    lines: list[str] = []
    made = write(tmp_path / "t", log=lines.append)
    assert made.steps == [5, 20]
    said = r"trajectories: 3 matrices of 8 x 8 pairs: 0.4 kB needed, [\d,.]+ .B free in "
    assert re.fullmatch(f"{said}{tmp_path / 't'}.", lines[0])
    assert isinstance(made.last, np.memmap) and made.last.dtype == np.float16
    for step in made.steps:
        videos, texts = simulated(TEXTS, step)
        expected = cico(*videos.padded(slice(8)), *texts.padded(slice(8))).both()
        assert np.abs(made.at(step) - expected.numpy()).max() < 5e-4
    own = np.arange(8)
    assert made.last[own, own].mean() > made.first[own, own].mean()
    opened = open_trajectories(tmp_path / "t", SOURCE)
    assert opened == made
    d = difference(made.first, made.last).astype(np.float32)
    scores = opened.pair_scores(quiet)
    more: dict[str, Any] = {"batch_size": 4, "epochs": 3, "groups": group_by(TEXTS), "log": quiet}
    assert PairSelector(scores, **more).epoch(2).together == 0
    assert np.array_equal(scores, (d + d.T).astype(np.float16))
    assert opened.pair_scores(quiet) is not scores  # the file is there: opened again


_WRITE = """
import sys
from pathlib import Path
from test_trajectories import long, simulated, write
write(Path(sys.argv[1]), long())
"""


def long() -> list[str]:
    """More rows than a block has."""
    words = " ".join(f"w{i}" for i in range(60)).split()
    return [" ".join(words[i % 23 : i % 23 + 5]) for i in range(700)]


def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    folder = tmp_path / "t"
    path = os.pathsep.join(p for p in sys.path if p)
    more = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    child = subprocess.Popen([sys.executable, "-c", _WRITE, str(folder)], env=more)
    done = folder / "step-000005.rows"
    end = time.monotonic() + 60
    while not done.exists() and time.monotonic() < end and child.poll() is None:
        time.sleep(0.005)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert done.exists() and not (folder / "step-000005.npy").exists()
    with pytest.raises(
        QbsltError, match=r"step 5 are missing. Run the command that writes them again"
    ):
        open_trajectories(folder)
    kept = int(done.read_text())
    assert 0 < kept < 700
    part = np.lib.format.open_memmap(folder / "step-000005.part", "r+")
    part[0, 0] = 7  # so that doing a block twice would be seen
    part.flush()
    made = write(folder, long())
    assert made.first[0, 0] == 7
    fresh = write(tmp_path / "fresh", long())
    assert np.array_equal(made.last, fresh.last)
    assert np.array_equal(made.first[1:], fresh.first[1:])
    assert sorted(p.name for p in folder.iterdir()) == [
        "step-000005.npy", "step-000020.npy", "trajectories.json"]  # fmt: skip


def test_what_is_whole_is_not_made_again(tmp_path: Path) -> None:
    made = write(tmp_path)

    def never(step: int) -> tuple[Tokens, Tokens]:
        raise AssertionError(step)

    again = write_trajectories(tmp_path, SOURCE, [5, 20], never, 8, log=quiet)
    assert again == made


def test_other_files_are_refused_in_one_sentence(tmp_path: Path, monkeypatch: Any) -> None:
    folder = tmp_path / "t"
    with pytest.raises(QbsltError, match="holds no trajectories"):
        open_trajectories(folder)
    with pytest.raises(QbsltError, match="needs similarities at two checkpoints"):
        write(folder, steps=[5, 5])
    with pytest.raises(QbsltError, match="tokens of 8 videos and 8 texts for 9 samples"):
        write(tmp_path / "other", n=9)
    write(folder)
    for change, said in (
        ({"source": replace(SOURCE, dataset="d2")}, "something else: dataset d1, not d2."),
        ({"source": replace(SOURCE, model="m2", aggregation="cls")},
         "model m1, not m2; aggregation cico, not cls"),
        ({"steps": [5, 25]}, r"checkpoints \[5, 20\], not \[5, 25\]"),
        ({"n": 7}, "samples 8, not 7"),
    ):  # fmt: skip
        with pytest.raises(QbsltError, match=said):
            write(folder, **change)
    with pytest.raises(QbsltError, match=r"dataset d1, not d2\. Take a run of d2\.$"):
        open_trajectories(folder, replace(SOURCE, dataset="d2"), "Take a run of d2.")
    told, other = ({"seed": 0, "width": w, "frozen": True} for w in (64, 96))
    write(tmp_path / "told", source=replace(SOURCE, settings=told))
    found = open_trajectories(tmp_path / "told", SOURCE)  # a fingerprint that is equal is enough
    assert found.source == SOURCE and found.source.settings == told
    with pytest.raises(QbsltError, match=r"something else: seed 0, not 1; width 64, not 96\."):
        open_trajectories(
            tmp_path / "told", replace(SOURCE, model="m2", settings=other | {"seed": 1})
        )
    about = json.loads((folder / "trajectories.json").read_text())
    del about["source"]["settings"]  # as files of before are
    (folder / "trajectories.json").write_text(json.dumps(about))
    with pytest.raises(QbsltError, match="something else: model m1, not m2"):
        open_trajectories(folder, replace(SOURCE, model="m2", settings=told))
    file = folder / "step-000020.npy"
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(QbsltError, match="is not a float16 matrix of"):
        open_trajectories(folder)
    (folder / "trajectories.json").write_text("{}")
    with pytest.raises(QbsltError, match="does not describe trajectories"):
        open_trajectories(folder)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, 100))
    with pytest.raises(QbsltError, match="3 matrices of 8 x 8 pairs"):
        write(tmp_path / "full")


def test_similarities_that_are_not_finite_are_an_error(tmp_path: Path) -> None:
    videos, texts = simulated(TEXTS, 5)
    videos.values[3] = float("nan")
    with pytest.raises(QbsltError, match="of the videos 0 to 7 are"):
        write_trajectories(tmp_path, SOURCE, [5, 20], lambda s: (videos, texts), 8, log=quiet)


@pytest.mark.parametrize("threshold", ["pooled", "own", 0.25])
def test_the_analysis_counts_what_a_loop_counts(tmp_path: Path, threshold: str | float) -> None:
    made = write(tmp_path)
    found = analyse(made, [f"id{i}" for i in range(8)], TEXTS, threshold=threshold, rising=5)
    pairs = [(i, j) for i in range(8) for j in range(8) if i != j]
    first = {p: float(made.first[p]) for p in pairs}
    last = {p: float(made.last[p]) for p in pairs}
    limits = found["threshold"]
    middle = {"pooled": [[*first.values(), *last.values()]] * 2,
              "own": [first.values(), last.values()]}  # fmt: skip
    for side, values in zip(
        ("first", "last"), middle.get(str(threshold), [[0.25]] * 2), strict=True
    ):
        assert limits[side] == sorted(values)[(len(values) - 1) // 2]
    sets = [set(t.split()) for t in TEXTS]
    expected = {k: {"pairs": 0, "identical": 0, "near": 0} for k in KINDS}
    for p in pairs:
        words = ("low", "high")
        kind = f"{words[first[p] > limits['first']]}-{words[last[p] > limits['last']]}"
        a, b = sets[p[0]], sets[p[1]]
        expected[kind]["pairs"] += 1
        same = TEXTS[p[0]] == TEXTS[p[1]]
        expected[kind]["identical"] += same
        expected[kind]["near"] += not same and len(a & b) / len(a | b) >= 0.8
    assert found["kinds"] == expected
    assert (found["identical"], found["near"]) == (4, 10)
    rising: dict[Any, Any] = {}
    for d, i, j in sorted((-float(np.float16(last[p] - first[p])), *p) for p in pairs):
        if TEXTS[i] != TEXTS[j]:
            rising.setdefault((TEXTS[i], TEXTS[j]), (-d, f"id{i}", f"id{j}"))
    got = [(r["d"], r["video"], r["text"]) for r in found["rising"]]
    assert got == list(rising.values())[:5]
    assert sum(found["d"]["counts"]) == sum(map(sum, found["joint"]["counts"])) == 56
    assert found["d"]["mean"] == pytest.approx(
        np.mean([last[p] - first[p] for p in pairs]), abs=1e-3
    )


def test_quantiles_are_exact() -> None:
    values = np.random.default_rng(0).normal(size=1001).astype(np.float16)
    counts = np.bincount(values.view(np.uint16), minlength=65536)
    for q in (0.0, 0.1, 0.5, 0.9, 1.0):
        assert quantile(counts, q) == np.quantile(values, q, method="inverted_cdf")


def test_bad_analyses_are_refused(tmp_path: Path) -> None:
    made = write(tmp_path)
    with pytest.raises(QbsltError, match="7 texts for trajectories of 8 samples"):
        analyse(made, ["x"] * 7, TEXTS[:7])
    with pytest.raises(QbsltError, match="'mid'; known are: pooled, own, or a number"):
        analyse(made, ["x"] * 8, TEXTS, threshold="mid")


def test_the_page_on_real_sentences(tmp_path: Path, shared: Path) -> None:
    from qa_builder.corpora.base import Notes
    from qa_builder.corpora.phoenix import Phoenix

    batch = next(iter(Phoenix(shared).read(Notes())))
    ids, texts = [*batch.clip_id[:59], "<script>alert(1)</script>"], list(batch.text[:60])
    texts[59] = "<b>regen</b>"
    made = write(tmp_path / "t", texts)
    found = analyse(made, ids, texts, rising=60 * 59)
    assert sum(k["pairs"] for k in found["kinds"].values()) == 60 * 59
    write_page(found, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert '<p class="simulated">simulated</p>' in page and page.count("<svg") == 2
    assert "<script" not in page and "&lt;b&gt;regen" in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    with pytest.raises(QbsltError, match="is a folder, a page is a file"):
        write_page(found, tmp_path)
