"""Vocabularies: learned ones, mBART cut down, and that no character is ever lost."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    AutoTokenizer,
    MBart50Tokenizer,
    MBartConfig,
    MBartForConditionalGeneration,
    MBartTokenizer,
)

from baselines.prepare import train_texts
from baselines.trim import trim_mbart
from baselines.vocabulary import (
    BYTES,
    MBART,
    MBART50,
    SPECIAL,
    GlossVocabulary,
    Vocabulary,
    learn,
    load,
)
from benchmarks.cli import main
from qa_builder.dataset import Dataset, open_dataset
from qa_builder.errors import QbsltError

torch.set_num_threads(1)
GERMAN = ["im norden regnet es morgen stark", "im süden scheint die sonne", "morgen wird es kalt"]
CHINESE = ["今天天气很好,我们去公园。", "你今天去公园吗?"]
ODD = [
    "", " ", "  x  y ", "</s><mask> <0x41> de_DE", "，。！？“今", "x\u00a0y\tz\n", "ﬁ e\u0301 ²",
    "\u200b\u200d", "🤟🏽 ok", "IX- LOC-nord __ON__",
]  # fmt: skip


@pytest.fixture(scope="module")
def learned() -> Vocabulary:
    return learn([*GERMAN * 3, *CHINESE * 3], 400)


@pytest.mark.parametrize("text", ODD)
def test_odd_texts_come_back(learned: Vocabulary, text: str) -> None:
    assert learned.decode(learned.encode([text])) == [text]


@given(st.text(st.characters(exclude_characters="\u2581", exclude_categories=("Cs",)), max_size=30))
def test_any_text_comes_back(text: str) -> None:
    vocabulary = _once()
    assert vocabulary.decode(vocabulary.encode([text, "im " + text])) == [text, "im " + text]


def _once(found: list[Vocabulary] = []) -> Vocabulary:  # noqa: B006 - a fixture would be reset
    if not found:
        found.append(learn([*GERMAN, *CHINESE], 400))
    return found[0]


def test_rows_are_padded_and_decoded_to_their_end(learned: Vocabulary) -> None:
    ids, mask = learned.encode_batch(["im norden", "im norden regnet es morgen", ""])
    assert ids.dtype == torch.long and mask.dtype == torch.bool and ids.shape == mask.shape
    assert torch.equal(mask, ids != learned.pad_id)
    assert [row[m].tolist() for row, m in zip(ids, mask, strict=True)] == learned.encode(
        ["im norden", "im norden regnet es morgen", ""]
    )
    assert (ids[2, 0], learned.decoder_start_id) == (learned.eos_id, learned.eos_id)
    generated = torch.cat([torch.full((3, 1), learned.decoder_start_id), ids, ids[:, :1]], dim=1)
    assert learned.decode(generated) == ["im norden", "im norden regnet es morgen", ""]
    assert learned.decode(ids) == ["im norden", "im norden regnet es morgen", ""]
    numbers = [learned.bos_id, learned.pad_id, learned.eos_id, learned.unk_id]
    assert numbers == [0, 1, 2, 3] and learned.special_ids == {*numbers, learned.mask_id}
    assert "".join(learned.pieces(learned.encode(["im norden"])[0])) == " im norden</s>"


def test_a_vocabulary_is_the_same_each_time_and_transformers_reads_it(tmp_path: Path) -> None:
    for name in ("a", "b"):
        learn(GERMAN + CHINESE, 380, tmp_path / name)
    files = {f.name: f.read_bytes() for f in (tmp_path / "a").iterdir()}
    assert files == {f.name: f.read_bytes() for f in (tmp_path / "b").iterdir()}
    assert set(files) == {"tokenizer.json", "tokenizer_config.json", "vocabulary.json"}
    vocabulary = load(tmp_path / "a")
    other = AutoTokenizer.from_pretrained(tmp_path / "a")
    for text in (*GERMAN, *CHINESE, *ODD[4:]):
        assert [*other(text)["input_ids"], vocabulary.eos_id] == vocabulary.encode([text])[0]
        assert other.decode(other(text)["input_ids"]) == text
    assert other.pad_token_id == vocabulary.pad_id and other.mask_token_id == vocabulary.mask_id
    assert len(other) == len(vocabulary)


def test_what_is_no_vocabulary_is_refused(tmp_path: Path) -> None:
    def said(folder: Path) -> str:
        with pytest.raises(QbsltError) as e:
            load(folder)
        return str(e.value)

    assert "holds no prepared vocabulary (no vocabulary.json)" in said(tmp_path)
    learn(GERMAN, 300, tmp_path / "v")
    (tmp_path / "v" / "tokenizer.json").write_text("{}")
    assert "is no prepared vocabulary" in said(tmp_path / "v")
    with pytest.raises(QbsltError, match="no text to learn"):
        learn(["", ""], 300)


def test_glosses_of_a_head(tmp_path: Path) -> None:
    glosses = GlossVocabulary.learn(["NORD REGEN", "REGEN STARK", ""])
    assert glosses.names == ("NORD", "REGEN", "STARK") and len(glosses) == 4
    assert glosses.encode("REGEN UNBEKANNT NORD") == [2, 1]
    assert glosses.decode([0, 2, 0, 0, 1]) == "REGEN NORD"
    glosses.save(tmp_path / "glosses.json")
    assert GlossVocabulary.load(tmp_path / "glosses.json").names == glosses.names
    with pytest.raises(QbsltError, match="no list of glosses"):
        GlossVocabulary.load(tmp_path / "none.json")


# --- mBART ---


def _pieces(texts: list[str]) -> list[tuple[str, float]]:
    """Unigram pieces, as sentencepiece would learn them, with its normalisation of full-width."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=160, unk_token="<unk>", special_tokens=["<unk>"], show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    found = json.loads(tokenizer.to_str())["model"]["vocab"]
    return [(piece, score) for piece, score in found if piece != "<unk>"]


def _save_mbart(folder: Path, kind: str, tie: bool = True) -> None:
    """A small mBART with random weights and a vocabulary of its own."""
    first = [(t, 0.0) for t in ("<s>", "<pad>", "</s>", "<unk>")]
    vocab = [*first, *_pieces([*GERMAN * 9, *CHINESE * 9, "unused words entirely"])]
    cls = MBart50Tokenizer if kind == MBART50 else MBartTokenizer
    if kind == MBART50:
        tokenizer = cls(vocab=[("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0), *vocab[4:]])
    else:
        codes = MBartTokenizer().lang_code_to_id
        tokenizer = cls(vocab=[*vocab, *((code, 0.0) for code in codes), ("<mask>", 0.0)])
    torch.manual_seed(0)
    model = MBartForConditionalGeneration(MBartConfig(
        vocab_size=len(tokenizer), d_model=16, encoder_layers=1, decoder_layers=1,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=16,
        decoder_ffn_dim=16, max_position_embeddings=64, tie_word_embeddings=tie,
    ))  # fmt: skip
    torch.nn.init.normal_(model.get_buffer("final_logits_bias"))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@pytest.fixture(scope="module", params=[MBART, MBART50])
def checkpoint(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("mbart")
    _save_mbart(folder, request.param)
    yield request.param, folder


def test_a_cut_mbart_computes_what_the_whole_one_does(
    checkpoint: tuple[str, Path], tmp_path: Path
) -> None:
    kind, folder = checkpoint
    references = {"train": GERMAN, "test": ["es wird ﬁnster，Ö！"]}
    made = trim_mbart(folder, GERMAN, tmp_path / "cut", language="de", references=references)
    assert made.vocabulary.kind == kind and made.vocabulary.code == "de_DE"
    assert made.in_bytes == {"train": (), "test": ("Ö", "ﬁ", "！", "，")}
    whole_tokens = AutoTokenizer.from_pretrained(folder, src_lang="de_DE")
    whole = MBartForConditionalGeneration.from_pretrained(folder).eval()
    vocabulary = load(tmp_path / "cut")
    cut = MBartForConditionalGeneration.from_pretrained(tmp_path / "cut").eval()
    numbers = vocabulary.tokenizer.get_vocab()
    shared = {i: whole_tokens.convert_tokens_to_ids(piece) for piece, i in numbers.items()
              if piece in whole_tokens.get_vocab()}  # fmt: skip
    assert len(shared) < len(whole_tokens) and "▁unused" not in numbers
    for text in GERMAN:
        ours, theirs = vocabulary.encode([text])[0], whole_tokens(text)["input_ids"]
        assert [shared[i] for i in ours] == theirs  # pieces, order of language code and end
        with torch.no_grad():
            a = cut(input_ids=torch.tensor([ours]), labels=torch.tensor([ours])).logits
            b = whole(input_ids=torch.tensor([theirs]), labels=torch.tensor([theirs])).logits
        rows = sorted(shared)
        assert torch.allclose(a[..., rows], b[..., [shared[i] for i in rows]], atol=1e-6)
    start = theirs[-1] if kind == MBART else whole_tokens.eos_token_id
    assert shared[vocabulary.decoder_start_id] == start
    assert cut.generation_config.decoder_start_token_id == vocabulary.decoder_start_id
    assert (vocabulary.forced_bos_id is not None) == (kind == MBART50)


def test_a_cut_mbart_loses_no_character(checkpoint: tuple[str, Path], tmp_path: Path) -> None:
    made = trim_mbart(checkpoint[1], [*CHINESE, "你好，世界！"], tmp_path / "cut", language="zh",
                      references={"test": ["你在哪儿？", *ODD]})  # fmt: skip
    vocabulary = load(tmp_path / "cut")
    assert {"，", "！", "世"} <= set(made.added) and "？" in made.in_bytes["test"]
    texts = [*CHINESE, "你好，世界！", "你在哪儿？", *ODD, *GERMAN]
    assert vocabulary.decode(vocabulary.encode(texts)) == texts
    model = MBartForConditionalGeneration.from_pretrained(tmp_path / "cut")
    weights, numbers = model.get_input_embeddings().weight, vocabulary.tokenizer.get_vocab()
    assert torch.equal(weights[numbers["，"]], weights[numbers[","]])  # it starts as its like
    assert not torch.equal(weights[numbers["世"]], weights[numbers[","]])
    bytes_ = weights[[numbers[b] for b in BYTES]]
    assert len(bytes_.unique(dim=0)) == 256
    assert model.get_buffer("final_logits_bias").shape == (1, len(vocabulary))
    assert made.pieces_after == len(vocabulary) == model.config.vocab_size
    assert made.parameters_after == sum(p.numel() for p in model.parameters())
    code = numbers["zh_CN"]
    assert code in vocabulary.special_ids and vocabulary.decode([[code, numbers["好"]]]) == ["好"]


def test_an_output_layer_of_its_own_is_cut_too(tmp_path: Path) -> None:
    _save_mbart(tmp_path / "whole", MBART, tie=False)
    trim_mbart(tmp_path / "whole", GERMAN, tmp_path / "cut", language="de", references={})
    whole = MBartForConditionalGeneration.from_pretrained(tmp_path / "whole")
    cut = MBartForConditionalGeneration.from_pretrained(tmp_path / "cut")
    old = AutoTokenizer.from_pretrained(tmp_path / "whole").get_vocab()["</s>"]
    assert torch.equal(cut.lm_head.weight[2], whole.lm_head.weight[old])
    assert not torch.equal(cut.lm_head.weight[2], cut.model.shared.weight[2])


def test_checkpoints_that_cannot_be_cut(checkpoint: tuple[str, Path], tmp_path: Path) -> None:
    def said(folder: str | Path, language: str = "de", texts: tuple[str, ...] = ()) -> str:
        with pytest.raises(QbsltError) as e:
            trim_mbart(folder, GERMAN, tmp_path / "out", language=language,
                       references={"dev": texts})  # fmt: skip
        assert not (tmp_path / "out").exists()
        return str(e.value)

    assert "no language code for 'gsg'; it has: ar_AR" in said(checkpoint[1], "gsg")
    assert "1 sentences of dev don't come back" in said(checkpoint[1], texts=("a ▁b",))
    assert "can't be loaded" in said(tmp_path / "nothing")
    cut_off = tmp_path / "cut-off"
    shutil.copytree(checkpoint[1], cut_off)
    os.truncate(cut_off / "model.safetensors", 5_000)  # as a download that broke off
    assert "the model of the checkpoint" in said(cut_off) and "can't be loaded" in said(cut_off)
    learn(GERMAN, 300, tmp_path / "learned")
    assert "has no tokenizer of mBART. Take mBART" in said(tmp_path / "learned")


# --- the command, and real sentences ---


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["prepare-vocabulary", *map(str, words)])
    return result.exit_code, result.output


def test_prepare_vocabulary(toy_phoenix: Path, toy_csl: Path, tmp_path: Path) -> None:
    code, said = run("--data", toy_phoenix, "--size", 500, "--out", tmp_path / "learned")
    assert code == 0, said
    assert "learned" in said and "characters of test spelled in bytes" in said
    assert len(load(tmp_path / "learned")) <= 500
    _save_mbart(tmp_path / "mbart", MBART)
    given = ["--data", toy_csl, "--checkpoint", tmp_path / "mbart", "--out", tmp_path / "cut"]
    code, said = run(*given)
    assert code == 0 and "mbart zh_CN" in said and "characters that the checkpoint lacked" in said
    assert load(tmp_path / "cut").code == "zh_CN"
    assert run(*given)[0] == 0  # again, in its place
    code, said = run("--data", toy_phoenix, "--out", tmp_path / "x")
    assert code == 2 and "exactly one of --checkpoint and --size is needed" in said
    code, said = run("--data", toy_phoenix, "--size", 400, "--out", toy_phoenix)
    assert code == 2 and "is there and holds no vocabulary" in said
    (tmp_path / "bad").mkdir()
    code, said = run(*given[:2], "--checkpoint", tmp_path / "bad", "--out", tmp_path / "y")
    assert code == 2 and "can't be loaded" in said and "Traceback" not in said


@pytest.mark.parametrize("corpus", ["phoenix", "csl-daily"])
def test_all_real_sentences_come_back(shared: Path, tmp_path: Path, corpus: str) -> None:
    dataset = _real(shared, tmp_path, corpus)
    sentences = [t for s in dataset.splits for t in dataset.columns(s, ["text"])["text"]]
    assert len(sentences) > 8000
    learned = learn(train_texts(dataset), 4000)
    assert len(learned) == 4000 and set(SPECIAL) < learned.tokenizer.get_vocab().keys()
    assert learned.decode(learned.encode(sentences)) == sentences
    _save_mbart(tmp_path / "mbart", MBART)
    made = trim_mbart(
        tmp_path / "mbart", train_texts(dataset), tmp_path / "cut",
        language="de" if corpus == "phoenix" else "zh", references={"all": sentences},
    )  # fmt: skip
    assert made.vocabulary.decode(made.vocabulary.encode(sentences)) == sentences


def _real(shared: Path, tmp_path: Path, corpus: str) -> Dataset:
    from qa_builder.cli import main as builder

    given = ["build", corpus, "--root", str(shared), "--questions", "none", "--allow-findings"]
    result = CliRunner().invoke(builder, [*given, "--out", str(tmp_path / corpus)])
    assert result.exit_code == 0, result.output
    return open_dataset(tmp_path / corpus)
