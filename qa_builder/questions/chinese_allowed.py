"""What may, must or can be done, where a Chinese sentence says it of nobody in particular.

"飞机上不能使用电脑" answers "可以使用电脑吗？", "去车站记得带身份证" answers "要带什么？", "扫二维码即可下载" answers
"怎么下载？". (Ours.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qa_builder.questions.chinese_frame import Frame, clauses_of
from qa_builder.questions.chinese_phrases import Ask, join
from qa_builder.questions.chinese_subject import PRONOUNS
from qa_builder.questions.chinese_svo import head_of
from qa_builder.questions.chinese_words import Token, is_person, predicate_class, within

_MAY = frozenset(
    [
        "可以",
        "不可以",
        "不能",
        "不得",
        "不准",
        "不许",
        "不允许",
        "禁止",
        "严禁",
        "不可",
        "请勿",
        "勿",
        "允许",
    ]
)
_CAN = frozenset(["能", "能够", "可", "可以", "无法", "没法"])
_MUST = frozenset(
    [
        "要",
        "必须",
        "需要",
        "应该",
        "应当",
        "应",
        "须",
        "需",
        "得",
        "记得",
        "务必",
        "一定要",
        "最好",
        "不用",
        "不必",
    ]
)
_NOT = frozenset(["不要", "别", "千万别", "切勿"])
_BY = frozenset(["即可", "就可以", "就能", "便可", "可以", "就能够", "便能"])
_MODAL = _MAY | _CAN | _MUST | _NOT | _BY
_SKIPPED = frozenset(["一定", "也", "都", "就", "还", "再", "先", "尽量", "只", "绝对", "千万", "提前", "及时", "随便", "随意", "好好", "主动", "自觉", "一直"])  # fmt: skip
_LONGEST = 7  # characters of what is done
_ASKING = re.compile(r"[谁哪几吗呢“”《》]|什么|怎么|自己|[我你他她]|对方")
_THEY = frozenset(["人", "人们", "大家", "每个人", "我们"])


def on_allowed(tokens: Sequence[Token], frame: Frame) -> Iterator[Ask]:
    """Whether it may or must be done, what is to be taken, how it can be done."""
    if frame.calling or any(t.word in ("你", "我", "他", "她", "您") for t in tokens):
        return
    clauses = clauses_of(tokens)
    for k, clause in enumerate(clauses):
        at = next((i for i, t in enumerate(clause) if t.word in _MODAL), -1)
        if at < 0 or _is_ones_own(clause[:at]):
            continue
        denied = at > 0 and clause[at - 1].word in ("不", "不一定")
        word, rest = clause[at].word, clause[at + 1 :]
        if word == "不" or not rest:
            continue
        act, verb = _act(rest)
        by = _means(clauses, k, clause[:at])
        if by and word in _BY and act:
            yield Ask("allowed-by", "any", by, {"k": act})
        elif act and (word in _MAY | _NOT or (word in _CAN and not frame.person) or denied):
            yield Ask("allowed-may", _how(word), join(clause), {"k": act})
        elif act and word in _MUST and not act.endswith(_ABSTRACT):
            takes = verb in _TAKEN and act != verb
            if takes:
                yield Ask("allowed-take", "any", join(clause), {"v": verb})
            yield Ask("allowed-must", "any", join(clause), {"k": act})
        if act:
            return


def _how(word: str) -> str:
    return "can" if word in _CAN else "may"


def _is_ones_own(before: Sequence[Token]) -> bool:
    """Whether it is said of somebody: what they may is not what anybody may."""
    people = [t for t in before if is_person(t.word) or t.word in PRONOUNS]
    return any(t.word not in _THEY for t in people) or any(
        t.word in ("如果", "要是", "为了", "希望") for t in before
    )


def _act(rest: Sequence[Token]) -> tuple[str, str]:
    """What is done, as the verb with the head of its object, and the verb; empty for none."""
    words = [t for t in rest if t.word not in _SKIPPED and t.tag != "d"]
    if not words or words[0].tag != "v" or words[0].word in _NO_ACT:
        return "", ""
    verb, behind = words[0].word, words[1:]
    while behind and (behind[-1].tag == "y" or behind[-1].word in ("了", "进去", "进来", "出去")):
        behind = behind[:-1]
    if behind and behind[0].word in ("到", "好", "完", "上", "出", "下"):
        verb, behind = verb + behind[0].word, behind[1:]
    head = head_of(behind) if behind else ""
    if (
        behind
        and not head
        and len(behind) == 1
        and behind[0].tag == "v"
        and len(behind[0].word) == 2
    ):
        head = behind[0].word  # "注意休息"
    if behind and not head:
        return "", ""
    said = verb + head
    sound = 2 <= len(said) <= _LONGEST and not _ASKING.search(said)
    if (not head and said[-1] in "好完到") or predicate_class(said) == "emotion" or said in _MOODS:
        return "", ""
    return (said, verb) if sound and (head or len(verb) > 1) else ("", "")


_NO_ACT = frozenset(["记得", "嫌弃", "有", "是", "在", "到", "来", "去", "让", "使", "像", "成为", "作为", "看到", "看见", "发现", "知道", "说", "会", "想", "做到",
                     "得到", "导致", "造成", "引起", "产生", "影响", "说明", "证明", "发生", "出现", "改变", "解决", "带来", "帮助",
                     "满足", "提高", "增强", "忘记", "忘", "缺少", "否认", "保证", "达到", "避免", "看作", "称为", "注意"])  # fmt: skip
_MOODS = frozenset(
    [
        "紧张",
        "放松",
        "气馁",
        "灰心",
        "满足",
        "珍惜",
        "坚持",
        "努力",
        "骄傲",
        "加油",
        "冷静",
        "小心",
        "对待",
        "看待",
    ]
)
_ABSTRACT = (
    "信心",
    "责任",
    "准备",
    "理解",
    "支持",
    "观念",
    "作风",
    "精神",
    "思想",
    "毅力",
    "勇气",
    "汗水",
    "努力",
    "知足",
    "团结",
    "突破",
)
_TAKEN = frozenset(
    [
        "带",
        "携带",
        "带上",
        "填",
        "填写",
        "出示",
        "准备",
        "准备好",
        "交",
        "提交",
        "写",
        "买",
        "穿",
        "喝",
        "吃",
        "戴",
        "拿",
        "提供",
        "带好",
    ]
)


def _means(clauses: Sequence[Sequence[Token]], k: int, before: Sequence[Token]) -> str:
    """The act by which something can be done: before it in the clause, or the clause before it."""
    led = [t for t in before if t.word not in ("就", "便", "都", "也")]
    if not led and k:
        led = list(clauses[k - 1])
    sound = (
        len(led) > 1
        and led[-1].word not in ("时候", "时", "后", "前", "期间")
        and led[0].tag == "v"
        and led[-1].tag in "nvf"
        and led[0].word not in ("没有", "有", "不", "是")
    )
    return join(led) if sound and led[0].word not in within("joining") else ""
