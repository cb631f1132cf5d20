"""The run: an extractor over a dataset's clips, resumable by clip, into a store. (Ours.)

Finished clips lie in `.STORE.partial` until all are done; then the store is written in the order of
the dataset and put in place in one step. So a killed run goes on where it stopped, and the store's
bytes depend neither on the number of workers nor on how often it was killed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from qa_builder.atomic import locked, new_version, recover
from qa_builder.errors import QbsltError, counted
from qa_builder.executors import check_executor, cores, run_all
from qa_builder.features.attempt import Attempt, Failure
from qa_builder.features.base import Extractor
from qa_builder.features.manifest import describe_run, make_manifest, write_manifest
from qa_builder.features.partial import Partial, partial_folder
from qa_builder.features.store import Row, is_store, open_store, why_no_store, write_shards
from qa_builder.features.tasks import Tasks
from qa_builder.processes import Died

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qa_builder.features.store import FeatureStore


class How(NamedTuple):
    """Where and by how many the work is done; changes nothing about the store."""

    workers: int | None = None  # default: one a core
    executor: str = "processes"
    address: str | None = None  # of a Ray cluster
    gpus: float = 0.0  # that each Ray worker takes
    restart: bool = False  # begin anew, whatever is there


class Extraction(NamedTuple):
    """What `extract` did."""

    store: FeatureStore
    changed: bool  # False: an equal store was there
    reused: int  # clips that an earlier run had finished
    frames: int  # that this run extracted


def extract(
    tasks: Tasks,
    extractor: Extractor,
    name: str,
    out: Path,
    how: How = How(),  # noqa: B008 - immutable
    advance: Callable[[int, int], None] = lambda clips, frames: None,
) -> Extraction:
    """Make the store `out` of the clips, unless an equal one without failures is there.

    `advance` is told of finished clips and their frames. Clips that fail are listed in the
    manifest; clips that failed in an earlier run are tried again. Raises QbsltError for settings
    that can't be, for an `out` that holds something else or an unfinished run of other settings,
    and where every clip fails. Whatever happens, `out` is the old store or the new one, whole.
    """
    check_executor(how.executor, how.workers or 0, how.address)
    _check_gpus(how)
    recover(out)
    _check_out(out)
    run = describe_run(name, extractor.describe(), tasks)
    old = open_store(out) if is_store(out) and not how.restart else None
    if old and old.manifest["key"] != run["key"]:
        old = None
    if old and not old.manifest["failures"]:
        _drop_rest(out, run)
        return Extraction(old, False, len(old), 0)
    with locked(out):
        partial = Partial(out, run, restart=how.restart)
        left = [i for i, t in enumerate(tasks.clips)
                if i not in partial.done and not (old and t.clip_id in old)]  # fmt: skip
        advance(len(tasks.clips) - len(left), 0)
        try:
            failures, frames = _work(tasks, left, Attempt(extractor, run["shape"]), partial, how,
                                     advance)  # fmt: skip
        finally:
            if not partial.done:  # nothing to go on with
                partial.remove()
        if len(failures) == len(tasks.clips):
            every = counted(len(failures), "clip")
            every = every if len(failures) == 1 else f"all {every}"
            first = min(failures)
            raise QbsltError(
                f"{every} failed; the first: [{tasks.clips[first].clip_id}] {failures[first]}"
            )
        rows: list[Row] = []
        with new_version(out) as folder:
            write_shards(folder, _noting(rows, _finished(tasks, partial, old)), run["shape"])
            write_manifest(folder, make_manifest(folder, run, tasks, rows, failures))
        partial.remove()  # before another command may begin: it would take it for its own
    return Extraction(open_store(out), True, len(tasks.clips) - len(left), frames)


def _drop_rest(out: Path, run: dict[str, Any]) -> None:
    """Remove what is left of a run that was killed after its store was in place."""
    if partial_folder(out).is_dir():
        with suppress(QbsltError), locked(out):  # another command's, or of other settings: left
            Partial(out, run).remove()


def _work(
    tasks: Tasks,
    left: Sequence[int],
    attempt: Attempt,
    partial: Partial,
    how: How,
    advance: Callable[[int, int], None],
) -> tuple[dict[int, str], int]:
    """Do what is left; gives the reasons of failures by the clip's number, and the frames done."""
    failures: dict[int, str] = {}
    frames = 0
    workers = min(cores() if how.workers is None else how.workers, len(left))
    results = run_all(
        attempt, (tasks.clips[i] for i in left), workers=workers, executor=how.executor,
        address=how.address, gpus=how.gpus,
    )  # fmt: skip
    with closing(results):  # nobody works on after an error
        for n, result in results if left else ():
            i = left[n]
            if isinstance(result, (Failure, Died)):
                failures[i] = result.why
                advance(1, 0)
            else:
                partial.keep(i, result)
                frames += len(result.features)
                advance(1, len(result.features))
    return failures, frames


def _finished(
    tasks: Tasks, partial: Partial, old: FeatureStore | None
) -> Iterator[tuple[Row, NDArray[np.float16]]]:
    """The clips that are done, in the order of the dataset."""
    for i, task in enumerate(tasks.clips):
        if i in partial.done:
            features, bad_frames = partial.get(i)
        elif old and task.clip_id in old:
            features, bad_frames = old[task.clip_id], old.row(task.clip_id).bad_frames
        else:
            continue
        fps = None if task.fps is None else str(task.fps)
        yield Row(task.clip_id, task.split, task.signer, task.frames, fps, len(features),
                  bad_frames), features  # fmt: skip


def _noting(
    rows: list[Row], clips: Iterable[tuple[Row, NDArray[np.float16]]]
) -> Iterator[tuple[Row, NDArray[np.float16]]]:
    """Pass clips on, and note their rows."""
    for row, features in clips:
        rows.append(row)
        yield row, features


def _check_gpus(how: How) -> None:
    """Refuse what Ray can't take: some number of whole GPUs, or a part of one."""
    gpus = how.gpus
    if not (0 <= gpus <= 1 or (gpus > 1 and gpus.is_integer())):
        raise QbsltError(f"--gpus {gpus:g} is neither a share of a GPU nor a number of them.",
                         cure="Take 0 to 1 (0.25: four workers share one), or a whole number.")  # fmt: skip  # noqa: E501
    if gpus and how.executor != "ray":
        raise QbsltError("--gpus is for Ray workers; others choose with --device.",
                         cure="Add --executor ray.")  # fmt: skip


def _check_out(out: Path) -> None:
    """Refuse to replace anything but a store."""
    if out.is_dir() and any(out.iterdir()) and (wrong := why_no_store(out)):
        raise QbsltError(f"{wrong.what}; what is there is left alone.", file=out,
                         cure="Choose another --out.")  # fmt: skip
    if out.exists() and not out.is_dir():
        raise QbsltError("is a file; --out is a folder.", file=out, cure="Choose another --out.")
