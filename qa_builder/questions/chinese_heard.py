"""What is said before a Chinese truth, advice or news: somebody's trouble, or "what was in the paper?".

Before advice the partner has a trouble of the scene: "我最近总是学不进去，怎么办？". Before a fact he asks what
was taught, read or heard where the scene belongs: "今天的健康课上讲了什么？". No topic is named. (Ours.)
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from zlib import crc32

from qa_builder.questions.candidates import Candidate
from qa_builder.questions.chinese_fill import fill, is_asked, wordings
from qa_builder.questions.chinese_frame import Frame
from qa_builder.questions.chinese_phrases import Ask
from qa_builder.questions.chinese_scenes import Scene, troubles_of
from qa_builder.questions.chinese_shape import RULE, TOLD, TRUE
from qa_builder.questions.chinese_words import Token, within

_MOST = 3  # scenes of one sentence
# What speaks against asking what was heard, by the kind of sentence; against a trouble; for each scene
# after the first; for each wording after the first, as a part of what the lexicon's order says.
_HEARD = {TRUE: 0.95, TOLD: 1.15, RULE: 1.3}
_TROUBLED = {TRUE: 1.1, TOLD: 1.5, RULE: 1.0}
_LATER, _ORDER = 0.35, 0.5
# What is said to somebody who is there was not taught or read.
_SPOKEN, _TO_OTHERS = 1.2, frozenset("你您它这那啊吧呢啦吗！请")
_SHORTEST = 8  # characters: a shorter one answers something, and is nowhere written
_SAID = ("欢迎", "祝", "对不起", "没关系", "谢谢", "你好", "是，", "是啊", "不，", "没事")
_RULED = frozenset("要须应可得禁能")  # one of which a notice has
_NEWS = ("society", "work", "law")  # sources of what is in the news, unless it is of a person
_HAPPENING = frozenset(["了", "着", "过", "正在", "终于", "突然", "竟然", "居然", "刚", "即将"])
_NAMES = ("女士", "先生", "老师", "爷爷", "奶奶", "师傅")  # of whom a story is told
_PUBLIC = ("society", "knowledge", "device")  # sources of what is nobody's own trouble
_ANYWHERE = "other"  # the source of what has no scene


def on_heard(
    tokens: Sequence[Token], frame: Frame, shape: str, scenes: Sequence[Scene],
    shown: Collection[str], topic: str,
) -> Iterator[Candidate]:  # fmt: skip
    """Ask what was heard; and what to do, where the sentence says it."""
    counsels, text = _counsels(tokens), "".join(t.word for t in tokens)
    story = "我" in text or any(
        t.word in within("definite") or t.word[-2:] in _NAMES for t in tokens
    )
    if shape in (TRUE, TOLD):
        lasts = not story and not _HAPPENING & {t.word for t in tokens}
        told = TRUE if lasts and not any(t.tag == "t" for t in tokens) else TOLD
    else:
        told = shape
    sources = [_source(s.source, text, frame.person or story, counsels) for s in scenes[:_MOST]]
    yield from _heard(text, told, list(dict.fromkeys(sources)) or [_ANYWHERE], topic)
    if counsels:
        words = set(shown)
        public = any(s.source in _PUBLIC for s in scenes)
        sure = [
            s
            for s in scenes[:_MOST]
            if (s.is_of_mind and not public) or len(words & s.groups[0]) > 1
        ]
        yield from _troubled(text, sure, shape, topic)


def _source(source: str, text: str, person: bool, counsels: bool) -> str:
    """From where one can have what a sentence of a scene says."""
    amiss = (
        source in _NEWS and person,
        source == "office" and not set(text) & _RULED,
        source in ("moral", "home") and not counsels,
    )
    return _ANYWHERE if any(amiss) else source


def _heard(text: str, shape: str, sources: Sequence[str], topic: str) -> Iterator[Candidate]:
    """Ask what was taught, read or heard, the first scene's place first."""
    if len(text) < _SHORTEST or text.startswith(_SAID) or "一起去" in text:
        return
    against = _HEARD[shape] + (_SPOKEN if set(text) & _TO_OTHERS else 0.0)
    for k, source in enumerate(sources):
        known = [w for w in wordings()[f"about-{source}"] if is_asked(w.asks, shape, text)]
        first = crc32(text.encode()) % max(1, len(known))  # so that no wording leads
        for c in fill(known[first:] + known[:first], Ask("about", shape, text, {}), topic):
            yield c._replace(misfit=c.misfit * _ORDER + against + k * _LATER)


def _troubled(text: str, scenes: Sequence[Scene], shape: str, topic: str) -> Iterator[Candidate]:
    """What troubles or tempts the one who asks."""
    for k, scene in enumerate(scenes):
        for name in troubles_of(scene.name):
            own = [w for w in wordings()[f"trouble-{name}"] if is_asked(w.asks, "any", text)]
            for c in fill(own, Ask("trouble", "any", text, {}), topic):
                yield c._replace(misfit=c.misfit * _ORDER + _TROUBLED[shape] + k * _LATER)


def _counsels(tokens: Sequence[Token]) -> bool:
    """Whether a sentence says what one should do, or what comes of what, and no more happened."""
    words = {t.word for t in tokens}
    return bool(words & within("counsels")) and not words & {"了", "着", "过"}
