"""The form of questions: what can be seen of each without understanding it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain

from qa_builder.audit.question_set import QuestionSet, Rows
from qa_builder.function_words import FUNCTION_WORDS
from qa_builder.text import HAN, INVISIBLE, UNSPACED

_LATIN = re.compile(r"[A-Za-zÀ-ɏ]")
_OTHER_SCRIPT = re.compile(r"[\u0370-\u1dff\u2c00-\u2dff\u3040-\u30ff\ua000-\ud7af]")
LONG, SHORT = 40, 2  # tokens


def form(questions: QuestionSet) -> dict[str, dict[str, int]]:
    """By split and fault: how many questions have it. Faults: see `faults_of`."""
    splits = questions.splits
    sentences = {s: {*r.sentences} for s, r in splits.items()}
    return {
        s: dict(Counter(chain.from_iterable(faults_of(r, _others(sentences, s)))))
        for s, r in splits.items()
    }


def _others(sentences: dict[str, set[str]], split: str) -> set[str]:
    return set().union(*(v for s, v in sentences.items() if s != split))


def faults_of(rows: Rows, answers_elsewhere: set[str]) -> list[list[str]]:
    """Of each question, what is wrong with its form:

    `invisible` zero-width or control characters, `blanks` white space around it, `no-mark` no
    question mark at its end, `script` or `language` not those of the sentences, `long` over 40
    tokens, `short` under 2, `nothing` no letter or digit, `repeated` another sentence of the split
    has the same question, `answer` it is its sentence, `answer-elsewhere` it is a sentence of
    another split (both in normalised form).
    """
    seen = Counter(q for q, _ in {*zip(rows.normal, rows.sentences, strict=True)})
    in_language = _language_test(rows.language)
    found = []
    for question, normal, tokens, sentence in zip(
        rows.questions, rows.normal, rows.question_tokens, rows.sentences, strict=True
    ):
        faults = {
            "invisible": INVISIBLE.search(question) is not None,
            "blanks": question != question.strip(),
            "no-mark": not question.rstrip().endswith(("?", "？")),
            "script": not _right_script(normal, rows.language),
            "language": not in_language(tokens),
            "long": len(tokens) > LONG,
            "short": 0 < len(tokens) < SHORT,
            "nothing": not normal,
            "repeated": seen[normal] > 1,
            "answer": normal == sentence,
            "answer-elsewhere": normal in answers_elsewhere,
        }
        found.append([name for name, is_so in faults.items() if is_so])
    return found


def _right_script(normal: str, language: str) -> bool:
    """Whether most letters are of the language's script: Han (with kana), or none of Asia's."""
    han, latin = len(HAN.findall(normal)), len(_LATIN.findall(normal))
    other = len(_OTHER_SCRIPT.findall(normal))
    if language in UNSPACED:
        return han + (other if language == "ja" else 0) >= latin
    return latin >= han + other if language in FUNCTION_WORDS else True


def _language_test(language: str) -> Callable[[Sequence[str]], bool]:
    """Whether tokens are of a spaced language that we know: no other has more function words."""
    own = FUNCTION_WORDS.get(language)
    others = [w for code, w in sorted(FUNCTION_WORDS.items()) if code not in (language, *UNSPACED)]
    if own is None or language in UNSPACED:
        return lambda tokens: True
    return lambda tokens: all(
        sum(t in words for t in tokens) <= sum(t in own for t in tokens) + 1 for words in others
    )
