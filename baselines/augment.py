"""Augmentation of frames: faster or slower, frames left out, noise. Never at test. (Ours.)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from baselines.config import Config
    from baselines.data import Features

_CLIPS = 200  # that the deviation of the features is measured on, spread evenly over the split


@dataclass(frozen=True)
class Augmentation:
    """What `Config.time_scale`, `frame_drop` and `feature_noise` say, for one store."""

    time_scale: float
    frame_drop: float
    noise: NDArray[np.float32] | None
    """Deviation of the noise for each number of a frame, [*shape]; None: no noise."""
    max_frames: int

    @classmethod
    def of(cls, config: Config, store: Features | None, clip_ids: Sequence[str]) -> Augmentation:
        """The config's, with the deviation measured on some of the clips."""
        noise = None
        if store is not None and config.feature_noise and clip_ids:
            noise = config.feature_noise * deviation(store, clip_ids)
        return cls(config.time_scale, config.frame_drop, noise, config.max_frames)

    def places(self, n: int, draw: np.random.Generator) -> NDArray[np.int64]:
        """Which of a clip's n frames are taken: in another tempo, and with fewer of them."""
        stretch = 1 + draw.uniform(-self.time_scale, self.time_scale)
        frames = chosen_frames(n, max(1, round(n * stretch)), self.max_frames)
        kept = frames[draw.random(len(frames)) >= self.frame_drop]
        return kept if len(kept) else frames[:1]

    def __call__(self, clip: NDArray[np.float16], draw: np.random.Generator) -> NDArray[np.float32]:
        """A clip [n, *shape] in another tempo, with fewer frames and noise; NaN stays NaN."""
        features = clip[self.places(len(clip), draw)].astype(np.float32)
        if self.noise is not None:
            features += self.noise * draw.standard_normal(features.shape, dtype=np.float32)
        return features


def chosen_frames(n: int, wanted: int, most: int) -> NDArray[np.int64]:
    """Which of n frames are taken to have `wanted` of them, `most` at most: spread evenly."""
    return np.rint(np.linspace(0, n - 1, min(wanted, most))).astype(np.int64)


def deviation(store: Features, clip_ids: Sequence[str]) -> NDArray[np.float32]:
    """Standard deviation of each number of a frame over up to 200 of the clips, [*shape]."""
    distinct = list(dict.fromkeys(clip_ids))
    some = distinct[:: max(1, len(distinct) // _CLIPS)][:_CLIPS]
    frames = np.concatenate([store[clip_id] for clip_id in some]).astype(np.float64)
    there = ~np.isnan(frames)
    n = np.maximum(there.sum(0), 1)
    mean = np.where(there, frames, 0).sum(0) / n
    found: NDArray[np.float32] = np.sqrt(
        np.where(there, (frames - mean) ** 2, 0).sum(0) / n
    ).astype(np.float32)
    return found
