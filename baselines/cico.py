"""CiCo similarity of videos and texts: every frame token against every text token, in small blocks.

c[t, l] is the cosine of frame token t and text token l. Video to text: for each frame the mean of
its cosines over the words, weighted by softmax(c / 0.07) over the words, then the mean over frames;
text to video: the same with frames and words exchanged. (CiCo, Cheng et al., CVPR 2023, as SCL-SLT
uses it; details ours.) `cls` and `mean` compare one vector a side.

Padding has weight exp(-inf) = 0 on both sides, so a pair's score is the same in any batch.

Cosines are at most 1, so exp(c / 0.07) can't overflow and needs no greatest value taken off: one
exponential serves both directions. Without gradients, blocks are as small as a processor's cache,
and the cosines of all pairs are never in memory at once; with gradients autograd keeps them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from qa_builder.errors import QbsltError

TEMPERATURE = 0.07
LOWEST_TEMPERATURE = 0.02  # exp(1 / 0.02) is 5e21: sums of such and products stay in float32
_COSINES = {"cpu": 2**17, "cuda": 2**26}  # of a block: half a megabyte, 256 megabytes
_ROWS = 128  # frame tokens of a block, about


class Similarity(NamedTuple):
    """Of all pairs of a set of videos and a set of texts, both [videos, texts]; no scale is in."""

    video_to_text: Tensor
    text_to_video: Tensor

    def both(self) -> Tensor:
        """The mean of the two directions [videos, texts]: one score of a pair. (Ours.)"""
        return (self.video_to_text + self.text_to_video) / 2


def cico(
    video: Tensor, video_mask: Tensor, text: Tensor, text_mask: Tensor,
    *, temperature: float = TEMPERATURE, cosines: int | None = None,
) -> Similarity:  # fmt: skip
    """Tokens [videos, frames, dim], [texts, words, dim] -> similarities in [-1, 1], float32.

    Masks [videos, frames], [texts, words] are True where a token is. `cosines` is how many of them
    a block may have (by default what suits the device). Gradients pass. On a GPU, without
    gradients, the Triton kernel of `cico_triton` does it where Triton is installed.

    Raises QbsltError for a row without tokens and a temperature under 0.02.
    """
    if temperature < LOWEST_TEMPERATURE:
        raise QbsltError(f"a temperature of {temperature} is too low for CiCo.",
                         cure=f"Take {LOWEST_TEMPERATURE} or more.")  # fmt: skip
    frames, words = _extents(video_mask, "video"), _extents(text_mask, "text")
    video, text = _normal(video), _normal(text)
    if video.is_cuda and not torch.is_grad_enabled() and find_spec("triton"):
        from baselines import cico_triton

        if cico_triton.can(video, text, video_mask, text_mask):
            return Similarity(*cico_triton.cico(video, video_mask, text, text_mask, temperature))
    limit = cosines or _COSINES["cuda" if video.is_cuda else "cpu"]
    texts = [
        _TextBlock(at, text[at, :longest], text_mask[at, :longest])
        for at, longest in _blocks(words, max(limit // _ROWS, 1))
    ]
    widest = max(block.mask.numel() for block in texts)
    rows, order = [], []
    for at, longest in _blocks(frames, max(limit // widest, 1)):
        given = video[at, :longest], video_mask[at, :longest]
        parts = [_block(*given, block, temperature) for block in texts]
        rows.append([torch.cat(direction, 1) for direction in zip(*parts, strict=True)])
        order += at
    columns = [i for block in texts for i in block.at]
    row, column = (torch.argsort(torch.tensor(i, device=video.device)) for i in (order, columns))
    v2t, t2v = (torch.cat(direction)[row][:, column] for direction in zip(*rows, strict=True))
    return Similarity(v2t, t2v)


class _TextBlock:
    """Texts of about one length: `tokens` [dim, words * texts], `mask` [words, texts]."""

    def __init__(self, at: list[int], text: Tensor, mask: Tensor) -> None:
        self.at, self.mask = at, mask.T.float()
        self.tokens = text.permute(2, 1, 0).flatten(1).contiguous()


def _block(
    video: Tensor, mask: Tensor, text: _TextBlock, temperature: float
) -> tuple[Tensor, Tensor]:
    """Both similarities [videos, texts] of a block; `video` [videos, frames, dim] has a `mask`.

    Words come before texts, so that all sums run over long contiguous rows.
    """
    frames = mask.float()[..., None]  # [videos, frames, 1]
    cosines = video.flatten(0, 1) @ text.tokens
    cosines = cosines.view(*mask.shape, *text.mask.shape).float()  # [videos, frames, words, texts]
    weights = (cosines / temperature).exp() * (frames[..., None] * text.mask)
    weighted = weights * cosines
    # where there is padding both sums are 0: + 1 makes the quotient 0, too
    of_frames = weighted.sum(2) / (weights.sum(2) + (1 - frames))  # [videos, frames, texts]
    of_words = weighted.sum(1) / (weights.sum(1) + (1 - text.mask))  # [videos, words, texts]
    return of_frames.sum(1) / frames.sum(1), of_words.sum(1) / text.mask.sum(0)


def _normal(tokens: Tensor) -> Tensor:
    """Of length 1; in float32, whatever the tokens are in."""
    return F.normalize(tokens.float(), dim=-1).to(tokens.dtype)


def _extents(mask: Tensor, side: str) -> list[int]:
    """How far the tokens of each row [rows, n] reach."""
    if not bool(mask.any(1).all()):
        row = int((~mask.any(1)).nonzero()[0])
        raise QbsltError(f"{side} {row} of the batch has no tokens: it is like nothing.")
    n = mask.shape[1]
    return [n - int(k) for k in mask.flip(1).int().argmax(1).tolist()]


def _blocks(lengths: list[int], size: int) -> Iterator[tuple[list[int], int]]:
    """Rows of about equal length in blocks of `size` tokens, padding counted: (rows, longest)."""
    block: list[int] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if block and (len(block) + 1) * lengths[i] > size:
            yield block, lengths[block[-1]]
            block = []
        block.append(i)
    yield block, lengths[block[-1]]


def cls(video: Tensor, video_mask: Tensor, text: Tensor, text_mask: Tensor) -> Similarity:
    """Cosine of the first tokens: who calls it puts the token that stands for all there."""
    cosines = _normal(video[:, 0]).float() @ _normal(text[:, 0]).float().T
    return Similarity(cosines, cosines)


def mean(video: Tensor, video_mask: Tensor, text: Tensor, text_mask: Tensor) -> Similarity:
    """Cosine of the mean tokens; shapes as for `cico`."""
    _extents(video_mask, "video"), _extents(text_mask, "text")
    sides = ((t.float() * m[..., None]).sum(1) for t, m in ((video, video_mask), (text, text_mask)))
    a, b = (F.normalize(side, dim=-1) for side in sides)
    return Similarity(a @ b.T, a @ b.T)


AGGREGATIONS: dict[str, Callable[[Tensor, Tensor, Tensor, Tensor], Similarity]] = {
    "cico": cico, "cls": cls, "mean": mean,
}  # fmt: skip


class Scale(nn.Module):
    """The learned scale of similarities: 1 / temperature at first, 100 at most. (CLIP, 2021.)"""

    def __init__(self, temperature: float = TEMPERATURE) -> None:
        super().__init__()
        self.log = nn.Parameter(torch.tensor(-math.log(temperature)))

    def forward(self) -> Tensor:
        """The scale, a number []."""
        return self.log.exp().clamp(max=100.0)


def contrast(
    similarity: Similarity, scale: Tensor | float, same: Tensor, positives: bool = False
) -> Tensor:
    """InfoNCE both ways of videos [batch] and the texts of their own rows [batch]: one number [].

    Where `same` [batch, batch] is True off the diagonal two rows have the same text: that pair is
    taken out, or with `positives` is wanted as much as a row's own. (Ours.)
    """
    own = torch.eye(len(same), dtype=torch.bool, device=same.device)
    wanted = (same | own) if positives else own
    total = torch.zeros((), device=same.device)
    for logits in (similarity.video_to_text, similarity.text_to_video.T):
        said = (scale * logits).masked_fill(same & ~wanted, float("-inf")).log_softmax(-1)
        total = total - (said.masked_fill(~wanted, 0).sum(-1) / wanted.sum(-1)).mean()
    return total / 2
