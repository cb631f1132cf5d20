"""Run one function over many items: here, in worker processes, or on a Ray cluster. (Ours.)

The function is sent to every worker once and may keep state there (an open model, a connection);
items and results travel one by one. Which executor is chosen changes nothing about the results.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

from qa_builder.errors import QbsltError, known
from qa_builder.on_ray import import_ray, on_ray
from qa_builder.processes import Crew, Died

Item = TypeVar("Item")
Result = TypeVar("Result")
EXECUTORS = ("processes", "ray")


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_all(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int,
    executor: str = "processes",
    address: str | None = None,
    gpus: float = 0.0,
) -> Generator[tuple[int, Result | Died]]:
    """Yield (index of the item, result) in the order in which the results come.

    `workers` = 0 runs everything in this process. `address` is that of an existing Ray cluster;
    without it, Ray starts on this machine. `gpus` are those that each Ray worker takes.
    What the function raises is raised here. An item whose worker died is tried once more, alone;
    if that one dies, too, its result is `Died`.
    Raises QbsltError for an unknown executor, for an address without Ray, and where Ray is missing
    or its cluster is out of reach.
    """
    check_executor(executor, workers, address)
    if executor == "ray":
        return on_ray(function, items, max(workers, 1), address, gpus)
    if workers == 0:
        return ((i, function(item)) for i, item in enumerate(items))
    return _in_processes(function, items, workers)


def check_executor(executor: str, workers: int, address: str | None) -> None:
    """Refuse what `run_all` can't do, before any work is done."""
    if executor not in EXECUTORS:
        raise known(executor, EXECUTORS, "executor")
    if workers < 0:
        raise QbsltError(f"--workers {workers} is negative.", cure="Take 0 or more.")
    if address and executor != "ray":
        raise QbsltError("--address is that of a Ray cluster.", cure="Add --executor ray.")
    if executor == "ray":
        import_ray()


def _in_processes(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Generator[tuple[int, Result | Died]]:
    with Crew(function, workers) as crew:
        yield from crew.run(items)
