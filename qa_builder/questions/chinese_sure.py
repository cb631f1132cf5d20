"""Chinese questions that fit whatever is said: by who or what a sentence is about, and how it tells it.

"他把手机里的照片都删掉了" is of him, and an act: "他做了什么？". No predicate needs to be understood, only
words that show an act, a plan, a habit, a state; so these hold where the frame is in doubt. (Ours.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from qa_builder.questions.chinese_about import LONGEST, PLACE_END, SELVES, about
from qa_builder.questions.chinese_frame import BE, Frame, clauses_of
from qa_builder.questions.chinese_parts import suggests
from qa_builder.questions.chinese_person import NEAR, first_of, told_of
from qa_builder.questions.chinese_phrases import Ask, join
from qa_builder.questions.chinese_subject import PRONOUNS, TURN
from qa_builder.questions.chinese_words import Token, is_predicate, predicate_class, within


def on_sure(tokens: Sequence[Token], frame: Frame) -> Iterator[Ask]:
    """What can be asked of the one or the thing that a statement is about."""
    silent = not any(t.tag != "w" for t in tokens)
    if silent or frame.addressed or frame.calling or suggests(tokens, frame):
        return
    subject, rest = about(tokens, frame)
    asked = join(rest)
    if whom := _let(tokens):
        yield Ask("sure-let", "any", asked, {"s": whom})
    if not subject:
        yield from _of_nobody(tokens, frame)
    if not subject or subject in _UNASKED or subject[:2] == "我一" or subject[0] == "哪":
        return
    if "一样" in asked and "和" in subject[1:]:
        subject = subject.partition("和")[0]  # "他的方式和别人不一样"
    slots = {"s": subject, "t": _time(frame)}
    if subject in ("大家", "别人"):
        section, asks = _of_people(rest)
        yield Ask(f"sure-{section}", asks, asked, {})
    elif (frame.person or subject in _TURNED) and not _is_cut(subject):
        asks = "you" if subject in ("你", "你们") else "who"
        if asks == "who" and subject not in _TURNED and subject[0] not in "你他她这那老小":
            asks = "role"
        section, asks = _of_act(told_of(rest, frame, asks), asks, tokens, rest)
        changed = section == "state" and asks != "you" and "了" in (t.word for t in rest)
        yield Ask(f"sure-{section}", "done" if changed else asks, asked, slots)
    elif subject not in ("这", "那", *within("vague")) and not _is_cut(subject):
        bare = subject[0] not in "这那你我他她本" and "的" not in subject
        name = _of_thing(subject, rest, frame, bare)
        bad = {t.word for t in rest} & within("suffers")
        asks = "bad" if bad else "bare" if bare else "own"
        if name == "thing-must":
            asks = "forbid" if {t.word for t in rest[:NEAR]} & within("forbids") else "must"
        yield Ask(f"sure-{name}", asks, asked, slots)


_UNASKED = ("我", "我们", "自己", "这个", "那个")


def _of_act(
    section: str, asks: str, tokens: Sequence[Token], rest: Sequence[Token]
) -> tuple[str, str]:
    """The section, where nothing was done or happened yet, and its wordings of a moment ago."""
    words, first = {t.word for t in tokens}, first_of(rest).word
    later = tokens[0].word in within("if") | {"等", "等到", "每当"}
    idle = words & _NO_ACT or not is_predicate(first)
    held = (
        (("any", asks), section in ("did", "event") and later),
        (("any", asks), section == "did" and words & _NO_DEED),
        (("any", asks), section == "did" and asks == "you" and _OTHERS_DEED.search(join(tokens))),
        ((section, "wants"), section == "plan" and first in _WANTS),
        ((section, "after"), section == "going" and len(clauses_of(tokens)) > 1),
        (("any", asks), section == "act" and (idle or words & _NOT_NOW)),
        (("did", asks), section == "act" and _has_result(rest) and not words & _NO_DEED),
        (("any", asks), section == "plan" and _is_not_meant(tokens)),
        (
            ("did" if "了" in words else "act", asks),
            section in ("trait", "state") and _goes_on(rest),
        ),
        (("state", asks), section == "trait" and words & _PASSING),
        (_of_denial(words, asks), section == "deny"),
        ((section, "just"), section == "did" and asks == "you" and _just_done(tokens, rest)),
    )
    return next((told for told, holds in held if holds), (section, asks))


def _of_denial(words: set[str], asks: str) -> tuple[str, str]:
    """Whether somebody is willing, or what is the matter with who cannot; else nothing is asked."""
    if words & _REFUSES:
        return "willing", asks
    return ("deny", asks) if not words & _NEVER else ("any", asks)


# What shows that it is no single act that one could ask for: "他上课从不迟到", "他说话很冷静".
_NO_ACT = frozenset(["不", "没", "没有", "从不", "从来", "只能", "每天", "平时", "太", "很", "就是", "也就是", "总", "总是", "别", "不能", "不会", "不想", "因为", "所以", "让", "使", "是", "不是"])  # fmt: skip
_NOT_NOW = frozenset(["明天", "后天", "再", "将", "必将", "很少", "才", "只是", "无论", "不管", "想", "建议", "推荐", "无一"])  # fmt: skip
_RESULTS = ("到", "成", "出来", "起来", "过来", "下来", "下去", "完", "低下")
_WANTS = frozenset(["想", "要", "想要", "希望"])
_REFUSES = frozenset(["不肯", "不愿", "不愿意", "不想", "不敢"])
_NEVER = frozenset(["从来", "从不", "过", "从未", "不会", "从没"])
_PASSING = frozenset(
    [
        "了",
        "最近",
        "今天",
        "这次",
        "当",
        "突然",
        "近来",
        "现在",
        "得",
        "刚才",
        "那天",
        "时",
        "对",
        "才",
        "已经",
    ]
)


def _has_result(rest: Sequence[Token]) -> bool:
    """Whether an act has come to its end, without 了: "选出来班长", "走到床边"."""
    ends = (t.word for t in rest if t.tag == "v")
    return any(w.endswith(_RESULTS) and w not in ("到", "看到", "觉得到") for w in ends)


def _is_not_meant(tokens: Sequence[Token]) -> bool:
    """Whether a word of a plan stands in another sense: "去肯德基要了一个汉堡", "没有男人要的"."""
    pairs = pairwise(t.word for t in tokens)
    return any((a, b[:1]) in (("要", "了"), ("要", "的")) or a in _HOW for a, b in pairs)


_HOW = ("怎能", "怎么", "怎么能", "难道")


def _goes_on(rest: Sequence[Token]) -> bool:
    """Whether something is done in the way that an adjective or an idiom says: "悄悄在房间里装"."""
    first = first_of(rest)
    at = rest.index(first) + 1 if first in rest else len(rest)
    return first.tag in "zild" and any(t.tag in "vp" for t in rest[at : at + 2])


# Where it is somebody else who did it to the one who signs, or a friend of his.
_OTHERS_DEED = re.compile(r"[把让带叫请]我|我(?:最|的|一个|那)[^，]{0,5}(?:朋友|同学|同事)")
_NO_DEED = within("nodeed") | {"吧", "可以", "当", "当成"}  # "我把她当成偶像"


def _just_done(tokens: Sequence[Token], rest: Sequence[Token]) -> bool:
    """Whether something can have been done a moment ago: no habit, no possibility, not long ago."""
    words = {t.word for t in tokens}
    verb = first_of(rest)
    long = any(t.tag in "tm" for t in tokens) or words & within("timeless") | words & within("can")
    return (
        not words & {"被", "了解", "知道", "发现", "准备", "明白"}
        and "了" in words
        and verb.tag == "v"
        and not long
        and not words & within("minds")
    )


def _of_nobody(tokens: Sequence[Token], frame: Frame) -> Iterator[Ask]:
    """What can be asked where nobody and nothing is found that a sentence is about."""
    words, text = {t.word for t in tokens}, join(tokens)
    first = {t.word for t in clauses_of(tokens)[0]} if text else set()
    plain = [t for t in tokens if t.tag != "w"]
    if plain[0].word in ("听说", "据说"):
        yield Ask("sure-heard", "any", text, {})
        return
    place = next((i for i, t in enumerate(plain[:7]) if i > 1 and t.tag in "fs"), 0)
    if all(t.tag in "tmq" for t in plain):
        asks = "hour" if "点" in text else "age" if "岁" in text else "day"
        yield Ask("turned-time", asks, text, {})
    elif _advises(words, first, plain[0].word) and not words & {"太", "真", "遗憾"}:
        yield Ask("advice", "any", text, {})
    elif plain[0].word == "在" and place and len(place_of := join(plain[1 : place + 1])) < LONGEST:
        yield Ask("sure-thing-there", "any", text, {"s": place_of})
    elif words & _NO_NEWS:
        return
    elif words & within("suffers") - {"倒霉"} or any(c in text for c in _MISHAPS):
        yield Ask("sure-happened", "any", text, {})


_MISHAPS = (
    "爆炸",
    "受伤",
    "倒闭",
    "着火",
    "火灾",
    "地震",
    "打架",
    "撞",
    "坏了",
    "停电",
    "断了",
    "倒了",
    "出事",
    "死了",
    "被",
)
_NO_NEWS = frozenset(
    [
        "估计",
        "对不起",
        "时间",
        "如果",
        "要是",
        "误会",
        "可能",
        "好像",
        "只能",
        "别",
        "会",
        "错怪",
        "谢谢",
    ]
)


def _advises(words: set[str], first: set[str], start: str) -> bool:
    """Whether a sentence without a subject is advice: by its words, those of its first clause."""
    told = within("duty") | within("forbids") | {"不必", "尽量", "别"}
    orders = start == "把" and not words & {"了", "可以"}
    return orders or bool(words & {"不如", "最好", "最好是"} or first & told)


def on_nearest(frame: Frame) -> Iterator[Ask]:
    """How whoever has the subject is, or "he" or "she", which gives less away."""
    who = _nearest(frame)
    if who and frame.person and frame.predicate in BE and frame.object:
        yield Ask("be", "him", join(frame.object), {"s": who})
    elif who:
        yield Ask(
            "sure-any", "you" if who in ("你", "你们") else "who", frame.predicate, {"s": who}
        )


def _nearest(frame: Frame) -> str:
    """Who has the subject of a frame, or the pronoun for it."""
    said = frame.subject
    if frame.person and said[0] == "你" and len(said) > 2:
        return "她" if said[-1] in _WOMEN else "他"
    if not frame.person and len(said) > 2 and said[0] in "你他她" and not frame.is_place:
        return said[:2] if said[1] == "们" else said[0]
    return ""


_WOMEN = "妈姐妹奶母婆姑姨妻女友"


def _is_cut(subject: str) -> bool:
    """Whether a noun phrase ends amiss, in a word that belongs to what follows."""
    return subject[-1] in "应会连活就都也能时后该在" or "的你" in subject or subject[-2:] in (
        "这种", "那种", "这样", "那样", "极力", "有些", "这些", "那些",
    )  # fmt: skip


def _let(tokens: Sequence[Token]) -> str:
    """Whom a sentence says that something makes feel or become so, turned round."""
    for i, (a, b) in enumerate(pairwise(tokens)):
        meant = (
            not i or tokens[i - 1].word in ("想", "要", "别", "不要") or tokens[i - 1].tag == "w"
        )
        moved = a.word in ("让", "使", "令", "使得") and b.word in SELVES
        if moved and not meant and _is_moved(tokens[i + 2 : i + 6]):
            return TURN.get(b.word, b.word)
    return ""


def _is_moved(rest: Sequence[Token]) -> bool:
    """Whether somebody is made to feel or be so, rather than to do something."""
    moved = ("emotion", "think", "like", "hate", "know", "change", "become", "ill")
    so = any(t.tag in "azil" or predicate_class(t.word) in moved for t in rest)
    return so and not (rest and rest[0].word in ("给", "帮", "去", "的", "买"))


_TURNED = frozenset(TURN.get(p, p) for p in PRONOUNS)


def _time(frame: Frame) -> str:
    """A time that a question can keep."""
    return frame.time if len(frame.time) == 2 and frame.time[-1] in "天周末年晚" else ""


def _of_people(rest: Sequence[Token]) -> tuple[str, str]:
    """What is told of people in general: a section of the lexicon, and which of its wordings."""
    words = {t.word for t in rest}
    if {t.word for t in rest[:NEAR]} & within("duty"):
        return "people-must", "any"
    if words & within("happens"):
        return "people", "told"
    if {t.word for t in rest[:3]} & within("minds"):
        return "people", "minds"
    if words & (within("can") | within("always")):
        return "people", "will"
    return "people", "none" if rest and rest[0].word in (*BE, "都是") else "any"


def _defines(words: Sequence[str]) -> bool:
    """Whether what follows a subject says what the word means."""
    at = next((i for i, w in enumerate(words[:3]) if w in ("是", "指", "叫", "称为", "叫做")), -1)
    behind = words[at + 1][:2] if 0 <= at < len(words) - 1 else ""
    return words[at] in ("指", "叫", "称为", "叫做") or behind in (
        "一种",
        "一个",
        "一项",
        "指",
        "一类",
        "一门",
    )


def _of_thing(subject: str, rest: Sequence[Token], frame: Frame, bare: bool) -> str:
    """What is told of a thing: a section of the lexicon."""
    words = [t.word for t in rest]
    near, far = set(words[:NEAR]), set(words)
    place = frame.is_place or subject[-1] in PLACE_END
    company = subject[-2:] in within("organization")
    is_so = words[-1:] != ["的"] and near & {*BE, "指", "叫", "称为", "叫做"}
    told = (
        ("place", place and near & {"有", "着"}),
        ("there", place),
        ("org", company and far & (within("happens") | within("comes"))),
        (
            "act",
            company and first_of(rest).tag == "v" and first_of(rest).word not in within("stays"),
        ),
        ("thing-define", bare and is_so and _defines(words)),
        ("thing-is", near & set(BE)),
        ("thing-must", near & within("duty") | near & within("forbids")),
        ("thing-effect", near & within("affects")),
        ("thing-use", near & within("serves")),
        ("thing-has", near & {"有", "具有", "拥有", "充满"} and not far & {"了", "过"}),
        ("thing-event", far & within("happens") or far & within("suffers")),
        ("thing-will", near & {"将", "将要", "就要", "即将"}),
        ("thing-state", near & within("degree") or any(t.tag in "azil" for t in rest[:2])),
    )
    name = next((name for name, holds in told if holds), "thing-any")
    return f"thing-{name}" if name in ("place", "there") else name
