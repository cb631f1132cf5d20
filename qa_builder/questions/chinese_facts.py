"""Facts of things and of anybody, asked for in their own words: what X has, what comes of it, whether it is so.

"没有水，任何生物都不能生存" answers "没有水会怎么样？", "输液袋具有明显的优势" answers "输液袋有什么优势？", and a fact
that is name, verb and object answers "听说…，是吗？" of just these. (Ours.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qa_builder.questions.chinese_clauses import turned
from qa_builder.questions.chinese_frame import BE, Frame, clauses_of
from qa_builder.questions.chinese_nature import on_nature
from qa_builder.questions.chinese_phrases import Ask, join
from qa_builder.questions.chinese_place import without_lead
from qa_builder.questions.chinese_subject import PRONOUNS
from qa_builder.questions.chinese_svo import (
    Bones,
    behind_setting,
    bones_of,
    end_of_name,
    head_of,
    name_of,
)
from qa_builder.questions.chinese_words import Token, is_person, is_predicate, within

_LONGEST = 10  # characters of an act that a question keeps
_ASKING = re.compile(r"[谁哪几吗呢“”《》]|什么|怎么|自己|多少|的话|此|其|它")
_COMES = frozenset(
    [
        "会",
        "就会",
        "容易",
        "可能",
        "导致",
        "造成",
        "引起",
        "引发",
        "将会",
        "就",
        "往往",
        "将",
        "使",
        "让",
        "难免",
        "必然",
        "对",
    ]
)
_TELLING = (
    "会",
    "容易",
    "导致",
    "造成",
    "引起",
    "引发",
    "不能",
    "无法",
    "可能",
    "不利于",
    "有害",
    "影响",
    "就会",
    "不好",
    "伤害",
)
_HAS = ("有", "具有", "有着", "存在", "存在着", "拥有", "充满")
# What one has of a kind, so that one asks which: "有什么优势"; of other things one asks whether.
_KINDS = frozenset(["优势", "好处", "坏处", "特点", "特色", "作用", "意义", "影响", "功能", "用处", "优点", "缺点", "原因", "办法", "方法", "变化", "症状", "规定",
                    "要求", "条件", "困难", "贡献", "习惯", "爱好", "差别", "区别", "差异", "危害", "用途", "联系", "含义", "形式", "种类", "东西", "服务",
                    "活动", "节目", "颜色", "类型"])  # fmt: skip
_SAYS = frozenset(
    [
        "说",
        "显示",
        "表明",
        "规定",
        "指出",
        "报道",
        "证明",
        "认为",
        "提出",
        "写道",
        "预测",
        "介绍",
        "发现",
        "说明",
    ]
)
_SAYERS = re.compile(
    r".*(?:预报|研究|法律|报道|新闻|报纸|调查|专家|科学家|学者|书上|广播|杂志|合同|规则|制度|公司|政府|国家|法院|学校|医院|秘书长|局|部门|协议|实验|数据|结果)"
)
_PLACES = "里上中下内外旁边前后"
_LIES = frozenset(["放", "贴", "写", "挂", "画", "印", "装", "摆", "站", "坐", "住", "停", "种", "刻", "放满", "写满", "摆满", "存", "躺", "堆", "铺", "刷"])  # fmt: skip


def on_facts(tokens: Sequence[Token], frame: Frame) -> Iterator[Ask]:
    """What a sentence tells of things and of anybody, in its own words."""
    if frame.calling or frame.addressed:
        return
    clauses = clauses_of(tokens)
    if clauses:
        yield from _results(clauses)
    for clause in clauses[:2]:
        plain = without_lead(clause)
        if len(plain) < 3 or plain[0].word in within("subordinate") - {"在", "随着", "对于"}:
            continue
        yield from _has(plain)
        yield from _lies(plain)
        yield from _says(plain)
        yield from on_nature(plain)
        if bones := bones_of(clause):
            yield from _of_bones(bones)


def _results(clauses: Sequence[Sequence[Token]]) -> Iterator[Ask]:
    """What comes of an act or a lack: the first clause, or the start of one, up to 会, 容易, 导致."""
    first = clauses[0]
    if len(clauses) > 1:
        second = [t for t in clauses[1] if t.word not in ("就", "也", "都", "则", "便")]
        lacking = first[0].word in ("没有", "没") and {"就", "不", "便"} & {
            t.word for t in clauses[1]
        }
        told = bool(second) and (
            bool(lacking) or second[0].word in _COMES or any(t.word in _TELLING for t in second)
        )
        lacks = first[0].word in ("没有", "没", "不") or not {"不能", "可以"} & {
            t.word for t in second
        }
        if (
            told
            and lacks
            and first[-1].word not in ("时", "时候")
            and _is_act(first)
            and (kept := _kept(first))
        ):
            yield Ask("fact-result", "any", join(clauses[1]), {"c": kept})
            return
    known = is_predicate(first[0].word) or first[0].word in _LACKS
    at = next((i for i in range(2, len(first) - 1) if known and first[i].word in _COMES), 0)
    while at and first[at - 1].tag == "d":
        at -= 1
    if (
        at > 1
        and _is_act(first[:at])
        and first[at - 1].tag in "nva"
        and (kept := _kept(first[:at]))
    ):
        yield Ask("fact-result", "any", join(first[at:]), {"c": kept})


def _is_act(clause: Sequence[Token]) -> bool:
    """Whether a clause is what is done, or lacking: it starts with a verb, and is of nobody."""
    first, words = clause[0], {t.word for t in clause}
    lacks = (
        first.word in _LACKS and len(clause) > 1 and (clause[1].tag in "va" or first.word == "没有")
    )
    starts = (first.tag == "v" and first.word not in _NO_START) or lacks
    own = words & {
        *PRONOUNS,
        "大家",
        "人",
        "的",
        "了",
        "自己",
        "要",
        "应该",
        "可以",
        "必须",
        "因为",
    } - {"的"}
    return (
        starts
        and not own
        and clause[-1].tag in "nvaz"
        and clause[-1].word not in (*BE, "说", "知道")
    )


_LACKS = ("不", "没", "没有", "多", "少", "经常", "长期", "过度", "乱", "随便")
_NO_START = frozenset([*BE, "有", "请", "要", "会", "能", "想", "希望", "感觉", "觉得", "据说", "听说", "看来", "可以", "让", "使", "令", "有助于", "说",
                       "认为", "应该", "需要", "必须", "像", "如", "为", "看", "看到", "看着", "祝", "禁止", "值得", "到", "来", "接", "等", "感到", "离", "移动", "估计", "兼职", "希望", "祝愿", "对待", "通过", "根据", "按照", "随着", "经过", "学会", "早知道", "不用", "设备"])  # fmt: skip


def _kept(clause: Sequence[Token]) -> str:
    said = turned(clause)
    return said if 3 <= len(said) <= _LONGEST and not _ASKING.search(said) else ""


def _has(clause: Sequence[Token]) -> Iterator[Ask]:
    """What of a kind something has, or whether it has such a thing."""
    start = behind_setting(clause)
    at = end_of_name(clause, start)
    name = name_of(clause[start:at])
    while at < len(clause) and clause[at].tag == "d":
        at += 1
    if not name or at >= len(clause) - 1 or clause[at].word not in _HAS:
        return
    rest = clause[at + 1 :]
    listed = any(t.word in ("和", "、", "与") for t in rest) and rest[-1].tag == "n"
    if listed and all(t.tag in "nmqabc" or t.word in ("、", "的", "等") for t in rest):
        yield Ask("fact-has", "list", join(rest), {"s": name})
    head = head_of(rest) or (rest[-1].word if rest[-1].word in _KINDS else "")
    if head[-2:] in _KINDS:
        head = head[-2:]
    if not head or any(t.word in ("没有", "不") for t in rest):
        return
    asks = "which" if head in _KINDS else "whether"
    yield Ask("fact-has", asks, join(rest), {"s": name, "n": head})


def _lies(clause: Sequence[Token]) -> Iterator[Ask]:
    """What stands, hangs or is written in a place."""
    at = next(
        (
            i
            for i in range(1, len(clause) - 1)
            if clause[i].word in _LIES and clause[i + 1].word in ("着", "了", "有", "满")
        ),
        0,
    )
    if not at or clause[at - 1].word[-1] not in _PLACES or clause[-1].tag != "n":
        return
    place = clause[:at]
    if place[0].word == "在":
        place = place[1:]
    if not place or not all(t.tag in "nrsfjm" or t.word == "的" for t in place):
        return
    verb = clause[at].word.rstrip("满")
    said = turned(place)
    if len(said) <= 6 and not _ASKING.search(said) and verb:
        yield Ask("fact-lies", "any", join(clause[at + 2 :]), {"c": said, "v": verb})
    if place[-1].word in ("上", "里", "中", "上面", "里面"):
        yield Ask(
            "fact-lies",
            "上" if place[-1].word[0] == "上" else "里",
            join(clause[at + 2 :]),
            {"v": verb},
        )


def _says(clause: Sequence[Token]) -> Iterator[Ask]:
    """What the forecast, the law, a study says."""
    at = next((i for i in range(1, min(5, len(clause) - 1)) if clause[i].word in _SAYS), 0)
    named = clause[:at]
    if not at or not all(t.tag in "nrsj" or t.word in ("的", "天气预报") for t in named):
        return
    name = name_of(named)
    if name and _SAYERS.fullmatch(name) and not any(t.word in PRONOUNS for t in named):
        verb = clause[at].word
        asks = {
            "规定": "rule",
            "发现": "found",
            "显示": "found",
            "表明": "found",
            "证明": "found",
        }.get(verb, "any")
        yield Ask("fact-says", asks, join(clause[at + 1 :]), {"s": name})


def _of_bones(bones: Bones) -> Iterator[Ask]:
    """What or whether somebody or something does it, as one has heard."""
    if (
        not bones.name
        or bones.name in ("你", "我")
        or "我" in bones.name
        or _ASKING.search(bones.name)
    ):
        return
    slots = {"s": bones.name, "v": bones.verb, "n": bones.head, "t": bones.aspect}
    said = f"{bones.verb}{bones.head}"
    done = bones.aspect == "了"
    if not bones.head:
        if done and len(bones.verb) > 1 and not bones.denied and not bones.modal:
            yield Ask("fact-done", "person" if bones.person else "any", said, slots)
        return
    if (
        not bones.modal
        and not bones.denied
        and len(bones.verb) == 2
        and not bones.person
        and bones.verb[-1] not in "于为"
    ):
        whom = is_person(bones.head)
        asks = "whom" if whom else "done" if done else "any"
        if bones.name[-1] not in _PLACES:
            yield Ask("fact-what", asks, bones.head, slots)
    if done and not bones.denied and not bones.modal:
        yield Ask("fact-done", "person" if bones.person else "any", said, slots)
    elif not bones.person and not bones.modal:
        yield Ask("fact-does", "any", said, slots)
    elif bones.modal in ("会", "能", "可以", "想", "能够"):
        yield Ask("fact-does", "modal", said, slots | {"m": bones.modal})
    if bones.modal or bones.denied:
        return
    said = f"{bones.name}{bones.verb}{bones.aspect}{bones.head}"
    known = bones.aspect or not bones.person
    if known and len(said) <= 11 and not _ASKING.search(said):
        yield Ask("fact-heard", "person" if bones.person else "any", said, {"c": said})
