"""The sign encoder: shapes, masks, and that a clip never depends on the others of its batch."""

from __future__ import annotations

import pytest
import torch

from baselines.config import GlossFreeConfig, configure
from baselines.sign_encoder import SignEncoder


@pytest.fixture(scope="module")
def encoder() -> SignEncoder:
    torch.manual_seed(0)
    config = configure(GlossFreeConfig, {"preset": "tiny", "features": "store"})
    return SignEncoder(10, config).eval()


@torch.no_grad()
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 9, 33])
def test_padding_changes_nothing(encoder: SignEncoder, n: int) -> None:
    clip, other = torch.randn(1, n, 10), torch.randn(2, 40, 10)
    alone, mask = encoder(clip, torch.ones(1, n, dtype=torch.bool))
    assert mask.shape == (1, -(-n // 4)) and mask.all()
    frames = torch.cat([torch.full((1, 40, 10), 1e3), other])  # what lies in padding is no 0
    frames[0, :n] = clip
    there = torch.ones(3, 40, dtype=torch.bool)
    there[0, n:] = False
    together, masks = encoder(frames, there)
    assert masks.sum(1).tolist() == [-(-n // 4), 10, 10]
    assert torch.allclose(together[0, : mask.shape[1]], alone[0], atol=1e-5)


def test_padding_changes_nothing_in_training(encoder: SignEncoder) -> None:
    """Norms see a frame each, not a batch: gradients of a clip are its own, too."""
    clip = torch.randn(1, 11, 10)
    padded = torch.cat([clip, torch.zeros(1, 6, 10)], dim=1)
    gradients = []
    for frames, n in ((clip, 11), (padded, 17)):
        encoder.zero_grad()
        states, mask = encoder(frames, torch.arange(n)[None] < 11)
        (states * mask[..., None]).square().sum().backward()
        gradients.append(encoder.project[0].weight.grad.clone())
    assert torch.allclose(*gradients, atol=1e-4)


@torch.no_grad()
def test_order_is_seen(encoder: SignEncoder) -> None:
    clip = torch.randn(1, 24, 10)
    mask = torch.ones(1, 24, dtype=torch.bool)
    forth, back = encoder(clip, mask)[0], encoder(clip.flip(1), mask)[0]
    assert not torch.allclose(forth, back.flip(1), atol=1e-2)
