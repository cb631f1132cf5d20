"""A Chinese clause cut to its bones: who or what, its verb, and the head of its object. (Ours.)

"很多企业都对外发行了自己公司的股票" is 企业 + 发行 + 了 + 股票: attributes, adverbs and phrases of prepositions
are dropped. Only a clause that is such all through has bones; every doubt gives none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qa_builder.questions.chinese_frame import BE, MODALS
from qa_builder.questions.chinese_phrases import COMPLEMENTS, join
from qa_builder.questions.chinese_place import without_lead
from qa_builder.questions.chinese_subject import PRONOUNS, TURN
from qa_builder.questions.chinese_words import DUAL, Token, is_person, within

NAME, HEAD = 6, 5  # characters of a name, and of the head of an object, that a question keeps
_ASPECTS = ("了", "过")
_NO_VERB = frozenset(["有", "没有", "没", "无", "让", "使", "令", "叫", "像", "如", "似", "等", "为", "成", "当", "出", "算",
                      "作为", "成为", "变成", "变得", "属于", "在", "去", "来", "到", "说", "得", "对", "比", "需", "需要", "上", "下", "里", "托", "于", "起", "过", "处于", "保持", "说是", "听说", "据说"])  # fmt: skip
_NO_NAME = frozenset(["自己", "什么", "谁", "这", "那", "它", "它们", "其", "此", "大家", "人家", "别人", "我", "你", "您", "人", "事", "一切"])  # fmt: skip
_WHOSE = frozenset([*PRONOUNS, "自己", "别人", "人家"])
_DOUBTFUL = frozenset(
    [
        "只",
        "难以",
        "并非",
        "仿佛",
        "好像",
        "似乎",
        "就像",
        "差点",
        "差点儿",
        "不仅",
        "不但",
        "既",
        "越",
        "再",
    ]
)
_SETTINGS = ("时", "时候", "后", "以后", "之后", "前", "以前", "之前", "期间")


class Bones(NamedTuple):
    """The bones of a clause; strings are empty where there is nothing."""

    name: str  # who or what, person turned round; empty where it is not named
    person: bool
    verb: str  # with its complement
    aspect: str  # 了 or 过
    head: str  # of the object
    modal: str
    denied: bool
    rest: tuple[Token, ...]  # from behind the verb on


def bones_of(clause: Sequence[Token]) -> Bones | None:
    """The bones of a clause that is a name, a verb and a noun phrase; None for any other."""
    plain = list(without_lead(clause))
    start = behind_setting(plain)
    at = end_of_name(plain, start)
    name = name_of(plain[start:at])
    if at > start and not name:
        return None
    verb, modal, denied = _verb(plain, at)
    if verb < 0:
        return None
    end, aspect = verb + 1, ""
    while end < len(plain) and (plain[end].word in COMPLEMENTS or plain[end].word in _ASPECTS):
        aspect = plain[end].word if plain[end].word in _ASPECTS else aspect
        end += 1
    rest = plain[end:]
    if rest and plain[verb].word in within("intransitive") | DUAL:
        return None
    if rest and rest[-1].word == "了":
        rest, aspect = rest[:-1], "了"
    head = head_of(rest)
    if rest and not head:
        return None
    said = join([t for t in plain[verb:end] if t.word not in _ASPECTS])
    person = at > start and (is_person(plain[at - 1].word) or plain[at - 1].word in PRONOUNS)
    return Bones(name, person, said, aspect, head, modal, denied, tuple(rest))


def behind_setting(clause: Sequence[Token]) -> int:
    """Where a clause goes on behind its time and the place at its start: "昨天", "在大学里"."""
    i = 0
    while i < len(clause) and (clause[i].tag == "t" or clause[i].word in within("timed")):
        i += 1
    for j in range(i, min(i + 7, len(clause) - 2)):
        if clause[j].word in _SETTINGS and any(t.tag in "va" for t in clause[i:j]):
            return j + 1
        if clause[i].tag == "p" and clause[j].tag in "fs":
            return j + 1
    return i


def end_of_name(clause: Sequence[Token], i: int) -> int:
    """Where the noun phrase ends that starts at i."""
    start = i
    while i < len(clause):
        word, tag = clause[i]
        noun = tag in "nrsjmqbf" or word in ("的", "和", "与", "、")
        verbal = word in DUAL and i + 1 < len(clause) and (
            clause[i + 1].tag in "nda" or (i > start and clause[i - 1].word == "的"))  # fmt: skip
        described = tag in "abz" and i + 1 < len(clause) and clause[i + 1].word == "的"
        if not (noun or verbal or described):
            break
        i += 1
    return i


def name_of(words: Sequence[Token]) -> str:
    """A short name of whom or what a noun phrase is, person turned round; empty for none that serves."""
    of = max((i for i, t in enumerate(words) if t.word == "的"), default=-1)
    head = [t for t in words[of + 1 :] if t.word not in _ADVERBS]
    this = bool(head) and head[0].word[0] in "这那" and of < 0
    while head and not this and (head[0].tag in "mq" or head[0].word in within("some")):
        head = head[1:]
    if not head or head[-1].tag not in "nrsj" or any(t.tag == "f" for t in head):
        return ""
    owner = words[of - 1] if of > 0 else Token("", "")
    said = "".join(TURN.get(t.word, t.word) for t in head)
    if owner.word in _WHOSE and owner.word != "自己":
        said = f"{TURN.get(owner.word, owner.word)}的{said}"
    elif of < 0 and head[0].word in within("kin"):
        said = "你" + said
    sound = head[-1].word not in _NO_NAME | within("nosubject") | within("vague")
    single = len(said) > 1 or said in ("他", "她", "你")
    this = this and head[-1].tag == "n" and len(said) > 2 and said[1] not in "是些样种"
    cut = said[-1] in "会能要想可应将上里下中" or (said[0] in "这那该此其每各时" and not this)
    return said if sound and single and len(said) <= NAME and not cut else ""


# Words behind a name that are tagged as nouns.
_ADVERBS = frozenset(["一共", "天生", "极力", "实际", "其实", "简直", "往往", "普遍", "最低", "最高", "一般", "总", "有时", "平均", "全部", "一度", "大概", "根本", "主要", "目前", "长期"])  # fmt: skip


def _verb(clause: Sequence[Token], i: int) -> tuple[int, str, bool]:
    """Where the one verb stands that follows a name, the modal before it, and whether it is denied."""
    modal, denied = "", False
    while i < len(clause):
        word, tag = clause[i]
        if tag == "p" and word not in ("把", "被", "比", "为了", "除了"):
            i = _behind_phrase(clause, i + 1)
        elif word in within("deny") or word in within("notyet"):
            denied, i = True, i + 1
        elif word in MODALS and i + 1 < len(clause) and clause[i + 1].tag in "vdp":
            modal, i = word, i + 1
        elif word in _DOUBTFUL:
            return -1, "", False
        elif (
            tag == "d"
            or word == "地"
            or (tag in "az" and i + 1 < len(clause) and clause[i + 1].word == "地")
        ):
            i += 1
        else:
            break
    verb = clause[i] if i < len(clause) else Token("", "-")
    odd = any(c in verb.word for c in "不没无")
    if verb.tag != "v" or odd or verb.word in _NO_VERB | {*BE, *MODALS}:
        return -1, "", False
    return i, modal, denied


def _behind_phrase(clause: Sequence[Token], i: int) -> int:
    """Behind the noun phrase that a preposition brings in."""
    while i < len(clause) and (
        clause[i].tag in "nrsfmqjtb" or clause[i].word in ("的", "和", "与")
    ):
        i += 1
    return i


def head_of(rest: Sequence[Token]) -> str:
    """The head of a noun phrase, with what belongs to it; empty where it is none, or a long one."""
    if (
        not rest
        or rest[-1].tag != "n"
        or any(t.tag in "pcdy" and t.word not in ("和", "与") for t in rest)
    ):
        return ""
    of = max((i for i, t in enumerate(rest) if t.word == "的"), default=-1)
    inner = [t for t in rest[of + 1 :] if t.tag not in "mq"]
    while len(inner) > 1 and inner[0].tag in "abr":
        inner = inner[1:]
    if any(t.tag == "v" and t.word not in DUAL for t in inner) or any(
        t.word in ("和", "与", "、") for t in inner
    ):
        return ""
    before = rest[: max(of, 0)]
    if (
        any(t.word in (*_ASPECTS, "着", "得", "把") for t in before)
        or sum(t.tag == "v" for t in before) > 1
    ):
        return ""
    said = join(inner)
    if len(said) > HEAD:
        said = inner[-1].word
    whose = any(t.word in PRONOUNS for t in inner)
    return said if 1 < len(said) <= HEAD and not whose and inner[-1].word not in _BARE else ""


_BARE = frozenset(
    [
        "东西",
        "事情",
        "人",
        "时候",
        "样子",
        "问题",
        "时间",
        "地方",
        "方面",
        "一样",
        "作用",
        "情况",
        "部分",
        "一种",
    ]
)
