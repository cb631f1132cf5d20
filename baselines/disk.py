"""Space on the disk: what checkpoints will need, checked before anything is trained. (Ours.)"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from qa_builder.errors import QbsltError

if TYPE_CHECKING:
    from torch import nn

    from baselines.stage import Stage

_SLACK = 2**16  # of a checkpoint: its JSON and headers


def sized(n: float) -> str:
    """A number of bytes for people: 12.3 MB, 1.20 GB."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if n >= size:
            return f"{n / size:,.2f} {unit}"
    return f"{n / 1e3:,.1f} kB"


def check_space(
    model: nn.Module, average: nn.Module | None, stage: Stage, folder: Path, *,
    say: Callable[[str], object],
) -> None:  # fmt: skip
    """Raise QbsltError where a stage's checkpoints in `folder` do not fit on the disk.

    Those are its last and its best, the one that is being written, and the kept ones, which are
    weights alone; besides what comes after the stage, `stage.later`. Where some are kept, what is
    needed and free is said.
    """
    learned = sum(_bytes(p) for p in model.parameters() if p.requires_grad)
    weights = sum(map(_bytes, model.parameters())) * (1 if average is None else 2)
    kept = -(-stage.config.epochs // stage.keep) if stage.keep else 0
    needed = 3 * (weights + 2 * learned + _SLACK) + kept * (weights + _SLACK) - _there(folder)
    there = next(f for f in (folder, *folder.parents) if f.is_dir())
    free = shutil.disk_usage(there).free
    what = f"checkpoints, {kept} of them kept" if kept else "checkpoints"
    after = f" and {sized(stage.later)} for what comes after" if stage.later else ""
    said = f"{what}: {sized(max(needed, 0))}{after} needed, {sized(free)} free"
    if kept:
        say(f"{said} in {folder}.")
    if needed > 0 and needed + stage.later > free:
        raise QbsltError(f"{said}.", file=folder,
                         cure="Free some space, or choose another --out.")  # fmt: skip


def _bytes(tensor: nn.Parameter) -> int:
    return tensor.numel() * tensor.element_size()


def _there(folder: Path) -> int:
    """Bytes of the files below a folder, those with several names once."""
    stats = [file.stat() for file in folder.rglob("*") if file.is_file()]
    return sum({s.st_ino: s.st_size for s in stats}.values())
