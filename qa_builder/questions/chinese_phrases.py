"""What a Chinese question keeps of a clause: the verb with the head of its object, and whether it can.

(Ours.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from qa_builder.questions.chinese_frame import MODALS, Frame
from qa_builder.questions.chinese_words import DUAL, Token, is_person, is_predicate, within

COMPLEMENTS = ("到", "出", "完", "上", "成", "下", "起", "好", "出来", "见", "掉", "住", "回")


class Ask(NamedTuple):
    """What to ask for."""

    section: str  # of the lexicon
    asks: str  # which of its wordings
    asked: str  # the span that answers it
    slots: Mapping[str, str]  # by letter


def object_of(frame: Frame) -> tuple[str, tuple[Token, ...]]:
    """The complement of the verb, and its object where that is a noun phrase and no clause."""
    words = frame.object
    if words and (words[0].word[0] in "不得" or words[0].tag in "dcp"):
        return "", ()
    if (
        frame.predicate in within("noobject")
        or frame.predicate in within("intransitive") - DUAL
        or frame.predicate[:1] == "在"
        or len(frame.predicate) > 2
        or frame.adjectival
    ):
        return "", ()
    complement = words[0].word if words and words[0].word in COMPLEMENTS else ""
    rest = _first_phrase([t for t in words[bool(complement) :] if t.word not in ("了", "过", "着")])
    of = [i for i, t in enumerate(rest) if t.word == "的"]
    head = rest[of[-1] + 1 :] if of else rest
    if not head or not all(_nominal(t, bool(of) and i == 0) for i, t in enumerate(head) if not (
        0 < i < len(head) - 1 and t.tag == "v" and t.word in DUAL)) or head[-1].tag in "mqbsfa":  # fmt: skip
        return "", ()
    return complement, rest


def _first_phrase(words: Sequence[Token]) -> tuple[Token, ...]:
    """An object up to where another verb is joined to it: "玩手机[和吃东西]"."""
    for i, t in enumerate(words[:-1]):
        joins = t.word in ("和", "、", "并", "并且", "而", "又", "然后", "或", "或者", "来", "去")
        acts = words[i + 1].tag == "v" and words[i + 1].word not in DUAL
        if i and joins and (acts or t.word in ("来", "去", "然后")):
            return tuple(words[:i])
    return tuple(words)


def _nominal(token: Token, described: bool) -> bool:
    word, tag = token
    return (
        tag in "nrmqjbas"
        or word in ("和", "与", "、")
        or word in DUAL
        or (described and tag == "v")
    )


def with_verb(frame: Frame) -> dict[str, str]:
    """The slots of the subject and its modal, and the predicate with the head of its object."""
    phrase = verb_phrase(frame)
    phrase = phrase if len(phrase) <= 5 else ""
    return {"s": frame.subject, "m": frame.modal, "k": phrase, "v": frame.predicate}


def verb_phrase(frame: Frame) -> str:
    """The predicate with the head of its object; empty where it cannot stand so."""
    complement, rest = object_of(frame)
    if rest and len(rest[-1].word) <= 3 and rest[-1].tag in "nv" and rest[-1].word not in BARE:
        person = is_person(rest[-1].word)
        this = rest[0].word if rest[0].word[0] in "这那" and len(rest) < 4 else ""
        return "" if person else frame.predicate + complement + this + rest[-1].word
    alone = all(t.word in ("了", "过", "啊", "呢") or t.tag in "mqy" for t in frame.object)
    if frame.predicate in within("intransitive"):
        return frame.predicate if alone else ""
    known = frame.verbal or (len(frame.predicate) == 2 and is_predicate(frame.predicate))
    verbal = (
        known
        and not frame.adjectival
        and frame.predicate not in DUAL
        and frame.predicate not in within("noobject")
    )
    return frame.predicate if alone and verbal and not frame.handled else ""


def is_simple(frame: Frame, clause: bool = False) -> bool:
    """Whether the predicate is the only one, so that what stands round it is what it seems.

    Before it are adverbs, phrases and modals; behind it no other verb (`clause`: one may be there).
    """
    behind = [t for t in frame.object if t.word not in ("了", "过", "着")]
    passive = {"被", "把", "让", "使", "得", "将", "的", "越", "再"} & {
        t.word for t in frame.before
    }
    other = any(t.tag in "vilc" and t.word not in MODALS and t.word not in DUAL
                and t.word not in within("deny") for t in frame.before)  # fmt: skip
    if passive or other or not frame.acting or frame.predicate in _NO_PREDICATE:
        return False
    if clause or not behind:
        return True
    serial = behind[0].tag in "vdpcu" and behind[0].word not in DUAL | set(COMPLEMENTS)
    of = max((i for i, t in enumerate(behind) if t.word == "的"), default=-1)
    another = any(t.tag == "v" and t.word not in DUAL for t in behind[max(of, 1) :])
    another = another or any(
        t.word in ("让", "使", "叫", "给", "来", "去", "并", "后", "时") for t in behind
    )
    return not serial and not another and behind[-1].word != "的"


_NO_PREDICATE = (
    "要",
    "会",
    "能",
    "一般",
    "可能",
    "就算",
    "多",
    "连",
    "为",
    "像",
    "让",
    "使",
    "以为",
)
BARE = ("东西", "事情", "事", "人", "时候", "样子", "问题", "时间", "地方", "方面", "一样")


def join(tokens: Sequence[Token]) -> str:
    """The words of tokens, together."""
    return "".join(t.word for t in tokens)
