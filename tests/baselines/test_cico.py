"""CiCo similarity against a slow loop; whatever a pair stands beside, its score is the same."""

from __future__ import annotations

import importlib.util
import math
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from baselines.cico import AGGREGATIONS, Scale, Similarity, cico, cls, contrast, mean
from qa_builder.errors import QbsltError

TAU = 0.07


def tokens(lengths: list[int], longest: int, dim: int, seed: int) -> tuple[Tensor, Tensor]:
    """Tokens with a garbage padding, and their mask."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(len(lengths), longest, dim, generator=generator) * 2
    mask = torch.arange(longest) < torch.tensor(lengths)[:, None]
    x[~mask] = 1e4
    return x, mask


def some(n: int = 9, m: int = 7, dim: int = 12) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    frames, words = [1, 13, 5, 2, 13, 8, 3, 3, 11][:n], [4, 1, 6, 6, 2, 5, 3][:m]
    return *tokens(frames, 13, dim, 0), *tokens(words, 6, dim, 1)


def loop(
    video: Tensor, video_mask: Tensor, text: Tensor, text_mask: Tensor
) -> tuple[Tensor, Tensor]:
    """The definition, number by number, in double precision."""
    out = torch.zeros(2, len(video), len(text), dtype=torch.float64)

    def soft(cosines: list[float]) -> float:
        e = [math.exp(c / TAU) for c in cosines]
        return sum(w * c for w, c in zip(e, cosines, strict=True)) / sum(e)

    for i, (v, vm) in enumerate(zip(video, video_mask, strict=True)):
        for j, (t, tm) in enumerate(zip(text, text_mask, strict=True)):
            c = [[float(torch.dot(a, b) / (a.norm() * b.norm())) for b in t[tm].double()]
                 for a in v[vm].double()]  # fmt: skip
            out[0, i, j] = sum(soft(row) for row in c) / len(c)
            out[1, i, j] = sum(soft(list(column)) for column in zip(*c, strict=True)) / len(c[0])
    return out[0], out[1]


@pytest.mark.parametrize("cosines", [None, 1, 64, 10**6])
def test_exact_against_a_slow_loop(cosines: int | None) -> None:
    given = some()
    for got, expected in zip(cico(*given, cosines=cosines), loop(*given), strict=True):
        assert got.dtype == torch.float32
        assert torch.allclose(got.double(), expected, atol=2e-6)


def test_a_gap_in_a_mask_is_padding() -> None:
    video, video_mask, text, text_mask = some()
    video_mask[1, 3] = text_mask[2, 0] = False
    video[1, 3] = text[2, 0] = -1e4
    for got, expected in zip(
        cico(video, video_mask, text, text_mask),
        loop(video, video_mask, text, text_mask),
        strict=True,
    ):
        assert torch.allclose(got.double(), expected, atol=2e-6)


@pytest.mark.parametrize("name", ["cico", "mean", "cls"])
def test_a_pair_s_score_does_not_depend_on_its_batch(name: str) -> None:
    aggregate = AGGREGATIONS[name]
    video, video_mask, text, text_mask = some()
    whole = aggregate(video, video_mask, text, text_mask)
    for i, j in ((0, 1), (3, 2), (8, 6)):
        alone = aggregate(
            video[i : i + 1, :13], video_mask[i : i + 1], text[j : j + 1], text_mask[j : j + 1]
        )
        more = torch.full((2, 90, 12), -77.0)
        more[0, :13], more[1, :1] = video[i], video[0, :1]
        mask = torch.zeros(2, 90, dtype=torch.bool)
        mask[0, :13], mask[1, 0] = video_mask[i], True
        padded = aggregate(more, mask, text[[j, 0]], text_mask[[j, 0]])
        for side in range(2):
            assert float(alone[side][0, 0]) == pytest.approx(float(whole[side][i, j]), abs=1e-5)
            assert float(padded[side][0, 0]) == pytest.approx(float(whole[side][i, j]), abs=1e-5)


def test_like_videos_and_texts_are_alike() -> None:
    x, mask = tokens([4, 2], 4, 8, 3)
    for aggregate in AGGREGATIONS.values():
        both = aggregate(x, mask, x, mask).both()
        assert bool((both.diag() > both.fliplr().diag()).all())
        assert bool((both <= 1 + 1e-6).all())


def test_gradients_are_those_of_the_plain_form() -> None:
    video, video_mask, text, text_mask = some()
    video[~video_mask], text[~text_mask] = 1.0, 1.0

    def plain(v: Tensor, t: Tensor) -> Tensor:
        c = torch.einsum(
            "itd,jld->ijtl", *(torch.nn.functional.normalize(x, dim=-1) for x in (v, t))
        )
        low = (c / TAU).masked_fill(~text_mask[None, :, None], -math.inf).softmax(-1)
        rows = ((low * c).sum(-1) * video_mask[:, None]).sum(-1) / video_mask.sum(1)[:, None]
        low = (c / TAU).masked_fill(~video_mask[:, None, :, None], -math.inf).softmax(-2)
        columns = ((low * c).sum(-2) * text_mask[None]).sum(-1) / text_mask.sum(1)
        return rows.square().sum() + (2 * columns).sum()

    def ours(v: Tensor, t: Tensor) -> Tensor:
        rows, columns = cico(v, video_mask, t, text_mask, cosines=200)
        return rows.square().sum() + (2 * columns).sum()

    gradients = []
    for form in (plain, ours):
        v, t = video.clone().requires_grad_(), text.clone().requires_grad_()
        form(v, t).backward()  # type: ignore[no-untyped-call]
        gradients.append((v.grad, t.grad))
    for a, b in zip(*gradients, strict=True):
        assert a is not None and b is not None
        assert torch.allclose(a, b, atol=1e-5) and float(a.abs().max()) > 0.01
        assert bool(torch.isfinite(b).all())


def test_mean_and_cls() -> None:
    video, video_mask, text, text_mask = some()
    a, b = video[1, :13].mean(0), text[0, :4].mean(0)
    expected = float(torch.cosine_similarity(a, b, dim=0))
    assert float(mean(video, video_mask, text, text_mask).both()[1, 0]) == pytest.approx(
        expected, abs=1e-6
    )
    expected = float(torch.cosine_similarity(video[2, 0], text[3, 0], dim=0))
    assert float(cls(video, video_mask, text, text_mask).both()[2, 3]) == pytest.approx(
        expected, abs=1e-6
    )


def test_half_precision_is_near() -> None:
    given = some()
    half = [x.bfloat16() if x.is_floating_point() else x for x in given]
    for a, b in zip(cico(*given), cico(*half), strict=True):
        assert b.dtype == torch.float32
        assert float((a - b).abs().max()) < 0.02


def test_contrast_masks_equal_texts_or_takes_them_as_positives() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.5], [0.0, 3.0, 1.0], [1.0, -1.0, 2.0]])
    similarity = Similarity(logits / 2, logits / 2)
    none = torch.eye(3, dtype=torch.bool)
    same = none.clone()
    same[0, 2] = same[2, 0] = True

    def nll(row: list[float], wanted: list[int]) -> float:
        total = math.log(sum(map(math.exp, row)))
        return sum(total - row[k] for k in wanted) / len(wanted)

    sides = [logits.tolist(), logits.T.tolist()]
    plain = sum(nll(rows[i], [i]) for rows in sides for i in range(3)) / 6
    assert float(contrast(similarity, 2.0, none)) == pytest.approx(plain, abs=1e-6)
    masked = sum(
        nll(r[0][:2], [0]) + nll(r[1], [1]) + nll(r[2][1:], [1]) for r in sides
    ) / 6  # fmt: skip
    assert float(contrast(similarity, 2.0, same)) == pytest.approx(masked, abs=1e-6)
    wanted = sum(
        nll(r[0], [0, 2]) + nll(r[1], [1]) + nll(r[2], [0, 2]) for r in sides
    ) / 6  # fmt: skip
    assert float(contrast(similarity, 2.0, same, positives=True)) == pytest.approx(wanted, abs=1e-6)
    scale = Scale()
    assert scale().item() == pytest.approx(1 / 0.07)
    loss = contrast(similarity, scale(), same)
    loss.backward()  # type: ignore[no-untyped-call]
    assert scale.log.grad is not None and bool(torch.isfinite(scale.log.grad))
    with torch.no_grad():
        scale.log.fill_(9.0)
    assert scale().item() == 100


def test_bad_input_is_one_sentence() -> None:
    video, video_mask, text, text_mask = some()
    with pytest.raises(QbsltError, match="is too low for CiCo"):
        cico(video, video_mask, text, text_mask, temperature=0.001)
    text_mask[5] = False
    for aggregate in (cico, mean):
        with pytest.raises(QbsltError, match="text 5 of the batch has no tokens"):
            aggregate(video, video_mask, text, text_mask)


_INTERPRETED = """
import torch
from test_cico import loop, tokens
from baselines import cico_triton
from baselines.cico import _normal

a, b = tokens([1, 70, 64, 5, 100], 100, 40, 0), tokens([3, 17, 1, 20], 20, 40, 1)
# not bfloat16: the interpreter's dot product reads its bits as whole numbers
video, text = (_normal(x * m[..., None]).half() for x, m in (a, b))
assert cico_triton.can(video, text, a[1], b[1])
got = cico_triton.cico(video, a[1], text, b[1], 0.07)
expected = loop(video.double(), a[1], text.double(), b[1])
print("greatest difference", max(float((g - e).abs().max()) for g, e in zip(got, expected)))
assert all(torch.allclose(g.double(), e, atol=2e-3) for g, e in zip(got, expected))
assert not cico_triton.can(video, text, a[1].flip(1), b[1])
assert not cico_triton.can(video.float(), text.float(), a[1], b[1])
"""


_HAS_TRITON = importlib.util.find_spec("triton") is not None
# the extra `dev` has it there: its lack is a fault, not a reason to skip
_SHOULD_HAVE = sys.platform == "linux" and platform.machine() == "x86_64"


@pytest.mark.skipif(not _HAS_TRITON and not _SHOULD_HAVE, reason="triton is not installed")
def test_the_kernel_in_triton_s_interpreter() -> None:
    path = os.pathsep.join(p for p in sys.path if p)
    result: Any = subprocess.run(
        [sys.executable, "-c", _INTERPRETED], capture_output=True, text=True,
        env=os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": path},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "greatest difference" in result.stdout


_ON_CPU = """
import sys
import torch
from test_cico import some
from baselines.cico import cico

given = [x.half() if x.is_floating_point() else x for x in some()]  # as the kernel takes them
with torch.no_grad():
    found = cico(*given)
assert "triton" not in sys.modules and "baselines.cico_triton" not in sys.modules
print(*(side.double().sum().item().hex() for side in found))
"""


def test_on_a_cpu_nothing_changes_where_triton_is_there(tmp_path: Path) -> None:
    """With it and without it (a module of its name that can't be imported): the same numbers."""
    (tmp_path / "triton.py").write_text("raise ImportError")
    path = [p for p in sys.path if p]
    said = [
        subprocess.run(
            [sys.executable, "-c", _ON_CPU], capture_output=True, text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(first + path)},
        )
        for first in ([], [str(tmp_path)])
    ]  # fmt: skip
    assert [r.returncode for r in said] == [0, 0], said
    assert said[0].stdout == said[1].stdout
