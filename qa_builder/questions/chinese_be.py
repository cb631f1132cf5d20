"""Chinese questions on what is, has, is somewhere, or makes somebody do or feel: 是, 有, 在, 让. (Ours.)"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qa_builder.questions.chinese_frame import BE, Frame
from qa_builder.questions.chinese_phrases import BARE, Ask, join
from qa_builder.questions.chinese_subject import PRONOUNS, TURN
from qa_builder.questions.chinese_words import Token, is_person, within

_CAUSE = ("让", "使", "令", "使得")


def on_be_and_have(tokens: Sequence[Token], frame: Frame) -> Iterator[Ask]:
    """是, 有, 在: who or what, what there is, where."""
    word, s = frame.predicate, {"s": frame.subject}
    asked = join(frame.object)
    if any(t.word in ("的", "老", "总", "又") for t in frame.before):
        return  # "早饭我吃的是面包", "他老是迟到"
    if (
        word in BE
        and frame.subject
        and frame.subject != "大家"
        and frame.object
        and not frame.is_place
    ):
        denied = frame.mood == "not" or word.endswith("不是")
        long = len(frame.object) > 3 and frame.person and not is_person(frame.object[-1].word)
        if frame.subject in ("这", "那"):
            first = tokens[0].word == frame.subject  # else it speaks of what was just said
            if first and frame.object[-1].tag == "n" and not _tells_of(frame.object):
                yield Ask("be", "this", asked, {})
        elif len(frame.object) == 2 and is_person(frame.object[0].word) and asked.endswith("的"):
            yield Ask("whose-is", "own", asked, s)
        elif denied:
            yield Ask("be", "not", asked, s)
        elif asked.endswith("的") or frame.object[0].tag in "vpd" or long:
            named = _is_target(frame) and not asked.endswith("的")
            yield Ask("be", "what" if named else "cleft", asked, s)
        elif frame.person:
            yield Ask("be", _who(frame), asked, s)
        else:
            yield Ask("be", _what(tokens, frame), asked, s)
    elif word in ("有", "没有", "具有") and frame.subject not in ("这", "那"):
        yield from _on_have(frame, asked)
    elif word == "在" and frame.subject and not frame.is_place and _is_somewhere(frame.object):
        own = frame.person and frame.subject[0] in "你他她"
        yield Ask("at", "any" if own else "thing", asked, s)
    elif word in _CAUSE and frame.named and frame.subject not in ("这", "那") and frame.object:
        yield from _on_cause(frame, asked)


def _is_from(words: Sequence[Token]) -> bool:
    """Whether it says where somebody comes from: 上海人."""
    last = words[-1].word
    place = len(words) > 1 and words[-2].tag in "ns" and last == "人"
    return len(words) < 3 and (place or re.fullmatch(_FROM, last) is not None)


_FROM = r"(?:上海|北京|中国|美国|日本|南京|合肥|广东|香港|台湾|英国|法国|本地|外地|东北|四川|山东|外国)人"


def _is_somewhere(words: Sequence[Token]) -> bool:
    """Whether what follows 在 is a place and nothing else."""
    return bool(words) and all(t.tag in "nsfmrqu" and t.word != "了" for t in words)


def _on_have(frame: Frame, asked: str) -> Iterator[Ask]:
    """What there is in a place, and whether somebody has such a thing."""
    word, s = frame.predicate, {"s": frame.subject}
    owned = bool(frame.object) and _is_owned(frame.object)
    if frame.is_place and word != "没有":
        yield Ask("have", "place", asked, s)
    elif owned and (word == "没有" or (word == "有" and frame.person)):
        asks = "not" if word == "没有" else "person"
        yield Ask("have", asks, asked, s | {"n": frame.object[-1].word})


def _is_owned(words: Sequence[Token]) -> bool:
    """Whether what somebody has is a thing of a kind, and nothing else is told of it."""
    plain = all(t.tag in "mqanb" or t.word == "的" for t in words)
    return plain and words[-1].tag == "n" and len(words[-1].word) > 1 and words[-1].word not in BARE


def _tells_of(words: Sequence[Token]) -> bool:
    """Whether it says what happens or what it is worth, rather than what the thing is."""
    return any(t.tag in "dp" or t.word[:2] in ("第一", "一点", "一种") for t in words)


def _is_target(frame: Frame) -> bool:
    """Whether the subject names what something else is: "他的梦想"."""
    return bool(frame.named) and frame.named[-1].word in within("targets")


def _who(frame: Frame) -> str:
    """How to ask who a person is: where from, a name, one of us, in a role; or of something else."""
    if _is_from(frame.object):
        return "from"
    if not is_person(frame.object[-1].word) or any(t.word == "应该" for t in frame.before):
        return "cleft"
    mine = any(t.word in ("我", "我们") for t in frame.object[:-1])
    if frame.subject in PRONOUNS or frame.subject[0] in "这那":
        return "mine" if mine else "like" if _is_described(frame.object) else "him"
    return "who" if frame.subject[0] in "你老小" else "role"


def _is_described(words: Sequence[Token]) -> bool:
    """Whether it says what somebody is like: "一个腼腆的女孩", "聪明人"."""
    *before, last = words
    likes = any(t.tag in "ai" or t.word in within("degree") for t in before)
    return likes or (last.tag == "n" and last.word.endswith("人") and last.word[:1] in _LIKE)


_LIKE = frozenset("好坏聪能老明怪强恶善")


def _what(tokens: Sequence[Token], frame: Frame) -> str:
    """How to ask what a thing is: what fills it, what the word means, or how it is."""
    if _is_target(frame):
        return "what"
    means = frame.object[0].word[:2] in ("一种", "一项", "指", "一类", "一门")
    first = frame.subject.startswith(tokens[0].word) and frame.subject[0] not in "这那你他她我"
    return "define" if means and first else "thing"


def _on_cause(frame: Frame, asked: str) -> Iterator[Ask]:
    """让, 使: what somebody has another do, or what a thing does to somebody or something."""
    s, who = {"s": frame.subject}, frame.object[0].word
    if frame.subject and _is_thing(frame):
        yield Ask("effect", "any", asked, s | {"o": who})
    elif who in ("人", "人们", "大家"):
        yield Ask("let", "people", asked, s)
    elif is_person(who) and who not in ("自己", "你", "你们") and not _whose(frame.object):
        section = "order" if frame.person and frame.predicate == "让" else "let"
        yield Ask(section, frame.mood, asked, s | {"o": TURN.get(who, who)})


def _whose(words: Sequence[Token]) -> bool:
    """Whether it is a thing of somebody that is made so: "使我们的生活便利"."""
    return len(words) > 1 and words[1].word == "的" and words[0].word in PRONOUNS


def _is_thing(frame: Frame) -> bool:
    """Whether a thing does something to another one."""
    first = frame.object[0]
    return not frame.person and first.tag == "n" and not is_person(first.word)
