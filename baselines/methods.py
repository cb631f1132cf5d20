"""The entry points of our models: what each is called, its options and its graph.

Light: `qbslt-bench list` comes through here, so torch is imported when a model is run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

from baselines import gloss_assisted, gloss_free, gloss_to_text, scl_slt, ssl_ssaw
from baselines.config import (
    C,
    ClSltConfig,
    Config,
    GlossAssistedConfig,
    GlossFreeConfig,
    GlossToTextConfig,
    SclSltConfig,
    SslSsawConfig,
    resolve,
)
from baselines.graph import Graph
from baselines.stage import Stages

if TYPE_CHECKING:
    from benchmarks.models import Run, TaskData
    from qa_builder.samples import Prediction, Sample


class Baseline:
    """One of our methods as a model of the benchmark."""

    def __init__(self, config: Config, graph: Graph, stages: Stages | None = None) -> None:
        self.config, self.graph, self.stages = config, graph, stages
        self.name, self.track = config.method, graph.track
        self.features = _kind_of(config.features)
        self.notes: list[str] = []
        self.no_features: set[str] = set()
        if config.train_share < 1:
            self.notes.append(f"trained on {100 * config.train_share:g} % of the train split")

    def check(self, data: TaskData, run: Run) -> None:
        """Raise QbsltError for data that `fit` or `predict` would refuse; writes nothing."""
        calm_threads()
        from baselines.ahead import check_ahead

        check_ahead(self.config, self.graph, data, run.seed)

    def fit(self, data: TaskData, run: Run) -> None:
        """Train, or go on with a training that was interrupted; or take another run's weights."""
        calm_threads()
        if self.config.weights is not None:
            from baselines.borrow import borrow

            borrow(self.config, run.folder)
        else:
            from baselines.training import train

            train(self.config, self.graph, data, run, self.stages)

    def load(self, run: Run) -> None:
        """Nothing: `predict` reads the best checkpoint of the run's folder itself."""

    def predict(self, samples: Sequence[Sample], run: Run) -> Iterator[Prediction]:
        """Translations by the best checkpoint in the run's folder."""
        calm_threads()
        from baselines.decoding import predict

        return predict(self.config, self.graph, samples, run, self.notes, self.no_features)


class Method(Generic[C]):
    """Makes the model of a method, of any of its options; without `stages` trained in one."""

    def __init__(
        self, config: type[C], graph: Callable[[C], Graph],
        ablations: Mapping[str, Mapping[str, Any]] | None = None, stages: Stages | None = None,
    ) -> None:  # fmt: skip
        self.config, self.graph, self.stages = config, graph, stages
        self.ablations = ablations or {}

    def resolve(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """All options, with those of the preset; raises QbsltError, all errors at once."""
        return resolve(self.config, options)

    def __call__(self, **options: Any) -> Baseline:
        config = self.config(**self.resolve(options))
        return Baseline(config, self.graph(config), self.stages)


def _kind_of(features: str | None) -> str | None:
    """ "simulated" where the features are: the benchmark says so with every score."""
    if features is None:
        return None
    from qa_builder.features.store import read_store_manifest

    return "simulated" if read_store_manifest(Path(features))["simulated"] else None


def calm_threads() -> None:
    """Before torch is imported: its threads would spin while they wait, and beside another busy
    process make everything many times slower.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


# The entry points of the group `qbslt.models`.
gloss_free_method = Method(GlossFreeConfig, gloss_free.graph)
gloss_assisted_method = Method(GlossAssistedConfig, gloss_assisted.graph)
ssl_ssaw_method = Method(SslSsawConfig, ssl_ssaw.graph, ssl_ssaw.ABLATIONS)
gloss_to_text_method = Method(GlossToTextConfig, gloss_to_text.graph)
cl_slt_method = Method(ClSltConfig, scl_slt.graph, stages=scl_slt.stages)
scl_slt_method = Method(SclSltConfig, scl_slt.graph, scl_slt.ABLATIONS, scl_slt.stages)
METHODS: dict[str, Method[Any]] = {
    method.config.method: method
    for method in (gloss_free_method, gloss_assisted_method, ssl_ssaw_method, gloss_to_text_method,
                   cl_slt_method, scl_slt_method)
}  # fmt: skip
