"""SCL-SLT (arXiv 2604.22374, ACL 2026), and CL-SLT, its control: contrast, then fine-tuning.

    stage 1   a reference model learns to tell which sentence belongs to which video
    stage 2   what became of the similarity of each pair meanwhile: its trajectory
    stage 3   contrast and translation, in batches chosen by it, from easy to hard
    stage 4   translation alone, without the text branch

CL-SLT is stages 3 and 4 in random batches: what it lacks to SCL-SLT is what selection adds. Both
begin stage 3 with the same weights. docs/scl-slt.md says what is from the paper and what is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines.config import ClSltConfig, SclSltConfig
from baselines.graph import Graph
from baselines.stage import Epoch, Job, Stage

if TYPE_CHECKING:
    from baselines.pair_selection import PairSelector

REFERENCE, CONTRAST = Path("stages", "1-reference"), Path("stages", "3-contrast")
ABLATIONS: dict[str, dict[str, Any]] = {
    "no selection": {"schedule": "random"},
    "no fine-tuning": {"finetune": False},
    "no contrast": {"schedule": "random", "contrast_weight": 0.0},
    "mean for CiCo": {"aggregation": "mean"},
    "CLS for CiCo": {"aggregation": "cls"},
}
BATCHES = "batches"  # lines of metrics.jsonl: one an epoch, with the figures of `Selection`


def graph(config: ClSltConfig) -> Graph:
    """What is fine-tuned and translated with; a question is fused with the video by SSAW."""
    asks = config.question == "ssaw"
    return Graph(
        track="video+question" if asks else "video", assist="question" if asks else None,
        ssaw="share" if asks else None, lora_rank=config.lora_rank, aggregation=config.aggregation,
        positives=config.equal_texts == "positives", freeze_text=config.freeze_text,
        temperature=config.temperature,
    )  # fmt: skip


def stages(job: Job) -> Iterator[Stage]:
    """Stages 1, 3 and 4, or those that the config leaves; 2 has no training, it comes before 3.

    Raises QbsltError for a batch larger than train, scores of another reference model, and what
    `baselines.reference` refuses.
    """
    config, run = job.config, job.run.folder
    schedule = config.schedule if isinstance(config, SclSltConfig) else "random"
    scores = None
    if schedule == "random":
        job.say("stages 1/4 and 2/4, reference and trajectories: not needed, batches are random.")
    else:
        from baselines import reference

        first = _reference_stage(job)
        if config.reference is None:
            reference.check_space(job, first)
            yield first
            scores = reference.write(job, first).pair_scores(_quiet)
        else:
            scores = reference.borrow(job, first).pair_scores(_quiet)
    contrast = Stage(
        config=_contrastive(config, config.contrast_epochs),
        graph=job.graph._replace(sentences=config.contrast_weight),
        folder=run / CONTRAST if config.finetune else run,
        title=f"stage 3/4, contrast and translation, {schedule} batches",
        batches=_selection(job, config.contrast_epochs, schedule, scores, job.say),
        size_option="contrast_batch_size",
    )
    yield contrast
    _tell_removed(job, contrast)
    if config.finetune:
        yield Stage(config=config, graph=job.graph, folder=run, title="stage 4/4, fine-tuning",
                    start=contrast.best)  # fmt: skip
    else:
        job.say("stage 4/4, fine-tuning: left out (finetune=false).")


def _reference_stage(job: Job) -> Stage:
    """Plain contrast: no translation, no question, batches at random."""
    config = job.config
    compares = job.graph._replace(track="video", assist=None, ssaw=None, translation=0.0,
                                  sentences=1.0)  # fmt: skip
    return Stage(
        config=_contrastive(config, config.reference_epochs), graph=compares,
        folder=job.run.folder / REFERENCE, title="stage 1/4, reference model",
        keep=config.reference_every, later=_matrices(job),
        batches=_selection(job, config.reference_epochs, "random", None, _quiet),
        size_option="contrast_batch_size",
    )  # fmt: skip


def _matrices(job: Job) -> int:
    """Bytes of the trajectories of stage 2: a float16 matrix a kept checkpoint, and the scores."""
    checkpoints: int = -(-job.config.reference_epochs // job.config.reference_every)
    return 2 * len(job.sets["train"]) ** 2 * (checkpoints + 1)


def _contrastive(config: ClSltConfig, epochs: int) -> ClSltConfig:
    """The options of a contrastive stage: a curriculum is gone through to its end."""
    return replace(config, epochs=epochs, patience=0, batch_size=config.contrast_batch_size)


class Selection:
    """The batches of a `PairSelector`, with the figures of `Selected` for metrics.jsonl."""

    def __init__(self, selector: PairSelector) -> None:
        self.selector, self.count = selector, len(selector.sizes)

    def __call__(self, epoch: int) -> Epoch:
        """`removed` are the would-be negatives that the rule for equal texts took away."""
        found = self.selector.epoch(epoch)
        removed = self.selector.removed(epoch)
        about: dict[str, float] = {
            "forced": found.forced, "together": found.together, "removed": removed,
        }  # fmt: skip
        if found.ratio is not None:
            about |= {"quantile": found.ratio, "d": found.score}
        return Epoch([batch.tolist() for batch in found.batches], about)


def _quiet(line: str) -> None:
    """Where a line would only say again what another one has said."""


def _selection(
    job: Job, epochs: int, schedule: str, scores: Any, log: Callable[[str], None]
) -> Selection:
    from baselines.pair_selection import PairSelector, group_by

    config, train = job.config, job.sets["train"]
    assert train.targets is not None
    # by their pieces, as the loss compares them
    groups = group_by(map(tuple, train.targets))
    return Selection(PairSelector(
        scores, n=len(train), batch_size=config.contrast_batch_size, epochs=epochs,
        schedule=schedule, seed=job.run.seed, groups=groups, same=config.equal_texts, log=log,
    ))  # fmt: skip


def _tell_removed(job: Job, stage: Stage) -> None:
    """How many negatives the rule for equal texts took from all epochs of a stage."""
    from baselines.journal import read_metrics

    rows = [row for row in read_metrics(stage.folder) if row["kind"] == BATCHES]
    removed = sum(row["removed"] for row in rows)
    epochs = "1 epoch" if len(rows) == 1 else f"{len(rows):,} epochs"
    job.say(f"equal texts: {removed:,} would-be negatives were removed in {epochs}.")
