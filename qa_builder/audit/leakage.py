"""How much of a sentence its question gives away: content recall.

The share of the sentence's distinct content tokens that stand in the question too: 1 where the
question holds the whole answer, 0 where it holds none of it. Content tokens are what is left
without function words. German and other spaced languages: words, lower case; Chinese: characters.
(Ours; defined in docs/leakage.md.)
"""

from __future__ import annotations

from collections.abc import Sequence

from qa_builder.text import UNSPACED

# Articles, pronouns, prepositions, conjunctions, auxiliaries, particles.
FUNCTION_WORDS: dict[str, frozenset[str]] = {
    "de": frozenset(
        ["ab", "aber", "alle", "allem", "allen", "aller", "alles", "als", "also", "am", "an", "auch", "auf", "aus", "bei", "beim", "bin", "bis", "bist", "da", "dabei", "dafür", "damit", "dann", "daran", "darauf", "daraus", "darin", "das", "dass", "dazu", "dem", "den", "denn", "der", "des", "die", "dies", "diese", "diesem", "diesen", "dieser", "dieses", "doch", "dort", "du", "durch", "ein", "eine", "einem", "einen", "einer", "eines", "er", "es", "etwa", "etwas", "euch", "eure", "für", "gegen", "gibt", "hab", "habe", "haben", "hat", "hatte", "hatten", "hier", "hin", "hinter", "ich", "ihm", "ihn", "ihnen", "ihr", "ihre", "ihrem", "ihren", "ihrer", "im", "in", "ins", "ist", "ja", "je", "jede", "jedem", "jeden", "jeder", "jedes", "kann", "kein", "keine", "keinen", "können", "könnte", "könnten", "man", "mal", "mehr", "mein", "meine", "mich", "mir", "mit", "muss", "müssen", "nach", "nicht", "noch", "nun", "nur", "ob", "oder", "ohne", "schon", "sehr", "sein", "seine", "seinem", "seinen", "seiner", "seit", "sich", "sie", "sind", "so", "sogar", "soll", "sollte", "sollten", "sondern", "sonst", "sowie", "um", "und", "uns", "unser", "unsere", "unserem", "unseren", "unserer", "unter", "vom", "von", "vor", "war", "waren", "was", "weil", "welche", "welchem", "welchen", "welcher", "welches", "wenn", "wer", "werden", "wie", "wieder", "wir", "wird", "wo", "wurde", "wurden", "über", "zu", "zum", "zur", "zwar", "zwischen"]
    ),
    "zh": frozenset("的了是在有和就不也都很还吗呢吧啊呀嘛着过我你他她它们这那个么什谁哪怎几多少为与或把被给对从到"),
    "en": frozenset(
        ["a", "about", "am", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did", "do", "does", "for", "from", "had", "has", "have", "he", "her", "him", "his", "how", "i", "if", "in", "into", "is", "it", "its", "may", "me", "might", "must", "my", "no", "not", "of", "on", "or", "our", "shall", "she", "should", "so", "some", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "to", "us", "was", "we", "were", "what", "when", "where", "which", "who", "why", "will", "with", "would", "you", "your"]
    ),
}  # fmt: skip  # noqa: RUF100, E501


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
    sentences = [set(tokens(t)) for t in texts]
    contents = [s - functional or s for s in sentences]
    return [
        (len(c.intersection(tokens(q))), len(c)) for c, q in zip(contents, questions, strict=True)
    ]
