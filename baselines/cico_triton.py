"""CiCo similarity on a GPU as one Triton kernel: the cosines of a pair never leave the chip.

A program has one pair: tiles of frames go by, and the sums over frames stay in registers. It gives
what `cico.cico` gives, without gradients, and needs the package triton: torch for CUDA brings it,
and on Linux (x86_64) the extra `dev`, whose tests run the kernel in Triton's interpreter, on a CPU
(tests/baselines/test_cico.py). No GPU has run it yet.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

_LONGEST = 128  # words: they are all in one tile


def can(video: Tensor, text: Tensor, video_mask: Tensor, text_mask: Tensor) -> bool:
    """Whether the kernel takes these: half precision, 128 words at most, masks without gaps."""
    half = video.dtype == text.dtype and video.dtype in (torch.float16, torch.bfloat16)
    masks = (video_mask, text_mask)
    return (
        half
        and text.shape[1] <= _LONGEST
        and all(bool((m[:, :-1] >= m[:, 1:]).all()) for m in masks)
    )


def cico(
    video: Tensor, video_mask: Tensor, text: Tensor, text_mask: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    """As `cico.cico`, of tokens of length 1 for which `can` is true; float32 [videos, texts]."""
    video, text = video.contiguous(), text.contiguous()
    n_frames, n_words = (m.sum(1, dtype=torch.int32) for m in (video_mask, text_mask))
    shape = len(video), len(text)
    v2t, t2v = (torch.empty(shape, dtype=torch.float32, device=video.device) for _ in range(2))
    dim = video.shape[-1]
    _pair[(shape[1], shape[0])](  # neighbours share a video, which stays in the cache
        video, text, n_frames, n_words, v2t, t2v, shape[1], video.shape[1], text.shape[1],
        1 / temperature, DIM=dim, FRAMES=64, WORDS=max(16, triton.next_power_of_2(text.shape[1])),
        STEP=min(64, max(16, triton.next_power_of_2(dim))), num_warps=4,
    )  # fmt: skip
    return v2t, t2v


@triton.jit  # type: ignore[untyped-decorator, unused-ignore]
def _pair(
    video: Any, text: Any, n_frames: Any, n_words: Any, v2t: Any, t2v: Any, texts: Any,
    most_frames: Any, most_words: Any, sharpness: Any,
    DIM: tl.constexpr, FRAMES: tl.constexpr, WORDS: tl.constexpr, STEP: tl.constexpr,
) -> None:  # fmt: skip
    """One pair: video [FRAMES a tile, DIM] and text [WORDS, DIM]; two numbers are written."""
    j, i = tl.program_id(0), tl.program_id(1)
    frames, words = tl.load(n_frames + i), tl.load(n_words + j)
    word = tl.arange(0, WORDS)
    video += i.to(tl.int64) * most_frames * DIM
    text += j.to(tl.int64) * most_words * DIM
    of_words = tl.zeros((WORDS,), tl.float32)
    weight_of_words = tl.zeros((WORDS,), tl.float32)
    of_frames = tl.zeros((FRAMES,), tl.float32)
    for start in range(0, frames, FRAMES):
        frame = start + tl.arange(0, FRAMES)
        cosines = tl.zeros((FRAMES, WORDS), tl.float32)
        for first in range(0, DIM, STEP):
            at = first + tl.arange(0, STEP)
            inside = (frame < frames)[:, None] & (at < DIM)[None, :]
            a = tl.load(video + frame[:, None] * DIM + at[None, :], mask=inside, other=0.0)
            inside = (word < words)[None, :] & (at < DIM)[:, None]
            b = tl.load(text + word[None, :] * DIM + at[:, None], mask=inside, other=0.0)
            cosines = tl.dot(a, b, cosines)
        there = (frame < frames)[:, None] & (word < words)[None, :]
        weights = tl.where(there, tl.exp(cosines * sharpness), 0.0)
        weighted = weights * cosines
        some = tl.where(frame < frames, tl.sum(weights, 1), 1.0)
        of_frames += tl.sum(weighted, 1) / some
        of_words += tl.sum(weighted, 0)
        weight_of_words += tl.sum(weights, 0)
    index = i.to(tl.int64) * texts + j
    tl.store(v2t + index, tl.sum(of_frames, 0) / frames)
    some = tl.where(word < words, weight_of_words, 1.0)
    tl.store(t2v + index, tl.sum(of_words / some, 0) / words)
