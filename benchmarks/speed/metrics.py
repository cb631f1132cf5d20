"""Time of all metrics, conventions, a control and 1,000 resamples against the sacrebleu command.

    python -m benchmarks.speed.metrics 642 1176 20000

Made-up sentences: Zipf words, 14 a sentence, or 16 characters; hypotheses with three words in ten
replaced. The sacrebleu command computes BLEU and chrF with intervals of one system.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np

from benchmarks.conventions import LEGACY, STANDARD, STANDARD_PHOENIX
from benchmarks.metrics.base import Ints
from benchmarks.references import References
from benchmarks.significance import bootstrap, interval, paired_bootstrap, units_of
from benchmarks.speed import calling
from qa_builder.console import Command

RESAMPLES, SEED = 1000, 12345


def made_up(n: int, language: str) -> tuple[list[str], list[str], list[str]]:
    """References, hypotheses and questions of n segments."""
    rng = np.random.default_rng(SEED)
    words = [f"{chr(0x4E00 + i)}" if language == "zh" else _word(i) for i in range(2000)]
    blank = "" if language == "zh" else " "
    lengths = rng.integers(6, 27 if language == "zh" else 23, n)
    rows = [np.minimum(rng.zipf(1.3, k), len(words)) - 1 for k in lengths]

    def noisy(row: Ints, part: float) -> Ints:
        return np.where(rng.random(len(row)) < part, rng.permutation(row), row)

    def text(row: Ints) -> str:
        return blank.join(words[i] for i in row)

    return (
        [text(row) for row in rows],
        [text(noisy(row, 0.5)) for row in rows],
        [text(noisy(row, 0.8)) for row in rows],
    )


def _word(i: int) -> str:
    letters = "etanirsdulhgomcbfwkzvpäüöjyxqß"
    return "".join(letters[(i // 7**k + 3 * k) % len(letters)] for k in range(2 + i % 7))


def score(references: list[str], systems: list[list[str]], questions: list[str], lang: str) -> None:
    """What a scoring command computes: all scores, intervals, and the gain over the last system."""
    standard = STANDARD if lang == "zh" else STANDARD_PHOENIX
    of = References(references, lang, questions)
    statistics = [of.statistics(s, (standard, *LEGACY))[standard.name] for s in systems]
    columns = np.hstack([part for system in statistics for part in system])
    sums = bootstrap(columns, units_of(references), RESAMPLES, SEED)
    start, results = 0, []
    for system in statistics:
        for metric, part in zip(standard.metrics, system, strict=True):
            stop = start + part.shape[1]
            resampled = metric.score(sums[:, start:stop])
            interval(resampled)
            results.append((metric.score(part.sum(axis=0)), resampled))
            start = stop
    half = len(results) // 2
    for (a, resampled_a), (b, resampled_b) in zip(results[:half], results[half:], strict=True):
        for i in range(len(a)):
            paired_bootstrap(a[i], b[i], resampled_a[:, i], resampled_b[:, i])


def sacrebleu(references: list[str], hypotheses: list[str], language: str) -> float:
    """Wall time of the command, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        ref, hyp = Path(folder) / "ref", Path(folder) / "hyp"
        ref.write_text("\n".join(references) + "\n", "utf-8")
        hyp.write_text("\n".join(hypotheses) + "\n", "utf-8")
        tokenizer = "zh" if language == "zh" else "13a"
        options = ["-tok", tokenizer, "-m", "bleu", "chrf", "--confidence"]
        command = [sys.executable, "-m", "sacrebleu", str(ref), "-i", str(hyp), *options]
        start = time.perf_counter()
        calling.called(command)
        return time.perf_counter() - start


@click.command(cls=Command)
@calling.sizes
def main(sizes: tuple[int, ...]) -> None:
    """Print one line for each SIZE, a number of sentences, and language."""
    for n in sizes or (642, 1176, 20_000):
        for language in ("de", "zh"):
            references, hypotheses, questions = made_up(n, language)
            start = time.perf_counter()
            score(references, [hypotheses, questions], questions, language)
            ours = time.perf_counter() - start
            theirs = sacrebleu(references, hypotheses, language)
            print(
                f"{n:>7,} {language}  {ours:6.2f} s  sacrebleu {theirs:6.2f} s  {ours / theirs:.2f}"
            )


if __name__ == "__main__":
    main()
