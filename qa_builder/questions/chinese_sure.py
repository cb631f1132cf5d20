"""Chinese questions that fit whatever is said: by who or what a sentence is about, and how it tells it.

"他把手机里的照片都删掉了" is of him, and an act: "他做了什么？". No predicate needs to be understood, only
words that show an act, a plan, a habit, a state; so these hold where the frame is in doubt. (Ours.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from qa_builder.questions.chinese_about import LONGEST, PLACE_END, SELVES, about
from qa_builder.questions.chinese_frame import BE, Frame, clauses_of
from qa_builder.questions.chinese_parts import suggests
from qa_builder.questions.chinese_person import NEAR, first_of, told_of
from qa_builder.questions.chinese_phrases import Ask, join
from qa_builder.questions.chinese_subject import PRONOUNS, TURN
from qa_builder.questions.chinese_words import Token, within


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
    words = {t.word for t in tokens}
    later = tokens[0].word in within("if") | {"等", "等到", "每当"}
    if section in ("did", "event") and later:
        return "any", asks
    if section == "did" and words & _NO_DEED:
        return "any", asks
    just = section == "did" and asks == "you" and _just_done(tokens, rest)
    return section, "just" if just else asks


_NO_DEED = frozenset(["可以", "当", "当成", "看来", "不敢", "觉得"])  # "我把她当成偶像"


def _just_done(tokens: Sequence[Token], rest: Sequence[Token]) -> bool:
    """Whether something can have been done a moment ago: no habit, no possibility, not long ago."""
    words = {t.word for t in tokens}
    verb = first_of(rest)
    long = any(t.tag in "tm" for t in tokens) or words & within("timeless") | words & within("can")
    return "了" in words and verb.tag == "v" and not long and not words & within("minds")


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
    elif (plain[-1].word == "了" and "就" not in words) or words & within("suffers"):
        yield Ask("sure-happened", "any", text, {})


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
        if a.word in ("让", "使", "令", "使得") and b.word in SELVES and not meant:
            return TURN.get(b.word, b.word)
    return ""


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
        ("place", place and near & {"有", "着", "没有", "是"}),
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
