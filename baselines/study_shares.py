"""The trajectories behind a study's rows: shares of their kinds, beside the paper's. (Ours.)"""

from __future__ import annotations

import json
from collections.abc import Iterable
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from baselines.reference import ANALYSIS, TRAJECTORIES
from baselines.trajectory_analysis import KINDS
from benchmarks.show import Table

if TYPE_CHECKING:
    from benchmarks.study import Job


def trajectory_shares(jobs: Iterable[Job]) -> list[Table]:
    """A table of the reference models that a study's runs trained; none where there are none.

    Percent of all pairs of different clips of train; mean and standard deviation over seeds.
    """
    found: dict[str, list[dict[str, float]]] = {}
    reported: dict[str, float] = {}
    simulated = False
    for job in jobs:
        file = job.folder / TRAJECTORIES / ANALYSIS
        if not file.exists():  # no such model, or one that took another run's
            continue
        analysis = json.loads(file.read_text("utf-8"))
        found.setdefault(job.system.label, []).append(analysis["shares"])
        reported, simulated = analysis["reported"], simulated or analysis["simulated"]
    if not found:
        return []
    rows = [[label, str(len(shares)), *(_cell([s[k] for s in shares]) for k in KINDS)]
            for label, shares in found.items()]  # fmt: skip
    rows.append(["reported (arXiv 2604.22374)", "-",
                 *(f"{reported[k]:.1f}" if k in reported else "-" for k in KINDS)])  # fmt: skip
    title = "Similarity of the pairs of train, first to last checkpoint of the reference model, %"
    columns = ["reference model of", "seeds", *(kind.replace("-", " to ") for kind in KINDS)]
    return [Table(title + (", SIMULATED features" if simulated else ""), columns, rows)]


def _cell(values: list[float]) -> str:
    return f"{fmean(values):.1f}" + (f" ± {stdev(values):.1f}" if len(values) > 1 else "")
