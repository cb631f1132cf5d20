"""The translator: every method's graph, that batches don't matter, and where its losses look."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import MBartForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutput

from baselines import gloss_assisted, gloss_free, gloss_to_text, ssl_ssaw
from baselines.config import METHODS, configure
from baselines.data import Batch
from baselines.text_encoder import mbart, mbart_config
from baselines.translator import Translator, pack, stretch
from baselines.vocabulary import Vocabulary, learn
from qa_builder.errors import QbsltError

DIM, CLASSES = 6, 5
TEXTS = ["im norden regnet es", "morgen scheint die sonne im ganzen land", "und nun das wetter"]
ASKED = ["wie wird es im norden", "wann scheint die sonne", "was kommt nun in diesem land"]
FRAMES = (9, 30, 17)
GRAPHS: dict[str, Any] = {
    "gloss-free": gloss_free.graph, "gloss-assisted": gloss_assisted.graph,
    "ssl-ssaw": ssl_ssaw.graph, "gloss-to-text": gloss_to_text.graph,
}  # fmt: skip
CASES = [
    ("gloss-free", {}), ("gloss-to-text", {}), ("gloss-assisted", {}),
    ("gloss-assisted", {"gloss": "ctc"}), ("ssl-ssaw", {}), ("ssl-ssaw", {"ssaw": False}),
    ("ssl-ssaw", {"question": "none"}), ("ssl-ssaw", {"control": "question-only"}),
    ("ssl-ssaw", {"contrast_weight": 0, "mlm_weight": 0}),
    ("ssl-ssaw", {"ssaw_weights": "scale"}), ("ssl-ssaw", {"ssaw_weights": "scale-behind"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return learn(TEXTS + ASKED, 350)


def made(vocabulary: Vocabulary, method: str, **options: Any) -> Translator:
    video = {} if method == "gloss-to-text" else {"features": "store"}
    config = configure(METHODS[method], {"preset": "tiny", "dropout": 0, **video, **options})
    torch.manual_seed(0)
    return Translator(config, GRAPHS[method](config), vocabulary, dim=DIM, glosses=CLASSES)


def batch(vocabulary: Vocabulary, rows: tuple[int, ...] = (0, 1, 2), pad: int = 0) -> Batch:
    n = max(FRAMES[i] for i in rows) + pad
    features = torch.full((len(rows), n, DIM), 1e3)
    mask = torch.zeros(len(rows), n, dtype=torch.bool)
    for row, i in enumerate(rows):
        drawn = torch.Generator().manual_seed(i)
        features[row, : FRAMES[i]] = torch.randn(FRAMES[i], DIM, generator=drawn)
        mask[row, : FRAMES[i]] = True
    assist = vocabulary.encode_batch([ASKED[i] for i in rows])
    target = vocabulary.encode_batch([TEXTS[i] for i in rows])
    glosses = torch.tensor([[1 + i, 2] for i in rows])
    return Batch(
        [str(i) for i in rows], [TEXTS[i] for i in rows], features, mask, *assist, *target,
        glosses, torch.full((len(rows),), 2),
    )  # fmt: skip


@pytest.mark.parametrize(("method", "options"), CASES)
def test_every_weight_learns(vocabulary: Vocabulary, method: str, options: dict[str, Any]) -> None:
    """Weights that nothing trains would stop DDP, and tell of a part that is not used."""
    model = made(vocabulary, method, **options)
    losses = model(batch(vocabulary))
    losses.total.backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []
    weights = {"translation": 1.0, "contrast": 1.0, "mlm": 1.0, "ctc": 1.0}
    total = sum(weights[name] * part.item() for name, part in losses.parts.items())
    assert math.isclose(losses.total.item(), total, rel_tol=1e-5)
    graph = model.graph
    wanted = {"translation"} | {p for p in ("contrast", "mlm", "ctc") if getattr(graph, p)}
    assert set(losses.parts) == wanted


@pytest.mark.parametrize(("method", "options"), CASES)
@torch.no_grad()
def test_a_sample_does_not_depend_on_its_batch(
    vocabulary: Vocabulary, method: str, options: dict[str, Any]
) -> None:
    model = made(vocabulary, method, **options).eval()
    together, pieces = model.nll(batch(vocabulary, pad=5))
    for i in range(3):
        alone, n = model.nll(batch(vocabulary, (i,)))
        assert n[0] == pieces[i]
        assert math.isclose(alone[0].item(), together[i].item(), rel_tol=1e-5)


def test_pack_closes_gaps() -> None:
    a, b = torch.arange(6.0).view(2, 3, 1), 10 + torch.arange(4.0).view(2, 2, 1)
    here = torch.tensor([[True, False, False], [True, True, True]])
    there = torch.tensor([[True, True], [True, False]])
    states, mask = pack([(a, here), (b, there)])
    assert mask.sum(1).tolist() == [3, 4] and mask[0, :3].all() and mask[1, :4].all()
    assert states[0, :3, 0].tolist() == [0, 10, 11]
    assert states[1, :4, 0].tolist() == [3, 4, 5, 12]


class Gate(torch.nn.Module):
    """In SSAW's place: leaves the states alone and gives a few positions weights of their own."""

    def __init__(self, **weights: float) -> None:
        super().__init__()
        self.weights = {int(name[1:]): value for name, value in weights.items()}
        self.usual = 1.0

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """`x` [batch, positions, width], `mask` [batch, positions]; gives x and the weights, which
        are shaped as the mask.
        """
        w = torch.full_like(x[..., 0], self.usual)
        for position, weight in self.weights.items():
            w[:, position] = weight
        return x, w * mask


@torch.no_grad()
def test_weights_that_scale(vocabulary: Vocabulary) -> None:
    """Once before the fusion encoder, and with `scale-behind` once more behind it."""
    plain = made(vocabulary, "ssl-ssaw", ssaw=False).eval()
    rows = batch(vocabulary, (1,))
    sides = plain.encode_sign(rows), plain.text(rows.assist_ids, rows.assist_mask)  # type: ignore[misc]
    taken: list[Tensor] = []
    for how in ("scale", "scale-behind"):
        model = made(vocabulary, "ssl-ssaw", ssaw_weights=how).eval()
        model.load_state_dict(plain.state_dict(), strict=False)
        model.ssaw = Gate(_2=0.25)  # type: ignore[assignment]
        encoder = model.mbart.model.encoder
        encoder.register_forward_pre_hook(
            lambda _, __, given: taken.append(given["inputs_embeds"]), with_kwargs=True
        )
        fused = model.fuse(*sides)
        wanted = pack([(s[0] + plain.kinds.weight[i], s[1]) for i, s in enumerate(sides)])[0]
        wanted[:, 2] *= 0.25
        assert torch.allclose(taken[-1], wanted)
        behind = encoder(inputs_embeds=wanted, attention_mask=fused.mask.long()).last_hidden_state
        if how == "scale-behind":
            behind[:, 2] *= 0.25
        assert torch.allclose(fused.states, behind, atol=1e-5)
        assert not fused.attended.is_floating_point() and (fused.attended == 1).all()
        model.ssaw = Gate()  # type: ignore[assignment]
        assert torch.allclose(model.nll(rows)[0], plain.nll(rows)[0], rtol=1e-5)


@torch.no_grad()
def test_a_weight_of_zero_hides_a_position(
    vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the fusion encoder, from the decoder that is trained, and from the one that writes."""
    model = made(vocabulary, "ssl-ssaw").eval()
    rows = batch(vocabulary, (1,))
    states, mask = model.encode_sign(rows)
    other = states.clone()
    other[:, 2] = torch.randn_like(other[:, 2])

    def seen(video: Tensor) -> list[Tensor]:
        monkeypatch.setattr(model, "encode_sign", lambda _: (video, mask))
        fused = model.fuse((video, mask), model.text(rows.assist_ids, rows.assist_mask))  # type: ignore[misc]
        rest = torch.arange(fused.mask.shape[1]) != 2
        written = model.mbart.generate(  # type: ignore[operator]
            encoder_outputs=BaseModelOutput(fused.states), attention_mask=fused.attended,
            num_beams=2, max_new_tokens=4, output_scores=True, return_dict_in_generate=True,
        )  # fmt: skip
        return [fused.states[:, rest], model.nll(rows)[0], written.sequences_scores]

    for weight, same in ((0.0, True), (0.5, False)):
        model.ssaw = Gate(_2=weight)  # type: ignore[assignment]
        pairs = zip(seen(states), seen(other), strict=True)
        assert [torch.allclose(a, b, atol=1e-6) for a, b in pairs] == [same] * 3


@torch.no_grad()
def test_equal_weights_change_nothing_whatever_they_are(vocabulary: Vocabulary) -> None:
    """A weight is a share: what is scaled as a whole says nothing of any position."""
    model = made(vocabulary, "ssl-ssaw").eval()
    model.ssaw = Gate()  # type: ignore[assignment]
    rows, found = batch(vocabulary), []
    for model.ssaw.usual in (1.0, 0.1):  # type: ignore[assignment]
        found.append(model.nll(rows)[0])
    assert torch.allclose(*found, rtol=1e-5)
    model.ssaw = Gate(_2=0.1, _3=0.9)  # type: ignore[assignment]
    assert not torch.allclose(model.nll(rows)[0], found[0], rtol=1e-4)


@torch.no_grad()
def test_weights_work_in_bf16(vocabulary: Vocabulary) -> None:
    model, rows = made(vocabulary, "ssl-ssaw").eval(), batch(vocabulary)
    wanted = model.nll(rows)[0]
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.allclose(model.nll(rows)[0], wanted, rtol=0.05)
        assert model.generate(rows, num_beams=2, max_new_tokens=4).shape[0] == 3


@torch.no_grad()
def test_question_only_sees_no_video(vocabulary: Vocabulary) -> None:
    alone = made(vocabulary, "ssl-ssaw", control="question-only").eval()
    usual = made(vocabulary, "ssl-ssaw").eval()
    one, other = batch(vocabulary), batch(vocabulary)
    assert other.features is not None and other.frame_mask is not None
    other.features.mul_(-2)
    other.frame_mask[:, 5:] = False  # neither content nor length
    assert torch.equal(alone.nll(one)[0], alone.nll(other)[0])
    assert not torch.allclose(usual.nll(one)[0], usual.nll(other)[0], rtol=1e-3)


def test_mlm_reads_the_question_behind_the_signs(vocabulary: Vocabulary) -> None:
    states = torch.arange(12.0).view(2, 6, 1)
    assert stretch(states, torch.tensor([1, 4]), 2)[..., 0].tolist() == [[1, 2], [10, 11]]
    assert stretch(states, torch.tensor([3, 4]), 4).shape == (2, 4, 1)  # the rest is padding
    model = made(vocabulary, "ssl-ssaw", mlm_probability=0.5).eval()
    rows = batch(vocabulary)
    sign = model.encode_sign(rows)
    torch.manual_seed(3)
    together = model._mlm(sign, rows).item()
    assert rows.assist_ids is not None
    rows.assist_ids[~rows.assist_mask] = 17  # type: ignore[operator]
    torch.manual_seed(3)
    assert model._mlm(sign, rows).item() == together  # padding is never guessed


@torch.no_grad()
def test_generation_is_that_of_each_sample_alone(vocabulary: Vocabulary) -> None:
    model = made(vocabulary, "ssl-ssaw").eval()
    options = {"max_new_tokens": 8, "num_beams": 3}
    together = vocabulary.decode(model.generate(batch(vocabulary), **options))
    alone = [vocabulary.decode(model.generate(batch(vocabulary, (i,)), **options))[0]
             for i in range(3)]  # fmt: skip
    assert together == alone and any(together)


@torch.no_grad()
def test_explanations_are_of_the_translation(vocabulary: Vocabulary) -> None:
    model = made(vocabulary, "ssl-ssaw").eval()
    options = {"max_new_tokens": 6, "num_beams": 2}
    rows = batch(vocabulary)
    seen = model.explain(rows, **options)
    assert torch.equal(seen.pieces, model.generate(rows, **options)[:, 1:])
    assert seen.signs.tolist() == [-(-n // 4) for n in FRAMES]
    assert seen.attention.shape == (*seen.pieces.shape, seen.mask.shape[1])
    assert torch.allclose(seen.attention.sum(-1), torch.ones(seen.pieces.shape), atol=1e-5)
    assert not seen.attention.masked_select(~seen.mask[:, None]).any()
    assert seen.weights is not None and (seen.weights > 0).equal(seen.mask)
    again = model.explain(batch(vocabulary, (1,)), **options)  # of a sample alone
    n = int(seen.mask[1].sum())
    assert torch.allclose(again.attention[0, :3, :n], seen.attention[1, :3, :n], atol=1e-5)
    assert torch.equal(model.generate(rows, **options)[:, 1:], seen.pieces)


def test_a_checkpoint_is_read(
    vocabulary: Vocabulary, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A real, small mBART checkpoint with random weights, saved by transformers."""
    options = {"preset": "tiny", "features": "store"}
    config = configure(METHODS["ssl-ssaw"], options)
    torch.manual_seed(1)
    sizes = mbart_config(config, 3, vocab_size=len(vocabulary), pad_token_id=vocabulary.pad_id)
    saved = MBartForConditionalGeneration(sizes)
    saved.save_pretrained(tmp_path)
    model = made(vocabulary, "ssl-ssaw", pretrained=str(tmp_path))
    assert torch.equal(model.mbart.model.shared.weight, saved.model.shared.weight)
    first = saved.model.encoder.layers[0].fc1.weight
    assert torch.equal(model.mbart.model.encoder.layers[0].fc1.weight, first)
    assert torch.equal(model.text.encoder.layers[0].fc1.weight, first)  # type: ignore[union-attr]
    assert len(model.mbart.model.encoder.layers) == config.fusion_layers
    model(batch(vocabulary)).total.backward()
    said = capfd.readouterr().err
    assert "REPORT" not in said and "UNEXPECTED" not in said and "warning" not in said
    deep = {"pretrained": str(tmp_path), "fusion_layers": 5, "decoder_layers": 6}
    made(vocabulary, "ssl-ssaw", **deep)
    said = capfd.readouterr().err
    n = sizes.decoder_layers
    assert "has 3 encoder layers of fusion_layers=5: 2 layers begin with random weights." in said
    assert f"of decoder_layers=6: {6 - n} layers begin with random weights." in said
    assert "MISSING" not in said and said.count("warning") == 2
    made(vocabulary, "ssl-ssaw", **deep)
    assert "warning" not in capfd.readouterr().err  # once a run is enough
    wide = configure(METHODS["ssl-ssaw"], {**options, "pretrained": str(tmp_path), "d_model": 32})
    with pytest.raises(QbsltError, match="d_model 64, the run 32"):
        mbart(wide, vocabulary)
