"""The end of a Chinese clause asked for where it stands: "他在网上买了一本词典" - "他在网上买了什么".

What stands before is kept as it is, person turned round, so that no subject or predicate needs to be
understood: only where the noun phrase, the adjective or the amount at the end begins. (Ours.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qa_builder.questions.chinese_frame import BE, MODALS, Frame, clauses_of
from qa_builder.questions.chinese_phrases import Ask, join
from qa_builder.questions.chinese_subject import PRONOUNS, TURN
from qa_builder.questions.chinese_words import DUAL, Token, is_person, within

_LONGEST = 10  # characters that are kept before the verb or the adjective
_TAILS = ("了", "过", "着", "完", "到", "出", "上", "下", "成", "好", "起", "见", "住", "给")
_DEGREE = frozenset(["很", "太", "真", "非常", "也", "都", "越来越", "比较", "最", "更", "特别", "十分", "挺", "有点",
                     "有点儿", "不太", "却", "又", "还", "极其", "相当", "格外", "多么", "不", "并不"])  # fmt: skip
_LEADS = frozenset(["因为", "所以", "但是", "但", "可是", "不过", "而且", "并且", "于是", "然后", "而", "那", "就", "却", "因此",
                    "其实", "原来", "当然", "另外", "同时", "后来", "由于", "虽然", "尽管", "听说", "没想到", "怪不得",
                    "难怪", "看来", "只好", "终于", "突然", "居然", "竟然", "果然", "不但", "不仅", "即使"])  # fmt: skip
_NO_HEAD = frozenset(["时候", "事", "事情", "人", "样子", "地方", "方面", "时间", "问题", "一样", "意思", "原因", "时", "一下", "话"])  # fmt: skip
_ASKING = re.compile(r"[谁哪几吗呢“”《》]|什么|怎么|多少|为何|自己|的话")
_AMOUNT = re.compile(r"[一二两三四五六七八九十百千万几\d]+(?:多|几)?(?:元|块|块钱|美元|万元|个小时|小时|分钟|天|年|个月|岁|米|公里|次|点)?钱?")  # fmt: skip


def on_end(tokens: Sequence[Token], frame: Frame) -> Iterator[Ask]:
    """Ask for the end of each clause that says something, the first clauses first."""
    if frame.addressed or frame.calling:
        return
    for k, clause in enumerate(clauses_of(tokens)):
        plain = without_lead(clause)
        if k and clause[0].word in ("这", "那"):
            continue  # speaks of what was just said
        if len(plain) < 2 or plain[0].word in within("subordinate") | within("order"):
            continue
        yield from _on_noun(plain)
        yield from _on_state(plain)


def without_lead(clause: Sequence[Token]) -> Sequence[Token]:
    """A clause without the connectives at its start, and the particles at its end."""
    start, end = 0, len(clause)
    while start < end and clause[start].word in _LEADS:
        start += 1
    while end > start and clause[end - 1].tag == "y" and clause[end - 1].word != "了":
        end -= 1
    return clause[start:end]


def _on_noun(clause: Sequence[Token]) -> Iterator[Ask]:
    """The noun phrase at the end, behind its verb."""
    verb = next((j for j in range(len(clause) - 1) if _ends_so(clause, j)), -1)
    end = verb + 1
    while 0 < end < len(clause) - 1 and clause[end].word in _TAILS:
        end += 1
    if verb < 0 or not _can_ask_end(clause, verb, end):
        return
    last, phrase = clause[-1], clause[end:]
    first = clause[0].word if clause[0].word in PRONOUNS else ""
    of = [i for i, t in enumerate(phrase) if t.word == "的"]
    slots = {"c": _turned(clause[:verb]), "v": join(clause[verb:end]), "s": TURN.get(first, first)}
    slots["n"] = last.word
    if clause[verb].word in BE:
        own = is_person(last.word)
        if own and first == "我们" and not of:
            slots["c"] = ""
        role = own and (not of or first == "我") and phrase[0].word not in PRONOUNS
        yield Ask("end", "role" if role else "who" if own else "is", join(phrase), slots)
    elif is_person(last.word):
        yield Ask("end", "whom", join(phrase), slots)
    elif not join(clause[verb:end]).endswith("着") and _is_askable(clause, verb, end):
        done = any(t.word in ("了", "过") for t in clause[verb:end])
        mood = "done" if done else "use" if clause[verb].word in _HANDS else "what"
        yield Ask("end", mood, join(phrase), slots)
        if of and of[-1] == len(phrase) - 2 and len(last.word) < 4:
            yield Ask("end", "kind", join(phrase), slots)


def _is_askable(clause: Sequence[Token], verb: int, end: int) -> bool:
    """Whether one asks so, with 什么 in the place of the object of this verb."""
    if verb and clause[0].tag in "vp":
        return False
    known = clause[verb].word in within("askable") or join(clause[verb:end]) in within("askable")
    return known and clause[end].tag not in "avdc"


def _can_ask_end(clause: Sequence[Token], verb: int, end: int) -> bool:
    """Whether what stands behind a verb is all that the clause tells, and can be asked for."""
    last, word, kept = clause[-1], clause[verb].word, clause[:verb]
    before = [t for t in kept if t.word not in MODALS and t.word not in ("去", "来", "的")]
    amiss = (
        last.tag not in ("n", "v", "i", "l", "vn") or last.word in _NO_HEAD,
        not _is_kept(kept) or "只" in join(before),
        (_DENIED | {"把", "将", "被", "让"}) & {t.word for t in kept},
        not all(t.tag in "nrstdpfmqj" for t in before),
        clause[0].word in ("你", "您", "你们") or clause[0].tag in "il",
        word in BE
        and clause[0].word in ("这", "那")
        and last.word in within("nosubject") | within("vague"),
        word in _MOVING or word in within("intransitive") or word[-1] == "饱",
        word == "都是" or (word in BE and "都" in {t.word for t in kept}),
        word in BE and (word.endswith("不是") or (verb and _is_whose(clause[verb - 1], last))),
        clause[end].word[0] in "不得",
    )
    return not any(amiss)


def _is_whose(before: Token, last: Token) -> bool:
    """Whether somebody is said to be a thing: "他是心不在焉"."""
    return is_person(before.word) and not is_person(last.word)


_MOVING = (
    "处于",
    "敢于",
    "做事",
    "称为",
    "担心",
    "吃不消",
    "看医生",
    "走进",
    "进入",
    "回到",
    "到达",
    "来到",
    "赶到",
    "走到",
    "描述",
    "度过",
)
_DENIED = frozenset(["不", "没", "没有", "各", "未", "并不", "从不"])
_HANDS = frozenset("吃喝买带拿穿送卖种养捡戴寄取搬借丢")  # verbs of what can be held in the hand


def _ends_so(clause: Sequence[Token], j: int) -> bool:
    """Whether the clause is a noun phrase from behind token j, a verb, on."""
    word, tag = clause[j]
    if not (tag == "v" or word in BE) or word in MODALS or word in _NO_VERB:
        return False
    if clause[j + 1].word == "的" or (j and clause[j - 1].word == "的"):
        return False
    rest = list(clause[j + 1 :])
    if word in within("sure") and _is_sure(rest):
        return True
    while rest and rest[0].word in _TAILS:
        rest.pop(0)
    begins = rest and rest[0].tag not in "dpcufy" and rest[0].word not in ("的", "地", "得")
    return bool(begins) and rest[-1].tag == "n" and _is_noun_phrase(rest)


def _is_sure(rest: Sequence[Token]) -> bool:
    """Whether what follows a verb that always has an object can be anything."""
    described = any(t.word in ("的", "得") for t in rest[:-2]) and rest[0].tag not in "mrn"
    return len(join(rest)) > 2 and rest[0].tag not in "ufpcd" and not described


def _is_noun_phrase(words: Sequence[Token]) -> bool:
    """Whether words are a noun with its attributes, one relative clause at most."""
    of = max((i for i, t in enumerate(words) if t.word == "的"), default=-1)
    if any(t.word in PRONOUNS and i for i, t in enumerate(words[: max(of, 0)])):
        return False
    if any(t.word in ("了", "着", "过", "得", "地", "把", "被", "给", "让") for t in words):
        return False
    inner, before = words[of + 1 :], words[: max(of, 0)]
    noun = all(
        t.tag in "nrmqabsjt"
        or t.word in DUAL
        or t.word in ("和", "与", "、")
        or (t.tag == "v" and len(t.word) == 2 and i + 1 < len(inner) and inner[i + 1].tag == "n")
        for i, t in enumerate(inner)
    )
    return noun and sum(t.tag == "v" for t in before) < 2 and not any(t.tag in "cy" for t in before)


_NO_VERB = frozenset(["上", "下", "相比", "出", "出了", "不了", "不起", "主要", "过于", "才能", "不足", "能够", "走", "坐在", "躺在", "站在", "过来", "有", "没有", "去", "来", "到", "像", "让", "使", "令", "叫", "请", "在", "给", "变得", "显得", "成为",
                      "作为", "变成", "回", "比", "等", "没", "无", "如", "似", "通过", "根据", "为", "跟着", "不能", "可以",
                      "必须", "应该", "应", "需", "难以", "用", "不会", "不想"])  # fmt: skip


def _on_state(clause: Sequence[Token]) -> Iterator[Ask]:
    """The adjective or the set phrase at the end."""
    done = clause[-1].word == "了"
    words = clause[:-1] if done else clause
    if len(words) < 2 or words[-1].tag not in "azil" or words[-1].word in within("noobject"):
        return
    at = len(words) - 1
    while at and words[at - 1].word in _DEGREE:
        at -= 1
    named = words[:at]
    vague = bool(named) and named[-1].word in (
        *within("vague"),
        "大家",
        "身处",
        "人",
        "人们",
        "自己",
        "这次",
        "次",
        "同学们",
        "别的",
        "别的事",
        "身体",
    )
    vague = vague or (
        bool(named)
        and (
            named[0].word in ("连", "那时", "如今")
            or (len(join(named)) < 2 and named[0].word not in PRONOUNS)
        )
    )
    if named and not vague and _is_named(named) and _is_kept(named):
        own = named[-1].word in PRONOUNS or is_person(named[-1].word)
        mood = "now" if done else "who" if own else "thing"
        yield Ask("state", mood, join(words[at:]), {"c": _turned(named)})


def _is_named(tokens: Sequence[Token]) -> bool:
    """Whether tokens are a noun phrase, with a time or a place at most."""
    of = max((i for i, t in enumerate(tokens) if t.word == "的"), default=-1)
    head = tokens[of + 1 :]
    return bool(head) and head[-1].tag in "nrs" and head[-1].word not in within("nosubject") and all(
        t.tag in "nrsfmqtjb" or t.word in DUAL for t in head
    )  # fmt: skip


def _is_kept(tokens: Sequence[Token]) -> bool:
    """Whether what stands before can be kept: short, with somebody or something, not asking."""
    said = join(tokens)
    named = any(t.tag in "nrs" for t in tokens) or not tokens
    sound = not tokens or tokens[-1].word not in ("的", "和", "与", "把", "被", "让", "得")
    return len(said) <= _LONGEST and named and sound and not _ASKING.search(said)


def _turned(tokens: Sequence[Token]) -> str:
    said = "".join(TURN.get(t.word, t.word) for t in tokens)
    return "你" + said if tokens and tokens[0].word in within("kin") else said
