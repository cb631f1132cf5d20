"""Run one function over many items: here, in worker processes, or on a Ray cluster. (Ours.)

The function is sent to every worker once and may keep state there (an open model, a connection);
items and results travel one by one. Which executor is chosen changes nothing about the results.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from qa_builder.console import warn
from qa_builder.errors import QbsltError, known

Item = TypeVar("Item")
Result = TypeVar("Result")
EXECUTORS = ("processes", "ray")
_STARTS = 60  # times that Ray is asked, each half a second, whether a worker is up again
_AHEAD = 2  # items a worker: one in work, one waiting
# Several workers with several threads each hinder one another: 3 to 50 times slower.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Died(NamedTuple):
    """Stands in the place of a result: the worker that had the item died of it, twice."""

    why: str


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
) -> Iterator[tuple[int, Result | Died]]:
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
        return _on_ray(function, items, max(workers, 1), address, gpus)
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
        _import_ray()


def _in_processes(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[tuple[int, Result | Died]]:
    from concurrent.futures import FIRST_COMPLETED, Future, wait
    from concurrent.futures.process import BrokenProcessPool

    left = iter(enumerate(items))
    with _single_threaded(), contextlib.ExitStack() as stack:
        pool = stack.enter_context(_Pool(function, workers))
        running: dict[Future[Any], tuple[int, Item]] = {}
        while True:
            for i, item in islice(left, workers * _AHEAD - len(running)):
                running[pool.submit(item)] = (i, item)
            if not running:
                return
            suspects = []
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                i, item = running.pop(future)
                try:
                    yield i, future.result()
                except BrokenProcessPool:
                    suspects.append((i, item))
            if suspects:  # which of them killed the worker is not known: each is tried alone
                suspects += running.values()
                running.clear()
                for i, item in sorted(suspects, key=lambda s: s[0]):
                    yield i, _alone(function, item)
                pool = stack.enter_context(_Pool(function, workers))


def _alone(function: Callable[[Item], Result], item: Item) -> Result | Died:
    from concurrent.futures.process import BrokenProcessPool

    with _Pool(function, 1) as pool:
        try:
            return pool.submit(item).result()  # type: ignore[no-any-return]
        except BrokenProcessPool:
            return Died("the process that worked on it was killed (out of memory, or a crash)")


class _Pool:
    """A process pool whose workers hold the function, ignore Ctrl-C and don't outlive us."""

    def __init__(self, function: Callable[[Any], Any], workers: int) -> None:
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        # spawn: a forked worker would inherit threads and locks of libraries that bear neither
        self._pool = ProcessPoolExecutor(
            workers, get_context("spawn"), _start_worker, (function, os.getpid())
        )

    def submit(self, item: Any) -> Any:
        from concurrent.futures import Future
        from concurrent.futures.process import BrokenProcessPool

        try:
            return self._pool.submit(_work, item)
        except BrokenProcessPool as e:  # it broke between two submits
            future: Future[Any] = Future()
            future.set_exception(e)
            return future

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:  # nobody waits for what is in work
            for process in list((self._pool._processes or {}).values()):
                process.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)


_function: Callable[[Any], Any] | None = None  # of this worker process


def _start_worker(function: Callable[[Any], Any], parent: int) -> None:
    global _function  # noqa: PLW0603 - a worker process has one function, all its life
    _function = function
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


def _die_with(parent: int) -> None:
    """A parent that was killed can't stop its workers: they look after it themselves."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _work(item: Any) -> Any:
    assert _function is not None
    return _function(item)


@contextlib.contextmanager
def _single_threaded() -> Iterator[None]:
    """Workers that start within have one thread each."""
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


def _import_ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # tells nobody
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ModuleNotFoundError:
        raise QbsltError(
            "--executor ray needs the package ray.", cure="Install it: pip install 'qbslt[ray]'."
        ) from None
    return ray


@contextlib.contextmanager
def _cluster(workers: int, address: str | None) -> Iterator[Any]:
    """Ray, connected; left as it was found."""
    ray = _import_ray()
    if ray.is_initialized():
        yield ray
        return
    if address:
        _check_reach(address)
    own = {} if address else {"num_cpus": workers, "include_dashboard": False,
                              "object_store_memory": 512 * 2**20}  # fmt: skip
    on_sigterm = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level="ERROR", **own)
    except (ConnectionError, RuntimeError, ValueError) as e:
        raise _no_cluster(address or "this machine", e) from None
    if callable(on_sigterm) and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, on_sigterm)  # Ray has put its own in its place
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_reach(address: str) -> None:
    """Ray itself waits minutes for an address at which nobody listens."""
    import socket
    from urllib.parse import urlsplit

    if address == "auto":
        return
    try:
        url = urlsplit(address if "://" in address else f"ray://{address}")
        socket.create_connection((url.hostname or "", url.port or 6379), timeout=5).close()
    except (OSError, ValueError) as e:
        raise _no_cluster(address, e) from None


def _no_cluster(where: str, e: Exception) -> QbsltError:
    why = (str(e) or type(e).__name__).splitlines()[0]
    return QbsltError(
        f"no Ray cluster answers at {where} ({why}).",
        cure="Start one with `ray start --head`, or leave --address out. A cluster may ask for a "
        "token, as docs/features.md tells: then set RAY_AUTH_MODE=token.",
    )


def _result(ray: Any, done: Any) -> Any:
    """What the function gave, or `Died`; raises what it raised."""
    try:
        return ray.get(done)
    except ray.exceptions.RayTaskError as e:
        raise e.cause from None
    except ray.exceptions.RayActorError as e:
        if "creation task" in str(e):
            raise _cannot_start(e) from None
        return Died("the Ray worker that worked on it died (memory, or a crash)")


def _failed(ray: Any, started: Any, times: int) -> bool:
    """Whether a worker has not come up; it is being started anew after it died.

    Raises QbsltError for one that never will.
    """
    try:
        ray.get(started)
    except ray.exceptions.RayActorError as e:
        if "creation task" in str(e) or times >= _STARTS:
            raise _cannot_start(e) from None
        time.sleep(0.5)
        return True
    return False


def _cannot_start(e: Exception) -> QbsltError:
    return QbsltError(
        f"the Ray workers can't start ({str(e).splitlines()[-1]}).",
        cure="Install the same qbslt, with the same extras, on every machine of the cluster.",
    )


class _Worker:
    """What runs on the cluster: one process that holds the function."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function

    def start(self) -> None:
        """Done once the worker has a place on the cluster."""

    def work(self, item: Any) -> Any:
        return self._function(item)


def _on_ray(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    address: str | None,
    gpus: float,
) -> Iterator[tuple[int, Result | Died]]:
    with _cluster(workers, address) as ray:
        if gpus and ray.cluster_resources().get("GPU", 0) < gpus:
            warn(f"the Ray cluster has no {gpus:g} GPU now: waiting until it has (--gpus)")
        # Ray gives a worker of one CPU one thread, and starts a new one where one has died.
        remote = ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=-1)(_Worker)
        actors = [remote.remote(function) for _ in range(workers)]
        # One item a worker: if the worker dies, it is known of which. Reference -> (worker, index,
        # item, whether it is the second try).
        running: dict[Any, tuple[Any, int, Item, bool]] = {}
        left, free = iter(enumerate(items)), list[Any]()
        # On a cluster that is small or busy, some wait for a place: they get no item until then.
        # Reference -> (worker, the item that it died of if any, how often it has not come up).
        starting: dict[Any, tuple[Any, tuple[int, Item] | None, int]] = {
            actor.start.remote(): (actor, None, 0) for actor in actors
        }
        try:
            while True:
                for i, item in islice(left, len(free)):
                    actor = free.pop()
                    running[actor.work.remote(item)] = (actor, i, item, False)
                tried_again = any(died_of for _, died_of, _ in starting.values())
                if free and not running and not tried_again:  # no item is left
                    return
                done = ray.wait([*starting, *running], num_returns=1)[0][0]
                if done in starting:
                    actor, died_of, failed = starting.pop(done)
                    if _failed(ray, done, failed):
                        starting[actor.start.remote()] = (actor, died_of, failed + 1)
                    elif died_of:
                        running[actor.work.remote(died_of[1])] = (actor, *died_of, True)
                    else:
                        free.append(actor)
                    continue
                actor, i, item, again = running.pop(done)
                result = _result(ray, done)
                if isinstance(result, Died) and not again:
                    starting[actor.start.remote()] = (actor, (i, item), 0)
                    continue
                free.append(actor)
                yield i, result
        finally:
            while actors:
                ray.kill(actors.pop())
            # A handle that outlived this session would, when it goes, take down a worker of the
            # next one: Ray numbers them alike in each.
            actor = done = None
            for held in (running, starting, free):
                held.clear()
