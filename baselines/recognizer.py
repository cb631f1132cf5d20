"""A small gloss recogniser (CTC): how hard the features of a store are to read.

    python -m baselines.recognizer STORE DATASET [--epochs 12] [--seed 0] [--no-context]

Frames -> linear layer -> two convolutions of stride 2 -> bidirectional LSTM -> CTC (Graves et al.,
ICML 2006) over the glosses of train; best path decoding. Sizes are ours, small enough for a CPU.
The simulated signer is calibrated with it; it is no system to compare with published ones.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.metrics.base import Pairs, Prepared, Tokens, Vocabulary
from benchmarks.metrics.wer import Wer
from qa_builder.console import fail
from qa_builder.dataset import Dataset, open_dataset
from qa_builder.errors import QbsltError
from qa_builder.features.store import FeatureStore, open_store

BLANK = 0
STRIDE = 4  # frames a step of the output


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of one training; all that decides its result beside the data."""

    epochs: int = 12
    hidden: int = 192
    batch: int = 16
    rate: float = 2e-3
    dropout: float = 0.3
    seed: int = 0
    context: bool = True
    """Whether the LSTM is there: without it, a step sees 13 frames, about a sign."""


@dataclass(frozen=True)
class Clip:
    """A clip of which there are features."""

    clip_id: str
    glosses: tuple[str, ...]


class Recognizer(nn.Module):
    """Frames [clips, n, dim] -> log-probabilities [clips, steps, classes]; class 0 is the blank."""

    def __init__(self, dim: int, classes: int, settings: Settings) -> None:
        super().__init__()
        h = settings.hidden
        self.enter = nn.Sequential(nn.Linear(dim, h), nn.LayerNorm(h), nn.ReLU())
        self.convolutions = nn.ModuleList(nn.Conv1d(h, h, 5, stride=2, padding=2) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(h) for _ in range(2))
        self.dropout = nn.Dropout(settings.dropout)
        self.lstm = (
            nn.LSTM(h, h // 2, batch_first=True, bidirectional=True) if settings.context else None
        )
        self.leave = nn.Linear(h, classes)

    def forward(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Also gives the number of steps of each clip [clips], from that of its frames."""
        x = self.dropout(self.enter(frames))
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = x * _mask(lengths, x.shape[1])  # else a clip would depend on its batch
            x = torch.relu(norm(convolution(x.transpose(1, 2)).transpose(1, 2)))
            lengths = (lengths + 1) // 2
        x = self.dropout(x)
        if self.lstm is not None:
            packed = nn.utils.rnn.pack_padded_sequence(
                x, lengths, batch_first=True, enforce_sorted=False
            )
            y, _ = nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
            x = self.dropout(x + y)
        return self.leave(x).log_softmax(-1), lengths


def _mask(lengths: Tensor, n: int) -> Tensor:
    return (torch.arange(n) < lengths[:, None])[..., None]


def clips_of(dataset: Dataset, store: FeatureStore, split: str) -> list[Clip]:
    """The clips of a split that have a gloss and features, in the dataset's order, each once."""
    columns = dataset.columns(split, ["clip_id", "gloss"])
    glosses = dict(zip(columns["clip_id"], columns["gloss"], strict=True))
    found = [Clip(i, tuple(g.split())) for i, g in glosses.items() if g and i in store]
    if not found:
        raise QbsltError(f"has features of no clip with a gloss of {split}.", file=store.path,
                         cure="Take the store that was made of this dataset.")  # fmt: skip
    return found


def batches(clips: Sequence[Clip], store: FeatureStore, size: int) -> Iterator[list[Clip]]:
    """Clips of like lengths together, shortest first."""
    ordered = sorted(clips, key=lambda c: (len(store[c.clip_id]), c.clip_id))
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]


def collate(clips: Sequence[Clip], store: FeatureStore) -> tuple[Tensor, Tensor]:
    """Frames [clips, longest, dim], 0 where there is nothing, and numbers of frames [clips]."""
    arrays = [store[c.clip_id] for c in clips]
    frames = np.zeros((len(arrays), max(map(len, arrays)), int(np.prod(store.shape))), np.float32)
    for i, array in enumerate(arrays):
        frames[i, : len(array)] = np.nan_to_num(array.reshape(len(array), -1))
    return torch.from_numpy(frames), torch.tensor([len(a) for a in arrays])


def train(
    clips: Sequence[Clip], store: FeatureStore, vocabulary: Vocabulary, settings: Settings
) -> Recognizer:
    """A recogniser of `clips`; says the loss of each epoch."""
    torch.manual_seed(settings.seed)
    rng = random.Random(settings.seed)
    model = Recognizer(int(np.prod(store.shape)), len(vocabulary) + 1, settings)
    parts = list(batches(clips, store, settings.batch))
    optimizer = torch.optim.AdamW(model.parameters(), settings.rate, weight_decay=1e-2)
    steps = max(settings.epochs * len(parts), 4)  # a cycle of fewer can't be
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.rate, total_steps=steps, pct_start=0.2 if steps >= 10 else 0.5
    )
    ctc = nn.CTCLoss(BLANK, zero_infinity=True)  # a clip may have fewer steps than glosses
    for epoch in range(settings.epochs):
        model.train()
        rng.shuffle(parts)
        start, total = time.perf_counter(), 0.0
        for part in parts:
            output, seen = model(*collate(part, store))
            targets = [vocabulary[g] + 1 for clip in part for g in clip.glosses]
            lengths = torch.tensor([len(clip.glosses) for clip in part])
            loss = ctc(output.transpose(0, 1), torch.tensor(targets), seen, lengths)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
        seconds = time.perf_counter() - start
        click.echo(f"epoch {epoch + 1:>3}  loss {total / len(parts):6.3f}  {seconds:5.1f} s")
    return model


@torch.no_grad()
def recognize(
    model: Recognizer, clips: Sequence[Clip], store: FeatureStore, vocabulary: Vocabulary
) -> dict[str, tuple[str, ...]]:
    """The glosses of the best path of each clip."""
    model.eval()
    names = list(vocabulary)
    found = {}
    for part in batches(clips, store, 32):
        output, steps = model(*collate(part, store))
        best = output.argmax(-1)
        for clip, row, n in zip(part, best.tolist(), steps.tolist(), strict=True):
            path = [k for k, _ in groupby(row[:n]) if k != BLANK]
            found[clip.clip_id] = tuple(names[k - 1] for k in path)
    return found


def word_error_rate(clips: Sequence[Clip], found: dict[str, tuple[str, ...]]) -> float:
    """WER in percent, counted as `benchmarks.metrics.wer` does."""
    numbers = Vocabulary()

    def prepared(rows: list[tuple[str, ...]]) -> Prepared:
        tokens = Tokens.of(rows, numbers)
        return Prepared([" ".join(row) for row in rows], tokens, tokens)

    hypotheses = prepared([found[c.clip_id] for c in clips])
    references = prepared([c.glosses for c in clips])
    metric = Wer()
    statistics = metric.statistics(Pairs(hypotheses, references, None, numbers, "de"))
    return float(metric.score(statistics.sum(axis=0))[0])


def look_alikes(
    clips: Sequence[Clip], found: dict[str, tuple[str, ...]], manifest: dict[str, Any]
) -> tuple[int, int] | None:
    """Of a signer simulated from glosses: glosses taken for a look-alike, and all that have one.

    A gloss counts as taken for another where it is missing and one of its family is too many.
    """
    config = manifest["config"]
    if not manifest["simulated"] or config.get("made_of") != "glosses":
        return None
    from qa_builder.features.simulated import Difficulty, family_of

    difficulty = Difficulty(**config["parameters"])
    families: dict[str, int | None] = {}

    def counted(glosses: Counter[str]) -> Counter[int]:
        for g in glosses.keys() - families.keys():
            families[g] = family_of(config["seed"], g, difficulty)
        counts: Counter[int] = Counter()
        for g, n in glosses.items():
            family = families[g]
            counts.update({} if family is None else {family: n})
        return counts

    taken = total = 0
    for clip in clips:
        here, there = Counter(clip.glosses), Counter(found[clip.clip_id])
        taken += (counted(here - there) & counted(there - here)).total()
        total += counted(here).total()
    return taken, total


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.argument("dataset", type=click.Path(path_type=Path))
@click.option("--split", default="dev", show_default=True, help="What is recognised.")
@click.option("--train-clips", type=int, help="Train on so many clips, drawn by the seed.")
@click.option("--epochs", default=Settings.epochs, show_default=True)
@click.option("--hidden", default=Settings.hidden, show_default=True)
@click.option("--batch", default=Settings.batch, show_default=True)
@click.option("--seed", default=Settings.seed, show_default=True)
@click.option("--context/--no-context", default=True, help="With or without the LSTM.")
def main(store: Path, dataset: Path, split: str, train_clips: int | None, **given: Any) -> None:
    """Train on the STORE of a DATASET's features and print the word error rate of a split."""
    settings = Settings(**given)
    features, samples = open_store(store), open_dataset(dataset)
    clips = clips_of(samples, features, "train")
    if train_clips is not None:
        clips = random.Random(settings.seed).sample(clips, min(train_clips, len(clips)))
    vocabulary = Vocabulary()
    for clip in clips:
        for gloss in clip.glosses:
            _ = vocabulary[gloss]
    start = time.perf_counter()
    model = train(clips, features, vocabulary, settings)
    asked = clips_of(samples, features, split)
    found = recognize(model, asked, features, vocabulary)
    kind = "simulated features" if features.simulated else "features"
    click.echo(f"{kind} of {samples.name}: {features.manifest['config']}")
    click.echo(f"{settings}, {len(clips):,} clips, {time.perf_counter() - start:.0f} s")
    unseen = sum(g not in vocabulary for clip in asked for g in clip.glosses)
    total = sum(len(clip.glosses) for clip in asked)
    click.echo(f"{split}: {len(asked):,} clips, {total:,} glosses, {unseen:,} not in train")
    click.echo(f"WER {word_error_rate(asked, found):.1f} %")
    if (taken := look_alikes(asked, found, features.manifest)) is not None:
        share = 100 * taken[0] / max(1, taken[1])
        click.echo(f"taken for a look-alike: {taken[0]:,} of {taken[1]:,} ({share:.1f} %)")


if __name__ == "__main__":
    try:
        main()
    except QbsltError as e:
        fail(str(e), e.exit_code)
