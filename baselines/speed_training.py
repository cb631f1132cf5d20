"""Speed of training against the least: the same steps over batches that lie in memory.

    python -m baselines.speed_training [--data DATASET --features STORE] [--model NAME] [KEY=VALUE]

Without a dataset the toy corpus and simulated features are made on the spot, for the preset tiny;
on a GPU take your own, preset=small (docs/reproduce.md). A method of several trainings gets a table
for each. Five epochs each, unless other options say so, and dev is looked at after the last alone.

The least is forward, backward, clipping and the optimiser's step, in the same precision, without
reading, augmenting or logging anything. `GPU busy` is the share of the time from the first step of
a training to its last, checkpoints between them included, in which some kernel ran: the mean of
NVML's utilization (that of nvidia-smi), read five times a second by torch.cuda.utilization, which
needs the package nvidia-ml-py. Peak memory: on a GPU what torch had allocated, on a CPU that of the
whole process so far. (Ours.)
"""

from __future__ import annotations

import json
import resource
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, fields
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from baselines.batches import train_batches
from baselines.journal import METRICS
from baselines.machine import described
from baselines.methods import METHODS, Method
from baselines.stage import Job, Stage
from baselines.training import make_optimizer, train
from benchmarks.find_dataset import find_dataset
from benchmarks.models import Run, TaskData
from benchmarks.option_words import UNKNOWN_TO_WORDS, key_value_words
from benchmarks.runner import read_options
from qa_builder.console import Command, print_table
from qa_builder.errors import QbsltError, known

if TYPE_CHECKING:
    from baselines.methods import Baseline

_BATCHES = 40  # of the bare loop, at most
_ROUNDS = 3
_EPOCHS = 5  # by default, of each training
_FEW = {"epochs": _EPOCHS, "contrast_epochs": _EPOCHS, "reference_epochs": _EPOCHS,
        "reference_every": 2}  # fmt: skip
_PERIOD = 0.2  # seconds between two looks at the GPU
_Row = tuple[str, str, str, str]


class Watch:
    """Reads a number again and again in a thread, with the time, while it is entered.

    `read` is called five times a second, or every `period` seconds.
    """

    def __init__(self, read: Callable[[], float], period: float = _PERIOD) -> None:
        self._read, self._period = read, period
        self._seen: list[tuple[float, float]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, e: BaseException | None, at: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._period):
            self._seen.append((time.perf_counter(), self._read()))

    def between(self, begin: float, end: float) -> float | None:
        """The mean of what was read from one time.perf_counter() to another; None: nothing was."""
        found = [value for at, value in self._seen if begin <= at <= end]
        return fmean(found) if found else None


class Speed(NamedTuple):
    """Of one loop."""

    steps: float
    """A second."""
    amount: float
    """Frames a second, padding not counted; sentences where no video is seen."""
    busy: float | None
    """Percent of the time in which the GPU worked; None: not measured."""


@dataclass
class Measured:
    """One training of a method, as it went."""

    job: Job
    stage: Stage
    steps: list[float] = field(default_factory=list)
    """When the optimiser made each, by time.perf_counter()."""
    memory: float = 0.0
    """The peak, in GB."""


def measured(baseline: Baseline, data: TaskData, folder: Path) -> list[Measured]:
    """Train a method into a folder, all its stages; raises QbsltError as a run does."""
    found: list[Measured] = []

    def stages(job: Job) -> Iterator[Stage]:
        alone = Stage(config=job.config, graph=job.graph, folder=job.run.folder)
        for stage in baseline.stages(job) if baseline.stages else (alone,):
            if job.accelerator.device.type == "cuda":
                torch.cuda.reset_peak_memory_stats()
            found.append(Measured(job, stage))
            yield stage
            found[-1].memory = _peak(job.accelerator.device)

    def note(*_: object) -> None:
        found[-1].steps.append(time.perf_counter())

    hook = register_optimizer_step_post_hook(note)
    try:
        train(baseline.config, baseline.graph, data, Run(folder, 0), stages)
    finally:
        hook.remove()
    return found


def trained(one: Measured, batches: list[Any], watch: Watch | None) -> Speed:
    """The median over the lines of metrics.jsonl, but for the first, of a real training."""
    text = (one.stage.folder / METRICS).read_text("utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    rates = [row["rate"] for row in rows if row["kind"] == "train"]
    rate = median(rates[1:] or rates)
    busy = watch.between(one.steps[0], one.steps[-1]) if watch else None
    return Speed(rate / _a_step(one.stage, batches), rate, busy)


def bare(one: Measured, batches: list[Any], watch: Watch | None) -> Speed:
    """The fastest of some rounds over batches in memory."""
    config, accelerator = one.stage.config, one.job.accelerator
    device, group = accelerator.device, config.grad_accumulation
    model = one.job.materials.translator(config, one.stage.graph).to(device).train()
    wrapped, optimizer = accelerator.prepare_model(model), make_optimizer(model, config)
    given = [batch.to(device) for batch in batches]
    best, warm = 0.0, 0.0
    for _ in range(1 + _ROUNDS):  # the first round warms up
        begun = time.perf_counter()
        for i, batch in enumerate(given):
            if i % group == 0:
                optimizer.zero_grad(set_to_none=True)
            accelerator.backward(wrapped(batch).total / group)
            if i % group == group - 1 or i == len(given) - 1:
                accelerator.clip_grad_norm_(model.parameters(), config.clip_norm or 1e9)
                optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        best = max(best, len(given) / group / (time.perf_counter() - begun))
        warm = warm or time.perf_counter()
    busy = watch.between(warm, time.perf_counter()) if watch else None
    return Speed(best, best * _a_step(one.stage, batches), busy)


def _a_step(stage: Stage, batches: list[Any]) -> float:
    """Frames, or sentences, of a step of the optimiser: the mean of some batches."""
    return fmean(batch.frames or len(batch) for batch in batches) * stage.config.grad_accumulation


def _batches(one: Measured) -> list[Any]:
    """The first batches of the second epoch, as they are trained on."""
    dataset, epoch = one.job.sets["train"], min(1, one.stage.config.epochs - 1)
    make = one.stage.batches
    found = make(epoch).batches if make else train_batches(dataset, epoch)
    return [dataset.collate([dataset[(i, epoch)] for i in batch]) for batch in found[:_BATCHES]]


def tables(
    baseline: Baseline, data: TaskData, folder: Path, read: Callable[[], float] | None
) -> Iterator[tuple[str, list[_Row]]]:
    """Title and rows of each training; `read` tells how busy the GPU is, in percent."""
    watch = Watch(read) if read else None
    with watch or nullcontext():
        for one in measured(baseline, data, folder):
            batches = _batches(one)
            ours, least = trained(one, batches, watch), bare(one, batches, watch)
            unit = "frames/s" if batches[0].frames else "sentences/s"
            steps = f"{ours.steps:.2f}", f"{least.steps:.2f}", f"{ours.steps / least.steps:.2f}"
            rows: list[_Row] = [
                ("steps/s", *steps),
                (unit, f"{ours.amount:,.0f}", f"{least.amount:,.0f}", ""),
                ("peak memory, GB", f"{one.memory:.2f}", "", ""),
            ]
            if one.job.accelerator.device.type == "cuda":
                rows.append(("GPU busy, %", _percent(ours.busy), _percent(least.busy), ""))
            what = one.stage.title or "training"
            preset = baseline.config.preset
            yield f"{baseline.name}, preset {preset}, {what}; {described()}", rows


def _percent(busy: float | None) -> str:
    return "not measured" if busy is None else f"{busy:.0f}"


def _peak(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def gpu_reader() -> Callable[[], float] | None:
    """What tells the GPU's utilization in percent; None, and a line why, where it can't be had."""
    if not torch.cuda.is_available():
        return None
    try:
        torch.cuda.utilization()
    except Exception as e:  # NVML's errors are of a package that may not be there
        click.echo(f"GPU busy: not measured ({' '.join(str(e).split())[:200]}); it needs the "
                   "package nvidia-ml-py.", err=True)  # fmt: skip
        return None
    return torch.cuda.utilization


def toy(folder: Path) -> tuple[Path, Path]:
    """The German toy corpus as a dataset, and its simulated features."""
    from qa_builder.cli import main

    def run(*words: object) -> None:
        main([str(w) for w in words], standalone_mode=False)

    root = folder / "toy" / "phoenix"
    data, store = folder / "data", folder / "store"
    for words in (
        ["toy", folder / "toy"],
        ["build", "phoenix", "--root", root, "--questions",
         f"annotated:{root / 'annotated-questions'}", "--out", data],
        ["features", data, "--extractor", "simulated", "--out", store],
    ):  # fmt: skip
        try:
            run(*words)
        except SystemExit as e:
            if e.code:
                raise
    return data, store


def options_of(method: Method[Any], words: tuple[str, ...], toys: bool) -> dict[str, Any]:
    """Those of the command, over few epochs and no evaluation; raises QbsltError."""
    options = read_options(None, words)
    if options.get("weights") is not None:
        raise QbsltError("with weights=RUN nothing is trained: there is no speed to measure.",
                         cure="Leave weights away.")  # fmt: skip
    names = {f.name for f in fields(method.config)}
    usual: dict[str, Any] = {"tensorboard": False, "eval_every": 1000, "patience": 0}
    usual |= {name: n for name, n in _FEW.items() if name in names}
    return usual | ({"preset": "tiny"} if toys else {}) | options


@click.command(cls=Command, context_settings=UNKNOWN_TO_WORDS)
@click.option("--data", type=click.Path(path_type=Path), help="A built dataset; default: toys.")
@click.option("--features", type=click.Path(path_type=Path), help="Store of sign features.")
@click.option("--model", default="ssl-ssaw", show_default=True)
@key_value_words
def main(data: Path | None, features: Path | None, model: str, words: tuple[str, ...]) -> None:
    """Train MODEL for a few epochs, and print its speed beside that of the bare steps."""
    if model not in METHODS:
        raise known(model, METHODS, "model")
    if features is not None and data is None:
        raise click.UsageError("--features is a store of a dataset: pass --data, too.")
    method = METHODS[model]
    options = options_of(method, words, toys=data is None)
    with TemporaryDirectory() as made:
        folder = Path(made)
        if data is None:
            data, features = toy(folder)
        if features is not None and method.config.sees_video and not options.get("frames_root"):
            options = {"features": str(features)} | options
        baseline = method(**options)
        found = find_dataset(data=data)
        task = TaskData(found.task, found.dataset, baseline.track)
        gpu = baseline.config.device != "cpu"
        for title, rows in tables(baseline, task, folder / "run", gpu_reader() if gpu else None):
            print_table(title, ("what", "training", "bare loop", "ratio"), rows)


if __name__ == "__main__":
    main()
