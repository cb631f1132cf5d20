"""One function over many items on a Ray cluster, or on a Ray that is started here. (Ours.)"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from qa_builder.console import warn
from qa_builder.errors import QbsltError
from qa_builder.processes import Died

Item = TypeVar("Item")
Result = TypeVar("Result")
_STARTS = 60  # times that Ray is asked, each half a second, whether a worker is up again


def import_ray() -> Any:
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
    ray = import_ray()
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


def on_ray(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    address: str | None,
    gpus: float,
) -> Generator[tuple[int, Result | Died]]:
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
