"""A small language model, made on the spot: a tokenizer, a tiny Llama, and seconds of training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

_TEMPLATE = "{% for m in messages %}<user>{{ m['content'] }}{% endfor %}<reply>"
_SPECIAL = ["<pad>", "<user>", "<reply>", "<end>"]  # the ids 0 to 3
_NO_LABEL = -100  # of the tokens that the loss leaves out


STEPS, ENOUGH = 300, 0.03  # of training: at most, and the loss at which it may end


def save_models(folder: Path, replies: Mapping[str, str]) -> float:
    """Save the models `untrained` (random weights, of seed 0) and `trained` (to give the replies).

    Returns the last loss, in nats a token of the replies.
    """
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    tokenizer = _tokenizer([*replies, *replies.values()])
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, max_position_embeddings=2048, tie_word_embeddings=True,
        pad_token_id=0, bos_token_id=1, eos_token_id=3,
    ))  # fmt: skip
    # Without an end that it learnt, it would go on for a thousand tokens: a fifth of a second is
    # enough of them.
    end = {"eos_token_id": 3, "pad_token_id": 0}
    model.generation_config = GenerationConfig(do_sample=True, max_time=0.2, **end)
    _save(model, tokenizer, folder / "untrained")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several hinder one another beside other processes
    loss = _train(model, tokenizer, replies)
    torch.set_num_threads(threads)
    model.generation_config = GenerationConfig(**end)
    _save(model, tokenizer, folder / "trained")
    return loss


def _tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """Byte pairs of some texts, with a chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1500, special_tokens=_SPECIAL, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    core.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", eos_token="<end>"
    )  # fmt: skip
    tokenizer.chat_template = _TEMPLATE
    return tokenizer


def _train(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, replies: Mapping[str, str]
) -> float:  # fmt: skip
    import torch

    rows, labels = [], []
    for message, reply in replies.items():
        head = tokenizer(f"<user>{message}<reply>")["input_ids"]
        tail = tokenizer(f"{reply}<end>")["input_ids"]
        rows.append(torch.tensor(head + tail))
        labels.append(torch.tensor([_NO_LABEL] * len(head) + tail))
    inputs = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    told = torch.nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=_NO_LABEL)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    model.train()
    last = float("inf")
    for _ in range(STEPS):
        loss = model(input_ids=inputs, labels=told).loss
        if (last := loss.item()) < ENOUGH:
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    return last


def _save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
