"""Chinese questions: for the part that a sentence tells, in the words of a partner who asks first.

A sentence is read into a frame (`chinese_frame`): subject, predicate, mood, time, place. Wordings
of the lexicon ask for one part and drop the others; the subject's person is turned round. A
sentence that is itself a question or a greeting gets a prompt, the utterance that it follows. (Ours.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain, islice, pairwise

from qa_builder.questions.candidates import Candidate
from qa_builder.questions.chinese_allowed import on_allowed
from qa_builder.questions.chinese_amounts import on_amounts
from qa_builder.questions.chinese_before import (
    before_answer,
    before_question,
    formula,
    is_question,
)
from qa_builder.questions.chinese_clauses import on_clauses
from qa_builder.questions.chinese_core import on_core
from qa_builder.questions.chinese_doubt import doubt, is_unsaid
from qa_builder.questions.chinese_facts import on_facts
from qa_builder.questions.chinese_fill import choose, fill, wordings
from qa_builder.questions.chinese_fit import fitted
from qa_builder.questions.chinese_frame import BE, Frame, read
from qa_builder.questions.chinese_parts import parts
from qa_builder.questions.chinese_phrases import Ask, is_simple
from qa_builder.questions.chinese_place import on_end
from qa_builder.questions.chinese_points import on_points
from qa_builder.questions.chinese_shape import TRUE, shape_of
from qa_builder.questions.chinese_sure import on_nearest, on_sure
from qa_builder.questions.chinese_told import on_scenes
from qa_builder.questions.chinese_turned import on_turned
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
_MISFIT = (-1.0, 0.0, 0.2, 0.5, 0.5, 0.1, 0.7, -0.8, 3.0, -0.1, 4.5, 1.5)
# What fits whatever is said so of somebody; what is left of these fits less surely than a scene.
_SURE = frozenset(
    f"sure-{name}"
    for name in ("did", "plan", "event", "feel", "ill", "let", "think", "habit", "said", "going")
)
_SHORTEST_VIEW = 9  # characters: a shorter sentence is no view of anything
_SHORTER = 1.0  # where only the head of the subject is named
_NEAREST = 2.6  # where only who has the subject is named
# What starts an answer to whether it is so, and what speaks then against other questions, and these.
_ANSWERS = re.compile(
    r"(?:是的?|不是?|[是对]啊|是呀|没有?|还没有|可以|会|能|不[会能行]|好的?|行)[，,]"
)
_SUPPOSES = re.compile(r"(?:要是|如果|假如).*早就")  # what is not so is not asked whether it is
_ANSWERED = (2.0, -1.0)
_APART = ("我", "这", "那")  # subjects that have wordings of their own
_THINGS_ONLY = ("take", "put", "use", "save")  # classes whose object is no person
_OF_SUBJECT = ("quality", "looks", "character", "broken", "change")  # tell what it is like
_KEPT = ("quality", "looks", "character", "ill", "emotion")  # classes that are no act
_WITH_CLAUSE = ("say", "tell", "think", "wish", "like", "hate", "learn", "begin", "demand", "see")
_OPEN_TOPICS = ("weather", "cold")  # of which one can ask without naming more
_EARLY = 5  # characters: a noun that starts before is what the sentence is about
_TELLING = frozenset(["我", "我们", "了", "他", "她"])  # words of a report rather than of a rule
_TO_PLACES = ("go", "come", "live", "trip", "put", "wait")  # classes whose object is a place


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
            found += islice((c._replace(misfit=c.misfit + misfit) for c in source), _MOST)
        if short := _shorter(frame):
            more = zip(_MISFIT[:5], _sources(text, tokens, short, topic), strict=False)
            for misfit, source in more:
                found += islice(
                    (c._replace(misfit=c.misfit + misfit + _SHORTER) for c in source), _MOST
                )
        found += (
            c._replace(misfit=c.misfit + _NEAREST) for c in _on_parts(on_nearest(frame), topic)
        )
        if _SUPPOSES.search(text):
            found = [c._replace(misfit=c.misfit + 2.0 * (c.kind == "yes-no")) for c in found]
        if _ANSWERS.match(text):
            found = [c._replace(misfit=c.misfit + _ANSWERED[c.kind == "yes-no"]) for c in found]
            found += before_answer(text, topic)
        return _distinct([*found, *_last_resort(text, tokens, frame, topic)])


def _shorter(frame: Frame) -> Frame | None:
    """The frame with the head of its subject alone, which gives less away; None for a short one."""
    head = frame.subject.rpartition("的")[2]
    last = frame.named[-1] if frame.named else None
    if last and head.endswith(last.word) and last.tag == "n" and len(last.word) > 1:
        head = last.word
    if (
        len(head) >= len(frame.subject)
        or frame.predicate in BE
        or (frame.named and is_person(frame.named[0].word))
        or head in within("nosubject")
        or (frame.person and frame.subject[0] in "你我")
    ):
        return None
    return frame._replace(subject=head)


def _distinct(candidates: Iterable[Candidate]) -> list[Candidate]:
    found: dict[str, Candidate] = {}
    for c in candidates:
        if not is_unsaid(c.text):
            found.setdefault(c.text, fitted(c))
    return list(found.values())


def _sources(
    text: str, tokens: Sequence[Token], frame: Frame, topic: str
) -> Iterator[Iterable[Candidate]]:
    """Where candidates come from, the most fitting first: the later ones where they are few."""
    told = not frame.addressed and not frame.calling and frame.subject not in _APART
    ends = list(on_end(tokens, frame))
    yield _on_parts(on_turned(tokens, frame), topic)
    yield _on_parts((a for a in ends if a.section in ("end", "state")), topic)
    clauses = list(on_clauses(tokens, frame))
    kept = [a for a in clauses if a.section not in ("confirm", "doubt")]
    doubted = [a for a in clauses if a.section == "doubt" or a.asks == "loose"]
    yield _on_parts(chain(kept, on_core(tokens, frame)), topic)
    on_parts = _on_parts(parts(text, tokens, frame), topic)
    yield chain(on_parts, _on_predicate(tokens, frame, topic) if told else ())
    sure = list(on_sure(tokens, frame))
    yield _on_parts((a for a in sure if a.section in _SURE), topic)
    yield chain(_on_parts(on_points(tokens, frame), topic), on_scenes(text, tokens, frame, topic))
    person = [a for a in sure if a.section not in _SURE]
    yield _on_parts(person, topic)
    sound = [a for a in clauses if a.section == "confirm" and a.asks == "any"]
    yield _on_parts(sound, topic)
    yield _on_parts((a for a in clauses if a in doubted), topic)
    facts = chain(on_allowed(tokens, frame), on_amounts(tokens, frame), on_facts(tokens, frame))
    yield _on_parts(facts, topic)
    yield _on_topic(tokens, frame, topic)


def _last_resort(text: str, tokens: Sequence[Token], frame: Frame, topic: str) -> list[Candidate]:
    """General prompts, for where nothing else keeps the leakage budget or fits well enough: for a
    view of things, or for what somebody has to say.
    """
    is_view = shape_of(tokens, frame)[0] == TRUE and len(text) >= _SHORTEST_VIEW
    asks = "view" if is_view else "say"
    own = [w for w in wordings()["general"] if w.asks in (asks, "any")]
    found = fill(own, Ask("general", asks, "", {}), topic)
    return [c._replace(misfit=_MISFIT[-1]) for c in found]


def _on_parts(asks: Iterable[Ask], topic: str) -> Iterator[Candidate]:
    """Ask for a part of the sentence."""
    for ask in asks:
        section = _section(ask)
        against = doubt(section, ask.asks)
        for c in fill(choose(wordings()[section], ask.asks), ask, topic):
            yield c._replace(misfit=c.misfit + against)


def _section(ask: Ask) -> str:
    whole = ask.section.startswith(("sure-", "turned-", "point-", "allowed-", "amount-", "fact-"))
    return ask.section if whole else f"ask-{ask.section}"


def _on_predicate(tokens: Sequence[Token], frame: Frame, topic: str) -> Iterator[Candidate]:
    """Ask in the way of the predicate's class, for what the sentence tells."""
    name = predicate_class(frame.predicate) or ("quality" if frame.adjectival else "")
    if not name or (name not in _KEPT and not is_simple(frame, clause=name in _WITH_CLAUSE)):
        return
    if name == "change" and not frame.person and frame.object and frame.object[0].word != "了":
        name = "affect"  # what changes something else
    asked = frame.predicate + "".join(t.word for t in frame.object)
    mood = _mood_of(frame)
    ask = Ask(name, mood, asked, {"s": frame.subject or _dropped(tokens, frame)})
    if not _can_ask(name, mood, frame):
        return
    told = _told(tokens, frame)
    against = doubt(name, mood)
    for c in fill([w for w in choose(wordings()[name], mood) if w.kind in told], ask, topic):
        yield c._replace(misfit=c.misfit + against)


def _can_ask(name: str, mood: str, frame: Frame) -> bool:
    """Whether a sentence tells what the wordings of its predicate's class ask for."""
    first = frame.object[0].word if frame.object else ""
    amiss = (
        not frame.subject and name in _OF_SUBJECT,
        frame.predicate == "想" and bool(frame.object) and frame.object[0].tag in "vdp",
        name == "emotion" and (frame.predicate in within("notfelt") or not frame.person),
        name == "ride" and any(t.word in ("一边", "边") for t in (*frame.before, *frame.object)),
        name == "apply" and not any(t.word in topics()["document"] for t in frame.object),
        name == "join" and frame.subject == "大家",
        name == "quality" and (frame.passive or not _is_so(frame)),
        name == "contain" and frame.person,
        name == "become" and frame.predicate == "作为",
        name == "work" and frame.place,
        name == "tell" and frame.predicate == "教",
        name == "find" and frame.predicate in ("查询", "查", "选择"),
        name == "looks" and (frame.predicate == "像" or frame.subject == "大家"),
        frame.predicate[0] == "不",
        name == "put" and not frame.person and first != "在",
        name == "go" and (mood == "not" or not _goes_somewhere(frame)),
        mood == "any" and any(t.word in ("了", "过") for t in frame.object),
        name in _THINGS_ONLY and is_person(first),
    )
    return not any(amiss)


def _is_so(frame: Frame) -> bool:
    """Whether an adjective is what is said of the subject, and of a subject that can be named."""
    attribute = bool(frame.object) and (
        frame.object[0].word in ("的", "把") or frame.object[0].tag in "vnpr"
    )
    return frame.adjectival and not attribute and frame.subject != "大家"


def _goes_somewhere(frame: Frame) -> bool:
    """Whether somebody goes to a place that is named."""
    to = frame.object[0] if frame.object else Token("", "")
    odd = {"对", "一"} & {t.word for t in frame.before} or "就" in {t.word for t in frame.object}
    return frame.predicate in _GOING and to.tag in "ns" and not odd


_GOING = ("去", "到", "前往", "回", "回到", "来到", "去过")


def _dropped(tokens: Sequence[Token], frame: Frame) -> str:
    """Who is meant where nobody is named: the one who signs, where the sentence says "I"."""
    words = {t.word for t in tokens}
    of_mine = any(a.word == "我" and b.tag in "nu" for a, b in pairwise(tokens))
    own = words & {"我", "我们"} and not of_mine and not words & {"他", "她", "你", "他们"}
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


def _on_topic(tokens: Sequence[Token], frame: Frame, topic: str) -> Iterator[Candidate]:
    """Ask about the noun of the topic, then openly about the topic, or for advice on it."""
    known = wordings()
    noun = "" if topic in _OPEN_TOPICS[:1] else _topic_noun(tokens, frame, topic)
    told = _is_report(tokens)
    asks = "advice" if frame.addressed else "own" if frame.person else "told" if told else "open"
    ask = Ask("noun", asks, noun, {"s": frame.subject, "n": noun})
    for c in fill([w for w in known["ask-noun"] if w.asks == asks], ask, topic):
        yield c._replace(misfit=c.misfit + doubt("ask-noun", asks))
    if topic in _OPEN_TOPICS and not {"时候", "时", "不想", "想"} & {t.word for t in tokens}:
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


def _is_report(tokens: Sequence[Token]) -> bool:
    """Whether a sentence reports something, rather than stating a rule."""
    return any(t.word in within("past") | within("timed") | _TELLING for t in tokens)


@cache
def _topic_words() -> frozenset[str]:
    return frozenset().union(*topics().values())


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
