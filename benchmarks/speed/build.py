"""How long building takes, as ratios to the library calls that do the least, in one run.

`python -m benchmarks.speed.build [SHARED]`: SHARED is a folder that holds the real annotation files
(PHOENIX-2014-T-release-v3, CSL-Daily, annotated-questions); the table of 600,000 rows is made here.
"""

from __future__ import annotations

import csv
import pickle
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from benchmarks.speed.calling import called, shared_folder
from qa_builder.build import build
from qa_builder.config import BuildConfig
from qa_builder.console import Command, print_table
from qa_builder.corpora.csl_daily import CslDaily
from qa_builder.corpora.phoenix import Phoenix
from qa_builder.questions.annotated import Annotated
from qa_builder.questions.base import NoQuestions

SPLITS = ("train", "dev", "test")
TABLE_ROWS = 600_000
Row = tuple[str, str, str, str, str]


def best(*runs: Callable[[], object], rounds: int = 5) -> list[float]:
    """Seconds of the fastest round of each, after one that warms the file cache.

    They take turns, so that whatever else the machine does falls on all of them.
    """
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds + 1):
        for run, seconds in zip(runs, times, strict=True):
            start = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - start)
    return [min(seconds[1:]) for seconds in times]


def write_tables(built: Path, out: Path) -> None:
    """Write the tables of a built dataset, read before, with pyarrow."""
    for split, table in _tables(built).items():
        pq.write_table(table, out / f"{split}.parquet", compression="zstd")


_cache: dict[Path, dict[str, object]] = {}


def _tables(built: Path) -> dict[str, object]:
    if built not in _cache:
        _cache[built] = {s: pq.read_table(built / "data" / f"{s}.parquet") for s in SPLITS}
    return _cache[built]


def phoenix(shared: Path, tmp: Path) -> Row:
    """Annotated questions, 8,257 rows, against reading the CSVs and writing the same table.

    Both without starting Python and importing pyarrow. Under the same budget of 3 as the
    command (`phoenix_command`).
    """
    corpus = Phoenix(shared)
    questions = [shared / "annotated-questions" / f"phoenix.{s}.txt" for s in SPLITS]
    out = tmp / "phoenix"
    seeds = iter(range(100))  # another seed each time: an equal build would be a no-op

    def ours() -> object:
        config = BuildConfig(corpus="phoenix", questions="annotated:x", seed=next(seeds))
        return build(config, corpus, Annotated(questions), out)

    def least() -> None:
        options = pa_csv.ParseOptions(delimiter="|", quote_char=False)
        for source in corpus.sources():
            pa_csv.read_csv(source.path, parse_options=options)
        write_tables(out, tmp)

    a, b = best(ours, least)
    name = "build phoenix, annotated: the work alone, in one process"
    return (name, f"{a:.3f} s", f"{b:.3f} s", f"{a / b:.2f}", "3")


def csl_daily(shared: Path, tmp: Path) -> Row:
    """The pickle, 20,654 rows, against plain `pickle.load` and writing the same table."""
    root, out = shared / "CSL-Daily", tmp / "csl"
    seeds = iter(range(100))

    def ours() -> object:
        config = BuildConfig(corpus="csl-daily", questions="none", seed=next(seeds))
        return build(config, CslDaily(root), NoQuestions(), out)

    def least() -> None:
        with (root / "sentence_label" / "csl2020ct_v2.pkl").open("rb") as f:
            pickle.load(f)  # noqa: S301  the file of this bench's own machine
        write_tables(out, tmp)

    a, b = best(ours, least)
    return ("build csl-daily", f"{a:.3f} s", f"{b:.3f} s", f"{a / b:.2f}", "2")


def no_op(shared: Path, tmp: Path) -> Row:
    """An unchanged build against hashing the files that it must look at."""
    config = BuildConfig(corpus="phoenix", questions="none")
    corpus = Phoenix(shared)

    def ours() -> object:
        return build(config, corpus, NoQuestions(), tmp / "same")

    def least() -> None:
        import hashlib

        for path in [s.path for s in corpus.sources()] + sorted((tmp / "same/data").iterdir()):
            hashlib.sha256(path.read_bytes()).hexdigest()

    a, b = best(ours, least)
    return ("unchanged build (no-op)", f"{a:.3f} s", f"{b:.3f} s", f"{a / b:.2f}", "-")


_PEAK = """
import resource, sys
from qa_builder.cli import main
try:
    main()
finally:
    status = open("/proc/self/status").read()
    own = int(status.split("VmHWM:")[1].split()[0])
    open(PEAK, "w").write(f"{own} {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss}")
"""


def peak_memory(arguments: list[str], tmp: Path, workers: int = 0) -> tuple[float, float]:
    """Peak resident memory (MB) and seconds of `qa-builder ARGUMENTS` in a process of its own.

    With workers, the peak of the largest is added as often as there are workers.
    """
    peak = tmp / "peak"
    code = _PEAK.replace("PEAK", repr(str(peak)), 1)
    start = time.perf_counter()
    called([sys.executable, "-c", code, *arguments])
    seconds = time.perf_counter() - start
    own, largest = map(int, peak.read_text().split())
    return (own + workers * largest) / 1024, seconds


_LEAST = """
import sys
import pyarrow.csv, pyarrow.feather, pyarrow.parquet
options = pyarrow.csv.ParseOptions(delimiter="|", quote_char=False)
for path in sys.argv[2:]:
    pyarrow.csv.read_csv(path, parse_options=options)
for split in ("train", "dev", "test"):
    table = pyarrow.feather.read_table(f"{sys.argv[1]}/{split}.arrow", memory_map=True)
    pyarrow.parquet.write_table(table, f"{sys.argv[1]}/{split}.parquet", compression="zstd")
"""


def phoenix_command(shared: Path, tmp: Path) -> Row:
    """The whole command, start-up and all, against a script that does the least."""
    import pyarrow.feather

    questions = [f"annotated:{shared}/annotated-questions/phoenix.{s}.txt" for s in SPLITS]
    arguments = ["build", "phoenix", "--root", str(shared), "--out", str(tmp / "command")]
    arguments += [a for q in questions for a in ("--questions", q)]
    for split, table in _tables(tmp / "phoenix").items():
        pyarrow.feather.write_feather(table, tmp / f"{split}.arrow", compression="uncompressed")
    sources = [str(s.path) for s in Phoenix(shared).sources()]
    seeds = iter(range(100))

    def ours() -> object:
        return _run("-m", "qa_builder.cli", *arguments, "--seed", str(next(seeds)))

    def least() -> object:
        return _run("-c", _LEAST, str(tmp), *sources)

    a, b = best(ours, least)
    name = "qa-builder build phoenix, annotated: the whole command"
    return (name, f"{a:.3f} s", f"{b:.3f} s", f"{a / b:.2f}", "3")


def _run(*arguments: str) -> object:
    return called([sys.executable, *arguments])


def make_table(path: Path, rows: int = TABLE_ROWS) -> Path:
    """An invented table of many rows."""
    words = [
        "regen",
        "wind",
        "sonne",
        "wolken",
        "norden",
        "süden",
        "morgen",
        "heute",
        "schnee",
        "nebel",
        "kalt",
        "warm",
    ]
    with path.open("w", newline="", encoding="utf-8") as f:
        writer = csv.writer(f)
        writer.writerow(["clip_id", "split", "signer", "gloss", "text", "question"])
        for i in range(rows):
            text = " ".join(words[(i * k + k) % len(words)] for k in range(1, 13))
            row = [f"clip{i:07d}", SPLITS[0 if i % 50 > 1 else i % 50 + 1], f"s{i % 9}"]
            writer.writerow([*row, text.upper(), f"{text} {i}", f"wie wird das wetter an tag {i}"])
    return path


def memory(shared: Path | None, tmp: Path) -> list[Row]:
    """Peak memory of whole commands."""
    out = ["--out", str(tmp / "memory")]
    rows: list[Row] = []
    if shared:
        for corpus, root in (("phoenix", shared), ("csl-daily", shared / "CSL-Daily")):
            mb, seconds = peak_memory(["build", corpus, "--root", str(root), *out], tmp)
            rows.append(
                (
                    f"build {corpus}, whole command",
                    f"{seconds:.2f} s",
                    f"{mb:.0f} MB",
                    "-",
                    "600 MB",
                )
            )
    table = make_table(tmp / "train.csv")
    size = table.stat().st_size / 2**20
    mb, seconds = peak_memory(
        ["build", "table", "--table", str(table), "--language", "de", *out], tmp
    )
    name = f"build table, {TABLE_ROWS:,} rows ({size:.0f} MB)"
    return [*rows, (name, f"{seconds:.2f} s", f"{mb:.0f} MB", "-", "1,500 MB")]


@click.command(cls=Command)
@shared_folder
def main(shared: Path | None) -> None:
    """Print what building takes; with the real annotation files of SHARED, that of them, too."""
    with tempfile.TemporaryDirectory() as folder:
        tmp = Path(folder)
        if shared:
            rows = [f(shared, tmp) for f in (phoenix, phoenix_command, csl_daily, no_op)]
            columns = ("in one run", "ours", "least", "ratio", "budget")
            print_table("Building: seconds of the fastest of five rounds", columns, rows)
        print_table("Building: whole commands", ("command", "time", "peak", "-", "budget"),
                    memory(shared, tmp))  # fmt: skip


if __name__ == "__main__":
    main()
