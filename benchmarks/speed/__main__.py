"""All throughput benches: `python -m benchmarks.speed [SHARED]`, as `make bench` runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

# Each in a process of its own, so that none is measured in the memory of another.
given = sys.argv[1:] or ([s] if (s := os.environ.get("QBSLT_SHARED")) else [])
for arguments in (
    ["build", *given],
    ["questions", *given],
    ["features", *given],
    *([["landmarks", *given]] if given else []),  # there is no clip but the real one
    ["score"],
    ["metrics"],
):
    module = f"benchmarks.speed.{arguments[0]}"
    subprocess.run([sys.executable, "-m", module, *arguments[1:]], check=True)
if find_spec("torch"):  # the baselines come with an extra; a process, not an import
    for module in ("baselines.speed", "baselines.speed_training"):
        subprocess.run([sys.executable, "-m", module], check=True)
