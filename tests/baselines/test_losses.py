"""The losses against hand-computed values."""

from __future__ import annotations

import math

import torch

from baselines.losses import (
    IGNORED,
    cross_entropy,
    identical_rows,
    info_nce,
    mask_tokens,
    mean_of,
)


def test_cross_entropy_counts_what_is_there() -> None:
    logits = torch.tensor([[[2.0, 0.0, 0.0], [9.0, 9.0, -9.0]], [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]])
    labels = torch.tensor([[0, IGNORED], [1, 2]])
    hand = [math.log(1 + 2 * math.exp(-2)), math.log(1 + 2 * math.exp(-1)), math.log(3)]
    assert math.isclose(float(cross_entropy(logits, labels)), sum(hand) / 3, rel_tol=1e-6)
    assert float(cross_entropy(logits, torch.full_like(labels, IGNORED))) == 0
    one = torch.tensor([[2.0, 0.0, 0.0]])
    # 0.2 of the mass goes to all three classes alike (Szegedy et al., 2016)
    smooth = 0.8 * hand[0] + 0.2 * (hand[0] + 2 * (hand[0] + 2)) / 3
    assert math.isclose(float(cross_entropy(one, torch.tensor([0]), 0.2)), smooth, rel_tol=1e-6)


def test_info_nce_by_hand() -> None:
    a = torch.tensor([[3.0, 0.0], [0.0, 5.0]])
    b = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    s = math.sqrt(0.5)  # cosines: [[1, s], [0, s]]
    scale, none = 2.0, torch.zeros(2, 2, dtype=torch.bool)
    rows = [math.log(1 + math.exp(2 * (s - 1))), math.log(1 + math.exp(-2 * s))]
    columns = [math.log(1 + math.exp(-2)), math.log(2)]
    wanted = (sum(rows) + sum(columns)) / 4
    assert math.isclose(float(info_nce(a, b, scale, none)), wanted, rel_tol=1e-6)


def test_identical_questions_are_no_negatives() -> None:
    torch.manual_seed(0)
    questions = torch.tensor([[5, 6, 1], [7, 1, 1], [5, 6, 1]])
    same = identical_rows(questions)
    assert same.tolist() == [[True, False, True], [False, True, False], [True, False, True]]
    a, b = torch.randn(3, 4), torch.randn(3, 4)
    b[2] = b[0]
    unlike = torch.eye(3, dtype=torch.bool)
    loss = info_nce(a, b, 10.0, same)
    a.requires_grad_()
    pulled = torch.autograd.grad(info_nce(a, b, 10.0, same), a)[0]
    pushed = torch.autograd.grad(info_nce(a, b, 10.0, unlike), a)[0]
    assert not torch.allclose(pulled[0], pushed[0])
    # row 0 has one negative, row 1: by hand
    cosine = torch.nn.functional.normalize(a, dim=1) @ torch.nn.functional.normalize(b, dim=1).T
    logits = (10 * cosine).tolist()
    first = math.log(1 + math.exp(logits[0][1] - logits[0][0]))
    third = math.log(1 + math.exp(logits[2][1] - logits[2][2]))
    second = math.log(sum(math.exp(x - logits[1][1]) for x in logits[1]))
    down = [math.log(1 + math.exp(logits[1][0] - logits[0][0])),
            math.log(sum(math.exp(logits[i][1] - logits[1][1]) for i in range(3))),
            math.log(1 + math.exp(logits[1][2] - logits[2][2]))]  # fmt: skip
    assert math.isclose(float(loss), (first + second + third + sum(down)) / 6, rel_tol=1e-4)


def test_all_the_same_is_no_loss() -> None:
    a, b = torch.randn(3, 4, requires_grad=True), torch.randn(3, 4)
    loss = info_nce(a, b, 10.0, torch.ones(3, 3, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0 and a.grad is not None and not a.grad.isnan().any()


def test_masking() -> None:
    torch.manual_seed(0)
    ids = torch.randint(5, 50, (400, 30))
    ids[:, -1] = 2
    mask = torch.arange(30) < torch.randint(2, 31, (400, 1))
    hidden, labels = mask_tokens(ids, mask, mask_id=4, size=50, special=(0, 1, 2, 3, 4), share=0.2)
    chosen = labels != IGNORED
    assert torch.equal(labels[chosen], ids[chosen])
    assert torch.equal(hidden[~chosen], ids[~chosen])
    assert not (chosen & ~mask).any() and not chosen[:, -1].any()
    assert chosen.any(1).all()  # each row has one at least
    masked = float((hidden[chosen] == 4).float().mean())
    kept = float((hidden[chosen] == ids[chosen]).float().mean())
    assert 0.77 < masked < 0.83 and 0.08 < kept < 0.13
    assert 0.19 < float(chosen.sum() / mask.sum()) < 0.24


def test_mean_leaves_padding_out() -> None:
    states = torch.tensor([[[1.0], [3.0], [100.0]], [[7.0], [100.0], [100.0]]])
    mask = torch.tensor([[True, True, False], [True, False, False]])
    assert mean_of(states, mask).tolist() == [[2.0], [7.0]]
