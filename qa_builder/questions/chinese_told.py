"""Questions by the scene that a Chinese sentence is set in: "怎样才能身体好？" before "运动有益于健康".

What can be asked in a scene depends on what kind of sentence it is (`chinese_shape`): of the one who
signs, of somebody else, of the one who asks, a rule, a truth, or news. The questions name the scene by
other or more general words than the sentence, so they give little away. (Ours.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from qa_builder.questions.candidates import Candidate
from qa_builder.questions.chinese_fill import fill, wordings
from qa_builder.questions.chinese_frame import Frame
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
_LATER, _SINGLE, _SINGLE_OF_MIND = 0.35, 1.4, 0.8
_AGAINST = {ME: 1.0, OTHER: 0.9, YOU: 0.3, TOLD: 0.2, RULE: 0.6, THIS: 0.4}
_UNSURE = 0.9  # of one thing of which it is not said what it is like
_HEALERS = ("医生", "护士", "大夫", "中医")  # who are not the ones that are ill


def on_scenes(text: str, tokens: Sequence[Token], frame: Frame, topic: str) -> Iterator[Candidate]:
    """Ask what one asks in such a scene, the most particular scene first; and who says what."""
    shape, who = shape_of(tokens, frame)
    shown = words_of_scenes(text, tokens)
    scenes = scenes_of(shown)
    for k, scene in enumerate(scenes[:_MOST]):
        sure = len(scene.groups) > 1 or len(shown & scene.groups[0]) > 1
        single = 0.0 if sure else _SINGLE_OF_MIND if scene.is_of_mind else _SINGLE
        against = k * _LATER + single + _AGAINST.get(shape, 0.0)
        for c in _asked(scene, shape, Ask("scene", shape, text, {"s": who}), topic):
            yield c._replace(misfit=c.misfit + against)
    if shape == THIS and not any(who.endswith(word) for word in within("vague")):
        asks = _of_this(tokens)
        vague = 0.0 if asks != "like" or _is_so(tokens) else _UNSURE
        for c in _section("this", asks, Ask("this", shape, text, {"s": who}), topic):
            yield c._replace(misfit=c.misfit + vague)
    if shape in (TRUE, TOLD, RULE):
        yield from on_heard(tokens, frame, shape, scenes, shown, topic)
    if shape == TOLD and _happens(tokens):
        asks = "bad" if {t.word for t in tokens} & within("suffers") else "new"
        yield from _section("happened", asks, Ask("happened", asks, text, {}), topic)


def _section(name: str, asks: str, ask: Ask, topic: str) -> Iterator[Candidate]:
    """The wordings of a section for a kind of sentence."""
    return fill([w for w in wordings()[name] if w.asks == asks], ask, topic)


def _asked(scene: Scene, shape: str, ask: Ask, topic: str) -> Iterator[Candidate]:
    """The questions of a scene for a kind of sentence, or the kind that is nearest to it."""
    every = wordings().get(f"scene-{scene.name}", [])
    who = ask.slots["s"]
    if who[-2:] in _HEALERS and scene.source == "health":
        every = [w for w in every if w.asks == SELF]
    shows = shape == OTHER and any(word in who for group in scene.groups for word in group)
    for asks in ((SELF,) if shows else ()) + (shape, *_NEAREST.get(shape, ())):
        if own := [w for w in every if w.asks in (asks, "any")]:
            yield from fill(own, ask, topic)
            return


def _of_this(tokens: Sequence[Token]) -> str:
    """What is told of this one thing: what befell it, what there is in it, or what it is like."""
    words = {t.word for t in tokens}
    if words & within("suffers") or (words & {"被", "已经"} and "了" in words):
        return "event"
    return "has" if words & {"有", "没有", "包括", "拥有"} else "like"


def _is_so(tokens: Sequence[Token]) -> bool:
    """Whether a sentence says what something is like: an adjective, or a word of degree."""
    return any(t.tag in "azil" or t.word in within("degree") for t in tokens)


def _happens(tokens: Sequence[Token]) -> bool:
    """Whether news is of something that happened, or is about to."""
    words = {t.word for t in tokens}
    if not tokens or tokens[0].word == "是":
        return False  # an answer to something else
    before = {a.tag for a, b in pairwise(tokens) if b.word == "了" and a.word not in "多少"}
    of = tokens[0].tag == "t" or is_person(tokens[0].word) or words & within("organization")
    done = of and before - {"a", "n", "d"} and not words & within("timeless")
    return bool(done or (of and words & {"即将", "终于", "突然", "遭到", "被"}))
