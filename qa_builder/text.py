"""Text helpers that readers, question sources and the audit share."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

# Zero-width, bidirectional and control characters: invisible, and they break string comparison.
INVISIBLE = re.compile(r"[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")  # fmt: skip  # noqa: E501
HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
UNSPACED = ("zh", "ja")  # languages whose words are not parted by blanks
_PUNCTUATION = re.compile(r"(?:[^\w\s]|_)+")
_BLANKS = re.compile(r"[^\S\n]+")
_ODD_BLANKS = re.compile(r"[^\S\n ]|  ")


def is_chinese(text: str) -> bool:
    """Whether a text has any Han character."""
    return HAN.search(text) is not None


def normalize_all(texts: Sequence[str], language: str) -> list[str]:
    """The form in which questions and sentences are compared, of many strings at once.

    NFKC, without invisible characters and punctuation, lower case, single blanks; Chinese and
    Japanese without blanks. All strings pass as one text, a line each: five times as fast as one
    by one.
    """
    joined = "\n".join(texts)
    if joined.count("\n") != max(len(texts) - 1, 0):
        joined = "\n".join([t.replace("\n", " ") for t in texts])
    if not joined.isascii():
        joined = INVISIBLE.sub("", unicodedata.normalize("NFKC", joined))
    joined = _PUNCTUATION.sub(" ", joined.lower())
    if language in UNSPACED:
        return _BLANKS.sub("", joined).split("\n") if texts else []
    joined = _BLANKS.sub(" ", joined) if _ODD_BLANKS.search(joined) else joined
    return joined.replace("\n ", "\n").replace(" \n", "\n").strip(" ").split("\n") if texts else []


def normalize_question(text: str, language: str) -> str:
    """`normalize_all` of one string."""
    return normalize_all([text], language)[0]


def clean_phoenix_gloss(gloss: str) -> str:
    """The official PHOENIX-2014T gloss without annotation mark-up.

    Removes `__ON__`-style marks, the prefixes `loc-`, `cl-`, `qu-`, `poss-`, `lh-`, `rh-` and
    trailing `+` (repeats). Keeps `neg-` and `negalp-`, which turn the meaning round, and the `+`
    inside spelt words (`J+U+L+I`). Ours, after the marks that the corpus's evaluation removes.
    """
    if not _MARKUP.search(gloss):
        return gloss
    return " ".join(t for t in map(_clean_token, gloss.split()) if t)


_MARK = re.compile(r"__[A-Z-]+__")
_PREFIX = re.compile(r"^(?:(?:loc|cl|qu|poss|lh|rh)-)+")
_MARKUP = re.compile(r"__|[a-z]-|\+(?:\s|$)|\s\s|^\s|\s$")


@lru_cache(maxsize=100_000)
def _clean_token(token: str) -> str:
    return _PREFIX.sub("", _MARK.sub("", token)).rstrip("+")


def squeeze(text: str) -> str:
    """Text without any white space: how Chinese strings of different segmentation compare."""
    return "".join(text.split())
