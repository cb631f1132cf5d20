"""What a run will need, looked at before anything is trained; nothing that is read is kept. (Ours.)

So no training ends, after hours, with a sentence on the split that is translated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines import vocabulary
from baselines.data import read_rows
from baselines.images import ClipImages
from baselines.materials import DEV, check_splits
from baselines.stores import check_store
from baselines.train_share import train_samples
from benchmarks.models import visible
from qa_builder.errors import QbsltError
from qa_builder.features.store import FeatureStore, open_store

if TYPE_CHECKING:
    from baselines.config import Config
    from baselines.graph import Graph
    from benchmarks.models import TaskData


def check_ahead(config: Config, graph: Graph, data: TaskData, seed: int = 0) -> None:
    """Raise what training, and translating the task's split, would raise for the data.

    That is QbsltError for splits that lack, or lack the questions, glosses, sentences, features or
    frames that the method reads, a store of another dataset, a vocabulary that can't be read, and
    fewer samples than a contrastive batch has. With `config.weights` nothing is trained: only the
    task's split is looked at.
    """
    trains = config.weights is None
    source: FeatureStore | ClipImages | None = None
    if trains:
        check_splits(config, data)
    if config.features is not None:
        source = open_store(config.features)
        if not trains:
            check_store(source, data.dataset, [data.task.split])
    elif config.frames_root is not None:
        source = ClipImages(config.frames_root, config.image_size)
    if trains:
        if given := config.pretrained or config.vocabulary:
            vocabulary.load(given)
        rows = read_rows(train_samples(data, config), graph, config, split="train", train=True,
                         store=source, say=_quiet)  # fmt: skip
        read_rows(data.samples(DEV), graph, config, split=DEV, train=True, store=source,
                  say=_quiet)  # fmt: skip
        _check_batch(config, len(rows))
    split = data.task.split
    shown = (visible(s, data.track) for s in data.dataset.samples(split))
    read_rows(shown, graph, config, split=split, train=False, store=source, seed=seed, say=_quiet)


def _check_batch(config: Config, n: int) -> None:
    size: int = getattr(config, "contrast_batch_size", 0)
    if size > n:
        raise QbsltError(
            f"contrast_batch_size={size:,} is more than the {n:,} samples of train.",
            cure="Lower contrast_batch_size.",
        )


def _quiet(line: str) -> None:
    """What is not wrong is told when it is done."""
