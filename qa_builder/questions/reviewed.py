"""What readers judged of single questions beside their sentence: kept, or not asked again.

A file of reviews has a line a question, with tabs: sentence, question, fits (0 no, 1 doubtful, 2
yes), natural (0, 1). The sentence is itself or its digest: reviews of a corpus that must not be
passed on hold no text of it. (Ours.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from qa_builder.errors import QbsltError, raise_all
from qa_builder.questions.wordings import FOLDER
from qa_builder.text import normalize_all

OURS, NONE = "ours", "none"
HEADING = ("sentence", "question", "fits", "natural")
_CURE = "Write with tabs: sentence, question, 0 to 2 (fits), 0 or 1 (natural)."
_DIGEST = re.compile(r"[0-9a-f]{16}")
_COSTS = (40.0, 8.0, -6.0)  # what a review adds to what speaks against a question, by `fits`
_STILTED = 8.0  # and one that nobody would say so


class Review(NamedTuple):
    """How a question was judged beside a sentence."""

    fits: int  # 0 no, 1 doubtful, 2 yes
    natural: bool

    @property
    def cost(self) -> float:
        """What it adds to what speaks against the question."""
        return _COSTS[self.fits] + _STILTED * (not self.natural)


Reviews = dict[str, dict[str, Review]]
"""Question -> review, by the digest of the sentence."""


def digest(answer: str) -> str:
    """The name of a normalised sentence: 16 hexadecimal digits."""
    return sha256(answer.encode()).hexdigest()[:16]


def ours(language: str) -> Path:
    """The file of our own reviews in a language; there may be none."""
    return FOLDER / f"{language}_reviewed.tsv"


def reviews(language: str, which: str = OURS) -> Reviews:
    """Our own reviews, those of a file beside them, or none.

    Raises QbsltError for a file that cannot be read, and for all its lines that are no reviews.
    """
    found: Reviews = {}
    if which != NONE and ours(language).is_file():
        found = read_reviews(ours(language), language)
    if which not in (OURS, NONE):
        for sentence, questions in read_reviews(Path(which), language).items():
            found.setdefault(sentence, {}).update(questions)
    return found


def read_reviews(path: Path, language: str) -> Reviews:
    """The reviews of a file; of two of one question the later holds. Raises as `reviews`."""
    try:
        rows = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise QbsltError(f"is a file of reviews that cannot be read ({e}).", file=path,
                         cure="Pass a file, `ours` or `none`.") from None  # fmt: skip
    if not rows or tuple(rows[0].split("\t")) != HEADING:
        raise QbsltError("is no file of reviews.", file=path, line=1,
                         cure=f"Its first line is, with tabs: {' '.join(HEADING)}.")  # fmt: skip
    raise_all(_errors(rows, path))
    cells = [row.split("\t") for row in rows[1:] if row]
    names = [c[0] for c in cells]
    normal = normalize_all(names, language)
    found: Reviews = {}
    for (name, question, fits, natural), answer in zip(cells, normal, strict=True):
        sentence = name if _DIGEST.fullmatch(name) else digest(answer)
        found.setdefault(sentence, {})[question] = Review(int(fits), natural == "1")
    return found


def _errors(rows: list[str], path: Path) -> Iterator[QbsltError]:
    for number, row in enumerate(rows[1:], 2):
        *_, fits, natural = cells = ["", *row.split("\t")]
        sound = len(cells) == 5 and fits in ("0", "1", "2") and natural in ("0", "1")
        if row and not sound:
            yield QbsltError("is no review.", file=path, line=number, cure=_CURE)
