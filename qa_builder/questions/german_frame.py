"""The frame of a German weather sentence: when and where, and how a question says that.

The corpus is lower case, without punctuation and full of ellipses, so that taggers guess; its
expressions of time and place are few and fixed. A lexicon of them with a small grammar round the
place nouns (preposition, adjective, "und", "deutschlands") reads more of them. (Ours.)
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import NamedTuple

from qa_builder.questions.wordings import FOLDER, pairs

_DAYS = ("montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonnabend",
         "sonntag", "karfreitag", "ostersonntag", "ostermontag", "pfingstsonntag",
         "pfingstmontag", "neujahrstag")  # fmt: skip
_PARTS = ("vormittag", "mittag", "nachmittag", "abend")
_SLOTS = (("<tag>", _DAYS), ("<tag2>", _DAYS), ("<teil>", _PARTS))
_ARTICLES = frozenset(["der", "die", "das", "den", "dem", "des"])
_PREPOSITIONS = frozenset(["im", "in", "ins", "am", "an", "ans", "auf", "über", "bis", "zu", "zum",
                           "zur", "richtung", "bei", "durch", "nach"])  # fmt: skip
_SOURCE = frozenset(["von", "vom", "aus"])  # where something comes from is not where it is
_SIDES = frozenset(["nördlich", "südlich", "östlich", "westlich", "nordöstlich", "nordwestlich",
                    "südöstlich", "südwestlich", "abseits", "entlang"])  # fmt: skip
_ADJECTIVES = frozenset(["äußersten", "nördlichen", "südlichen", "östlichen", "westlichen",
                         "nordöstlichen", "nordwestlichen", "südöstlichen", "südwestlichen",
                         "mittleren", "höheren", "hohen", "gesamten", "ganzen", "zentralen",
                         "oberen", "unteren", "norddeutschen", "süddeutschen"])  # fmt: skip
_OWN = ("in Deutschland", "hierzulande")
_ABROAD = frozenset(["russlands", "europas", "frankreichs", "skandinaviens", "englands", "polens",
                     "italiens", "spaniens", "schottlands", "irlands", "osteuropas"])  # fmt: skip
_ELSEWHERE = ("im übrigen Land", "in den anderen Regionen")
_CONTRAST = {"sonst": _ELSEWHERE, "ansonsten": _ELSEWHERE, "dort": ("dort",)}
_LONGEST = 6


class Span(NamedTuple):
    """A part of a sentence that a question can ask for or keep."""

    start: int  # of its first token
    end: int  # after its last
    text: str  # as in the sentence
    ways: tuple[str, ...]  # how a question may say it; none: it cannot
    day: bool = False  # whether it is a day of the week


def find_times(tokens: Sequence[str]) -> list[Span]:
    """The expressions of time of a sentence, in order."""
    found = _matches(tokens, _times())
    return [
        Span(i, j, " ".join(tokens[i:j]), ways, any(t.rstrip("s") in _DAYS for t in tokens[i:j]))
        for i, j, ways in found
        if ways
    ]


def find_places(tokens: Sequence[str]) -> list[Span]:
    """The places of a sentence, in order; where an air mass or the wind comes from is none."""
    places: list[Span] = []
    for i, j, ways in _matches(tokens, _places()):
        place = _place(tokens, i, j, ways)
        if place is None or (places and place.start < places[-1].end):
            continue
        if places and (joined := _join(tokens, places[-1], place)):
            places[-1] = joined
        else:
            places.append(place)
    return sorted([*places, *_elsewhere(tokens)])


def _matches(
    tokens: Sequence[str], phrases: dict[str, tuple[str, ...]]
) -> list[tuple[int, int, tuple[str, ...]]]:
    """The longest phrases of a lexicon, left to right."""
    found = []
    i = 0
    while i < len(tokens):
        for j in range(min(len(tokens), i + _LONGEST), i, -1):
            if (ways := phrases.get(" ".join(tokens[i:j]))) is not None:
                found.append((i, j, ways))
                i = j - 1
                break
        i += 1
    return found


def _place(tokens: Sequence[str], i: int, j: int, ways: tuple[str, ...]) -> Span | None:
    """The place round the noun in tokens[i:j], or None if it is where something comes from."""
    start = i
    adjective = ""
    if start and tokens[start - 1] in _ADJECTIVES:
        start -= 1
        adjective = tokens[start]
    article = ""
    if start and tokens[start - 1] in _ARTICLES:
        start -= 1
        article = tokens[start]
    before = tokens[start - 1] if start else ""
    after = tokens[j] if j < len(tokens) else ""
    if before in _SOURCE or (before == "nach" and after != "hin" and ways != _OWN):
        return None
    if after in _ABROAD:
        return None
    if before in _SIDES and article:
        ways = (f"{before} {article} {tokens[j - 1].capitalize()}",)
    elif adjective:
        ways = (_with_adjective(ways[0], adjective),)
    if before in _PREPOSITIONS or before in _SIDES:
        start -= 1
    if after == "deutschlands":
        j += 1
    return Span(start, j, " ".join(tokens[start:j]), ways)


def _with_adjective(way: str, adjective: str) -> str:
    """Put an adjective between the preposition and the noun: "im äußersten Norden"."""
    words = way.split()
    noun = next(k for k, w in enumerate(words) if w[0].isupper())
    if words[:noun] == ["in"]:  # a country's name has no article of its own
        words[0] = "im"
    return " ".join([*words[:noun], adjective, *words[noun:]])


def _join(tokens: Sequence[str], a: Span, b: Span) -> Span | None:
    """One place of two that stand together: "im Norden und Osten", "zwischen Rhein und Elbe"."""
    if list(tokens[a.end : b.start]) not in (["und"], ["sowie"]) or " und " in a.ways[0]:
        return None
    first, second = a.ways[0], b.ways[0]
    text = " ".join(tokens[a.start : b.end])
    if a.start and tokens[a.start - 1] == "zwischen":
        nouns = [" ".join(w for w in x.split() if w[0].isupper()) for x in (first, second)]
        plural = any("den" in w.split() for w in (first, second))
        way = () if plural else (f"zwischen {nouns[0]} und {nouns[1]}",)
        return Span(a.start - 1, b.end, f"zwischen {text}", way)
    head, _, noun = second.rpartition(" ")
    same = first.rpartition(" ")[0] == head
    return Span(a.start, b.end, text, (f"{first} und {noun if same else second}",))


def _elsewhere(tokens: Sequence[str]) -> list[Span]:
    """ "Sonst" and "dort": a place by contrast at the start, an unknown one further on."""
    spans = []
    for i, word in enumerate(tokens):
        if ways := _CONTRAST.get(word):
            spans.append(Span(i, i + 1, word, ways if i <= 1 else ()))
    return spans


@cache
def _places() -> dict[str, tuple[str, ...]]:
    return {k: tuple(v.split(" / ")) for k, v in pairs(FOLDER / "de_places.txt")}


@cache
def _times() -> dict[str, tuple[str, ...]]:
    times = {}
    for key, value in pairs(FOLDER / "de_times.txt"):
        slots = product(*(words if slot in key else ("",) for slot, words in _SLOTS))
        for words in slots:
            times[_fill(key, words)] = tuple(_fill(value, words).split(" / ")) if value else ()
    return times


def _fill(pattern: str, words: Sequence[str]) -> str:
    for (slot, _), word in zip(_SLOTS, words, strict=True):
        pattern = pattern.replace(slot, word).replace(slot.title(), word.capitalize())
    return pattern
