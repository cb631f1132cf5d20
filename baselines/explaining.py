"""What a trained run looked at when it translated some samples: weights and attention. (Ours.)

The samples are translated once more, each by itself, by the run's best checkpoint and options.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from baselines import checkpoint
from baselines.augment import chosen_frames
from baselines.data import Row, SignDataset, read_rows
from baselines.decoding import generation_options, with_glosses
from baselines.machine import explained, make_accelerator
from baselines.materials import CHECKPOINTS, load_materials
from baselines.methods import METHODS
from baselines.stores import check_store
from baselines.text_encoder import STRIDE
from baselines.vocabulary import BYTES
from benchmarks.models import visible
from benchmarks.run_folder import CONFIG, RunConfig, read_run
from qa_builder.errors import QbsltError
from qa_builder.features.store import is_store

if TYPE_CHECKING:
    from baselines.config import Config
    from baselines.graph import Graph
    from baselines.materials import Materials
    from baselines.translator import Explanation, Translator
    from baselines.vocabulary import Vocabulary
    from qa_builder.dataset import Dataset
    from qa_builder.features.store import FeatureStore
    from qa_builder.samples import Clip

Floats = NDArray[np.float32]
Span = tuple[int, int]
END, INSIDE = "⟨end⟩", "·"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A translation of one sample and what it was made of: s sign positions, then p pieces."""

    sample_id: str
    clip: Clip
    source: str | None
    """What went through the text encoder: a question or glosses."""
    hypothesis: str
    pieces: list[str]
    """[length] of the hypothesis, for people; the last one is the end."""
    source_pieces: list[str]
    """[p]"""
    spans: list[Span]
    """[s] first frame of each sign position and the one behind its last, counted from 0; empty
    where the model had no video of the clip."""
    weights: Floats | None
    """[s + p] SSAW's, each between 0 and 1."""
    attention: Floats
    """[length, s + p] cross-attention, mean over layers and heads; rows sum to 1."""


@dataclass(frozen=True)
class TrainedRun:
    """A run's folder with the model that was trained there."""

    folder: Path
    about: RunConfig
    config: Config
    graph: Graph
    materials: Materials

    @property
    def store(self) -> FeatureStore | None:
        """The features that the model sees; None where it sees pictures, or no video."""
        return self.materials.store


def open_trained(
    folder: Path, features: Path | None = None, root: Path | None = None
) -> TrainedRun:  # fmt: skip
    """The run of a folder, without its weights.

    `features`: where its store is now; `root`: where the frames are, for a run that sees pictures.

    Raises QbsltError for a folder without a run, one of a model that is not ours, one that was not
    trained, and a store that is not there.
    """
    about = trained_config(folder)
    method = METHODS[about.model]
    config: Config = method.config(**method.resolve(about.options))
    config = replace(config, device="auto")  # a run of a GPU can be looked at without one
    if features is not None:
        config = replace(config, features=str(features.absolute()))
    elif config.features is not None and not is_store(Path(config.features)):
        raise QbsltError("the features of this run are not there any more.", file=config.features,
                         cure="Pass where the store is now with --features.")  # fmt: skip
    if root is not None and config.frames_root is not None:
        config = replace(config, frames_root=str(root.absolute()))
    graph: Graph = method.graph(config)
    return TrainedRun(folder, about, config, graph, load_materials(config, graph, folder))


def trained_config(folder: Path) -> RunConfig:
    """What a folder's run was started with; raises QbsltError where it has no trained model."""
    if not folder.is_dir():
        raise QbsltError("there is no such folder.", file=folder,
                         cure="Pass the folder that `qbslt-bench run` left.")  # fmt: skip
    about = read_run(folder)
    if about is None:
        raise QbsltError(f"holds no run (no {CONFIG} of one).", file=folder,
                         cure="Pass the folder that `qbslt-bench run` left.")  # fmt: skip
    if about.model not in METHODS:
        raise QbsltError(
            f"is a run of {about.model}, whose weights and attention are not known here.",
            file=folder, cure=f"This can look into {', '.join(METHODS)}.",
        )  # fmt: skip
    if checkpoint.find(folder / CHECKPOINTS, checkpoint.BEST) is None:
        raise QbsltError("holds no trained model.", file=folder,
                         cure="Train it: `qbslt-bench run --model ...` with this --out.")  # fmt: skip  # noqa: E501
    return about


def explain(
    run: TrainedRun, dataset: Dataset, split: str, sample_ids: Sequence[str]
) -> Iterator[Seen]:
    """Translate some samples of a split, in the order given, and keep what was looked at.

    Raises QbsltError for a store of another dataset, and as reading the split does.
    """
    config, graph, materials = run.config, run.graph, run.materials
    if run.store is not None:
        check_store(run.store, dataset, [split])
    accelerator = make_accelerator(config)
    model = materials.translator(config, graph, trained=True)
    best = checkpoint.find(run.folder / CHECKPOINTS, checkpoint.BEST)
    assert best is not None
    checkpoint.load_weights(best, model)
    model.to(accelerator.device).eval()
    samples = [visible(sample, graph.track) for sample in dataset.samples(split)]
    rows = read_rows(samples, graph, config, split=split, train=False,
                     store=materials.source, seed=run.about.seed)  # fmt: skip
    by_id = {row.sample_id: row for row in rows}
    clips = {sample.sample_id: sample.clip for sample in samples}
    chosen = SignDataset([by_id[i] for i in sample_ids], materials.vocabulary, config, train=False,
                         store=materials.source)  # fmt: skip
    options = generation_options(config, materials, config.beams)
    for number, row in enumerate(chosen.rows):
        batch = chosen.collate([chosen[number, None]]).to(accelerator.device)
        try:
            with torch.no_grad(), accelerator.autocast():
                ready, read = with_glosses(batch, model, config, materials)
                seen = model.explain(ready, **options)
        except RuntimeError as e:
            raise explained(e, batch) from None
        source = read[0] if read else row.source
        yield _readable(run, row, clips[row.sample_id], source, ready.assist_ids, seen, model)


def _readable(
    run: TrainedRun, row: Row, clip: Clip, source: str | None, assist: Any, seen: Explanation,
    model: Translator,
) -> Seen:  # fmt: skip
    """The explanation of one sample, without padding."""
    vocabulary = run.materials.vocabulary
    ids = seen.pieces[0].tolist()
    length = ids.index(vocabulary.eos_id) + 1 if vocabulary.eos_id in ids else len(ids)
    n, signs = int(seen.mask[0].sum()), int(seen.signs[0])
    pieces = [] if assist is None or model.text is None else assist[0, : n - signs].tolist()
    weights = None if seen.weights is None else _numbers(seen.weights[0, :n])
    return Seen(
        sample_id=row.sample_id, clip=clip, source=source,
        hypothesis=vocabulary.decode([ids])[0],
        pieces=labels(vocabulary, ids[:length]), source_pieces=labels(vocabulary, pieces),
        spans=_spans(run, row), weights=weights, attention=_numbers(seen.attention[0, :length, :n]),
    )  # fmt: skip


def _numbers(tensor: torch.Tensor) -> Floats:
    found: Floats = tensor.float().cpu().numpy()
    return found


def _spans(run: TrainedRun, row: Row) -> list[Span]:
    """Frames of the clip by sign position; a long clip was thinned before it was encoded."""
    store, images = run.materials.store, run.materials.images
    if run.graph.hide_sign or not row.video:
        return []
    if store is not None:
        n = store.row(row.clip_id).n_frames
    elif images is not None:
        n = images.length(row.clip_id)
    else:
        return []
    starts = chosen_frames(n, n, run.config.max_frames)[::STRIDE].tolist()
    return list(zip(starts, [*starts[1:], n], strict=True))


def labels(vocabulary: Vocabulary, ids: Sequence[int]) -> list[str]:
    """Pieces for people; of a character that is spelled in bytes the first byte shows it."""
    found = [END if i == vocabulary.eos_id else piece
             for i, piece in zip(ids, vocabulary.pieces(ids), strict=True)]  # fmt: skip
    codes = {piece: number for number, piece in enumerate(BYTES)}
    at = 0
    while at < len(found):
        if (first := codes.get(found[at])) is None:
            at += 1
            continue
        end = at + 1
        while end < len(found) and codes.get(found[end], 0) & 0xC0 == 0x80:  # it goes on
            end += 1
        spelled = bytes([first, *(codes[piece] for piece in found[at + 1 : end])])
        found[at:end] = [spelled.decode("utf-8", "replace"), *[INSIDE] * (end - at - 1)]
        at = end
    return found
