"""What a system scores that prints the question as its translation, and how the two are alike.

German and other spaced languages are compared in normalised form (lower case, no punctuation) with
sacreBLEU's tokenizer 13a; Chinese as it stands but without blanks, with the tokenizer zh.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qa_builder.audit.question_set import Rows
from qa_builder.text import UNSPACED, squeeze

BETA = 1.2  # of ROUGE-L's F, as in the papers of the field


def copy_scores(rows: Rows) -> dict[str, Any]:
    """BLEU-4 and chrF (sacreBLEU), ROUGE-L F (Lin, 2004), all 0..100, and `equal`: how many
    questions are their sentence, as printed."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    unspaced = rows.language in UNSPACED
    printed = [squeeze(q) for q in rows.questions] if unspaced else rows.normal
    answers = [squeeze(t) for t in rows.texts] if unspaced else rows.sentences
    bleu = BLEU(tokenize=_TOKENIZERS.get(rows.language, "13a"))
    rouge = map(rouge_l, rows.question_tokens, rows.sentence_tokens)
    return {
        "bleu4": round(float(bleu.corpus_score(printed, [answers]).score), 2),
        "rouge_l": round(100 * sum(rouge) / len(rows), 2),
        "chrf": round(float(CHRF().corpus_score(printed, [answers]).score), 2),
        "equal": sum(q == t for q, t in zip(printed, answers, strict=True)),
        "signature": str(bleu.get_signature()),
    }


_TOKENIZERS = {"zh": "zh", "ja": "char"}


def rouge_l(hypothesis: Sequence[str], reference: Sequence[str]) -> float:
    """F (beta 1.2) of the longest common subsequence of two token sequences, 0..1."""
    common = longest_common_subsequence(hypothesis, reference)
    if not common:
        return 0.0
    p, r = common / len(hypothesis), common / len(reference)
    return (1 + BETA**2) * p * r / (r + BETA**2 * p)


def longest_common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """Its length. Bit-parallel (Hyyro, 2004): bit j of `row` is 0 where it grows at b[j]."""
    masks: dict[str, int] = {}
    for j, token in enumerate(b):
        masks[token] = masks.get(token, 0) | 1 << j
    full = row = (1 << len(b)) - 1
    for token in a:
        if mask := masks.get(token):
            hit = row & mask
            row = (row + hit | row - hit) & full
    return len(b) - row.bit_count()


def longest_common_run(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest run of tokens that stands in both."""
    if not set(a) & set(b):
        return 0
    n = 1
    while _grams(a, n + 1) & _grams(b, n + 1):
        n += 1
    return n


def _grams(tokens: Sequence[str], n: int) -> set[tuple[str, ...]]:
    return {tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)}


def likeness(rows: Rows) -> list[tuple[int, bool]]:
    """Of each question: its longest run of tokens that stands in its sentence too, and whether its
    tokens are those of the sentence, in whatever order."""
    return [
        (longest_common_run(q, s), bool(q) and sorted(q) == sorted(s))
        for q, s in zip(rows.question_tokens, rows.sentence_tokens, strict=True)
    ]
