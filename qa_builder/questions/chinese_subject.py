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
_SINGLE = frozenset("我他她你它人钱菜书水车酒狗猫花这那")  # subjects of one character


def turn(subject: list[Token]) -> tuple[str, bool]:
    """A subject cut down to its head, person turned round, and whether it is a person's."""
    adverb = next((i for i, t in enumerate(subject) if i and t.tag in "dp"), len(subject))
    tokens = [t for t in subject[:adverb] if t.tag not in "dp"]
    if tokens and tokens[0].word in ("和", "与", "跟"):
        return "", False
    while tokens and (tokens[0].tag == "t" or tokens[0].word in ("最近", "之前", "以前", "以后")):
        tokens = tokens[1:]
    while tokens and (
        tokens[-1].tag in "tm" or tokens[-1].word in ("这时", "那时", "现在", "每次")
    ):
        tokens.pop()
    if not tokens:
        return "", False
    if tokens[-1].word in within("after"):  # "毕业后": a time, but for who stands before it
        tokens = tokens[:1] if is_person(tokens[0].word) else []
    owner, tokens = _part_owner(tokens)
    if tokens and tokens[-1].word in PRONOUNS and not any(t.word in ("和", "与") for t in tokens):
        tokens = tokens[-1:]
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
    if not tokens or tokens[-1].word in within("nosubject") or tokens[-1].tag in "mqkt":
        return "", False
    if tokens[-1].tag == "f" and len(tokens) < 2:
        return "", False
    name = _name(owner, tokens)
    short = len(name) == 1 and name not in _SINGLE
    good = len(name) <= LONGEST + 3 and name not in within("nosubject") and not short
    return (name, is_person(tokens[-1].word)) if good else ("", False)


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
    if len("".join(words)) > LONGEST:
        words = words[:1] if tokens[0].word in PRONOUNS else words[-1:]
    if owner:
        mine = "你" if owner in within("kin") else ""
        return "".join([mine, TURN.get(owner, owner), "的", *words])
    return "".join(["你", *words] if tokens[0].word in within("kin") else words)
