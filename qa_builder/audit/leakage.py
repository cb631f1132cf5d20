"""How much of a sentence its question gives away: content recall.

The share of the sentence's distinct content tokens that stand in the question too: 1 where the
question holds the whole answer, 0 where it holds none of it. Content tokens are what is left
without function words. German and other spaced languages: words, lower case; Chinese: characters.
(Ours; defined in docs/leakage.md.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa_builder.function_words import FUNCTION_WORDS
from qa_builder.strings import END, joined
from qa_builder.text import UNSPACED

Ints = NDArray[np.int64]

_MANY = 100  # sentences, from which arrays are faster than sets


def content_overlaps(
    texts: Sequence[str], questions: Sequence[str], language: str
) -> list[tuple[int, int]]:
    """Of each sentence: its content tokens that stand in its question, and all its content tokens.

    All strings in normalised form (`text.normalize_all`), each token counted once. A sentence
    without any content token is compared by all of its tokens. The ratio is the content recall;
    over a split, that of the sums.
    """
    if len(texts) >= _MANY:
        given, content = overlap_counts(texts, questions, language)
        return list(zip(given.tolist(), content.tolist(), strict=True))
    functional = FUNCTION_WORDS.get(language, frozenset())
    tokens = list if language in UNSPACED else str.split
    overlaps = []
    for text, question in zip(texts, questions, strict=True):
        sentence = set(tokens(text))
        own = sentence - functional or sentence
        overlaps.append((len(own.intersection(tokens(question))), len(own)))
    return overlaps


def overlap_counts(
    texts: Sequence[str], questions: Sequence[str], language: str
) -> tuple[Ints, Ints]:
    """`content_overlaps` of n sentences as two arrays, [n] each."""
    if len(texts) < _MANY:
        counts = np.array(content_overlaps(texts, questions, language), dtype=np.int64)
        return counts.reshape(-1, 2)[:, 0], counts.reshape(-1, 2)[:, 1]
    n = len(texts)
    numbered = _characters if language in UNSPACED else _words
    rows, tokens, functional = numbered(joined(texts) + END.encode() + joined(questions), language)
    size = len(functional)  # of the vocabulary: row and token make one number
    small = 2 * n * size < 2**31  # then such numbers are sorted in half the time
    keys: NDArray[Any] = (rows * size + tokens).astype(np.int32 if small else np.int64)
    asked = int(np.searchsorted(rows, n))
    sentence, question = _distinct(keys[:asked]), _distinct(keys[asked:] - n * size)
    row = sentence // size
    content = ~functional[sentence - row * size]
    content |= (np.bincount(row, content, minlength=n) == 0)[row]
    both = np.sort(np.concatenate((sentence[content], question)))
    shared = both[1:][both[1:] == both[:-1]]
    return np.bincount(shared // size, minlength=n), np.bincount(row[content], minlength=n)


def _distinct(keys: NDArray[Any]) -> NDArray[Any]:
    """Sorted, each once; `np.unique` hashes them, which takes ten times as long."""
    keys = np.sort(keys)
    new = np.ones(len(keys), dtype=bool)
    np.not_equal(keys[1:], keys[:-1], out=new[1:])
    return keys[new]


def _words(lines: bytes, language: str) -> tuple[Ints, NDArray[np.int32], NDArray[np.bool_]]:
    """Of each word its row and its number, and of each number whether it is a function word."""
    from qa_builder.arrow import numbered_words

    tokens, rows, vocabulary = numbered_words(lines)
    if "" in vocabulary:  # of an empty line
        real = tokens != vocabulary.index("")
        rows, tokens = rows[real], tokens[real]
    known = FUNCTION_WORDS.get(language, frozenset())
    return rows, tokens, np.array([w in known for w in vocabulary], dtype=bool)


def _characters(lines: bytes, language: str) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """As `_words`, of each character; its number is its code."""
    wide = lines.decode().encode("utf-32-le")
    codes = np.frombuffer(wide, dtype=np.uint32).astype(np.int64)
    ends = codes == ord(END)
    functional = np.zeros(max(codes.max(initial=0), 0x10FFFF) + 1, dtype=bool)
    functional[[ord(c) for c in FUNCTION_WORDS.get(language, frozenset()) if len(c) == 1]] = True
    return np.cumsum(ends)[~ends], codes[~ends], functional
