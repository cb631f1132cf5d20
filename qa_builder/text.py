"""Text helpers that readers, question sources and the audit share."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from qa_builder.lines import map_lines, plain

# Zero-width, bidirectional and control characters: invisible, and they break string comparison.
INVISIBLE = re.compile(r"[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")  # fmt: skip  # noqa: E501
HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_MANY = 100  # strings, from which a table is the faster way to normalise them
UNSPACED = ("zh", "ja")  # languages whose words are not parted by blanks


def is_chinese(text: str) -> bool:
    """Whether a text has any Han character."""
    return HAN.search(text) is not None


def normalize_all(texts: Sequence[str], language: str) -> list[str]:
    """The form in which questions and sentences are compared, of many strings at once.

    NFKC, without invisible characters and punctuation, lower case, single blanks; Chinese and
    Japanese without blanks. Many strings pass through a table of their characters (`lines.py`),
    ten times as fast as one by one; what it can't do is done with care.
    """
    blanks = language not in UNSPACED
    if len(texts) < _MANY:
        return [_normalize(t, blanks) for t in texts]
    lines = "\n".join(texts)
    if lines.count("\n") >= len(texts):
        texts = [t.replace("\n", " ") for t in texts]
        lines = "\n".join(texts)
    normal, unsure = map_lines(lines, blanks)
    if normal is None:
        return list(texts)
    for i in unsure:
        normal[i] = _normalize(texts[i], blanks)
    return normal


def _normalize(text: str, blanks: bool) -> str:
    """The normal form of a text."""
    text = unicodedata.normalize("NFKC", text).lower()
    for c in set(text):
        if (left := plain(c)) != c:
            text = text.replace(c, left)
    text = " ".join(text.split()) if blanks else text.replace(" ", "")
    return unicodedata.normalize("NFKC", text)  # an accent may have met its letter just now


def normalize_question(text: str, language: str) -> str:
    """`normalize_all` of one string."""
    return normalize_all([text], language)[0]


def clean_phoenix_gloss(gloss: str) -> str:
    """The official PHOENIX-2014T gloss without annotation mark-up.

    Removes `__ON__`-style marks, the prefixes `loc-`, `cl-`, `qu-`, `poss-`, `lh-`, `rh-` and
    trailing `+` (repeats). Keeps `neg-` and `negalp-`, which turn the meaning round, and the `+`
    inside spelt words (`J+U+L+I`). Ours, after the marks that the corpus's evaluation removes.
    """
    if not _MARKED.search(gloss):
        return gloss
    return " ".join(t for t in map(_clean_token, gloss.split()) if t)


def clean_phoenix_glosses(glosses: Sequence[str]) -> list[str]:
    """`clean_phoenix_gloss` of many, of which most hold no mark-up."""
    cleaned, lines = list(glosses), "\n".join(glosses).encode("utf-8", "surrogatepass")
    marks = lines.translate(None, _NO_MARKS).split(b"\n")  # of each gloss, if each is a line
    if len(marks) != len(cleaned):
        return list(map(clean_phoenix_gloss, glosses))
    for i in filter(marks.__getitem__, range(len(marks))):
        cleaned[i] = clean_phoenix_gloss(cleaned[i])
    return cleaned


_MARKED = re.compile("[a-z_+]")
_NO_MARKS = bytes(b for b in range(256) if not re.match(b"[a-z_+\n]", bytes([b])))
_MARK = re.compile(r"__[A-Z-]+__")
_PREFIX = re.compile(r"^(?:(?:loc|cl|qu|poss|lh|rh)-)+")


@lru_cache(maxsize=100_000)
def _clean_token(token: str) -> str:
    return _PREFIX.sub("", _MARK.sub("", token)).rstrip("+")


def squeeze(text: str) -> str:
    """Text without any white space: how Chinese strings of different segmentation compare."""
    return "".join(text.split())
