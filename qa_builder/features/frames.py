"""--extractor frames: each frame as one vector of an image model of transformers. (Ours.)

Any image backbone by its name on the Hub or the folder that holds it: microsoft/resnet-18 (512
numbers a frame: the mean of the last feature map), facebook/dinov2-small (384 numbers: the [CLS]
token after the last layer norm), and others. What is done to a frame before (resize, crop, mean,
deviation) is what the model's processor says, and is recorded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from qa_builder.errors import QbsltError, known
from qa_builder.features.backbone import Backbone, Files, check_packages, fetch
from qa_builder.features.base import ClipFeatures, ClipTask, Description
from qa_builder.features.sources import frames_of

VERSION = "1"
DTYPES = ("auto", "float32", "bfloat16", "float16")


@dataclass
class FrameEmbeddings:
    """Vectors of the frames below `root`, [n_frames, dim].

    `device` auto is a GPU where there is one; `dtype` auto is bfloat16 on a GPU and float32 on a
    CPU. Frames of a clip go through the model `batch_size` at a time, in order, so that a clip
    gives the same numbers whoever works on it; with another batch size, the last digit of a
    float16 may differ. On a CPU one thread works, for the same reason: take more workers.
    """

    root: Path
    model: str
    revision: str | None = None
    batch_size: int = 32
    device: str = "auto"
    dtype: str = "auto"
    _commit: str | None = field(init=False, default=None, repr=False, compare=False)
    _backbone: Backbone | None = field(init=False, default=None, repr=False, compare=False)

    def __reduce__(self) -> tuple[object, ...]:
        # what `describe` settled goes to the workers, the loaded model does not
        given = (self.root, self.model, self._commit or self.revision, self.batch_size,
                 self.device, self.dtype)  # fmt: skip
        return FrameEmbeddings, given

    def describe(self) -> Description:
        """Load the model here, on the CPU, and say what it does; settles device, dtype, commit.

        Raises QbsltError for settings that can't be, a model that can't be had, and where torch
        or transformers is missing.
        """
        from importlib.metadata import version

        if not self.root.is_dir():
            raise QbsltError("there is no such folder of frames.", file=self.root)
        if self.batch_size < 1:
            raise QbsltError(f"--batch-size {self.batch_size} is less than 1.")
        if self.dtype not in DTYPES:
            raise known(self.dtype, DTYPES, "dtype")
        check_packages()
        files = self._settle()
        looked_at = Backbone(files, "cpu", "float32")
        config = {
            "model": files.name, "revision": files.commit, "weights_sha256": files.sha256,
            "architecture": looked_at.architecture, "pooling": looked_at.pooling,
            "image_processor": looked_at.preparation(), "batch_size": self.batch_size,
            "device": self.device.partition(":")[0], "dtype": self.dtype,
        }  # fmt: skip
        packages = ("torch", "transformers", "pillow", "opencv-contrib-python")
        return Description(VERSION, config, (looked_at.dim,),
                           libraries={p: version(p) for p in packages})  # fmt: skip

    def __call__(self, task: ClipTask) -> ClipFeatures:
        """A clip's vectors, float16 [n_frames, dim]; NaN for a frame that can't be read.

        Raises QbsltError for a clip whose frames are missing or a video that is broken.
        """
        backbone = self._open()
        vectors: list[np.ndarray] = []
        waiting: list[np.ndarray] = []
        places: list[int] = []  # of the frames that could be read
        n = 0
        for n, frame in enumerate(frames_of(self.root, task.frames), 1):
            if frame is None:
                continue
            places.append(n - 1)
            waiting.append(frame)
            if len(waiting) == self.batch_size:
                vectors.append(backbone(waiting))
                waiting = []
        if waiting:
            vectors.append(backbone(waiting))
        features = np.full((n, backbone.dim), np.nan, np.float16)
        if places:
            with np.errstate(over="ignore"):  # infinite, which the run refuses
                features[places] = np.concatenate(vectors)
        return ClipFeatures(features, n - len(places))

    def _open(self) -> Backbone:
        if self._backbone is None:
            self._backbone = Backbone(self._settle(), self.device, self.dtype)
        return self._backbone

    def _settle(self) -> Files:
        """Settle what `auto` and the revision mean; the workers get it from there."""
        files = fetch(self.model, self._commit or self.revision)
        self._commit = files.commit
        self.device = _device(self.device)
        if self.dtype == "auto":
            self.dtype = "bfloat16" if self.device.startswith("cuda") else "float32"
        return files


def _device(device: str) -> str:
    """A device of torch; auto is the GPU where there is one."""
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return str(torch.device(device))
    except RuntimeError:
        raise QbsltError(f"--device {device} is none that torch knows.",
                         cure="Take auto, cpu, cuda or cuda:1.") from None  # fmt: skip
