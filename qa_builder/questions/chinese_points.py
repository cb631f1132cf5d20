"""The point that a Chinese sentence makes of a thing: that it does good or harm, matters, has grown, is many.

What is asked is that point, in other words: "运动有什么好处？" before "运动能增强体质". The words that show it
stand behind the thing's name, in the same clause. (Ours.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qa_builder.questions.chinese_about import PLACE_END, about
from qa_builder.questions.chinese_frame import Frame, clauses_of
from qa_builder.questions.chinese_phrases import Ask, join
from qa_builder.questions.chinese_words import Token, is_person, within

_LONGEST = 7  # characters of a name
_DENIED = frozenset(
    ["不", "没", "没有", "并不", "不是", "不会", "不能", "未", "并非", "不再", "无法", "难以"]
)
# The points, the surest first: words of which one shows it. What is denied has no point of its own.
_POINTS = (
    ("good", ("有益", "有利于", "有助于", "促进", "增强", "好处", "改善", "缓解", "有利", "有益于", "有好处",
              "拉近", "减轻", "增进", "开阔", "可以增强", "提高")),
    ("bad", ("有害", "危害", "损害", "伤害", "导致", "造成", "引发", "破坏", "污染", "有害于", "耽误", "不利于",
             "致癌", "毁掉", "影响")),
    ("weighty", ("重要", "关键", "必要", "必不可少", "不可缺少", "宝贵", "珍贵", "不可或缺", "要紧", "必需", "十分必要")),
    ("grown", ("增加", "增长", "上涨", "减少", "下降", "扩大", "进步", "发展", "改变", "变化", "降低", "上升")),
    ("parts", ("包括", "分为")),
    ("common", ("普遍", "常见", "普及")),
    ("hard", ("难", "容易", "复杂", "困难", "不易")),
    ("dear", ("贵", "便宜", "昂贵")),
    ("use", ("用来", "用于", "应用于")),
    ("feel", ("使人", "让人", "令人", "给人")),
)  # fmt: skip
# Doing good is "提高" only while it is no news; what has grown has done so.
_NEWS = ("了", "已经", "近年来", "越来越", "日益", "今年", "去年")
_BECOMES = ("good", "bad")
_LIGHT = (
    "会",
    "能",
    "能够",
    "可以",
    "有",
    "是",
    "也",
    "都",
    "对",
    "来说",
    "往往",
    "容易",
    "人",
    "人们",
    "身体",
    "健康",
)
_QUALITIES = ("weighty", "common", "hard", "dear")  # which are all that a clause says


def on_points(tokens: Sequence[Token], frame: Frame) -> Iterator[Ask]:
    """Ask for the points that a sentence makes of the thing that it is about, the surest first."""
    if frame.person or frame.addressed or frame.calling:
        return
    subject, rest = about(tokens, frame)
    if not rest or not _is_thing(subject, frame):
        return
    if _defines(rest):
        yield Ask("point-meaning", "any", join(rest), {"s": subject})
    plain = [t for t in rest if t.tag not in "dp" and t.word not in _LIGHT]
    if not plain or {t.word for t in rest[:5]} & _DENIED:
        return
    words, first = {t.word for t in rest}, plain[0].word
    ends = len(clauses_of(rest)[0]) if clauses_of(rest) else len(rest)
    for name, shows in _POINTS:
        if first not in shows or (name in _BECOMES and words & {*_NEWS}):
            continue
        if name == "grown" and not words & {*_NEWS, "在", "正在", "逐渐", "不断"}:
            continue
        if name in _QUALITIES and rest[ends - 1].word != first:
            continue
        yield Ask(f"point-{name}", "any", join(rest), {"s": subject})


_CLASSES = ("一种", "指", "是指", "一类", "一门", "一项")


def _defines(rest: Sequence[Token]) -> bool:
    """Whether it says what the thing is: 是 and a kind of thing, or what the word means."""
    words = [t.word for t in rest]
    means = words[0] in ("是", "指", "是指", "就是") and rest[-1].tag == "n"
    return means and any(w in _CLASSES for w in words[:3])


def _is_thing(subject: str, frame: Frame) -> bool:
    """Whether a subject is a thing that a question can name by itself."""
    return (
        1 < len(subject) <= _LONGEST
        and subject[0] not in "这那此其该各每一几你我他她它"
        and "的你" not in subject
        and "我" not in subject
        and subject[-1] not in PLACE_END
        and not frame.is_place
        and subject not in ("大家", "别人")
        and subject not in within("nosubject") | within("vague")
        and not any(subject.endswith(w) for w in within("vague"))
        and not is_person(subject)
    )
