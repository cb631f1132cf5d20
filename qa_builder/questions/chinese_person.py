"""What a Chinese sentence tells of a person: what he or she did, plans, feels, is like, cannot do.

No predicate needs to be understood, only words that show an act, a plan, a habit, a state. (Ours.)
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from qa_builder.questions.chinese_about import TIMES
from qa_builder.questions.chinese_frame import BE, Frame
from qa_builder.questions.chinese_words import Token, predicate_class, within

NEAR = 4  # tokens behind a subject in which a modal is its own
_BEFALLS = ("ill", "die", "lose", "broken", "late", "emotion", "meet", "see", "change", "become")


def told_of(rest: Sequence[Token], frame: Frame, asks: str) -> str:
    """What is told of a person, by the words behind his or her name: a section of the lexicon.

    `asks`: whether it is the one who is asked (you), somebody known (who), or a role.
    """
    known = asks == "who" or frame.subject in within("definite")
    words = [t.word for t in rest]
    near, far = set(words[:NEAR]), set(words)
    first = first_of(rest)
    if _takes_object(rest, first):
        first = Token(first.word, "v")
    name = predicate_class(first.word)
    done = (bool(far & within("happens")) or frame.mood == "past") and "太" not in near
    if rest and rest[-1].word in TIMES:
        return "any"
    forbidden = set(words[:6]) & {"不应该", "不能", "不该", "不可", "不得", "不许"}
    befell = far & within("suffers") and not far & within("praised") and (known or asks == "you")
    told = (
        ("said", first.word in within("says") | within("speaks")),
        ("think", first.word in within("thinks") and not done),
        ("plan", _is_plan(first, near, frame, asks)),
        ("event", befell),
        (
            "habit",
            near & within("always")
            and first.tag == "v"
            and first.word != "有"
            and not near & within("duty"),
        ),
        ("ill", name == "ill"),
        ("feel", _is_felt(first, near, words)),
        ("rule", asks == "role" and first.word == "要"),
        ("plan", asks == "you" and "要" in near),
        ("rule", forbidden and not done and (asks != "who" or frame.subject in within("definite"))),
        ("deny", _is_unwilling(rest[: NEAR + 1])),
        ("did", "把" in near and "帮" not in near),
        ("trait", known and _is_like(rest, first)),
        ("state", rest and rest[-1].tag == "a" and "对" in near),
        ("state", first.tag in "azil" or _has_degree(rest[:6])),
        ("rule", near & within("duty") and not any(t.tag == "m" for t in rest[:3])),
        ("habit", "会" in near and (near | far) & _REGULAR),
        ("will", "会" in near and frame.mood != "can"),
        ("can", near & within("can")),
        ("now", _goes_now(rest[:NEAR]) and not done),
        ("did", done and first.tag == "v" and name not in _BEFALLS and first.word not in BE),
        ("event", done and name in _BEFALLS and name not in ("become", "change", "emotion")),
        ("did", done and first.word not in within("stays") | {*BE}),
        ("going", asks == "you" and not done and _sets_out(near, words)),
        (
            "act",
            not _has_degree(rest)
            and name not in _BEFALLS
            and first.tag == "v"
            and first.word not in _no_acts(),
        ),
    )
    return next((name for name, holds in told if holds), "any")


_READY = ("准备", "要", "计划")  # which can be over: "准备了一下"
_REGULAR = frozenset(
    ["都", "定期", "不定期", "经常", "每次", "每天", "每隔", "平时", "总是", "往往", "一般", "常常"]
)


def _is_plan(first: Token, near: set[str], frame: Frame, asks: str) -> bool:
    """Whether somebody wants or intends something."""
    if near & {"不是", "没", "没有"} or (first.word in _READY and near & {"了", "好"}):
        return False
    intends = first.word in within("intends") and (asks != "role" or first.word != "要")
    planned = frame.mood == "plan" and frame.modal not in (
        ("", "将", "要") if asks == "role" else ("", "将")
    )
    return ("正在" not in near and intends) or planned


def _is_felt(first: Token, near: set[str], words: Sequence[str]) -> bool:
    """Whether a feeling is told: "为他感到自豪"."""
    feels = [w for w in words if predicate_class(w) == "emotion" and w not in within("notfelt")]
    return bool(feels) and (first.word in feels or bool(near & {"对", "为"}))


def _sets_out(near: set[str], words: Sequence[str]) -> bool:
    """Whether somebody sets out to do something: "我去把空调打开"."""
    return (
        bool(near & within("going"))
        and not {"了", "是", "不", "没有", "没", "资格"} & {*words}
        and words[-1] != "的"
    )


@cache
def _no_acts() -> frozenset[str]:
    return within("stays") | within("stative") | within("noact")


def first_of(rest: Sequence[Token]) -> Token:
    """The first word behind a subject that is no adverb, no time and in no phrase of a preposition."""
    within_phrase = False
    for i, t in enumerate(rest):
        if t.tag == "p" or t.word in ("和", "跟", "与", "同"):
            within_phrase = True
        elif not (
            (t.tag in "azild" and _tells_how(rest, i))
            or (within_phrase and t.tag in "nrsfmqtjbil")
            or (within_phrase and t.tag in "az" and i + 1 < len(rest) and rest[i + 1].word == "的")
            or t.tag in "dtcu"
            or t.word == "自己"
        ):
            return t
    return Token("", "-")


def _takes_object(rest: Sequence[Token], first: Token) -> bool:
    """Whether a phrase of four characters is a verb with its adverb: "彻底解决了问题"."""
    behind = rest[rest.index(first) + 1] if first in rest[:-1] else Token("", "-")
    return first.tag in "il" and (behind.tag in "nrm" or behind.word == "了")


def _is_like(rest: Sequence[Token], first: Token) -> bool:
    """Whether it tells what somebody is like: an adjective, or what he or she is."""
    behind = rest[rest.index(first) + 1] if first in rest[:-1] else Token("", "-")
    if first not in rest:
        return False
    if first.word in (*BE, "像"):
        return behind.tag in "mqan" or behind.word[:1] in "一个"
    return first.tag in "azil"


def _tells_how(rest: Sequence[Token], i: int) -> bool:
    """Whether an adjective or an idiom tells how something is done: "仔仔细细又进行了检查"."""
    behind = rest[i + 1 : i + 4]
    if behind and behind[0].word in ("地", "的"):
        behind = behind[1:]
    verb = next((k for k, t in enumerate(behind) if t.tag != "d"), -1)
    return verb >= 0 and behind[verb].tag == "v" and behind[verb].word not in (*BE, "得")


def _is_unwilling(near: Sequence[Token]) -> bool:
    """Whether somebody does not or cannot do something: 没有 before a verb, 不想, 不能."""
    lacks = ("没有", "没")
    return any(
        a.word in within("unwilling") and (a.word not in lacks or b.tag == "v")
        for a, b in pairwise([*near, Token("", "-")])
    )


def _goes_now(near: Sequence[Token]) -> bool:
    """Whether something is going on: 正在, 着, or 在 before a verb."""
    going = any(t.word in ("正在", "正", "着") for t in near)
    return going or any(a.word == "在" and b.tag == "v" for a, b in pairwise(near))


def _has_degree(rest: Sequence[Token]) -> bool:
    """Whether a word of degree stands before an adjective: "很累"."""
    verb = next((i for i, t in enumerate(rest) if t.tag == "v"), len(rest))
    verb = len(rest) if "得" in {t.word for t in rest} else verb + 2
    return any(
        a.word in within("degree")
        and (
            b.tag in "azil"
            or predicate_class(b.word) in ("know", "emotion", "like", "hate", "think")
        )
        for a, b in pairwise(rest[:verb])
    )
