"""CTC: its loss and decoding against sums over all paths."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor

from baselines.ctc import BLANK, CtcHead, ctc_loss, decode


def all_sequences(log_probs: Tensor) -> dict[tuple[int, ...], float]:
    """The probability of every sequence of glosses, summed over its paths."""
    n, classes = log_probs.shape
    found: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(classes), repeat=n):
        chance = math.exp(sum(float(log_probs[t, k]) for t, k in enumerate(path)))
        glosses = tuple(k for k, _ in itertools.groupby(path) if k != BLANK)
        found[glosses] = found.get(glosses, 0.0) + chance
    return found


def test_the_loss_is_the_sum_over_paths() -> None:
    torch.manual_seed(0)
    log_probs = torch.randn(2, 5, 3).log_softmax(-1)
    mask = torch.tensor([[True] * 5, [True] * 4 + [False]])
    loss = ctc_loss(log_probs, mask, torch.tensor([[1, 1], [2, 0]]), torch.tensor([2, 1]))
    first = -math.log(all_sequences(log_probs[0])[1, 1]) / 2
    second = -math.log(all_sequences(log_probs[1, :4])[2,])
    assert math.isclose(float(loss), (first + second) / 2, rel_tol=1e-5)


def test_impossible_and_empty_clips_teach_nothing() -> None:
    head = CtcHead(4, 3)
    states = torch.randn(2, 2, 4)
    log_probs = head(states)
    mask = torch.ones(2, 2, dtype=torch.bool)
    loss = ctc_loss(log_probs, mask, torch.tensor([[1, 2, 1], [0, 0, 0]]), torch.tensor([3, 0]))
    loss.backward()
    assert loss.item() == 0
    assert head.leave.weight.grad is not None and not head.leave.weight.grad.any()


def test_beam_search_finds_the_likeliest_sequence() -> None:
    better = 0
    for seed in range(20):
        torch.manual_seed(seed)
        log_probs = (1.5 * torch.randn(5, 4)).log_softmax(-1)
        sequences = all_sequences(log_probs)
        best = max(sequences, key=lambda glosses: sequences[glosses])
        mask = torch.ones(1, 5, dtype=torch.bool)
        assert tuple(decode(log_probs[None], mask, beams=200)[0]) == best
        greedy = tuple(decode(log_probs[None], mask)[0])
        better += sequences[best] > sequences[greedy]
    assert better > 0  # so that the two differ at all


def test_padding_is_not_decoded() -> None:
    log_probs = torch.eye(4)[[1, 1, 0, 2, 3]].mul(9).log_softmax(-1)[None]
    mask = torch.tensor([[True, True, True, True, False]])
    assert decode(log_probs, mask) == decode(log_probs, mask, beams=4) == [[1, 2]]
