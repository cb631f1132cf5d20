"""Glosses off the sign encoder: a CTC head (Graves et al., ICML 2006), its loss and decoding.

Classes are the numbers of `baselines.vocabulary.GlossVocabulary`; 0 is the blank.
"""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import groupby

import torch.nn.functional as F
from torch import Tensor, nn

BLANK = 0
_NEVER = -math.inf


class CtcHead(nn.Module):
    """States [batch, n, width] -> log-probabilities [batch, n, classes], blank first."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.leave = nn.Linear(width, classes)

    def forward(self, states: Tensor) -> Tensor:
        """Log-probabilities [batch, frames, classes] of states [batch, frames, width].

        In float32, because sums of many log-probabilities lose too much in bfloat16.
        """
        classes: Tensor = self.leave(states)
        return classes.float().log_softmax(-1)


def ctc_loss(log_probs: Tensor, mask: Tensor, glosses: Tensor, lengths: Tensor) -> Tensor:
    """Mean over the clips of the negative log-likelihood of a gloss; 0 for impossible clips.

    `mask` [batch, n]; `glosses` [batch, longest] are classes, padded, `lengths` [batch]. A clip
    with more glosses than steps has no path, and one without glosses teaches nothing.
    """
    losses = F.ctc_loss(
        log_probs.transpose(0, 1), glosses, mask.sum(1), lengths, BLANK,
        reduction="none", zero_infinity=True,
    )  # fmt: skip
    return (losses / lengths.clamp(min=1) * (lengths > 0)).mean()


def decode(log_probs: Tensor, mask: Tensor, beams: int = 1) -> list[list[int]]:
    """The glosses of each clip, as classes; the best path, or prefix beam search with `beams`."""
    rows = log_probs.detach().float().cpu()
    steps = mask.sum(1).tolist()
    if beams <= 1:
        best = rows.argmax(-1).tolist()
        return [[k for k, _ in groupby(row[:n]) if k != BLANK]
                for row, n in zip(best, steps, strict=True)]  # fmt: skip
    return [_beam_search(row[:n], beams) for row, n in zip(rows, steps, strict=True)]


def _beam_search(log_probs: Tensor, beams: int) -> list[int]:
    """Prefix beam search (Hannun et al., 2014) without a language model over [n, classes].

    A prefix has two sums of paths: of those that end in a blank, and of the others. Only the
    `beams` likeliest classes of a step extend a prefix.
    """
    hypotheses: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, _NEVER)}
    tops = log_probs.topk(min(beams, log_probs.shape[1]), dim=1)
    for step, (values, classes) in enumerate(zip(*map(Tensor.tolist, tops), strict=True)):
        blank = float(log_probs[step, BLANK])
        of_last = log_probs[step].tolist()
        found: dict[tuple[int, ...], list[float]] = defaultdict(lambda: [_NEVER, _NEVER])
        for prefix, (ends_blank, ends_gloss) in hypotheses.items():
            both = _add(ends_blank, ends_gloss)
            here = found[prefix]
            here[0] = _add(here[0], both + blank)
            if prefix:
                here[1] = _add(here[1], ends_gloss + of_last[prefix[-1]])
            for value, k in zip(values, classes, strict=True):
                if k != BLANK:
                    before = ends_blank if prefix and k == prefix[-1] else both
                    longer = found[(*prefix, k)]
                    longer[1] = _add(longer[1], before + value)
        ranked = sorted(found.items(), key=lambda item: (-_add(*item[1]), item[0]))
        hypotheses = {prefix: (a, b) for prefix, (a, b) in ranked[:beams]}
    return list(next(iter(hypotheses)))


def _add(a: float, b: float) -> float:
    """log(exp(a) + exp(b))."""
    high, low = (a, b) if a > b else (b, a)
    return high if low == _NEVER else high + math.log1p(math.exp(low - high))
