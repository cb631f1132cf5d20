"""What kind of question a question is: by its question word, or by the verb that it starts with.

Annotated questions are often without a question mark, and some are statements: those, and anything
that asks nothing, are of the kind `prompt`. (Ours.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache

# German: a question word first, or after one preposition ("Bis wann", "In welchem Teil").
_DE_BEFORE = "in|an|am|im|ab|auf|aus|bei|bis|durch|für|gegen|mit|nach|seit|um|unter|von|vor|zu|über"
_DE_WORD = re.compile(
    rf"(?:(?:{_DE_BEFORE}) )?(wie ?viele?|wie oft|wer|wen|wem|wessen|wann|warum|wieso|weshalb"
    r"|weswegen|welch\w*|wo(?:her|hin)?|was|wo\w+|wie)\b"
)
_DE_NOT_ALONE = {*_DE_BEFORE.split("|"), "wie"}  # what comes after these decides with them
_DE_KIND = {
    "wer": "who", "wen": "who", "wem": "who", "wessen": "who", "wann": "when", "warum": "why",
    "wieso": "why", "weshalb": "why", "weswegen": "why", "wo": "where", "woher": "where",
    "wohin": "where", "was": "what", "wie": "how",
}  # fmt: skip
_DE_VERB = re.compile(r"(?:\w+(?:t|en|st|ern|eln)|wird|ist|sind|war|waren|gab|kam|kann|muss|soll|will|darf|gibt[’']s|wäre|habe|würde|könnte|dürfte|sollte|hatte|konnte|wurde|ging|stieg|fiel|lag)\b")  # fmt: skip  # noqa: E501
# First words that look like verbs by their ending and are none.
_DE_NO_VERB = frozenset(
    [
        "jetzt",
        "sonst",
        "selbst",
        "meist",
        "verbreitet",
        "seit",
        "dort",
        "gut",
        "mit",
        "guten",
        "einen",
        "den",
        "schönen",
        "morgen",
        "ansonsten",
        "nicht",
        "zunächst",
        "zuerst",
        "zumeist",
        "vereinzelt",
        "endlich",
        "osten",
        "westen",
        "norden",
        "süden",
        "regen",
        "bewölkt",
        "montag",
        "dienstag",
        "nächsten",
        "letzten",
        "ersten",
        "zweiten",
        "kalten",
        "warmen",
        "vielen",
        "wenigstens",
        "deutschland",
        "östlich",
        "bereits",
        "erst",
        "fast",
        "oft",
        "abgesehen",
        "außen",
        "oben",
        "unten",
        "mitten",
        "neben",
        "wegen",
        "gegen",
        "laut",
        "richtung",
        "wochen",
        "graden",
        "bewölkten",
        "einstelligen",
        "heiter",
        "weiten",
        "unter",
        "hinter",
        "bitten",
        "danken",
        "nächst",
        "höchst",
        "mindestens",
    ]
)

_ZH = (
    ("yes-no", r"吗$"),  # it makes any question word indefinite: 有什么问题吗
    ("why", r"为什么|为何|为啥|怎么会|干嘛"),
    ("when", r"什么时[候间]|何时|几[点时号月日]|哪[天年一]*[天年月]|星期几|周几|多久"),
    ("where", r"哪里|哪儿|何处|什么地[方点]|哪个(?:城市|国家|地方)"),
    ("who", r"谁|什么人|哪位"),
    ("how-many", r"多少|几|多[大高长远重贵厚深]"),
    ("how", r"怎么|怎样|如何|咋"),
    ("which", r"哪"),
    ("what", r"什么|啥|何"),
    ("yes-no", r"吗|吧$|(.)[不没]\1|是否|有没有|还是|呢$|么$"),
)
_EN_WORD = re.compile(r"(?:(?:at|by|for|from|in|of|on|since|to|until|with) )?(how many|how much|how often|who(?:m|se)?|when|where|why|which|what|how)\b")  # fmt: skip  # noqa: E501
_EN_KIND = {"how many": "how-many", "how much": "how-many", "how often": "how-many",
            "whom": "who", "whose": "who"}  # fmt: skip
_EN_VERB = re.compile(r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|shall|should|may|might|must|am)\b")  # fmt: skip  # noqa: E501


def kind_of(language: str) -> Callable[[str], str]:
    """The function that tells the kind (one of samples.KINDS) of a question in normalised form.

    Languages: de, zh, en; a question in another language is of the kind `prompt`.
    """
    return {"de": _german, "zh": _chinese, "en": _english}.get(language, _prompt)


def kinds_of(questions: Sequence[str], language: str) -> list[str]:
    """The kinds of questions in normalised form."""
    kind = kind_of(language)
    if kind is not _german:
        return list(map(kind, questions))
    firsts = [q.partition(" ")[0] for q in questions]  # which decide, but for a few
    kinds = {w: kind(w) for w in {*firsts} - _DE_NOT_ALONE}
    return [kinds.get(w) or kind(q) for w, q in zip(firsts, questions, strict=True)]


# Questions that name a topic at most, and ask for nothing in particular: in normalised form.
_OPEN = {
    "zh": (
        r"你想说什么|你想说些什么|有什么想说|有话要说|有什么话|你想到什么|你知道(?:些|点)?什么|想问什么"
        r"|说说|讲讲|谈谈|谈一谈|的事要说|告诉我什么|对我说什么"
        r"|有什么看法|有什么想法|有什么体会|了解.*[吗少]$|^(?:你)?怎么看$|^(?:然后|还有)呢|具体一点|举个例子|怎么讲$"
    ),
    "de": (
        r"was gibt es (?:sonst )?(?:noch )?(?:zu|zum|über|neues).*(?:sagen|berichten|erzählen)?$"
        r"|(?:sagen|erzählen|berichten|erklären) (?:sie|du) (?:uns|mir)|mehr (?:dazu|darüber)"
        r"|was (?:möchten|wollen|können|kannst|willst) (?:sie|du) (?:uns |mir )?"
        r"(?:dazu |darüber |über .*)?(?:sagen|erzählen)$"
        r"|was (?:wissen|weißt) (?:sie|du) (?:über|von)|was ist (?:noch )?zu (?:sagen|erwarten)$"
        r"|was sehen wir hier$|was passiert dann$|wie geht es weiter$"
    ),
    "en": (
        r"tell (?:us|me) (?:more )?about|what (?:about|can you (?:say|tell)|do you (?:know|think)) "
        r"|anything (?:else )?(?:to say|about)|^(?:and )?then$"
    ),
}  # fmt: skip


def asks_openly(language: str) -> Callable[[str], bool]:
    """The function that tells whether a question in normalised form asks for nothing in particular:
    it names a topic at most ("what would you like to say about X").

    Languages: de, zh, en; in another language no question is known to.
    """
    if language not in _OPEN:
        return lambda q: False
    pattern = re.compile(_OPEN[language])
    return lambda q: pattern.search(q) is not None


def _german(q: str) -> str:
    if m := _DE_WORD.match(q):
        word = m[1]
        if word.startswith("welch"):
            return "which"
        if word.startswith(("wie v", "wiev", "wie o")):
            return "how-many"
        return _DE_KIND.get(word, "what")
    verb = _DE_VERB.match(q)
    return "yes-no" if verb and verb[0] not in _DE_NO_VERB else "prompt"


def _chinese(q: str) -> str:
    return next((kind for kind, pattern in _chinese_patterns() if pattern.search(q)), "prompt")


@cache
def _chinese_patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Compiled when they are first needed: a German build is over before these were."""
    return [(kind, re.compile(pattern)) for kind, pattern in _ZH]


def _english(q: str) -> str:
    if m := _EN_WORD.match(q):
        return _EN_KIND.get(m[1], m[1])
    return "yes-no" if _EN_VERB.match(q) else "prompt"


def _prompt(q: str) -> str:
    return "prompt"
