"""The subject of a Chinese sentence as the question says it: its head, with its person turned round.

"我的手机" becomes "你的手机", "妈妈" becomes "你妈妈", "很多老师" becomes "老师". (Ours.)
"""

from __future__ import annotations

from collections.abc import Sequence

from qa_builder.questions.chinese_words import DUAL, Token, is_person, within

TURN = {"我": "你", "我们": "你们", "咱们": "我们", "咱": "我们", "你": "我", "您": "我", "你们": "我们",
        "我家": "你家", "你家": "我家", "俺": "你", "本人": "你"}  # fmt: skip
PRONOUNS = frozenset([
    "我", "你", "您", "他", "她", "它", "我们", "你们", "他们", "她们", "它们", "咱们",
])  # fmt: skip
LONGEST = 6  # characters of a subject that a question repeats
_TIMES = ("时候", "时", "天", "时间", "人", "里", "年", "月")
_LATELY = ("最近", "之前", "以前", "以后")
_ADVERBS = frozenset(["有些", "天生", "简直", "本身", "其实", "往往", "有时"])  # tagged otherwise
_PEOPLE = ("人", "人们", "每个人", "所有人", "任何人", "大多数人", "许多人", "很多人")
_VAGUE = frozenset([
    "什么", "这样", "那样", "这种", "那种", "其他", "别的", "所有", "各种", "某种", "自己", "一切",
])  # fmt: skip
_OWNED = "家病狗猫手脸头书车眼心钱包话腿脚嘴房床门店字画歌酒菜饭茶鱼花树船"  # with one character
_CUT = "时后前每能都也就很真更最总专没不还"  # what a name ends with that was cut amiss
_SINGLE = frozenset("我他她你它人钱菜书水车酒狗猫花这那")  # subjects of one character


def turn(subject: list[Token]) -> tuple[str, bool]:
    """A subject cut down to its head, person turned round, and whether it is a person's."""
    subject = _noun_last(subject)
    if people := _people(subject):
        return people, True
    of = max((i for i, t in enumerate(subject) if t.word == "的"), default=0)
    adverb = next((i for i, t in enumerate(subject) if i > of and _is_adverb(t)), len(subject))
    tokens = [t for t in subject[:adverb] if t.tag not in "dp"]
    if not tokens or tokens[0].word in ("和", "与", "跟"):
        return "", False
    if kept := _of_thing(tokens):
        return kept, False
    tokens = _without_times(tokens)
    if any(t.tag == "d" for t in subject[1:of]) and tokens:  # "我最喜欢的颜色"
        said = "".join(TURN.get(t.word, t.word) for t in tokens)
        return (said, False) if len(said) <= LONGEST + 2 and tokens[-1].tag == "n" else ("", False)
    owner, tokens = _head(tokens)
    return _checked(_name(owner, tokens), tokens) if tokens else ("", False)


def _without_times(tokens: list[Token]) -> list[Token]:
    """A subject without the times at its ends."""
    while tokens and (tokens[0].tag == "t" or tokens[0].word in _LATELY):
        tokens = tokens[1:]
    while tokens and (
        tokens[-1].tag in "tm"
        or tokens[-1].word[0] == "每"
        or tokens[-1].word in within("timed")
        or tokens[-1].word in ("这时", "那时", "现在", *_LATELY)
    ):
        tokens = tokens[:-1]
    if tokens and tokens[-1].word in within("after"):  # "毕业后": but for who stands before it
        tokens = tokens[:1] if is_person(tokens[0].word) else []
    return tokens


def _head(tokens: list[Token]) -> tuple[str, list[Token]]:
    """Who has the head of a subject, if a single person, and the head without numbers."""
    owner, tokens = _part_owner(tokens)
    if tokens and tokens[-1].word in PRONOUNS and not any(t.word in ("和", "与") for t in tokens):
        tokens = tokens[-1:]
    things = len(tokens) in (2, 3) and all(t.tag == "n" for t in tokens[1:])
    if things and tokens[0].word in "我你他她" and not any(map(_belongs, tokens[1:])):
        owner, tokens = tokens[0].word, tokens[1:]  # "我手机号码"
    if tokens and tokens[0].word in PRONOUNS and not all(map(_belongs, tokens[1:])):
        tokens = tokens[:1]
    while (
        tokens
        and tokens[0].word[0] not in "这那第"
        and (tokens[0].tag in "mq" or tokens[0].word in within("some"))
    ):
        tokens = tokens[1:]
    if not all(_is_nominal(t) for t in tokens):
        tokens = [t for t in tokens[-1:] if _is_nominal(t)]
    return owner, tokens


def _checked(name: str, tokens: Sequence[Token]) -> tuple[str, bool]:
    """A name that a question can be asked of, and whether it is a person's; empty for another."""
    first, last = tokens[0].word, tokens[-1]
    this = first[0] in "这那" and last.word not in _TIMES
    vague = last.word in within("nosubject") or name in within("nosubject")
    place = last.tag == "f" and len(tokens) < 2
    cut = (len(name) > 1 and (name[-1] in _CUT or name[0] in "时后前中上下")) or name[-2:] in (
        "每个",
        "并不",
    )
    short = len(name) == 1 and name not in _SINGLE
    bare = this and len(name) == 2 and name not in ("这个", "那个", "这里", "那里")  # "这家"
    bare = bare or ("的" in name and len(last.word) == 1 and last.word not in _OWNED)
    odd = (
        bare
        or place
        or cut
        or short
        or last.tag in "mqkt"
        or (first[0] == "人" and name != "人们" and first != "人民" and len(name) < 3)
    )
    most = LONGEST if this and vague else LONGEST + 3
    if odd or (vague and not this) or len(name) > most:
        return "", False
    return name, is_person(last.word)


def _of_thing(tokens: list[Token]) -> str:
    """A short thing of a thing or of a place: "上海的消费", "家里的虫"; else empty."""
    name = _join(tokens)
    if len(name) > LONGEST + 1 or [t.word for t in tokens].count("的") != 1:
        return ""
    of = next(i for i, t in enumerate(tokens) if t.word == "的")
    owner, head = tokens[:of], tokens[of + 1 :]
    if not owner or len(head) != 1 or is_person(head[0].word) or is_person(owner[-1].word):
        return ""
    sound = all(t.tag in "nsrjf" for t in owner) and head[0].tag in "nv" and len(head[0].word) > 1
    known = head[0].word not in within("nosubject") and owner[0].word not in _VAGUE
    whose = any(t.word in TURN or t.word in PRONOUNS for t in owner)
    return name if sound and known and not whose else ""


def _join(tokens: Sequence[Token]) -> str:
    return "".join(t.word for t in tokens)


def _noun_last(subject: list[Token]) -> list[Token]:
    """A subject whose last word is a verb that has an attribute, and so is a noun: "你的伤"."""
    if len(subject) < 2 or subject[-1].tag not in "va":
        return subject
    before = subject[-2].word
    described = before == "的" or before[0] in "这那每本"
    return [*subject[:-1], Token(subject[-1].word, "n")] if described else subject


def _people(subject: Sequence[Token]) -> str:
    """Who is meant by "many people" and by "people who ..."; else empty."""
    while subject and (_is_adverb(subject[-1]) or subject[-1].tag == "t"):
        subject = subject[:-1]
    if not subject or subject[-1].word not in _PEOPLE:
        return ""
    if subject[0].word[0] in "这那" and len(subject) < 4:
        return _join(subject)
    if all(t.tag in "mqrn" for t in subject) and subject[0].word not in PRONOUNS:
        return "大家"
    said = "".join(TURN.get(t.word, t.word) for t in subject)
    who = len(subject) > 2 and subject[-2].word == "的" and subject[0].tag in "vanb"
    return said if who and len(said) <= LONGEST + 2 else ""


def _is_adverb(token: Token) -> bool:
    return token.tag in "dp" or token.word in _ADVERBS


def _part_owner(tokens: list[Token]) -> tuple[str, list[Token]]:
    """Who has the head of a noun phrase, where that is a single person; and the head."""
    of = [i for i, t in enumerate(tokens) if t.word == "的"]
    if not of:
        return "", tokens
    owner, head = tokens[: of[-1]], tokens[of[-1] + 1 :]
    known = len(owner) == 1 and (owner[0].word in PRONOUNS or owner[0].word in within("person"))
    if known:
        return owner[0].word, head
    return "", [t for t in head if t.word not in within("kin")]  # whose they are is lost


def _belongs(token: Token) -> bool:
    """Whether a noun can follow a pronoun without 的: "我妈妈", "我们学校", "我和他"."""
    near = (
        "学校",
        "家里",
        "身上",
        "班里",
        "办公室",
        "教室",
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
    if tag == "l":
        return len(word) == 4
    sound = len(word) <= 4 and word[0] not in "不没很远被把" or is_person(word)  # noqa: RUF021
    return sound and (tag in "nrjqsbmf" or word in DUAL or word in ("和", "与"))


def _name(owner: str, tokens: Sequence[Token]) -> str:
    """The subject as a question says it."""
    words = [TURN.get(t.word, t.word) for t in tokens]
    if len("".join(words)) > LONGEST:
        words = words[:1] if tokens[0].word in PRONOUNS else words[-1:]
    if owner:
        mine = "你" if owner in within("kin") else ""
        return "".join([mine, TURN.get(owner, owner), "的", *words])
    return "".join(["你", *words] if tokens[0].word in within("kin") else words)
