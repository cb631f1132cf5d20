"""The frame of a Chinese sentence: who or what does what, in which mood, and what is told besides.

No parser: the main clause is picked by its connectives, its subject is what stands before the first
predicate, cut to its head. Every doubt ends in an empty field, for which nothing is asked. (Ours.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from qa_builder.questions.chinese_subject import LONGEST, TURN, turn
from qa_builder.questions.chinese_words import DUAL, Token, is_person, is_predicate, within

BE = ("是", "就是", "不是", "并不是", "都是", "也是", "才是")
MODALS = frozenset([
    "想", "要", "会", "能", "可以", "能够", "打算", "准备", "决定", "希望", "必须", "应该", "应当", "需要", "愿意",
    "敢", "该", "喜欢", "想要", "将", "将要",
])  # fmt: skip
_TOLD = ("你", "您", "你们", "我们", "咱们", "大家", "人们")  # whom advice is for: "你要", "我们要"
_AFTER_NOUN = ("是", "和", "能", "会", "要", "让", "的", "不能", "必须", "应该", "需要", "可以")
_MEANS = ("用", "通过", "按照", "靠", "以", "凭", "根据", "按")
_PLANS = frozenset(["明天", "将", "下周", "即将", "就要", "打算"])  # wherever they stand


class Frame(NamedTuple):
    """What the rules read off a sentence. Strings are empty where there is nothing."""

    subject: str = ""  # with its person turned round
    person: bool = False  # whether it is a person's
    predicate: str = ""  # the main predicate: verb, adjective or idiom
    modal: str = ""  # 想, 能, 打算, ... before it
    adjectival: bool = False  # whether it is an adjective
    mood: str = "any"  # past, now, plan, habit, should, can, not, notyet, any
    object: tuple[Token, ...] = ()  # what follows the predicate
    means: bool = False  # by what means, in what way
    place: str = ""
    time: str = ""
    partner: str = ""  # with whom or to whom, with its preposition, person turned round
    handled: str = ""  # what 把 brings before the verb
    passive: bool = False
    links: frozenset[str] = frozenset()  # because, purpose, if, only, then, more, differ
    addressed: bool = False  # advice to the asker, an order, or a rule
    calling: bool = False  # somebody is called by name first
    named: tuple[Token, ...] = ()  # the subject as it stands, with its attributes
    verbal: bool = False  # whether it is a verb of two characters
    acting: bool = False  # whether it is a verb
    idiom: bool = False  # whether it is a set phrase of four characters
    before: tuple[Token, ...] = ()  # what stands between subject and predicate

    @property
    def is_place(self) -> bool:
        """Whether the subject is a place: "桌子上"."""
        return (
            not self.person
            and len(self.subject) > 1
            and self.subject[-1] in "里上中下边面旁外内前口近围"
        )


def read(tokens: Sequence[Token]) -> Frame:
    """The frame of a statement."""
    clauses = clauses_of(tokens)
    calling = _calls(clauses)
    if calling:
        clauses = clauses[1:]
    found = {i: subject_of(c) for i, c in enumerate(clauses)}
    for i, clause in enumerate(clauses[:-1]):
        if _is_noun_phrase(clause):
            found[i] = clause, len(clause)
    turned = {i: turn(found[i][0]) for i in found}
    order = sorted(
        found, key=lambda i: (_is_minor(clauses[i]), not turned[i][0], not turned[i][1], i)
    )
    main = next((i for i in order if found[i][1] < len(clauses[i])), None)
    links = frozenset(_links(clauses))
    if main is None:
        return Frame(links=links, calling=calling)
    subject, at = found[main]
    if not subject:  # Chinese drops a subject that was named before
        named = [
            found[i][0] for i in range(main)
            if found[i][0] and (found[i][1] < len(clauses[i]) or _is_noun_phrase(clauses[i]))
        ]  # fmt: skip
        subject = named[-1] if named else []
    return _frame(subject, clauses[main], at, links, tokens)._replace(calling=calling)


def _is_noun_phrase(clause: Sequence[Token]) -> bool:
    """Whether a clause is the subject of the next one: "懂得珍惜时间的人，不会抱怨"."""
    words = [t.word for t in clause]
    described = len(clause) > 2 and words[-2] == "的" and clause[-1].tag == "n"
    return described and clause[0].tag in "va" and not {"了", "过", "着", *BE} & set(words)


def _is_minor(clause: Sequence[Token]) -> bool:
    return clause[0].word in within("subordinate") or clause[-1].word in within("after")


def _calls(clauses: Sequence[Sequence[Token]]) -> bool:
    """Whether a sentence starts by calling somebody: "爸爸，帮我…"."""
    if len(clauses) < 2 or len(clauses[0]) != 1:
        return False
    word = clauses[0][0].word
    return is_person(word) and word not in TURN


def _links(clauses: Sequence[Sequence[Token]]) -> Iterator[str]:
    """The connectives that clauses start with, or have behind their subject."""
    for i, clause in enumerate(clauses):
        for name in ("because", "purpose", "if", "only"):
            last = name == "if" and i == len(clauses) - 1
            if not last and any(
                t.word in within(name) for t in clause[: 1 if name == "only" else 2]
            ):
                yield name
        if {"才", "就", "便"} & {t.word for t in clause}:
            yield "then"
        if any(t.word in within("more") for t in clause):
            yield "more"
        told = {"有", "没有", "是", "不", "各"} & {t.word for t in clause}
        if told and len(clause) < 11 and any(t.word in within("differ") for t in clause[-2:]):
            yield "differ"


def clauses_of(tokens: Sequence[Token]) -> list[list[Token]]:
    """The clauses between punctuation marks, without the words that join them."""
    result: list[list[Token]] = [[]]
    for t in tokens:
        if t.tag == "w" and t.word != "、":
            result.append([])
        elif t.tag != "w":
            result[-1].append(t)
    return [c for c in result if c]


def subject_of(clause: Sequence[Token]) -> tuple[list[Token], int]:
    """The subject's tokens and where the predicate starts (the length if there is none)."""
    start = skip_setting(clause)
    i = start
    while i < len(clause):
        begins = _starts_predicate(clause, i, start)
        jump = (_relative(clause, i, start) or _to_be(clause, i, start)) if begins else 0
        if begins and not jump:
            return list(clause[start:i]), i
        i += jump or 1
    return list(clause[start:]), len(clause)


def skip_setting(clause: Sequence[Token]) -> int:
    """Behind connectives, time and what stands between 在 and 时, 上, 里 at the start."""
    i = 0
    while i < len(clause):
        word, tag = clause[i]
        if tag == "p" and word not in ("把", "被"):
            i = _behind_setting(clause, i)
        elif word in within("joining") or tag in "td" or word in within("timed"):
            i += 1
        else:
            break
    return min(i, len(clause))


def _behind_setting(clause: Sequence[Token], i: int) -> int:
    for j in range(i + 1, min(len(clause), i + 9)):
        last = clause[j].tag in "fs" or clause[j].word in ("时", "时候", "后", "看来", "来说")
        if last:
            return j + 1
    return i + 1 + (i + 1 < len(clause))


def _starts_predicate(clause: Sequence[Token], i: int, start: int) -> bool:
    word, tag = clause[i]
    if _is_noun_here(clause, i, start):
        return False
    if tag == "q":
        return False
    if tag == "c":
        return word not in ("和", "与", "或", "及", "或者")
    if tag == "l" and i == start and not is_predicate(word) and _goes_on(clause, i):
        return False  # a compound that the segmenter has no name for: "电脑系统"
    if i > start and word.endswith(("岁", "元", "块钱")):
        return True  # a number can be the predicate: "他六岁"
    helping = ("can", "should", "plan", "deny", "notyet")
    verbal = tag in "vdpazil" and word not in within("person")
    known = is_predicate(word) and tag != "n"
    return verbal or known or any(word in within(name) for name in helping)


def _goes_on(clause: Sequence[Token], i: int) -> bool:
    """Whether a predicate stands right behind a token."""
    after = clause[i + 1] if i + 1 < len(clause) else Token("", "")
    return after.tag in "vadz" or is_predicate(after.word)


def _is_noun_here(clause: Sequence[Token], i: int, start: int) -> bool:
    """Whether a word that can be a verb belongs to the subject, by what stands round it."""
    word, tag = clause[i]
    if word in BE:
        return False
    before = clause[i - 1] if i > start else Token("", "")
    after = clause[i + 1] if i + 1 < len(clause) else Token("", "")
    behind = clause[i + 2] if i + 2 < len(clause) else Token("", "")
    if (
        word in DUAL
        and after.tag == "n"
        and not is_person(after.word)
        and (behind.tag in "adz" or is_predicate(behind.word))
    ):
        return True  # "他工作能力差"
    if word in DUAL and before.tag in ("n", "r") and after.tag in ("m", "n", "r"):
        return False
    described = before.word == "的" or before.word[:1] in ("这", "本") and before.tag in "rm"  # noqa: RUF021
    if described and (word in DUAL or (tag in "nvai" and after.tag in ("d", "v", "a", "z", "c"))):
        return True
    told = after.tag in ("d", "a", "z", "f") or after.word in _AFTER_NOUN
    if word in DUAL and (tag == "n" or told):
        return True
    attribute = tag == "a" and after.tag == "n" and i == start
    return attribute or word in within("noun") or (word == "该" and after.tag == "n")


def _relative(clause: Sequence[Token], i: int, start: int) -> int:
    """How far to go on where a predicate only describes a noun: "妈妈[做的]菜很好吃"."""
    has = clause[i].word in ("有", "没有", *BE) and i > start and clause[i - 1].tag in "nr"
    if has or clause[i].tag == "p":
        return 0
    for j in range(i + 1, min(len(clause) - 1, i + 7)):
        if clause[j].word in ("了", "过", "着"):
            return 0  # what is done already is no attribute
        if clause[j].word != "的" or clause[j + 1].tag not in "nrmj":
            continue
        close = clause[j - 1].tag in "vau" or is_predicate(clause[j - 1].word)
        rest = clause[j + 2 :]
        if (close or i == start) and any(t.tag in "vdazpil" for t in rest[:3]):
            return j + 1 - i
    return 0


def _to_be(clause: Sequence[Token], i: int, start: int) -> int:
    """How far it is to 是 where a noun that can be a verb stands before it: "文化交流是桥梁"."""
    named = clause[i].word in DUAL or clause[i].tag != "v"
    if not named or i == start or len(clause[i].word) < 2 or clause[i].tag in "dp":
        return 0
    return int(clause[i + 1].word in BE) if i + 1 < len(clause) else 0


def _frame(
    subject: list[Token], clause: Sequence[Token], at: int, links: frozenset[str],
    tokens: Sequence[Token],
) -> Frame:  # fmt: skip
    """The frame of the main clause."""
    named, person = turn(subject)
    frame = Frame(named, person, links=links)
    k = at
    while k < len(clause) - 1 and (not _is_main(clause, k) or _describes(clause, k)):
        end = _phrase(clause, k + 1)
        frame = _with_phrase(frame, clause[k], clause[k + 1 : end])
        k = end if clause[k].tag == "p" or clause[k].word in within("with") else k + 1
    k = min(k, len(clause) - 1)
    before = [t.word for t in clause[at:k] if t.word in MODALS]
    if clause[k].word in ("去", "来", "开始", "继续", "进行", "学会") and k + 1 < len(clause):
        k += is_predicate(clause[k + 1].word)
    mood = _mood(clause, at, k, tokens)
    return frame._replace(
        predicate=clause[k].word,
        adjectival=clause[k].tag in "az",
        modal=before[-1] if before else "",
        mood=mood,
        object=tuple(clause[k + 1 :]),
        named=tuple(subject),
        verbal=clause[k].tag == "v" and len(clause[k].word) == 2,
        acting=clause[k].tag == "v",
        idiom=clause[k].tag in "il" and len(clause[k].word) == 4,
        before=tuple(clause[at:k]),
        time=next((t.word for t in tokens if t.word in within("timed")), ""),
        addressed=_addressed(subject, tokens, mood),
    )


def _with_phrase(frame: Frame, first: Token, rest: Sequence[Token]) -> Frame:
    """A frame with what stands before the verb and is brought in by a preposition."""
    word = first.word
    turned = "".join(TURN.get(t.word, t.word) for t in rest)
    short = bool(rest) and len(turned) <= LONGEST
    if word == "被":
        return frame._replace(passive=True)
    if word in _MEANS:
        return frame._replace(means=True)
    if word == "在" and short:
        return frame._replace(place=turned)
    if word == "把" and short:
        return frame._replace(handled=turn(list(rest))[0])
    whom = word in within("with") or word in within("tofor")
    return (
        frame._replace(partner=word + turned)
        if whom and short and is_person(rest[-1].word)
        else frame
    )


def _is_main(clause: Sequence[Token], k: int) -> bool:
    """Whether a token is the main predicate rather than what stands before it."""
    word, tag = clause[k]
    rest = clause[k + 1 :]
    if word in BE:
        return True
    helping = within("can") | within("should") | within("deny") | within("notyet") | (
        within("plan") - {"希望", "决定", "打算", "计划", "准备"})  # fmt: skip
    if word in helping:
        return _governs(word, rest) or not _has_predicate(rest)
    if word == "在":
        return not _has_predicate(clause[_phrase(clause, k + 1) :]) and not _has_predicate(rest[:1])
    after = rest[0] if rest else Token("", "")
    adverbial = tag in "az" and (after.word in ("不", "没") or _has_predicate(rest[:1], "v"))
    if after.word == "地" or adverbial:
        return False  # "仔细地看", "彻底坦白"
    return (tag in "vaizl" or is_predicate(word)) and tag not in "dpn"


def _describes(clause: Sequence[Token], k: int) -> bool:
    """Whether a predicate is an attribute, or a noun that has one, with the main one behind it."""
    before, after = clause[k - 1].word if k else "", clause[k + 1]
    behind = clause[k + 2] if k + 2 < len(clause) else Token("", "")
    later = any(t.tag == "v" for t in clause[k + 2 :])
    if before == "的" and (after.word in ("会", "能", "是", "使", "让", "要") or after.tag == "d"):
        return later or after.word == "是"
    return after.word == "的" and behind.tag in "nv" and later and clause[k].word not in BE


def _governs(word: str, rest: Sequence[Token]) -> bool:
    """Whether a helping verb has an object of its own: "要一杯水", "想他"."""
    if not rest:
        return False
    if word == "想":
        return is_person(rest[0].word)
    return word in ("要", "想要", "没有", "没", "会") and _is_object(rest[0])


def _has_predicate(tokens: Sequence[Token], tags: str = "vaizl") -> bool:
    return any(t.tag in tags or is_predicate(t.word) for t in tokens)


def _is_object(token: Token) -> bool:
    other = is_predicate(token.word) or token.word in ("时候", "一起", "一下")
    return token.tag in "mnq" and not other


def _phrase(clause: Sequence[Token], i: int) -> int:
    """The end of the noun phrase that starts at i."""
    if i + 1 < len(clause) and clause[i].tag == "v" and clause[i + 1].tag in "dva":
        i += clause[i].word in within("named")  # "向组织汇报"
    while i < len(clause) and (
        clause[i].tag in "nrsfmqjt"
        or clause[i].word in ("的", "和")
        or (clause[i].word in DUAL and i + 1 < len(clause) and clause[i + 1].tag in "fu")
    ):
        i += 1
    return i


def _mood(clause: Sequence[Token], at: int, k: int, tokens: Sequence[Token]) -> str:
    """When and how the predicate holds: the first mood that a word of it shows."""
    before, near = {t.word for t in clause[:k]}, {t.word for t in clause[at:k]}
    everywhere = {t.word for t in tokens}
    after = [t.word for t in clause[k + 1 :]]
    denied = near & within("deny") and "小心" not in near  # "不小心": by accident
    denied = denied or clause[k].word in within("deny") or after[:1] in (["不"], ["不到"], ["不了"])
    wants = bool(at) and is_person(clause[at - 1].word) and clause[at - 1].word not in _TOLD
    must = "要" in near and not wants
    planned = everywhere & (within("plan") - {"想", "要"})
    shown = (
        ("notyet", near & within("notyet")),
        ("not", denied),
        ("should", near & within("should")),
        ("plan", must and everywhere & within("timed")),
        ("should", must),
        ("can", near & within("can") and not planned),
        ("any", near & {"太", "最", "越来越", "非常", "真"}),
        ("plan", before & within("plan") or everywhere & _PLANS),
        ("habit", before & within("habit")),
        ("now", "正在" in near or clause[k - 1].word == "在" or "着" in after[:1]),
        (
            "past",
            everywhere & within("past") or "过" in after[:2] or "了" in after[:2] + after[-1:],
        ),
    )
    return next((mood for mood, holds in shown if holds), "any")


def _addressed(subject: list[Token], tokens: Sequence[Token], mood: str) -> bool:
    """Whether a sentence tells the other what to do, or says a rule."""
    starts = {t.word for i, t in enumerate(tokens) if i == 0 or tokens[i - 1].tag == "w"}
    words = {t.word for t in tokens}
    orders = within("order") - ({"快"} if "了" in words else set())  # "快考试了" is none
    if orders & starts or words & within("forbid"):
        return True
    you = bool(subject) and subject[0].word in ("你", "您", "你们", "我们", "咱们", "大家")
    told = mood == "should" or bool(words & {"不要", "别", "不准", "要"} and mood != "plan")
    return (you or not subject) and told
