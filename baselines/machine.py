"""The machine that a run is on: GPU or CPU, precision, and what is said when memory runs out."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from qa_builder import __version__
from qa_builder.errors import QbsltError, counted
from qa_builder.executors import cores

if TYPE_CHECKING:
    from baselines.config import Config
    from baselines.data import Batch

_CODE = Path(__file__).resolve().parent.parent
_CPU_MEMORY = ("can't allocate memory", "not enough memory", "bad_alloc")


def make_accelerator(config: Config) -> Accelerator:
    """Accelerate in the config's device and precision; under torchrun one a process.

    Raises QbsltError where a GPU is asked for and there is none.
    """
    gpu = torch.cuda.is_available()
    if config.device == "cuda" and not gpu:
        raise QbsltError(
            f"device=cuda, but torch {torch.__version__} finds no GPU.",
            cure="Take device=auto or device=cpu, or install torch for your GPU.",
        )
    gpu = gpu and config.device != "cpu"
    precision = config.precision
    if precision == "auto":
        precision = "bf16" if gpu and torch.cuda.is_bf16_supported() else "fp32"
    if "WORLD_SIZE" not in os.environ:  # a second run in this process may have other settings
        AcceleratorState._reset_state(reset_partial_state=True)
    return Accelerator(cpu=not gpu, mixed_precision="bf16" if precision == "bf16" else "no")


def described() -> str:
    """The machine in words: its GPUs, or its processor and how many cores this process may use.

    A run that took the processor though there are GPUs is described by its processor.
    """
    used = AcceleratorState().device.type if AcceleratorState._shared_state else "cuda"
    if (n := torch.cuda.device_count()) and used == "cuda":
        return f"{n} x {torch.cuda.get_device_name(0)}, torch {torch.__version__}"
    held = f"{counted(cores(), 'core')}, {counted(torch.get_num_threads(), 'thread')}"
    return f"CPU, {held}, torch {torch.__version__}"


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


def explained(e: RuntimeError, batch: Batch, lower: str = "") -> RuntimeError | QbsltError:
    """What memory that ran out has to do with the batch; any other error as it is.

    `lower`: the option that decides on the batch's size, where it is not one of the usual.
    """
    said = str(e)
    if not isinstance(e, torch.OutOfMemoryError) and not any(m in said for m in _CPU_MEMORY):
        return e
    frames = "" if batch.frame_mask is None else f" of {batch.frame_mask.shape[1]:,} frames"
    usual = "batch_size" if batch.frame_mask is None else "batch_frames (or batch_size)"
    if batch.images is not None:
        usual = "backbone_chunk first, then backbone_frames (or batch_size)"
    return QbsltError(
        f"out of memory with a batch of {len(batch):,} samples{frames}: {named(batch.sample_ids)}.",
        cure=f"Lower {lower}."
        if lower
        else f"Lower {usual}, and raise grad_accumulation by as much.",
    )


def named(sample_ids: list[str]) -> str:
    """The first ids of some, for a message."""
    return ", ".join(sample_ids[:8]) + (", ..." if len(sample_ids) > 8 else "")
