"""How varied questions are: shares of kinds and of wordings, and how many ask for nothing definite.

A wording is counted as a reader would count it, on the question's own text, so that any question
set can be measured: what a question has from its sentence becomes a blank, and what is left is its
wording. "Wie wird das Wetter am Dienstag im Norden?" and "Wie wird das Wetter heute?" are both
"wie wird das wetter _" where their sentences speak of these days and places. (Ours.)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from qa_builder.audit.question_set import Rows
from qa_builder.function_words import FUNCTION_WORDS
from qa_builder.questions.kinds import asks_openly
from qa_builder.text import UNSPACED

BLANK = "_"
# Never part of what a question has from its sentence: the words that it asks with.
_ASKING = {
    "zh": re.compile("怎么样|怎么|什么|为什么|多少|哪里|哪儿|情况|时候|觉得|看法|注意|应该|要求"),
}
_PERSONS = {"zh": frozenset("你我他她它您们")}
_JOINED = re.compile(
    r"_(?:[的了在着过和与跟把对给也都很会要能到]*_)*"
)  # a blank with what is inside
# Words that belong to a blank behind them: "am Dienstag", "in der Nacht".
_BEFORE = {
    "de": "ab am an auf aus bei beim bis das dem den der des die für gegen im in ins nach seit "
    "über um und unter vom von vor zu zum zur",
    "en": "a an and at by for from in of on the to with",
}
# Times that a question may put in other words than its sentence.
_TIMES = {
    "de": "heute morgen gestern übermorgen nachts tagsüber nacht tag abend vormittag nachmittag "
    "mittag früh später abends morgens mittags kommenden nächsten nächste woche",
}


def variety(rows: dict[str, Rows]) -> dict[str, dict[str, Any]]:
    """Shares (0..1) of the most frequent kind and wording and of general prompts, by split and over
    all ("all", with the mean content recall); how many wordings there are, and an id that has the
    most frequent one.
    """
    found = {s: _of_split(r) for s, r in rows.items()}
    parts = {s: _summary([f]) for s, f in found.items()}
    recalls = [recall for r in rows.values() for recall in r.leakage]
    mean = round(sum(recalls) / max(len(recalls), 1), 4)
    return {"all": _summary(list(found.values())) | {"mean": mean}, **parts}


def wording_of(question: str, sentence: str, language: str) -> str:
    """The wording of a question: both in normalised form, what they share left blank."""
    functional = FUNCTION_WORDS.get(language, frozenset())
    if language in UNSPACED:
        return _unspaced(question, sentence, functional, language)
    shared = set(sentence.split()) - functional
    times, before = _TIMES.get(language, "").split(), _BEFORE.get(language, "").split()
    tokens = [BLANK if t in shared or t in times else t for t in question.split()]
    for i in range(len(tokens) - 2, -1, -1):
        if tokens[i] in before and tokens[i + 1] == BLANK:
            tokens[i] = BLANK
    return " ".join(t for i, t in enumerate(tokens) if t != BLANK or tokens[i - 1 : i] != [BLANK])


def _unspaced(question: str, sentence: str, functional: frozenset[str], language: str) -> str:
    """As `wording_of`, by the character; function characters between two blanks belong to them."""
    shared = (set(sentence) - functional) | _PERSONS.get(language, frozenset())
    kept = [c in shared for c in question]
    for m in _ASKING[language].finditer(question) if language in _ASKING else ():
        kept[m.start() : m.end()] = [False] * (m.end() - m.start())
    plain = "".join(BLANK if k else c for k, c in zip(kept, question, strict=True))
    return _JOINED.sub(BLANK, plain)


def _of_split(rows: Rows) -> list[tuple[str, str, str, bool]]:
    """Of each question its id, kind, wording, and whether it is a general prompt."""
    is_open = asks_openly(rows.language)
    return [
        (id_, kind, wording_of(q, s, rows.language), kind == "prompt" or is_open(q))
        for id_, kind, q, s in zip(rows.ids, rows.kinds, rows.normal, rows.sentences, strict=True)
    ]


def _summary(parts: Sequence[list[tuple[str, str, str, bool]]]) -> dict[str, Any]:
    each = [row for part in parts for row in part]
    kinds = Counter(kind for _, kind, _, _ in each)
    wordings = Counter(wording for _, _, wording, _ in each)
    wording, times = max(wordings.items(), key=lambda item: (item[1], item[0]))
    return {
        "questions": len(each),
        "kinds": len(kinds),
        "kind": round(max(kinds.values()) / len(each), 4),
        "wordings": len(wordings),
        "wording": round(times / len(each), 4),
        "wording_example": next(id_ for id_, _, w, _ in each if w == wording),
        "prompts": round(sum(general for *_, general in each) / len(each), 4),
    }
