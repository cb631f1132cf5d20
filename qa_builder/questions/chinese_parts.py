"""Which parts of a Chinese sentence a question can ask for: when, where, who, how many, why.

Each part names a section of the lexicon and what fills its slots. (Ours.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qa_builder.questions.chinese_be import on_be_and_have
from qa_builder.questions.chinese_frame import Frame
from qa_builder.questions.chinese_phrases import (
    COMPLEMENTS,
    Ask,
    is_simple,
    join,
    object_of,
    verb_phrase,
    with_verb,
)
from qa_builder.questions.chinese_subject import PRONOUNS
from qa_builder.questions.chinese_words import Token, is_person, within

_NUMBER = r"(?:[两三四五六七八九十百千万几\d]+)"
_COUNTED = re.compile(
    _NUMBER + r"(个|位|只|条|本|张|件|台|家|名|次|种|辆|套|份|块|杯|双|瓶|栋|所|间|场|部)"
)
_LONG = re.compile(rf"(?:{_NUMBER}|一|半)(?:个多?)?(?:多)?(?:年|天|小时|分钟|个?月|周|星期|辈子)")
_MONEY = re.compile(rf"(?:{_NUMBER}|一).*(?:元|块钱|美元|万元|人民币)")
_AGE = re.compile(rf"(?:{_NUMBER}|一)岁")
_PAST_AGE = ("就", "的", "时", "前", "后", "那", "那年", "起")  # "at three": no age of now
_MANY = ("很多", "许多", "不少", "大量", "好多")
_PAYS = ("花", "付", "花费", "买", "赚", "存", "借", "欠", "捐", "罚", "赔", "交", "支付")
_INTENDS = ("想", "要", "打算", "准备", "喜欢", "决定", "想要", "希望", "计划", "愿意")
_WITH_MODAL = ("plan", "can", "should")


def parts(text: str, tokens: Sequence[Token], frame: Frame) -> Iterator[Ask]:
    """What can be asked for, the most telling first."""
    if (tokens and tokens[0].word in ("帮", "麻烦", "帮我")) or {"快", "拿"} <= {
        t.word for t in tokens[:5]
    }:
        yield Ask("request", "any", text, {})
        return
    if frame.calling:
        yield Ask("vocative", "serve" if tokens[0].word in _SERVING else "name", text, {})
    elif frame.addressed:
        yield from _advice(tokens, frame)
    elif suggests(tokens, frame):
        yield Ask("suggest", "any", text, {})
    elif frame.subject == "我" and not _is_done_by(tokens):
        if asks := _of_asker(tokens, frame):
            yield Ask("asker", asks, text, {})
    else:
        yield from on_be_and_have(tokens, frame)
        yield from _on_links(frame)
        yield from _on_numbers(tokens, frame)
        yield from _on_phrases(frame)
        yield from _on_circumstances(frame)
        yield from _on_object(frame)


def _is_done_by(tokens: Sequence[Token]) -> bool:
    """Whether a sentence is about what the asker did or has: "你写的散文"."""
    words = [t.word for t in tokens[:4]]
    return words[:1] in (["你"], ["您"]) and "的" in words[1:]


def _of_asker(tokens: Sequence[Token], frame: Frame) -> str:
    """What a sentence tells the one who asks: a task, advice, how he or she is, does, or did."""
    words = [t.word for t in tokens]
    you = next((i for i, w in enumerate(words) if w in ("你", "您", "你们")), 0)
    near, every = words[you + 1 : you + 4], set(words)
    done = every & {"了", "过"}
    held = (
        (
            "task",
            set(near[:2]) & _TASKS
            and not every & {"如果", "假如", "每天", "要是"}
            and not done
            and "不能" not in every,
        ),
        ("can", set(near) & {"可以", "能够"} and "如果" not in every - {words[0]}),
        ("should", every >= {"还是", "吧"}),
        ("should", set(near) & _ADVISING),
        ("look", _looks(words[you + 1 : you + 3]) and not done and "比" not in every),
        ("not", set(near) & {"总", "总是", "老", "老是", "从来"}),
        ("past", done and every & _WRONGED and not every & (_SUPPOSED | {"就要", "就"})),
        ("can", every & {"如果", "要是"} and every & {"可以", "请", "建议", "最好", "应该"}),
    )
    return next((asks for asks, holds in held if holds), "")


def _looks(words: Sequence[str]) -> bool:
    """Whether somebody is said to be so: "很聪明", "是个吃货"."""
    is_so = words[:1] and words[0] in ("很", "真", "太", "非常", "这么", "一向", "特别")
    kind = len(words) > 1 and words[0] == "是" and words[1][:1] in "个一"
    return bool((is_so and len(words) > 1 and words[1][:1] not in "不没") or kind)


_WRONGED = frozenset(["得罪", "骗", "误会", "错", "伤害", "弄坏", "弄丢", "忘", "忘记", "迟到", "违反", "影响", "打扰", "传染", "错怪", "污蔑", "冤枉"])  # fmt: skip
_SUPPOSED = {"如果", "要是", "可能", "会", "就会", "将", "再", "刚开始", "也许"}
_SERVING = ("服务员", "老板", "司机", "师傅")
_TASKS = frozenset(
    ["帮", "去", "来", "带", "买", "拿", "快", "告诉", "给", "叫", "送", "查", "把", "替", "接"]
)
_ADVISING = frozenset(["应该", "要", "必须", "得", "别", "不要", "不能", "注意", "最好", "多", "少", "小心", "先", "记得",
                       "需要", "不用", "不必", "用不着"])  # fmt: skip


def suggests(tokens: Sequence[Token], frame: Frame) -> bool:
    words = {t.word for t in tokens}
    if words & {"你", "您"} and not words & {"我们", "咱们", "一起"}:
        return False
    if "一起" in words and not frame.subject and tokens[0].tag in "vt" and len(tokens) < 9:
        return True
    said = join(tokens).rstrip("。！.!、")
    if said.endswith("吧") and frame.subject in ("你们", "") and "一起" in said:
        return True
    if ("咱们" in words and words & {"吧", "去", "一起"}) or {"让", "我们"} <= {
        t.word for t in tokens[:2]
    }:
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
    whole = len(phrase) > 2 or phrase in within("intransitive")
    if phrase and whole and led and frame.subject in ("", "我", "你们", "我们", "大家"):
        yield Ask("may" if denied else "must", "any", asked, {"k": phrase})
    if rest and not denied and not is_person(rest[-1].word) and len(frame.predicate) < 3:
        yield Ask("must", "what", asked, {"v": frame.predicate})
    words = {t.word for t in tokens}
    if _NO_ADVICE.search(asked):
        return
    if "请" in words and not denied and not words & {"不要", "勿", "别"}:
        yield Ask("request", "me" if words & _FOR_ME else "any", asked, {})
    else:
        asks = (
            "we"
            if tokens[0].word in _ALL_OF_US or frame.subject in ("你们", "大家")
            else "not"
            if denied or words & {"不要", "别"}
            else "do"
        )
        yield Ask("advice", asks, asked, {})


# What is no advice, though it has a word of one: "别看他小", "要一个小时", "快把他抬走".
_NO_ADVICE = re.compile(
    r"[“”]|别看他|有.{1,6}要|敌人|对不起|小心我|逼|要.{0,3}(?:小时|分钟|元|块|罚)|快把|快拿|^快|要是|要不|要了"
    r"|别客气|别嫌弃|原谅|什么都不能|题目是|要[^，。]{1,3}了"
)
_FOR_ME = frozenset(["我", "帮", "帮我", "帮助", "替", "给我", "为我"])
_ALL_OF_US = frozenset(["我们", "咱们", "大家", "人们", "每个人"])


def _is_forbidden(tokens: Sequence[Token], frame: Frame) -> bool:
    """Whether the advice is not to do something."""
    words = [t.word for t in tokens]
    before = words[: words.index(frame.predicate)] if frame.predicate in words else words
    return frame.mood in ("not", "notyet") or bool(within("deny") & set(before[-4:]))


def _on_links(frame: Frame) -> Iterator[Ask]:
    """Why, what for, what if, compared with what."""
    slots = with_verb(frame)
    if "because" in frame.links:
        yield Ask("why", "any", "", slots)
    if "purpose" in frame.links:
        yield Ask("purpose", "any" if frame.person else "none", "", slots)
    if "only" in frame.links and "then" in frame.links:
        yield Ask("only", "any", "", slots)
    for name in ("more", "differ"):
        if name in frame.links:
            yield Ask("compare", name, "", slots)


def _on_phrases(frame: Frame) -> Iterator[Ask]:
    """What happens to what 把 and 被 mark, and to or with whom."""
    if frame.handled:
        known = "你我他她的这那"
        if frame.mood == "past" and any(c in known for c in frame.handled[:3]):
            yield Ask("ba", "past", frame.predicate, {"s": frame.subject, "b": frame.handled})
    if frame.passive and frame.mood not in ("not", "should", "can"):
        yield Ask("bei", "any" if frame.person else "thing", "", {"s": frame.subject})


def _on_numbers(tokens: Sequence[Token], frame: Frame) -> Iterator[Ask]:
    """How many, how long, how much, how old."""
    slots = with_verb(frame)
    for i, t in enumerate(tokens):
        if t.tag not in "mq" and not _MONEY.match(t.word) and not _AGE.match(t.word):
            continue
        word = t.word + (
            tokens[i + 1].word if i + 1 < len(tokens) and tokens[i + 1].tag in "qnm" else ""
        )
        following = tokens[i + 1].word if i + 1 < len(tokens) else ""
        if _AGE.match(word) and following in _PAST_AGE:
            continue
        if _AGE.match(word) and frame.person:
            yield Ask("howmany", "age", word, slots)
        elif _MONEY.match(word) and (not frame.person or frame.predicate in _PAYS):
            yield Ask("howmany", "paid" if frame.person else "money", word, slots)
        elif _LONG.fullmatch(word) and t in frame.object[:2]:
            need = frame.predicate in ("需要", "要", "花", "得")
            known = need or slots["k"] == frame.predicate
            if known:
                yield Ask("howmany", "need" if need else "long", word, slots)
        elif counted := _COUNTED.fullmatch(t.word):
            after = tokens[i + 1] if i + 1 < len(tokens) else Token("", "")
            if counted[1] == "次":
                yield Ask("howmany", "times", t.word, slots)
            elif after.tag == "n" and t in frame.object and is_simple(frame):
                yield Ask(
                    "howmany",
                    "count",
                    t.word,
                    slots | {"n": _compound(tokens, i + 1), "q": counted[1]},
                )
        elif (
            t.word in _MANY
            and frame.predicate[-1:] != "有"
            and _right_behind(tokens, i, frame.predicate)
        ):
            there = tokens[i - 1].word in ("有", "着")
            yield Ask(
                "howmany",
                "there" if there else "many",
                t.word,
                slots | {"n": _compound(tokens, i + 1)},
            )


_NO_DEGREE = frozenset(["可能", "变", "睡觉", "觉", "显", "值", "懂", "记", "使"])


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


_BEASTS = ("猫", "狗", "鸟", "鱼", "马", "牛", "羊", "虎", "车", "船", "机")  # and what moves


def _on_circumstances(frame: Frame) -> Iterator[Ask]:
    """When, where, with whom, how, and who."""
    slots = with_verb(frame)
    denied = frame.mood in ("not", "notyet")
    if frame.object and frame.object[0].word == "得" and frame.predicate not in _NO_DEGREE:
        yield Ask("how", "degree", join(frame.object), slots | {"v": frame.predicate})
    if not slots["k"] or not is_simple(frame):
        return
    alive = frame.person or frame.subject[-1:] in _BEASTS  # "性格" is nowhere
    if (
        alive
        and frame.place[-1:] in within("placeend")
        and not denied
        and "方面" not in frame.place
    ):
        yield Ask("where", frame.mood, frame.place, slots)
    if frame.partner[:1] in ("跟", "和", "与") and not denied:
        yield Ask("whowith", frame.mood, frame.partner, slots)
    asked = {"past": "past", "plan": "timed", "habit": "timed"}.get(frame.mood)
    vague = frame.time in ("刚才", "刚刚", "小时候", "现在", "最近")
    inside = not vague and any(t.word == frame.time for t in (*frame.before, *frame.named))
    if frame.person and asked and inside and frame.time in within(asked):
        yield Ask("when", frame.mood, frame.time, slots)
    if frame.means:
        yield Ask("how", "means", "", slots)
    done = frame.object and frame.object[0].word in ("了", *COMPLEMENTS)
    done = done or frame.predicate in within("intransitive")
    if (
        frame.person
        and frame.subject not in PRONOUNS
        and frame.subject != "大家"
        and done
        and frame.mood == "past"
    ):
        yield Ask("whosubject", frame.mood, frame.subject, slots)


def _on_object(frame: Frame) -> Iterator[Ask]:
    """What or whom; what somebody wants, likes or is able to do."""
    if not frame.subject or frame.mood in ("not", "notyet"):
        return
    if frame.modal in _INTENDS and frame.person:
        yield Ask(
            "do",
            "any",
            frame.predicate + join(frame.object),
            {"s": frame.subject, "m": frame.modal},
        )
    known = frame.predicate in within("sure") | within("transitive")
    if not known or not is_simple(frame):
        return
    complement, rest = object_of(frame)
    slots = with_verb(frame) | {"v": frame.predicate + complement}
    askable = {frame.predicate, frame.predicate + complement} & within("askable")
    if rest and len(rest) < 2 and is_person(rest[-1].word):
        yield Ask("whom", frame.mood, join(rest), slots)
    elif askable and rest and not is_person(rest[0].word) and not is_person(rest[-1].word):
        holds = frame.predicate in within("stative") and frame.mood in ("past", "any")
        mood = (
            "state"
            if holds
            else frame.mood
            if frame.person and (frame.modal or frame.mood not in _WITH_MODAL)
            else ""
        )
        yield Ask("what", mood or ("any" if frame.person else "thing"), join(rest), slots)
