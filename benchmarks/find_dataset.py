"""Which built dataset a file of predictions is scored against."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.run_folder import RunConfig, read_run
from benchmarks.tasks.task import Task, load_task, task_for
from qa_builder.dataset import MANIFEST, Dataset, open_dataset
from qa_builder.errors import QbsltError

BUILT = Path("data")  # where `qa-builder build` puts datasets


@dataclass(frozen=True)
class Found:
    """A dataset and the task that it is."""

    dataset: Dataset
    task: Task
    run: RunConfig | None = None
    """The run that the predictions are of, if they lie in its folder."""
    warnings: tuple[str, ...] = ()


def find_dataset(
    *, data: Path | None = None, task: str | None = None, split: str | None = None,
    predictions: Path | None = None,
) -> Found:  # fmt: skip
    """The dataset of `data`, else of the run that the predictions lie in, else the only one built.

    `task` narrows the built ones down, and must be the dataset's. Raises QbsltError with the
    choices where that leaves none or several.
    """
    run = read_run(predictions.parent) if predictions is not None else None
    warnings: list[str] = []
    if data is not None:
        dataset = open_dataset(data)
    elif run is not None:
        if not Path(run.dataset).is_dir():
            raise QbsltError(
                "the dataset of this run is not there any more.", file=run.dataset,
                cure="Pass where it is now with --data.",
            )  # fmt: skip
        dataset = open_dataset(run.dataset)
        if dataset.fingerprint != run.fingerprint:
            warnings.append(f"the run was made on another build of {run.dataset}, with fingerprint "
                            f"{run.fingerprint[:16]}; now it is {dataset.fingerprint[:16]}")  # fmt: skip  # noqa: E501
        split = split or run.split
    else:
        dataset = _only_built(task)
    found = task_for(dataset, split)
    if task is not None and load_task(task).dataset != dataset.name:
        raise QbsltError(
            f"is the dataset {dataset.name}; the task {task} needs {load_task(task).dataset}.",
            file=dataset.path, cure="Pass its folder with --data, or leave --task away.",
        )  # fmt: skip
    return Found(dataset, found, run, tuple(warnings))


def _only_built(task: str | None) -> Dataset:
    wanted = None if task is None else load_task(task).dataset
    folders = sorted(m.parent for m in BUILT.glob(f"*/{MANIFEST}"))
    built = [open_dataset(folder) for folder in folders]
    fitting = [d for d in built if wanted in (None, d.name) and not d.questions_only]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        what = "no built dataset" if wanted is None else f"no built dataset {wanted}"
        raise QbsltError(
            f"there is {what} under {BUILT}/.",
            cure="Make one with `qa-builder build` (see `qa-builder build --help`), or pass --data DIR.",  # noqa: E501
        )
    choices = ", ".join(f"--data {d.path}" for d in fitting)
    raise QbsltError(f"several datasets are built; choose one: {choices}.")
