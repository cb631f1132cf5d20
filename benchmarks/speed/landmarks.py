"""Landmarks: frames a second against a bare MediaPipe loop, and what a second worker brings.

`python -m benchmarks.speed.landmarks SHARED`: SHARED is a folder with a clip in `video/*.mp4`.

The bare loop decodes the same file by OpenCV, gives each frame to a new MediaPipe Holistic with the
same settings, and throws the result away; ours and the bare loop take turns in one process, and
both have all the threads that MediaPipe wants, as with `--workers 0`. One and two workers are those
of `qa-builder features`, with one thread each, without their start-up: each tells how long a clip
took, and its first clip does not count. What a worker adds to MediaPipe is told against a bare loop
on one core. A lone worker is slower than this process with all threads; how much, the last line
tells. Of several rounds, the fastest counts. Whatever else runs on
the machine slows all of this down, and two workers more than one; so each ratio is told by
processor time, too: it shows what our own work adds, and how much two workers hinder one another,
but not how much of the machine they got.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import click

from benchmarks.speed.calling import needed_folder
from qa_builder.console import Command, print_table
from qa_builder.errors import QbsltError
from qa_builder.executors import run_all
from qa_builder.features.base import ClipTask
from qa_builder.features.landmarks import SETTINGS, Landmarks, hushed

ROUNDS = 5
CLIPS = 4  # a worker, in each round


def bare(path: Path) -> int:
    """The least that can be done: decode and process; the number of frames."""
    import cv2
    from mediapipe.python.solutions.holistic import Holistic

    video, n = cv2.VideoCapture(str(path)), 0
    with Holistic(**SETTINGS) as holistic:
        while True:
            ok, frame = video.read()
            if not ok:
                return n
            holistic.process(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
            n += 1


class Rate(NamedTuple):
    """Frames a second, of all workers together."""

    seconds: float
    processor: float  # as if each had had a core of its own, all the time


def best(rates: Sequence[Rate]) -> Rate:
    """The fastest of several rounds."""
    return Rate(max(r.seconds for r in rates), max(r.processor for r in rates))


def rate(run: Callable[[], int]) -> Rate:
    """Frames a second of what gives a number of frames."""
    start, processor = time.perf_counter(), time.process_time()
    n = run()
    return Rate(n / (time.perf_counter() - start), n / (time.process_time() - processor))


def per_worker(path: Path) -> tuple[Rate, Rate]:
    """Our extractor and the bare loop, in turn."""
    extractor, task = Landmarks(path.parent), _task(path)
    extractor(task)  # loads MediaPipe and warms the file cache
    ours, least = [], []
    for _ in range(ROUNDS):
        ours.append(rate(lambda: len(extractor(task).features)))
        with hushed():
            least.append(rate(lambda: bare(path)))
    return best(ours), best(least)


class Took(NamedTuple):
    """What a clip took."""

    process: int
    frames: int
    seconds: float
    processor: float  # seconds of it, of all threads


@dataclass
class Timed:
    """Extracts a clip and tells what it took."""

    extractor: Landmarks

    def __call__(self, task: ClipTask) -> Took:
        start, processor = time.perf_counter(), time.process_time()
        n = len(self.extractor(task).features)
        return Took(os.getpid(), n, time.perf_counter() - start, time.process_time() - processor)


def together(path: Path, workers: int) -> Rate:
    """The rate of some workers, without each worker's first clip."""
    items = [_task(path)] * (CLIPS * workers)
    told = defaultdict(list)
    for _, took in run_all(Timed(Landmarks(path.parent)), items, workers=workers):
        assert isinstance(took, Took)
        told[took.process].append(took)
    assert len(told) == workers
    later = [clips[1:] for clips in told.values()]
    return Rate(
        sum(sum(t.frames for t in clips) / sum(t.seconds for t in clips) for clips in later),
        sum(sum(t.frames for t in clips) / sum(t.processor for t in clips) for clips in later),
    )


def on_one_core(path: Path) -> Rate:
    """The rate of the bare loop on one core."""
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(ours)})  # the threads that it starts inherit it
    try:
        with hushed():
            return rate(lambda: bare(path))
    finally:
        os.sched_setaffinity(0, ours)


def _task(path: Path) -> ClipTask:
    return ClipTask(path.stem, "train", None, None, path.name, None, None)


def _row(what: str, ours: float, other: float, budget: str) -> tuple[str, ...]:
    return what, f"{ours:.1f}", f"{other:.1f}", f"{ours / other:.2f}", budget


@click.command(cls=Command)
@needed_folder
def main(shared: Path) -> None:
    """Print what landmarks of the first clip in SHARED/video take."""
    path = min((shared / "video").glob("*.mp4"), default=None)
    if path is None:
        raise QbsltError("no clip (*.mp4) is in it.", file=shared / "video")
    ours, least = per_worker(path)
    rounds = [(together(path, 1), together(path, 2), on_one_core(path)) for _ in range(ROUNDS)]
    one, two, narrow = (best(rates) for rates in zip(*rounds, strict=True))
    rows = [
        _row("landmarks, all threads / bare loop", ours.seconds, least.seconds, ">= 0.95"),
        _row("... by processor time", ours.processor, least.processor, "-"),
        _row("one worker / bare loop on one core", one.seconds, narrow.seconds, ">= 0.95"),
        _row("... by processor time", one.processor, narrow.processor, "-"),
        _row("two workers / one, a thread each", two.seconds, one.seconds, ">= 1.7"),
        _row("... by processor time", two.processor, one.processor, "-"),
        _row("one worker / all threads", one.seconds, ours.seconds, "-"),
    ]
    columns = ("what", "frames/s", "against", "ratio", "budget")
    print_table(f"Landmarks of {path.name}", columns, rows)


if __name__ == "__main__":
    main()
