"""One function over many items: the same results here, in processes and on Ray; deaths are told."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from qa_builder.errors import QbsltError
from qa_builder.executors import check_executor, run_all
from qa_builder.processes import Died

HOW = [{"workers": 0}, {"workers": 2}, {"workers": 2, "executor": "ray"}]


class Square:
    """Says what it squared, and in which process and as the how-many-eth there."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self, n: int) -> tuple[int, int, int]:
        self.done += 1
        return n * n, os.getpid(), self.done


def deadly(path_and_n: tuple[str, int]) -> int:
    """Kill the worker at 3 always, and at 5 the first time."""
    path, n = path_and_n
    first = Path(path)
    if n == 3 or (n == 5 and not first.exists()):
        first.touch()
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGKILL)
    return n


def refuse(n: int) -> int:
    if n == 4:
        raise QbsltError("four is refused")
    return n


@pytest.fixture(autouse=True)
def _found_by_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray's workers import this module for the functions in it."""
    pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


@pytest.mark.parametrize("how", HOW)
def test_the_same_results_whoever_works(how: dict[str, object]) -> None:
    got = dict(run_all(Square(), range(20), **how))
    assert [got[i][0] for i in range(20)] == [n * n for n in range(20)]
    processes = {pid for _, pid, _ in got.values()}
    if how["workers"]:
        assert os.getpid() not in processes and 1 <= len(processes) <= 2
        # the function keeps its state in a worker: it was sent there once
        assert max(done for *_, done in got.values()) > 1
    else:
        assert processes == {os.getpid()}


@pytest.mark.parametrize("how", HOW[1:])
def test_an_item_that_kills_its_worker_costs_that_item(
    how: dict[str, object], tmp_path: Path
) -> None:
    items = [(str(tmp_path / "first"), n) for n in range(8)]
    got = dict(run_all(deadly, items, **how))
    assert set(got) == set(range(8))
    assert isinstance(got[3], Died)
    assert {i: r for i, r in got.items() if i != 3} == {i: i for i in range(8) if i != 3}


@pytest.mark.parametrize("how", HOW)
def test_what_the_function_raises_is_raised_here(how: dict[str, object]) -> None:
    with pytest.raises(QbsltError, match="four is refused"):
        list(run_all(refuse, range(10), **how))


def test_environment_is_left_as_it_was() -> None:
    before = dict(os.environ)
    list(run_all(Square(), range(3), workers=1))
    after = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
    assert after == {k: v for k, v in before.items() if not k.startswith("RAY_")}


@pytest.mark.parametrize(
    ("args", "says"),
    [(("slurm", 1, None), "known are: processes, ray"), (("processes", -1, None), "0 or more"),
     (("processes", 1, "ray://x"), "Add --executor ray")],
)  # fmt: skip
def test_bad_choices_are_told(args: tuple[str, int, str | None], says: str) -> None:
    with pytest.raises(QbsltError, match=says):
        check_executor(*args)


def test_a_cluster_out_of_reach_is_told() -> None:
    with pytest.raises(QbsltError, match=r"no Ray cluster answers at 127\.0\.0\.1:1"):
        list(run_all(refuse, range(2), workers=1, executor="ray", address="127.0.0.1:1"))


def test_a_cluster_without_the_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH")  # so the workers know no module of this name
    with pytest.raises(QbsltError, match=r"can't start .*test_executors.*Install the same qbslt"):
        list(run_all(refuse, range(2), workers=1, executor="ray"))
