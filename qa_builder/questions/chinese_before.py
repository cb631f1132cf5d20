"""What is said before a Chinese sentence that is a question, a greeting or a set phrase itself. (Ours.)"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from qa_builder.questions.candidates import Candidate
from qa_builder.questions.chinese_fill import choose, fill, is_asked, wordings
from qa_builder.questions.chinese_frame import Frame
from qa_builder.questions.chinese_phrases import Ask
from qa_builder.questions.wordings import FOLDER, pairs

_FORMULA_MARKS = re.compile(r"[，。！？、\s]+")
_ASKS = re.compile(r"[？?]\W*$|吗\W*$|(?:^|[，你他她])(?:为什么|怎么(?!也|都))(?!.*[，])")
_EITHER = ("我", "你", "我们", "你们", "大家")  # whom a prompt does not name
_ANSWERED = -0.5  # what speaks against whether it is so, before a sentence that says that it is
_GENERAL = ("family", "time", "friends", "life", "society", "feeling")  # topics that say too little


def is_question(text: str) -> bool:
    """Whether a sentence asks something itself."""
    return "？" in text or _ASKS.search(text) is not None


def before_question(text: str, frame: Frame, topic: str) -> Iterator[Candidate]:
    """What is said before a sentence that is a question itself."""
    known = wordings()
    for name, pattern in _asked():
        if pattern.search(text):
            who = frame.subject if frame.person and frame.subject not in _EITHER else ""
            about = Ask(f"asked-{name}", "any", "", {"s": who})
            yield from fill(known[f"asked-{name}"], about, topic)
            break
    if topic and topic not in _GENERAL:
        invited = [w for w in known[f"on-{topic}"] if w.asks == "ask"]
        yield from fill(invited, Ask(topic, "ask", "", {}), topic)
    if frame.person and frame.subject not in _EITHER:
        about = Ask("question", "person", frame.subject, {"s": frame.subject})
        yield from fill(choose(known["question"], "person"), about, topic)
    yield from fill(choose(known["question"], "any"), Ask("question", "any", "", {}), topic)
    general = not topic or topic in _GENERAL
    said = [] if general else [w for w in known[f"on-{topic}"] if w.asks == "say"]
    told = fill(said, Ask(topic, "say", "", {}), topic)
    yield from (c._replace(misfit=c.misfit + 0.7) for c in told)


def before_answer(text: str, topic: str) -> Iterator[Candidate]:
    """What is said before a sentence that starts with a yes or a no."""
    own = [w for w in wordings()["answered"] if is_asked(w.asks, "any", text)]
    for c in fill(own, Ask("answered", "any", "", {}), topic):
        yield c._replace(misfit=c.misfit + _ANSWERED)


def formula(text: str) -> list[Candidate]:
    plain = _FORMULA_MARKS.sub("", text)
    for n, (pattern, prompts) in enumerate(_formulas()):
        if pattern.fullmatch(plain):
            return [Candidate(p, "prompt", "", f"formula/{n}.{k}", "greeting")
                    for k, p in enumerate(prompts)]  # fmt: skip
    return []


@cache
def _formulas() -> list[tuple[re.Pattern[str], list[str]]]:
    found = pairs(FOLDER / "zh_formulas.txt")
    return [(re.compile(left), [p.strip() for p in right.split(" / ")]) for left, right in found]


@cache
def _asked() -> list[tuple[str, re.Pattern[str]]]:
    return [(name, re.compile(pattern)) for name, pattern in pairs(FOLDER / "zh_asked.txt")]
