"""A share of the train split, for a quick look on a small machine. (Ours.)"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from baselines.config import Config
    from benchmarks.models import TaskData
    from qa_builder.samples import Sample


def train_samples(data: TaskData, config: Config) -> list[Sample]:
    """The samples of train that are learned from: those of `config.train_share` of its clips.

    Which they are depends on nothing but the clips' ids, so that models with other seeds, options
    and questions learn from the same clips; a smaller share is part of a larger one.
    """
    samples = list(data.samples("train"))
    clips = {s.clip.clip_id for s in samples}
    kept = max(1, round(config.train_share * len(clips)))
    if kept == len(clips):
        return samples
    chosen = set(sorted(clips, key=lambda clip_id: sha256(clip_id.encode()).digest())[:kept])
    return [s for s in samples if s.clip.clip_id in chosen]
