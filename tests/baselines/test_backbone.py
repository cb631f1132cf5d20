"""A backbone that is trained with the rest: pictures, padding, memory, kills, own clips."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from drawn_corpus import build_drawn, draw_corpus, save_resnet
from safetensors.torch import load_file

from baselines.backbone import FrameEncoder, keep_backbone, run_backbone
from baselines.batches import loader, train_batches
from baselines.config import METHODS, Config, configure
from baselines.data import Batch, SignDataset, read_rows
from baselines.graph import Graph
from baselines.images import ClipImages
from baselines.machine import explained
from baselines.sizes import main as sizes
from baselines.training import make_optimizer
from baselines.translator import Translator
from baselines.vocabulary import Vocabulary, learn
from benchmarks.cli import main
from qa_builder.dataset import Dataset, open_dataset
from qa_builder.errors import QbsltError
from qa_builder.samples import Clip

torch.set_num_threads(1)
cv2 = pytest.importorskip("cv2")
SIZE, GRAPH = 32, Graph("video")
ONE_THREAD = os.environ | {"OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_corpus(tmp_path_factory.mktemp("drawn") / "corpus")


@pytest.fixture(scope="module")
def data(corpus: Path) -> Path:
    return build_drawn(corpus, corpus.with_name("data"))


@pytest.fixture(scope="module")
def resnet(corpus: Path) -> Path:
    return save_resnet(corpus.with_name("resnet"))


@pytest.fixture(scope="module")
def vocabulary(data: Path) -> Vocabulary:
    return learn(open_dataset(data).columns("train", ["text"])["text"], 300)


def config(corpus: Path, resnet: Path, **options: Any) -> Config:
    given = {"preset": "tiny", "frames_root": str(corpus), "backbone": str(resnet), "dropout": 0,
             "image_size": SIZE, "max_frames": 32, "backbone_frames": 160}  # fmt: skip
    return configure(METHODS["gloss-free"], given | options)


def encoder(made: Config, folder: Path) -> FrameEncoder:
    keep_backbone(made, folder)
    return run_backbone(made, folder)


def dataset(
    built: Dataset, made: Config, vocabulary: Vocabulary, **graph: Any
) -> SignDataset:  # fmt: skip
    assert made.frames_root
    images = ClipImages(made.frames_root, made.image_size)
    rows = read_rows(built.samples("train"), GRAPH._replace(**graph), made, split="train",
                     train=True, store=images)  # fmt: skip
    return SignDataset(rows, vocabulary, made, train=True, store=images, seed=5)


def test_pictures_are_squeezed_and_cut(corpus: Path, data: Path) -> None:
    images = ClipImages(corpus, SIZE)
    samples = list(open_dataset(data).samples("test"))
    images.find(s.clip for s in samples)
    clip = samples[3].clip
    assert images.length(clip.clip_id) == clip.n_frames == 23  # a video
    seen, bad = images.read(clip.clip_id, np.array([2, 2, 9]))
    assert seen.shape == (3, 3, SIZE, SIZE) and seen.dtype == np.uint8 and bad == 0
    video = cv2.VideoCapture(str(corpus / str(clip.frames)))
    frames = [video.read()[1][..., ::-1] for _ in range(23)]
    edge = 37  # 8 / 7 of 32
    for i, n in enumerate((2, 2, 9)):
        whole = cv2.resize(np.ascontiguousarray(frames[n]), (edge, edge),
                           interpolation=cv2.INTER_AREA)  # fmt: skip
        assert np.array_equal(seen[i], whole[2:34, 2:34].transpose(2, 0, 1))
    windows = set()
    for i in range(30):
        part, _ = images.read(clip.clip_id, np.array([2]), np.random.default_rng(i))
        whole = cv2.resize(np.ascontiguousarray(frames[2]), (edge, edge),
                           interpolation=cv2.INTER_AREA)  # fmt: skip
        one = part[0].transpose(1, 2, 0)
        at = [(x, y) for x in range(6) for y in range(6)
              if np.array_equal(one, whole[y : y + 32, x : x + 32])]  # fmt: skip
        assert at  # never mirrored
        windows.add(at[0])
    assert len(windows) > 10


def test_stretches_and_videos_that_break_off(tmp_path: Path) -> None:
    for name, four in (("a.avi", "MJPG"), ("b.mp4", "mp4v")):
        writer = cv2.VideoWriter(str(tmp_path / name), cv2.VideoWriter.fourcc(*four), 25, (40, 30))
        for i in range(12):
            writer.write(np.full((30, 40, 3), 20 * i, np.uint8))
        writer.release()
    whole = (tmp_path / "a.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 2])
    images = ClipImages(tmp_path, SIZE)
    for frames in ("a.avi", "b.mp4", "b.mp4#3:9", "b.mp4#3:90", "none.mp4", "cut.avi"):
        images.find([Clip(frames, "", "train", None, frames, None, None)])
    assert [images.length(c) for c in ("a.avi", "b.mp4", "b.mp4#3:9")] == [12, 12, 6]
    seen, bad = images.read("b.mp4#3:9", np.array([0, 5, 5]))
    assert bad == 0 and seen.mean((1, 2, 3)).tolist() == pytest.approx([60, 160, 160], abs=4)
    seen, bad = images.read("b.mp4#3:90", np.array([0, 8, 20]))  # says more than there is
    assert bad == 1 and seen[1].mean() == pytest.approx(220, abs=4) and not seen[2].any()
    assert "none.mp4" not in images and "has no none.mp4" in images.failed["none.mp4"]
    assert "is no video that OpenCV can read, or is cut off" in images.failed["cut.avi"]


def test_a_hidden_video_is_not_read(
    corpus: Path, data: Path, resnet: Path, vocabulary: Vocabulary
) -> None:
    found = dataset(open_dataset(data), config(corpus, resnet), vocabulary, hide_sign=True)
    batch = next(iter(loader(found, [[0, 11]], 0)))
    assert batch.images is not None and batch.images.shape == (2, 1, 3, SIZE, SIZE)
    assert not batch.images.any() and batch.bad_frames == 0


def test_batches_keep_to_their_budget_and_to_the_seed(
    corpus: Path, data: Path, resnet: Path, vocabulary: Vocabulary
) -> None:
    found = dataset(open_dataset(data), config(corpus, resnet), vocabulary)
    batches = train_batches(found, 0)
    assert sorted(i for b in batches for i in b) == list(range(12))
    first = list(loader(found, batches, 0))
    for batch, other in zip(first, loader(found, batches, 0, workers=1), strict=True):
        assert batch.images is not None and batch.frame_mask is not None
        assert other.images is not None
        assert batch.features is None and batch.images.dtype == torch.uint8
        assert batch.images.shape[:2].numel() <= 160 and batch.frames > 0
        assert batch.images.shape[2:] == (3, SIZE, SIZE)
        assert not batch.images[~batch.frame_mask].any()
        assert torch.equal(batch.images, other.images)  # of another process
    again = next(iter(loader(found, batches, 1)))
    assert again.images is not None and first[0].images is not None
    assert again.images.shape != first[0].images.shape or (again.images != first[0].images).any()
    plain = next(iter(loader(found, [[0, 11]])))
    assert plain.frame_mask is not None and plain.frame_mask.sum(1).tolist() == [14, 25]


def test_padding_and_pieces_change_nothing(corpus: Path, resnet: Path, tmp_path: Path) -> None:
    made = config(corpus, resnet, backbone_chunk=4)
    net = encoder(made, tmp_path).train()
    assert not net.model.training and net.dim == 24  # batch norms keep their statistics
    statistics = {n: b.clone() for n, b in net.model.named_buffers()}
    draw = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (2, 9, 3, SIZE, SIZE), dtype=torch.uint8, generator=draw)
    mask = torch.ones(2, 9, dtype=torch.bool)
    mask[0, 5:] = False
    net(images, mask).square().sum().backward()
    by_pieces = {n: p.grad.clone() for n, p in net.named_parameters() if p.grad is not None}
    assert len(by_pieces) == len(list(net.parameters()))  # every weight learns
    net.zero_grad()
    whole = encoder(replace(made, backbone_chunk=100), tmp_path)
    found = whole(images, mask)
    found.square().sum().backward()
    for name, weight in whole.named_parameters():
        torch.testing.assert_close(weight.grad, by_pieces[name], rtol=1e-4, atol=1e-5)
    assert all(torch.equal(b, statistics[n]) for n, b in net.model.named_buffers())
    assert not found[~mask].any()
    with torch.no_grad():
        alone = whole(images[:1, :5], mask[:1, :5])
        torch.testing.assert_close(found[:1, :5], alone, rtol=1e-5, atol=1e-6)
        pixels = images[1, :2].double() / 255 - torch.tensor([0.5, 0.4, 0.3]).view(3, 1, 1)
        pixels = (pixels / torch.tensor([0.2, 0.2, 0.25]).view(3, 1, 1)).float()
        by_hand = whole.model(pixel_values=pixels).last_hidden_state.mean((2, 3))
        torch.testing.assert_close(found[1, :2], by_hand, rtol=1e-4, atol=1e-5)


def test_memory_holds_one_piece(corpus: Path, resnet: Path, tmp_path: Path) -> None:
    """What the way back needs is kept for one piece alone, however many frames there are."""
    held = {}
    for chunk in (4, 32):
        net = encoder(config(corpus, resnet, backbone_chunk=chunk), tmp_path)
        images = torch.zeros(1, 32, 3, SIZE, SIZE, dtype=torch.uint8)
        kept: list[int] = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda t, kept=kept: (kept.append(t.nbytes), t)[1], lambda t: t
        ):
            net(images, torch.ones(1, 32, dtype=torch.bool))
        held[chunk] = sum(kept)
    assert held[4] < held[32] / 10


def test_the_learning_rate_of_the_backbone(
    corpus: Path, resnet: Path, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    made = config(corpus, resnet, learning_rate=0.01)
    net = encoder(made, tmp_path)
    model = Translator(made, GRAPH, vocabulary, backbone=net)
    rates = {p: g["lr"] for g in make_optimizer(model, made).param_groups for p in g["params"]}
    for name, weight in model.named_parameters():
        assert rates[weight] == pytest.approx(0.001 if name.startswith("backbone.") else 0.01)
    frozen = replace(made, backbone_learning_rate=0.0)
    model = Translator(frozen, GRAPH, vocabulary, backbone=run_backbone(frozen, tmp_path))
    some = [p for g in make_optimizer(model, frozen).param_groups for p in g["params"]]
    assert len(some) == len(rates) - len(list(net.parameters()))


def words(data: Path, out: Path, model: str, **options: Any) -> list[str]:
    given = {"preset": "tiny", "tensorboard": "false", "image_size": SIZE, "max_frames": 32,
             "backbone_frames": 160, "max_length": 12, **options}  # fmt: skip
    return ["run", "--model", model, "--data", str(data), "--out", str(out), "--resamples", "100",
            *(f"{k}={v}" for k, v in given.items())]  # fmt: skip


def run(data: Path, out: Path, model: str, **options: Any) -> Result:
    return CliRunner().invoke(main, words(data, out, model, **options))


def test_killed_and_translated(corpus: Path, data: Path, resnet: Path, tmp_path: Path) -> None:
    """A killed run ends with the same bits; its clips are translated where no corpus is."""
    options = {"frames_root": corpus, "backbone": resnet, "epochs": 12, "eval_every": 12,
               "save_steps": 3, "batch_size": 4, "backbone_chunk": 40,
               "backbone_learning_rate": 1}  # fmt: skip
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = run(data, whole, "ssl-ssaw", **options)
    assert done.exit_code == 0, done.output
    command = [sys.executable, "-m", "benchmarks.cli",
               *words(data, killed, "ssl-ssaw", **options)]  # fmt: skip
    state = killed / "checkpoints" / "last" / "state.json"
    with subprocess.Popen(command, env=ONE_THREAD, stderr=subprocess.DEVNULL) as child:
        end = time.monotonic() + 120
        while not state.exists() and child.poll() is None and time.monotonic() < end:
            time.sleep(0.002)
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    assert json.loads(state.read_text())["step"] < 36
    again = run(data, killed, "ssl-ssaw", **options)
    assert again.exit_code == 0, again.output
    for name in ("best/model", "last/optimizer"):
        file = f"checkpoints/{name}.safetensors"
        ours, wanted = load_file(killed / file), load_file(whole / file)
        assert ours.keys() == wanted.keys()
        assert all(torch.equal(ours[k], wanted[k]) for k in wanted)
    started = load_file(whole / "backbone" / "model.safetensors")
    ended = load_file(whole / "checkpoints" / "best" / "model.safetensors")
    name = "embedder.embedder.convolution.weight"
    assert not torch.equal(ended[f"backbone.model.{name}"], started[name])  # it learned
    rows = {r["sample_id"]: r["text"]
            for r in map(json.loads, (whole / "predictions.test.jsonl").open("rb"))}  # fmt: skip
    clips = corpus.rename(tmp_path / "away")
    model = resnet.rename(tmp_path / "resnet-away")
    try:
        for sample_id in ("test-0-0", "test-3-0"):
            with (clips / "clips.csv").open(encoding="utf-8") as file:
                row = next(r for r in csv.DictReader(file) if r["clip_id"] == sample_id)
            given = ["--video", str(clips / row["frames"]), "--question", row["question"]]
            done = CliRunner().invoke(main, ["translate", str(whole), *given])
            assert done.exit_code == 0 and done.stdout == rows[sample_id] + "\n", done.output
        done = CliRunner().invoke(main, ["translate", str(whole), "--question", "wie", "--video",
                                         str(clips / "clips.csv")])  # fmt: skip
        assert done.exit_code == 2 and "is no video that OpenCV can read" in done.stderr
    finally:
        clips.rename(corpus)
        model.rename(resnet)


def test_what_is_broken_or_missing_is_counted(
    corpus: Path, data: Path, resnet: Path, tmp_path: Path
) -> None:
    """Black pictures are counted; clips without frames are listed, and in the signature."""
    copy = tmp_path / "corpus"
    shutil.copytree(corpus, copy)
    (copy / "train" / "train-0-0" / "0002.png").write_bytes(b"")  # broken
    (copy / "train" / "train-0-0" / "0003.png").unlink()  # missing
    video = copy / "test" / "test-1-0.mp4"
    options = {"frames_root": copy, "backbone": resnet, "epochs": 1, "frame_drop": 0,
               "time_scale": 0}  # fmt: skip
    shutil.rmtree(copy / "train" / "train-1-1")
    video.unlink()
    out = tmp_path / "run"
    refused = run(data, out, "gloss-free", **options)
    assert refused.exit_code == 2 and refused.stderr.count("\n") == 1
    assert "1 clips of train have no frames: train-1-1 (the first: has no train" in refused.stderr
    out = tmp_path / "allowed"
    done = run(data, out, "gloss-free", **options, allow_missing_features="true")
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in (out / "metrics.jsonl").open()]
    assert [row["bad_frames"] for row in lines if row["kind"] == "train"] == [2]
    result = json.loads((out / "result.json").read_text("utf-8"))
    assert "1 samples have no frames: translated without their video" in result["notes"]
    assert result["n"] == 4 and "|nofeat:1" in result["signatures"]["bleu"]
    scored = CliRunner().invoke(main, ["score", str(out / "predictions.test.jsonl")])
    assert scored.exit_code == 0 and "|nofeat:1" in scored.output  # by the file alone, too
    (copy / "test" / "test-0-0.mp4").write_bytes(b"no video")
    shutil.rmtree(copy / "dev")
    refused = run(data, tmp_path / "none", "gloss-free", **options, allow_missing_features="true")
    assert refused.exit_code == 2 and "has frames of no clip of dev" in refused.stderr


def test_what_is_said_of_wrong_options(corpus: Path, resnet: Path, tmp_path: Path) -> None:
    for options, said in (
        ({"features": "store"}, "features and frames_root are both given"),
        ({"backbone_frames": 20}, "backbone_frames=20 is less than max_frames=32"),
        ({"backbone": None}, "frames_root needs a backbone"),
    ):
        with pytest.raises(QbsltError, match=said):
            config(corpus, resnet, **options)
    with pytest.raises(QbsltError, match="backbone_frames=40 holds only one clip"):
        configure(METHODS["ssl-ssaw"], {"preset": "tiny", "frames_root": "x", "max_frames": 32,
                                        "backbone_frames": 40})  # fmt: skip
    with pytest.raises(QbsltError, match="gloss-to-text sees no video"):
        configure(METHODS["gloss-to-text"], {"preset": "tiny", "frames_root": "x"})
    with pytest.raises(QbsltError, match="no such folder of frames"):
        ClipImages(tmp_path / "none", SIZE)
    with pytest.raises(QbsltError, match="holds no model of transformers"):
        keep_backbone(config(corpus, tmp_path), tmp_path / "run")


def test_sizes_are_those_of_the_model(
    corpus: Path, resnet: Path, vocabulary: Vocabulary, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    made = config(corpus, resnet)
    net = encoder(made, tmp_path)
    model = Translator(made, GRAPH, vocabulary, backbone=net)
    kept: dict[int, torch.Tensor] = {}
    weights = {p.data_ptr() for p in net.model.parameters()}
    weights |= {b.data_ptr() for b in net.model.buffers()}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in weights:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        net.model(pixel_values=torch.randn(1, 3, 256, 256))
    held = sum(t.untyped_storage().nbytes() for t in kept.values()) / 2**20
    sizes(["gloss-free", "preset=tiny", f"frames_root={corpus}", f"backbone={resnet}",
           "image_size=256", "max_frames=32", f"vocab_size={len(vocabulary)}"])  # fmt: skip
    said = " ".join(capsys.readouterr().out.split())
    assert f"weights: all {sum(p.numel() for p in model.parameters()):,}" in said
    assert f"weights: backbone {sum(p.numel() for p in net.parameters()):,}" in said
    assert f"kept for the way back {held:.1f} MiB" in said and held > 1
    with pytest.raises(QbsltError, match="unknown model"):
        sizes(["none"])


def test_memory_that_runs_out_names_what_to_lower() -> None:
    images = torch.zeros(1, 7, 3, 2, 2, dtype=torch.uint8)
    batch = Batch(["a"], [""], None, torch.ones(1, 7, dtype=torch.bool), images=images)
    said = str(explained(torch.OutOfMemoryError("CUDA out of memory"), batch))
    assert "a batch of 1 samples of 7 frames: a." in said
    assert "Lower backbone_chunk first, then backbone_frames (or batch_size)" in said
    full = torch.OutOfMemoryError("CUDA out of memory")
    said = str(explained(full, batch, "contrast_batch_size"))
    assert said.endswith("Lower contrast_batch_size.")
