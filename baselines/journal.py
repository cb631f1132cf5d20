"""What a training tells: metrics.jsonl, TensorBoard logs, curves.png and report.html. (Ours.)

metrics.jsonl has a line every LOG steps (`"kind": "train"`: losses, learning rate, frames a
second) and one an evaluation (`"kind": "dev"`: the benchmark's scores in percent). A run that goes
on from a checkpoint drops the lines behind it, so each step stands there once.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.made_by import STARTS
from benchmarks.results import write_lines

METRICS, CURVES, LOGS = "metrics.jsonl", "curves.png", "tensorboard"
LOG = 50  # steps between lines
CHOSEN_BY = {"bleu4": "BLEU-4", "recall1": "R@1"}  # the measures by which checkpoints are chosen


class Journal:
    """Of one run; `quiet` for the processes of a distributed one that are not its first."""

    def __init__(self, folder: Path, step: int, *, tensorboard: bool, quiet: bool = False) -> None:
        self.folder, self.quiet = folder, quiet
        self._board: Any = None
        if quiet:
            return
        from baselines.machine import described
        from benchmarks.made_by import code

        rows = [row for row in read_metrics(folder) if row["step"] <= step]
        write_lines(folder / METRICS, rows)
        with (folder / STARTS).open("a", encoding="utf-8") as file:
            start = {"step": step, "machine": described(), "code": code()}
            file.write(json.dumps(start) + "\n")
        if tensorboard:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder / LOGS), purge_step=step + 1)

    def write(self, kind: str, step: int, values: dict[str, float]) -> None:
        """One line, and the same numbers for TensorBoard."""
        if self.quiet:
            return
        line = json.dumps({"kind": kind, "step": step} | values)
        with (self.folder / METRICS).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        for name, value in values.items():
            if self._board is not None:
                self._board.add_scalar(f"{kind}/{name}", value, step)

    def close(self) -> None:
        """Flush the logs, draw the curves and write the report."""
        if self._board is not None:
            self._board.close()
        if not self.quiet:
            show(self.folder)


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's metrics.jsonl; one that a kill cut off is left out."""
    rows = []
    file = folder / METRICS
    for line in file.read_text("utf-8").splitlines() if file.exists() else ():
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows


def show(folder: Path) -> None:
    """Draw the curves and write the report of a folder with metrics."""
    from baselines.run_report import write_report

    draw_curves(folder)
    write_report(folder)


def draw_curves(folder: Path) -> None:
    """curves.png: the losses on train and what the best checkpoint is chosen by, over the steps."""
    from matplotlib.figure import Figure

    rows = read_metrics(folder)
    train = [row for row in rows if row["kind"] == "train"]
    dev = [row for row in rows if row["kind"] == "dev"]
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name in sorted({key for row in train for key in row if key.startswith("loss")}):
        shown = [(row["step"], row[name]) for row in train if name in row]
        left.plot(*zip(*shown, strict=True), label=name.replace("_", ": "))
    left.set(title="Losses on train", xlabel="step", ylim=(0, None))
    if train:
        left.legend(frameon=False)
    measure = next((name for name in CHOSEN_BY if dev and name in dev[0]), "bleu4")
    right.plot([r["step"] for r in dev], [r[measure] for r in dev], marker=".", color="black")
    right.set(title=f"{CHOSEN_BY[measure]} on dev", xlabel="step", ylim=(0, None))
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(folder / CURVES, dpi=120)
