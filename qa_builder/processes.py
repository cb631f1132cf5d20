"""Worker processes that hold one function, each at the end of a pipe of its own. (Ours.)

The standard library's pool waits for ever where a worker is killed while it writes a result: all of
them share one pipe. Here a death, at whatever moment, is the end of that worker's pipe, so that it
is seen, and known which item it had.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import islice
from multiprocessing import connection, get_context, resource_tracker
from multiprocessing.reduction import ForkingPickler
from typing import Any, Generic, NamedTuple, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
# Several workers with several threads each hinder one another: 3 to 50 times slower.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_DEFERRED = (signal.SIGINT, signal.SIGTERM)
_ENDING = 5.0  # seconds that a worker without work has to end by itself


class Died(NamedTuple):
    """Stands in the place of a result: the worker that had the item died of it, twice."""

    why: str


class _Task(NamedTuple):
    number: int
    item: Any
    again: bool = False


class _Done(NamedTuple):
    number: int
    result: Any
    error: BaseException | None = None


class Crew(Generic[Item, Result]):
    """Up to `size` processes, started when there is work; the function may keep state in each.

    They ignore Ctrl-C, have one thread for each library, and don't outlive this process. To be
    closed; one crew may run one list of items after another. Raises ValueError for a size below 1.
    """

    def __init__(self, function: Callable[[Item], Result], size: int) -> None:
        if size < 1:
            raise ValueError("a crew has at least one process")
        self._function, self._size = function, size
        self._idle: list[_Worker] = []

    def run(self, items: Iterable[Item]) -> Generator[tuple[int, Result | Died]]:
        """Yield (index of the item, result) in the order in which the results come.

        What the function raises is raised here. An item whose worker died is tried once more, when
        nobody else works: if that one dies, too, its result is `Died`.
        """
        left = iter(enumerate(items))
        busy: dict[connection.Connection, tuple[_Worker, _Task]] = {}
        died: list[_Task] = []
        done: list[_Done] = []
        try:
            while True:
                # All are started before the first is given anything, which may wait for its start.
                tasks = _next(left, died, busy, self._size)
                started = []
                for task in tasks:
                    worker = self._ready()
                    busy[worker.pipe] = worker, task
                    started.append((worker, task))
                for worker, task in started:
                    worker.give(task.item)
                for number, result, error in done:  # only now: nobody is idle while these are used
                    if error is not None:
                        raise error
                    yield number, result
                if not busy:
                    return
                done = list(self._finished(busy, died))
        finally:
            for worker, _ in busy.values():  # nobody waits for what is in work
                worker.kill()

    def _ready(self) -> _Worker:
        """An idle worker that is alive, or a new one."""
        while self._idle:
            worker = self._idle.pop()
            if not worker.pipe.poll():  # an idle one has nothing to tell but its end
                return worker
            worker.kill()
        return _Worker(self._function)

    def _finished(
        self, busy: dict[connection.Connection, tuple[_Worker, _Task]], died: list[_Task]
    ) -> Iterator[_Done]:
        """Wait for the next answers; the items of those who died are noted."""
        for pipe in connection.wait(list(busy)):
            assert isinstance(pipe, connection.Connection)
            worker, task = busy[pipe]
            answer = worker.answer()
            del busy[pipe]
            if answer:
                self._idle.append(worker)
                yield _Done(task.number, *answer)
                continue
            worker.kill()
            if task.again:
                why = "the process that worked on it was killed (out of memory, or a crash)"
                yield _Done(task.number, Died(why))
            else:
                died.append(task)

    def close(self) -> None:
        """End the workers; none of them has work, unless a run was left in the middle."""
        for worker in self._idle:
            worker.pipe.close()
        end = time.monotonic() + _ENDING
        while self._idle:
            self._idle.pop().end(end - time.monotonic())

    def __enter__(self) -> Crew[Item, Result]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def in_order(results: Iterable[tuple[int, Result | Died]]) -> Iterator[Result | Died]:
    """The results of `Crew.run` in the order of their items."""
    early: dict[int, Result | Died] = {}
    following = 0
    for number, result in results:
        early[number] = result
        while following in early:
            yield early.pop(following)
            following += 1


def _next(
    left: Iterator[tuple[int, Any]],
    died: list[_Task],
    busy: dict[Any, tuple[Any, _Task]],
    size: int,
) -> list[_Task]:
    """What may be begun now."""
    if any(task.again for _, task in busy.values()):
        return []
    if died:  # perhaps of too little memory for all of them
        return [] if busy else [died.pop(0)._replace(again=True)]
    return [_Task(*numbered) for numbered in islice(left, size - len(busy))]


class _Worker:
    """One process, seen from ours."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        # spawn: a forked worker would inherit threads and locks of libraries that bear neither
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, os.getpid()), daemon=True)
        # By the pipe: start() would wait for ever where a large one meets the death of the process.
        self._unsent = [function]
        try:
            with _undisturbed(), theirs, _single_threaded():
                self._process.start()
        except BaseException:  # also what waited for the start
            if self._process.pid is not None:
                self.kill()
            raise

    def give(self, item: Any) -> None:
        """Send it an item; that it is dead already is told by its answer."""
        with contextlib.suppress(ConnectionError):
            while self._unsent:
                self.pipe.send(self._unsent.pop())
            self.pipe.send(item)

    def answer(self) -> tuple[Any, BaseException | None] | None:
        """What the function gave and raised; nothing if the process has died."""
        try:
            data = self.pipe.recv_bytes()
        except (EOFError, OSError):
            return None
        return ForkingPickler.loads(data)  # type: ignore[no-any-return]

    def kill(self) -> None:
        self._process.kill()
        self._process.join()
        self._process.close()
        self.pipe.close()

    def end(self, seconds: float) -> None:
        self._process.join(max(seconds, 0))
        self.kill()


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait until a process has begun, which shall not hear of Ctrl-C at all."""
    resource_tracker.ensure_running()  # started by the first process, it would let them through
    came: list[int] = []  # by way of another thread, where nothing is blocked
    main = threading.current_thread() is threading.main_thread()
    found = {n: signal.getsignal(n) for n in _DEFERRED if main}
    handlers = {n: handler for n, handler in found.items() if handler is not None}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, _DEFERRED)  # what the process inherits
        for n in handlers:
            signal.signal(n, lambda which, _: came.append(which))
        yield
    finally:
        for n, handler in handlers.items():
            signal.signal(n, handler)
        for which in came:
            signal.raise_signal(which)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextlib.contextmanager
def _single_threaded() -> Iterator[None]:
    """Processes that start within have one thread for each library."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _serve(pipe: connection.Connection, parent: int) -> None:
    """What a worker does: answer until there is nothing more to do, or nobody who asks."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))
    os.set_inheritable(pipe.fileno(), False)  # else what it starts keeps the pipe of a dead worker
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()
    try:
        function = pipe.recv()
    except BaseException as e:
        with contextlib.suppress(ConnectionError):
            pipe.send((None, _sendable(e)))
        return
    while True:
        answer: tuple[Any, BaseException | None]
        try:
            data = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        try:
            answer = function(ForkingPickler.loads(data)), None
        except BaseException as e:  # raised again in the other process, with the place of this one
            answer = None, _sendable(e)
        try:
            made = ForkingPickler.dumps(answer)
        except Exception as e:
            made = ForkingPickler.dumps((None, _sendable(e)))
        try:
            pipe.send_bytes(made)
        except ConnectionError:
            return


def _sendable(e: BaseException) -> BaseException:
    """The error with its place, or one that tells of it where it can't be pickled and read."""
    place = f"In a worker process:\n{traceback.format_exc()}"
    try:
        ForkingPickler.loads(ForkingPickler.dumps(e))
    except Exception:
        e = RuntimeError(f"{type(e).__name__}: {e}")
    e.add_note(place)
    return e


def _die_with(parent: int) -> None:
    """A parent that was killed can't stop its workers: they look after it themselves."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
