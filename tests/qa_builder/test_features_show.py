"""A clip as a page, GIF and WebM: the drawing is where the points are, and the page plays."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from feature_stores import (
    embedding_store,
    landmark_store,
    simulated_store,
    write_video,
)

from qa_builder.cli import main
from qa_builder.errors import QbsltError
from qa_builder.features import drawing, skeleton
from qa_builder.features.landmarks import LIPS, point_names
from qa_builder.features.pictures import missing, pictures
from qa_builder.features.show import show
from qa_builder.features.store import FeatureStore

cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
Image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frames")
    write_video(folder / "clip.mp4")
    return folder


@pytest.fixture(scope="module")
def landmarks(tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    return landmark_store(tmp_path_factory.mktemp("show") / "landmarks", "clip.mp4#2:14")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    return simulated_store(tmp_path_factory.mktemp("show") / "simulated")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def test_lines_and_parts_fit_the_names_of_the_points() -> None:
    names = point_names()
    assert {p: len(n) for p, n in skeleton.parts(names).items()} == {
        "body": 33, "left_hand": 21, "right_hand": 21, "face": 468,
    }  # fmt: skip
    lines = skeleton.lines(names)
    for hand in skeleton.HANDS:
        of_hand = {i for line in lines if line.part == hand for i in (line.start, line.end)}
        assert set(skeleton.parts(names)[hand]) <= of_hand
    face = {names[i] for line in lines if line.part == "face" for i in (line.start, line.end)}
    assert {f"face.{i}" for i in LIPS} <= face
    without = skeleton.lines(point_names("hands+pose"))
    assert not any(line.part == "face" for line in without)


def test_importing_it_does_not_load_mediapipe() -> None:
    code = "import sys, qa_builder.features.show; print('mediapipe' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"


def test_a_point_is_drawn_where_it_is() -> None:
    points = ("body.left_shoulder", "body.right_shoulder", "left_hand.wrist", "left_hand.thumb_cmc")
    xy = np.array([[0.25, 0.5], [0.75, 0.5], [np.nan, np.nan], [0.5, 0.9]], np.float32)
    image = drawing.white(400, 200)
    drawing.draw_skeleton(image, xy, points, drawing.view_of_image(400, 200))
    assert np.abs(image[100, 200] - np.array(drawing.COLOURS["body"])).max() < 40  # half way
    drawn = np.argwhere((image != 255).any(axis=2))
    assert drawn[:, 0].min() >= 95 and drawn[drawn[:, 0] < 150, 0].max() <= 105
    assert drawn[drawn[:, 0] < 150, 1].min() >= 95 and drawn[:, 1].max() <= 305
    drawing.draw_skeleton(image, xy * np.float32(1e30), points, drawing.view_of_image(9, 9))


def test_units_of_their_own_are_fitted_without_distortion() -> None:
    xy = np.array([[[-1.0, -2.0], [3.0, 0.0]], [[np.nan, np.nan], [1.0, -1.0]]], np.float32)
    view = drawing.view_of_points(xy, 100)
    pixels = xy * view.scale + view.shift
    assert view.scale[0] == view.scale[1] == pytest.approx(21, rel=0.02)
    assert np.nanmin(pixels) >= 0 and np.nanmax(pixels) <= 100


def test_a_guessed_point_of_the_body_is_not_drawn() -> None:
    names = point_names("hands+pose")
    features = np.ones((1, 75, 4), np.float16)
    features[0, 25, 3] = 0.1  # a knee below the image
    xy = drawing.planar(features, names, ("x", "y", "z", "visibility"))
    assert np.isnan(xy[0, 25]).all() and np.isnan(xy).sum() == 2


def test_frames_lie_beneath_the_skeleton(landmarks: FeatureStore, root: Path) -> None:
    images = list(pictures(landmarks, "train/4", root))
    assert len(images) == 12 and {i.shape for i in images} == {(341, 512, 3)}
    corners = [int(i[3, 3].mean()) for i in images]
    assert corners[0] == pytest.approx(10, abs=4) and corners[-1] == pytest.approx(65, abs=4)
    with pytest.raises(QbsltError, match=r"has no clip\.mp4"):
        list(pictures(landmarks, "train/4", root.parent / "nowhere"))


def test_what_is_missing(landmarks: FeatureStore, simulated: FeatureStore) -> None:
    shares = missing(landmarks, "train/4")
    assert list(shares) == ["body", "left_hand", "right_hand"]
    assert shares["left_hand"].tolist() == [1.0] * 4 + [0.0] * 8 and not shares["body"].any()
    assert missing(simulated, "train/3")["still"].tolist() == [0.0] + [1.0] * 10
    assert missing(simulated, "train/5")["frame"].tolist() == [1.0] * 6 + [0.0] * 7


def test_gif_has_every_frame_and_the_clip_s_rate(
    landmarks: FeatureStore, root: Path, tmp_path: Path
) -> None:
    show(landmarks, "train/4", tmp_path / "clip.gif", root)
    with Image.open(tmp_path / "clip.gif") as gif:
        assert gif.n_frames == 12 and gif.info["duration"] == 40 and gif.size == (512, 341)


def test_webm_plays_at_the_clip_s_rate(simulated: FeatureStore, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        main,
        ["features", str(simulated.path), "--show", "train/4", "--out", str(tmp_path / "a.webm")],
    )
    assert result.exit_code == 0, result.output
    video = cv2.VideoCapture(str(tmp_path / "a.webm"))
    assert video.get(cv2.CAP_PROP_FPS) == 25
    assert sum(iter(lambda: video.read()[0], False)) == 12
    video.release()


def test_bad_usage_leaves_nothing(landmarks: FeatureStore, root: Path, tmp_path: Path) -> None:
    for out, clip_id, at, message in (
        ("clip.avi", "train/4", root, "ends in none of .html, .gif, .webm"),
        ("clip.html", "train/77", root, "no features of this clip: it has none"),
        ("clip.html", "train/9", root, "extraction failed"),
        ("clip.gif", "train/4", tmp_path, "has no clip.mp4"),
    ):
        with pytest.raises(QbsltError, match=message):
            show(landmarks, clip_id, tmp_path / out, at)
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(QbsltError, match="is a folder"):
        show(landmarks, "train/4", tmp_path / "folder.html", root)
    assert [p.name for p in tmp_path.iterdir()] == ["folder.html"]


def open_page(browser: Any, path: Path) -> tuple[Any, list[str]]:
    page, complaints = browser.new_page(), []
    # the test itself reads the canvas again and again
    page.on("console", lambda m: "readback" in m.text or complaints.append(m.text))
    page.on("pageerror", lambda e: complaints.append(str(e)))
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:"))
            else complaints.append(r.url))  # fmt: skip
    page.goto(path.as_uri())
    return page, complaints


def test_the_page_plays_by_itself(
    browser: Any, landmarks: FeatureStore, root: Path, tmp_path: Path
) -> None:
    show(landmarks, "train/4", tmp_path / "clip.html", root)
    page, complaints = open_page(browser, tmp_path / "clip.html")
    slider = page.get_by_role("slider", name="Frame")
    grey = "() => document.querySelector('canvas').getContext('2d').getImageData(3, 3, 1, 1).data[0]"  # fmt: skip  # noqa: E501
    page.wait_for_function("document.querySelector('canvas').width === 512")
    first = page.evaluate(grey)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.getElementById('slider').value > 3")
    page.get_by_role("button", name="Stop").click()
    stopped = slider.input_value()
    page.keyboard.press("ArrowRight")
    assert int(slider.input_value()) == (int(stopped) + 1) % 12
    slider.fill("11")
    assert page.locator("#number").inner_text() == "12 / 12"
    page.wait_for_function(f"({grey})() > {first} + 40")
    page.locator(".strip").nth(1).click(position={"x": 1, "y": 4})
    assert slider.input_value() == "0"
    assert "33.3%, all of it in 4 frames" in page.locator(".strips").inner_text()
    assert not page.locator(".simulated").count() and not complaints


def test_the_page_says_simulated_and_escapes_names(
    browser: Any, simulated: FeatureStore, tmp_path: Path
) -> None:
    text = json.loads((simulated.path / "manifest.json").read_text())
    text["source"]["dataset"] = "<script>alert(1)</script>"
    (simulated.path / "manifest.json").write_text(json.dumps(text))
    from qa_builder.features.store import open_store

    show(open_store(simulated.path), "train/4", tmp_path / "clip.html", None)
    page, complaints = open_page(browser, tmp_path / "clip.html")
    word = page.get_by_text("simulated", exact=True).first
    assert word.is_visible() and word.bounding_box()["height"] > 40
    assert page.locator(".heat img").evaluate("i => [i.naturalWidth, i.naturalHeight]") == [12, 256]
    page.keyboard.press("Space")
    page.wait_for_function("document.getElementById('slider').value > 1")
    assert "<script>alert(1)</script>" in page.locator("main").inner_text() and not complaints


def test_embeddings_of_a_clip_with_frames(root: Path, tmp_path: Path) -> None:
    store = embedding_store(tmp_path / "store")
    show(store, "train/5", tmp_path / "clip.html", root)
    text = (tmp_path / "clip.html").read_text()
    assert text.count("data:image/webp") == 13 and text.count("data:image/png") == 1
    assert {i.shape for i in pictures(store, "train/5", root)} == {(256, 256 + 640, 3)}
