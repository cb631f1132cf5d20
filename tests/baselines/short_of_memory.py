"""Run `qbslt-bench` with a real limit of memory (RLIMIT_AS), set at the moment that is asked for.

    short_of_memory.py TASKS

TASKS is JSON, a list of [METHOD, ROOM, WORDS]: `qbslt-bench WORDS` is run, and from the first call
of METHOD (MODULE:CLASS.NAME) on there is no more memory than the process has by then, and ROOM
bytes. Prints a JSON list of [exit code, output]. To be started with MALLOC_MMAP_THRESHOLD_=65536,
so that what one run gave back is no room for the next.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import traceback
from pathlib import Path
from typing import Any

import torch
from click.testing import CliRunner

from benchmarks.cli import main

NO_LIMIT = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def run(where: str, room: int, words: list[str]) -> tuple[int, str]:
    module, _, path = where.partition(":")
    owner: Any = importlib.import_module(module)
    *owners, name = path.split(".")
    for part in owners:
        owner = getattr(owner, part)
    original = getattr(owner, name)

    def call(*args: Any, **options: Any) -> Any:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + room
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
        return original(*args, **options)

    setattr(owner, name, call)
    done = CliRunner().invoke(main, words)
    resource.setrlimit(resource.RLIMIT_AS, NO_LIMIT)
    setattr(owner, name, original)
    failed = "".join(traceback.format_exception(*done.exc_info)) if done.exc_info else ""
    return done.exit_code, done.output + (failed if done.exit_code == 1 else "")


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps([run(*task) for task in json.loads(sys.argv[1])]))
