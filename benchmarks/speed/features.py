"""Sign features: how fast they are simulated and read, as ratios to what does the least.

`python -m benchmarks.speed.features [SHARED]`: SHARED is a folder with the real annotation files
and phoenix14t-frame-alignments.parquet: with it whole commands are measured, too. The store of
20,000 clips (1.2 GB) is made here.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.speed.build import Row, best
from benchmarks.speed.calling import called, failed, shared_folder
from qa_builder.console import Command, print_table
from qa_builder.features.base import ClipTask
from qa_builder.features.manifest import describe_run, make_manifest, write_manifest
from qa_builder.features.simulated import Simulated
from qa_builder.features.store import Row as ClipRow
from qa_builder.features.store import open_store, write_shards
from qa_builder.features.tasks import Tasks

DIM, FRAMES = 256, 117  # mean frames of a clip of PHOENIX
CLIPS, BATCH, ROUNDS = 20_000, 32, 100
ALIGNMENTS = "phoenix14t-frame-alignments.parquet"


def made_up(n: int) -> list[ClipTask]:
    """Clips of eight glosses, of a vocabulary of 1,000 by Zipf's law, and about 117 frames."""
    rng = np.random.default_rng(0)
    glosses = np.minimum(rng.zipf(1.3, (n, 8)), 1000)
    lengths = rng.integers(FRAMES // 2, FRAMES * 3 // 2, n).tolist()
    return [
        ClipTask(f"clip{i:06}", "train", f"s{i % 9}", " ".join(f"G{g}" for g in row), None, k, None)
        for i, (row, k) in enumerate(zip(glosses.tolist(), lengths, strict=True))
    ]


def row_of(task: ClipTask, features: NDArray[np.float16]) -> ClipRow:
    return ClipRow(task.clip_id, task.split, task.signer, None, None, len(features), 0)


def median(run: Callable[[list[str]], object], batches: list[list[str]]) -> float:
    """Seconds of a batch, of many different ones, after a round that warms the file."""
    for _ in range(2):
        times: list[float] = []
        for batch in batches:
            start = time.perf_counter()
            run(batch)
            times.append(time.perf_counter() - start)
    return float(np.median(times))


def simulate(tmp: Path) -> list[Row]:
    """One process, to disk, against drawing as many normal numbers and writing them."""
    tasks = made_up(2000)
    frames = sum(t.n_frames or 0 for t in tasks)

    def ours() -> object:
        simulated = Simulated(dim=DIM)
        with tempfile.TemporaryDirectory(dir=tmp) as folder:
            clips = ((t, simulated(t).features) for t in tasks)
            return write_shards(Path(folder), ((row_of(t, f), f) for t, f in clips), (DIM,))

    def least() -> object:
        rng = np.random.default_rng(0)
        schema = pa.schema([("features", pa.float16())])
        with pa.OSFile(str(tmp / "least.arrow"), "wb") as sink, pa.ipc.new_file(
            sink, schema
        ) as out:  # fmt: skip
            for task in tasks:
                size = (task.n_frames or 0) * DIM
                values = rng.standard_normal(size, np.float32).astype(np.float16)
                out.write_batch(pa.record_batch([pa.array(values)], schema=schema))
        return out

    a, b = best(ours, least, rounds=3)
    rates = f"{frames / a:,.0f} frames/s", f"{frames / b:,.0f} frames/s"
    return [("simulate and write, one process", *rates, f"{a / b:.2f}", "15,000 frames/s")]


def commands(shared: Path, tmp: Path) -> list[Row]:
    """Whole commands, and the memory of all their processes together."""
    alignments = ["--alignments", str(shared / ALIGNMENTS)]
    return [
        _command("phoenix", shared, alignments, tmp, "180 s, 2,000 MB"),
        _command("csl-daily", shared / "CSL-Daily", [], tmp, "-"),
    ]


def _command(corpus: str, root: Path, alignments: list[str], tmp: Path, budget: str) -> Row:
    built, out = tmp / corpus, tmp / f"{corpus}-store"
    qa_builder = [sys.executable, "-m", "qa_builder.cli"]
    given = ["--root", str(root), "--questions", "none", "--out", str(built)]
    called([*qa_builder, "build", corpus, *given])
    start = time.perf_counter()
    command = [*qa_builder, "features", str(built), "--extractor", "simulated", *alignments]
    command += ["--out", str(out)]
    # its errors are shown as they come: a pipe that nobody reads would stop it
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = _peak(child)
    seconds = time.perf_counter() - start
    if child.returncode:
        raise failed(command, child.returncode, "look above")
    store = open_store(out).manifest
    what = f"qa-builder features, {corpus}, {store['clips']:,} clips, {store['frames']:,} frames"
    return what, f"{seconds:.1f} s", f"{peak:,.0f} MB", "-", budget


def _peak(child: subprocess.Popen[bytes]) -> float:
    """Wait for a child; the most memory (MB) that it and its children had to themselves."""
    import psutil

    process, peak = psutil.Process(child.pid), 0
    while child.poll() is None:
        total = 0
        for p in [process, *process.children(recursive=True)]:
            try:
                memory = p.memory_full_info()
                total += memory.uss
            except psutil.Error:  # it has ended meanwhile
                continue
        peak = max(peak, total)
        time.sleep(0.2)
    return peak / 2**20


def large_store(folder: Path) -> Path:
    """A store of 20,000 clips; their features are a few, over and over."""
    rng = np.random.default_rng(0)
    some = rng.standard_normal((FRAMES * 2, DIM), np.float32).astype(np.float16)
    tasks = made_up(CLIPS)

    def clips() -> Iterator[tuple[ClipRow, NDArray[np.float16]]]:
        for task in tasks:
            features = some[: task.n_frames]
            rows.append(row_of(task, features))
            yield rows[-1], features

    rows: list[ClipRow] = []
    folder.mkdir()
    write_shards(folder, clips(), (DIM,))
    what = Tasks(tasks, {"clips": {}}, {}, None)
    run = describe_run("simulated", Simulated().describe(), what)
    write_manifest(folder, make_manifest(folder, run, what, rows, {}))
    return folder


def read(tmp: Path) -> list[Row]:
    """Opening a store, and copying a batch of clips, against pyarrow and numpy alone."""
    path = large_store(tmp / "large")
    files = sorted((path / "data").iterdir())

    def map_files() -> object:
        readers = [pa.ipc.open_file(pa.memory_map(str(f))) for f in files]
        return [r.get_batch(i).column("clip_id").to_pylist()
                for r in readers for i in range(r.num_record_batches)]  # fmt: skip

    opening, mapping = best(lambda: open_store(path), map_files)
    store, rng = open_store(path), np.random.default_rng(1)
    drawn = [[f"clip{i:06}" for i in rng.integers(0, CLIPS, BATCH)] for _ in range(ROUNDS)]
    flat = np.memmap(files[0], np.float16, "r")

    def batch(chosen: list[str]) -> object:
        features = [store[clip_id] for clip_id in chosen]
        padded = np.zeros((BATCH, max(map(len, features)), DIM), np.float16)
        for row, values in zip(padded, features, strict=True):
            row[: len(values)] = values
        return padded

    def copy(chosen: list[str]) -> object:
        out = np.zeros((BATCH, FRAMES * 3 // 2 * DIM), np.float16)
        for row, clip_id in zip(out, chosen, strict=True):
            start = int(clip_id[4:]) * 7919 % (len(flat) - FRAMES * DIM)
            row[: FRAMES * DIM] = flat[start : start + FRAMES * DIM]
        return out

    a, b = median(batch, drawn), median(copy, drawn)
    return [
        (f"open a store of {CLIPS:,} clips", f"{opening:.3f} s", f"{mapping:.3f} s",
         f"{opening / mapping:.2f}", "0.3 s"),
        (f"a padded batch of {BATCH} clips", f"{a * 1000:.2f} ms", f"{b * 1000:.2f} ms",
         f"{a / b:.2f}", "5 ms"),
    ]  # fmt: skip


@click.command(cls=Command)
@shared_folder
def main(shared: Path | None) -> None:
    """Print what features take; with the real annotation files of SHARED, whole commands, too."""
    with tempfile.TemporaryDirectory() as folder:
        tmp = Path(folder)
        columns = ("in one run", "ours", "least", "ratio", "budget")
        print_table("Simulated features", columns, [*simulate(tmp), *read(tmp)])
        if shared:
            columns = ("whole command", "time", "peak", "-", "budget")
            print_table("Simulated features", columns, commands(shared, tmp))


if __name__ == "__main__":
    main()
