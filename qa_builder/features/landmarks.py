"""--extractor landmarks: MediaPipe Holistic, the points of body, hands and face of each frame.

Points, in this order: body 33, left hand 21, right hand 21, face mesh 468. Channels: x as a
fraction of the frame's width, y of its height (0, 0 is the top left; points outside of the picture
are below 0 or above 1), z as MediaPipe gives it (in widths of the frame, smaller is nearer; its
origin is between the hips for the body, at the wrist for a hand, in the head for the face), and
visibility 0..1 (of the body as MediaPipe gives it; 1 for each point of a hand or face that was
found). A part that was not found is NaN in all channels.

Source of models and points: MediaPipe Holistic (Grishchenko and Bazarevsky, 2020). The normalised
form is that of pose-format (Moryossef et al., 2021), with pixels that are square and a z of one
unit with x (see `normalized`).
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from qa_builder.errors import QbsltError, known
from qa_builder.features.base import ClipFeatures, ClipTask, Description
from qa_builder.features.sources import frames_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

VERSION = "1"
CHANNELS = ("x", "y", "z", "visibility")
BODY, LEFT_HAND, RIGHT_HAND, FACE = slice(0, 33), slice(33, 54), slice(54, 75), slice(75, 543)
N_POINTS = 543
_SHOULDERS = [11, 12]
# Points of the face mesh on the lips: the ends of MediaPipe's FACEMESH_LIPS.
LIPS = (
    0, 13, 14, 17, 37, 39, 40, 61, 78, 80, 81, 82, 84, 87, 88, 91, 95, 146, 178, 181, 185, 191,
    267, 269, 270, 291, 308, 310, 311, 312, 314, 317, 318, 321, 324, 375, 402, 405, 409, 415,
)  # fmt: skip
POINTS = {
    "all": tuple(range(N_POINTS)),
    "hands+pose": tuple(range(FACE.start)),
    "hands+pose+mouth": (*range(FACE.start), *(FACE.start + i for i in LIPS)),
}
# The only complexity whose models are in the package; the rest are MediaPipe's defaults, written
# down so that another version of MediaPipe can't change them unseen.
SETTINGS = {
    "static_image_mode": False, "model_complexity": 1, "smooth_landmarks": True,
    "enable_segmentation": False, "refine_face_landmarks": False,
    "min_detection_confidence": 0.5, "min_tracking_confidence": 0.5,
}  # fmt: skip
_BODY = (
    "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye",
    "right_eye_outer", "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_pinky",
    "right_pinky", "left_index", "right_index", "left_thumb", "right_thumb", "left_hip",
    "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "left_heel",
    "right_heel", "left_foot_index", "right_foot_index",
)  # fmt: skip
_HAND = ("wrist", "thumb_cmc", "thumb_mcp", "thumb_ip", "thumb_tip", *(
    f"{finger}_{joint}" for finger in ("index", "middle", "ring", "pinky")
    for joint in ("mcp", "pip", "dip", "tip")))  # fmt: skip


def point_names(points: str = "all") -> tuple[str, ...]:
    """Names of a subset's points: `body.nose`, `left_hand.wrist`, `face.0`, ..."""
    names = [*(f"body.{n}" for n in _BODY), *(f"left_hand.{n}" for n in _HAND),
             *(f"right_hand.{n}" for n in _HAND), *(f"face.{i}" for i in range(468))]  # fmt: skip
    return tuple(names[i] for i in POINTS[points])


@dataclass
class Landmarks:
    """MediaPipe Holistic on the frames below `root`, one tracker a clip.

    `points` is all, hands+pose or hands+pose+mouth. `normalize` gives the form of `normalized`.
    """

    root: Path
    points: str = "all"
    normalize: bool = False

    def describe(self) -> Description:
        """Settings and points.

        Raises QbsltError for an unknown subset, a root that is no folder, and without mediapipe.
        """
        from importlib.metadata import PackageNotFoundError, version

        if self.points not in POINTS:
            raise known(self.points, POINTS, "subset of points")
        if not self.root.is_dir():
            raise QbsltError("there is no such folder of frames.", file=self.root)
        try:
            # OpenCV decodes the frames
            libraries = {n: version(n) for n in ("mediapipe", "opencv-contrib-python")}
        except PackageNotFoundError as e:
            raise _no_mediapipe(e.name or "mediapipe") from None
        config = {
            "points": self.points,
            "normalized": self.normalize,
            "units": "shoulder distances" if self.normalize else "fractions of width and height",
            **SETTINGS,
        }
        names = point_names(self.points)
        return Description(VERSION, config, (len(names), len(CHANNELS)), names, CHANNELS,
                           libraries=libraries)  # fmt: skip

    def __call__(self, task: ClipTask) -> ClipFeatures:
        """A clip's landmarks, float16 [n_frames, points, 4].

        Raises QbsltError for a clip whose frames are missing or a video that is broken.
        """
        found, sizes = track(frames_of(self.root, task.frames))
        bad = int((sizes[:, 0] == 0).sum())
        if self.normalize:
            found = normalized(found, sizes)
        return ClipFeatures(found[:, list(POINTS[self.points])].astype(np.float16), bad)


def track(
    frames: Iterable[NDArray[np.uint8] | None], **settings: float
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """All 543 points of each frame, [n_frames, 543, 4], and width and height, [n_frames, 2].

    One tracker sees all the frames: points of a frame depend on those before it. A frame that could
    not be read is NaN with size 0, and the tracker does not hear of it. `settings` stand in for
    those of SETTINGS.
    """
    found: list[NDArray[np.float32]] = []
    sizes: list[tuple[int, int]] = []
    nothing = np.full((N_POINTS, 4), np.nan, np.float32)
    with contextlib.ExitStack() as stack:
        process = None
        for frame in frames:
            if frame is None:
                found.append(nothing)
                sizes.append((0, 0))
                continue
            if process is None:  # MediaPipe's warnings come up to the first result
                with hushed():
                    process = stack.enter_context(_holistic(**settings)).process
                    result = process(frame)
            else:
                result = process(frame)
            found.append(_points(result))
            sizes.append((frame.shape[1], frame.shape[0]))
    return np.array(found).reshape(-1, N_POINTS, 4), np.array(sizes, np.int32).reshape(-1, 2)


def normalized(found: NDArray[np.float32], sizes: NDArray[np.int32]) -> NDArray[np.float32]:
    """Centred between the shoulders, in units of their distance; visibility is left as it is.

    x and y are first brought to pixels (times width, height), so that a unit is as long across as
    it is down; z, in widths of the frame, is brought to pixels, too. Centre: mean, over the clip's
    frames with a body, of the point between the shoulders, in x and y. Unit: mean over the same
    frames of the distance of the shoulders in x and y. One centre and one unit a clip, so that the
    signer's own movement stays. z is divided by the unit and not shifted: body, hands and face
    have origins of their own.
    """
    out = found.copy()
    out[..., :3] *= sizes[:, [0, 1, 0]].astype(np.float32)[:, None]
    shoulders = out[:, _SHOULDERS, :2]
    shoulders = shoulders[~np.isnan(shoulders[:, 0, 0])]
    if not len(shoulders):  # nobody was found in the whole clip
        return out
    unit = np.linalg.norm(shoulders[:, 0] - shoulders[:, 1], axis=1).mean()
    out[..., :2] -= shoulders.mean((0, 1))
    out[..., :3] /= unit
    return out


def _points(result: Any) -> NDArray[np.float32]:
    """MediaPipe's result for one frame as [543, 4]."""
    out = np.full((N_POINTS, 4), np.nan, np.float32)
    if result.pose_landmarks:
        out[BODY] = [(p.x, p.y, p.z, p.visibility) for p in result.pose_landmarks.landmark]
    for part, of in (
        (result.left_hand_landmarks, LEFT_HAND),
        (result.right_hand_landmarks, RIGHT_HAND),
        (result.face_landmarks, FACE),
    ):
        if part:
            out[of, :3] = [(p.x, p.y, p.z) for p in part.landmark]
            out[of, 3] = 1
    return out


def _holistic(**settings: Any) -> Any:
    """A new tracker; it forgets nothing until it is closed, so each clip has its own.

    It has $OMP_NUM_THREADS threads (a worker process: one), else as many as there are cores.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from mediapipe.python.solutions.holistic import Holistic
    except ImportError as e:
        raise _no_mediapipe(e.name or "mediapipe") from None
    warnings.filterwarnings("ignore", message=r"SymbolDatabase\.GetPrototype", module="google")
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if not threads.isdecimal() or threads == "0":
        return Holistic(**{**SETTINGS, **settings})

    class Limited(Holistic):  # type: ignore[misc]  # untyped
        """MediaPipe does not listen to OMP_NUM_THREADS; which thread did what changes no point."""

        def _initialize_graph_interface(self, *args: Any, **kwargs: Any) -> Any:
            graph = super()._initialize_graph_interface(*args, **kwargs)
            del graph.executor[:]  # of as many threads as there are cores
            graph.num_threads = int(threads)
            return graph

    return Limited(**{**SETTINGS, **settings})


def _no_mediapipe(name: str) -> QbsltError:
    return QbsltError(f"landmarks need the package {name}.",
                      cure="Install it: pip install 'qbslt[features]'.")  # fmt: skip


_NOISE = re.compile(
    rb"^(INFO: Created TensorFlow Lite|WARNING: All log messages before absl"
    rb"|[IW]\d{4} [0-9:. ]+\d+ (inference_feedback_manager|gl_context|landmark_projection)"
    rb"|\S*symbol_database\.py:\d+: UserWarning|  warnings\.warn\('SymbolDatabase)"
)


@contextlib.contextmanager
def hushed() -> Iterator[None]:
    """Take MediaPipe's own start-up messages, which no setting stops, out of standard error.

    They are written by C++ threads: standard error is led into a file for as long as this takes,
    and all that is not known noise is passed on afterwards.
    """
    try:
        real = os.dup(2)
    except OSError:  # standard error is closed
        yield
        return
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(real, 2)
            os.close(real)
            _pass_on(caught)


def _pass_on(caught: BinaryIO) -> None:
    caught.seek(0)
    rest = [line for line in caught if not _NOISE.match(line)]
    with contextlib.suppress(OSError):
        os.write(2, b"".join(rest))
