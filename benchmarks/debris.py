"""What models leave in their output: language codes, special tokens, word pieces."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple


class _Debris(NamedTuple):
    what: str
    pattern: re.Pattern[str]


_KINDS = (
    _Debris(
        "a language code of the model",  # of mBART, NLLB, M2M, T5, Opus
        re.compile(
            r"\[?(?<![A-Za-z])(?:[a-z]{2}_[A-Z]{2}|[a-z]{3}_[A-Z][a-z]{3})(?![A-Za-z])\]?"
            r"|__[a-z]{2,3}__|<2[a-z]{2}>|>>[a-z]{2,3}<<"
        ),
    ),
    _Debris("the unknown token of the model", re.compile(r"<unk>|\[UNK\]|⁇")),
    _Debris(
        "a special token of the model",
        re.compile(r"</?s>|<pad>|<eos>|<bos>|\[(?:SEP|CLS|PAD)\]|<\|[a-z_]+\|>|<extra_id_\d+>"),
    ),
    _Debris("a mark of word pieces", re.compile(r"▁|@@(?=\s|$)|Ġ")),
)


def debris_warnings(texts: Sequence[str]) -> list[str]:
    """One warning for each kind of debris that is left in the texts."""
    warnings = []
    joined = "\n".join(texts)
    for what, pattern in _KINDS:
        if not (first := pattern.search(joined)):
            continue
        lines = sum(1 for text in texts if pattern.search(text))
        warnings.append(
            f"{first[0]!r}, {what}, is left in {lines:,} of {len(texts):,} predictions and counts "
            "as text; decode without special tokens"
        )
    return warnings
