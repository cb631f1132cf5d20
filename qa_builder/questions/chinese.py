"""Chinese questions: for the part that a sentence tells, in the words of a partner who asks first.

A sentence is read into a frame (`chinese_frame`): subject, predicate, mood, time, place. Wordings
of the lexicon ask for one part and drop the others; the subject's person is turned round. A
sentence that is itself a question or a greeting gets a prompt, the utterance that it follows. (Ours.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain, islice, pairwise
from zlib import crc32

from qa_builder.questions.candidates import Candidate
from qa_builder.questions.chinese_before import before_question, formula, is_question
from qa_builder.questions.chinese_clauses import on_clauses
from qa_builder.questions.chinese_core import on_core
from qa_builder.questions.chinese_fill import choose, fill, wordings
from qa_builder.questions.chinese_frame import BE, Frame, read
from qa_builder.questions.chinese_parts import Ask, parts
from qa_builder.questions.chinese_place import on_end, on_named
from qa_builder.questions.chinese_subject import PRONOUNS, TURN
from qa_builder.questions.chinese_words import (
    Token,
    is_person,
    mend,
    predicate_class,
    segment,
    topics,
    within,
)

_MOST = 12  # candidates of one source: enough to choose from
# What speaks against a question, by where it comes from (`_sources`); the last is the general prompt.
_MISFIT = (0.0, 0.2, 0.5, 1.4, 1.8, 2.4, 7.6, 4.0)
_APART = ("我", "这", "那")  # subjects that have wordings of their own
_THINGS_ONLY = ("take", "put", "use", "save")  # classes whose object is no person
_OF_SUBJECT = ("quality", "looks", "character", "broken", "change")  # tell what it is like
_EARLY = 5  # characters: a noun that starts before is what the sentence is about
_TELLING = frozenset(["我", "我们", "了", "他", "她"])  # words of a report rather than of a rule
_TO_PLACES = ("go", "come", "live", "trip", "put", "wait")  # classes whose object is a place
_COMING = frozenset(["会", "将", "要", "即将", "明天", "快要", "就要"])  # words of what is to come


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
        if prompts := formula(text):
            return prompts
        if is_question(text):
            return _distinct(before_question(text, frame, topic))
        found: list[Candidate] = []
        for misfit, source in zip(_MISFIT, _sources(text, tokens, frame, topic), strict=False):
            found += islice((c._replace(misfit=misfit) for c in source), _MOST)
        if short := _shorter(frame):
            more = zip(_MISFIT[:6], _sources(text, tokens, short, topic), strict=False)
            for misfit, source in more:
                found += islice((c._replace(misfit=misfit + 0.3) for c in source), _MOST)
        return _distinct([*found, _last_resort(text, topic)._replace(misfit=_MISFIT[-1])])


def _shorter(frame: Frame) -> Frame | None:
    """The frame with the head of its subject alone, which gives less away; None for a short one."""
    head = frame.subject.rpartition("的")[2]
    last = frame.named[-1] if frame.named else None
    if last and head.endswith(last.word) and last.tag == "n" and len(last.word) > 1:
        head = last.word
    if (
        len(head) >= len(frame.subject)
        or head in within("nosubject")
        or (frame.person and frame.subject[0] in "你我")
    ):
        return None
    return frame._replace(subject=head)


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
    ends = list(on_end(tokens, frame))
    yield _on_parts((a for a in ends if a.section in ("end", "state")), topic)
    yield _on_parts(chain(on_clauses(tokens, frame), on_core(tokens, frame)), topic)
    brief = (a for a in ends if a.section == "brief")
    on_parts = _on_parts(chain(parts(text, tokens, frame), brief), topic)
    yield chain(on_parts, _on_predicate(tokens, frame, topic) if told else ())
    yield _on_parts(on_named(tokens, frame), topic)
    if told:
        yield _on_subject(tokens, frame, topic)
        yield chain(
            _on_subject(tokens, frame, topic, known=False), _on_anybody(tokens, frame, topic)
        )
    else:
        yield from ((), _on_anybody(tokens, frame, topic))
    yield _on_topic(tokens, frame, topic)


def _last_resort(text: str, topic: str) -> Candidate:
    """A general prompt, for where nothing else keeps the leakage budget."""
    general = list(fill(wordings()["general"], Ask("general", "any", "", {}), topic))
    return general[crc32(text.encode()) % len(general)]


def _on_parts(asks: Iterable[Ask], topic: str) -> Iterator[Candidate]:
    """Ask for a part of the sentence."""
    for ask in asks:
        yield from fill(choose(wordings()[f"ask-{ask.section}"], ask.asks), ask, topic)


def _on_predicate(tokens: Sequence[Token], frame: Frame, topic: str) -> Iterator[Candidate]:
    """Ask in the way of the predicate's class, for what the sentence tells."""
    name = predicate_class(frame.predicate) or ("quality" if frame.adjectival else "")
    if not name:
        return
    if name == "change" and not frame.person and frame.object and frame.object[0].word != "了":
        name = "affect"  # what changes something else
    asked = frame.predicate + "".join(t.word for t in frame.object)
    mood = _mood_of(frame)
    ask = Ask(name, mood, asked, {"s": frame.subject or _dropped(tokens, frame)})
    if not frame.subject and name in _OF_SUBJECT:
        return
    if name == "contain" and frame.person:
        return
    if name in _THINGS_ONLY and frame.object and is_person(frame.object[0].word):
        return
    told = _told(tokens, frame)
    yield from fill([w for w in choose(wordings()[name], mood) if w.kind in told], ask, topic)


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
    if frame.place or any(t.tag == "s" or (predicate_class(frame.predicate) in _TO_PLACES and
                          t.tag == "n") for t in frame.object):  # fmt: skip
        told.add("where")
    if any(t.tag in "mq" for t in tokens):
        told.add("how-many")
    if any(is_person(t.word) for t in frame.object):
        told.add("who")
    return told


def _on_anybody(tokens: Sequence[Token], frame: Frame, topic: str) -> Iterator[Candidate]:
    """Ask how somebody is whom a sentence names, where its subject was not found."""
    behind = {a.word for a, b in pairwise(tokens) if b.word in ("家", "的", "自己")}
    named = next(
        (
            t.word
            for t in tokens[:3]
            if t.word not in behind and t.word in PRONOUNS and t.word not in "你您它"
        ),
        "",
    )
    if named and not frame.subject and not frame.addressed:
        ask = Ask("person", "anybody", named, {"s": TURN.get(named, named)})
        yield from fill([w for w in wordings()["person"] if w.asks == "anybody"], ask, topic)


def _on_topic(tokens: Sequence[Token], frame: Frame, topic: str) -> Iterator[Candidate]:
    """Ask about the noun of the topic, then openly about the topic, or for advice on it."""
    known = wordings()
    noun = _topic_noun(tokens, frame, topic)
    told = _is_report(tokens)
    asks = "advice" if frame.addressed else "own" if frame.person else "told" if told else "open"
    ask = Ask("noun", asks, noun, {"s": frame.subject, "n": noun})
    yield from fill([w for w in known["ask-noun"] if w.asks == asks], ask, topic)
    if topic and not noun:
        asks = "advice" if frame.addressed else "open"
        ask = Ask(topic, asks, "", {"s": frame.subject})
        yield from fill([w for w in known[f"on-{topic}"] if w.asks == asks], ask, topic)


def _topic_noun(tokens: Sequence[Token], frame: Frame, topic: str) -> str:
    """The noun that a sentence starts with, or else the longest of its topic, that stands alone."""
    known = topics().get(topic, frozenset())
    sound = [
        t.word for t in tokens
        if t.tag == "n" and 2 <= len(t.word) <= 4 and t.word not in frame.subject
        and t.word not in within("nosubject") and not is_person(t.word)
        and not predicate_class(t.word) and (len(t.word) < 4 or t.word in known)
    ]  # fmt: skip
    first = [n for n in sound if "".join(t.word for t in tokens).find(n) < _EARLY]
    nouns = [n for n in sound if n in _topic_words()]
    best = next(iter(first), "") or max(nouns, key=lambda n: (n in known, len(n)), default="")
    return best or max(sound, key=len, default="")


def _is_stative(tokens: Sequence[Token], frame: Frame) -> bool:
    """Whether a predicate tells what somebody is like: an adjective or an idiom."""
    return frame.adjectival or any(t.word == frame.predicate and t.tag in "ilz" for t in tokens)


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
    if mood == "plan" and not frame.person and not _COMING & {t.word for t in tokens}:
        mood = "any"
    if mood == "any" and not frame.person and telling:
        mood = "told"
    if mood in ("any", "habit") and frame.person and _is_stative(tokens, frame):
        mood = "stative"
    if frame.person and frame.predicate not in BE:
        acts = predicate_class(frame.predicate) in within("acts") or frame.handled or frame.partner
        mood = {"any": "act" if acts else "any", "past": "past" if acts else "event",
                "can": "can" if acts else "any", "should": "should" if acts else "will"}.get(mood, mood)  # fmt: skip
    if frame.is_place:
        mood = "place"
    elif frame.subject[-2:] in within("organization") and "你" not in frame.subject:
        name = "org"
    own = [w for w in wordings()[name] if w.asks == mood]
    rest = [w for w in wordings()[name] if w.asks == "any"] if mood in ("any", "can") else []
    slots = {"s": frame.subject, "t": frame.time, "p": frame.place}
    ask = Ask(name, mood, frame.predicate, slots)
    yield from fill([*own, *rest], ask, topic)


def _mood_of(frame: Frame) -> str:
    if frame.subject and not frame.person:
        return "thing"
    return "not" if frame.mood == "notyet" else frame.mood


def topic_of(tokens: Sequence[Token]) -> str:
    """The topic with the most words in a sentence, the first of several; empty if there is none."""
    best, most = "", 0
    for name, words in topics().items():
        n = sum(t.word in words for t in tokens)
        if n > most:
            best, most = name, n
    return best
