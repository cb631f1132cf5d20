"""The machine that a run is on: GPU or CPU, precision, and what is said when memory runs out."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from safetensors import SafetensorError

from qa_builder.errors import QbsltError, counted
from qa_builder.executors import cores

if TYPE_CHECKING:
    from baselines.config import Config
    from baselines.data import Batch

_NO_MEMORY = (
    "can't allocate memory", "annot allocate memory", "not enough memory", "bad_alloc",
    "CUDA error: out of memory", "_STATUS_ALLOC_FAILED", "insufficient shared memory",
    "killed by signal: Killed",
    "could not create a primitive", "could not execute a primitive",  # oneDNN's, of its buffers
)  # fmt: skip
"""What torch, the system and libraries say when memory runs out, in no exception of its own."""
SIZES = (
    "d_model, ffn_dim or the numbers of layers: beside each weight stand its gradient and two "
    "numbers of AdamW, with ema one more; `python -m baselines.sizes MODEL KEY=VALUE ...` counts "
    "them. A smaller batch (batch_frames, batch_size) leaves more for them"
)
"""What to lower where the model is too large rather than a batch."""


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


def ran_out(e: BaseException) -> bool:
    """Whether an error says that memory ran out: of the GPU, of the machine, or of its limit."""
    if isinstance(e, (MemoryError, torch.OutOfMemoryError)):
        return True
    return getattr(e, "errno", None) == errno.ENOMEM or any(m in str(e) for m in _NO_MEMORY)


@contextmanager
def memory(when: str, cure: str) -> Iterator[None]:
    """Make one sentence of memory that runs out in the block; other errors stay as they are.

    Raises QbsltError "out of memory `when`." with the cure.
    """
    try:
        yield
    except (RuntimeError, MemoryError, OSError, SafetensorError) as e:
        if not ran_out(e):
            raise
        raise QbsltError(f"out of memory {when}.", cure=cure) from None


@contextmanager
def batch_memory(batch: Batch, lower: str = "") -> Iterator[None]:
    """`memory` for what is done with a batch, as `explained` says it."""
    try:
        yield
    except (RuntimeError, MemoryError) as e:
        raise explained(e, batch, lower) from None


def explained(e: Exception, batch: Batch, lower: str = "") -> Exception:
    """What memory that ran out has to do with the batch; any other error as it is.

    `lower`: the option that decides on the batch's size, where it is not one of the usual.
    """
    if not ran_out(e):
        return e
    usual = "batch_size" if batch.frame_mask is None else "batch_frames (or batch_size)"
    if batch.images is not None:
        usual = "backbone_chunk first, then backbone_frames (or batch_size)"
    return QbsltError(
        f"out of memory with {in_words(batch)}.",
        cure=f"Lower {lower}."
        if lower
        else f"Lower {usual}, and raise grad_accumulation by as much.",
    )


def in_words(batch: Batch) -> str:
    """A batch for a message: how large it is, and whose."""
    frames = "" if batch.frame_mask is None else f" of {batch.frame_mask.shape[1]:,} frames"
    return f"a batch of {len(batch):,} samples{frames}: {named(batch.sample_ids)}"


def named(sample_ids: list[str]) -> str:
    """The first ids of some, for a message."""
    return ", ".join(sample_ids[:8]) + (", ..." if len(sample_ids) > 8 else "")
