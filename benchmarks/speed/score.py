"""Time of `qbslt-bench score`, the whole process, against the sacrebleu command on the same files.

    python -m benchmarks.speed.score [642 1176 20000 100000]

Ours gives all metrics, conventions, strata, controls and 1,000 resamples; the sacrebleu command
BLEU and chrF with intervals. The sentences are those of `benchmarks.speed.metrics`, built as a
dataset with questions and a train split of 7,096 rows.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from benchmarks.speed import calling
from benchmarks.speed.metrics import made_up
from qa_builder.console import Command, print_table

SIZES = (642, 1176, 20_000, 100_000)
TRAIN = 7096
ROUNDS = 3
WITHOUT_SACREBLEU = 100_000  # there the budget is in seconds and bytes
BUDGETS = {642: "2", 1176: "2", 20_000: "1", 100_000: "60 s, 1 GB"}


def dataset(folder: Path, n: int, language: str) -> tuple[Path, Path, Path]:
    """A built dataset, and files of its references and of hypotheses."""
    texts, hypotheses, questions = made_up(n, language)
    train, _, asked = made_up(TRAIN, language)
    table = folder / "table.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("clip_id", "split", "text", "question", "signer"))
        for split, rows in (("train", zip(train, asked, strict=True)),
                            ("test", zip(texts, questions, strict=True))):  # fmt: skip
            for i, (text, question) in enumerate(rows):
                writer.writerow((f"{split}-{i:06}", split, text, question, f"s{i % 9}"))
    built = folder / "built"
    command = [sys.executable, "-m", "qa_builder.cli", "build", "table", "--table", str(table),
               "--language", language, "--out", str(built), "--allow-findings"]  # fmt: skip
    calling.called(command)
    files = folder / "references.txt", folder / "hypotheses.txt"
    for path, lines in zip(files, (texts, hypotheses), strict=True):
        path.write_text("\n".join(lines) + "\n", "utf-8")
    return built, *files


def best(command: list[str]) -> tuple[float, float]:
    """Seconds of the fastest of a few rounds, and the greatest memory in MB."""
    seconds, memory = [], 0.0
    for _ in range(ROUNDS):
        start = time.perf_counter()
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as child:
            memory = max(memory, _peak(child))
        seconds.append(time.perf_counter() - start)
        if child.returncode or seconds[-1] > 20:
            break
    if child.returncode:
        raise calling.failed(command, child.returncode)
    return min(seconds), memory


def _peak(child: subprocess.Popen[bytes]) -> float:
    """Wait for a child and give its greatest resident memory in MB."""
    import os

    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss / 1024


def measure(n: int, language: str) -> tuple[str, ...]:
    """One row of the table that is printed."""
    with tempfile.TemporaryDirectory() as name:
        built, references, hypotheses = dataset(Path(name), n, language)
        ours, memory = best(
            [sys.executable, "-m", "benchmarks.cli", "score", str(hypotheses), "--data", str(built)]
        )
        row = f"score {n:,} {language}", f"{ours:.2f} s", f"{memory:.0f} MB"
        if n >= WITHOUT_SACREBLEU:
            return *row, "-", "-", BUDGETS.get(n, "-")
        tokenizer = "zh" if language == "zh" else "13a"
        theirs, _ = best(
            [sys.executable, "-m", "sacrebleu", str(references), "-i", str(hypotheses),
             "-tok", tokenizer, "-m", "bleu", "chrf", "--confidence"]
        )  # fmt: skip
        return *row, f"{theirs:.2f} s", f"{ours / theirs:.2f}", BUDGETS.get(n, "-")


@click.command(cls=Command)
@calling.sizes
def main(sizes: tuple[int, ...]) -> None:
    """Print one row for each SIZE, a number of sentences, and language."""
    rows = [measure(n, language) for n in sizes or SIZES for language in ("de", "zh")]
    columns = ("what", "time", "memory", "sacrebleu", "ratio", "budget")
    print_table("Scoring, against the sacrebleu command", columns, rows)


if __name__ == "__main__":
    main()
