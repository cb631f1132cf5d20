"""Pictures of features: the skeleton of a frame, or the heat map of a clip. (Ours.)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from qa_builder.features import skeleton

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SIDE = 512  # of a picture without a frame; frames are made about as large
COLOURS = {
    "body": (44, 111, 187), "left_hand": (217, 95, 2), "right_hand": (27, 158, 119),
    "face": (150, 110, 190),
}  # fmt: skip
_OTHER = (90, 90, 90)
_SEEN = 0.3  # a point of the body with less visibility is a guess, such as legs below the image
_FIXED = 4  # bits of a pixel's fraction, for smooth lines
_SPREAD = (2, 98)  # percentiles of the values between which a heat map has colours


class View(NamedTuple):
    """Where points lie in a picture: pixel = points * scale + shift, by axis."""

    scale: NDArray[np.float32]  # [2]
    shift: NDArray[np.float32]  # [2]


def in_image_units(manifest: Mapping[str, Any]) -> bool:
    """Whether x and y are shares of the image's width and height."""
    config = manifest["config"]
    if manifest["extractor"] == "landmarks":
        return not config.get("normalized")
    return bool(manifest["extractor"] == "import") and config.get("format") == "pose"


def planar(features: NDArray[np.float16], points: Sequence[str], channels: Sequence[str]) -> Any:
    """x and y of each point, float32 [n_frames, points, 2]; NaN for what is not to be drawn."""
    xy = np.array(features[..., :2], dtype=np.float32)
    seen = next((c for c in ("visibility", "confidence") if c in channels), None)
    body = skeleton.parts(points).get("body", [])
    if seen and body:
        visible = features[:, body, list(channels).index(seen)] >= _SEEN
        xy[:, body] = np.where(visible[..., None], xy[:, body], np.nan)
    return xy


def view_of_image(width: int, height: int) -> View:
    """For coordinates that are shares of an image."""
    return View(np.array([width, height], np.float32), np.zeros(2, np.float32))


def view_of_points(xy: NDArray[np.float32], side: int = SIDE) -> View:
    """For coordinates in units of their own: all of a clip fits into a square, none distorted."""
    flat = xy.reshape(-1, 2)
    flat = flat[~np.isnan(flat).any(axis=1)]
    if not len(flat):
        return View(np.ones(2, np.float32), np.zeros(2, np.float32))
    low, high = np.percentile(flat, [0.5, 99.5], axis=0)
    scale = 0.84 * side / max(float((high - low).max()), 1e-6)
    shift = side / 2 - scale * (low + high) / 2
    return View(np.full(2, scale, np.float32), shift.astype(np.float32))


def draw_skeleton(image: Any, xy: NDArray[np.float32], points: Sequence[str], view: View) -> None:
    """Draw the points of one frame, [points, 2], into an RGB image."""
    import cv2

    pixels = xy * view.scale + view.shift
    limit = 8 * max(image.shape)  # beyond that, drawing would wrap around
    pixels[~(np.abs(pixels) < limit).all(axis=1)] = np.nan
    fixed = np.where(np.isnan(pixels), -1, np.round(pixels * 2**_FIXED)).astype(np.int32)
    there = ~np.isnan(pixels[:, 0])
    wide = max(1, round(max(image.shape) / 280))
    for part, start, end in skeleton.lines(points):
        if there[start] and there[end]:
            thick = 1 if part == "face" else wide
            cv2.line(image, _pair(fixed[start]), _pair(fixed[end]), COLOURS[part], thick,
                     cv2.LINE_AA, _FIXED)  # fmt: skip
    for i in skeleton.dots(points):
        if there[i]:
            colour = COLOURS.get(points[i].partition(".")[0], _OTHER)
            cv2.circle(image, _pair(fixed[i]), wide << _FIXED, colour, -1, cv2.LINE_AA, _FIXED)


def _pair(point: NDArray[np.int32]) -> tuple[int, int]:
    return int(point[0]), int(point[1])


def white(width: int = SIDE, height: int = SIDE) -> Any:
    """An empty picture."""
    return np.full((height, width, 3), 255, np.uint8)


def resized(frame: Any, side: int = SIDE) -> Any:
    """A frame whose longer side is `side`."""
    import cv2

    scale = side / max(frame.shape[:2])
    size = (max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(frame, size, interpolation=how)


def heat_map(features: NDArray[np.float16], width: int = 640, height: int = 256) -> Any:
    """Values of a clip as colours: frames from left to right, values from top to bottom.

    Where there are more values than rows, a row is the mean of several. What is NaN is white.
    """
    import cv2

    values: Any = features.reshape(len(features), -1).T.astype(np.float32)  # [values, frames]
    rows = min(len(values), height)
    starts = np.linspace(0, len(values), rows, endpoint=False).astype(int)
    values = np.add.reduceat(values, starts, axis=0) / np.diff([*starts, len(values)])[:, None]
    there = values[np.isfinite(values)]
    low, high = np.percentile(there, _SPREAD) if there.size else (0.0, 1.0)
    grey = np.nan_to_num((values - low) / max(high - low, 1e-6)).clip(0, 1)
    colours = cv2.applyColorMap((grey * 255).astype(np.uint8), cv2.COLORMAP_VIRIDIS)[..., ::-1]
    colours = np.where(np.isnan(values)[..., None], 255, colours).astype(np.uint8)
    return cv2.resize(colours, (width, height), interpolation=cv2.INTER_NEAREST)


def write(image: Any, text: str, at: tuple[int, int], size: float = 0.5) -> None:
    """Write ASCII into a picture, readable on any ground."""
    import cv2

    for colour, thick in (((255, 255, 255), 4), ((30, 30, 30), 1)):
        cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, colour, thick, cv2.LINE_AA)
