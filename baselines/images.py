"""Frames as pictures, for a backbone that is trained with the rest. (Ours.)

Each picture is brought to a square of 8/7 of `image_size`, of which a window of `image_size` is
seen: one place for all frames of a clip, drawn anew each epoch; at test the centre. A picture is
never mirrored: that would be a left-handed signer, and other signs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qa_builder.errors import QbsltError
from qa_builder.features.sources import Located, count_frames, frames_at, locate

if TYPE_CHECKING:
    from qa_builder.samples import Clip


class ClipImages:
    """The pictures of clips whose frames are below a corpus folder."""

    def __init__(self, root: str | Path, size: int) -> None:
        self.path, self.size = Path(root), size
        self.hidden = False  # by a control: nothing is read then
        self.failed: dict[str, str] = {}
        """Why a clip has no frames, by its id."""
        self._found: dict[str, tuple[Located, int]] = {}
        if not self.path.is_dir():
            raise QbsltError("there is no such folder of frames.", file=self.path,
                             cure="Set frames_root to the corpus folder.")  # fmt: skip

    def find(self, clips: Iterable[Clip]) -> None:
        """Look where the frames of clips are, and how many; what has none goes into `failed`."""
        for clip in clips:
            if clip.clip_id in self._found or clip.clip_id in self.failed:
                continue
            try:
                at = locate(self.path, clip.frames)
                self._found[clip.clip_id] = (at, count_frames(at))
            except QbsltError as e:
                self.failed[clip.clip_id] = e.message

    def __contains__(self, clip_id: object) -> bool:
        return clip_id in self._found

    def length(self, clip_id: str) -> int:
        """Frames of a clip, those that can't be read among them."""
        return self._found[clip_id][1]

    def read(
        self, clip_id: str, places: NDArray[np.int64], draw: np.random.Generator | None = None
    ) -> tuple[NDArray[np.uint8], int]:
        """Some frames of a clip, RGB [n, 3, size, size], and how many of them can't be read: black.

        The window is drawn, or without `draw` the centre.
        """
        pictures = np.zeros((len(places), 3, self.size, self.size), np.uint8)
        edge = round(self.size * 8 / 7)
        free = edge - self.size
        x, y = (free // 2, free // 2) if draw is None else draw.integers(0, free + 1, 2).tolist()
        at, read = self._found[clip_id][0], 0
        with contextlib.suppress(QbsltError):  # a video that breaks off: the rest is black
            for i, frame in enumerate(frames_at(at, places.tolist())):
                if frame is not None:
                    seen = _resized(frame, edge)[y : y + self.size, x : x + self.size]
                    pictures[i] = seen.transpose(2, 0, 1)
                    read += 1
        return pictures, len(places) - read


def _resized(frame: NDArray[np.uint8], edge: int) -> NDArray[np.uint8]:
    import cv2

    cv2.setNumThreads(0)  # workers are there for that
    smaller = edge < min(frame.shape[:2])
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return cv2.resize(frame, (edge, edge), interpolation=how)  # type: ignore[return-value]
