"""A real disk that is soon full: a tmpfs in a mount namespace of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def on_a_small_disk(folder: Path, size: str, *words: object) -> subprocess.CompletedProcess[str]:
    """Run python with words while `folder` is a disk of `size` (as mount has it: 600k).

    Skips the test where a user may not mount one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
             f'mount -t tmpfs -o size={size} tmpfs "$0" && "$@"', str(folder)]  # fmt: skip
    try:
        subprocess.run([*mount, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no tmpfs can be mounted here")
    return subprocess.run(
        [*mount, sys.executable, *map(str, words)], capture_output=True, text=True, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"}, timeout=800,
    )  # fmt: skip
