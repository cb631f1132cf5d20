"""What a language model costs: an estimate before, and the price of tokens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from qa_builder.text import HAN

if TYPE_CHECKING:
    from qa_builder.questions.llm_asking import Asking
    from qa_builder.questions.llm_options import LlmOptions

# Rather high, as the tokenizers of models differ: few need more than this (ours).
_CHARACTERS = 3.5  # a token, in alphabetic scripts
_QUESTION = 25  # tokens of one question in a reply, with its quotes
_FRAME = 15  # tokens of the JSON round them


class Estimate(NamedTuple):
    """What a run would send; nothing was sent for it."""

    clips: int
    sentences: int  # different ones: equal sentences share a reply
    cached: int  # of these, whose first reply is there
    tokens_in: int  # of the first requests that are left
    tokens_out: int


def tokens(text: str) -> int:
    """About how many tokens a text has: one a Han character, one for 3.5 other characters."""
    han = len(HAN.findall(text))
    return han + round((len(text) - han) / _CHARACTERS)


def estimate(texts: Iterable[str], asking: Asking, candidates: int) -> Estimate:
    """What the first request about each sentence would take."""
    seen: set[str] = set()
    clips = cached = paid_in = 0
    for text in texts:
        clips += 1
        if text in seen:
            continue
        seen.add(text)
        if asking.cached(text):
            cached += 1
        else:
            paid_in += tokens(asking.first_message(text))
    left = len(seen) - cached
    return Estimate(clips, len(seen), cached, paid_in, left * (_FRAME + candidates * _QUESTION))


def cost(tokens_in: int, tokens_out: int, options: LlmOptions) -> float | None:
    """Price of tokens, in the currency of the prices; None if none were given."""
    if options.price_in is None and options.price_out is None:
        return None
    paid = tokens_in * (options.price_in or 0) + tokens_out * (options.price_out or 0)
    return round(paid / 1e6, 6)


def in_words(tokens_in: int, tokens_out: int, options: LlmOptions) -> str:
    """`12,000 + 3,400 tokens (cost 0.0042)`."""
    paid = cost(tokens_in, tokens_out, options)
    price = "" if paid is None else f" (cost {paid:,.4f})"
    return f"{tokens_in:,} + {tokens_out:,} tokens{price}"
