"""A study: several systems, each with several seeds, run one after the other and put side by side.

    OUT/SYSTEM/seed-K/    the run, as `qbslt-bench run` leaves it
    OUT/SYSTEM/seed-K.log what it said
    OUT/study.json, study.md

Each run is a process of its own: `qbslt-bench run`. A run that is done is not run again, so a study
that was interrupted goes on. (Ours.)
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.find_dataset import Found, find_dataset
from benchmarks.models import Run
from benchmarks.results import RESULT
from benchmarks.run_folder import read_run
from benchmarks.runner import look_ahead, plan
from qa_builder.console import progress
from qa_builder.errors import QbsltError

Echo = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class System:
    """One row of a study."""

    label: str
    """Its row and its folder."""
    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    data: Path | None = None
    """A built dataset; None: the only one under data/."""
    uses: Mapping[str, str] = field(default_factory=dict)
    """Options that are the folder of another system's run of the same seed: its label by option."""
    published: Mapping[str, float] = field(default_factory=dict)
    """BLEU-4 that a paper gives it, in percent, by task: of other data and code than ours."""
    seeded: bool = True
    """False: its translations depend on no seed, so one run is enough."""


class Job(NamedTuple):
    """One run of a study."""

    system: System
    seed: int
    folder: Path
    found: Found

    @property
    def done(self) -> bool:
        """Whether its result is there. Raises QbsltError where that is of another configuration."""
        if not (self.folder / RESULT).exists():
            return False
        there = read_run(self.folder)
        _, config = plan(self.system.model, self.found, self.system.options, self.seed)
        if there != config:
            raise QbsltError("holds a run with another configuration than the study's.",
                             file=self.folder, cure="Choose another --out, or remove it.")  # fmt: skip  # noqa: E501
        return True


def jobs_of(systems: Sequence[System], out: Path, seeds: Sequence[int]) -> list[Job]:
    """The runs of a study: all with the first seed, then all with the next.

    Nothing is trained before all are looked at. Raises QbsltError for a model, an option or a
    dataset that is not there, for data that lack what a system reads, and a seed out of range.
    """
    found = {data: find_dataset(data=data) for data in {s.data for s in systems}}
    jobs = [
        Job(_with_folders(s, out, seed), seed, _folder(out, s.label, seed), found[s.data])
        for seed in seeds for s in systems if s.seeded or seed == seeds[0]
    ]  # fmt: skip
    looked: set[str] = set()
    for job in jobs:
        label = job.system.label
        try:
            model, config = plan(job.system.model, job.found, job.system.options, job.seed)
            if label not in looked and not (job.folder / RESULT).exists():
                looked.add(label)  # what the data lack, they lack for each seed
                look_ahead(model, job.found, Run(job.folder, job.seed, config.options))
        except QbsltError as e:
            raise QbsltError(f"{label}: {e}") from None
    return jobs


def run_study(jobs: Sequence[Job], *, at_once: int = 1, echo: Echo = lambda said: None) -> None:
    """Run what is not done, `at_once` at the same time; last those that use other runs.

    Raises QbsltError for the first run that fails, with what it said last; what is done stays.
    """
    left = [job for job in jobs if not job.done]
    if len(left) < len(jobs):
        echo(f"{len(jobs) - len(left)} of {len(jobs)} runs are done already")
    with progress("study", len(jobs), "runs") as advance:
        advance(len(jobs) - len(left))
        for lenders in (True, False):
            mine = [job for job in left if bool(job.system.uses) != lenders]
            for job in _in_threads(mine, at_once):
                echo(f"{job.system.label}, seed {job.seed}: {_headline(job.folder)}")
                advance(1)


def _folder(out: Path, label: str, seed: int) -> Path:
    name = "-".join(re.findall(r"\w[\w-]*", label))
    return out / name / f"seed-{seed}"


def _with_folders(system: System, out: Path, seed: int) -> System:
    folders = {key: str(_folder(out, label, seed)) for key, label in system.uses.items()}
    return replace(system, options={**system.options, **folders})


def _in_threads(jobs: Iterable[Job], at_once: int) -> Iterator[Job]:
    """The jobs, as they end. When one fails, or at Ctrl-C, the running ones are ended, too."""
    running: set[subprocess.Popen[str]] = set()
    stop = threading.Event()
    with ThreadPoolExecutor(at_once) as pool:
        waiting: set[Future[Job]] = {pool.submit(_run, job, running, stop) for job in jobs}
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_EXCEPTION, timeout=0.2)
                for future in done:
                    yield future.result()
        finally:
            stop.set()
            for process in list(running):
                process.terminate()


def _run(job: Job, running: set[subprocess.Popen[str]], stop: threading.Event) -> Job:
    if stop.is_set():
        return job
    words = [f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in job.system.options.items()]
    command = [
        sys.executable, "-m", "benchmarks.cli", "run", "--model", job.system.model,
        "--data", str(job.found.dataset.path), "--out", str(job.folder), "--seed", str(job.seed),
        *words,
    ]  # fmt: skip
    log = job.folder.with_name(f"{job.folder.name}.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, text=True,
                                   stdin=subprocess.DEVNULL, env=os.environ)  # fmt: skip
        running.add(process)
        try:
            code = process.wait()
        finally:
            running.discard(process)
    if code and not stop.is_set():
        raise QbsltError(f"{job.system.label} with seed {job.seed} ended with exit code {code}: "
                         f"{_last(log)}", file=log,
                         cure="The same command goes on with the runs that are done.")  # fmt: skip
    return job


def _last(log: Path) -> str:
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return (lines[-1] if lines else "it said nothing").removeprefix("error: ")


def _headline(folder: Path) -> str:
    result = read_result(folder)
    scores = next(iter(result["scores"].values()))
    return f"BLEU-4 {scores['bleu4']['value']:.2f}"


def read_result(folder: Path) -> dict[str, Any]:
    """The result.json of a run's folder."""
    found: dict[str, Any] = json.loads((folder / RESULT).read_text("utf-8"))
    return found
