"""Chinese questions: for the part that a sentence tells, in the words of a partner who asks first.

A sentence is read into a frame (`chinese_frame`): subject, predicate, mood, time, place. Wordings
of the lexicon ask for one part and drop the others; the subject's person is turned round. A
sentence that is itself a question or a greeting gets a prompt, the utterance that it follows. (Ours.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from zlib import crc32

from qa_builder.questions.candidates import Candidate
from qa_builder.questions.chinese_frame import Frame, read
from qa_builder.questions.chinese_parts import Ask, parts
from qa_builder.questions.chinese_words import (
    Token,
    is_person,
    mend,
    predicate_class,
    segment,
    topics,
    within,
)
from qa_builder.questions.wordings import FOLDER, Wording, pairs, read_wordings

_MOST = 6  # candidates of a sentence: enough to choose from
_SHORT = 9  # characters: in a shorter sentence most questions give half of it away
_ENOUGH = 2  # with so many, less fitting ones are not needed
_APART = ("我", "这", "那")  # subjects that have wordings of their own
_THINGS_ONLY = ("take", "put", "use", "save")  # classes whose object is no person
_OF_SUBJECT = ("quality", "looks", "character", "broken", "change")  # tell what it is like
_TELLING = frozenset(["我", "我们", "了", "他", "她"])  # words of a report rather than of a rule
_TO_PLACES = ("go", "come", "live", "trip", "put", "wait")  # classes whose object is a place
_SLOT = re.compile(r"\{(\w)\}")
_FORMULA_MARKS = re.compile(r"[，。！？、\s]+")
_ASKS = re.compile(r"[？?]\W*$|吗\W*$|(?:^|[，你他她])(?:为什么|怎么(?!也|都))(?!.*[，])")


class Chinese:
    """The rules for Chinese."""

    code = "zh"

    def candidates(
        self, text: str, words: list[str] | None = None, tags: list[str] | None = None
    ) -> list[Candidate]:
        """Questions for a sentence: on its parts, its predicate, its topic; general prompts."""
        if words is None or tags is None or len(words) != len(tags):
            words, tags = segment(text)
        tokens = mend(words, tags)
        topic = topic_of(tokens)
        frame = read(tokens)
        if prompts := _formula(text):
            return prompts
        if _ASKS.search(text):
            return _distinct(_before_question(frame, topic))
        found: list[Candidate] = []
        for source in _sources(text, tokens, frame, topic):
            found = _distinct([*found, *source])
            if len(found) >= (_ENOUGH if len(text) > _SHORT else _MOST):
                break
        return [*found[:_MOST], _last_resort(text, topic)]


def _distinct(candidates: Iterable[Candidate]) -> list[Candidate]:
    found: dict[str, Candidate] = {}
    for c in candidates:
        found.setdefault(c.text, c)
    return list(found.values())


def _sources(
    text: str, tokens: Sequence[Token], frame: Frame, topic: str
) -> Iterator[Iterable[Candidate]]:
    """Where candidates come from, the most fitting first: the later ones where they are few."""
    told = not frame.addressed and not frame.calling and frame.subject not in _APART
    on_parts = _on_parts(text, tokens, frame, topic)
    yield chain(on_parts, _on_predicate(tokens, frame, topic) if told else ())
    if told:
        yield _on_subject(tokens, frame, topic)
    yield _on_topic(tokens, frame, topic)
    if told:
        yield _on_subject(tokens, frame, topic, known=False)


def _last_resort(text: str, topic: str) -> Candidate:
    """A general prompt, for where nothing else keeps the leakage budget."""
    general = list(_fill(_wordings()["general"], Ask("general", "any", "", {}), topic))
    return general[crc32(text.encode()) % len(general)]


def _on_parts(text: str, tokens: Sequence[Token], frame: Frame, topic: str) -> Iterator[Candidate]:
    """Ask for a part of the sentence."""
    for ask in parts(text, tokens, frame):
        yield from _fill(_choose(_wordings()[f"ask-{ask.section}"], ask.asks), ask, topic)


def _on_predicate(tokens: Sequence[Token], frame: Frame, topic: str) -> Iterator[Candidate]:
    """Ask in the way of the predicate's class, for what the sentence tells."""
    name = predicate_class(frame.predicate) or ("quality" if frame.adjectival else "")
    if not name:
        return
    asked = frame.predicate + "".join(t.word for t in frame.object)
    mood = _mood_of(frame)
    ask = Ask(name, mood, asked, {"s": frame.subject or _dropped(tokens, frame)})
    if not frame.subject and name in _OF_SUBJECT:
        return
    if name in _THINGS_ONLY and frame.object and is_person(frame.object[0].word):
        return
    told = _told(tokens, frame)
    yield from _fill([w for w in _choose(_wordings()[name], mood) if w.kind in told], ask, topic)


def _dropped(tokens: Sequence[Token], frame: Frame) -> str:
    """Who is meant where nobody is named: the one who signs, where the sentence says "I"."""
    words = {t.word for t in tokens}
    own = words & {"我", "我们"} and not words & {"他", "她", "你", "他们"}
    return "你" if own and frame.mood in ("past", "notyet", "plan", "any") else ""


def _told(tokens: Sequence[Token], frame: Frame) -> set[str]:
    """The kinds of questions that a predicate with its object can answer."""
    told = {"what", "how", "yes-no", "why", "which"}
    if frame.time or any(t.tag == "t" for t in tokens):
        told.add("when")
    if frame.place or any(t.tag in "fs" or (predicate_class(frame.predicate) in _TO_PLACES and
                          t.tag == "n") for t in frame.object):  # fmt: skip
        told.add("where")
    if any(t.tag in "mq" for t in tokens):
        told.add("how-many")
    if any(is_person(t.word) for t in frame.object):
        told.add("who")
    return told


def _on_topic(tokens: Sequence[Token], frame: Frame, topic: str) -> Iterator[Candidate]:
    """Ask about the noun of the topic, then openly about the topic, or for advice on it."""
    wordings = _wordings()
    noun = _topic_noun(tokens, frame, topic)
    told = _is_report(tokens)
    asks = "advice" if frame.addressed else "own" if frame.person else "told" if told else "open"
    ask = Ask("noun", asks, noun, {"s": frame.subject, "n": noun})
    yield from _fill([w for w in wordings["ask-noun"] if w.asks == asks], ask, topic)
    if topic:
        asks = "advice" if frame.addressed else "open"
        ask = Ask(topic, asks, "", {"s": frame.subject})
        yield from _fill([w for w in wordings[f"on-{topic}"] if w.asks == asks], ask, topic)


def _topic_noun(tokens: Sequence[Token], frame: Frame, topic: str) -> str:
    """The longest noun of the topic, or else of the sentence, that can stand by itself."""
    known = topics().get(topic, frozenset())
    nouns = [t.word for t in tokens
             if t.tag == "n" and 2 <= len(t.word) <= 4 and t.word not in frame.subject
             and t.word not in within("nosubject") and not is_person(t.word)
             and not predicate_class(t.word) and (len(t.word) < 4 or t.word in known)
             and (topic == "" or t.word in _topic_words())]  # fmt: skip
    return max(nouns, key=lambda n: (n in known, len(n)), default="")


def _is_report(tokens: Sequence[Token]) -> bool:
    """Whether a sentence reports something, rather than stating a rule."""
    return any(t.word in within("past") | within("timed") | _TELLING for t in tokens)


def _is_known(subject: str) -> bool:
    """Whether a thing is named by a word of a topic: one that it is natural to ask about."""
    return any(subject.endswith(w) for w in _topic_words() | within("organization") if len(w) > 1)


@cache
def _topic_words() -> frozenset[str]:
    return frozenset().union(*topics().values())


def _on_subject(
    tokens: Sequence[Token], frame: Frame, topic: str, known: bool = True
) -> Iterator[Candidate]:
    """Ask what there is to say of the subject: a person, a known thing, or else another one."""
    if not frame.subject or (frame.person or _is_known(frame.subject)) != known:
        return
    telling = _is_report(tokens)
    name = "person" if frame.person else "thing"
    mood = "not" if frame.mood == "notyet" else frame.mood
    if mood == "any" and not frame.person and telling:
        mood = "told"
    if frame.is_place:
        mood = "place"
    elif frame.subject[-2:] in within("organization"):
        name = "org"
    own = [w for w in _wordings()[name] if w.asks == mood]
    rest = [w for w in _wordings()[name] if w.asks == "any"] if mood in ("any", "can") else []
    slots = {"s": frame.subject, "t": frame.time, "p": frame.place}
    ask = Ask(name, mood, frame.predicate, slots)
    yield from _fill([*own, *rest], ask, topic)


def _before_question(frame: Frame, topic: str) -> Iterator[Candidate]:
    """What is said before a sentence that is a question itself."""
    wordings = _wordings()
    if topic:
        said = [w for w in wordings[f"on-{topic}"] if w.asks == "say"]
        yield from _fill(said, Ask(topic, "say", "", {}), topic)
    if frame.person and frame.subject not in ("我", "你", "我们", "你们", "大家"):
        about = Ask("question", "person", frame.subject, {"s": frame.subject})
        yield from _fill(_choose(wordings["question"], "person"), about, topic)
    yield from _fill(wordings["question"], Ask("question", "any", "", {}), topic)


def _formula(text: str) -> list[Candidate]:
    plain = _FORMULA_MARKS.sub("", text)
    for n, (pattern, prompts) in enumerate(_formulas()):
        if pattern.fullmatch(plain):
            return [Candidate(p, "prompt", "", f"formula/{n}.{k}", "greeting")
                    for k, p in enumerate(prompts)]  # fmt: skip
    return []


def _mood_of(frame: Frame) -> str:
    if frame.subject and not frame.person:
        return "thing"
    return "not" if frame.mood == "notyet" else frame.mood


def _choose(wordings: Sequence[Wording], asks: str) -> list[Wording]:
    """The wordings of a mood, then those of any; what is denied has its own alone.

    "What did he say?" is answered by "He says" too: without a mood, that of the past will do.
    """
    own = [w for w in wordings if w.asks == asks]
    if asks in ("not", "thing"):
        return own
    if asks == "any":
        return own + [w for w in wordings if w.asks == "past" and w.kind == "what"]
    return own + [w for w in wordings if w.asks == "any"]


def _fill(wordings: Sequence[Wording], ask: Ask, topic: str) -> Iterator[Candidate]:
    """The wordings whose slots can all be filled."""
    for w in wordings:
        of_you = ask.slots.get("s") in ("你", "你们") and "s" in w.slots and w.text[0] in "你说关"
        if all(ask.slots.get(slot) for slot in w.slots) and not of_you:
            text = _SLOT.sub(lambda m: ask.slots[m[1]], w.text)
            yield Candidate(text, w.kind, ask.asked, w.name, topic or "other")


def topic_of(tokens: Sequence[Token]) -> str:
    """The topic with the most words in a sentence, the first of several; empty if there is none."""
    best, most = "", 0
    for name, words in topics().items():
        n = sum(t.word in words for t in tokens)
        if n > most:
            best, most = name, n
    return best


@cache
def _wordings() -> dict[str, list[Wording]]:
    """All wordings by section: predicates, parts, topics."""
    result: dict[str, list[Wording]] = {}
    for file in ("zh_wordings.txt", "zh_parts.txt", "zh_topic_wordings.txt"):
        result |= read_wordings(FOLDER / file)
    return result


@cache
def _formulas() -> list[tuple[re.Pattern[str], list[str]]]:
    found = pairs(FOLDER / "zh_formulas.txt")
    return [(re.compile(left), [p.strip() for p in right.split(" / ")]) for left, right in found]
