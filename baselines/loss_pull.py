"""Which loss pulls where: gradients of each loss on each part of a trained run's model.

    python -m baselines.loss_pull RUN [--batches 20] [--seed 0] [KEY=VALUE]

Of each loss, by its weight (KEY=VALUE changes options, so weights), the norm of its gradient, mean
over batches of train, and, beside the translation's, its cosine: 1 pulls the same way, 0 across, -1
against it. With another loss that is much longer than the translation's, the step follows the
other one: training clips and scales their sum. Dropout is on, as in training, and drawn alike for
each loss. (Ours.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import click
import torch
from torch import Tensor, nn

from baselines import checkpoint
from baselines.batches import train_batches
from baselines.data import Batch, SignDataset, read_rows
from baselines.explaining import TrainedRun, open_trained
from baselines.materials import CHECKPOINTS
from baselines.methods import METHODS
from baselines.train_share import train_samples
from benchmarks.find_dataset import find_dataset
from benchmarks.models import TaskData
from benchmarks.runner import read_options
from qa_builder.console import fail, print_table
from qa_builder.errors import QbsltError

if TYPE_CHECKING:
    from baselines.translator import Translator

LOSSES = ("translation", "contrast", "mlm", "sentences", "ctc")  # weights of the graph
Gradients = dict[str, Tensor]  # by part of the model, flat


def parts_of(model: Translator) -> dict[str, list[nn.Parameter]]:
    """The parts of a model that several losses may train; the embeddings are one of their own."""
    shared = model.mbart.model.shared
    modules: dict[str, nn.Module | None] = {
        "embeddings": shared, "sign encoder": model.sign, "text encoder": model.text,
        "SSAW": model.ssaw, "fusion encoder": model.mbart.model.encoder,
        "decoder": model.mbart.model.decoder,
    }  # fmt: skip
    taken: set[int] = set()
    found = {}
    for name, module in modules.items():
        own = [p for p in (module.parameters() if module else ())
               if p.requires_grad and id(p) not in taken]  # fmt: skip
        taken |= {id(p) for p in own}
        if own:
            found[name] = own
    return found


def gradients(model: Translator, batch: Batch, seed: int) -> dict[str, Gradients]:
    """Of each loss that the graph has, by its weight: its gradient on each part of the model."""
    graph, parts = model.graph, parts_of(model)
    there = [name for name in LOSSES if getattr(graph, name)]
    found = {}
    for name in there:
        silent: dict[str, Any] = {other: 0.0 for other in there if other != name}
        model.graph = graph._replace(**silent)
        model.zero_grad(set_to_none=True)
        torch.manual_seed(seed)
        model(batch).total.backward()
        found[name] = {
            part: torch.cat([(p.new_zeros(p.shape) if p.grad is None else p.grad).flatten()
                             for p in parameters])
            for part, parameters in parts.items()
        }  # fmt: skip
    model.graph = graph
    model.zero_grad(set_to_none=True)
    return found


def pull(of: Mapping[str, Gradients]) -> dict[tuple[str, str], tuple[float, float]]:
    """(Norm, cosine with the translation's) by part of the model and loss; of all parts: "all"."""
    whole = {loss: {**g, "all": torch.cat(list(g.values()))} for loss, g in of.items()}
    found = {}
    for loss, by_part in whole.items():
        for part, g in by_part.items():
            other = whole["translation"][part]
            cosine = torch.nn.functional.cosine_similarity(g, other, dim=0)
            found[part, loss] = float(g.norm()), float(cosine)
    return found


def _batches(run: TrainedRun, count: int) -> Iterator[Batch]:
    found = find_dataset(data=Path(run.about.dataset))
    data = TaskData(found.task, found.dataset, run.about.track)
    store = run.materials.source
    rows = read_rows(train_samples(data, run.config), run.graph, run.config, split="train",
                     train=True, store=store)  # fmt: skip
    dataset = SignDataset(rows, run.materials.vocabulary, run.config, train=True, store=store,
                          glosses=run.materials.glosses, seed=run.about.seed)  # fmt: skip
    for keys in train_batches(dataset, 0)[:count]:
        yield dataset.collate([dataset[(i, 0)] for i in keys])


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--batches", type=click.IntRange(1), default=20, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.argument("words", nargs=-1, metavar="[KEY=VALUE]...")
def main(folder: Path, batches: int, seed: int, words: tuple[str, ...]) -> None:
    """Print the table."""
    run = open_trained(folder)
    method = METHODS[run.about.model]
    config = method.config(**method.resolve({**asdict(run.config), **read_options(None, words)}))
    graph = method.graph(config)
    if not graph.translation or sum(bool(getattr(graph, name)) for name in LOSSES) < 2:
        raise QbsltError("has no loss beside the translation.", file=folder,
                         cure="Take a run that was trained with one.")  # fmt: skip
    torch.manual_seed(seed)
    model = run.materials.translator(config, graph)
    best = checkpoint.find(folder / CHECKPOINTS, checkpoint.BEST)
    assert best is not None  # open_trained has looked
    checkpoint.load_weights(best, model)
    pulls = [pull(gradients(model.train(), batch, seed)) for batch in _batches(run, batches)]
    losses = list(dict.fromkeys(loss for _, loss in pulls[0]))
    columns = ["part of the model", *(f"{loss}{what}" for loss in losses
               for what in ([": norm"] if loss == "translation" else [": norm", ": cosine"]))]  # fmt: skip  # noqa: E501
    rows = []
    for part in dict.fromkeys(part for part, _ in pulls[0]):
        row = [part]
        for loss in losses:
            norms, cosines = zip(*(p[part, loss] for p in pulls), strict=True)
            row.append(f"{fmean(norms):.3f}")
            row += [] if loss == "translation" else [f"{fmean(cosines):+.3f}"]
        rows.append(row)
    print_table(f"{folder}: gradients of {len(pulls)} batches of train", columns, rows)


if __name__ == "__main__":
    try:
        main()
    except QbsltError as e:
        fail(str(e), e.exit_code)
