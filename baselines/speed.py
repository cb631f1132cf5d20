"""Speed of pair selection and of CiCo similarity, each against the least in the same run.

    python -m baselines.speed                     the budgets
    python -m baselines.speed curve [SIZE ...]    pair selection of one epoch by number of samples

Scores are made up: products of random vectors, in a float16 file that is memory-mapped. The least
that exact pair selection could do is to add every row of scores once. Each measurement has a
process of its own with one thread; times are of the processor, the fastest of some rounds, so that
other work on the machine shows little. Memory is the peak of the process, files it mapped included;
for CiCo the peak beyond the tokens.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np

from baselines.pair_selection import PairSelector
from qa_builder.console import Command, print_table
from qa_builder.errors import QbsltError

ROUNDS = 3
SIZES = (1000, 3000, 10_000, 30_000, 100_000)
# samples, distinct texts: PHOENIX-2014T, CSL-Daily; seconds, GB
BUDGETS = ((7096, 6853, 5, None), (18_401, 6578, 40, 1.5))
_BATCH = 16
_DIM = 16  # of the vectors of which scores are made
_PAIRS, _FRAMES, _WORDS, _WIDTH = 512, 32, 24, 256  # of the similarity


def vectors(n: int) -> Any:
    """Made-up vectors [n, 16]; the first half of their products adds, the second subtracts."""
    made = np.random.default_rng(0).standard_normal((n, _DIM), np.float32)
    signs = np.where(np.arange(_DIM) < _DIM // 2, 1, -1).astype(np.float32)
    return made, made * signs


def write_scores(path: Path, n: int, block: int = 4096) -> None:
    """A symmetric float16 file [n, n] of made-up scores."""
    a, b = vectors(n)
    out = np.lib.format.open_memmap(path, "w+", np.float16, (n, n))
    for i in range(0, n, block):
        for j in range(i, n, block):
            made = (a[i : i + block] @ b[j : j + block].T).astype(np.float16)
            out[i : i + block, j : j + block] = made
            out[j : j + block, i : i + block] = made.T
        out.flush()


def peak() -> float:
    """Greatest resident memory of this process so far, in MB."""
    line = next(s for s in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in s)
    return int(line.split()[1]) / 1024


def best(run: Callable[[], object], rounds: int = ROUNDS) -> tuple[float, float]:
    """Seconds of the processor and of the clock: the fastest round of each."""
    cpu, wall = [], []
    for _ in range(rounds):
        start, clock = time.process_time(), time.perf_counter()
        run()
        cpu.append(time.process_time() - start)
        wall.append(time.perf_counter() - clock)
    return min(cpu), min(wall)


def child_selection(path: str, n: int, texts: int, rounds: int, sampled: bool) -> None:
    """Print what an epoch in mid-curriculum takes; run in a process of its own."""
    rows: Any = None
    if sampled:
        a, b = vectors(n)

        def rows(sample: int, candidates: Any) -> Any:
            return b[candidates] @ a[sample]

    scores = rows or np.load(path, mmap_mode="r")
    groups = np.random.default_rng(1).integers(0, texts, n) if texts < n else None
    selector = PairSelector(scores, n=n, batch_size=_BATCH, epochs=80, groups=groups,
                            pool=min(4096, n) if sampled else n, log=lambda line: None)  # fmt: skip
    cpu, wall = best(lambda: selector.epoch(40), rounds)
    memory = peak()
    least = 0.0
    if not sampled:
        total = np.zeros(n, np.float32)
        least = best(lambda: [np.add(total, row, out=total) for row in scores], rounds)[0]
    print(json.dumps({"cpu": cpu, "wall": wall, "memory": memory, "least": least}))


def naive(video: Any, video_mask: Any, text: Any, text_mask: Any) -> Any:
    """CiCo with the cosines of all pairs at once, as it is usually written."""
    import torch
    import torch.nn.functional as F

    c = torch.einsum("itd,jld->ijtl", F.normalize(video, dim=-1), F.normalize(text, dim=-1))
    frames, words = video_mask[:, None, :, None], text_mask[None, :, None, :]
    of_frames = ((c / 0.07).masked_fill(~words, float("-inf")).softmax(-1) * c).sum(-1)
    of_words = ((c / 0.07).masked_fill(~frames, float("-inf")).softmax(-2) * c).sum(-2)
    return (
        (of_frames * video_mask[:, None]).sum(-1) / video_mask.sum(1)[:, None],
        (of_words * text_mask[None]).sum(-1) / text_mask.sum(1)[None],
    )


def child_cico(which: str, padded: bool) -> None:
    """Print what one way of the similarity takes; run in a process of its own."""
    import torch

    from baselines.cico import cico

    torch.set_num_threads(1)
    drawn = torch.Generator().manual_seed(0)
    given: list[Any] = []
    for longest in (_FRAMES, _WORDS):
        least = longest // 4 if padded else longest
        lengths = torch.randint(least, longest + 1, (_PAIRS, 1), generator=drawn)
        given += [torch.randn(_PAIRS, longest, _WIDTH, generator=drawn),
                  torch.arange(longest) < lengths]  # fmt: skip
    run = {"naive": naive, "cico": cico}[which]
    with torch.no_grad():
        run(*(x[:8] for x in given))  # loads what torch loads late
        before = peak()
        cpu, _ = best(lambda: run(*given))
        total = sum(float(side.double().sum()) for side in run(*given))
    print(json.dumps({"cpu": cpu, "memory": peak() - before, "total": total}))


def child(call: str) -> dict[str, float]:
    """Run a function of this module in a new process with one thread; gives what it printed."""
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}
    command = [sys.executable, "-c", f"from baselines import speed; speed.{call}"]
    env = os.environ | threads
    done = subprocess.run(command, check=False, env=env, stdout=subprocess.PIPE)
    if done.returncode:
        raise QbsltError(f"the process that was to measure {call} ended with {done.returncode}.",
                         cure="Look above for what it said; if nothing is there, for memory: "
                         "take fewer samples.")  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout)
    return found


def selection(folder: Path, n: int, texts: int, rounds: int = ROUNDS) -> dict[str, float]:
    """An epoch of exact pair selection, on a file that is made here and removed again."""
    path = folder / "scores.npy"
    try:
        child(f"write_scores(speed.Path({str(path)!r}), {n}); print('{{}}')")
        return child(f"child_selection({str(path)!r}, {n}, {texts}, {rounds}, False)")
    finally:
        path.unlink(missing_ok=True)


def budgets() -> None:
    """Print the budgets and what is reached; raises QbsltError where it can't be measured."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for n, texts, seconds, memory in BUDGETS:
            took = selection(Path(name), n, texts)
            rows.append((
                f"pairs of {n:,}, batch 16", f"{took['cpu']:.2f} s", f"{took['memory']:.0f} MB",
                f"{took['least']:.2f} s", f"{took['cpu'] / took['least']:.1f}",
                f"{seconds} s" + (f", {memory} GB" if memory else ""),
            ))  # fmt: skip
    for padded, what in ((False, "full"), (True, "a quarter to full")):
        plain, ours = (child(f"child_cico({w!r}, {padded})") for w in ("naive", "cico"))
        if abs(plain["total"] / ours["total"] - 1) > 1e-5:
            raise SystemExit("the two forms of CiCo give different numbers")
        rows.append((
            f"CiCo {_PAIRS} x {_PAIRS}, {what}", f"{ours['cpu']:.2f} s",
            f"{ours['memory']:.0f} MB", f"{plain['cpu']:.2f} s, {plain['memory']:.0f} MB",
            f"{ours['cpu'] / plain['cpu']:.2f}, {ours['memory'] / plain['memory']:.3f}",
            "0.5, 0.1" if padded is False else "-",
        ))  # fmt: skip
    columns = ("what", "time", "memory", "least or naive", "ratio", "budget")
    print_table("Pair selection and similarity, on one thread", columns, rows)
    gpu()


def curve(sizes: list[int]) -> None:
    """Print what an epoch of pair selection takes by number of samples, exact and sampled."""
    rows = []
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        for n in sizes:
            rounds = ROUNDS if n <= 30_000 else 1
            size, free = n * n * 2, shutil.disk_usage(name).free
            exact = selection(Path(name), n, n, rounds) if size < 0.9 * free else None
            some = child(f"child_selection('', {n}, {n}, {rounds}, True)")
            rows.append((
                f"{n:,}", f"{size / 1e9:.3g} GB",
                *(f"{exact[k]:.2f}" if exact else "no space" for k in ("cpu", "wall")),
                f"{exact['memory']:.0f}" if exact else "-",
                f"{some['cpu']:.2f}", f"{some['memory']:.0f}",
            ))  # fmt: skip
    columns = ("samples", "scores", "exact: s of CPU", "s", "MB", "sampled: s of CPU", "MB")
    print_table(
        "One epoch of pair selection, batch 16, log schedule, epoch 40 of 80", columns, rows
    )


def gpu() -> None:
    """Print the rate of the CiCo kernel against that of a matrix product, where a GPU is."""
    from importlib.util import find_spec

    if find_spec("torch") is None:
        return
    import torch

    if not torch.cuda.is_available():
        print("CiCo on a GPU: not measured, there is none here.")
        return
    from baselines.cico import cico

    def rate(run: Callable[[], object], flops: float) -> float:
        def whole() -> None:
            run()
            torch.cuda.synchronize()

        whole()
        return flops / best(whole)[1] / 1e12

    n, frames, words, width = 4096, 64, 32, 512
    options: Any = {"device": "cuda", "dtype": torch.bfloat16}
    a = torch.randn(8192, 8192, **options)
    video, text = torch.randn(n, frames, width, **options), torch.randn(n, words, width, **options)
    masks = [x.new_ones(x.shape[:2], dtype=torch.bool) for x in (video, text)]
    with torch.no_grad():
        card = rate(lambda: a @ a, 2 * 8192**3)
        ours = rate(
            lambda: cico(video, masks[0], text, masks[1]), 2 * n * n * frames * words * width
        )
    print(f"CiCo on {torch.cuda.get_device_name()}: {ours:.0f} TFLOP/s, {ours / card:.0%} of the "
          f"{card:.0f} of a matrix product (goal 40 %).")  # fmt: skip


@click.command(cls=Command)
@click.argument("what", type=click.Choice(["budgets", "curve"]), default="budgets")
@click.argument("sizes", nargs=-1, type=click.IntRange(_BATCH, 1_000_000), metavar="[SIZE]...")
def main(what: str, sizes: tuple[int, ...]) -> None:
    """Print the budgets, or the curve: an epoch of pair selection of SIZE samples each."""
    if what == "budgets" and sizes:
        raise click.UsageError("sizes go with `curve`.")
    if what == "curve":
        curve(list(sizes or SIZES))
    else:
        budgets()


if __name__ == "__main__":
    main()
