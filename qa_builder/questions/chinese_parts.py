"""Which parts of a Chinese sentence a question can ask for: when, where, who, how many, why.

Each part names a section of the lexicon and what fills its slots. (Ours.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from qa_builder.questions.chinese_frame import BE, MODALS, Frame
from qa_builder.questions.chinese_subject import PRONOUNS, TURN
from qa_builder.questions.chinese_words import DUAL, Token, is_person, is_predicate, within


class Ask(NamedTuple):
    """What to ask for."""

    section: str  # of the lexicon
    asks: str  # which of its wordings
    asked: str  # the span that answers it
    slots: Mapping[str, str]  # by letter


_NUMBER = r"(?:[两三四五六七八九十百千万几\d]+)"
_COUNTED = re.compile(
    _NUMBER + r"(个|位|只|条|本|张|件|台|家|名|次|种|辆|套|份|块|杯|双|瓶|栋|所|间|场|部)"
)
_LONG = re.compile(rf"(?:{_NUMBER}|一|半)(?:个多?)?(?:多)?(?:年|天|小时|分钟|个?月|周|星期|辈子)")
_MONEY = re.compile(rf"(?:{_NUMBER}|一).*(?:元|块钱|美元|万元|人民币)")
_AGE = re.compile(rf"(?:{_NUMBER}|一)岁")
_MANY = ("很多", "许多", "不少", "大量", "好多")
_CAUSE = ("让", "使", "令", "使得")
_WITH_MODAL = ("plan", "can", "should")
_COMPLEMENTS = ("到", "出", "完", "上", "成", "下", "起", "好", "出来", "见", "掉", "住", "回")


def parts(text: str, tokens: Sequence[Token], frame: Frame) -> Iterator[Ask]:
    """What can be asked for, the most telling first."""
    if frame.calling and any(t.word in ("我", "你", "您") for t in tokens):
        yield Ask("vocative", "any", text, {})
    elif frame.addressed:
        yield from _advice(tokens, frame)
    elif _suggests(tokens, frame):
        yield Ask("suggest", "any", text, {})
    elif frame.subject == "我":
        yield Ask("asker", "not" if frame.mood == "notyet" else frame.mood, text, {})
    else:
        yield from _on_be_and_have(tokens, frame)
        yield from _on_links(frame)
        yield from _on_numbers(tokens, frame)
        yield from _on_phrases(frame)
        yield from _on_circumstances(frame)
        yield from _on_object(frame)


def _suggests(tokens: Sequence[Token], frame: Frame) -> bool:
    words = {t.word for t in tokens}
    if "咱们" in words or {"让", "我们"} <= {t.word for t in tokens[:2]}:
        return True
    return any(t.word == "吧" for t in tokens[-3:]) and not words & {"太", "可能", "会", "应该", "估计", "大概", "也许"} and (
        frame.subject in ("", "我", "你们", "我们")
    )  # fmt: skip


def _advice(tokens: Sequence[Token], frame: Frame) -> Iterator[Ask]:
    """What to do: whether one may or must, what one should do; or in general."""
    asked = join(tokens)
    _, rest = object_of(frame)
    phrase, denied = verb_phrase(frame), _is_forbidden(tokens, frame)
    bound = within("should") | within("deny") | {"要", "最好", "可以", "别", "不要"}
    led = frame.modal or bound & {t.word for t in frame.before} or tokens[0].word in bound
    if phrase and len(phrase) > 1 and led:
        yield Ask("may" if denied else "must", "any", asked, {"k": phrase})
    if rest and not denied and not is_person(rest[-1].word) and len(frame.predicate) < 3:
        yield Ask("must", "what", asked, {"v": frame.predicate})
    for_me = any(t.word in ("我", "帮", "给") for t in tokens)
    please = any(t.word == "请" for t in tokens)
    yield Ask("request" if please and for_me else "advice", "any", asked, {})


def _is_forbidden(tokens: Sequence[Token], frame: Frame) -> bool:
    """Whether the advice is not to do something."""
    words = [t.word for t in tokens]
    before = words[: words.index(frame.predicate)] if frame.predicate in words else words
    return frame.mood in ("not", "notyet") or bool(within("deny") & set(before))


def _on_be_and_have(tokens: Sequence[Token], frame: Frame) -> Iterator[Ask]:
    """是, 有, 在: who or what, what there is, where."""
    word, s = frame.predicate, {"s": frame.subject}
    asked = join(frame.object)
    if word in BE and frame.subject and frame.object and not frame.is_place:
        denied = frame.mood == "not" or word.endswith("不是")
        long = len(frame.object) > 3 and frame.person and not is_person(frame.object[-1].word)
        if frame.subject in ("这", "那"):
            yield Ask("be", "this", asked, {})
        elif asked.endswith("的") or frame.object[0].tag in "vpd" or long:
            yield Ask("be", "cleft", asked, s)
        elif frame.person:
            who = "him" if frame.subject in PRONOUNS or frame.subject[0] in "这那" else "who"
            yield Ask("be", "whonot" if denied else who, asked, s)
        else:
            own = any(t.word in PRONOUNS for t in tokens)
            general = not own and frame.subject.startswith(tokens[0].word)
            yield Ask("be", "not" if denied else "define" if general else "what", asked, s)
    elif word in ("有", "没有", "具有") and frame.subject not in ("这", "那"):
        kind = "person" if frame.person else "thing"
        place = "place" if frame.is_place else kind
        if word == "没有" and frame.object and frame.object[-1].tag == "n":
            yield Ask("have", "not", asked, s | {"n": frame.object[-1].word})
        elif word != "没有":
            yield Ask("have", place, asked, s)
    elif word == "在" and frame.subject and not frame.is_place:
        yield Ask("at", "any" if frame.person else "thing", asked, s)
    elif word in _CAUSE and frame.subject not in ("这", "那") and frame.object:
        yield from _on_cause(frame, asked)


def _on_cause(frame: Frame, asked: str) -> Iterator[Ask]:
    """让, 使: what somebody has another do, or what a thing does to somebody or something."""
    s, who = {"s": frame.subject}, frame.object[0].word
    if frame.subject and _is_thing(frame):
        yield Ask("effect", "any", asked, s | {"o": who})
    elif who in ("人", "人们", "大家"):
        yield Ask("let", "people", asked, s)
    elif is_person(who) and who != "自己":
        section = "order" if frame.person else "let"
        yield Ask(section, frame.mood, asked, s | {"o": TURN.get(who, who)})


def _is_thing(frame: Frame) -> bool:
    """Whether a thing does something to another one."""
    first = frame.object[0]
    return not frame.person and first.tag == "n" and not is_person(first.word)


def _on_links(frame: Frame) -> Iterator[Ask]:
    """Why, what for, what if, compared with what."""
    slots = _with_verb(frame)
    if "because" in frame.links:
        yield Ask("why", frame.mood, "", slots)
    if "purpose" in frame.links:
        yield Ask("purpose", "any" if frame.person else "none", "", slots)
    for name in ("if", "only"):
        if name in frame.links:
            yield Ask("if", name, "", slots)
    for name in ("more", "differ"):
        if name in frame.links:
            yield Ask("compare", name, "", slots)


def _on_phrases(frame: Frame) -> Iterator[Ask]:
    """What happens to what 把 and 被 mark, and to or with whom."""
    if frame.handled:
        slots = {"s": frame.subject, "b": frame.handled}
        yield Ask("ba", "not" if frame.mood == "notyet" else frame.mood, frame.predicate, slots)
    if frame.passive:
        yield Ask("bei", "any" if frame.person else "thing", "", {"s": frame.subject})
    if frame.partner and frame.mood not in ("not", "notyet"):
        first = frame.partner[0]
        how = "toward" if first == "对" else "with" if first in "跟和与同" else "for"
        yield Ask("partner", how, frame.predicate, {"s": frame.subject, "w": frame.partner})


def _on_numbers(tokens: Sequence[Token], frame: Frame) -> Iterator[Ask]:
    """How many, how long, how much, how old."""
    slots = _with_verb(frame)
    for i, t in enumerate(tokens):
        if t.tag not in "mq" and not _MONEY.match(t.word) and not _AGE.match(t.word):
            continue
        word = t.word + (
            tokens[i + 1].word if i + 1 < len(tokens) and tokens[i + 1].tag in "qnm" else ""
        )
        if _AGE.match(word) and frame.person:
            yield Ask("howmany", "age", word, slots)
        elif _MONEY.match(word):
            yield Ask("howmany", "money", word, slots)
        elif _LONG.fullmatch(word) and t in frame.object[:2]:
            need = frame.predicate in ("需要", "要", "花", "得")
            known = need or slots["k"] == frame.predicate
            if known:
                yield Ask("howmany", "need" if need else "long", word, slots)
        elif counted := _COUNTED.fullmatch(t.word):
            after = tokens[i + 1] if i + 1 < len(tokens) else Token("", "")
            if counted[1] == "次":
                yield Ask("howmany", "times", t.word, slots)
            elif after.tag == "n" and t in frame.object:
                yield Ask(
                    "howmany",
                    "count",
                    t.word,
                    slots | {"n": _compound(tokens, i + 1), "q": counted[1]},
                )
        elif t.word in _MANY and _right_behind(tokens, i, frame.predicate):
            there = tokens[i - 1].word in ("有", "着")
            yield Ask(
                "howmany",
                "there" if there else "many",
                t.word,
                slots | {"n": _compound(tokens, i + 1)},
            )


def _right_behind(tokens: Sequence[Token], i: int, predicate: str) -> bool:
    """Whether a number stands behind the predicate, and before a noun."""
    before = [t.word for t in tokens[max(0, i - 2) : i] if t.word not in ("了", "着")]
    return before[-1:] == [predicate] and i + 1 < len(tokens) and tokens[i + 1].tag == "n"


def _compound(tokens: Sequence[Token], i: int) -> str:
    """The noun that starts at i with those that belong to it."""
    end = i + 1
    while end < len(tokens) and tokens[end].tag == "n":
        end += 1
    return join(tokens[i:end])


def _on_circumstances(frame: Frame) -> Iterator[Ask]:
    """When, where, with whom, how, and who."""
    slots = _with_verb(frame)
    denied = frame.mood in ("not", "notyet")
    if frame.object and frame.object[0].word == "得" and len(frame.predicate) < 3:
        yield Ask("how", "degree", join(frame.object), slots | {"v": frame.predicate})
    if not slots["k"]:
        return
    if frame.place[-1:] in within("placeend") and not denied and "方面" not in frame.place:
        yield Ask("where", frame.mood, frame.place, slots)
    if frame.partner[:1] in ("跟", "和", "与") and not denied:
        yield Ask("whowith", frame.mood, frame.partner, slots)
    asked = {"past": "past", "plan": "timed", "habit": "timed"}.get(frame.mood)
    if frame.person and asked and frame.time in within(asked):
        yield Ask("when", frame.mood, frame.time, slots)
    if frame.means:
        yield Ask("how", "means", "", slots)
    done = frame.object and frame.object[0].word in ("了", *_COMPLEMENTS)
    done = done or frame.predicate in within("intransitive")
    if frame.person and frame.subject not in PRONOUNS and frame.subject != "大家" and done:
        yield Ask("whosubject", frame.mood, frame.subject, slots)
    alone = all(t.word in ("了", "过", "啊", "呢") for t in frame.object)
    if frame.predicate in within("intransitive") and frame.person and alone:
        yield Ask("yesno", frame.mood, frame.predicate, slots)


def _on_object(frame: Frame) -> Iterator[Ask]:
    """What or whom; what somebody wants, likes or is able to do."""
    if not frame.subject or frame.mood in ("not", "notyet"):
        return
    complement, rest = object_of(frame)
    slots = _with_verb(frame) | {"v": frame.predicate + complement}
    if rest and len(rest) < 3 and is_person(rest[-1].word) and rest[0].word != "的":
        yield Ask("whom", frame.mood, join(rest), slots)
    elif rest and not is_person(rest[0].word) and not is_person(rest[-1].word):
        mood = frame.mood if frame.person and (frame.modal or frame.mood not in _WITH_MODAL) else ""
        yield Ask("what", mood or ("any" if frame.person else "thing"), join(rest), slots)
    verbal = frame.object and (frame.object[0].tag == "v" or is_predicate(frame.object[0].word))
    if frame.modal and frame.person:
        yield Ask("do", "any", frame.predicate + join(frame.object), slots)
    elif frame.predicate in MODALS and verbal and frame.person:
        yield Ask("do", "any", join(frame.object), slots | {"m": frame.predicate})


def object_of(frame: Frame) -> tuple[str, tuple[Token, ...]]:
    """The complement of the verb, and its object where that is a noun phrase and no clause."""
    words = frame.object
    if words and (words[0].word[0] in "不得" or words[0].tag in "dcp"):
        return "", ()
    if (
        frame.predicate in within("noobject")
        or frame.predicate in within("intransitive") - DUAL
        or frame.predicate[:1] == "在"
        or len(frame.predicate) > 2
        or frame.adjectival
    ):
        return "", ()
    complement = words[0].word if words and words[0].word in _COMPLEMENTS else ""
    rest = _first_phrase([t for t in words[bool(complement) :] if t.word not in ("了", "过", "着")])
    of = [i for i, t in enumerate(rest) if t.word == "的"]
    head = rest[of[-1] + 1 :] if of else rest
    if not head or not all(_nominal(t, bool(of) and i == 0) for i, t in enumerate(head) if not (
        0 < i < len(head) - 1 and t.tag == "v" and t.word in DUAL)) or head[-1].tag in "mqbsfa":  # fmt: skip
        return "", ()
    return complement, rest


def complement_of(frame: Frame) -> tuple[str, tuple[Token, ...]]:
    """The complement of the verb, and what else follows it."""
    words = tuple(t for t in frame.object if t.word not in ("了", "过", "着"))
    complement = words[0].word if words and words[0].word in _COMPLEMENTS else ""
    return complement, words[bool(complement) :]


def _first_phrase(words: Sequence[Token]) -> tuple[Token, ...]:
    """An object up to where another verb is joined to it: "玩手机[和吃东西]"."""
    for i, t in enumerate(words[:-1]):
        joins = t.word in ("和", "、", "并", "并且", "而", "又", "然后", "或", "或者", "来", "去")
        acts = words[i + 1].tag == "v" and words[i + 1].word not in DUAL
        if i and joins and (acts or t.word in ("来", "去", "然后")):
            return tuple(words[:i])
    return tuple(words)


def _nominal(token: Token, described: bool) -> bool:
    word, tag = token
    return (
        tag in "nrmqjbas"
        or word in ("和", "与", "、")
        or word in DUAL
        or (described and tag == "v")
    )


def _with_verb(frame: Frame) -> dict[str, str]:
    """The slots of the subject and its modal, and the predicate with the head of its object."""
    phrase = verb_phrase(frame)
    phrase = phrase if len(phrase) <= 5 else ""
    return {"s": frame.subject, "m": frame.modal, "k": phrase, "v": frame.predicate}


def verb_phrase(frame: Frame) -> str:
    """The predicate with the head of its object; empty where it cannot stand so."""
    complement, rest = object_of(frame)
    if rest and len(rest[-1].word) <= 3 and rest[-1].tag in "nv" and rest[-1].word not in _BARE:
        person = is_person(rest[-1].word)
        return "" if person else frame.predicate + complement + rest[-1].word
    alone = all(t.word in ("了", "过", "啊", "呢") or t.tag in "mqy" for t in frame.object)
    if frame.predicate in within("intransitive"):
        return frame.predicate
    known = frame.verbal or (len(frame.predicate) == 2 and is_predicate(frame.predicate))
    verbal = (
        known
        and not frame.adjectival
        and frame.predicate not in DUAL
        and frame.predicate not in within("noobject")
    )
    return frame.predicate if alone and verbal and not frame.handled else ""


_BARE = ("东西", "事情", "事", "人", "时候", "样子", "问题", "时间", "地方", "方面", "一样")


def join(tokens: Sequence[Token]) -> str:
    """The words of tokens, together."""
    return "".join(t.word for t in tokens)
