"""Cut an mBART checkpoint down to the pieces that a corpus uses: a tenth of the memory. (Ours.)

Nobody loses a character by it. What goes wrong elsewhere, and costs several BLEU: the checkpoint's
own normaliser turns full-width punctuation into half-width, and a reference with a character that
was cut away can never be reached. Here nothing is normalised; characters of train without a piece
get one, which starts with the weights of the piece that the checkpoint would have taken for it; and
whatever else may come is spelled in bytes.
"""

from __future__ import annotations

import json
import re
import string
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from safetensors import SafetensorError
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers
from torch import Tensor

from baselines.vocabulary import (
    BOUNDARY,
    BYTES,
    MASK,
    MBART,
    MBART50,
    SPECIAL,
    Vocabulary,
    boundary_normalizer,
    exact_decoder,
)
from qa_builder.atomic import new_folder
from qa_builder.errors import QbsltError

if TYPE_CHECKING:
    from transformers import MBartForConditionalGeneration

_CODE = re.compile(r"[a-z]{2,3}_[A-Z]{2}")
_ONLY_MBART50 = "uk_UA"  # a code that mBART-50 has and mBART-cc25 has not
_BIAS = "final_logits_bias"  # [1, pieces]
_ALWAYS = {BOUNDARY, *string.ascii_letters, *string.digits, *string.punctuation}
_NEVER = -1000.0  # the score of pieces that no text is cut into: special tokens and bytes


@dataclass(frozen=True)
class Trimmed:
    """What `trim_mbart` did."""

    vocabulary: Vocabulary
    pieces_before: int
    pieces_after: int
    added: tuple[str, ...]
    """Characters, of train and ASCII, that the checkpoint had no piece for."""
    in_bytes: Mapping[str, tuple[str, ...]]
    """Split -> characters of its sentences that no piece is for; they are spelled in bytes."""
    parameters_before: int
    parameters_after: int


class _Plan(NamedTuple):
    """The pieces of the new vocabulary, in its order."""

    pieces: list[tuple[str, float]]
    added: tuple[str, ...]


class _Whole(NamedTuple):
    """The checkpoint's own vocabulary."""

    scores: dict[str, float]  # of the pieces of text, in their order
    numbers: dict[str, int]  # of all pieces
    codes: list[str]  # of languages
    kind: str
    own: Tokenizer  # as published


def trim_mbart(
    checkpoint: str | Path, texts: Iterable[str], out: str | Path, *, language: str,
    references: Mapping[str, Sequence[str]],
) -> Trimmed:  # fmt: skip
    """Write the checkpoint with the pieces of `texts` (train's) alone into the folder `out`.

    Kept are besides: special tokens, all language codes, and single-character pieces of the scripts
    that the texts are written in. `references` are the sentences of each split, which have to come
    back from their pieces unchanged; `language` is their ISO 639-1 code. Raises QbsltError for a
    checkpoint that is no mBART, one without the language, and sentences that don't come back.
    """
    whole = _read_tokenizer(checkpoint)
    codes = [c for c in whole.codes if c.split("_")[0] == language]
    if not codes:
        raise QbsltError(
            f"the checkpoint {checkpoint} has no language code for {language!r}; it has: "
            f"{', '.join(whole.codes)}.",
        )
    plan = _plan(whole, list(texts))
    vocabulary = Vocabulary(_tokenizer(plan, whole.codes), whole.kind, codes[0])
    in_bytes = {split: _check(vocabulary, split, rows) for split, rows in references.items()}
    model = _read_model(checkpoint)
    before = _parameters(model)
    _cut(model, [piece for piece, _ in plan.pieces], whole, vocabulary)
    with new_folder(Path(out)) as folder:
        model.save_pretrained(folder)
        vocabulary.save(folder)
    return Trimmed(vocabulary, len(whole.numbers), len(vocabulary), plan.added, in_bytes, before,
                   _parameters(model))  # fmt: skip


def _read_tokenizer(checkpoint: str | Path) -> _Whole:
    from transformers import AutoTokenizer

    try:
        found = AutoTokenizer.from_pretrained(str(checkpoint))
        own = Tokenizer.from_str(found.backend_tokenizer.to_str())
        core = json.loads(own.to_str())["model"]
    except (OSError, ValueError, AttributeError) as e:
        raise _unreadable(checkpoint, "tokenizer", e) from None
    numbers = own.get_vocab()
    codes = sorted((t for t in numbers if _CODE.fullmatch(t)), key=numbers.__getitem__)
    lacking = [t for t in SPECIAL if t not in numbers]
    if core["type"] != "Unigram" or lacking or not codes:
        raise QbsltError(f"the checkpoint {checkpoint} has no tokenizer of mBART.", cure=_TAKE)
    special = {*SPECIAL, *codes, *BYTES, *(t["content"] for t in json.loads(own.to_str())["added_tokens"])}  # fmt: skip  # noqa: E501
    scores = {piece: score for piece, score in core["vocab"] if piece not in special}
    return _Whole(scores, numbers, codes, MBART50 if _ONLY_MBART50 in codes else MBART, own)


_TAKE = "Take mBART: facebook/mbart-large-cc25, facebook/mbart-large-50, or a folder of one."


def _unreadable(checkpoint: str | Path, what: str, e: Exception) -> QbsltError:
    said = " ".join(str(e).split())[:200]
    return QbsltError(
        f"the {what} of the checkpoint {str(checkpoint)!r} can't be loaded ({said}).", cure=_TAKE
    )


def _read_model(checkpoint: str | Path) -> MBartForConditionalGeneration:
    from transformers import AutoConfig, MBartForConditionalGeneration
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        if (found := AutoConfig.from_pretrained(str(checkpoint)).model_type) != "mbart":
            raise QbsltError(f"the checkpoint {checkpoint} is of the type {found}.", cure=_TAKE)
        return MBartForConditionalGeneration.from_pretrained(str(checkpoint))
    except (OSError, ValueError, RuntimeError, SafetensorError) as e:
        raise _unreadable(checkpoint, "model", e) from None


def _plan(whole: _Whole, texts: Sequence[str]) -> _Plan:
    characters = {c for text in texts for c in text.replace(" ", BOUNDARY)} | _ALWAYS
    scripts = {_script(c) for c in characters}
    full = _tokenizer(_Plan([*_first(), *whole.scores.items()], ()), [])
    used = {
        token for e in full.encode_batch(list(texts), add_special_tokens=False)
        for token in e.tokens
    }  # fmt: skip
    kept = [
        (piece, score) for piece, score in whole.scores.items()
        if piece in used or (len(piece) == 1 and _script(piece) in scripts)
    ]  # fmt: skip
    added = tuple(sorted(characters - whole.scores.keys()))
    rarest = min(whole.scores.values(), default=0.0)
    pieces = [*_first(), *kept, *((c, rarest) for c in added), *((b, _NEVER) for b in BYTES)]
    return _Plan([*pieces, *((c, _NEVER) for c in whole.codes), (MASK, _NEVER)], added)


def _first() -> list[tuple[str, float]]:
    return [(token, _NEVER) for token in SPECIAL if token != MASK]


def _script(c: str) -> str:
    """The first word of a character's name: LATIN, CJK, DIGIT; signs have each their own."""
    return unicodedata.name(c, "").split(" ")[0]


def _tokenizer(plan: _Plan, codes: Sequence[str]) -> Tokenizer:
    """Cuts words only: unlike the published one it leaves characters and blanks as they are."""
    bytes_too = bool(codes)
    tokenizer = Tokenizer(models.Unigram(plan.pieces, unk_id=3, byte_fallback=bytes_too))
    tokenizer.normalizer = boundary_normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(BOUNDARY, "merged_with_next")
    tokenizer.decoder = exact_decoder()
    special = [t for t in (*SPECIAL, *codes) if tokenizer.token_to_id(t) is not None]
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in special])
    return tokenizer


def _check(vocabulary: Vocabulary, split: str, texts: Sequence[str]) -> tuple[str, ...]:
    """The characters spelled in bytes; raises QbsltError where a text doesn't come back."""
    back = vocabulary.decode(vocabulary.encode(texts))
    if wrong := [text for text, other in zip(texts, back, strict=True) if text != other]:
        raise QbsltError(
            f"{len(wrong):,} sentences of {split} don't come back from their pieces, the first: "
            f"{wrong[0]!r}.", cure=f"Write the sign {BOUNDARY} (U+2581) otherwise.",
        )  # fmt: skip
    known = vocabulary.tokenizer.get_vocab()
    return tuple(sorted({c for t in texts for c in t.replace(" ", BOUNDARY)} - known.keys()))


def _parameters(model: MBartForConditionalGeneration) -> int:
    return sum(p.numel() for p in model.parameters())


def _cut(
    model: MBartForConditionalGeneration, pieces: Sequence[str], whole: _Whole,
    vocabulary: Vocabulary,
) -> None:  # fmt: skip
    """Leave the rows of `pieces` in the embedding matrices and the bias."""
    inputs, outputs, bias = model.model.shared, model.lm_head, model.get_buffer(_BIAS)
    rows = [_sources(piece, whole) for piece in pieces]
    noise = model.config.init_std
    new_in = _rows(inputs.weight.detach(), rows, noise)
    new_out = (
        None if outputs.weight is inputs.weight else _rows(outputs.weight.detach(), rows, noise)
    )
    new_bias = _rows(bias.T, rows, 0.0).T
    model.resize_token_embeddings(len(pieces), mean_resizing=False)
    with torch.no_grad():
        model.model.shared.weight.copy_(new_in)
        if new_out is not None:
            model.lm_head.weight.copy_(new_out)
        model.get_buffer(_BIAS).copy_(new_bias)
    ids: dict[str, Any] = {
        "pad_token_id": vocabulary.pad_id, "bos_token_id": vocabulary.bos_id,
        "eos_token_id": vocabulary.eos_id, "forced_eos_token_id": vocabulary.eos_id,
        "decoder_start_token_id": vocabulary.decoder_start_id,
        "forced_bos_token_id": vocabulary.forced_bos_id,
    }  # fmt: skip
    for name, value in ids.items():
        setattr(model.generation_config, name, value)
    model.config.pad_token_id, model.config.eos_token_id = vocabulary.pad_id, vocabulary.eos_id
    model.config.bos_token_id = vocabulary.bos_id
    model.config.decoder_start_token_id = vocabulary.decoder_start_id


def _sources(piece: str, whole: _Whole) -> list[int]:
    """The rows of the checkpoint whose mean a piece starts with; none: of all."""
    if piece in whole.numbers:
        return [whole.numbers[piece]]
    if piece in BYTES:
        return []
    plain = unicodedata.normalize("NFKC", piece)
    found = whole.own.encode(plain, add_special_tokens=False).tokens
    return [whole.numbers[t] for t in found if t in whole.scores and t != BOUNDARY]


def _rows(old: Tensor, rows: Sequence[Sequence[int]], noise: float) -> Tensor:
    """New rows from old ones [old, width]: one is copied, of several the mean is taken.

    Where there is none, the mean of all with noise, drawn with seed 0, to tell them apart.
    """
    draw = torch.Generator().manual_seed(0)
    mean = old.mean(0)
    new = torch.empty(len(rows), old.shape[1], dtype=old.dtype)
    for i, sources in enumerate(rows):
        if sources:
            new[i] = old[list(sources)].mean(0) if len(sources) > 1 else old[sources[0]]
        else:
            new[i] = mean + noise * torch.randn(old.shape[1], generator=draw, dtype=old.dtype)
    return new
