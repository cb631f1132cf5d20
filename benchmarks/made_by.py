"""How the numbers of a study were made: its command, hardware and code. (Ours.)

A model that trains leaves starts.jsonl in its folders: a line each time that it begins or goes on,
with `machine` and `code`.
"""

from __future__ import annotations

import json
import platform
import shlex
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.study import Job
from qa_builder import __version__

STARTS = "starts.jsonl"
_CODE = Path(__file__).resolve().parent.parent


def code() -> str:
    """The version of this code, and its commit where it is a clone of the repository."""
    git = ["git", "-C", str(_CODE)]

    def said(*words: str) -> str:
        done = subprocess.run([*git, *words], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    found = f"qbslt {__version__}"
    if not (_CODE / ".git").exists():
        return found
    try:
        found += f", commit {said('rev-parse', '--short=12', 'HEAD')}"
        return found + (", changed" if said("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):  # no git, or a folder that is not its user's
        return found


def typed(
    command: Sequence[str], options: Iterable[tuple[str, object]], words: Iterable[str]
) -> str:  # fmt: skip
    """A command as a line that can be typed again; options that are None are left away."""
    given = [str(word) for option in options if option[1] is not None for word in option]
    return shlex.join([*command, *given, *words])


def made_by(command: str, jobs: Sequence[Job]) -> dict[str, str]:
    """What a study says of how it was made: what its runs wrote down when they began."""
    files = sorted({file for job in jobs for file in job.folder.rglob(STARTS)})
    starts = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    return {
        "command": command,
        "hardware": "; ".join(sorted({start["machine"] for start in starts})) or "not recorded",
        "code of the trainings": "; ".join(sorted({s["code"] for s in starts if "code" in s}))
        or "not recorded",
        "code of this table": f"{code()}, Python {platform.python_version()}",
    }
