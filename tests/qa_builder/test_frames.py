"""`--frames check`: folders of frames against the annotation, without decoding them all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from corpus_files import Kept, built, phoenix_row, qa_builder, refused, write, write_phoenix

from qa_builder.dataset import open_dataset

PNG, JPEG = b"\x89PNG\r\n\x1a\n" + b"x" * 8, b"\xff\xd8\xff\xe0" + b"x" * 8
FRAMES = "PHOENIX-2014-T-release-v3/PHOENIX-2014-T/features/fullFrame-210x260px"


def put(folder: Path, n: int, data: bytes = PNG, name: str = "images{:04d}.png") -> Path:
    for i in range(1, n + 1):
        write(folder / name.format(i), data)
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Six clips a split, all complete: four annotated with 12 frames, two without a number."""
    rows = {
        s: [phoenix_row(f"{s}-{i}", "t", start=0, end=11) for i in range(4)]
        + [phoenix_row(f"{s}-{i}", "t") for i in range(4, 6)]
        for s in ("train", "dev", "test")
    }
    root = write_phoenix(tmp_path / "root", rows)
    for s in ("train", "dev", "test"):
        for i in range(6):
            put(root / FRAMES / s / f"{s}-{i}", 12 if i < 4 else 7 + i)
    return root


def check(root: Path, out: Path, *more: str | Path) -> tuple[list[tuple[Any, ...]], dict[str, Any]]:
    result = qa_builder("build", "phoenix", "--root", root, "--frames", "check", "--out", out,
                        "--allow-findings", *more)  # fmt: skip
    assert result.exit_code == 0, result.output
    lines = (out / "rejects.jsonl").read_text("utf-8").splitlines()
    rejects = [(r["id"], r["reason"], r["detail"]) for r in map(json.loads, lines)]
    return rejects, open_dataset(out).manifest


def test_whole_folders_have_nothing_to_complain_of_and_fill_n_frames(
    root: Path, tmp_path: Path
) -> None:
    rejects, manifest = check(root, tmp_path / "out")
    assert rejects == [] and manifest["config"]["frames"] == "check"
    rows = open_dataset(tmp_path / "out").columns("dev", ["clip_id", "n_frames"])
    assert dict(zip(*rows.values(), strict=True)) == {
        "dev-0": 12, "dev-1": 12, "dev-2": 12, "dev-3": 12, "dev-4": 11, "dev-5": 12,
    }  # fmt: skip


def test_every_fault_is_listed_and_counted(root: Path, tmp_path: Path) -> None:
    dev, test, train = (root / FRAMES / s for s in ("dev", "test", "train"))
    shutil.rmtree(dev / "dev-0")  # no folder
    shutil.rmtree(dev / "dev-1")
    write(dev / "dev-1/readme.txt", "no frames")  # a folder without images
    (dev / "dev-2/images0005.png").unlink()  # one too few
    write(dev / "dev-3/images0013.png", PNG)  # one too many
    (dev / "dev-4/images0003.png").unlink()  # a gap, where the annotation has no number
    write(test / "test-0/images0004.png", b"")  # empty
    write(test / "test-1/images0012.png", b"<html>404</html>")  # the last one is no image
    link = test / "test-2/images0007.png"
    link.unlink()
    link.symlink_to("nowhere")
    (test / "test-3/images0001.png").unlink()
    (test / "test-3/images0001.png").mkdir()
    shutil.rmtree(train / "train-0")
    put(train / "train-0", 12, JPEG, "f{}.JPG")  # JPEG, no leading zeros: sound
    shutil.rmtree(train / "train-4")
    put(train / "train-4", 11, JPEG, "clip4_{}.jpeg")  # the 4 is not of the frame's number
    rejects, manifest = check(root, tmp_path / "out")
    assert rejects == [
        ("dev-0", "frames-missing", "kept; no folder dev-0"),
        ("dev-1", "frames-missing", "kept; the folder has no PNG or JPEG"),
        ("dev-2", "frames-too-few", "kept; 11 frames, expected 12"),
        ("dev-3", "frames-too-many", "kept; 13 frames, expected 12"),
        ("dev-4", "frames-too-few", "kept; 10 frames, expected 11"),
        ("test-0", "frames-unreadable", "kept; 1 empty or no image: images0004.png"),
        ("test-1", "frames-unreadable", "kept; 1 empty or no image: images0012.png"),
        ("test-2", "frames-unreadable", "kept; 1 empty or no image: images0007.png"),
        ("test-3", "frames-unreadable", "kept; 1 empty or no image: images0001.png"),
    ]
    assert {f["id"]: (f["severity"], f["count"]) for f in manifest["findings"]
            if f["id"].startswith("frames")} == {
        "frames-missing": ("finding", 2), "frames-too-few": ("finding", 2),
        "frames-too-many": ("finding", 1), "frames-unreadable": ("finding", 4),
    }  # fmt: skip
    said = refused(qa_builder("build", "phoenix", "--root", root, "--frames", "check", "--out",
                              tmp_path / "out"), "4 findings", "rejects.jsonl", code=1)  # fmt: skip
    assert "the dataset was written" in said


def test_frames_in_another_place(root: Path, tmp_path: Path) -> None:
    features = root / FRAMES
    (tmp_path / "disk").mkdir()
    shutil.move(features.parent, tmp_path / "disk" / "features")
    assert {r[1] for r in check(root, tmp_path / "a")[0]} == {"frames-missing"}
    assert check(root, tmp_path / "b", "--frames-root", tmp_path / "disk")[0] == []
    Kept(tmp_path).refuses("phoenix", "--root", root, "--frames", "check", "--frames-root",
                           tmp_path / "none", words=["no such folder of frames", "--frames-root"])  # fmt: skip  # noqa: E501


def test_videos_of_a_table_and_clips_without_frames(tmp_path: Path) -> None:
    table = write(tmp_path / "train.csv", "id,text,frames\na,x,a.mp4\nb,x,b.mp4\nc,x,\nd,x,d.mp4\n")
    write(tmp_path / "a.mp4", b"video")
    write(tmp_path / "b.mp4", b"")
    built("table", "--table", table, "--language", "de", "--frames", "check", "--allow-findings",
          "--out", tmp_path / "out")  # fmt: skip
    rejects = map(json.loads, (tmp_path / "out/rejects.jsonl").read_text("utf-8").splitlines())
    assert [(r["file"], r["id"], r["reason"], r["detail"]) for r in rejects] == [
        ("b.mp4", "b", "frames-unreadable", "kept; the file is empty"),
        ("train.csv", "c", "frames-missing", "kept; the annotation names none"),
        ("d.mp4", "d", "frames-missing", "kept; no folder d.mp4"),
    ]


def test_without_the_option_no_frame_is_looked_at(root: Path, tmp_path: Path) -> None:
    shutil.rmtree(root / FRAMES)
    built("phoenix", "--root", root, "--out", tmp_path / "out")
    assert open_dataset(tmp_path / "out").manifest["rejects"] == {}
