"""Scenes that Chinese sentences are set in, by their words: "exam", "traffic jam", "apology".

A scene is known by words that stand anywhere in a sentence, whatever its grammar: what a sentence is
set in is surer than who does what in it. (Ours.)
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import NamedTuple

from qa_builder.questions.chinese_words import Token
from qa_builder.questions.wordings import FOLDER, pairs

_LONGEST = 8  # characters of a word that shows a scene
_MIND = "moral"  # the source of what is said of people's minds


class Scene(NamedTuple):
    """A scene and the words that show it: one of each group stands in the sentence."""

    name: str
    groups: tuple[frozenset[str], ...]
    source: str  # from where one has what is said in it: the doctor, the teacher, the news
    place: int  # in the file: of two scenes that ask for as much, the earlier holds

    @property
    def is_of_mind(self) -> bool:
        """Whether it is of what people feel, want and do to each other."""
        return self.source == _MIND


def scenes_of(shown: Collection[str]) -> list[Scene]:
    """The scenes that words show: those that ask for more words first, then by their place."""
    found = {name for word in shown for name in _index()[word]}
    scenes = [
        s
        for s in map(_scenes().__getitem__, found)
        if all(not g.isdisjoint(shown) for g in s.groups)
    ]
    return sorted(scenes, key=lambda s: (-len(s.groups), s.place))


def words_of_scenes(text: str, tokens: Sequence[Token]) -> set[str]:
    """The words of scenes in a text: at each character the longest that starts there.

    It is one or several tokens; one of more than a character may be inside of a token.
    """
    index, found, end = _index(), set(), 0
    edges, at = set(), 0
    for t in tokens:
        edges.add(at)
        at += len(t.word)
    edges.add(at)
    for i in range(len(text)):
        for n in range(min(_LONGEST, len(text) - i), 0, -1):
            word = text[i : i + n]
            if word not in index:
                continue
            inside = n > 1 and not any(k in edges for k in range(i + 1, i + n))
            if i + n > end and (inside or {i, i + n} <= edges):
                found.add(word)
                end = i + n
            break
    return found


@cache
def troubles_of(scene: str) -> tuple[str, ...]:
    """The names of the troubles that one has in a scene."""
    known = pairs(FOLDER / "zh_troubled.txt")
    return tuple(name for name, scenes in known if scene in scenes.split())


@cache
def _scenes() -> dict[str, Scene]:
    sources = {
        scene: source
        for source, scenes in pairs(FOLDER / "zh_sources.txt")
        for scene in scenes.split()
    }
    result = {}
    for place, (name, words) in enumerate(pairs(FOLDER / "zh_scenes.txt")):
        groups = tuple(frozenset(group.split()) for group in words.split("+"))
        result[name] = Scene(name, groups, sources[name], place)
    return result


@cache
def _index() -> dict[str, tuple[str, ...]]:
    """The scenes that each word can show."""
    result: dict[str, tuple[str, ...]] = {}
    for scene in _scenes().values():
        for word in frozenset().union(*scene.groups):
            result[word] = (*result.get(word, ()), scene.name)
    return result
