"""The text side of the translator: transformers' MBart classes in the sizes of a Config. (Ours.)"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Set
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import GenerationConfig, MBartConfig, MBartForConditionalGeneration
from transformers.models.mbart.modeling_mbart import MBartEncoder
from transformers.utils import logging as transformers_logging

from baselines.machine import ran_out
from qa_builder.console import warn
from qa_builder.errors import QbsltError, counted

if TYPE_CHECKING:
    from baselines.config import Config
    from baselines.vocabulary import Vocabulary

MAX_TEXT = 512  # pieces of a question or of glosses; what is longer is cut off
_OFFSET = 2  # rows that MBart's position embeddings have before the first position
STRIDE = 4  # frames a state of the sign encoder


def mbart_config(config: Config, layers: int, **given: Any) -> MBartConfig:
    """The configuration of an MBart encoder with `layers` layers, or of a whole model.

    `given` holds what else it needs: vocab_size and the ids of special pieces.
    """
    positions = math.ceil(config.max_frames / STRIDE) + MAX_TEXT
    return MBartConfig(
        **given, d_model=config.d_model,
        encoder_layers=layers, decoder_layers=config.decoder_layers,
        encoder_ffn_dim=config.ffn_dim, decoder_ffn_dim=config.ffn_dim,
        encoder_attention_heads=config.heads, decoder_attention_heads=config.heads,
        dropout=config.dropout, max_position_embeddings=positions,
        init_std=config.d_model**-0.5,
    )  # fmt: skip


def states_encoder(config: MBartConfig) -> MBartEncoder:
    """An MBart encoder that is fed with states: it has no embeddings of its own."""
    encoder = MBartEncoder(config)
    del encoder.embed_tokens  # would be weights that nothing trains
    set_sinusoids(encoder)
    return encoder


def mbart(
    config: Config, vocabulary: Vocabulary, checkpoint: Path | None = None
) -> MBartForConditionalGeneration:  # fmt: skip
    """The fusion encoder and the decoder, from scratch or with a checkpoint's weights.

    `checkpoint` is a folder with the configuration of config.pretrained: no weights are read.
    Raises QbsltError for a checkpoint of another width or another vocabulary.
    """
    special = {
        "vocab_size": len(vocabulary), "pad_token_id": vocabulary.pad_id,
        "bos_token_id": vocabulary.bos_id, "eos_token_id": vocabulary.eos_id,
        "decoder_start_token_id": vocabulary.decoder_start_id,
        "forced_eos_token_id": vocabulary.eos_id,
    }  # fmt: skip
    if config.pretrained is None:
        model = MBartForConditionalGeneration(mbart_config(config, config.fusion_layers, **special))
        set_sinusoids(model.model.encoder)
        return model
    layers = {"fusion_layers": config.fusion_layers, "decoder_layers": config.decoder_layers}
    return _pretrained(config, layers, special, checkpoint)


def text_layers(config: Config, checkpoint: Path | None = None) -> MBartEncoder:
    """The layers of the text encoder: new ones, or the first ones of a checkpoint's encoder.

    `checkpoint` as in `mbart`.
    """
    if config.pretrained is None:
        encoder = MBartEncoder(mbart_config(config, config.text_layers, vocab_size=8))
        del encoder.embed_tokens
        return encoder
    sizes = {"text_layers": config.text_layers, "decoder_layers": 1}
    layers: MBartEncoder = _pretrained(config, sizes, {}, checkpoint).model.encoder
    return layers


def _pretrained(
    config: Config, layers: dict[str, int], special: dict[str, Any], checkpoint: Path | None
) -> MBartForConditionalGeneration:
    """A checkpoint's model; `layers`: how many of encoder and decoder, by their options."""
    folder = str(checkpoint or config.pretrained)
    found = MBartConfig.from_pretrained(folder)
    encoder_layers, decoder_layers = layers.values()
    wanted = {"d_model": config.d_model, "vocab_size": special.get("vocab_size", found.vocab_size)}
    for name, value in wanted.items():
        if getattr(found, name) != value:
            raise QbsltError(
                f"the checkpoint has {name} {getattr(found, name)}, the run {value}.", file=folder,
                cure="Set d_model to the checkpoint's, and take a checkpoint that "
                "`prepare-vocabulary` cut down.",
            )  # fmt: skip
    sizes = special | {"encoder_layers": encoder_layers, "decoder_layers": decoder_layers,
                       "dropout": config.dropout}  # fmt: skip
    if checkpoint is not None:
        model = MBartForConditionalGeneration(MBartConfig.from_pretrained(folder, **sizes))
        if (checkpoint / "generation_config.json").is_file():
            model.generation_config = GenerationConfig.from_pretrained(folder)
        return model
    # a checkpoint in half precision is trained in full: bf16 is autocast's
    try:
        with _without_report():
            loaded: Any = MBartForConditionalGeneration.from_pretrained(
                folder, dtype=torch.float32, output_loading_info=True, **sizes
            )
    except (OSError, RuntimeError, SafetensorError) as e:
        if ran_out(e):
            raise
        said = " ".join(str(e).split())[:200]
        raise QbsltError(f"the checkpoint's weights can't be loaded ({type(e).__name__}: {said}).",
                         file=folder, cure="Copy it again from its source.") from None  # fmt: skip
    model, about = loaded
    for line in _lacking(about["missing_keys"], layers):
        _warn_once(f"{folder}: {line}")
    assert isinstance(model, MBartForConditionalGeneration)
    return model


@contextmanager
def _without_report() -> Iterator[None]:
    """Without transformers' list of weights that are there and not asked for: fewer layers."""
    log: Any = transformers_logging  # untyped
    before = log.get_verbosity()
    log.set_verbosity_error()
    try:
        yield
    finally:
        log.set_verbosity(before)


def _lacking(missing: Set[str], layers: dict[str, int]) -> Iterator[str]:
    """What of a model a checkpoint does not have, from the names of its weights."""
    others = set(missing)
    for side, (option, wanted) in zip(("encoder", "decoder"), layers.items(), strict=True):
        of_side = {name: re.match(rf"model\.{side}\.layers\.(\d+)\.", name) for name in missing}
        new = {match[1] for match in of_side.values() if match}
        others -= {name for name, match in of_side.items() if match}
        if new:
            yield (f"has {counted(wanted - len(new), f'{side} layer')} of {option}={wanted}: "
                   f"{counted(len(new), 'layer', 'begin')} with random weights.")  # fmt: skip
    if others:
        names = sorted(others)
        yield (f"lacks {counted(len(names), 'weight')}, {', '.join(names[:3])}"
               f"{', ...' if len(names) > 3 else ''}: they begin random.")  # fmt: skip


@cache
def _warn_once(line: str) -> None:
    """A warning, though each stage of a run builds its model."""
    warn(line)


@torch.no_grad()
def set_sinusoids(encoder: MBartEncoder) -> None:
    """Start the positions as sinusoids (Vaswani et al., 2017), for inputs of unit scale.

    Small random ones would drown in such inputs, and a position that SSAW weights down could not be
    told from one that it does not: the encoder normalises the sum of both.
    """
    rows, width = encoder.embed_positions.weight.shape
    places = torch.arange(rows - _OFFSET)[:, None]
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    encoder.embed_positions.weight[_OFFSET:, 0::2] = torch.sin(places * rates)
    encoder.embed_positions.weight[_OFFSET:, 1::2] = torch.cos(places * rates[: width // 2])


class TextEncoder(nn.Module):
    """Pieces -> states, with the embeddings of the decoder."""

    def __init__(self, encoder: MBartEncoder, embeddings: nn.Embedding) -> None:
        super().__init__()
        self.encoder = encoder
        self.encoder.embed_tokens = embeddings  # type: ignore[assignment]

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """`ids` and `mask` [batch, length] -> states [batch, length, width] and their mask."""
        ids, mask = ids[:, :MAX_TEXT], mask[:, :MAX_TEXT]
        states = self.encoder(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        return states, mask
