"""Pictures of a clip over time: its frames or skeletons in a row, or the heat map. (Ours.)"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from qa_builder.errors import QbsltError
from qa_builder.features import drawing
from qa_builder.features.pictures import frames, has_points, pictures
from qa_builder.features.show import check_drawing, data_uri

if TYPE_CHECKING:
    from qa_builder.features.store import FeatureStore

_STRIP, _SIDE = 12, 192  # pictures in a row; pixels of the longer side
_ROWS = 96  # of a heat map


class ClipPictures(NamedTuple):
    """Images as data URIs."""

    strip: list[str]
    """From the middles of equal stretches of the clip; empty where there is nothing to draw."""
    named: dict[int, str]
    """The frames that were asked for, by number (from 0)."""
    heat: str | None
    """Of an embedding: a column a frame."""
    note: str
    """Why there are no frames although they were asked for."""


def clip_pictures(
    store: FeatureStore, clip_id: str, root: Path | None, wanted: Sequence[int]
) -> ClipPictures:
    """Pictures of a clip of a store, and of the frames `wanted`.

    With `root`, the corpus folder, its frames (landmarks over them), where they are there. Raises
    QbsltError without the packages that draw.
    """
    check_drawing()
    points, heat = has_points(store), None
    if not points:
        n = store.row(clip_id).n_frames
        heat = data_uri(drawing.heat_map(store[clip_id], n, _ROWS), "png")
    try:
        return _drawn(store, clip_id, root, wanted, heat)
    except QbsltError as e:
        if root is None:
            raise
        return _drawn(store, clip_id, None, wanted, heat)._replace(note=e.message)


def of_frames(
    root: Path, frames: str | None, n: int, wanted: Sequence[int]
) -> ClipPictures:  # fmt: skip
    """Pictures of a clip's `n` frames below a corpus folder, and of those `wanted`."""
    from qa_builder.features.sources import frames_of

    check_drawing()
    found = (drawing.white() if image is None else image for image in frames_of(root, frames))
    return _kept((drawing.resized(image, _SIDE) for image in found), n, wanted, None)


def _drawn(
    store: FeatureStore, clip_id: str, root: Path | None, wanted: Sequence[int], heat: str | None
) -> ClipPictures:
    n = store.row(clip_id).n_frames
    if has_points(store):
        return _kept(pictures(store, clip_id, root, _SIDE), n, wanted, heat)
    if root is not None:
        return _kept(frames(store, clip_id, root, _SIDE), n, wanted, heat)
    return ClipPictures([], {}, heat, "")


def _kept(images: Iterable[Any], n: int, wanted: Sequence[int], heat: str | None) -> ClipPictures:
    """Of a clip's n images those of the row, and those that were asked for."""
    k = min(_STRIP, n)
    middles = [(2 * i + 1) * n // (2 * k) for i in range(k)]
    kept = {
        i: data_uri(image, "webp", quality=75)
        for i, image in enumerate(images) if i in middles or i in wanted
    }  # fmt: skip
    return ClipPictures([kept[i] for i in middles if i in kept],
                        {i: kept[i] for i in wanted if i in kept}, heat, "")  # fmt: skip
