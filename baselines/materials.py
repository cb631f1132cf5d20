"""What a run has beside its weights: vocabularies in its folder, and the store of features. (Ours.)

RUN/vocabulary/     the pieces, whether learned, prepared, or a checkpoint's
RUN/left-out.json   the samples that it learned without, where there are any (jobs.py)
RUN/glosses.json    the classes of a CTC head
RUN/features.json   what made the features (run_features.py)
RUN/sign-encoder.json   whose sign encoder it began with, where one was given (sign_start.py)
RUN/backbone/       the image model, where one is trained with the rest (backbone.py)
RUN/pretrained/     the configuration of an mBART checkpoint, whose weights are in the run's own

So a run translates where store, corpus and checkpoint are not.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from baselines import vocabulary as pieces
from baselines.backbone import BACKBONE, keep_backbone, run_backbone
from baselines.data import as_source, frame_dim
from baselines.images import ClipImages
from baselines.journal import LOGS, METRICS
from baselines.run_features import FEATURES, keep_features, run_features
from baselines.stores import check_store
from baselines.train_share import train_samples
from baselines.translator import Translator
from baselines.vocabulary import GlossVocabulary, Vocabulary
from benchmarks.left_out import FILE as LEFT_OUT
from benchmarks.made_by import STARTS
from qa_builder.atomic import new_folder
from qa_builder.errors import QbsltError
from qa_builder.features.store import FeatureStore, open_store, read_store_manifest

if TYPE_CHECKING:
    from baselines.config import Config
    from baselines.graph import Graph
    from benchmarks.models import TaskData
    from qa_builder.samples import Sample

VOCABULARY, GLOSSES, PRETRAINED = "vocabulary", "glosses.json", "pretrained"
SIGN_START = "sign-encoder.json"
PARTS = (VOCABULARY, GLOSSES, FEATURES, BACKBONE, PRETRAINED, SIGN_START, LEFT_OUT)
"""What stands in a run's folder beside its checkpoints; only the first is in all runs."""
CHECKPOINTS, STAGES = "checkpoints", "stages"
"""Folders of what is trained: of a run's only or last stage, and of the others."""
_BEGUN = (METRICS, STARTS, LOGS, CHECKPOINTS, STAGES)
DEV = "dev"


class Materials(NamedTuple):
    """What a model is built of."""

    vocabulary: Vocabulary
    glosses: GlossVocabulary | None
    store: FeatureStore | None
    images: ClipImages | None
    dim: int
    """Numbers a frame that the sign encoder is given, where no backbone makes them."""
    folder: Path
    """Of the run."""

    @property
    def source(self) -> FeatureStore | ClipImages | None:
        """Where the frames are from."""
        return self.images if self.store is None else self.store

    def translator(self, config: Config, graph: Graph, *, trained: bool = False) -> Translator:
        """A model with new weights, or those of config.pretrained and the backbone.

        `trained`: its weights are loaded from a checkpoint of the run afterwards, so that those of
        config.pretrained are not needed.
        """
        kept = self.folder / PRETRAINED
        known = trained and kept.is_dir()
        if config.pretrained and not known and not Path(config.pretrained).is_dir():
            raise QbsltError("there is no such folder of an mBART checkpoint.",
                             file=config.pretrained, cure="Copy it there again.")  # fmt: skip
        return Translator(
            config, graph, self.vocabulary, dim=self.dim, glosses=len(self.glosses or ()),
            backbone=run_backbone(config, self.folder) if config.frames_root else None,
            checkpoint=kept if known else None,
        )  # fmt: skip


def make_materials(
    config: Config, graph: Graph, data: TaskData, folder: Path, *, write: bool
) -> Materials:
    """Check the store, and put the vocabularies into a run's folder, unless they are there.

    Of several processes one is to `write`, before the others come. Raises QbsltError as
    `check_splits`, and for ctc without glosses in train.
    """
    check_splits(config, data)
    if write:
        _keep(config, folder)
    if write and not (folder / VOCABULARY).is_dir():
        train = train_samples(data, config)
        if graph.ctc:
            glosses = [s.gloss for s in train if s.gloss]
            if not glosses:
                raise QbsltError("gloss=ctc needs glosses, and train has none.",
                                 file=data.dataset.path, cure="Take a corpus with glosses.")  # fmt: skip  # noqa: E501
            GlossVocabulary.learn(glosses).save(folder / GLOSSES)
        vocabulary = _vocabulary(config, graph, train)
        with new_folder(folder / VOCABULARY) as new:
            vocabulary.save(new)
    return load_materials(config, graph, folder)


def check_splits(config: Config, data: TaskData) -> list[str]:
    """The splits that training and the task need.

    Raises QbsltError for a dataset without one of them, and for a store of another dataset.
    """
    splits = list(dict.fromkeys(("train", DEV, data.task.split)))
    if lacking := [split for split in splits if split not in data.dataset.splits]:
        raise QbsltError(
            f"has no split {lacking[0]}; training needs train, and dev to choose checkpoints on.",
            file=data.dataset.path,
        )
    if config.features is not None:
        check_store(open_store(config.features), data.dataset, splits)
    return splits


def _keep(config: Config, folder: Path) -> None:
    """Put into a run's folder what it needs to translate elsewhere."""
    if config.features is not None:
        keep_features(read_store_manifest(Path(config.features)), folder)
    if config.frames_root is not None:
        keep_backbone(config, folder)
    checkpoint = Path(config.pretrained or "")
    if config.pretrained and checkpoint.is_dir() and not (folder / PRETRAINED).is_dir():
        with new_folder(folder / PRETRAINED) as new:
            for file in checkpoint.glob("*config.json"):
                shutil.copyfile(file, new / file.name)


def has_begun(folder: Path) -> bool:
    """Whether a run's folder holds a checkpoint, of whatever stage."""
    return any(folder.glob(f"**/{CHECKPOINTS}/*/state.json"))


def drop_unused(folder: Path) -> None:
    """Remove what a training that failed before its first checkpoint has left in a run's folder.

    So a command with other options can follow: those that the error advises.
    """
    if has_begun(folder):
        return
    for name in (*PARTS, *_BEGUN):
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def load_materials(
    config: Config, graph: Graph, folder: Path, *, frames: bool = True
) -> Materials:  # fmt: skip
    """Those that `make_materials` left; raises QbsltError where there are none.

    Without `frames` neither a store nor a corpus folder is opened.
    """
    store = open_store(config.features) if config.features and frames else None
    images = None
    if config.frames_root and frames:
        images = ClipImages(config.frames_root, config.image_size)
    dim = 0
    if config.features is not None:
        kept = run_features(folder, config.features) if store is None else store.manifest
        dim = frame_dim(kept["shape"])
    return Materials(
        pieces.load(folder / VOCABULARY),
        GlossVocabulary.load(folder / GLOSSES) if graph.ctc else None,
        store, images, dim, folder,
    )  # fmt: skip


def _vocabulary(config: Config, graph: Graph, train: list[Sample]) -> Vocabulary:
    if given := config.pretrained or config.vocabulary:
        return pieces.load(given)
    texts = [s.text for s in train]
    if graph.assist == "question":
        texts += [as_source(s.question.text, config) for s in train if s.question]
    elif graph.assist == "gloss":
        texts += [as_source(s.gloss, config) for s in train if s.gloss]
    return pieces.learn(texts, config.vocab_size)
