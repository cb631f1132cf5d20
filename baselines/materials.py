"""What a run has beside its weights: vocabularies in its folder, and the store of features. (Ours.)

RUN/vocabulary/     the pieces, whether learned, prepared, or a checkpoint's
RUN/glosses.json    the classes of a CTC head
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from baselines import vocabulary as pieces
from baselines.data import as_source, feature_dim
from baselines.stores import check_store
from baselines.train_share import train_samples
from baselines.translator import Translator
from baselines.vocabulary import GlossVocabulary, Vocabulary
from qa_builder.atomic import new_folder
from qa_builder.errors import QbsltError
from qa_builder.features.store import FeatureStore, open_store

if TYPE_CHECKING:
    from baselines.config import Config
    from baselines.graph import Graph
    from benchmarks.models import TaskData
    from qa_builder.samples import Sample

VOCABULARY, GLOSSES = "vocabulary", "glosses.json"
DEV = "dev"


class Materials(NamedTuple):
    """What a model is built of."""

    vocabulary: Vocabulary
    glosses: GlossVocabulary | None
    store: FeatureStore | None

    def translator(self, config: Config, graph: Graph) -> Translator:
        """A model with new weights (or those of config.pretrained)."""
        dim = 0 if self.store is None else feature_dim(self.store)
        return Translator(
            config, graph, self.vocabulary, dim=dim, glosses=len(self.glosses or ())
        )  # fmt: skip


def make_materials(
    config: Config, graph: Graph, data: TaskData, folder: Path, *, write: bool
) -> Materials:
    """Check the store, and put the vocabularies into a run's folder, unless they are there.

    Of several processes one is to `write`, before the others come. Raises QbsltError for a store of
    another dataset, and a dataset without a split that is needed.
    """
    splits = list(dict.fromkeys(("train", DEV, data.task.split)))
    if lacking := [split for split in splits if split not in data.dataset.splits]:
        raise QbsltError(
            f"has no split {lacking[0]}; training needs train, and dev to choose checkpoints on.",
            file=data.dataset.path,
        )
    if config.features is not None:
        check_store(open_store(config.features), data.dataset, splits)
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


def load_materials(config: Config, graph: Graph, folder: Path) -> Materials:
    """Those that `make_materials` left; raises QbsltError where there are none."""
    return Materials(
        pieces.load(folder / VOCABULARY),
        GlossVocabulary.load(folder / GLOSSES) if graph.ctc else None,
        None if config.features is None else open_store(config.features),
    )


def _vocabulary(config: Config, graph: Graph, train: list[Sample]) -> Vocabulary:
    if given := config.pretrained or config.vocabulary:
        return pieces.load(given)
    texts = [s.text for s in train]
    if graph.assist == "question":
        texts += [as_source(s.question.text, config) for s in train if s.question]
    elif graph.assist == "gloss":
        texts += [as_source(s.gloss, config) for s in train if s.gloss]
    return pieces.learn(texts, config.vocab_size)
