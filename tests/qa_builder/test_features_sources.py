"""Reading frames: the official layouts, broken and missing files, videos and their ranges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qa_builder.errors import QbsltError
from qa_builder.features.sources import frames_of, image_files

cv2 = pytest.importorskip("cv2")
PHOENIX = "features/fullFrame-210x260px/dev/clip"
CSL = "sentence/frames_512x512/S000000_P0000_T00"


def picture(i: int, height: int = 26, width: int = 21) -> np.ndarray:
    """Some picture, another for each i; RGB."""
    return np.random.default_rng(i).integers(0, 256, (height, width, 3), np.uint8)


def save(path: Path, image: np.ndarray) -> Path:
    """Write a picture (RGB, RGBA or grey; 8 or 16 bits) in the format of its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    to = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}.get(image.shape[-1])
    assert cv2.imwrite(str(path), image if to is None else cv2.cvtColor(image, to))
    return path


def clip(folder: Path, numbers: Any, name: str = "images{:04d}.png") -> Path:
    """A folder of pictures by number."""
    for i in numbers:
        save(folder / name.format(i), picture(i))
    return folder


def same(found: Any, numbers: Any) -> bool:
    """Whether frames are the pictures of these numbers (None: no frame)."""
    return all(
        (f is None) if i is None else np.array_equal(f, picture(i))
        for f, i in zip(found, numbers, strict=True)
    )


@pytest.mark.parametrize(
    ("release", "roots"),
    [
        ("PHOENIX-2014-T-release-v3/PHOENIX-2014-T",
         ("", "PHOENIX-2014-T-release-v3", "PHOENIX-2014-T-release-v3/PHOENIX-2014-T",
          "PHOENIX-2014-T-release-v3/PHOENIX-2014-T/annotations/manual")),
        ("", ("",)),
    ],
)  # fmt: skip
def test_phoenix_frames_from_every_root(tmp_path: Path, release: str, roots: list[str]) -> None:
    clip(tmp_path / release / PHOENIX, range(1, 12))
    manual = tmp_path / release / "annotations" / "manual"
    manual.mkdir(parents=True)
    (manual / "PHOENIX-2014-T.train.corpus.csv").touch()
    for root in roots:
        found = list(frames_of(tmp_path / root, f"{PHOENIX}/*.png"))
        assert same(found, range(1, 12)), root
        assert found[0] is not None and found[0].dtype == np.uint8


@pytest.mark.parametrize("root", ["", "CSL-Daily", "CSL-Daily/sentence_label"])
def test_csl_frames_from_every_root(tmp_path: Path, root: str) -> None:
    folder = tmp_path / "CSL-Daily" / CSL
    smooth = [np.full((64, 64, 3), (40 * i, 90, 200 - 30 * i), np.uint8) for i in range(5)]
    for i, image in enumerate(smooth):
        save(folder / f"{i:06d}.jpg", image)
    labels = tmp_path / "CSL-Daily" / "sentence_label"
    labels.mkdir()
    (labels / "split_1.txt").touch()
    found = list(frames_of(tmp_path / root, f"{CSL}/*.jpg"))
    assert len(found) == 5  # JPEG is near enough: the colours are in their places
    assert all(f is not None and np.abs(f.astype(int) - s).max() < 8
               for f, s in zip(found, smooth, strict=True))  # fmt: skip


def test_order_is_that_of_the_numbers(tmp_path: Path) -> None:
    clip(tmp_path / "a", range(1, 13), "frame_{}_of_12.PNG")
    assert same(frames_of(tmp_path, "a"), range(1, 13))
    assert same(frames_of(tmp_path, "a/frame_2_of_12.PNG"), [2])
    save(tmp_path / "a" / "._frame_1_of_12.png", picture(99))  # as macOS leaves them
    assert same(frames_of(tmp_path, "a"), range(1, 13))


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ([1, 2, 4, 7], [1, 2, None, 4, None, None, 7]),
        ([2, 3], [None, 2, 3]),  # the official numbers begin with 1
        ([0, 2], [0, None, 2]),
        ([1000, 1001, 1003], [1000, 1001, None, 1003]),  # a stretch of a longer numbering
        ([5], [5]),
    ],
)
def test_a_number_left_out_is_a_frame_that_cant_be_read(
    tmp_path: Path, there: list[int], expected: list[int | None]
) -> None:
    clip(tmp_path / "a", there)
    assert same(frames_of(tmp_path, "a/*.png"), expected)


def test_broken_files_cost_their_own_frame(tmp_path: Path) -> None:
    folder = clip(tmp_path / "a", range(1, 9))
    whole = (folder / "images0002.png").read_bytes()
    (folder / "images0002.png").write_bytes(whole[: len(whole) // 2])
    (folder / "images0003.png").write_bytes(b"")
    (folder / "images0005.png").write_bytes(b"no picture at all")
    (folder / "images0006.png").unlink()
    (folder / "images0006.png").symlink_to("nowhere.png")
    (folder / "images0007.png").write_bytes(whole[:-20])
    assert same(frames_of(tmp_path, "a/*.png"), [1, None, None, 4, None, None, None, 8])
    jpeg = save(tmp_path / "b" / "1.jpg", picture(1, 200, 200))
    jpeg.write_bytes(jpeg.read_bytes()[:3000])
    assert list(frames_of(tmp_path, "b")) == [None]


def test_a_damaged_png_costs_its_frame_and_says_nothing_by_itself(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = clip(tmp_path / "clip", range(1, 8))
    whole = (folder / "images0001.png").read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :]
    damaged = (whole[:-1], whole[:-13], whole[:middle], whole[:40], flipped)
    for i, data in enumerate(damaged, 2):
        (folder / f"images{i:04d}.png").write_bytes(data)
    (folder / "images0007.png").write_bytes(whole + b"more")  # behind its end: no harm
    assert same(frames_of(tmp_path, "clip"), [1, *[None] * len(damaged), 1])
    assert capfd.readouterr().err == ""


def test_all_kinds_of_images_become_rgb_of_8_bits(tmp_path: Path) -> None:
    rgb = picture(1)
    deep = rgb.astype(np.uint16) * 256 + 7
    alpha = np.dstack([rgb, picture(2)[..., :1]])
    images = [rgb[..., 0], deep[..., 0], rgb, deep, alpha]
    for i, image in enumerate(images):
        save(tmp_path / "a" / f"{i}.png", image)
    grey = np.repeat(rgb[..., :1], 3, axis=2)
    for found, expected in zip(
        frames_of(tmp_path, "a"), [grey, grey, rgb, rgb, rgb], strict=True
    ):  # fmt: skip
        assert found is not None and found.dtype == np.uint8
        assert np.array_equal(found, expected)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (None, "names no frames"),
        ("b/*.png", "has no b"),
        ("../a/*.png", "leads out"),
        ("/etc/*.png", "leads out"),
        ("a/*.jpg", "but 3 other images"),
        ("empty", "has no PNG or JPEG files"),
        ("a#0:2", "only a video has a frame range"),
        ("clip.mp4#5:5", "range 5:5 is empty"),
        ("odd", "no common numbering: images0001.png and other.png"),
        ("two", "two files have the same frame number"),
        ("stray", "numbered from 1 to 90,000,000"),
        ("clip.mp4", "no video"),
    ],
)
def test_a_clip_that_cant_be_read_is_told(
    tmp_path: Path, frames: str | None, message: str
) -> None:  # fmt: skip
    clip(tmp_path / "a", range(1, 4))
    (tmp_path / "empty").mkdir()
    save(clip(tmp_path / "odd", [1]) / "other.png", picture(2))
    save(clip(tmp_path / "two", [1, 2]) / "images002.png", picture(2))
    clip(tmp_path / "stray", [1, 2, 90_000_000])
    (tmp_path / "clip.mp4").write_bytes(b"")
    with pytest.raises(QbsltError, match=message):
        list(frames_of(tmp_path, frames))


def test_image_files_are_found_without_decoding(tmp_path: Path) -> None:
    folder = clip(tmp_path / "a", [1, 3])
    expected = [folder / "images0001.png", None, folder / "images0003.png"]
    assert image_files(folder / "*.png") == image_files(folder) == expected


def test_a_video_and_its_ranges(shared: Path, tmp_path: Path) -> None:
    name = "signer0_sample1000_color.mp4"
    whole = [f for f in frames_of(shared / "video", name) if f is not None]
    assert len(whole) == 43 and whole[0].shape == (512, 512, 3)
    reader = cv2.VideoCapture(str(shared / "video" / name))
    for frame in whole:
        assert np.array_equal(frame, cv2.cvtColor(reader.read()[1], cv2.COLOR_BGR2RGB))
    for start, stop in ((0, 43), (0, 1), (10, 17), (42, 43)):
        part = list(frames_of(shared / "video", f"{name}#{start}:{stop}"))
        assert np.array_equal(part, whole[start:stop])
    with pytest.raises(QbsltError, match="has 43 frames, the range ends at 44"):
        list(frames_of(shared / "video", f"{name}#40:44"))
    data = (shared / "video" / name).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    with pytest.raises(QbsltError, match="no video that OpenCV can read, or is cut off"):
        list(frames_of(tmp_path, "cut.mp4"))


@pytest.mark.parametrize(("name", "codec"), [("a.avi", "MJPG"), ("a.webm", "VP80")])
def test_a_video_that_ends_too_early_is_told(tmp_path: Path, name: str, codec: str) -> None:
    writer = cv2.VideoWriter(str(tmp_path / name), cv2.VideoWriter.fourcc(*codec), 25, (64, 48))
    for i in range(30):
        writer.write(picture(i, 48, 64))
    writer.release()
    assert len(list(frames_of(tmp_path, name))) == 30
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(QbsltError, match="of its 30 frames: it is cut off"):
        list(frames_of(tmp_path, name))
    assert len(list(frames_of(tmp_path, f"{name}#0:10"))) == 10  # all that was asked for is there
