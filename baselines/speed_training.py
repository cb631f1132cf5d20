"""Speed of training against the least: the same steps over batches that lie in memory.

    python -m baselines.speed_training [--data DATASET --features STORE] [--model NAME] [KEY=VALUE]

Without a dataset the toy corpus and simulated features are made on the spot, for the preset tiny.
The least is forward, backward, clipping and the optimiser's step, in the same precision, without
reading, augmenting or logging anything. On a GPU the ratio is the share of the time in which it is
kept busy, as far as the bare loop keeps it busy; the peak of its memory is printed, too. (Ours.)
"""

from __future__ import annotations

import json
import resource
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import click
import torch

from baselines.batches import train_batches
from baselines.data import SignDataset, read_rows
from baselines.machine import described, make_accelerator
from baselines.materials import load_materials
from baselines.methods import METHODS
from baselines.train_share import train_samples
from baselines.training import make_optimizer, train
from benchmarks.find_dataset import find_dataset
from benchmarks.models import Run, TaskData
from benchmarks.runner import read_options
from qa_builder.console import print_table

_BATCHES = 40  # of the bare loop, at most
_ROUNDS = 3


class Speed(NamedTuple):
    """Of one loop."""

    steps: float
    """A second."""
    frames: float
    """A second."""


def trained(config: Any, graph: Any, data: TaskData, folder: Path) -> Speed:
    """The median over the lines of metrics.jsonl, but for the first, of a real training."""
    train(config, graph, data, Run(folder, 0))
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    rates = [line["rate"] for line in lines if line["kind"] == "train"]
    batches = _batches(config, graph, data, folder)
    frames = sum(batch.frames for batch in batches) / len(batches)
    rate = median(rates[1:] or rates)
    return Speed(rate / frames, rate)


def bare(config: Any, graph: Any, data: TaskData, folder: Path) -> Speed:
    """The fastest of some rounds over batches in memory."""
    accelerator = make_accelerator(config)
    device = accelerator.device
    model = load_materials(config, graph, folder).translator(config, graph).to(device).train()
    wrapped, optimizer = accelerator.prepare_model(model), make_optimizer(model, config)
    batches = [batch.to(device) for batch in _batches(config, graph, data, folder)]
    best = 0.0
    for _ in range(1 + _ROUNDS):  # the first round warms up
        begun = time.perf_counter()
        for batch in batches:
            optimizer.zero_grad(set_to_none=True)
            accelerator.backward(wrapped(batch).total)
            accelerator.clip_grad_norm_(model.parameters(), config.clip_norm or 1e9)
            optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        best = max(best, len(batches) / (time.perf_counter() - begun))
    return Speed(best, best * sum(batch.frames for batch in batches) / len(batches))


def _batches(config: Any, graph: Any, data: TaskData, folder: Path) -> list[Any]:
    """The first batches of the second epoch, as they are trained on."""
    materials = load_materials(config, graph, folder)
    rows = read_rows(train_samples(data, config), graph, config, split="train", train=True,
                     store=materials.source)  # fmt: skip
    dataset = SignDataset(rows, materials.vocabulary, config, train=True, store=materials.source,
                          glosses=materials.glosses)  # fmt: skip
    chosen = train_batches(dataset, 1)[:_BATCHES]
    return [dataset.collate([dataset[(i, 1)] for i in batch]) for batch in chosen]


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


@click.command()
@click.option("--data", type=click.Path(path_type=Path))
@click.option("--features", type=click.Path(path_type=Path))
@click.option("--model", default="ssl-ssaw", show_default=True)
@click.argument("words", nargs=-1, metavar="[KEY=VALUE]...")
def main(data: Path | None, features: Path | None, model: str, words: tuple[str, ...]) -> None:
    """Print the table."""
    with TemporaryDirectory() as made:
        folder = Path(made)
        given: dict[str, Any] = {"tensorboard": False, "eval_every": 1000, "patience": 0}
        if data is None:
            data, features = toy(folder)
            given |= {"preset": "tiny", "epochs": 5}
        if features is not None:
            given["features"] = str(features)
        method = METHODS[model]
        baseline = method(**given | read_options(None, words))
        found = find_dataset(data=data)
        task = TaskData(found.task, found.dataset, baseline.track)
        arguments = (baseline.config, baseline.graph, task, folder / "run")
        ours, least = trained(*arguments), bare(*arguments)
        rows = [
            (
                "steps/s",
                f"{ours.steps:.2f}",
                f"{least.steps:.2f}",
                f"{ours.steps / least.steps:.2f}",
            ),
            ("frames/s", f"{ours.frames:,.0f}", f"{least.frames:,.0f}", ""),
            ("peak memory, GB", f"{_peak():.2f}", "", ""),
        ]
        title = f"{model}, preset {baseline.config.preset}; {described()}"
        print_table(title, ("what", "training", "bare loop", "ratio"), rows)


def _peak() -> float:
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main()
