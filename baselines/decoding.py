"""Translations of samples: beam search by the library, over all processes, by the best checkpoint.

A method with a CTC head reads the glosses first, and they go through the text encoder. (Ours.)
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object

from baselines import checkpoint, ctc
from baselines.batches import loader, ordered_batches, shard
from baselines.data import Batch, SignDataset, as_source, read_rows
from baselines.machine import batch_memory, make_accelerator, memory
from baselines.materials import CHECKPOINTS, Materials, load_materials
from benchmarks.results import write_lines, write_text
from benchmarks.run_folder import glosses_file
from qa_builder.errors import QbsltError
from qa_builder.samples import Prediction

if TYPE_CHECKING:
    from baselines.config import Config
    from baselines.graph import Graph
    from baselines.translator import Translator
    from benchmarks.models import Run
    from qa_builder.samples import Sample

_LOWER = (
    "beams, eval_beams or batch_frames (with frames_root backbone_frames; or batch_size): a run "
    "that is trained already lends its weights to a new one (weights=RUN)"
)


class Translations(NamedTuple):
    """By sample id."""

    texts: dict[str, str]
    glosses: dict[str, str]
    """What a CTC head read; empty for methods without one."""
    bad_frames: int = 0
    """Pictures that could not be read."""


def predict(
    config: Config, graph: Graph, samples: Sequence[Sample], run: Run, notes: list[str],
    no_features: set[str],
) -> Iterator[Prediction]:  # fmt: skip
    """Translate samples of one split by the best checkpoint of a run's folder.

    Leaves the glosses that were read, and for a control that hides the video the likelihood of the
    references, in the folder; adds to `notes` what the result has to say, and to `no_features` the
    ids of samples without video. Raises QbsltError where nothing was trained.
    """
    best = checkpoint.find(run.folder / CHECKPOINTS, checkpoint.BEST)
    if best is None:
        raise QbsltError("holds no trained model.", file=run.folder,
                         cure="Train one: `qbslt-bench run --model ...` with this --out.")  # fmt: skip  # noqa: E501
    accelerator = make_accelerator(config)
    materials = load_materials(config, graph, run.folder)
    with memory("while the model was loaded", "Take a machine with more of it, or device=cpu."):
        model = materials.translator(config, graph, trained=True)
        checkpoint.load_weights(best, model)
        model.to(accelerator.device).eval()
    split = samples[0].clip.split
    rows = read_rows(samples, graph, config, split=split, train=False, store=materials.source,
                     seed=run.seed)  # fmt: skip
    no_features |= {row.sample_id for row in rows if not row.video}
    if no_features:
        what = "features" if config.features else "frames"
        notes.append(f"{len(no_features):,} samples have no {what}: translated without their video")
    dataset = SignDataset(rows, materials.vocabulary, config, train=graph.hide_sign,
                          store=materials.source)  # fmt: skip
    found = translate(model, dataset, config, materials, accelerator, beams=config.beams)
    if found.bad_frames:
        notes.append(f"{found.bad_frames:,} frames of {split} could not be read: black pictures")
    if accelerator.is_main_process and graph.ctc:
        read = ({"sample_id": i, "text": text} for i, text in found.glosses.items())
        write_lines(run.folder / glosses_file(split), read)
    if graph.hide_sign:
        said = likelihood(model, dataset, config, accelerator)
        if accelerator.is_main_process:
            write_text(run.folder / f"likelihood.{split}.json", [json.dumps(said, indent=1)])
            click.echo(f"{config.control} on {split}: "  # type: ignore[attr-defined]
                       f"{said['bits_per_token']:.3f} bits per token, "
                       f"{said['bits_per_sentence']:.1f} per sentence")  # fmt: skip
    for sample in samples:
        yield Prediction(sample.sample_id, found.texts[sample.sample_id])


@torch.no_grad()
def translate(
    model: Translator, dataset: SignDataset, config: Config, materials: Materials,
    accelerator: Accelerator, *, beams: int,
) -> Translations:  # fmt: skip
    """Translate the rows of a dataset; all processes get all of it."""
    texts: list[tuple[str, str]] = []
    glosses: list[tuple[str, str]] = []
    bad_frames = 0
    options = generation_options(config, materials, beams)
    for batch in _batches(dataset, config, accelerator):
        with batch_memory(batch, _LOWER), accelerator.autocast():
            ready, read = with_glosses(batch, model, config, materials)
            found = model.generate(ready, **options)
        texts += zip(batch.sample_ids, materials.vocabulary.decode(found), strict=True)
        glosses += zip(batch.sample_ids, read, strict=False)
        bad_frames += batch.bad_frames
    bad = sum(_gathered([bad_frames]))
    return Translations(dict(_gathered(texts)), dict(_gathered(glosses)), bad)


def with_glosses(
    batch: Batch, model: Translator, config: Config, materials: Materials
) -> tuple[Batch, list[str]]:
    """The batch with the glosses that the CTC head reads as its assistance, and these glosses.

    Without a head the batch as it is. The corpus's own glosses are never used here.
    """
    if model.ctc is None or materials.glosses is None:
        return batch, []
    beams: int = config.ctc_beams  # type: ignore[attr-defined]
    classes = ctc.decode(*model.read_glosses(batch), beams)
    read = [materials.glosses.decode(row) for row in classes]
    ids, mask = materials.vocabulary.encode_batch([as_source(text, config) for text in read])
    device = model.kinds.weight.device
    return replace(batch, assist_ids=ids.to(device), assist_mask=mask.to(device)), read


def generation_options(config: Config, materials: Materials, beams: int) -> dict[str, Any]:
    """Options of transformers' `generate`, of the config."""
    vocabulary = materials.vocabulary
    options: dict[str, Any] = {
        "num_beams": beams, "do_sample": False, "max_new_tokens": config.max_length,
        "no_repeat_ngram_size": config.no_repeat_ngram, "eos_token_id": vocabulary.eos_id,
        "pad_token_id": vocabulary.pad_id, "forced_bos_token_id": vocabulary.forced_bos_id,
        "decoder_start_token_id": vocabulary.decoder_start_id,
    }  # fmt: skip
    return options | ({"length_penalty": config.length_penalty} if beams > 1 else {})


@torch.no_grad()
def likelihood(
    model: Translator, dataset: SignDataset, config: Config, accelerator: Accelerator
) -> dict[str, float]:
    """How well a model guesses the sentences, in bits; a token is a piece, the end one of them."""
    rows: list[tuple[float, int]] = []
    for batch in _batches(dataset, config, accelerator):
        with batch_memory(batch, _LOWER), accelerator.autocast():
            nats, pieces = model.nll(batch)
        rows += zip(nats.tolist(), pieces.tolist(), strict=True)
    rows = _gathered(rows)
    bits = sum(nats for nats, _ in rows) / math.log(2)
    tokens = sum(pieces for _, pieces in rows)
    return {"sentences": len(rows), "tokens": tokens, "bits_per_token": bits / tokens,
            "bits_per_sentence": bits / len(rows)}  # fmt: skip


def _batches(
    dataset: SignDataset, config: Config, accelerator: Accelerator
) -> Iterator[Batch]:  # fmt: skip
    batches = shard(ordered_batches(dataset), accelerator.process_index, accelerator.num_processes)
    gpu = accelerator.device.type == "cuda"
    for batch in loader(dataset, batches, workers=config.workers, pin=gpu):
        yield batch.to(accelerator.device)


def _gathered(rows: list[Any]) -> list[Any]:
    """Those of all processes, each once."""
    found: list[Any] = gather_object(rows)
    return found
