"""The job of a run: materials, train and dev as a method reads them, scores of dev. (Ours.)"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.data import Row, SignDataset, read_rows
from baselines.materials import DEV, has_begun, make_materials
from baselines.stage import Job
from baselines.train_share import train_samples
from benchmarks.left_out import read_left_out, write_left_out
from benchmarks.scorer import load_references, score
from benchmarks.split_data import rows_of
from qa_builder.errors import QbsltError

if TYPE_CHECKING:
    from accelerate import Accelerator

    from baselines.config import Config
    from baselines.graph import Graph
    from benchmarks.models import Run, TaskData
    from qa_builder.samples import Sample


def make_job(
    config: Config, graph: Graph, data: TaskData, run: Run, accelerator: Accelerator
) -> Job:  # fmt: skip
    """What the stages of a run share; leaves in its folder which samples it learns without.

    Raises QbsltError for data that the method can't be trained on, and for a run that goes on with
    a store that now lacks other clips.
    """
    with accelerator.main_process_first():
        materials = make_materials(
            config, graph, data, run.folder, write=accelerator.is_main_process
        )
    samples = {"train": train_samples(data, config), DEV: list(data.samples(DEV))}
    rows = {
        split: read_rows(found, graph, config, split=split, train=True, store=materials.source)
        for split, found in samples.items()
    }
    left_out = {split: _lacking(samples[split], rows[split]) for split in samples}
    _note(left_out, samples, run.folder, write=accelerator.is_main_process)
    sets = {
        split: SignDataset(
            found, materials.vocabulary, config, train=True, store=materials.source,
            glosses=materials.glosses, seed=run.seed,
        )
        for split, found in rows.items()
    }  # fmt: skip
    scored = [row.sample_id for row in rows[DEV]] if left_out[DEV] else None
    return Job(config=config, graph=graph, data=data, run=run, materials=materials, sets=sets,
               accelerator=accelerator, scores=dev_scorer(data, run, scored))  # fmt: skip


def dev_scorer(
    data: TaskData, run: Run, ids: Collection[str] | None = None
) -> Callable[[dict[str, str]], dict[str, float]]:
    """Scores of translations of dev, by sample id, in percent: the benchmark's own.

    With `ids` of these samples alone: those that are translated.
    """
    references = load_references(data.dataset, DEV)
    if ids is not None:
        references = rows_of(references, ids)
    task = replace(data.task, split=DEV)

    def scores(texts: dict[str, str]) -> dict[str, float]:
        hypotheses = [texts[sample_id] for sample_id in references.sample_id]
        result = score(task, references, hypotheses, system=str(run.folder), resamples=1)
        found = result.scores[task.convention]
        return {name: cell["value"] for name, cell in found.items()}

    return scores


def _lacking(samples: Sequence[Sample], rows: Sequence[Row]) -> list[str]:
    """The samples that are no rows: their clips have no features, or no frames."""
    there = {row.sample_id for row in rows}
    return [s.sample_id for s in samples if s.sample_id not in there]


def _note(
    left_out: dict[str, list[str]], samples: dict[str, list[Sample]], folder: Path, *, write: bool
) -> None:
    """Leave it in the run's folder; a run that goes on has to find what it began with."""
    before = read_left_out(folder)
    if before and has_begun(folder):
        for split, ids in left_out.items():
            began = before[split].ids if split in before else []
            if sorted(began) != sorted(ids):
                raise QbsltError(
                    f"this run began without {len(began):,} samples of {split}, now {len(ids):,} "
                    "have no video: features or frames have changed.", file=folder,
                    cure="Go on with those that it began with, or train in another folder.",
                )  # fmt: skip
    elif write:
        write_left_out(folder, left_out, {split: len(all_) for split, all_ in samples.items()})
