"""The text branch of SCL-SLT in the model: its loss, what it trains, what it leaves alone."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import MBartForConditionalGeneration

from baselines import checkpoint, scl_slt
from baselines.cico import AGGREGATIONS, TEMPERATURE
from baselines.config import METHODS, configure
from baselines.data import Batch
from baselines.text_encoder import mbart_config
from baselines.training import make_optimizer
from baselines.translator import Translator
from baselines.vocabulary import Vocabulary, learn
from qa_builder.errors import QbsltError

torch.set_num_threads(1)
DIM, FRAMES = 6, (9, 30, 17, 12)
TEXTS = ["im norden regnet es", "die sonne scheint im ganzen land", "im norden regnet es", "wetter"]
ASKED = ["wie wird es im norden", "wann scheint die sonne", "was kommt nun", "und dann"]
CONTRAST = {"sentences": 1.0}
REFERENCE = {"sentences": 1.0, "translation": 0.0, "assist": None, "ssaw": None}


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return learn(TEXTS + ASKED, 350)


def made(vocabulary: Vocabulary, changes: dict[str, Any], **options: Any) -> Translator:
    given = {"preset": "tiny", "dropout": 0, "features": "store", **options}
    config = configure(METHODS["scl-slt"], given)
    torch.manual_seed(0)
    graph = scl_slt.graph(config)._replace(**changes)  # type: ignore[arg-type]
    return Translator(config, graph, vocabulary, dim=DIM)


def batch(vocabulary: Vocabulary, rows: tuple[int, ...] = (0, 1, 2, 3), pad: int = 0) -> Batch:
    n = max(FRAMES[i] for i in rows) + pad
    features = torch.full((len(rows), n, DIM), 1e3)
    mask = torch.zeros(len(rows), n, dtype=torch.bool)
    for row, i in enumerate(rows):
        drawn = torch.Generator().manual_seed(i)
        features[row, : FRAMES[i]] = torch.randn(FRAMES[i], DIM, generator=drawn)
        mask[row, : FRAMES[i]] = True
    texts = [TEXTS[i] for i in rows]
    sides = (*vocabulary.encode_batch([ASKED[i] for i in rows]), *vocabulary.encode_batch(texts))
    return Batch([str(i) for i in rows], texts, features, mask, *sides)


@pytest.mark.parametrize("changes", [CONTRAST, REFERENCE], ids=["contrast", "reference"])
@pytest.mark.parametrize(
    "options", [{}, {"aggregation": "cls"}, {"question": "ssaw", "freeze_text": False}]
)
def test_every_weight_that_is_not_frozen_learns(
    vocabulary: Vocabulary, changes: dict[str, Any], options: dict[str, Any]
) -> None:
    model = made(vocabulary, changes, **options)
    losses = model(batch(vocabulary))
    losses.total.backward()
    some = {n: p.grad is not None for n, p in model.named_parameters() if p.requires_grad}
    assert [name for name, learns in some.items() if not learns] == []
    frozen = {n.split(".layers")[0] for n, p in model.named_parameters() if not p.requires_grad}
    assert any(n.startswith("sentences.encoder") for n in frozen) == ("question" not in options)
    assert any(n.startswith("mbart.model.decoder") for n in frozen) == (changes is REFERENCE)
    assert set(losses.parts) - {"translation"} == {"sentences"}
    assert ("translation" in losses.parts) == (changes is CONTRAST)
    assert losses.total.item() == pytest.approx(sum(p.item() for p in losses.parts.values()))


@pytest.mark.parametrize("equal", ["apart", "positives"])
def test_the_loss_is_what_a_hand_computes(vocabulary: Vocabulary, equal: str) -> None:
    """Rows 0 and 2 have one text: the pair is no negative, or a positive."""
    model = made(vocabulary, CONTRAST, equal_texts=equal, temperature=0.1).eval()
    given = batch(vocabulary)
    assert model.sentences is not None
    with torch.no_grad():
        (video, there), (text, words) = model.compared(given)
        loss = model(given).parts["sentences"].item()
    cosines = [[torch.nn.functional.cosine_similarity(
        video[i][there[i]][:, None], text[j][words[j]][None], dim=-1).tolist()
        for j in range(4)] for i in range(4)]  # fmt: skip

    def directed(rows: list[list[float]]) -> float:
        found = []
        for row in rows:
            weights = [math.exp(c / TEMPERATURE) for c in row]
            found.append(sum(w * c for w, c in zip(weights, row, strict=True)) / sum(weights))
        return sum(found) / len(found)

    v2t = [[directed(cosines[i][j]) for j in range(4)] for i in range(4)]
    t2v = [[directed([list(c) for c in zip(*cosines[i][j], strict=True)]) for i in range(4)]
           for j in range(4)]  # fmt: skip
    total = 0.0
    for side in (v2t, t2v):
        for i in range(4):
            same = {0: {0, 2}, 2: {0, 2}}.get(i, {i})
            wanted = same if equal == "positives" else {i}
            kept = [j for j in range(4) if j in wanted or j not in same]
            norm = math.log(sum(math.exp(10 * side[i][j]) for j in kept))
            total += sum(norm - 10 * side[i][j] for j in wanted) / len(wanted) / 4
    assert loss == pytest.approx(total / 2, abs=2e-5)


@pytest.mark.parametrize("aggregation", ["cico", "mean", "cls"])
def test_a_pair_is_the_same_in_any_batch(vocabulary: Vocabulary, aggregation: str) -> None:
    """Other samples, other padding: to 1e-5."""
    model = made(vocabulary, CONTRAST, aggregation=aggregation).eval()
    like = AGGREGATIONS[aggregation]
    with torch.no_grad():
        whole = like(*(t for side in model.compared(batch(vocabulary)) for t in side)).both()
        few = batch(vocabulary, (3, 0), pad=40)
        part = like(*(t for side in model.compared(few) for t in side)).both()
    torch.testing.assert_close(part, whole[[3, 0]][:, [3, 0]], atol=1e-5, rtol=0)
    assert whole.std() > 1e-3


def test_a_frozen_text_encoder_does_not_change(vocabulary: Vocabulary) -> None:
    """Nor do its embeddings, a copy of the decoder's, which do; nor has it dropout."""
    model = made(vocabulary, CONTRAST, dropout=0.5)
    assert model.sentences is not None
    before = {n: p.clone() for n, p in model.named_parameters()}
    config = configure(METHODS["scl-slt"], {"preset": "tiny", "features": "store"})
    optimizer = make_optimizer(model.train(), config)
    given = batch(vocabulary)
    with torch.no_grad():
        first, again = (model.sentences.tokens(given)[0] for _ in range(2))
    assert torch.equal(first, again)
    for _ in range(2):
        model(given).total.backward()
        optimizer.step()
    changed = {n: not torch.equal(p, before[n]) for n, p in model.named_parameters()}
    assert not any(yes for n, yes in changed.items() if n.startswith("sentences.encoder"))
    assert changed["mbart.model.shared.weight"] and changed["sentences.scale.log"]
    with torch.no_grad():
        assert torch.equal(model.sentences.tokens(given)[0], first)


def test_a_checkpoint_that_is_cut_off_is_one_sentence(
    vocabulary: Vocabulary, tmp_path: Path
) -> None:
    small = configure(METHODS["scl-slt"], {"preset": "tiny", "features": "store"})
    sizes = mbart_config(small, 1, vocab_size=len(vocabulary), pad_token_id=vocabulary.pad_id)
    MBartForConditionalGeneration(sizes).save_pretrained(tmp_path)
    os.truncate(tmp_path / "model.safetensors", 5_000)
    with pytest.raises(QbsltError, match=r"weights can't be loaded \(SafetensorError") as e:
        made(vocabulary, CONTRAST, pretrained=str(tmp_path))
    assert e.value.file == str(tmp_path) and "\n" not in str(e.value)


def test_adapters_alone_are_trained_of_a_checkpoint(vocabulary: Vocabulary, tmp_path: Path) -> None:
    """peft on a real, small mBART; what is saved is read again, without the text branch."""
    small = configure(METHODS["scl-slt"], {"preset": "tiny", "features": "store"})
    sizes = mbart_config(small, 1, vocab_size=len(vocabulary), pad_token_id=vocabulary.pad_id)
    MBartForConditionalGeneration(sizes).save_pretrained(tmp_path / "mbart")
    options = {"pretrained": str(tmp_path / "mbart"), "lora_rank": 4}
    model = made(vocabulary, CONTRAST, **options)
    of_mbart = {n: p for n, p in model.mbart.named_parameters() if p.requires_grad}
    assert of_mbart and all("lora_" in n for n in of_mbart)
    width, wide = small.d_model, small.ffn_dim
    attention, forward = 4 * 4 * (width + width), 2 * 4 * (width + wide)
    layers = 2 * forward + 3 * attention  # an encoder's and a decoder's layer
    assert sum(p.numel() for p in of_mbart.values()) == layers
    assert all(p.requires_grad for p in model.sign.parameters())  # type: ignore[union-attr]
    base = "model.encoder.layers.0.fc1.base_layer.weight"
    before = dict(model.mbart.named_parameters())[base].clone()
    optimizer = make_optimizer(model, small)
    model(batch(vocabulary)).total.backward()
    optimizer.step()
    assert torch.equal(dict(model.mbart.named_parameters())[base], before)
    schedule = torch.optim.lr_scheduler.ConstantLR(optimizer)
    checkpoint.save(tmp_path / "c", 1, model, optimizer, schedule, None, {}, keep="epoch-000001")
    kept = sorted(f.name for f in (tmp_path / "c" / "epoch-000001").iterdir())
    assert kept == ["model.safetensors", "state.json"]
    final = made(vocabulary, {}, **options)
    checkpoint.load_weights(tmp_path / "c" / "epoch-000001", final)
    saved = load_file(tmp_path / "c" / "last" / "model.safetensors")
    assert any(n.startswith(checkpoint.TRAINING_ONLY) for n in saved)
    ours = dict(final.named_parameters())
    assert not any(n.startswith(checkpoint.TRAINING_ONLY) for n in ours)
    assert all(torch.equal(saved[n], p) for n, p in ours.items() if n in saved)
    found = final.eval().generate(batch(vocabulary), max_new_tokens=5, num_beams=2)
    assert found.shape[0] == 4


@pytest.mark.parametrize("aggregation", ["cico", "cls"])
def test_videos_learn_their_sentences(vocabulary: Vocabulary, aggregation: str) -> None:
    """From chance (two of four rows have one text) on, with fixed codes of words."""
    model = made(vocabulary, REFERENCE, aggregation=aggregation).train()
    config = configure(METHODS["scl-slt"], {"preset": "tiny", "features": "store"})
    optimizer, given = make_optimizer(model, config), batch(vocabulary)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        total = model(given).total
        total.backward()
        optimizer.step()
        losses.append(total.item())
    assert losses[0] > 0.9 and losses[-1] < 0.4
