"""One clip's features or the reason why there are none: what is sent to the workers. (Ours.)"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from qa_builder.errors import QbsltError
from qa_builder.features.base import ClipFeatures, ClipTask, Extractor


class Failure(NamedTuple):
    """Why a clip has no features."""

    why: str


class Attempt:
    """Calls an extractor; what goes wrong with one clip costs that clip alone."""

    def __init__(self, extractor: Extractor, shape: Sequence[int]) -> None:
        self._extractor, self._shape = extractor, tuple(shape)

    def __call__(self, task: ClipTask) -> ClipFeatures | Failure:
        try:
            made = self._extractor(task)
        except QbsltError as e:
            # the name alone: a manifest tells no paths of the machine that it was made on
            return Failure(f"{Path(e.file).name}: {e.message}" if e.file else e.message)
        except Exception as e:  # whatever a library throws at a broken clip
            return Failure(" ".join(f"{type(e).__name__}: {e}".split())[:300])
        return self._problem(made) or made

    def _problem(self, made: ClipFeatures) -> Failure | None:
        import numpy as np

        features = made.features
        if features.dtype != np.float16 or features.shape[1:] != self._shape:
            return Failure(f"its features are {features.dtype} {list(features.shape[1:])} a frame, "
                           f"expected float16 {list(self._shape)}")  # fmt: skip
        if not len(features):
            return Failure("it has no frames")
        if made.bad_frames == len(features):
            return Failure(f"none of its {len(features):,} frames could be read")
        if np.isinf(features).any():
            return Failure("its features are too large for float16 (65,504 at most)")
        return None
