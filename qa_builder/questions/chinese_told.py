"""Questions by the scene that a Chinese sentence is set in: "怎样才能身体好？" before "运动有益于健康".

What can be asked in a scene depends on what kind of sentence it is (`chinese_shape`): of the one who
signs, of somebody else, of the one who asks, a rule, a truth, or news. The questions name the scene by
other or more general words than the sentence, so they give little away. (Ours.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from qa_builder.questions.candidates import Candidate
from qa_builder.questions.chinese_fill import fill, is_asked, wordings
from qa_builder.questions.chinese_frame import Frame, clauses_of
from qa_builder.questions.chinese_heard import on_heard
from qa_builder.questions.chinese_phrases import Ask
from qa_builder.questions.chinese_scenes import Scene, scenes_of, words_of_scenes
from qa_builder.questions.chinese_shape import ME, OTHER, RULE, THIS, TOLD, TRUE, YOU, shape_of
from qa_builder.questions.chinese_words import Token, is_person, within

_MOST = 3  # scenes of one sentence
SELF = "self"  # of somebody whose name shows the scene: "司机" in that of driving
_NEAREST = {THIS: (TOLD,), TRUE: (TOLD,), YOU: (RULE,), RULE: (YOU,)}
# What speaks against the questions of a scene: for each scene after the first; where a single word
# shows it (less where it is of people's minds); by the kind of sentence: of a person and of what he or
# she does one asks more surely by the frame.
_LATER, _SINGLE, _SINGLE_OF_MIND, _CUED = 0.35, 1.9, 1.3, 0.5
_AGAINST = {ME: 1.0, OTHER: 0.9, YOU: 0.3, TOLD: 0.2, RULE: 0.6, THIS: 0.4}
_UNSURE = 0.5  # of one thing of which it is said what it has, which may be nothing to tell it by
_HEALERS = ("医生", "护士", "大夫", "中医")  # who are not the ones that are ill


def on_scenes(text: str, tokens: Sequence[Token], frame: Frame, topic: str) -> Iterator[Candidate]:
    """Ask what one asks in such a scene, the most particular scene first; and who says what."""
    shape, who = shape_of(tokens, frame)
    shown = words_of_scenes(text, tokens)
    scenes = scenes_of(shown)
    for k, scene in enumerate(scenes[:_MOST]):
        sure = len(scene.groups) > 1 or len(shown & scene.groups[0]) > 1
        single = 0.0 if sure else _SINGLE_OF_MIND if scene.is_of_mind else _SINGLE
        against = k * _LATER + _AGAINST.get(shape, 0.0)
        for c in _asked(scene, shape, Ask("scene", shape, text, {"s": who}), topic, single):
            yield c._replace(misfit=c.misfit + against)
    vague = any(who.endswith(word) for word in (*within("vague"), "个", "款", "家", "些"))
    asks = _of_this(tokens)
    if shape == THIS and not vague and (asks != "like" or _is_so(tokens)):
        for c in _section("this", asks, Ask("this", shape, text, {"s": who}), topic):
            yield c._replace(misfit=c.misfit + (_UNSURE if asks == "has" else 0.0))
    if shape in (TRUE, TOLD, RULE):
        yield from on_heard(tokens, frame, shape, scenes, shown, topic)
    if shape == TOLD and _happens(tokens):
        asks = "bad" if {t.word for t in tokens} & within("suffers") else "new"
        yield from _section("happened", asks, Ask("happened", asks, text, {}), topic)


def _section(name: str, asks: str, ask: Ask, topic: str) -> Iterator[Candidate]:
    """The wordings of a section for a kind of sentence."""
    return fill([w for w in wordings()[name] if w.asks == asks], ask, topic)


def _asked(scene: Scene, shape: str, ask: Ask, topic: str, single: float) -> Iterator[Candidate]:
    """The questions of a scene for a kind of sentence, or the kind that is nearest to it.

    `single`: what speaks against those without a cue of their own, where one word shows the scene.
    """
    every = wordings().get(f"scene-{scene.name}", [])
    who = ask.slots["s"]
    if who[-2:] in _HEALERS and scene.source == "health":
        every = [w for w in every if w.asks == SELF]
    shows = shape == OTHER and any(word in who for group in scene.groups for word in group)
    for asks in ((SELF,) if shows else ()) + (shape, *_NEAREST.get(shape, ())):
        if own := [w for w in every if is_asked(w.asks, asks, ask.asked)]:
            cued = [w for w in own if ":" in w.asks]
            for c in fill(cued, ask, topic):
                yield c._replace(misfit=c.misfit + min(single, _CUED))
            for c in fill([w for w in own if w not in cued], ask, topic):
                yield c._replace(misfit=c.misfit + single)
            return


def _of_this(tokens: Sequence[Token]) -> str:
    """What is told of this one thing: what befell it, what there is in it, or what it is like."""
    words = {t.word for t in tokens}
    if words & within("suffers") or (words & {"被", "已经"} and "了" in words):
        return "event"
    return "has" if words & {"有", "包括", "拥有"} else "like"


def _is_so(tokens: Sequence[Token]) -> bool:
    """Whether a first clause says what something is like: it ends in an adjective, or in a set phrase."""
    first = next(iter(clauses_of(tokens)), [])
    last = [t for t in first if t.tag != "y" and t.word != "了"][-2:]
    so = bool(last) and (last[-1].tag in "azi" or last[-1].word in _LIKED)
    return so or any(t.word in within("degree") and t.word != "更" for t in last[:1])


_LIKED = frozenset(
    [
        "好吃",
        "好喝",
        "好看",
        "漂亮",
        "不错",
        "方便",
        "有趣",
        "好听",
        "流行",
        "成功",
        "精彩",
        "乏味",
        "厉害",
        "可爱",
        "有名",
    ]
)


def _happens(tokens: Sequence[Token]) -> bool:
    """Whether news is of something that happened, or is about to."""
    words = {t.word for t in tokens}
    if not tokens or tokens[0].word in ("是", "在", "到"):
        return False  # an answer to something else
    before = {a.tag for a, b in pairwise(tokens) if b.word == "了" and a.word not in "多少"}
    of = words & within("organization") and not is_person(tokens[0].word)
    done = of and before - {"a", "n", "d"} and not words & within("timeless")
    return bool(done or (of and words & {"即将", "终于", "突然", "遭到", "被"}))
