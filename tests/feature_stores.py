"""Small stores of features, made by the run itself, to look at, to verify and to publish."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from qa_builder.errors import QbsltError
from qa_builder.features.base import ClipFeatures, ClipTask, Description
from qa_builder.features.extract import How, extract
from qa_builder.features.landmarks import CHANNELS, point_names
from qa_builder.features.store import FeatureStore
from qa_builder.features.tasks import Tasks

SOURCE = {"dataset": "small-qa", "corpus": "small", "fingerprint": "ab" * 32,
          "clips": {"train": "cd" * 32, "dev": "ef" * 32}}  # fmt: skip
RIGHTS = {"licence": "CC BY-NC-SA 3.0", "redistribution": "Ask its owners.", "where": "Nowhere."}
FAILS = "train/9"  # the clip that fails
N = 10


def tasks(frames: str = "clip.mp4", n: int = N) -> Tasks:
    """n - 1 clips of train, the last of dev; two signers."""
    clips = [
        ClipTask(f"{split}/{i}", split, f"S{i % 2}", None, frames, 8 + i, Fraction(25))
        for i in range(n) for split in ["train" if i < n - 1 else "dev"]
    ]  # fmt: skip
    return Tasks([*clips, clips[0]._replace(clip_id=FAILS)], SOURCE, RIGHTS, None)


class Waving:
    """Landmarks of a figure with open arms that moves; clip i lacks its left hand in i frames."""

    def describe(self) -> Description:
        config = {"normalized": False}
        names = point_names("hands+pose")
        return Description("1", config, (75, 4), names, CHANNELS, libraries={"numpy": "2"})

    def __call__(self, task: ClipTask) -> ClipFeatures:
        if task.clip_id == FAILS:
            raise QbsltError("has no frames.")
        assert task.n_frames
        n = task.n_frames
        rng = np.random.default_rng(1)
        features = np.tile(rng.random((75, 4)), (n, 1, 1)).astype(np.float16)
        features[..., 3] = 1
        features[..., 0] += np.linspace(0, 0.2, n)[:, None]
        features[: int(task.clip_id.rpartition("/")[2]), 33:54] = np.nan
        return ClipFeatures(features)


class Embedded:
    """Random embeddings; of clip 3 they are constant, of clip 4 large, of clip 5 half missing."""

    simulated = False

    def describe(self) -> Description:
        return Description("1", {"model": "none"}, (6,), simulated=self.simulated)

    def __call__(self, task: ClipTask) -> ClipFeatures:
        if task.clip_id == FAILS:
            raise QbsltError("has no frames.")
        assert task.n_frames
        i = int(task.clip_id.rpartition("/")[2])
        features = np.random.default_rng(i).normal(size=(task.n_frames, 6)).astype(np.float16)
        if i == 3:
            features[:] = features[0]
        if i == 4:
            features *= 50
        bad = task.n_frames // 2 if i == 5 else 0
        features[:bad] = np.nan
        return ClipFeatures(features, bad)


class Simulated(Embedded):
    """The same, called simulated."""

    simulated = True


def landmark_store(folder: Path, frames: str = "clip.mp4") -> FeatureStore:
    return extract(tasks(frames), Waving(), "landmarks", folder, How(workers=0)).store


def embedding_store(folder: Path) -> FeatureStore:
    return extract(tasks(), Embedded(), "frames", folder, How(workers=0)).store


def simulated_store(folder: Path) -> FeatureStore:
    return extract(tasks(), Simulated(), "simulated", folder, How(workers=0)).store


def write_video(path: Path, n: int = N + 10, size: tuple[int, int] = (96, 64)) -> None:
    """A small video of frames that grow lighter."""
    import cv2

    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25.0, size)
    for i in range(n):
        writer.write(np.full((size[1], size[0], 3), 5 * i, np.uint8))
    writer.release()
