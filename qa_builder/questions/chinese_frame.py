"""The frame of a Chinese sentence: who or what does what, in which mood, and what is told besides.

No parser: the main clause is picked by its connectives, its subject is what stands before the first
predicate, cut down to its head. Every doubt ends in an empty field, for which no question is asked.
(Ours.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from qa_builder.questions.chinese_words import DUAL, Token, is_person, is_predicate, within

_NOUN = frozenset("nrmqsjkg")  # tags of what a subject is made of
TURN = {"我": "你", "我们": "你们", "咱们": "我们", "咱": "我们", "你": "我", "您": "我",
         "你们": "我们", "我家": "你家", "你家": "我家", "我国": "我国", "俺": "你", "本人": "你"}  # fmt: skip
BE = ("是", "就是", "不是", "并不是", "都是", "也是", "才是")
MODALS = frozenset(["想", "要", "会", "能", "可以", "能够", "打算", "准备", "决定", "希望", "必须", "应该", "应当",
                    "需要", "愿意", "敢", "该", "喜欢", "想要", "将", "将要"])  # fmt: skip
PRONOUNS = frozenset(
    ["我", "你", "您", "他", "她", "它", "我们", "你们", "他们", "她们", "它们", "咱们"]
)
_AFTER = frozenset(
    ["后", "时", "前", "之后", "之前", "以后", "以前", "时候", "期间", "过后", "间", "之间"]
)
_SOME = frozenset(
    [
        "许多",
        "很多",
        "一些",
        "有些",
        "不少",
        "大多数",
        "每",
        "所有",
        "各",
        "各种",
        "一个",
        "一种",
        "任何",
        "那么",
    ]
)
_PLACES = frozenset(
    ["超市", "警察", "知识", "睡眠", "快递", "运动会"]
)  # nouns that are tagged as verbs
_SINGLE = frozenset("我他她你它人钱菜书水车酒狗猫花这那")  # subjects of one character
_LONGEST = 6  # characters of a subject that a question repeats


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
    links: frozenset[str] = frozenset()  # because, purpose, if, only, more, differ
    addressed: bool = False  # advice to the asker, an order, or a rule
    calling: bool = False  # somebody is called by name first

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
    clauses = _clauses(tokens)
    calling = _calls(clauses)
    if calling:
        clauses = clauses[1:]
    found = {i: _subject(c) for i, c in enumerate(clauses)}
    turned = {i: _turn(found[i][0]) for i in found}
    order = sorted(
        found, key=lambda i: (_is_minor(clauses[i]), not turned[i][0], not turned[i][1], i)
    )
    main = next((i for i in order if found[i][1] < len(clauses[i])), None)
    links = frozenset(_links(clauses))
    if main is None:
        return Frame(links=links, calling=calling)
    subject, at = found[main]
    if not subject:  # Chinese drops a subject that was named before
        named = [found[i][0] for i in range(main) if found[i][0] and found[i][1] < len(clauses[i])]
        subject = named[-1] if named else []
    return _frame(subject, clauses[main], at, links, tokens)._replace(calling=calling)


def _is_minor(clause: Sequence[Token]) -> bool:
    return clause[0].word in within("subordinate") or clause[-1].word in _AFTER


def _calls(clauses: Sequence[Sequence[Token]]) -> bool:
    """Whether a sentence starts by calling somebody: "爸爸，帮我…"."""
    if len(clauses) < 2 or len(clauses[0]) != 1:
        return False
    word = clauses[0][0].word
    return is_person(word) and word not in TURN


def _links(clauses: Sequence[Sequence[Token]]) -> Iterator[str]:
    """The connectives that clauses start with, or have behind their subject."""
    for clause in clauses:
        for name in ("because", "purpose", "if", "only"):
            if any(t.word in within(name) for t in clause[: 1 if name == "only" else 2]):
                yield name
        for name in ("more", "differ"):
            if any(t.word in within(name) for t in clause):
                yield name


def _clauses(tokens: Sequence[Token]) -> list[list[Token]]:
    """The clauses between punctuation marks, without the words that join them."""
    result: list[list[Token]] = [[]]
    for t in tokens:
        if t.tag == "w" and t.word != "、":
            result.append([])
        elif t.tag != "w":
            result[-1].append(t)
    return [c for c in result if c]


def _subject(clause: Sequence[Token]) -> tuple[list[Token], int]:
    """The subject's tokens and where the predicate starts (the length if there is none)."""
    start = _skip_setting(clause)
    i = start
    while i < len(clause):
        jump = _relative(clause, i, start) if _starts_predicate(clause, i, start) else 0
        if not jump and _starts_predicate(clause, i, start):
            return list(clause[start:i]), i
        i += jump or 1
    return list(clause[start:]), len(clause)


def _skip_setting(clause: Sequence[Token]) -> int:
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
    after = clause[i + 1] if i + 1 < len(clause) else Token("", "")
    if i > start and clause[i - 1].word in ("的", "这场", "这次", "本次", "这项", "这份", "这个"):
        if word in DUAL or tag in "nvai" and (after.tag in "dvaz" and tag != "d"):  # noqa: RUF021
            return False
    before = clause[i - 1] if i > start else Token("", "")
    if word in DUAL and before.tag in ("n", "r") and after.tag in ("m", "n", "r"):
        return True
    if word in _PLACES or (word == "该" and after.tag == "n"):
        return False
    if word in DUAL and (
        tag == "n"
        or (after.tag in "dazf" or after.word in ("是", "和", "能", "会", "要", "让", "的"))
    ):  # noqa: E501
        return False
    if tag == "c":
        return word not in ("和", "与", "或", "及", "或者")
    if word in within("can") | within("should") | within("plan") | within("deny") | within(
        "notyet"
    ):
        return True
    if tag == "a" and after.tag == "n" and i == start:
        return False
    return tag in "vdpazil" and word not in within("person") or is_predicate(word) and tag != "n"  # noqa: RUF021


def _relative(clause: Sequence[Token], i: int, start: int) -> int:
    """How far to go on where a predicate only describes a noun: "妈妈[做的]菜很好吃"."""
    for j in range(i + 1, min(len(clause) - 1, i + 7)):
        if clause[j].word != "的" or clause[j + 1].tag not in "nrmj":
            continue
        close = clause[j - 1].tag in "vau" or is_predicate(clause[j - 1].word)
        rest = clause[j + 2 :]
        if (close or i == start) and any(t.tag in "vdazpil" for t in rest[:3]):
            return j + 1 - i
    return 0


def _frame(
    subject: list[Token], clause: Sequence[Token], at: int, links: frozenset[str],
    tokens: Sequence[Token],
) -> Frame:  # fmt: skip
    """The frame of the main clause."""
    named, person = _turn(subject)
    frame = Frame(named, person, links=links)
    k = at
    while k < len(clause) - 1 and not _is_main(clause, k):
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
        time=next((t.word for t in tokens if t.word in within("timed")), ""),
        addressed=_addressed(subject, tokens, mood),
    )


def _with_phrase(frame: Frame, first: Token, rest: Sequence[Token]) -> Frame:
    """A frame with what stands before the verb and is brought in by a preposition."""
    word = first.word
    turned = "".join(TURN.get(t.word, t.word) for t in rest)
    if word == "被":
        return frame._replace(passive=True)
    if word in ("用", "通过", "按照", "靠", "以", "凭", "根据", "按"):
        return frame._replace(means=True)
    if not rest or len(turned) > _LONGEST:
        return frame
    if word == "在":
        return frame._replace(place=turned)
    if word == "把":
        head = _turn(list(rest))[0]
        return frame._replace(handled=head)
    if word in within("with") or word in within("tofor"):
        return frame._replace(partner=word + turned) if is_person(rest[-1].word) else frame
    return frame


def _is_main(clause: Sequence[Token], k: int) -> bool:
    """Whether a token is the main predicate rather than what stands before it."""
    word, tag = clause[k]
    rest = clause[k + 1 :]
    helping = within("can") | within("should") | within("deny") | within("notyet") | (
        within("plan") - {"希望", "决定", "打算", "计划", "准备"})  # fmt: skip
    if word in BE:
        return True
    if word in helping:
        if word in ("要", "想要", "没有", "没", "会") and rest and _is_object(rest[0]):
            return True
        if word == "想" and rest and is_person(rest[0].word):
            return True
        return not any(t.tag in "vaizl" or is_predicate(t.word) for t in rest)
    if word == "在":
        end = _phrase(clause, k + 1)
        return not any(t.tag in "vai" or is_predicate(t.word) for t in clause[end:]) and not (
            rest and (rest[0].tag == "v" or is_predicate(rest[0].word))
        )
    after = rest[0] if rest else Token("", "")
    if after.word == "地" or (tag in "az" and (after.tag == "v" or is_predicate(after.word))):
        return False  # an adverbial: "仔细地看", "彻底坦白"
    return (tag in "vaizl" or is_predicate(word)) and tag not in "dpn"


def _is_object(token: Token) -> bool:
    return (
        token.tag in "mnq"
        and not is_predicate(token.word)
        and token.word not in ("时候", "一起", "一下")
    )  # noqa: E501


def _phrase(clause: Sequence[Token], i: int) -> int:
    """The end of the noun phrase that starts at i."""
    while i < len(clause) and (clause[i].tag in "nrsfmqjt" or clause[i].word in ("的", "和")):
        i += 1
    return i


def _mood(clause: Sequence[Token], at: int, k: int, tokens: Sequence[Token]) -> str:
    """When and how the predicate holds: the first mood that a word of it shows."""
    before = {t.word for t in clause[:k]}
    near = {t.word for t in clause[at:k]}
    everywhere = {t.word for t in tokens}
    after = [t.word for t in clause[k + 1 :]]
    if near & within("notyet"):
        return "notyet"
    if near & within("deny") or clause[k].word in within("deny"):
        return "not"
    if near & within("should"):
        return "should"
    if "要" in near and not (at and clause[at - 1].word in ("我", "他", "她", "他们", "她们")):
        return "plan" if everywhere & within("timed") else "should"
    if near & {"会", "能", "能够", "可以", "可"} and not everywhere & (
        within("plan") - {"想", "要"}
    ):
        return "can"
    if near & {"太", "最", "越来越", "非常", "真"}:
        return "any"
    if before & within("plan") or everywhere & {"明天", "将", "下周", "即将", "就要", "打算"}:
        return "plan"
    if before & within("habit"):
        return "habit"
    if "正在" in near or "在" in {t.word for t in clause[max(at, k - 1) : k]} or "着" in after[:1]:
        return "now"
    past = everywhere & within("past") or "过" in after[:2] or "了" in after[:2] + after[-1:]
    return "past" if past else "any"


def _addressed(subject: list[Token], tokens: Sequence[Token], mood: str) -> bool:
    """Whether a sentence tells the other what to do, or says a rule."""
    starts = [t.word for i, t in enumerate(tokens) if i == 0 or tokens[i - 1].tag == "w"]
    if {"请", "不要", "别", "千万", "禁止", "不准", "严禁", "切勿"} & set(starts):
        return True
    words = {t.word for t in tokens}
    you = bool(subject) and subject[0].word in ("你", "您", "你们", "我们", "咱们", "大家")
    told = mood == "should" or bool(words & {"不要", "别", "不准", "请", "要"})
    return (you or not subject) and told


def _turn(subject: list[Token]) -> tuple[str, bool]:
    """A subject cut down to its head, person turned round, and whether it is a person's."""
    tokens = [t for t in subject if t.tag not in "dp"]
    while tokens and (
        tokens[-1].tag in "tm" or tokens[-1].word in ("这时", "那时", "现在", "每次")
    ):
        tokens.pop()
    if not tokens:
        return "", False
    if tokens[-1].word in _AFTER:  # "毕业后": a time, but for who stands before it
        tokens = tokens[:1] if is_person(tokens[0].word) else []
    owner, tokens = _part_owner(tokens)
    if tokens and tokens[0].word in PRONOUNS and not all(map(_belongs, tokens[1:])):
        tokens = tokens[:1]
    while (
        tokens
        and tokens[0].word[0] not in "这那第"
        and (tokens[0].tag in "mq" or tokens[0].word in _SOME)
    ):
        tokens = tokens[1:]
    if not all(_is_nominal(t) for t in tokens):
        tokens = [t for t in tokens[-1:] if _is_nominal(t)]
    if not tokens or tokens[-1].word in within("nosubject") or tokens[-1].tag in "mqkt":
        return "", False
    if tokens[-1].tag == "f" and len(tokens) < 2:
        return "", False
    name = _name(owner, tokens)
    short = len(name) == 1 and name not in _SINGLE
    good = len(name) <= _LONGEST + 2 and name not in within("nosubject") and not short
    return (name, is_person(tokens[-1].word)) if good else ("", False)


def _part_owner(tokens: list[Token]) -> tuple[str, list[Token]]:
    """Who has the head of a noun phrase, where that is a single pronoun; and the head."""
    of = [i for i, t in enumerate(tokens) if t.word == "的"]
    if not of:
        return "", tokens
    owner = tokens[: of[-1]]
    pronoun = len(owner) == 1 and owner[0].word in PRONOUNS
    return owner[0].word if pronoun else "", tokens[of[-1] + 1 :]


def _belongs(token: Token) -> bool:
    """Whether a noun can follow a pronoun without 的: "我妈妈", "我们学校", "我和他"."""
    near = (
        "学校",
        "公司",
        "家",
        "班",
        "俩",
        "两",
        "和",
        "与",
        "小区",
        "单位",
        "宿舍",
        "国家",
        "厂",
    )
    return is_person(token.word) or token.word in near


def _is_nominal(token: Token) -> bool:
    word, tag = token
    sound = len(word) <= 4 and word[0] not in "不没很远被把" or is_person(word)  # noqa: RUF021
    return sound and (tag in "nrjqsbmf" or word in DUAL or word in ("和", "与"))


def _name(owner: str, tokens: Sequence[Token]) -> str:
    """The subject as a question says it."""
    words = [TURN.get(t.word, t.word) for t in tokens]
    if len("".join(words)) > _LONGEST:
        words = words[:1] if tokens[0].word in PRONOUNS else words[-1:]
    if owner:
        return "".join([TURN.get(owner, owner), "的", *words])
    return "".join(["你", *words] if tokens[0].word in within("kin") else words)
