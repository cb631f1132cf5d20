"""Worker processes: no death and no interruption, at whatever moment, leaves anybody waiting."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing import connection
from pathlib import Path

import psutil
import pytest
from ended import all_gone

from qa_builder.processes import Crew, Died, in_order

LARGE = 8 * 2**20  # bytes: far more than a pipe holds


def large(n: int) -> bytes:
    return bytes([n]) * LARGE


def dies_while_it_sends(n: int) -> bytes:
    """Item 1 kills the worker when half of the result is in the pipe."""

    def half(pipe: connection.Connection, data: memoryview) -> None:
        for start in range(0, len(data) // 2, 4096):
            os.write(pipe.fileno(), data[start : start + 4096])
        os.kill(os.getpid(), signal.SIGKILL)

    if n == 1:
        connection.Connection._send = half  # type: ignore[attr-defined]
    return large(n)


def unsendable(n: int) -> object:
    return threading.Lock() if n else 0


def divided(n: int) -> float:
    return 1 / n


class Odd(Exception):
    """Is false, and can't be made again from what it holds."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first + second)

    def __len__(self) -> int:
        return 0


def odd(n: int) -> int:
    if n == 1:
        raise Odd("neither ", "nor")
    if n == 2:
        sys.exit("done for")
    return n


class Gone:
    """A function that can't be loaded again."""

    def __call__(self, n: int) -> int:
        return n

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return __import__, ("no_such_module",)


class Heavy:
    """A function that is larger than a pipe, and ends the process that loads it."""

    def __init__(self) -> None:
        self.weights = bytes(LARGE)

    def __call__(self, n: int) -> int:
        return n

    def __setstate__(self, state: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def leaves_a_child(n: int) -> int:
    """Killed while a program that it has started goes on."""
    subprocess.Popen(["sleep", "200"])
    os.kill(os.getpid(), signal.SIGKILL)
    return n


def pid_of(n: int) -> int:
    return os.getpid()


def counts_who_work(folder_and_n: tuple[str, int]) -> int:
    """How many others work at the same time; item 0 kills its worker when two do, once."""
    folder, n = Path(folder_and_n[0]), folder_and_n[1]
    if n == 0 and not (folder / "died").exists():
        while not list(folder.glob("at-*")):
            time.sleep(0.01)
        (folder / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    others = len(list(folder.glob("at-*")))
    (folder / f"at-{n}").touch()
    while not (folder / "died").exists():
        time.sleep(0.01)
    time.sleep(0.2)
    (folder / f"at-{n}").unlink()
    return others


@pytest.fixture
def nobody_left() -> Iterator[None]:
    """No worker is there after the test that was not there before."""
    before = set(psutil.Process().children())
    yield
    left = {p for p in psutil.Process().children() if p not in before}
    assert not [p for p in left if "resource_tracker" not in " ".join(p.cmdline())]


def test_results_larger_than_a_pipe_arrive_in_order(nobody_left: None) -> None:
    with Crew(large, 2) as crew:
        assert [r[:1] for r in in_order(crew.run(range(6)))] == [bytes([n]) for n in range(6)]


def test_a_worker_that_dies_while_it_sends_costs_its_item(nobody_left: None) -> None:
    with Crew(dies_while_it_sends, 2) as crew:
        got = dict(crew.run(range(4)))
    assert set(got) == set(range(4)) and isinstance(got[1], Died)
    assert all(got[n] == large(n) for n in (0, 2, 3))


@pytest.mark.parametrize("moment", [0.0, 0.1, 0.5])
def test_a_run_left_while_workers_send_ends_at_once(moment: float, nobody_left: None) -> None:
    with Crew(large, 2) as crew:
        with pytest.raises(KeyboardInterrupt):
            for _ in crew.run(range(9)):
                time.sleep(moment)  # the others have filled their pipes, and wait
                raise KeyboardInterrupt
        began = time.monotonic()
    assert time.monotonic() - began < 60


def test_an_item_is_tried_again_when_nobody_else_works(tmp_path: Path, nobody_left: None) -> None:
    with Crew(counts_who_work, 2) as crew:
        got = dict(crew.run([(str(tmp_path), n) for n in range(4)]))
    assert set(got) == set(range(4)) and got[0] == 0


def test_one_crew_does_one_list_after_another(nobody_left: None) -> None:
    with Crew(pid_of, 2) as crew:
        first = {pid for _, pid in crew.run(range(8))}
        second = {pid for _, pid in crew.run(range(8))}
        assert list(crew.run([])) == []
    assert second <= first and len(first) == 2


def test_no_more_workers_than_items(nobody_left: None) -> None:
    with Crew(pid_of, 8) as crew:
        assert len({pid for _, pid in crew.run([1])}) == 1
        assert len(crew._idle) == 1


def test_an_idle_worker_that_was_killed_is_replaced(nobody_left: None) -> None:
    """It died of no item, so none is tried less often for it."""
    with Crew(pid_of, 2) as crew:
        before = {pid for _, pid in crew.run(range(8)) if isinstance(pid, int)}
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.2)
        (_, after), = crew.run([1])  # fmt: skip
    assert isinstance(after, int) and after not in before


def test_what_a_worker_raises_tells_its_place(nobody_left: None) -> None:
    with Crew(divided, 1) as crew:
        with pytest.raises(ZeroDivisionError) as raised:
            list(crew.run([1, 0]))
        assert "in divided" in raised.value.__notes__[0]
        assert list(crew.run([4])) == [(0, 0.25)]  # the crew works on


@pytest.mark.parametrize(
    ("n", "kind", "says"),
    [(1, RuntimeError, "Odd: neither nor"), (2, SystemExit, "done for")],
)
def test_odd_errors_are_told(
    n: int, kind: type[BaseException], says: str, nobody_left: None
) -> None:
    with Crew(odd, 1) as crew, pytest.raises(kind, match=says):
        list(crew.run([0, n]))


def test_a_function_that_can_not_be_loaded_is_told(nobody_left: None) -> None:
    with Crew(Gone(), 2) as crew, pytest.raises(ModuleNotFoundError, match="no_such_module"):
        list(crew.run(range(3)))


def test_a_death_at_the_start_is_told_whatever_the_size_of_the_function(nobody_left: None) -> None:
    with Crew(Heavy(), 1) as crew:
        ((_, found),) = crew.run([1])
    assert isinstance(found, Died)


def test_programs_that_a_worker_started_do_not_hide_its_death() -> None:
    began = time.monotonic()
    with Crew(leaves_a_child, 1) as crew:
        assert [type(r) for _, r in crew.run([1])] == [Died]
    assert time.monotonic() - began < 100


def test_a_crew_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Crew(pid_of, 0)


def test_a_result_that_can_not_be_sent_is_told(nobody_left: None) -> None:
    with Crew(unsendable, 1) as crew, pytest.raises(TypeError, match="cannot pickle"):
        list(crew.run([0, 1]))


def test_workers_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    code = (
        "import time\nfrom qa_builder.executors import run_all\n"
        "if __name__ == '__main__':\n  list(run_all(time.sleep, [60, 60], workers=2))"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    parent = subprocess.Popen([sys.executable, str(script)])
    children: list[psutil.Process] = []
    end = time.monotonic() + 20
    while len(children) < 3 and time.monotonic() < end:  # two workers and the tracker
        time.sleep(0.1)
        children = psutil.Process(parent.pid).children(recursive=True)
    assert len(children) >= 2
    time.sleep(1)
    parent.kill()
    parent.wait()
    assert all_gone(children)


@pytest.mark.parametrize("wait", [0.0, 0.1, 0.4])
def test_ctrl_c_is_told_in_one_sentence_by_one_process(
    wait: float, toy_phoenix: Path, tmp_path: Path
) -> None:
    """A terminal sends it to all processes of the command, also to workers that just begin."""
    command = [sys.executable, "-m", "qa_builder.cli", "features", str(toy_phoenix), "--extractor",
               "simulated", "--dim", "16384", "--workers", "2", "--out", "store"]  # fmt: skip
    running = subprocess.Popen(command, cwd=tmp_path, text=True, start_new_session=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    end = time.monotonic() + 60
    while not psutil.Process(running.pid).children() and time.monotonic() < end:
        time.sleep(0.005)
    time.sleep(wait)
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert "Traceback" not in said
    if not (tmp_path / "store").exists():  # else it was done before
        # the second where it met a string that is executed: Python then ends itself by the signal
        assert running.returncode in (130, -signal.SIGINT)
        assert said.strip().startswith("error: interrupted; ") and said.strip().count("\n") == 0
