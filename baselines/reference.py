"""Stage 2 of SCL-SLT: trajectories of all pairs of train, at the reference model's checkpoints.

RUN/trajectories/step-000005.npy ...   similarities after so many epochs (`trajectories.py`)
RUN/trajectories/pair-scores.npy       d + d.T, d = last - first: what selection works with
RUN/trajectories/analysis.json         what they show, and report.html the same for people
"""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines import checkpoint
from baselines.machine import memory
from baselines.materials import CHECKPOINTS
from baselines.retrieval import tokens_of
from baselines.trajectories import (
    Source,
    Tokens,
    Trajectories,
    need_space,
    open_trajectories,
    write_trajectories,
)
from qa_builder.atomic import replace_text
from qa_builder.errors import QbsltError

if TYPE_CHECKING:
    from baselines.stage import Job, Stage
    from baselines.translator import Translator

TRAJECTORIES, ANALYSIS, REPORT = "trajectories", "analysis.json", "report.html"
# Options that change nothing in a reference model: where it runs, and what comes after it.
_OF_NO_MATTER = {
    "preset", "features", "frames_root", "weights", "workers", "device", "tensorboard",
    "save_steps", "eval_every",
    "batch_frames", "beams", "eval_beams", "length_penalty", "no_repeat_ngram", "max_length",
    "label_smoothing", "contrast_weight", "contrast_epochs", "finetune", "schedule", "reference",
    "reference_every",
}  # fmt: skip


def steps_of(stage: Stage) -> list[int]:
    """The epochs (1, 2, ...) whose checkpoints a stage keeps."""
    last = stage.config.epochs
    return sorted({*range(stage.keep, last + 1, stage.keep), last})


def source_of(job: Job, stage: Stage) -> Source:
    """Of what the similarities are: the dataset and its features, and the reference model."""
    store = job.materials.store
    of_data = [job.data.dataset.fingerprint, "train", store and store.manifest["fingerprint"]]
    settings = stage.settings(job)
    of_model = {name: settings[name] for name in settings.keys() - _OF_NO_MATTER}
    return Source(
        dataset=_hashed(of_data), model=_hashed(of_model), aggregation=job.config.aggregation,
        simulated=bool(store and store.simulated), settings=of_model,
    )  # fmt: skip


def _hashed(what: Any) -> str:
    return sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]


def check_space(job: Job, stage: Stage) -> None:
    """Say how much space the matrices need and how much is free, before anything is trained."""
    folder = job.run.folder / TRAJECTORIES
    if not (folder / ANALYSIS).exists():
        need_space(job.run.folder, len(steps_of(stage)) + 1, len(job.sets["train"]), job.say)


def write(job: Job, stage: Stage) -> Trajectories:
    """The trajectories of a run and their analysis, or what is missing of them.

    `stage` is that of the reference model. Raises QbsltError for a checkpoint of it that is gone,
    too little space, and trajectories of something else in the run's folder.
    """
    folder, source = job.run.folder / TRAJECTORIES, source_of(job, stage)
    if job.accelerator.is_main_process:
        train, steps = job.sets["train"], steps_of(stage)
        job.say(f"stage 2/4, trajectories: {len(train):,} videos and sentences, after "
                f"{', '.join(map(str, steps))} epochs")  # fmt: skip

        @cache
        def model() -> Translator:
            return job.materials.translator(stage.config, stage.graph, trained=True)

        def encode(step: int) -> tuple[Tokens, Tokens]:
            at = checkpoint.find(stage.folder / CHECKPOINTS, checkpoint.kept(step))
            if at is None:
                raise QbsltError(
                    f"the reference model's checkpoint of epoch {step} is missing.",
                    file=stage.folder,
                    cure="Remove this folder, and the same command trains it again.",
                )
            checkpoint.load_weights(at, model())
            model().to(job.accelerator.device)
            return tokens_of(model(), train, stage.config, job.accelerator)

        with memory(f"while all pairs of {len(train):,} videos and sentences were compared",
                    "Lower max_frames: a video then has fewer tokens."):  # fmt: skip
            made = write_trajectories(
                folder, source, steps, encode, len(train), device=str(job.accelerator.device),
                log=job.say,
            )  # fmt: skip
            made.pair_scores(lambda line: None)  # its space is in what was needed above
            analyse(job, made)
    job.accelerator.wait_for_everyone()
    return open_trajectories(folder, source)


def borrow(job: Job, stage: Stage) -> Trajectories:
    """Those of the run `config.reference`; raises QbsltError if they are of something else."""
    folder = Path(job.config.reference) / TRAJECTORIES
    if not folder.is_dir():
        raise QbsltError("holds no trajectories.", file=folder,
                         cure="reference=RUN takes a run of scl-slt that is past its stage 2.")  # fmt: skip  # noqa: E501
    cure = ("Take a run with the same options of stage 1, or leave reference away: stages 1 and 2 "
            "are then run.")  # fmt: skip
    found = open_trajectories(folder, source_of(job, stage), cure)
    job.say(f"stages 1/4 and 2/4, reference and trajectories: taken from {folder}.")
    if (found.n, found.steps) != (len(job.sets["train"]), steps_of(stage)):
        raise QbsltError(f"holds trajectories of {found.n:,} samples after {found.steps} epochs, "
                         f"not of {len(job.sets['train']):,} after {steps_of(stage)}.",
                         file=folder)  # fmt: skip
    return found


def analyse(job: Job, made: Trajectories) -> None:
    """Write analysis.json and report.html, unless they are there; say the shares of the kinds."""
    from baselines import trajectory_analysis as analysis
    from baselines.trajectory_page import write_page
    from benchmarks.conventions import WITHOUT_BLANKS

    file = made.folder / ANALYSIS
    if file.exists():
        return
    rows = job.sets["train"].rows
    tokens = list if job.data.task.language in WITHOUT_BLANKS else str.split
    found = analysis.analyse(
        made, [row.sample_id for row in rows], [row.text for row in rows], tokens=tokens
    )
    found["shares"] = {
        kind: 100 * counts["pairs"] / max(found["pairs"], 1)
        for kind, counts in found["kinds"].items()
    }
    found["reported"] = analysis.REPORTED
    write_page(found, made.folder / REPORT)
    said = ", ".join(
        f"{kind} {share:.1f} %"
        + (f" (paper {analysis.REPORTED[kind]})" if kind in analysis.REPORTED else "")
        for kind, share in found["shares"].items()
    )
    simulated = " of simulated features" if made.source.simulated else ""
    job.say(f"trajectories{simulated}: {said}; {made.folder / REPORT}")
    replace_text(file, json.dumps(found, indent=1, ensure_ascii=False) + "\n")
