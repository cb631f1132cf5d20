"""How much of a sentence its question gives away: content recall.

The share of the sentence's distinct content tokens that stand in the question too: 1 where the
question holds the whole answer, 0 where it holds none of it. Content tokens are what is left
without function words. German and other spaced languages: words, lower case; Chinese: characters.
(Ours; defined in docs/leakage.md.)
"""

from __future__ import annotations

from collections.abc import Sequence

from qa_builder.function_words import FUNCTION_WORDS
from qa_builder.text import UNSPACED


def content_overlaps(
    texts: Sequence[str], questions: Sequence[str], language: str
) -> list[tuple[int, int]]:
    """Of each sentence: its content tokens that stand in its question, and all its content tokens.

    All strings in normalised form (`text.normalize_all`), each token counted once. A sentence
    without any content token is compared by all of its tokens. The ratio is the content recall;
    over a split, that of the sums.
    """
    functional = FUNCTION_WORDS.get(language, frozenset())
    tokens = list if language in UNSPACED else str.split
    overlaps = []
    for text, question in zip(texts, questions, strict=True):  # one by one: sets of all are slower
        sentence = set(tokens(text))
        content = sentence - functional or sentence
        overlaps.append((len(content.intersection(tokens(question))), len(content)))
    return overlaps
