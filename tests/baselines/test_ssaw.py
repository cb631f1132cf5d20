"""SSAW against a slow loop; its weights are independent; padding changes nothing."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from baselines.ssaw import Ssaw, shares


def made(heads: int = 2, width: int = 8) -> Ssaw:
    torch.manual_seed(0)
    module = Ssaw(width, heads)
    for p in module.parameters():
        torch.nn.init.normal_(p, std=0.5)  # far from the start, where all is near to one half
    return module


def slow(module: Ssaw, x: Tensor) -> tuple[Tensor, Tensor]:
    """The formula for one sample [n, width] without padding, number by number."""
    n, width = x.shape
    d = width // module.heads
    q, k, v = (layer(x).tolist() for layer in (module.query, module.key, module.value))
    y = torch.zeros(n, width)
    for h in range(module.heads):
        part = range(h * d, (h + 1) * d)
        for i in range(n):
            for j in range(n):
                score = sum(q[i][c] * k[j][c] for c in part) / math.sqrt(d) - math.log(n)
                weight = 1 / (1 + math.exp(-score))
                for c in part:
                    y[i, c] += weight * v[j][c]
    y = module.out(y)
    w = 1 / (1 + torch.exp(-module.gate(y)))
    return x + y, w[:, 0]


@torch.no_grad()
def test_it_is_the_formula() -> None:
    module, lengths = made(), (1, 4, 7)
    x = torch.randn(3, 7, 8)
    mask = torch.arange(7) < torch.tensor(lengths)[:, None]
    x[~mask] = 1e3  # what lies in the padding must not matter
    found, weights = module(x, mask)
    for row, n in enumerate(lengths):
        wanted, w = slow(module, x[row, :n])
        assert torch.allclose(found[row, :n], wanted, atol=1e-5)
        assert torch.allclose(weights[row, :n], w, atol=1e-6)
        assert not found[row, n:].any() and not weights[row, n:].any()


@torch.no_grad()
def test_weights_are_independent() -> None:
    module = made()
    x = torch.randn(1, 12, 8) / 4
    _, w = module(x, torch.ones(1, 12, dtype=torch.bool))
    assert ((w > 0) & (w < 1)).all()
    module.gate.bias += 4.0
    _, higher = module(x, torch.ones(1, 12, dtype=torch.bool))
    assert (higher > w).all()  # all at once: with a softmax some would have to fall
    assert higher.sum() > 6


@torch.no_grad()
def test_sigmoid_attention_begins_near_softmax() -> None:
    """With scores of 0 each of n positions gets 1 / (n + 1): the bias is -log n."""
    module = made(heads=1)
    torch.nn.init.zeros_(module.query.weight)
    torch.nn.init.zeros_(module.query.bias)
    torch.nn.init.eye_(module.value.weight)
    torch.nn.init.zeros_(module.value.bias)
    torch.nn.init.eye_(module.out.weight)
    torch.nn.init.zeros_(module.out.bias)
    torch.nn.init.zeros_(module.gate.weight)
    torch.nn.init.zeros_(module.gate.bias)
    x = torch.randn(1, 5, 8)
    found, w = module(x, torch.ones(1, 5, dtype=torch.bool))
    assert torch.allclose(w, torch.full((1, 5), 0.5))
    assert torch.allclose(found, x + x.sum(1, keepdim=True) / 6, atol=1e-6)


def test_a_weight_is_a_share_of_attention() -> None:
    """exp(score) times weight, then normed; what is not there gets none."""
    scores, weights = [0.5, -1.0, 2.0, 9.0], [0.9, 0.2, 0.01, 0.0]
    parts = [w * math.exp(s) for s, w in zip(scores, weights, strict=True)]
    found = (torch.tensor(scores) + shares(torch.tensor([weights]))).softmax(-1)
    assert found.shape == (1, 1, 1, 4)
    assert torch.allclose(found[0, 0, 0], torch.tensor(parts) / sum(parts), atol=1e-6)
