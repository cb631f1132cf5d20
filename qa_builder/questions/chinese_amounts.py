"""When, how long, how much and how many, where a Chinese sentence says it of anything.

"坐高铁只需要四个小时" answers "要多长时间？", "下星期一开会" answers "什么时候开会？". (Ours.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qa_builder.questions.chinese_clauses import turned
from qa_builder.questions.chinese_frame import Frame, clauses_of
from qa_builder.questions.chinese_phrases import Ask, join
from qa_builder.questions.chinese_place import without_lead
from qa_builder.questions.chinese_subject import PRONOUNS, TURN
from qa_builder.questions.chinese_svo import end_of_name, name_of
from qa_builder.questions.chinese_words import DUAL, Token, is_person, predicate_class, within

_LONGEST = 8  # characters that a question keeps
_NUMBER = r"(?:[一二两三四五六七八九十百千万半几\d]+)"
_SPAN = re.compile(
    _NUMBER + r"(?:个|来|多|几)*(?:小时|钟头|分钟|年|个?月|天|周|星期|刻钟)(?:左右|多|半)?"
)
_MONEY = re.compile(_NUMBER + r"(?:多|几)*(?:元|块钱|美元|万元|亿元|人民币|元钱)")
_SHARE = re.compile(r"百分之" + _NUMBER + r"|\d+%|" + _NUMBER + "成|" + _NUMBER + "分之" + _NUMBER)
_COUNT = re.compile(
    _NUMBER
    + r"(?:多)?(个|位|只|条|本|张|件|台|家|名|种|辆|套|份|块|杯|双|瓶|栋|所|间|场|部|口|层|层楼|次)"
)
_TAKES = ("需要", "要", "花", "花费", "只要", "只需", "只需要", "得", "大概", "大约", "需", "用")
_ASKING = re.compile(r"[谁哪几吗呢“”《》]|什么|怎么|自己|多少|的话")
_ALSO = ("还", "只", "都", "就", "也", "才", "已经", "大概", "大约", "一共", "总共", "是")
_VAGUE_TIMES = frozenset(["现在", "目前", "最近", "近年来", "平时", "刚才", "以前", "过去", "如今", "当时", "有时", "从前", "后来", "将来", "近几年", "当今", "此时", "那天", "这时", "那时", "现代", "当代", "同时", "往日", "平日", "近来"])  # fmt: skip


def on_amounts(tokens: Sequence[Token], frame: Frame) -> Iterator[Ask]:
    """The amounts that a sentence says, the surest first."""
    if frame.calling or frame.addressed:
        return
    clauses = [without_lead(c) for c in clauses_of(tokens)]
    for k, clause in enumerate(clauses):
        if len(clause) > 2:
            yield from _does(clause, clauses[k - 1][0].word if k == 1 and clauses[0] else "")
            yield from _does_there(clause)
        if len(clause) > 1:
            yield from _when(clause)
            yield from _amount(clause)


def _does(clause: Sequence[Token], before: str = "") -> Iterator[Ask]:
    """What somebody does at a time that the clause names: "我每天晚上做饭" - "你每天晚上做什么".

    `before`: what the clause before starts with, which may be the time.
    """
    who, time, at = "", before if _CLEAR.fullmatch(before) else "", 0
    for i, t in enumerate(clause[:6]):
        if t.tag == "t" or t.word in within("timed") or _DAILY.fullmatch(t.word):
            time += t.word
        elif not who and t.tag in "nr" and (t.word in PRONOUNS or is_person(t.word)):
            who = (
                "你" if t.word in within("kin") and (not i or clause[i - 1].tag == "t") else ""
            ) + TURN.get(t.word, t.word)
        elif t.word not in ("都", "要", "的", "会", "就", "还", "和", "也"):
            at = i
            break
        elif t.word in ("的", "和"):
            return
    if (
        not who
        or not _CLEAR.fullmatch(time)
        or who in ("我", "我们", "大家", "人", "别人")
        or not at
    ):
        return
    verb = next((t for t in clause[at:] if t.tag not in "dpt" and t.tag != "c"), Token("", "-"))
    acts = clause[at].tag in "vp" and verb.tag in "vns" and clause[at].word not in _NO_ACT
    if acts and not {"没", "没有", "不", "是", "有", "很", "太", "被", "不能", "不想"} & {
        t.word for t in clause
    }:
        done = any(t.word in ("了", "过") for t in clause[at:])
        if predicate_class(verb.word) in _BEFALLS or (done and verb.word in _BEFALLEN):
            return
        yield Ask("amount-do", "past" if done else "any", join(clause[at:]), {"s": who, "t": time})


def _does_there(clause: Sequence[Token]) -> Iterator[Ask]:
    """What somebody does in a place that the clause names: "他在地铁上看书" - "他在地铁上做什么"."""
    at = next((i for i in range(1, min(6, len(clause) - 2)) if clause[i].word == "在"), 0)
    named = [t for t in clause[:at] if t.tag not in "dt"]
    if not at or not named or not (named[-1].word in PRONOUNS or is_person(named[-1].word)):
        return
    if any(t.tag in "vp" for t in named) or sum(t.word in PRONOUNS for t in named) > 1:
        return
    who = (
        name_of(named)
        if named[-1].word not in PRONOUNS
        else TURN.get(named[-1].word, named[-1].word)
    )
    end = at + 1
    while end < len(clause) and clause[end].tag in "nsf":
        end += 1
    place, rest = turned(clause[at + 1 : end]), [t for t in clause[end:] if t.tag != "d"]
    sound = 0 < len(place) <= 5 and place[-1] in within("placeend") and rest and rest[0].tag == "v"
    words = {t.word for t in clause}
    odd = words & {"没", "没有", "不", "是", "有", "的", "很", "太", "被", "得"} or _ASKING.search(
        place
    )
    if not who or who in ("我", "我们", "大家") or not sound or odd or rest[0].word in _NO_ACT:
        return
    if any(t.word in _VAGUE_PLACES for t in clause[at + 1 : end]):
        return
    done = any(t.word in ("了", "过") for t in rest)
    yield Ask("amount-there", "past" if done else "any", join(rest), {"s": who, "p": place})


_VAGUE_PLACES = frozenset(
    ["心里", "心", "过程", "方面", "情况", "时间", "生活", "学习", "工作", "基础", "前提", "问题"]
)
_DAILY = re.compile(r"每[天周晚年月]|每个?(?:星期|周末)[一二三四五六日天]?|平时|经常")
_CLEAR = re.compile(r"(?:每天|每周|每晚|今天|明天|昨天|后天|前天|周[一二三四五六日末]|星期[一二三四五六日天]|周六周日|下周|上周|下个?星期[一二三四五六日天]?|早上|晚上|上午|下午|中午|今晚|昨晚|白天|周末|平时|暑假|寒假){1,3}")  # fmt: skip
_BEFALLS = ("ill", "die", "late", "emotion", "lose", "meet", "become", "change", "need")
_BEFALLEN = frozenset(["毕业", "吃多", "迟到", "忘", "睡", "坐", "见", "碰到"])
_NO_ACT = frozenset(["是", "有", "觉得", "认为", "感到", "知道", "想", "需要", "喜欢", "应该", "希望", "听说", "看到", "发现", "让", "使", "可以", "能", "像", "过", "生日", "心情", "身体"])  # fmt: skip


def _when(clause: Sequence[Token]) -> Iterator[Ask]:
    """When it is, was or will be what the clause says behind its time."""
    end = 0
    while end < len(clause) and (clause[end].tag == "t" or clause[end].word in within("timed")):
        end += 1
    vague = {t.word for t in clause[:end]} & _VAGUE_TIMES or any(
        "时候" in t.word or "期间" in t.word for t in clause[:end]
    )
    if not end or vague or end >= len(clause):
        return
    rest = list(clause[end:])
    while rest and rest[0].word in _ALSO:
        rest = rest[1:]
    done = any(t.word in ("了", "过") for t in rest)
    said = turned(
        [
            t
            for t in rest
            if t.word not in ("了", "过", "吧", "已经", "将", "将要", "要", "就要", "会")
        ]
    )
    if (
        any(t.tag in "mt" for t in rest)
        or not 2 <= len(said) <= _LONGEST
        or _ASKING.search(said)
        or not _acts(rest)
    ):
        return
    yield Ask("amount-when", "past" if done else "any", join(clause[:end]), {"c": said})


def _acts(rest: Sequence[Token]) -> bool:
    """Whether it is something that is done or happens at a time, and can be asked for so."""
    words = {t.word for t in rest}
    odd = words & {
        "是",
        "有",
        "没有",
        "没",
        "不",
        "很",
        "太",
        "真",
        "最",
        "把",
        "被",
        "的",
        "得",
        "着",
        "越来越",
        "更",
        "正在",
        "在",
        "都",
        "可能",
        "不能",
        "不想",
        "还是",
        "说",
        "觉得",
        "特别",
        "比较",
        "不会",
        "天气",
        "气温",
    }
    verb = next((i for i, t in enumerate(rest) if t.tag == "v"), -1)
    if odd or verb < 0 or rest[-1].tag in "dpcmqfa":
        return False
    return (
        all(t.tag in "nrs" or t.word in DUAL for t in rest[:verb])
        and sum(t.tag == "v" for t in rest) < 3
    )


def _amount(clause: Sequence[Token]) -> Iterator[Ask]:
    """How long it takes, how much it is, which share, how many there are."""
    for i, t in enumerate(clause):
        if t.tag not in "mqt" and not t.word[0].isdigit():
            continue
        behind = clause[i + 1] if i + 1 < len(clause) else Token("", "")
        word = t.word + (behind.word if behind.tag in "qnm" and len(behind.word) < 4 else "")
        before = [b.word for b in clause[max(0, i - 2) : i]]
        whole = join(clause[i:])
        if set(before) & set(_TAKES) and (m := _SPAN.match(whole)) and len(m[0]) > len(whole) - 3:
            yield Ask("amount-long", "any", m[0], {})
            return
        if (
            before[-1:] in (["还有"], ["还剩"], ["有"])
            and (m := _SPAN.match(whole))
            and clause[0].word == "离"
        ):
            kept = turned(clause[: i - 1])
            if len(kept) <= _LONGEST and not _ASKING.search(kept):
                yield Ask("amount-left", "any", m[0], {"c": kept})
            return
        if _MONEY.match(word):
            yield from _money(clause, i, word)
            return
        if _SHARE.match(whole) and any(
            "占" in b or b in ("超过", "达", "达到", "为") for b in before
        ):
            yield Ask("amount-share", "any", whole, {})
            return
        counted = _COUNT.fullmatch(t.word) or (
            _COUNT.fullmatch(word) if behind.tag == "q" else None
        )
        if (
            counted
            and counted[1] != "次"
            and counted[0][0] not in "一几"
            and before[-1:] in (["有"], ["共有"], ["只有"])
        ):
            yield from _count(clause, i + 1 + (counted[0] != t.word), counted)
            return


def _money(clause: Sequence[Token], i: int, word: str) -> Iterator[Ask]:
    """How much something is: its name before the sum."""
    end = end_of_name(clause, 0)
    name = name_of([t for t in clause[: min(end, i)] if t.tag not in "mq"])
    person = any(is_person(t.word) or t.word in PRONOUNS for t in clause[:i])
    if name and not person:
        yield Ask("amount-money", "thing", word, {"s": name})
    if any(t.word in _PAID for t in clause[max(0, i - 3) : i]):
        yield Ask("amount-money", "any", word, {})


_PAID = frozenset(
    [
        "要",
        "是",
        "卖",
        "花",
        "花了",
        "收",
        "交",
        "达",
        "已达",
        "共计",
        "需要",
        "值",
        "付",
        "支付",
        "给",
        "一共",
        "总共",
        "只要",
    ]
)


def _count(clause: Sequence[Token], i: int, counted: re.Match[str]) -> Iterator[Ask]:
    """How many there are of what follows a number."""
    end = i
    while end < len(clause) and clause[end].tag == "n":
        end += 1
    noun = join(clause[i:end])
    if 0 < len(noun) <= 4 and noun not in within("nosubject"):
        many = sum(c in "十百千万" for c in counted[0]) > 0
        yield Ask(
            "amount-count", "many" if many else "few", counted[0], {"n": noun, "q": counted[1]}
        )
