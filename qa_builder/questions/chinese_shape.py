"""Whom a Chinese sentence speaks of, and how: what decides which question of its scene it answers.

Chinese drops its subjects, so that a scene ("trip", "exam") says more surely what a sentence is about
than its frame does; of the frame only this is needed. (Ours.)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from qa_builder.questions.chinese_about import about
from qa_builder.questions.chinese_frame import Frame, clauses_of, skip_setting
from qa_builder.questions.chinese_parts import suggests
from qa_builder.questions.chinese_words import Token, is_person, within

ME, OTHER, YOU, RULE, THIS, TRUE, TOLD = "me", "other", "you", "rule", "this", "true", "told"
_MINE = ("我", "我们", "咱们", "本人", "我家")
_YOURS = ("你", "您", "你们", "你家")
_THIRD = ("他", "她", "他们", "她们")
_ANYBODY = ("大家", "别人", "自己", "人们")
_KNOWN = "你他她这那老小"  # what the name of somebody known starts with
_NAME = re.compile(r"[老小][王李张刘陈红明华芳林军强刚丽杰东]|[王李张刘陈赵周]\w")
_LONGEST = 6  # characters of a name that a question keeps
_BEASTS = "狗猫鼠虎鸟马牛们虫花"  # and what names a kind of people
_DONE = frozenset(["了", "过", "正在", "终于", "刚"])
_REPORT = frozenset(["了", "过", "着", "正在", "正", "刚", "已经", "终于", "突然", "居然", "竟然", "曾经", "这", "那",
                     "这个", "那个", "这里", "那里", "我", "他", "她", "你", "我们", "快要", "即将", "将要"])  # fmt: skip
_RULES = frozenset(["不要", "别", "请", "不准", "不许", "禁止", "千万", "务必", "最好", "记得", "必须", "应该", "应当",
                    "不能", "不可以", "不得", "注意", "小心", "尽量", "不如", "早点", "多", "少", "快", "可以", "先"])  # fmt: skip


def shape_of(tokens: Sequence[Token], frame: Frame) -> tuple[str, str]:
    """Of whom a statement is (me, other, you), or what it is (a rule, of this one thing, a truth,
    told news); and who or what that is, person turned round.
    """
    clauses = clauses_of(tokens)
    if frame.calling:
        tokens, clauses = [t for c in clauses[1:] for t in c], clauses[1:]
    if not clauses:
        return TOLD, ""
    if (frame.addressed and not _is_own(clauses[-1])) or suggests(tokens, frame):
        return RULE, ""
    subject, _ = about(tokens, frame)
    found = _first(clauses[0]) or (len(clauses) > 1 and not subject and _first(clauses[1]))
    return found or _of_person(tokens, frame, subject) or _of_thing(tokens, clauses, subject)


def _of_person(tokens: Sequence[Token], frame: Frame, subject: str) -> tuple[str, str] | None:
    """The shape of a sentence on a person, or on a thing of his or hers."""
    words = {t.word for t in tokens}
    if subject and subject not in _ANYBODY and _is_somebody(subject, frame, words):
        return {"你": ME, "你们": ME, "我": YOU, "我们": YOU}.get(subject, OTHER), subject
    if owner := _owner(subject):
        return {"你": ME, "我": YOU}.get(owner, OTHER), owner
    return None


def _of_thing(
    tokens: Sequence[Token], clauses: Sequence[Sequence[Token]], subject: str
) -> tuple[str, str]:
    """The shape of a sentence that names no person first."""
    words = {t.word for t in tokens}
    this = _this(clauses[0]) or (subject if subject[:1] in ("这", "那") else "")
    own = any(a.word in ("我", "我们") and b.tag not in "nu" for a, b in pairwise(tokens))
    news = any(t.tag == "t" for t in tokens) or words & (_REPORT | within("timed"))
    shapes = (
        (RULE, not subject and _orders(clauses)),
        (THIS, len(this) > 1),
        (ME, own or _is_dropped(clauses[0])),
        (TOLD, news),
    )
    shape = next((shape for shape, holds in shapes if holds), TRUE)
    return shape, this if shape == THIS else ""


def _this(clause: Sequence[Token]) -> str:
    """The one thing that a clause starts with: "这台笔记本电脑"; empty where it starts otherwise."""
    end = 0
    while end < len(clause) and (clause[end].tag in "rqmnsj" or clause[end].word == "的"):
        end += 1
    named = "".join(t.word for t in clause[:end])
    sound = 1 < end < len(clause) and clause[end - 1].tag == "n" and clause[0].word[0] in "这那"
    vague = end and clause[end - 1].word in ("人", "事", "时候", "话", "时", "样", "情况")
    return named if sound and not vague and len(named) <= _LONGEST + 3 else ""


def _is_dropped(clause: Sequence[Token]) -> bool:
    """Whether a clause starts with a time, then with what is done then: who signs is not named."""
    i = 0
    while i < len(clause) and (clause[i].tag == "t" or clause[i].word in within("timed")):
        i += 1
    after = clause[i] if 0 < i < len(clause) else Token("", "-")
    return after.tag == "v" or after.word in ("不想", "想", "和", "跟", "有")


def _is_own(clause: Sequence[Token]) -> bool:
    """Whether a clause is of the one who signs alone, and no advice: "我想去…"."""
    return clause[0].word == "我" and not any(t.word in ("应该", "必须") for t in clause)


def _first(clause: Sequence[Token]) -> tuple[str, str] | None:
    """The shape where the first noun of a clause is somebody known who does or has something."""
    i = skip_setting(clause)
    head, rest = (clause[i].word, clause[i + 1 :]) if i < len(clause) else ("", ())
    if rest and rest[0].word == "的":
        rest = rest[1:]
    whose = rest[0] if rest else Token("", "")
    if head in (*_MINE, *_YOURS):
        if whose.tag == "n" and is_person(whose.word) and whose.word not in _ANYBODY:
            return OTHER, ("你的" if head in _MINE else "我的") + whose.word
        return (ME if head in _MINE else YOU), ""
    if head in _THIRD:
        return OTHER, head
    known = head in within("definite") or _NAME.fullmatch(head)
    if known and rest and whose.tag in "vdpar" and clause[i + 1].word != "的":
        return OTHER, ("你" if head in within("kin") else "") + head
    return None


def _is_somebody(subject: str, frame: Frame, words: set[str]) -> bool:
    """Whether a subject is a person that a question can name: no kind of people, but in news."""
    person = frame.person and subject == frame.subject and subject[-1] not in _BEASTS
    known = subject[0] in _KNOWN or subject in within("definite") or bool(words & _DONE)
    own = subject in ("你", "你们", "我", "我们", *_THIRD)
    return own or (person and known and len(subject) <= _LONGEST)


def _owner(subject: str) -> str:
    """Whose a subject is that is a thing of his or hers; empty where it is nobody's."""
    owner = subject.partition("的")[0] if "的" in subject[1:] else ""
    return owner if owner in (*_THIRD, "你", "我") or owner[1:] in within("kin") else ""


def _orders(clauses: Sequence[Sequence[Token]]) -> bool:
    """Whether the first or the last clause of a sentence without a person says what to do."""
    starts = {t.word for t in clauses[0][:2]} | {t.word for t in clauses[-1][:2]}
    return bool(starts & _RULES) and clauses[-1][-1].word != "了"
