"""What a thing is, is like, is made of and where it is put, in a Chinese sentence's own words. (Ours.)

"机场离学校太远了" answers "机场远吗？", "快递可以通过单号查询" answers "快递怎么查询？".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qa_builder.questions.chinese_clauses import turned
from qa_builder.questions.chinese_phrases import Ask, join
from qa_builder.questions.chinese_subject import PRONOUNS
from qa_builder.questions.chinese_svo import behind_setting, end_of_name, head_of, name_of
from qa_builder.questions.chinese_words import Token, is_person

_ASKING = re.compile(r"[谁哪几吗呢“”《》]|什么|怎么|自己|多少|的话|此|其|它")


def on_nature(clause: Sequence[Token]) -> Iterator[Ask]:
    """What a clause says that something is, is like, is made of; where it is put; how it is done."""
    yield from _is_so(clause)
    yield from _is_what(clause)
    yield from _alike(clause)
    yield from _like(clause)
    yield from _means(clause)


def _is_so(clause: Sequence[Token]) -> Iterator[Ask]:
    """Whether a thing is as the adjective at the end of a clause says: "机场远吗"."""
    words = [t for t in clause if t.tag != "y"]
    if words and words[-1].word == "了":
        words = words[:-1]
    at = len(words) - 1
    if at < 1 or words[at].tag != "a" or len(words[at].word) > 2 or words[at].word in _NO_STATE:
        return
    adjective = words[at].word
    while at and (words[at - 1].tag == "d" or words[at - 1].word in _DEGREE):
        at -= 1
    end, start = at, at
    while start and (
        words[start - 1].tag in "nsjmqr" or words[start - 1].word in (*PRONOUNS, "的", "和")
    ):
        start -= 1
    if start and (
        words[start - 1].tag in "vapf" or words[start - 1].word in ("得", "比", "对", "了", "过")
    ):
        return
    name = name_of(words[start:end])
    if name and name[0] not in "我":
        section = "fact-so" if len(adjective) < 2 else "fact-is"
        yield Ask(section, "any", join(words[at:]), {"s": name, "a": adjective})


_DEGREE = frozenset(["有点", "有点儿", "越来越", "不", "变得", "特别", "非常"])
_NO_STATE = frozenset(["一样", "不同", "努力", "成功", "不好", "多少", "一般", "坏", "新", "旧", "老", "对", "长", "满", "空", "难免", "所有", "相同", "深", "害怕", "错误", "正确", "红", "白", "黑", "饱"])  # fmt: skip


def _is_what(clause: Sequence[Token]) -> Iterator[Ask]:
    """What something is: name, 是, and a noun phrase; and where something is put: 开在, 位于."""
    start = behind_setting(clause)
    at = end_of_name(clause, start)
    name = name_of(clause[start:at])
    while at < len(clause) and clause[at].tag == "d" and clause[at].word != "不":
        at += 1
    if not name or at >= len(clause) - 1:
        return
    verb, rest = clause[at], clause[at + 1 :]
    of_person = is_person(name) or any(is_person(t.word) for t in clause[max(start, at - 2) : at])
    if verb.word in ("是", "就是", "也是") and not of_person and rest[-1].tag == "n":
        odd = (
            {t.word for t in rest} & {"最", "很", "不", "了", "没有"}
            or rest[0].tag in "pdv"
            or is_person(rest[-1].word)
        )
        if not odd and name[0] not in "你我他她":
            yield Ask("fact-what-is", "any", join(rest), {"s": name})
    elif (
        verb.tag == "v"
        and verb.word in _PUT
        and rest[0].word == "在"
        and rest[-1].tag in "nsf"
        and len(rest) > 1
    ):
        yield Ask("fact-where", "any", join(rest), {"s": name, "v": verb.word})


def _like(clause: Sequence[Token]) -> Iterator[Ask]:
    """What something is like, what it has become, what it means: "友谊像什么"."""
    start = behind_setting(clause)
    at = end_of_name(clause, start)
    name = name_of(clause[start:at])
    while at < len(clause) and clause[at].tag == "d" and clause[at].word[-1] != "像":
        at += 1
    if not name or at >= len(clause) - 1 or is_person(name) or name[0] in "你我他她":
        return
    word, last = clause[at].word, clause[-1]
    ends = last.tag == "n" or last.word in ("一样", "似的", "一般")
    if word in ("像", "就像", "好像", "犹如", "如同", "好比", "仿佛") and ends:
        yield Ask("fact-like", "any", join(clause[at + 1 :]), {"s": name})
    elif word in ("成为", "成了", "变成", "成") and last.tag == "n":
        yield Ask("fact-like", "become", join(clause[at + 1 :]), {"s": name})
    elif (
        word in ("指", "是指", "泛指", "指的是", "意味着", "叫做", "称为") and name[0] not in "这那"
    ):
        yield Ask("fact-like", "means", join(clause[at + 1 :]), {"s": name})


def _means(clause: Sequence[Token]) -> Iterator[Ask]:
    """By what means something is done, and of what it is made up: 用, 通过, 由 ... 组成."""
    start = behind_setting(clause)
    at = end_of_name(clause, start)
    name = name_of(clause[start:at])
    while at < len(clause) and (
        clause[at].tag == "d" or clause[at].word in ("可以", "能", "要", "能够", "可")
    ):
        at += 1
    if not name or at >= len(clause) - 2 or name in ("我", "我们"):
        return
    led, end = clause[at].word, at + 1
    while end < len(clause) and (
        clause[end].tag in "nrsmqjbaf" or clause[end].word in ("的", "和", "、")
    ):
        end += 1
    rest = [
        t
        for t in clause[end:]
        if t.word not in ("来", "去", "了", "进行", "可以", "就") and t.tag != "d"
    ]
    if led == "由" and rest and rest[-1].word in ("组成", "构成"):
        yield Ask(
            "fact-parts",
            "person" if is_person(clause[end - 1].word) else "any",
            join(clause[at:]),
            {"s": name},
        )
    if led not in ("用", "通过", "靠", "利用") or end == at + 1 or not rest or rest[0].tag != "v":
        return
    act = rest[0].word + head_of(rest[1:])
    whole = len(rest) == 1 or head_of(rest[1:]) or rest[1].tag == "v"
    if whole and 2 <= len(act) <= 5 and rest[0].word not in ("做", "说", "有", "是", "当"):
        yield Ask("fact-means", "any", join(clause[at:end]), {"s": name, "k": act})


def _alike(clause: Sequence[Token]) -> Iterator[Ask]:
    """Whether two things are alike."""
    last = clause[-1].word
    at = next(
        (i for i in range(1, len(clause) - 2) if clause[i].word in ("和", "与", "跟", "同")), 0
    )
    if not at or last not in _ALIKE:
        return
    end = at + 1
    while end < len(clause) and clause[end].tag in "nrsj":
        end += 1
    one, other = turned(clause[:at]), turned(clause[at + 1 : end])
    plain = all(t.tag in "nrsj" for t in clause[:at])
    if plain and other and len(one) < 6 and len(other) < 6 and not _ASKING.search(one + other):
        yield Ask("fact-alike", "any", join(clause[end:]), {"s": one, "o": other})


_PUT = frozenset(["住", "开", "忘", "定居", "放", "站", "坐", "躺", "挂", "贴", "建", "设", "写", "停", "藏", "存", "发生", "出现", "摆", "丢", "落", "留", "生活", "居住", "安装", "装", "种"])  # fmt: skip
_ALIKE = frozenset(
    ["相似", "一样", "相同", "差不多", "不同", "不一样", "差别", "区别", "相反", "差异"]
)
