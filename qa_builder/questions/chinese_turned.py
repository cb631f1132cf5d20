"""A Chinese clause turned into a question where a word of it shows what it tells.

"因为…, 他迟到了" tells why: "为什么他迟到了？"; "只有…才能成功" tells how: "怎样才能成功？"; "X 比 Y 高", "X 让我感动",
"文章写得很好", "X 是我的目标": each names the part that a question can ask for, and the rest stays. (Ours.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qa_builder.questions.chinese_clauses import turned
from qa_builder.questions.chinese_frame import BE, Frame, clauses_of
from qa_builder.questions.chinese_phrases import Ask, join
from qa_builder.questions.chinese_place import without_lead
from qa_builder.questions.chinese_subject import PRONOUNS
from qa_builder.questions.chinese_words import Token, is_person, is_predicate, within

_MOST = 12  # characters that are kept
_ASKING = re.compile(r"[谁哪几吗呢“”《》]|什么|怎么|多少|为何|自己|别的|的话|其|此")
_TOLD = ("不要", "别", "请", "千万", "希望", "祝", "最好", "吧")
_VAGUE = (
    "人",
    "事",
    "一",
    "结果",
    "表现",
    "原因",
    "样子",
    "之一",
    "部分",
    "过程",
    "时候",
    "一种",
    "问题",
)


def on_turned(tokens: Sequence[Token], frame: Frame) -> Iterator[Ask]:
    """What its connectives, its prepositions and its kind of predicate show a sentence to tell."""
    clauses = clauses_of(tokens)
    if frame.calling or not clauses:
        return
    yield from _why(clauses)
    yield from _only(clauses)
    if frame.addressed:
        return
    for k, clause in enumerate(map(without_lead, clauses)):
        later = k + 1 < len(clauses) and clauses[k + 1][0].word in _COMES
        if len(clause) > 2 and not {t.word for t in clause} & set(_TOLD):
            for source in (
                _of_be,
                _of_cause,
                _of_comparison,
                _of_degree,
                _of_passive,
                _of_place,
                _of_agent,
            ):
                if not (later and source is _of_agent):
                    yield from source(clause)


_COMES = (
    "会",
    "就会",
    "就要",
    "就",
    "要",
    "必须",
    "应该",
    "可以",
)  # what a first clause is a condition of


def _kept(tokens: Sequence[Token], least: int = 2) -> str:
    """Tokens as a question can keep them, person turned round; empty where it cannot."""
    said = turned(tokens)
    return said if least <= len(said) <= _MOST and not _ASKING.search(said) else ""


def _at(clause: Sequence[Token], words: Sequence[str]) -> int:
    """Where the first of some words stands, behind something and before something; else 0."""
    return next((i for i in range(1, len(clause) - 1) if clause[i].word in words), 0)


def _why(clauses: Sequence[Sequence[Token]]) -> Iterator[Ask]:
    """Why it is as the clause beside a reason says."""
    for i, clause in enumerate(clauses):
        at = next((k for k, t in enumerate(clause[:3]) if t.word in within("because")), -1)
        if at < 0 or (at and clause[at - 1].tag in "dv" and clause[at - 1].word[0] in "不别"):
            continue
        joined = next((k for k in range(at + 2, len(clause) - 1) if clause[k].word == "而"), 0)
        if joined and not {"要是", "如果"} & {t.word for t in clause}:
            who, what = _kept(clause[:at], 1), _kept(clause[joined + 1 :])
            if who and what and clause[at - 1].tag in "nr":
                yield Ask("turned-why", "inner", join(clause[at:joined]), {"s": who, "c": what})
            return
        others = clauses[i + 1 : i + 2] if i == 0 else clauses[i - 1 : i]
        for other in others:
            plain = without_lead(other)
            told = {t.word for t in plain} & set(_TOLD)
            says = (
                plain
                and plain[-1].word not in within("says")
                and any(t.tag in "vail" or is_predicate(t.word) for t in plain)
            )
            whose = plain and plain[0].tag in "nrs" and "才" not in {t.word for t in plain}
            if says and whose and not told and (what := _kept(plain, 3)):
                yield Ask("turned-why", "any", join(clause), {"c": what})
        return


def _only(clauses: Sequence[Sequence[Token]]) -> Iterator[Ask]:
    """How something can be reached that a sentence names a condition of."""
    first, follows = clauses[0], clauses[1][0].word if len(clauses) > 1 else ""
    if first[0].word in ("想要", "要想", "若想", "想", "要") and follows in _THEN and (
        what := _kept(first[1:])
    ):  # fmt: skip
        yield Ask("turned-only", "any", "", {"c": what})
        return
    for clause in clauses:
        for i, t in enumerate(clause[:-1]):
            two = t.word == "才" and clause[i + 1].word in ("能", "能够", "可以")
            rest = clause[i + 1 + two :]
            if not (two or t.word in ("才能", "才能够", "才可以")) or not rest:
                continue
            sound = rest[0].tag in "vad" and rest[-1].tag not in "uy"
            own = clause[0].tag in "nr" and 0 < i < 3
            who = _kept(clause[:1], 1) if own else ""
            if sound and (what := _kept(rest)):
                yield Ask("turned-only", "own" if who else "any", join(clause[:i]),
                          {"s": who, "c": what})  # fmt: skip
            return


_THEN = (
    "就",
    "就要",
    "必须",
    "需要",
    "最好",
    "应该",
    "得",
    "先",
    "就得",
    "就必须",
    "就应该",
    "只有",
    "一定要",
    "要",
)


def _of_be(clause: Sequence[Token]) -> Iterator[Ask]:
    """What is as the noun behind 是 says: "你的目标是什么"."""
    at = _at(clause, ("是", "就是"))
    named, told = clause[:at], clause[at + 1 :]
    of = [i for i, t in enumerate(told) if t.word == "的"]
    if not at or not of or of[-1] != len(told) - 2 or told[0].word[0] in "一由从在个":
        return
    head = told[-1]
    if (
        head.tag != "n"
        or head.word in _VAGUE
        or named[0].word in ("这", "那", "它", "这些", "那些")
    ):
        return
    if any(t.word in ("了", "着", "过", "不", "把", "被") for t in told) or told[0].tag in "dmcp":
        return
    if not (what := _kept(told, 3)):
        return
    own = is_person(head.word) and head.word not in within("kin")
    if own and (is_person(named[-1].word) or named[-1].word in PRONOUNS):
        yield Ask("turned-be", "who", join(named), {"c": what})
    elif (
        not is_person(head.word)
        and head.word in within("targets")
        and (len(named) > 1 or named[0].word not in PRONOUNS)
    ):
        yield Ask("turned-be", "what", join(named), {"c": what})


def _of_cause(clause: Sequence[Token]) -> Iterator[Ask]:
    """What makes somebody feel so, or does that to something."""
    at = _at(clause, _CAUSING)
    named, rest = clause[:at], clause[at:]
    if not at or len(rest) < 3 or (rest[-1].tag == "n" and any(t.word == "的" for t in rest[-3:])):
        return
    if within("denies") & {t.word for t in named} or any(t.word in BE for t in named):
        return
    while named and (named[-1].tag == "d" or named[-1].word in ("会", "能", "能够", "可以")):
        named = named[:-1]
    if not named or named[-1].tag != "n" or is_person(named[-1].word) or named[0].tag in "vdpc":
        return
    if what := _kept(rest, 4):
        yield Ask("turned-cause", "any", join(named), {"c": what})


_CAUSING = (
    "让",
    "使",
    "令",
    "使得",
    "影响",
    "破坏",
    "吸引",
    "感动",
    "打动",
    "感染",
    "威胁",
    "刺激",
    "触犯",
    "改变",
)


def _of_comparison(clause: Sequence[Token]) -> Iterator[Ask]:
    """Which of two is more so."""
    at = _at(clause, ("比",))
    end = next((i for i in range(at + 2, len(clause)) if clause[i].tag in "ad"), 0)
    if not at or not end or not all(t.tag in "nrsj" for t in (*clause[:at], *clause[at + 1 : end])):
        return
    how = next((t.word for t in clause[end:] if t.tag == "a" and len(t.word) < 3), "")
    one, other = _kept(clause[:at], 1), _kept(clause[at + 1 : end], 1)
    if how and one and other:
        people = is_person(clause[at - 1].word) and is_person(clause[end - 1].word)
        slots = {"s": one, "o": other, "a": how}
        yield Ask("turned-than", "who" if people else "which", join(clause[at:]), slots)


def _of_degree(clause: Sequence[Token]) -> Iterator[Ask]:
    """How well or how badly: what stands behind 得."""
    at = _at(clause, ("得",))
    if at < 1 or clause[at - 1].tag != "v" or clause[at + 1].word in ("到", "住", "起", "上", "了"):
        return
    named = clause[: at - 1]
    whole = len(clause[at - 1].word) > 1 and clause[at - 1].word in within("intransitive")
    sound = (
        named
        and not whole
        and all(t.tag in "nrsv" or t.word == "的" for t in named)
        and named[0].tag in "nr"
    )
    if sound and len(named) < 5 and (what := _kept(clause[:at], 2)):
        mood = "own" if what[0] in "你我" else "any"
        yield Ask("turned-degree", mood, join(clause[at + 1 :]), {"c": what})


def _of_passive(clause: Sequence[Token]) -> Iterator[Ask]:
    """By whom somebody or something is treated so."""
    at = _at(clause, ("被",))
    if not at or at + 2 >= len(clause) or clause[at - 1].tag not in "nrd":
        return
    who, act = clause[at + 1], clause[at + 2]
    known = is_person(who.word) and act.tag == "v" and len(act.word) == 2
    named = clause[:at]
    if known and named[-1].tag in "nr" and (what := _kept(named, 1)):
        yield Ask("turned-by", "any", who.word, {"s": what, "k": act.word})


def _of_place(clause: Sequence[Token]) -> Iterator[Ask]:
    """What there is in a place, and where there is such a thing."""
    at = _at(clause, ("有",))
    named = clause[:at]
    if not at or not (named[-1].tag in "fs" or named[-1].word[-1] in "里上下边旁外内近"):
        return
    if named[-1].word in ("上", "以上", "以下", "实际上", "世上") and len(named) < 2:
        return
    if all(t.tag in "nrsfujm" for t in named) and (what := _kept(named, 2)):
        yield Ask("turned-there", "what", join(clause[at + 1 :]), {"c": what})
        last, rest = clause[-1], clause[at + 1 :]
        plain = all(t.tag in "mqan" for t in rest) and last.word not in within("nosubject")
        if plain and last.tag == "n" and len(last.word) > 1 and not is_person(last.word):
            yield Ask("turned-there", "where", what, {"n": last.word})


def _of_agent(clause: Sequence[Token]) -> Iterator[Ask]:
    """Who, what, or where, with the rest of the clause as it is."""
    end = 0
    while end < len(clause) and (clause[end].tag in "nrjsf" or clause[end].word == "的"):
        end += 1
    named, rest = clause[:end], clause[end:]
    if any(t.word in _NOT_ALONE for t in rest[:2]):
        return
    while rest and (rest[0].word in _ALSO or rest[0].tag == "t"):
        rest = rest[1:]
    verb = next((t for t in rest if t.tag != "d" and t.word not in _MAY), Token("", ""))
    what = _kept(rest, 4) if named and _is_deed(rest, verb) else ""
    if not what or "的" in named[-1].word:
        return
    last = named[-1]
    behind = rest[rest.index(verb) + 1].word if rest.index(verb) + 1 < len(rest) else ""
    if (
        len(what) > _MOST_DONE
        or "很" in what
        or "比较" in what
        or behind == "的"
        or what.endswith("的人")
        or rest[-1].word in _PIECES
        or named[0].word in ("经", "由")
        or any(t.word in _NO_AGENT for t in named)
    ):
        return
    if any(t.word in PRONOUNS for t in named[:-1]) and named[1].word != "的":
        return
    if is_person(last.word) or last.word[-2:] in within("organization"):
        asks = "whodid" if {"了", "过"} & {t.word for t in rest} else "who"
    elif _is_place(named):
        asks = "where"
    elif (
        verb.word in within("moves")
        and len(join(named)) > 1
        and last.word not in within("nosubject")
    ):
        asks = "what"
    else:
        return
    yield Ask("turned-agent", asks, join(named), {"c": what})


def _is_deed(rest: Sequence[Token], verb: Token) -> bool:
    """Whether what follows a name is what it does, and all of it."""
    if len(rest) < 2 or not any(t.tag in "vail" for t in rest):
        return False
    amiss = (
        verb.tag not in "vp" or verb.word in _NO_ACT,
        rest[-1].word in _NOT_LAST or rest[-1].word[-1] == "说",
        {"才", "更", "越", "再", "也", "一边", "边"} & {t.word for t in rest},
        rest[-1].tag in "uydpc" and rest[-1].word not in ("了", "过"),
    )
    return not any(amiss)


# What shows that it is not told who does it: "他只知道…", "没人…".
_NOT_ALONE = ("只", "只是", "没", "没有", "并", "差点", "差点儿", "可能")


def _is_place(named: Sequence[Token]) -> bool:
    """Whether a noun phrase is a place: "桌子上", "学校的图书馆"."""
    last = named[-1]
    inside = last.tag in "fs" and len(named) > 1 and last.word[-1] in "里上中下内外旁边"
    return inside or (
        len(last.word) > 1 and last.tag == "n" and last.word[-1] in "馆院店场厅室园站城村"
    )


_NO_AGENT = (
    "我",
    "你",
    "您",
    "我们",
    "咱们",
    "你们",
    "自己",
    "这样",
    "那样",
    "大家",
    "最后",
    "这些",
    "那些",
    "人",
    "之一",
    "他们",
    "她们",
    "女人",
    "男人",
    "他俩",
)
_NOT_LAST = ("后", "期间", "时", "时候", "以后", "之后", "前", "之前", "中", "的话")
_PIECES = ("封", "件", "条", "份", "张", "只")  # after which a thing was cut: "发一封"
_MOST_DONE = 9  # characters of what is done
_ALSO = (
    "都",
    "也",
    "还",
    "却",
    "就",
    "又",
    "便",
    "则",
    "只",
    "总",
    "总是",
    "经常",
    "一直",
    "终于",
    "已经",
    "只好",
    "常常",
    "往往",
)
_MAY = ("要", "会", "能", "可以", "想", "开始", "不能", "可", "应", "应该", "必须", "需要")
_NO_ACT = ("看似", "除了", "作为", "如", "以", "随着", "是", "就是", "有", "没有", "在", "像", "叫", "姓", "属于", "觉得", "认为", "以为", "感到", "说", "表示", "去", "来",
           "得", "差不多", "着急", "对", "跟", "和", "从", "离", "因为", "不是", "也是", "都是", "比", "为了", "出现", "发生",
           "怀疑", "希望", "相信", "位于", "由", "生活", "工作", "学习")  # fmt: skip
