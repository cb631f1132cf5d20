"""A task fixes dataset, split and convention, so that nobody chooses a tokenizer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from qa_builder.dataset import Dataset
from qa_builder.errors import QbsltError, known

TRACKS = ("video", "video+question", "video+gloss", "control")


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is scored against what, and how."""

    name: str
    title: str
    dataset: str
    """Name of the dataset, as in its manifest."""
    corpus: str
    """Name of the corpus that it is built of."""
    split: str
    convention: str
    """Name of the standard convention, one of `benchmarks.conventions.CONVENTIONS`."""
    language: str
    """ISO 639-1 code of the sentences."""
    tracks: tuple[str, ...] = TRACKS
    toy: bool = False

    def as_dict(self) -> dict[str, Any]:
        """What result.json says of it."""
        shown = ("name", "dataset", "split", "convention")
        return {f: getattr(self, f) for f in shown} | {"tracks": list(self.tracks)}


@cache
def tasks() -> dict[str, Task]:
    """The tasks that ship with qbslt, one for each YAML file beside this one, by name."""
    import yaml

    found = {}
    folder = files("benchmarks.tasks")
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        name, dot, ending = file.name.rpartition(".")
        if dot and ending == "yaml":
            fields = yaml.safe_load(file.read_text("utf-8"))
            fields["tracks"] = tuple(fields["tracks"])
            found[name] = Task(name=name, **fields)
    return found


def load_task(name: str) -> Task:
    """The task of a name; raises QbsltError, with the known names, if there is none."""
    if name not in tasks():
        raise known(name, tasks(), "task")
    return tasks()[name]


def task_for(dataset: Dataset, split: str | None = None) -> Task:
    """The task of a built dataset: one that ships, or a task of its own.

    `split` stands in for the task's own. A dataset of one's own is scored under `standard`.
    """
    corpus = dataset.manifest["corpus"]
    ours = tasks().get(dataset.name)
    if ours is None or ours.corpus != corpus["name"]:
        ours = Task(
            name=dataset.name, title=corpus["title"], dataset=dataset.name, corpus=corpus["name"],
            split="test", convention=_convention(corpus["name"]), toy=bool(corpus.get("toy")),
            language=corpus["text_language"],
        )  # fmt: skip
    return replace(ours, split=split) if split else ours


def _convention(corpus: str) -> str:
    like = {task.corpus: task.convention for task in tasks().values()}
    return like.get(corpus, "standard")


def check_track(track: str | None, task: Task) -> None:
    """Raise QbsltError, with the known names, for a track that the task does not have."""
    if track is not None and track not in task.tracks:
        raise QbsltError(f"unknown track {track!r}; {task.name} has: {', '.join(task.tracks)}.")
