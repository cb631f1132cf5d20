"""What a model is to the benchmark: its protocol, what it is given, how installed ones are found.

`docs/add-a-model.md` has a complete plug-in.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Protocol

from benchmarks.tasks.task import Task
from qa_builder.dataset import Dataset
from qa_builder.errors import QbsltError, known
from qa_builder.samples import Prediction, Sample

GROUP = "qbslt.models"
_BY_NAME = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
MAX_SEED = 2**32 - 1  # numpy's generators take no more
HIDDEN = "test"  # the split whose references no model may read


@dataclass(frozen=True)
class TaskData:
    """The data of a task, for `fit`."""

    task: Task
    dataset: Dataset
    track: str

    def samples(self, split: str) -> Iterator[Sample]:
        """Samples of a split, streamed; of test only what the track may see.

        Raises QbsltError for a split that the dataset has not.
        """
        samples = self.dataset.samples(split)
        return (visible(s, self.track) for s in samples) if split == HIDDEN else samples


@dataclass(frozen=True)
class Run:
    """One run of a model: where it may write, and what it was told."""

    folder: Path
    """Checkpoints, logs and metrics.jsonl go here; a run that is started again finds them."""
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    """All options of the model, with their defaults."""


class Model(Protocol):
    """A translation system. Its constructor's keyword arguments are its options."""

    name: str
    track: str
    """One of `benchmarks.tasks.task.TRACKS`; decides what the samples of `predict` show."""

    def fit(self, data: TaskData, run: Run) -> None:
        """Train, or load what was trained; may do nothing."""

    def predict(self, samples: Sequence[Sample], run: Run) -> Iterator[Prediction]:
        """A translation for every sample, in any order."""


def visible(sample: Sample, track: str) -> Sample:
    """A sample without what its track does not give: the reference, the question or the gloss."""
    if track == "control":
        return sample
    sample = sample._replace(text="", words=None, pos_tags=None, source_hash=None)
    if track != "video+gloss":
        sample = sample._replace(gloss=None, gloss_clean=None)
    if track != "video+question":
        sample = sample._replace(question=None, question_normalized=None)
    return sample


def installed_models() -> dict[str, EntryPoint]:
    """The installed models by name: ours, and those of plug-ins."""
    found = sorted(entry_points(group=GROUP), key=lambda e: (e.name, e.value))
    return {point.name: point for point in found}


def make_model(name: str, options: Mapping[str, Any]) -> tuple[Model, dict[str, Any]]:
    """The model of a name and all its options, with their defaults.

    A factory with a method `resolve(options)` gives the defaults itself, else they are those of
    its signature. Raises QbsltError for an unknown name or option, and for a plug-in that can't
    be imported.
    """
    points = installed_models()
    if name not in points:
        raise known(name, points, "model")
    try:
        factory: Callable[..., Model] = points[name].load()
    except (ImportError, AttributeError) as e:
        raise QbsltError(
            f"the model {name} ({points[name].value}) can't be loaded: {e}.",
            cure="Install what it needs, for ours the extra: pip install 'qbslt[baselines]'.",
        ) from None
    if resolve := getattr(factory, "resolve", None):
        resolved: dict[str, Any] = resolve(options)
        return factory(**resolved), resolved
    parameters = inspect.signature(factory).parameters
    choices = [name for name, p in parameters.items() if p.kind in _BY_NAME]
    if wrong := [option for option in options if option not in choices]:
        if not choices:
            raise QbsltError(f"the model {name} has no options, {wrong[0]!r} was given.")
        raise known(wrong[0], choices, f"option of {name}")
    defaults = {c: parameters[c].default for c in choices}
    if lacking := [
        c for c, v in (defaults | dict(options)).items() if v is inspect.Parameter.empty
    ]:
        raise QbsltError(f"the model {name} needs the option {lacking[0]}={lacking[0].upper()}.")
    return factory(**options), defaults | dict(options)
