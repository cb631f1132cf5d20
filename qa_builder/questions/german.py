"""German questions about weather talk (PHOENIX-2014T): topic and frame, and wordings of both.

A sentence is scanned for its topics (rain, wind, ...) and its frame (time, place). Each wording of
a topic asks for one part and keeps the others; what is asked for is left out. (Ours.)
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple
from zlib import crc32

from qa_builder.questions.candidates import Candidate
from qa_builder.questions.german_frame import Span, find_places, find_times
from qa_builder.questions.wordings import FOLDER, Wording, pairs, read_wordings

_NUMBER = (
    "(?:ein|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|null"
    r"|\w+zehn|\w*zwanzig|\w*dreißig)"
)
# "Wann ...?" and "Wo ...?" are not answered by these.
_VAGUE = ("später", "danach", "derzeit", "zurzeit", "im Moment", "demnächst")
_NO_ANSWER = ("dort", "in Deutschland", "hierzulande", "in Mitteleuropa", "im übrigen Land")
_WORD = re.compile(r"\w+")
# What nobody asks of a night.
_BY_DAY = re.compile("Sonne|sonnig|schön|blau|Ausflug|draußen|baden|Freien|grillen|sommerlich|grau")
# A topic that is denied happens nowhere: "kein Regen".
_DENIED = re.compile(r"(?:kein\w*|kaum|ohne|nicht|weniger|selten)(?: \w+)? $")
_DENIED_AFTER = re.compile(r"(?: es)? (?:kaum|nicht)\b")
_FAR = 4  # tokens: a place that stands further behind a topic belongs to another one


class _Topic(NamedTuple):
    name: str
    at: int  # its first token
    text: str
    denied: bool


# How many parts of the frame a question leaves out, and the question.
_Ranked = tuple[int, Candidate]


class German:
    """The rules for German."""

    code = "de"

    def candidates(
        self, text: str, words: list[str] | None = None, tags: list[str] | None = None
    ) -> list[Candidate]:
        """Questions for a sentence: on its topics, on its weather as a whole, general prompts."""
        text = " ".join(_WORD.findall(text.lower()))
        tokens = text.split(" ")
        topics, conditions = _find_topics(text)
        times, places = find_times(tokens), find_places(tokens)
        found = [f for topic in topics for f in _on_topic(topic, conditions, text, times, places)]
        if not (topics and topics[0].name in _patterns()[1]):
            found += _on_weather(conditions, text, times, places)
        found.sort(key=lambda f: f[0])
        result = {c.text: c for _, c in reversed(found)}
        general = [Candidate(w.text, w.kind, "", w.name, "general")
                   for w in _section("general", conditions)]  # fmt: skip
        return [*reversed(result.values()), *general]


def _on_topic(
    topic: _Topic, conditions: set[str], text: str, times: list[Span], places: list[Span]
) -> Iterator[_Ranked]:
    """Ask for the time, the place, or what is said of a topic."""
    if "past" in conditions and topic.name not in _patterns()[1]:
        return
    time, place = _of_topic(times, topic, len(text)), _of_topic(places, topic, _FAR)
    if place and not place.ways:
        place = None
    for w in _section(topic.name, conditions):
        asked = _asked(w, topic, time, place)
        if asked is not None:
            yield from _filled(w, topic.name, asked, text, time, place)


def _asked(w: Wording, topic: _Topic, time: Span | None, place: Span | None) -> str | None:
    """The part of the sentence that answers a wording; None where it has no such part."""
    if w.asks == "-":
        denies = w.kind not in ("yes-no", "how-many", "how")
        return None if topic.denied and denies else topic.text
    if topic.denied:
        return None
    if w.asks == "place":
        return place.text if place and place.ways[0] not in _NO_ANSWER else None
    if time is None or time.ways[0] in _VAGUE or (w.asks == "day" and not time.day):
        return None
    return time.text


def _on_weather(
    conditions: set[str], text: str, times: list[Span], places: list[Span]
) -> Iterator[_Ranked]:
    """Ask for the weather of a time or a place: there is always some."""
    kept = [p for p in places if p.ways]
    time = times[0] if times else None
    place = kept[0] if kept and (len(places) == 1 or not time) else None
    if time or place:
        for w in _section("weather", conditions):
            yield from _filled(w, "weather", "", text, time, place)


def _filled(
    w: Wording, topic: str, asked: str, text: str, time: Span | None, place: Span | None
) -> Iterator[_Ranked]:
    """A wording with all of the frame that it can keep, and with each half of it."""
    if time and "nacht" in time.ways[0].lower() and _BY_DAY.search(w.text):
        return
    draw = crc32(f"{w.name} {text}".encode())
    wann = _way(time, draw) if "wann" in w.slots else ""
    wo = _way(place, draw >> 8) if "wo" in w.slots else ""
    frame = sum(p is not None for p in (time, place)) - (w.asks != "-")
    for kept in dict.fromkeys([(wann, wo), (wann, ""), ("", wo)]):
        if any(kept) or not (wann or wo):
            question = w.fill(wann=kept[0], wo=kept[1])
            yield frame - sum(map(bool, kept)), Candidate(question, w.kind, asked, w.name, topic)


def _way(span: Span | None, draw: int) -> str:
    return span.ways[draw % len(span.ways)] if span else ""


def _of_topic(spans: Sequence[Span], topic: _Topic, far: int) -> Span | None:
    """The last span before a topic, else the next one behind it that is not far."""
    k = bisect_right([s.start for s in spans], topic.at)
    if k:
        return spans[k - 1]
    return spans[0] if spans and spans[0].start - topic.at <= far else None


def _find_topics(text: str) -> tuple[list[_Topic], set[str]]:
    """The topics of a sentence, the most telling first, and the conditions that hold for it."""
    topics, only, conditions = _patterns()
    found = []
    for name, pattern in topics.items():
        if m := pattern.search(text):
            start = text.rfind(" ", 0, m.start() + 1) + 1 if m.start() else 0
            end = text.find(" ", m.end() - 1)
            asked = text[start : end if end >= 0 else None]
            denied = _DENIED.search(text, 0, start) or _DENIED_AFTER.match(text, start + len(asked))
            found.append(_Topic(name, text.count(" ", 0, start), asked, denied is not None))
            if name in only:
                return found, set()
    return found, {name for name, pattern in conditions.items() if pattern.search(text)}


def _section(name: str, conditions: set[str]) -> list[Wording]:
    """The wordings of a section, in the variant of a condition where there is one."""
    wordings = _wordings()
    variants = (f"{name} {c}" for c in sorted(conditions))
    return wordings[next((v for v in variants if v in wordings), name)]


@cache
def _wordings() -> dict[str, list[Wording]]:
    return read_wordings(FOLDER / "de_wordings.txt")


@cache
def _patterns() -> tuple[dict[str, re.Pattern[str]], frozenset[str], dict[str, re.Pattern[str]]]:
    """Topics by name, the names of those that stand alone, conditions by name."""
    topics: dict[str, re.Pattern[str]] = {}
    conditions: dict[str, re.Pattern[str]] = {}
    only = set()
    for left, right in pairs(FOLDER / "de_topics.txt"):
        *mark, name = left.split()
        pattern = re.compile(right.replace("<zahl>", _NUMBER))
        (conditions if mark == ["if"] else topics)[name] = pattern
        if mark == ["only"]:
            only.add(name)
    return topics, frozenset(only), conditions
