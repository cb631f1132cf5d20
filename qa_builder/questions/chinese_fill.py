"""The wordings of Chinese questions, and how their slots are filled. (Ours.)"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from qa_builder.questions.candidates import Candidate
from qa_builder.questions.chinese_phrases import Ask
from qa_builder.questions.wordings import FOLDER, Wording, pairs, read_wordings

_SLOT = re.compile(r"\{(\w)\}")
_CUT = re.compile(
    r"^[的和与地得了着]|[和与的得地]$|的的|的[和与]|不了$|哪[个儿里些]|什么|^其|^部(?![门队分长])"
    r"|令人$|(?<![思理梦感联猜幻设妄])想$|(?<![完健安齐])全$|有的人想"
)  # what was cut amiss
# What nobody asks the other of him- or herself: "how is your situation?"
_OF_OTHERS = re.compile(r"的情况|怎样的人|情况如何|是什么样的|是什么情况|\{[sc]\}怎么样[？了]")


_NEXT = 0.12  # what speaks against each wording more than against the one before


@cache
def wordings() -> dict[str, list[Wording]]:
    """All wordings by section: predicates, parts, topics, scenes."""
    result: dict[str, list[Wording]] = {}
    for file in (
        "zh_wordings.txt",
        "zh_core.txt",
        "zh_parts.txt",
        "zh_sure.txt",
        "zh_topic_wordings.txt",
        "zh_asked_wordings.txt",
        "zh_about_wordings.txt",
        "zh_points.txt",
        "zh_facts.txt",
        "zh_troubles.txt",
        "zh_scenes_mind.txt",
        "zh_scenes_work.txt",
        "zh_scenes_world.txt",
    ):
        result |= read_wordings(FOLDER / file)
    return result


def is_asked(asks: str, kind: str, text: str) -> bool:
    """Whether a wording is for a kind of sentence and has its cues in the text: "true:才|能" has one
    of two words, "true:@plain&水" a cue of zh_cues.txt and a word. A scene alone says too little.
    """
    own, _, cues = asks.partition(":")
    return own in (kind, "any") and all(_has_cue(cue, text) for cue in cues.split("&") if cue)


@lru_cache(1000)
def _has_cue(cue: str, text: str) -> bool:
    return _cue(cue).search(text) is not None


@cache
def _cue(pattern: str) -> re.Pattern[str]:
    return re.compile(_named_cues()[pattern[1:]] if pattern.startswith("@") else pattern)


@cache
def _named_cues() -> dict[str, str]:
    return dict(pairs(FOLDER / "zh_cues.txt"))


def choose(wordings: Sequence[Wording], asks: str) -> list[Wording]:
    """The wordings of a mood, then those of any; what is denied has its own alone.

    "What did he say?" is answered by "He says" too: without a mood, that of the past will do.
    """
    own = [w for w in wordings if w.asks == asks]
    if asks in ("not", "thing"):
        return own
    if asks == "any":
        return own + [w for w in wordings if w.asks == "past" and w.kind == "what"]
    return own + [w for w in wordings if w.asks == "any"]


def fill(wordings: Sequence[Wording], ask: Ask, topic: str) -> Iterator[Candidate]:
    """The wordings whose slots can all be filled, with something that can stand there: best first."""
    if any(_CUT.search(value) for name, value in ask.slots.items() if name in "scn"):
        return
    place = 0
    you = ask.slots.get("s", ask.slots.get("c")) in ("你", "你们")
    for w in wordings:
        of_you = you and ("你" in w.text or _OF_OTHERS.search(w.text))
        if all(ask.slots.get(slot) for slot in w.slots) and not of_you:
            text = _SLOT.sub(lambda m: ask.slots[m[1]], w.text)
            yield Candidate(
                text, w.kind, ask.asked, w.name, topic or "other", w.phrase, place * _NEXT
            )
            place += 1
