"""Whether processes have ended."""

from __future__ import annotations

import time
from collections.abc import Iterable

import psutil


def all_gone(processes: Iterable[psutil.Process], seconds: float = 60.0) -> bool:
    """Wait for the end of all; a zombie has ended, whether or not somebody fetches its exit code.

    In a container nobody may do that for processes whose parent was killed.
    """
    left = list(processes)
    end = time.monotonic() + seconds
    while left and time.monotonic() < end:
        left = [p for p in left if _lives(p)]
        time.sleep(0.05)
    return not left


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
