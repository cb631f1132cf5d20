"""The pictures of one clip, frame by frame, and what is missing in it over time. (Ours.)"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, islice, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qa_builder.features import drawing, skeleton

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qa_builder.features.store import FeatureStore

_STRIP = 256  # height of a heat map, and of the frame beside it
_HOLE = 200  # grey of a frame that can't be read


def has_points(store: FeatureStore) -> bool:
    """Whether the features are landmarks: else they are embeddings, and shown as a heat map."""
    return bool(store.manifest["points"]) and len(store.shape) == 2 and store.shape[1] >= 2


def frame_rate(store: FeatureStore, clip_id: str) -> Fraction | None:
    """Frames a second of a clip, as the store tells; None if it doesn't."""
    told = store.row(clip_id).fps or store.manifest["fps"]
    return Fraction(told) if told else None


def missing(store: FeatureStore, clip_id: str) -> dict[str, NDArray[np.float64]]:
    """Part -> share of its points that are missing, by frame; embeddings have the part `frame`.

    Of embeddings also `still`: 1 where a frame is the same as the one before.
    """
    there = store.mask(clip_id)
    if has_points(store):
        parts = skeleton.parts(store.manifest["points"])
        return {part: 1 - there[:, numbers].mean(axis=1) for part, numbers in parts.items()}
    features = store[clip_id].reshape(len(there), -1)
    still = np.concatenate([[False], (features[1:] == features[:-1]).all(axis=1)])
    return {"frame": 1 - there.reshape(len(there), -1).mean(axis=1), "still": still * 1.0}


def pictures(
    store: FeatureStore, clip_id: str, root: Path | None, side: int = drawing.SIDE
) -> Iterator[Any]:
    """RGB images [height, width, 3] of one size, one a frame of the features.

    Landmarks in shares of the image are drawn over the frames; others, such as normalised ones,
    beside them. Without `root` there are no frames: on white. A heat map has a mark at the frame.
    Raises QbsltError where `root` is given and holds no frames of the clip.
    """
    features = store[clip_id]
    size, found = _frames(store, clip_id, root, len(features))
    draw = _skeletons if has_points(store) else _heat_maps
    for image in draw(store, features, size, found, side):
        if store.simulated:
            drawing.write(image, "simulated", (8, 24), 0.8)
        yield image


def frames(store: FeatureStore, clip_id: str, root: Path, side: int) -> Iterator[Any]:
    """The clip's frames alone, grey where one can't be read; else as `pictures`."""
    size, found = _frames(store, clip_id, root, len(store[clip_id]))
    return (_ground(frame, size, side) for frame in found)


def _frames(
    store: FeatureStore, clip_id: str, root: Path | None, n: int
) -> tuple[tuple[int, int] | None, Iterator[Any]]:
    """Height and width of the frames, and one frame after the other: None where there is none."""
    if root is None:
        return None, repeat(None, n)
    from qa_builder.features.sources import frames_of

    source = frames_of(root, store.row(clip_id).frames)
    first: list[Any] = []
    for frame in islice(source, n):  # up to the first that can be read
        first.append(frame)
        if frame is not None:
            size = (frame.shape[0], frame.shape[1])
            return size, islice(chain(first, source, repeat(None)), n)
    return None, repeat(None, n)


def _skeletons(
    store: FeatureStore, features: Any, size: tuple[int, int] | None, found: Iterator[Any],
    side: int,
) -> Iterator[Any]:  # fmt: skip
    points, channels = store.manifest["points"], store.manifest["channels"]
    xy = drawing.planar(features, points, channels)
    over = size is not None and drawing.in_image_units(store.manifest)
    fitted = drawing.view_of_points(xy, side)
    for frame, joints in zip(found, xy, strict=True):
        ground = _ground(frame, size, side)
        if over:
            view = drawing.view_of_image(ground.shape[1], ground.shape[0])
            drawing.draw_skeleton(ground, joints, points, view)
            yield ground
            continue
        drawn = drawing.white(side, side)
        drawing.draw_skeleton(drawn, joints, points, fitted)
        yield drawn if size is None else _beside(ground, drawn)


def _heat_maps(
    store: FeatureStore, features: Any, size: tuple[int, int] | None, found: Iterator[Any],
    side: int,
) -> Iterator[Any]:  # fmt: skip
    colours = drawing.heat_map(features, 5 * side // 4, _STRIP)
    width = colours.shape[1]
    for i, frame in enumerate(found):
        image = colours.copy()
        left = i * width // len(features)
        right = max(left + 2, (i + 1) * width // len(features))
        image[:, max(0, left - 1) : left + 1] = 255
        image[:, right : right + 2] = 255
        yield image if size is None else _beside(_ground(frame, size, _STRIP), image)


def _ground(frame: Any, size: tuple[int, int] | None, side: int) -> Any:
    """The frame, large enough to draw on; grey if it can't be read."""
    if frame is None:
        height, width = size or (side, side)
        frame = np.full((height, width, 3), _HOLE, np.uint8)
    elif size and frame.shape[:2] != size:
        import cv2

        frame = cv2.resize(frame, size[::-1])
    return drawing.resized(frame, side)


def _beside(left: Any, right: Any) -> Any:
    """Two pictures side by side, of the height of the taller one."""
    height = max(len(left), len(right))
    padded = [np.pad(p, ((0, height - len(p)), (0, 0), (0, 0)), constant_values=255)
              for p in (left, right)]  # fmt: skip
    return np.concatenate(padded, axis=1)
