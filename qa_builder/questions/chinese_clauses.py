"""Questions that keep a first clause of a Chinese sentence and ask for what follows from it.

"要是下雨，运动会就取消" answers "要是下雨怎么办？": a condition, a time, a purpose or a fact stays, person
turned round, and the question asks for the rest. (Ours.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qa_builder.questions.chinese_frame import BE, Frame, clauses_of, subject_of
from qa_builder.questions.chinese_phrases import Ask, join
from qa_builder.questions.chinese_subject import PRONOUNS, TURN, turn
from qa_builder.questions.chinese_words import DUAL, Token, is_person, is_predicate, within

_SHORTEST, _LONGEST = 3, 12  # characters of a clause that a question keeps
_ASKING = re.compile(r"[谁哪几吗呢吧“”趁]|什么|怎么|多少|为何|自己|自个|的话$|此|该")
_IF = ("如果", "要是", "假如", "倘若", "万一", "一旦", "若")
_THOUGH = ("虽然", "尽管")
_TIMES = ("时", "时候", "后", "以后", "之后", "前", "之前", "以前")
_WHEN_FIRST = ("当", "每当", "在")
_STARTS = "nr"  # tags that a clause which can be doubted starts with


def on_clauses(tokens: Sequence[Token], frame: Frame) -> Iterator[Ask]:
    """What follows from the first clause; whether the first clause is so."""
    clauses = clauses_of(tokens)
    if len(clauses) > 1:
        first = clauses[0]
        if first[0].word in _IF:
            yield from _asked("if", first[1:], frame, tokens)
        elif first[0].word == "为了":
            yield from _asked("for", first[1:], frame, tokens)
        elif first[-1].word in _TIMES:
            start = first[0].word in _WHEN_FIRST
            yield from _asked("when", first[start:], frame, tokens)
        elif first[0].word == "在" and first[-1].tag in "fs":
            yield from _asked("there", first, frame, tokens)
        elif first[0].word in _THOUGH:
            yield from _asked("fact", first[1:], frame, tokens)
        elif setting := _inner_time(first):
            yield from _asked("when", setting, frame, tokens)
        else:
            yield from _asked("fact", first, frame, tokens)
    elif clauses and (setting := _inner_time(clauses[0])):
        yield from _asked("when", setting, frame, tokens)


def _inner_time(clause: Sequence[Token]) -> Sequence[Token]:
    """The time before the main clause where no comma parts it: "开车时[要系安全带]"."""
    if clause[0].word in ("希望", "祝", "请", "愿", "不要", "别"):
        return []
    for i in range(1, min(8, len(clause) - 1)):
        if clause[i].word in _TIMES and any(is_predicate(t.word) for t in clause[:i]):
            start = clause[0].word in _WHEN_FIRST
            return clause[start : i + 1]
    return []


def _asked(
    name: str, clause: Sequence[Token], frame: Frame, tokens: Sequence[Token]
) -> Iterator[Ask]:
    kept = turned(clause)
    if not _SHORTEST <= len(kept) <= _LONGEST or _ASKING.search(kept):
        return
    if name == "fact" and any(t.word in ("别", "不要", "请", "千万") for t in clause):
        return
    if name == "fact":
        yield from _of_fact(clause, kept, frame, tokens)
    else:
        yield from _of_setting(name, kept, frame, tokens)


def _of_fact(
    clause: Sequence[Token], kept: str, frame: Frame, tokens: Sequence[Token]
) -> Iterator[Ask]:
    """Whether a first clause that says something is so; and what follows from it."""
    slots = {"c": kept, "s": frame.subject}
    if kept[0] == "我":
        return  # nobody asks so of himself: "你不努力学习，…"
    if any(t.word in _TOPICAL for t in clause[1:2]) and clause[-1].tag == "n":
        return  # a topic alone: "他们对很多问题，…"
    if not _is_whole(clause):
        if not frame.addressed and _is_loose(clause) and not is_named(clause):
            sure = clause[-1].tag in "azil"
            claimed = _is_claim(clause) or _is_firm(clause)
            name = "confirm" if claimed or sure else "doubt"
            if name == "confirm" or (kept[-1] == "了" and kept[0] not in "不选等"):
                yield Ask(name, "any" if claimed else "loose", kept, slots)
        return
    yield Ask("confirm", "any", kept, slots)
    after = join(tokens)[len(kept) :]
    if any(w in after for w in ("要", "别", "应该", "最好", "吧")):
        yield Ask("fact", "told", after, slots)
    elif "了" in after:
        yield Ask("fact", "past", after, slots)


_TOPICAL = ("对", "对于", "关于")
# What shows that it is told what one should do then.
_RULED = frozenset(["要", "能", "不能", "可以", "不可以", "禁止", "不要", "应该", "必须", "需要", "最好", "先", "记得", "别", "注意", "多", "少", "请", "小心", "尽量"])  # fmt: skip


def _of_setting(name: str, kept: str, frame: Frame, tokens: Sequence[Token]) -> Iterator[Ask]:
    """What is done or happens in a case, at a time, in a place, for a purpose."""
    slots = {"c": kept, "s": frame.subject}
    words = {t.word for t in tokens}
    if frame.addressed or frame.mood == "should" or (_RULED & words and "了" not in words):
        mood = "advice"
    elif not frame.subject or frame.subject in kept or frame.mood in ("not", "notyet"):
        mood = "open"
    else:
        later = {"会", "要", "将", "打算", "想", "就会"} & {t.word for t in tokens}
        mood = "any" if later and frame.mood != "past" else "past"
        if not frame.person:
            mood = "thing"
    if (
        mood == "open"
        and name in ("when", "there")
        and {"了", "过", *PRONOUNS} & {t.word for t in tokens}
    ):
        if frame.person and frame.subject in kept and name == "when" and frame.acting:
            yield Ask("clause-when", "self", join(tokens)[len(kept) :], slots)
        return  # what somebody did then, and nobody knows who
    yield Ask(f"clause-{name}", mood, join(tokens)[len(kept) :], slots)


def turned(clause: Sequence[Token]) -> str:
    """A clause in the words of the one who asks: 我 and 你 turned round, "妈妈" become "你妈妈"."""
    said = []
    for i, t in enumerate(clause):
        alone = i == 0 or clause[i - 1].word not in ("的", *PRONOUNS)
        kin = t.word in within("kin") and alone and t.word not in ("儿女", "父母", "夫妻")
        said.append("你" + t.word if kin and i == 0 else TURN.get(t.word, t.word))
    return "".join(said)


def _is_loose(clause: Sequence[Token]) -> bool:
    """Whether a clause without a subject of its own says something: "赚钱不容易"."""
    first, last = clause[0], clause[-1]
    joined = within("joining") | within("subordinate") | within("order") | within("after")
    begins = first.tag in "vanrd" and first.word not in joined
    verbal = any(
        (t.tag in "vail" or is_predicate(t.word)) and t.word not in (*BE, "有", "没有", *DUAL)
        for t in clause
    )
    ends = last.tag not in "pcdfu" or last.word in ("了", "过")
    begins = begins and first.word[0] not in "每截到比听有分"
    named = last.tag == "n" and len(clause) > 1 and clause[-2].word == "的"
    return (
        begins
        and ends
        and verbal
        and not named
        and len(clause) > 1
        and "请" not in (first.word, last.word)
    )


def _is_firm(clause: Sequence[Token]) -> bool:
    """Whether a clause says how what it names first is: "人太多了", "你的能力很强"."""
    words = clause[:-1] if clause[-1].word == "了" else clause
    named = words[0].tag in "nr" and words[0].word not in within("nosubject") | {"希望", "愿", "记"}
    degree = len(words) > 1 and (words[-2].tag == "d" or words[-1].word[0] in "太很真")
    degree = degree and "再" not in {t.word for t in clause}
    return named and degree and len(clause) > 2 and words[-1].tag in "az"


def _is_claim(clause: Sequence[Token]) -> bool:
    """Whether a clause claims something of what it names first: "草稿往往写得很潦草"."""
    claims = any(t.word in _CLAIMING for t in clause[1:])
    return clause[0].tag == "n" and claims and clause[0].word not in within("nosubject")


_CLAIMING = (
    "会",
    "不",
    "很",
    "太",
    "最",
    "都",
    "没有",
    "往往",
    "常常",
    "经常",
    "非常",
    "不能",
    "可以",
    "不会",
    "必须",
)


def is_named(clause: Sequence[Token]) -> bool:
    """Whether a clause is only a name with what describes it: "我上高中的那段记忆", "她的体操表演"."""
    of = max((i for i, t in enumerate(clause) if t.word == "的"), default=-1)
    head = clause[of + 1 :]
    told = any(t.word in (*BE, "有", "没有", "了", "着", "过") or t.tag in "adp" for t in clause)
    named = all(t.tag in "nrmqjs" or t.word in DUAL for t in head)
    acts = len(head) == 2 and head[0].tag == "n" and head[1].tag == "v" and len(head[1].word) == 2
    named = named or (acts and of == 1)  # "他的钢琴演奏"
    return of > 0 and bool(head) and named and (not told or clause[of - 1].tag in "va")


def _is_whole(clause: Sequence[Token]) -> bool:
    """Whether a clause says something of somebody or something, on its own."""
    if clause[0].tag not in _STARTS or clause[0].word in within("joining") | within("subordinate"):
        return False
    if clause[0].word in within("nosubject") and clause[0].word not in ("身体",):
        return False
    subject, at = subject_of(clause)
    if not subject or at >= min(len(clause), 5) or not turn(subject)[0]:
        return False
    last, words = clause[-1], {t.word for t in clause}
    relative = at + 1 < len(clause) and clause[at + 1].word == "的"
    open_end = relative or last.word in _OPEN_ENDS or last.tag in "pc" or is_named(clause)
    both = words & {"我", "我们"} and words & {"你", "你们"}
    told = both or last.word in within("says") | within("thinks") | within("learns")
    if last.word in ("你好", "您好") or (last.word == "好" and len(clause) < 3):
        return False  # a greeting
    if open_end or told or words & _NO_NEWS or clause[at].word in _LEADS_ON:
        return False
    return len(clause) > 2 or is_person(clause[0].word)


_OPEN_ENDS = ("知道", "不", "很", "是", "的", "就", "都", "既要")
_LEADS_ON = ("看", "见", "看到", "听", "听到", "看看", "每", "一旦", "既", "越", "一", "既要")
# Words of a clause that nobody doubts: what is said to somebody, or under a condition.
_NO_NEWS = frozenset(
    [
        "虽然",
        "一旦",
        "尽管",
        "也",
        "要",
        "应该",
        "应当",
        "必须",
        "说",
        "骂",
        "问",
        "怪",
        "告诉",
        "若",
        "要是",
        "如果",
        "再",
        "越是",
        "越",
        "放心",
        "您",
    ]
)
