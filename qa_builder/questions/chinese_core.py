"""Questions in a Chinese sentence's own words: a part of its main clause doubted or asked for.

Chinese asks where the answer stands ("他买了词典" - "他买了什么"), so a clause whose attributes and
adverbs are dropped is a question nearly by itself, and one that the sentence answers. (Ours.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from qa_builder.questions.chinese_frame import BE, MODALS, Frame, clauses_of
from qa_builder.questions.chinese_parts import Ask, complement_of, join, object_of, verb_phrase
from qa_builder.questions.chinese_subject import PRONOUNS, TURN
from qa_builder.questions.chinese_words import DUAL, Token, is_person, predicate_class, within

_MEASURED = re.compile(
    r"[这那](个|条|道|位|件|本|张|种|家|台|部|座|辆|双|场|次|只|棵|幅|篇|句|首|份|名|间|所)"
)
_SCALES = ("price", "size", "far", "taste", "fast", "hard", "warm", "safe", "age", "many", "weighty",
           "fair", "clean", "quiet", "grave", "fun", "tall", "fat", "handy", "popular", "busy", "healthy",
           "good", "true", "clever", "kind", "broken")  # fmt: skip
_BRIEF = 9  # characters: a shorter sentence is what is done, no rule
_NOT_SUBJECTS = ("这", "那", "它")


def on_core(tokens: Sequence[Token], frame: Frame) -> Iterator[Ask]:
    """Whether it is so, who it is, whose and which, what kind of, and what a clause as object says."""
    if frame.subject and frame.subject not in _NOT_SUBJECTS:
        yield from _on_clause_object(frame)
        yield from _on_given(frame)
        yield from _on_scale(frame)
        yield from _toward(frame)
        yield from _on_attribute(frame)
        yield from _on_serial(frame)
        yield from _whether(frame)
        yield from _on_adjective(frame)
        yield from _on_subject(frame)
        yield from _on_rest(frame)
    elif frame.subject:
        yield from _on_attribute(frame)
    else:
        yield from _without_subject(tokens, frame)


def _without_subject(tokens: Sequence[Token], frame: Frame) -> Iterator[Ask]:
    """Nobody is named: what is done, whether and when, or how it is to do such a thing."""
    if frame.calling or not frame.predicate or frame.predicate in BE or "只" in frame.predicate:
        return
    done, must = _doing(tokens)
    if done:
        yield Ask("doing-must" if must else "doing", "any", join(tokens), {"n": done})
        return
    if any(t.word in BE or t.word == "有" for t in clauses_of(tokens)[0]):
        return
    time_only = all(t.tag == "t" or t.word[0] == "每" for t in frame.named)
    if not time_only or frame.predicate in DUAL or any(t.word == "的" for t in frame.object[:2]):
        return
    if predicate_class(frame.predicate) in ("contain", "represent"):
        return
    phrase, (_, rest) = verb_phrase(frame), object_of(frame)
    season = frame.time[:1] in "春夏秋冬"
    time = frame.time if len(frame.time) > 1 and not season and tokens[0].word == frame.time else ""
    slots = {"v": frame.predicate, "k": phrase if len(phrase) > 1 else "", "t": time}
    denied = frame.mood in ("not", "notyet") or any(t.word in within("deny") for t in tokens[:3])
    if rest and not denied and not is_person(rest[-1].word):
        yield Ask("nosubj", "timed" if time else "what", join(rest), slots)
    if denied:
        yield Ask("nosubj", "past" if frame.mood == "notyet" else "not", phrase, slots)
    elif frame.mood == "past":
        yield Ask("nosubj", "past", phrase, slots)
    elif frame.mood in ("plan", "should") or len(join(tokens)) < _BRIEF:
        yield Ask("nosubj", "whether", phrase, slots)
    if any(t.tag == "t" or t.word in within("timed") for t in tokens) and not denied:
        yield Ask("nosubj", "when", frame.time, slots)
        yield Ask("nosubj", "timed2", phrase, slots)


def _doing(tokens: Sequence[Token]) -> tuple[str, bool]:
    """What a clause is about that starts with a verb: "喝酒对身体不好"; empty where it is none.

    And whether it says what one must do then: "进入机场要检查身份证".
    """
    clause = clauses_of(tokens)[0]
    while len(clause) > 2 and (clause[0].tag == "t" or clause[0].word[0] == "每"):
        clause = clause[1:]
    if clause[0].tag != "v" or clause[0].word in (*BE, "有", "没有", "请", "要", "会", "能", "想"):
        return "", False
    for i in range(1, min(5, len(clause) - 1)):
        if clause[i].word in _TELLS and all(
            t.tag in "vna" and t.word not in (*BE, "有") for t in clause[:i]
        ):
            said = join(clause[:i])
            must = clause[i].word in ("需要", "要", "必须", "应该", "须", "应", "得")
            return (said, must) if 2 <= len(said) <= 6 else ("", False)
    return "", False


_TELLS = (
    "对",
    "是",
    "须",
    "应",
    "得",
    "不",
    "可",
    "就",
    "很",
    "会",
    "能",
    "可以",
    "不能",
    "需要",
    "非常",
    "太",
    "比较",
    "最",
    "真",
    "要",
    "必须",
    "应该",
)


def _whether(frame: Frame) -> Iterator[Ask]:
    """Yes or no: of the subject and the predicate with the head of its object."""
    phrase = verb_phrase(frame)
    if not phrase or not _is_plain(frame) or frame.predicate in BE or _is_timed_habit(frame):
        return
    mood = frame.mood
    if mood in ("plan", "can", "should") and not frame.modal:
        mood = "any"
    slots = {"s": frame.subject, "k": phrase, "m": frame.modal}
    yield Ask("whether", mood, phrase, slots)


def _is_plain(frame: Frame) -> bool:
    """Whether what stands before the predicate leaves it the only one: adverbs, phrases, modals."""
    verbs = [t for t in frame.before if t.tag == "v" and t.word not in MODALS]
    passive = any(t.word in ("被", "把", "让", "使", "得", "将") for t in frame.before)
    return not passive and all(t.word in DUAL or t.word in within("deny") for t in verbs)


def _is_timed_habit(frame: Frame) -> bool:
    """Whether it is done every day or at a set hour: nobody doubts that."""
    return frame.mood == "habit" and any(
        t.tag in "tm" or t.word[0] == "每" for t in (*frame.named, *frame.before)
    )


def _on_adjective(frame: Frame) -> Iterator[Ask]:
    """Whether it is as the adjective or the idiom says."""
    word = frame.predicate
    described = frame.adjectival or frame.idiom
    plain = all(t.tag == "d" or t.word in MODALS for t in frame.before)
    if (
        not described
        or not plain
        or word in within("noobject")
        or any(t.word == "得" for t in frame.before)
    ):
        return
    rest = [t.word for t in frame.object if t.word not in ("了", "的", "啊", "呀")]
    if rest or not 1 < len(word) < 5:
        return
    if frame.idiom or len(word) > 2:
        yield Ask("idiom", "any", word, {"s": frame.subject, "a": word})
    else:
        mood = "past" if frame.mood == "past" else "any"
        yield Ask("adjective", mood, word, {"s": frame.subject, "a": word})


def _on_rest(frame: Frame) -> Iterator[Ask]:
    """What or whom a verb is followed by, where its object could not be read: "他说什么"."""
    word = frame.predicate
    plain = all(t.tag == "d" or t.word in MODALS for t in frame.before)
    if not frame.acting or not plain or word in (*BE, "有", "没有", "在", *MODALS) or len(word) > 2:
        return
    if word in within("intransitive") - DUAL or word in _NO_WHAT or object_of(frame)[1]:
        return
    end, words = complement_of(frame)
    if not words or words[0].tag not in "nrmsqa" or words[0].word in _NO_REST:
        return
    if word in DUAL or (words[0].tag == "a" and words[1:2] and words[1].tag != "n"):
        return
    slots = {"s": frame.subject, "v": word + end, "m": frame.modal}
    mood = frame.mood
    if mood in ("plan", "can", "should") and not frame.modal:
        mood = "any"
    who = words[0].word
    owned = len(words) > 2 and words[1].word == "的"  # "他的攻击"
    if (owned or not is_person(who)) and not any(
        t.tag == "v" and w.word != "的" for t, w in pairwise(words)
    ):
        yield Ask("rest", mood, join(words), slots)
    elif (
        is_person(who) and len(words) > 1 and words[1].tag == "v" and mood not in ("not", "notyet")
    ):
        slots["o"] = TURN.get(who, who)
        yield Ask("rest", "pivot", join(words), slots)
    elif is_person(who) and len(words) == 1 and mood not in ("not", "notyet"):
        yield Ask("rest", "whom", join(words), slots)


_NO_WHAT = (
    "过于",
    "使",
    "让",
    "令",
    "使得",
    "像",
    "比",
    "来",
    "去",
    "到",
    "回",
    "变",
    "变得",
    "显得",
    "觉得",
    "成",
    "成为",
)
_NO_REST = ("时候", "时", "一下", "一点", "一些", "起来", "出来", "下来", "一会儿", "很", "得")


def _on_subject(frame: Frame) -> Iterator[Ask]:
    """Who does it; whose it is; which one."""
    phrase = verb_phrase(frame)
    words = [t.word for t in frame.named]
    if frame.addressed or not _is_plain(frame):
        return
    denied = frame.mood in ("not", "notyet") and frame.modal
    if (
        frame.person
        and phrase
        and len(phrase) > 1
        and frame.predicate not in BE
        and not (denied or _is_timed_habit(frame))
    ):
        mood = "any" if frame.mood in ("plan", "can", "should") and not frame.modal else frame.mood
        yield Ask("whodoes", mood, frame.subject, {"k": phrase, "m": frame.modal})
    told = phrase or (frame.predicate if frame.adjectival else "")
    if not told or frame.predicate in BE or frame.mood in ("not", "notyet"):
        return
    slots = {"k": told + ("了" if frame.mood == "past" else "")}
    if len(words) == 3 and words[1] == "的" and words[0] in TURN and not is_person(words[2]):
        yield Ask("whose", "any", words[0], slots | {"n": words[2]})
    which = _MEASURED.fullmatch(words[0] + (words[1] if len(words) == 3 else "")) if words else None
    if which and frame.named[-1].tag == "n" and 1 < len(words) < 4:
        yield Ask("whichone", "any", join(frame.named), slots | {"q": which[1], "n": words[-1]})


def _on_attribute(frame: Frame) -> Iterator[Ask]:
    """What kind of, where the object has an attribute; whose, where it is somebody's."""
    words = frame.object
    of = [i for i, t in enumerate(words) if t.word == "的"]
    if not of or of[-1] != len(words) - 2 or words[-1].tag != "n" or len(words[-1].word) > 4:
        return
    owner = words[of[-1] - 1] if of[-1] else Token("", "")
    head, s = words[-1].word, frame.subject
    if frame.predicate in BE:
        if any(t.tag == "v" for t in words[: of[-1]]) and is_person(owner.word):
            return
        mine = len(of) == 1 and of[-1] in (1, 2) and is_person(owner.word)
        this = "this" if frame.subject in _NOT_SUBJECTS else "is"
        if frame.mood != "not" and (not frame.person or is_person(head) or this == "this"):
            yield Ask(
                "whatkind", this + ("whose" if mine else ""), join(words), {"s": s, "n": head}
            )
    elif frame.predicate in ("有", "具有"):
        yield Ask("whatkind", "have", join(words), {"s": s, "n": head})
    elif object_of(frame)[1] and frame.subject not in _NOT_SUBJECTS:
        verb = frame.predicate + object_of(frame)[0]
        mood = "past" if frame.mood == "past" else "do"
        if frame.mood not in ("not", "notyet") and not is_person(head):
            yield Ask("whatkind", mood, join(words), {"s": s, "n": head, "v": verb})


def _on_scale(frame: Frame) -> Iterator[Ask]:
    """Where something stands on the scale of its adjective."""
    word = frame.predicate
    if frame.before and frame.before[-1].word == "得":
        return  # "方便得多"
    if not (frame.adjectival or predicate_class(word) in ("quality", "looks", "character")):
        return
    for name in _SCALES:
        if word in within(f"scale-{name}"):
            yield Ask(f"scale-{name}", "person" if frame.person else "thing", word,
                      {"s": frame.subject})  # fmt: skip


def _toward(frame: Frame) -> Iterator[Ask]:
    """What somebody thinks of a thing, or how something is for it."""
    words = [t.word for t in frame.before]
    if "对" not in words[:-1] or not frame.person:
        return
    rest = frame.before[words.index("对") + 1 :]
    end = next((i for i, t in enumerate(rest) if t.tag not in "nrqmu"), len(rest))
    thing = rest[:end]
    if thing and thing[-1].tag == "n" and len(join(thing)) < 6 and not is_person(thing[-1].word):
        about = "".join(TURN.get(t.word, t.word) for t in thing)
        yield Ask("toward", "any", frame.predicate, {"s": frame.subject, "w": about})


def _on_clause_object(frame: Frame) -> Iterator[Ask]:
    """What somebody says, thinks, sees, wants: the object is a clause, or a phrase of a verb."""
    word, words = frame.predicate, [t for t in frame.object if t.word not in ("了", "过", "着")]
    name = next((n for n in ("says", "thinks", "hopes", "learns", "fears", "asks", "decides")
                 if word in within(n)), "")  # fmt: skip
    if not name or len(words) < 2 or not frame.person:
        return
    mood = "not" if frame.mood in ("not", "notyet") else frame.mood
    about = _noun_phrase(words)
    asked = join(words)
    if about and about != frame.subject and mood != "not":
        yield Ask(f"{name}of", mood, asked, {"s": frame.subject, "v": word, "o": about})
    yield Ask(name, mood, asked, {"s": frame.subject, "v": word})


def _noun_phrase(words: Sequence[Token]) -> str:
    """The subject of a clause that is an object, person turned round: short, before a predicate."""
    end = 0
    while end < len(words) and (words[end].tag in "nr" or words[end].word == "的"):
        end += 1
    rest = words[end:]
    if not 0 < end < 4 or not rest or words[end - 1].word == "的" or words[0].word == "的":
        return ""
    if words[0].word in ("自己", "什么", "谁", "这", "那", "这里", "那里", "别人"):
        return ""
    said = "".join(TURN.get(t.word, t.word) for t in words[:end])
    return said if len(said) <= 5 and rest[0].tag in "vadzil" else ""


def _on_given(frame: Frame) -> Iterator[Ask]:
    """What somebody gives, tells, teaches another, or lets or helps the other do."""
    words = [t for t in frame.object if t.word not in ("了", "过", "给", "到")]
    if len(words) < 2 or words[0].word not in PRONOUNS | within("kin") or not frame.person:
        return
    who, s = TURN.get(words[0].word, words[0].word), frame.subject
    if words[0].word == s or frame.mood in ("not", "notyet"):
        return
    slots = {"s": s, "o": who, "v": frame.predicate}
    if frame.predicate in within("gives") and words[1].tag in "nmaqr":
        yield Ask("gives", "past" if frame.mood == "past" else "any", join(words), slots)
    elif frame.predicate in within("makesdo") and _acts(words[1:]):
        yield Ask("makesdo", "past" if frame.mood == "past" else "any", join(words), slots)


def _acts(words: Sequence[Token]) -> bool:
    return any(t.tag == "v" for t in words[:2])


def _on_serial(frame: Frame) -> Iterator[Ask]:
    """Somebody goes somewhere and does something there."""
    words = [t for t in frame.object if t.word not in ("了", "过")]
    going = frame.predicate in ("去", "到", "来", "回") and frame.person and len(words) > 1
    if not going or words[0].tag not in "ns" or frame.mood in ("not", "notyet"):
        return
    mood = frame.mood if frame.mood in ("past", "plan", "should", "habit") else "any"
    end = 1 + (len(words) > 2 and words[1].tag in "nsf")
    place, rest = join(words[:end]), words[end:]
    if (
        not rest
        or rest[0].tag != "v"
        or rest[0].word in (*MODALS, "带", "取", "拿")
        or len(place) > 4
    ):
        return
    slots = {"s": frame.subject, "v": frame.predicate, "p": place}
    yield Ask("goesfor", mood, join(rest), slots)
    if len(join(rest)) <= 4:
        yield Ask("goeswhere", mood, place, slots | {"k": join(rest)})
