"""The trainings of a run: most methods have one, SCL-SLT several, one after the other. (Ours.)"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import click

if TYPE_CHECKING:
    from pathlib import Path

    from accelerate import Accelerator

    from baselines.config import Config
    from baselines.data import SignDataset
    from baselines.graph import Graph
    from baselines.materials import Materials
    from benchmarks.models import Run, TaskData


@dataclass(frozen=True, kw_only=True)
class Job:
    """What the stages of a run share."""

    config: Any
    """The `Config` of the method, of its own class."""
    graph: Graph
    """What is translated with in the end."""
    data: TaskData
    run: Run
    materials: Materials
    sets: dict[str, SignDataset]
    """train and dev."""
    accelerator: Accelerator
    scores: Callable[[dict[str, str]], dict[str, float]]
    """Of translations of dev, by sample id, in percent."""

    def say(self, line: str) -> None:
        """A line on standard error, by one process alone."""
        if self.accelerator.is_main_process:
            click.echo(line, err=True)


class Epoch(NamedTuple):
    """The batches of an epoch, as numbers of rows, and figures on them for metrics.jsonl."""

    batches: list[list[int]]
    about: dict[str, float] = {}  # noqa: RUF012


class Batches(Protocol):
    """Makes the batches of each epoch, which take a while."""

    count: int
    """How many an epoch has, whichever."""

    def __call__(self, epoch: int) -> Epoch:
        """Those of epoch 0, 1, ...; each row once."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One training."""

    config: Config
    """With the epochs, the patience and so on of this stage."""
    graph: Graph
    folder: Path
    """checkpoints/, metrics.jsonl and curves.png go here."""
    title: str = ""
    """Said before it starts; "" for a run's only one."""
    start: Path | None = None
    """The checkpoint whose weights it begins with; None: new ones."""
    keep: int = 0
    """Epochs between the checkpoints that are kept for good, the last epoch's too; 0: none."""
    later: int = 0
    """Bytes on the disk that what comes after it will need."""
    batches: Batches | None = None
    """Of each epoch; None: those of `train_batches`."""

    size_option: str = ""
    """The option that its batches' size is, where it is not one of those of all methods."""

    @property
    def best(self) -> Path:
        """The checkpoint that is the best on dev."""
        return self.folder / "checkpoints" / "best"

    def settings(self, job: Job) -> dict[str, Any]:
        """What a checkpoint of it must have been made with, to be gone on with."""
        processes = job.accelerator.num_processes  # decides which batches a step has
        return {"seed": job.run.seed, "processes": processes} | asdict(self.config)


Stages = Callable[[Job], Iterator[Stage]]
"""The stages of a run in their order; each is asked for when the one before it has ended."""
