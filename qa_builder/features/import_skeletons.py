"""Published skeletons: `.pose` files, and the text files of Progressive Transformers. (Ours.)"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_builder.errors import QbsltError
from qa_builder.features import skeleton
from qa_builder.features.import_source import Source, files_of, one_a_clip

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_HAND = ("wrist", *(f"thumb_{joint}" for joint in ("cmc", "mcp", "ip", "tip")), *(
    f"{finger}_{joint}" for finger in ("index", "middle", "ring", "pinky")
    for joint in ("mcp", "pip", "dip", "tip")))  # fmt: skip
# The order is OpenPose's (8 of the body, 21 a hand). The arm 2, 3, 4 lies at the image's right,
# and the hand 29..49 hangs on it: the signer's left, as the picture is not mirrored.
SKEL_POINTS = (
    "body.nose", "body.neck",
    *(f"body.left_{joint}" for joint in ("shoulder", "elbow", "wrist")),
    *(f"body.right_{joint}" for joint in ("shoulder", "elbow", "wrist")),
    *(f"right_hand.{joint}" for joint in _HAND), *(f"left_hand.{joint}" for joint in _HAND),
)  # fmt: skip
_SKEL = 3 * len(SKEL_POINTS)  # values a frame; the counter follows


def open_skels(source: Path, format: str) -> Source:
    """Skeleton text files of Progressive Transformers (Saunders et al., ECCV 2020).

    One line a clip in `NAME.skels`; its name is the same line of `NAME.files`. A frame is 150
    values (50 joints x, y, z) and a counter from 0 to 1, which is left out: it tells the place in
    the clip alone.
    """
    keys: dict[str, tuple[Path, int]] = {}
    files = files_of(source, format)
    for path in files:
        names = _skel_names(path)
        starts = list(_line_starts(path))
        if len(names) != len(starts):
            raise QbsltError(
                f"has {len(starts):,} lines, and the file of names beside it {len(names):,}: "
                "which clip is which can't be known.", file=path, cure="Copy both files again.",
            )  # fmt: skip
        for name, start in zip(names, starts, strict=True):
            if name in keys:
                raise QbsltError("is named twice.", file=path, id=name, cure="Remove one.")
            keys[name] = (path, start)
    config = {"units": "as in the file: neck = 0, y downwards", "counter": "left out"}
    return Source(
        {name: path for name, (path, _) in keys.items()}, lambda key: _skeleton(*keys[key]),
        [*files, *(f.with_suffix(".files") for f in files)], SKEL_POINTS, ("x", "y", "z"), config,
    )  # fmt: skip


def _skel_names(path: Path) -> list[str]:
    names = path.with_suffix(".files")
    if not names.is_file():
        raise QbsltError(f"there is no {names.name} beside it, which names the clips.", file=path,
                         cure="Copy it there: one name a line, such as train/NAME.")  # fmt: skip
    return [line.strip() for line in names.read_text(encoding="utf-8").splitlines() if line.strip()]


def _line_starts(path: Path) -> Iterator[int]:
    """Where each line begins that is not empty: a file of the whole corpus has a gigabyte."""
    start = 0
    with path.open("rb") as f:
        for line in f:
            if line.strip():
                yield start
            start += len(line)


def _skeleton(path: Path, start: int) -> NDArray[np.float64]:
    import numpy as np

    with path.open("rb") as f:
        f.seek(start)
        values = np.array(f.readline().split(), dtype=np.float64)
    if values.size % (_SKEL + 1):
        raise QbsltError(f"has {values.size:,} values, which is no multiple of {_SKEL + 1} "
                         f"({_SKEL} and a counter a frame).")  # fmt: skip
    frames = values.reshape(-1, _SKEL + 1)
    counter = frames[:, -1]
    if not (np.all((counter >= 0) & (counter <= 1)) and np.all(np.diff(counter) >= 0)):
        raise QbsltError(f"value {_SKEL + 1} of its frames is no counter from 0 to 1.")
    return frames[:, :-1].reshape(-1, len(SKEL_POINTS), 3)


_PARTS = {"POSE_LANDMARKS": "body", "LEFT_HAND_LANDMARKS": "left_hand",
          "RIGHT_HAND_LANDMARKS": "right_hand", "FACE_LANDMARKS": "face"}  # fmt: skip


def open_pose(source: Path, format: str) -> Source:
    """`.pose` files (pose-format), one a clip.

    x and y become fractions of the image's width and height, z stays as it is in the file, and
    MediaPipe's parts come in the order body, left hand, right hand, face: all as those of
    `--extractor landmarks`. What has confidence 0 is NaN. Points and channels are those of the
    first file that can be read.
    """
    paths = one_a_clip(source, format)
    points: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    for path in paths.values():
        with contextlib.suppress(Exception):  # this one's fault is told when it is read
            points, channels, _ = _pose(path)
            break
    config = {"units": "fractions of width and height; z as in the file"}
    return Source(paths, lambda key: _same_points(paths[key], points, channels),
                  list(paths.values()), points, channels, config)  # fmt: skip


def _same_points(path: Path, points: Sequence[str], channels: Sequence[str]) -> NDArray[np.float32]:
    found_points, found_channels, values = _pose(path)
    if (tuple(points), tuple(channels)) != (found_points, found_channels):
        raise QbsltError(f"has other points than the first file ({len(found_points)} of "
                         f"{', '.join(found_channels)}, expected {len(points)} of "
                         f"{', '.join(channels)}).")  # fmt: skip
    return values


def _pose(path: Path) -> tuple[tuple[str, ...], tuple[str, ...], NDArray[np.float32]]:
    """Points, channels and values [n_frames, points, channels] of a file."""
    import numpy as np
    from pose_format import Pose
    from pose_format.pose_header import PoseHeader
    from pose_format.utils.reader import BufferReader

    data = path.read_bytes()
    reader = BufferReader(data)
    header = PoseHeader.read(reader)
    _check_length(header, data[reader.read_offset :])
    body = Pose.read(data).body
    if body.data.shape[1] != 1:
        raise QbsltError(f"holds {body.data.shape[1]} people a frame, expected one.")
    letters = {c.format for c in header.components}
    if len(letters) != 1:
        raise QbsltError(f"its parts have different formats ({', '.join(sorted(letters))}).")
    axes = [(a.lower(), i) for i, a in enumerate(letters.pop()[:-1]) if a in "XYZ"]
    width, height = header.dimensions.width, header.dimensions.height
    if not (width and height):
        raise QbsltError("its header tells no width and height of the image.")
    scale = {"x": width, "y": height, "z": 1}
    confidence = np.asarray(body.confidence, dtype=np.float32)[:, 0]
    raw = np.asarray(np.ma.getdata(body.data), dtype=np.float32)[:, 0]
    values = np.stack([*(raw[..., i] / scale[a] for a, i in axes), confidence], axis=-1)
    values[~(confidence > 0)] = np.nan
    names = [_point(c.name, p) for c in header.components for p in c.points]
    rank = [*_PARTS.values()]
    order = sorted(range(len(names)), key=lambda i: rank.index(part)
                   if (part := names[i].partition(".")[0]) in rank else len(rank))  # fmt: skip
    points = tuple(names[i] for i in order)
    return points, (*(a for a, _ in axes), "confidence"), values[:, order]


def _point(component: str, point: str) -> str:
    """The name of a point: for MediaPipe's, that of `--extractor landmarks`."""
    part = _PARTS.get(component, component.lower())
    name = point.lower()
    return f"{part}.{name.replace('_finger_', '_') if part in skeleton.HANDS else name}"


def _check_length(header: Any, body: bytes) -> None:
    """Version 0.1 counts frames in 16 bits, so its reader takes what is there: a cut file, too."""
    if round(header.version, 3) != 0.1:
        return
    _, frames, people = struct.unpack_from("<HHH", body)
    size = people * header.total_points() * (header.num_dims() + 1) * 4
    found, rest = divmod(len(body) - 6, size) if size else (0, 0)
    if rest or found % 2**16 != frames:
        raise QbsltError(f"is cut off or damaged: {len(body) - 6:,} bytes of frames, expected "
                         f"{frames * size:,}.")  # fmt: skip
