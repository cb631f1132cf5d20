"""Are our landmarks right? Differences to a published `.pose` of the same clip, in pixels.

`python -m benchmarks.speed.landmark_check SHARED [FOLDER ...] [PACKAGE.tgz ...]`: SHARED is a
folder with a clip and its landmarks in `video/` (`NAME_color.mp4`, `NAME.pose`).

The mean difference of a part is that of all its points in all frames in which both have found it:
the distance in x and y, in pixels of the clip. What the differences are to be held against is how
much MediaPipe differs from itself: in two runs, with other settings (of which none is nearer to the
published file in all parts), with the clip decoded by another decoder (PyAV) or saved as JPEG, and
between its versions; and what MediaPipe alone, without our code, makes of the clip. A FOLDER holds
another release: `pip install --no-deps --target FOLDER mediapipe==0.10.21`. Older versions with
their models are to be had as npm packages, which run in a browser (Chromium, no network needed):
`npm pack @mediapipe/holistic@0.1.1617147418` writes one; the three more that docs name are
`@0.3.1620694839`, `@0.4.1633559476` and `@0.5.1675471629`.
"""

from __future__ import annotations

import functools
import http.server
import itertools
import json
import os
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from benchmarks.speed.calling import called, needed_folder
from qa_builder.console import Command, print_table
from qa_builder.errors import QbsltError
from qa_builder.features.landmarks import BODY, FACE, LEFT_HAND, N_POINTS, RIGHT_HAND, track
from qa_builder.features.sources import frames_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHROMIUM = "/usr/bin/chromium"
# The legs are not in the picture: where they are is a guess of the body's model.
PARTS = {"body": slice(0, 25), "legs": slice(25, 33), "left hand": LEFT_HAND,
         "right hand": RIGHT_HAND, "face": FACE}  # fmt: skip
_ORDER = {"POSE_LANDMARKS": BODY, "FACE_LANDMARKS": FACE, "LEFT_HAND_LANDMARKS": LEFT_HAND,
          "RIGHT_HAND_LANDMARKS": RIGHT_HAND}  # fmt: skip
_PAGE = """<!doctype html><script>
let now = 1;  // the clock of the clip, whose points are smoothed over time
performance.now = () => now;
</script><script src="holistic.js"></script><script>
(async () => {
  const holistic = new Holistic({locateFile: file => file});
  holistic.setOptions({modelComplexity: 1, smoothLandmarks: true, selfieMode: false,
                       upperBodyOnly: false,  // of the oldest version alone
                       minDetectionConfidence: 0.5, minTrackingConfidence: 0.5});
  let found = null;
  const frames = [];
  holistic.onResults(r => { found = [r.poseLandmarks, r.leftHandLandmarks,
                                     r.rightHandLandmarks, r.faceLandmarks]; });
  for (let i = 0; i < N_FRAMES; i++) {
    const image = new Image();
    image.src = `frames/${i}.png`;
    await image.decode();
    now += 1000 / 30;
    found = null;  // a frame to which a version gives no result must not get the last one's
    await holistic.send({image});
    frames.push(found);
  }
  window.result = JSON.stringify(frames);
})().catch(e => { window.result = JSON.stringify(`${e}`); });
</script>"""


# MediaPipe alone: nothing of ours is imported.
_ALONE = """
import sys
import numpy as np
from mediapipe.python.solutions.holistic import Holistic
frames, parts = np.load(sys.argv[1]), ("pose", "left_hand", "right_hand", "face")
sizes = (33, 21, 21, 468)
out = np.full((len(frames), sum(sizes), 2), np.nan, np.float32)
with Holistic(model_complexity=1) as holistic:
    for i, frame in enumerate(frames):
        result, first = holistic.process(frame), 0
        for part, size in zip(parts, sizes):
            if found := getattr(result, part + "_landmarks"):
                out[i, first : first + size] = [(p.x, p.y) for p in found.landmark]
            first += size
np.save(sys.argv[2], out)
"""


def published(path: Path) -> NDArray[np.float32]:
    """The landmarks of a `.pose` file as fractions of width and height, [n_frames, 543, 2]."""
    from pose_format import Pose

    pose = Pose.read(path.read_bytes())
    size = pose.header.dimensions.width, pose.header.dimensions.height
    out = np.full((len(pose.body.data), N_POINTS, 2), np.nan, np.float32)
    first = 0
    for part in pose.header.components:
        its = slice(first, first := first + len(part.points))
        values = np.asarray(pose.body.data[:, 0, its, :2]) / size
        values[(pose.body.confidence[:, 0, its] == 0).all(1)] = np.nan
        if part.name in _ORDER:
            out[:, _ORDER[part.name]] = values
    return out


def difference(
    a: NDArray[np.float32], b: NDArray[np.float32], size: tuple[int, int]
) -> dict[str, tuple[int, float]]:
    """Of each part: frames in which both have it, and the mean distance of its points in pixels."""
    out = {}
    for name, part in PARTS.items():
        x, y = a[:, part, :2], b[:, part, :2]
        both = ~np.isnan(x[:, 0, 0]) & ~np.isnan(y[:, 0, 0])
        out[name] = int(both.sum()), float(np.linalg.norm((x - y)[both] * size, axis=-1).mean())
    return out


def left_hand_median(
    a: NDArray[np.float32], b: NDArray[np.float32], size: tuple[int, int]
) -> float:
    """Median over the frames of the left hand's mean distance: what a usual frame shows."""
    x, y = a[:, LEFT_HAND, :2], b[:, LEFT_HAND, :2]
    distance = np.linalg.norm((x - y) * size, axis=-1).mean(1)
    return float(np.nanmedian(distance))


def _tracked(frames: Iterable[NDArray[np.uint8]], **settings: float) -> NDArray[np.float32]:
    return track(iter(frames), **settings)[0]


# Would another setting be nearer to the published file? Complexities 0 and 2 need models that are
# not in the package.
_SETTINGS: dict[str, dict[str, float]] = {
    "without smoothing": {"smooth_landmarks": False},
    "each frame alone": {"static_image_mode": True},
    "with segmentation": {"enable_segmentation": True},
    "detection from 0.3": {"min_detection_confidence": 0.3},
    "detection from 0.7": {"min_detection_confidence": 0.7},
    "detection from 0.9": {"min_detection_confidence": 0.9},
    "tracking from 0.3": {"min_tracking_confidence": 0.3},
    "tracking from 0.9": {"min_tracking_confidence": 0.9},
}


def other_ways(frames: list[NDArray[np.uint8]]) -> dict[str, NDArray[np.float32]]:
    """The clip with other settings, and shown to the tracker in other ways."""
    n = len(frames)
    return {
        **{name: _tracked(frames, **settings) for name, settings in _SETTINGS.items()},
        "the clip shown before": _tracked([*frames, *frames])[n:],
        "first frame shown ten times before": _tracked([frames[0]] * 10 + frames)[10:],
        "red and blue exchanged": _tracked([np.ascontiguousarray(f[..., ::-1]) for f in frames]),
    }


def by_pyav(path: Path) -> list[NDArray[np.uint8]]:
    """The frames of a video, by another decoder's conversion to RGB."""
    import av

    with av.open(str(path)) as video:
        decoded = video.decode(video=0)
        return [np.asarray(f.to_ndarray(format="rgb24"), np.uint8) for f in decoded]


def as_jpeg(frames: Iterable[NDArray[np.uint8]], quality: int) -> list[NDArray[np.uint8]]:
    """Frames saved as JPEG and read again."""
    import cv2

    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    files = (cv2.imencode(".jpg", cv2.cvtColor(f, cv2.COLOR_RGB2BGR), options)[1] for f in frames)
    return [_rgb(cv2.imdecode(f, cv2.IMREAD_COLOR)) for f in files]


def _rgb(image: Any) -> NDArray[np.uint8]:
    import cv2

    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def alone(frames: list[NDArray[np.uint8]], release: Path | None = None) -> NDArray[np.float32]:
    """Landmarks by MediaPipe without our code, [n_frames, 543, 2]; `release`: that of a folder."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/in.npy", frames)
        path = [str(release.resolve())] if release else []
        called([sys.executable, "-c", _ALONE, f"{folder}/in.npy", f"{folder}/out.npy"],
               {"PYTHONPATH": os.pathsep.join(path)})  # fmt: skip
        return np.asarray(np.load(f"{folder}/out.npy"), np.float32)


def in_browser(package: Path, frames: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Landmarks by an npm package of MediaPipe Holistic, [n_frames, 543, 2]."""
    import cv2
    from playwright.sync_api import sync_playwright

    out = np.full((len(frames), N_POINTS, 2), np.nan, np.float32)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name) / "package"
        with tarfile.open(package) as packed:
            packed.extractall(name, filter="data")
        (folder / "frames").mkdir()
        for i, frame in enumerate(frames):
            cv2.imwrite(f"{folder}/frames/{i}.png", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        (folder / "page.html").write_text(_PAGE.replace("N_FRAMES", str(len(frames))), "utf-8")
        handler = functools.partial(_Quiet, directory=str(folder))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[
                "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
                "--ignore-gpu-blocklist"])  # fmt: skip
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/page.html")
            page.wait_for_function("window.result", timeout=600_000)
            found = json.loads(page.evaluate("window.result"))
            browser.close()
            server.shutdown()
    if isinstance(found, str):
        raise QbsltError(f"the page said {found}.", file=package)
    for i, parts in enumerate(found):
        for part, of in zip(parts or [None] * 4, (BODY, LEFT_HAND, RIGHT_HAND, FACE), strict=True):
            if part:
                out[i, of] = [(p["x"], p["y"]) for p in part]
    return out


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@click.command(cls=Command)
@needed_folder
@click.argument("packages", nargs=-1, type=click.Path(exists=True, path_type=Path),
                metavar="[FOLDER|PACKAGE.tgz]...")  # fmt: skip
def main(shared: Path, packages: tuple[Path, ...]) -> None:
    """Print the tables of the first clip in SHARED/video that has published landmarks."""
    video = min((shared / "video").glob("*_color.mp4"), default=None)
    if video is None:
        raise QbsltError("has no *_color.mp4.", file=shared / "video",
                         cure="Pass the folder that holds video/ with a clip and its .pose.")  # fmt: skip  # noqa: E501
    frames = [f for f in frames_of(video.parent, video.name) if f is not None]
    size = frames[0].shape[1], frames[0].shape[0]
    here = _tracked(frames)
    theirs = published(video.with_name(video.name.replace("_color.mp4", ".pose")))
    pairs = {
        "published / ours": (theirs, here),
        "published / MediaPipe alone": (theirs, by_itself := alone(frames)),
        "ours / MediaPipe alone": (here, by_itself),
        "ours / ours again": (here, _tracked(frames)),
        "ours / decoded by PyAV": (here, _tracked(by_pyav(video))),
        "ours / as JPEG of quality 95": (here, _tracked(as_jpeg(frames, 95))),
    }
    others = other_ways(frames)
    for name in ("without smoothing", "each frame alone"):
        pairs[f"ours / {name}"] = here, others[name]
    pairs |= {f"published / ours, {name}": (theirs, found) for name, found in others.items()}
    for folder in (p for p in packages if p.is_dir()):
        by_release = alone(frames, folder)
        pairs[f"published / release in {folder.name}"] = theirs, by_release
        pairs[f"ours / release in {folder.name}"] = here, by_release
    files = [p for p in packages if not p.is_dir()]
    versions = {p.stem.rpartition("-")[2]: in_browser(p, frames) for p in files}
    for name, found in versions.items():
        pairs[f"published / {name}"] = theirs, found
    for (a, x), (b, y) in itertools.combinations({"ours": here, **versions}.items(), 2):
        pairs[f"{a} / {b}"] = x, y
    rows = []
    for name, (x, y) in pairs.items():
        told = difference(x, y, size)
        frames_with_both, _ = told["left hand"]
        means = (f"{mean:.2f}" for _, mean in told.values())
        rows.append([name, *means, f"{left_hand_median(x, y, size):.2f}", frames_with_both])
    columns = ("which two", *PARTS, "left hand, median", "frames with both left hands")
    print_table(f"{video.name}, {len(frames)} frames: mean difference in pixels", columns, rows)


if __name__ == "__main__":
    main()
