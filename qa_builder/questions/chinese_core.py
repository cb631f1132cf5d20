"""Questions in a Chinese sentence's own words: a part of its main clause doubted or asked for.

Chinese asks where the answer stands ("他买了词典" - "他买了什么"), so a clause whose attributes and
adverbs are dropped is a question nearly by itself, and one that the sentence answers. (Ours.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qa_builder.questions.chinese_frame import BE, MODALS, Frame, clauses_of
from qa_builder.questions.chinese_phrases import Ask, is_simple, join, verb_phrase
from qa_builder.questions.chinese_subject import PRONOUNS, TURN
from qa_builder.questions.chinese_words import DUAL, Token, is_person, predicate_class, within

_MEASURED = re.compile(
    r"[这那](个|条|道|位|件|本|张|种|家|台|部|座|辆|双|场|次|只|棵|幅|篇|句|首|份|名|间|所)"
)
_SCALES = ("price", "size", "far", "taste", "fast", "hard", "warm", "safe", "age", "many", "weighty",
           "fair", "clean", "quiet", "grave", "fun", "tall", "fat", "handy", "popular", "busy", "healthy",
           "good", "true", "clever", "kind", "broken")  # fmt: skip
_NOT_SUBJECTS = ("这", "那", "它")


def on_core(tokens: Sequence[Token], frame: Frame) -> Iterator[Ask]:
    """Whether it is so, who it is, whose and which, what kind of, and what a clause as object says."""
    if frame.subject == "我":
        return
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
    elif frame.subject:
        yield from _on_attribute(frame)
    else:
        yield from _without_subject(tokens, frame)


def _without_subject(tokens: Sequence[Token], frame: Frame) -> Iterator[Ask]:
    """Nobody is named: what is done, whether and when, or how it is to do such a thing."""
    if frame.calling or not frame.predicate or frame.predicate in BE or "只" in frame.predicate:
        return
    done, how = _doing(tokens)
    if how:
        yield Ask(how, "any", join(tokens), {"n": done})
        return
    if any(t.word in BE or t.word == "有" for t in clauses_of(tokens)[0]):
        return
    time_only = all(t.tag == "t" or t.word[0] == "每" for t in frame.named)
    if not time_only or frame.predicate in DUAL or any(t.word == "的" for t in frame.object[:2]):
        return
    if predicate_class(frame.predicate) in ("contain", "represent"):
        return
    phrase = verb_phrase(frame)
    season = frame.time[:1] in "春夏秋冬"
    time = frame.time if len(frame.time) > 1 and not season and tokens[0].word == frame.time else ""
    slots = {"v": frame.predicate, "k": phrase if len(phrase) > 1 else "", "t": time}
    denied = frame.mood in ("not", "notyet") or any(t.word in within("deny") for t in tokens[:3])
    finished = frame.mood == "past" and any(t.word == "了" for t in frame.object)
    degree = {t.word for t in frame.before} & within("degree")
    if is_simple(frame) and not degree and (frame.mood == "notyet" or finished):
        yield Ask("nosubj", "past", phrase, slots)
    advised = {"不要", "别", "注意", "小心"} & {t.word for t in tokens}
    if time and not denied and not advised and len(tokens) > 1 and tokens[1].tag in "vd":
        yield Ask("nosubj", "timed", phrase, slots)


def _doing(tokens: Sequence[Token]) -> tuple[str, str]:
    """What a clause is about that starts with a verb: "喝酒对身体不好"; empty where it is none.

    And the section for it: what such a thing is, what it is good for, what one must do then.
    """
    clause, *others = clauses_of(tokens)
    while len(clause) > 2 and (clause[0].tag == "t" or clause[0].word[0] == "每"):
        clause = clause[1:]
    if not _is_act(clause) or clause[0].word in _NO_DOING:
        return "", ""
    if others and others[0][0].word in (*_TELLS["doing-can"], "才能", "既", "会"):
        said = join(clause)
        plain = all(t.tag in "vnamqrs" for t in clause) and clause[-1].tag in "nv"
        return (said, "doing-can") if plain and 3 <= len(said) <= 8 else ("", "")
    for i in range(1, min(7, len(clause) - 1)):
        name = next((n for n, words in _TELLS.items() if clause[i].word in words), "")
        if not name:
            continue
        before = clause[: i - (clause[i - 1].word in _ALSO)]
        sound = len(before) > 0 and all(
            (t.tag in "vnarmqs" or (k == 0 and t.tag in "dfn"))
            and t.word not in (*BE, "有", *PRONOUNS)
            for k, t in enumerate(before)
        )
        said = join(before)
        if not sound or before[-1].tag not in "nvs" or not 2 <= len(said) <= 8:
            return "", ""
        if name == "doing-is" and clause[-1].word == "的":
            name = "doing"
        return said, _of_doing(name, before)
    return "", ""


def _of_doing(name: str, done: Sequence[Token]) -> str:
    """The section for what is done, or not done; empty where it is no act that one can ask of."""
    lack = done[0].word in ("没有", "没")
    if name == "doing" and (lack or done[-1].word in _NAMED or done[0].word in _MAKES):
        return ""
    if lack and name != "doing-is":
        return "" if done[-1].word in _NOBODY else "doing-without"
    return name


def _is_act(clause: Sequence[Token]) -> bool:
    """Whether a clause starts with what is done: a verb, or one that is denied or tagged amiss."""
    first, after = clause[0], clause[1] if len(clause) > 1 else Token("", "")
    if first.tag == "v":
        return True
    return (first.word == "不" and after.tag == "v") or (
        first.word in "上过下打走坐用" and after.tag == "n"
    )


_ALSO = ("也", "并", "还", "就", "都", "则", "一般", "往往", "通常", "其实")
_NO_DOING = (
    *BE,
    "有",
    "请",
    "要",
    "会",
    "能",
    "想",
    "就算",
    "分明",
    "希望",
    "感觉",
    "觉得",
    "准备",
)
_NAMED = ("公司", "故障", "工作", "时", "人员", "部门")  # "移动公司", "设备故障"
_MAKES = ("让", "使", "令")
_NOBODY = ("人", "什么", "东西", "办法", "用", "意思", "问题")
_TELLS = {
    "doing-must": ("需要", "要", "必须", "应该", "须", "应", "得"),
    "doing-is": ("是", "不是", "并不是", "就是"),
    "doing-can": ("可以", "能", "可", "能够", "即可", "有助于", "有利于"),
    "doing-may": ("不能", "不得", "不可", "不许", "不可以"),
    "doing": ("对", "不", "很", "非常", "太", "比较", "最", "真", "容易", "会", "更", "比"),
}


def _whether(frame: Frame) -> Iterator[Ask]:
    """Yes or no: of the subject and the predicate with the head of its object."""
    phrase, mood, slots = verb_phrase(frame), frame.mood, {"s": frame.subject, "m": frame.modal}
    if not phrase or not is_simple(frame) or frame.predicate in BE or _is_timed_habit(frame):
        return
    if mood == "not":
        slots["m"] = next((m for t in frame.before if (m := t.word[1:]) in _DENIED), "")
    if mood == "not" and any(w in join(frame.before) for w in _NO_CHOICE):
        return
    if phrase[0] in "没不无" or phrase in ("见", "看", "说") or _loses(frame, phrase):
        return
    fits = {
        "past": any(t.word == "了" for t in frame.object),
        "plan": frame.modal,
        "can": frame.modal in _DENIED and frame.person,
        "should": False,
        "any": frame.predicate in within("stative"),
        "habit": any(t.word in within("habit") for t in frame.before),
        "not": slots["m"] or "不" in (t.word for t in frame.before),
    }
    if fits.get(mood, True):
        yield Ask("whether", "stative" if mood == "any" else mood, phrase, slots | {"k": phrase})


def _loses(frame: Frame, phrase: str) -> bool:
    """Whether a phrase drops what its object's noun stands for nothing without: "改变他的主意"."""
    cut = "的" in (t.word for t in frame.object) and phrase != frame.predicate
    return cut and frame.predicate not in ("吃", "喝", "穿", "买", "写", "坐", "做")


_DENIED = (
    "想",
    "会",
    "能",
    "敢",
    "愿意",
    "可以",
    "喜欢",
    "想要",
)  # modals that a question can have


# What is forbidden or cannot be is no choice that one asks for.
_NO_CHOICE = frozenset(
    ["应该", "应当", "不应该", "不应当", "不能", "不可以", "必须", "不可", "不该"]
)


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
    if rest or not 1 < len(word) < 5 or word in _NO_STATE:
        return
    if (frame.idiom or len(word) > 2) and frame.person and frame.mood in ("any", "habit", "past"):
        yield Ask("idiom", "any", word, {"s": frame.subject, "a": word})
    elif frame.adjectival and len(word) == 2:
        mood = "past" if frame.mood == "past" else "any"
        yield Ask("adjective", mood, word, {"s": frame.subject, "a": word})


def _on_subject(frame: Frame) -> Iterator[Ask]:
    """Who does it; whose it is; which one."""
    phrase = verb_phrase(frame)
    words = [t.word for t in frame.named]
    if frame.addressed or not is_simple(frame):
        return
    shown = {
        "past": any(t.word == "了" for t in frame.object),
        "plan": frame.modal,
        "can": frame.modal,
    }
    acts = len(phrase) > 1 and predicate_class(frame.predicate) not in _NO_ACTS
    named = frame.subject[:1] in "你老小" and not _ANYBODY & {frame.subject, *words}
    if frame.mood != "past" and frame.subject[:1] != "你":
        named = False  # "teachers will": a rule
    if frame.person and acts and shown.get(frame.mood) and named:
        yield Ask("whodoes", frame.mood, frame.subject, {"k": phrase, "m": frame.modal})
    told = phrase or (frame.predicate if frame.adjectival else "")
    if not told or frame.predicate in BE or frame.mood in ("not", "notyet"):
        return
    slots = {"k": told + ("了" if frame.mood == "past" else "")}
    if len(words) == 3 and words[1] == "的" and words[0] in TURN and not is_person(words[2]):
        yield Ask("whose", "any", words[0], slots | {"n": words[2]})
    which = _MEASURED.fullmatch(words[0] + (words[1] if len(words) == 3 else "")) if words else None
    if which and frame.named[-1].tag == "n" and 1 < len(words) < 4:
        yield Ask("whichone", "any", join(frame.named), slots | {"q": which[1], "n": words[-1]})


_NO_ACTS = ("emotion", "quality", "character", "looks", "hate", "like", "know", "think")
_ANYBODY = frozenset([*PRONOUNS, "大家", "别人"]) - {"我", "我们"}  # no answer to "who"


def _on_attribute(frame: Frame) -> Iterator[Ask]:
    """Whose it is."""
    words = frame.object
    if frame.predicate not in BE or frame.mood == "not" or len(words) < 3 or words[-2].word != "的":
        return
    head, owner = words[-1], words[-3]
    if head.tag == "n" and not is_person(head.word) and is_person(owner.word) and len(words) == 3:
        this = "this" if frame.subject in _NOT_SUBJECTS else "is"
        yield Ask("whose-is", this, join(words), {"s": frame.subject, "n": head.word})


_NO_STATE = ("努力", "害怕", "成功", "感动", "反对", "一样", "不同", "差不多")


def _on_scale(frame: Frame) -> Iterator[Ask]:
    """Where something stands on the scale of its adjective."""
    word = frame.predicate
    if frame.object and (frame.object[0].tag == "v" or frame.object[0].word in ("把", "地")):
        return  # "迅速把他送到医院"
    if frame.before and frame.before[-1].word == "得":
        return  # "方便得多"
    if word in ("多", "少") and frame.object and frame.object[0].tag != "y":
        return
    if frame.subject in within("vague"):
        return
    if not (frame.adjectival or predicate_class(word) in ("quality", "looks", "character")):
        return
    for name in _SCALES:
        if word in within(f"scale-{name}"):
            yield Ask(f"scale-{name}", "person" if frame.person else "thing", word,
                      {"s": frame.subject})  # fmt: skip


def _toward(frame: Frame) -> Iterator[Ask]:
    """What somebody thinks of a thing, or how something is for it."""
    words = [t.word for t in frame.before]
    if "对" not in words[:-1] or not frame.person or frame.predicate in ("进行", "做", "作"):
        return
    rest = frame.before[words.index("对") + 1 :]
    said = join(frame.before) + frame.predicate + join(frame.object)
    if frame.predicate in _NO_STANCE or any(w in said for w in _NO_STANCE if len(w) > 1):
        return
    end = next((i for i, t in enumerate(rest) if t.tag not in "nrqmu"), len(rest))
    thing = rest[:end]
    if thing and thing[-1].tag == "n" and len(join(thing)) < 6 and not is_person(thing[-1].word):
        about = "".join(TURN.get(t.word, t.word) for t in thing)
        known = next((w for w in _KNOWS if w in said), "")
        slots = {"s": frame.subject, "w": about, "k": known}
        yield Ask("knows" if known else "toward", "any", frame.predicate, slots)


_KNOWS = ("了解", "熟悉", "陌生")
# What is told of a thing without a stance to it: "对很多技术问题", "对异性有吸引力".
_NO_STANCE = frozenset(
    ["有", "过敏", "技术", "负责", "深表", "具有", "产生", "大致", "毫无", "一窍不通"]
)


def _on_clause_object(frame: Frame) -> Iterator[Ask]:
    """What somebody says, thinks, sees, wants: the object is a clause, or a phrase of a verb."""
    word, words = frame.predicate, [t for t in frame.object if t.word not in ("了", "过", "着")]
    name = next((n for n in ("says", "thinks", "hopes", "learns", "fears", "asks", "decides")
                 if word in within(n)), "")  # fmt: skip
    if not name or len(words) < 2 or not frame.person or not is_simple(frame, clause=True):
        return
    if "对" in {t.word for t in frame.before} or (
        name == "decides" and frame.object[0].word in ("了", "好")
    ):
        return
    if name == "learns" and (frame.modal or frame.mood in ("can", "should", "not", "notyet")):
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
    if len(join(rest)) <= 4 and rest[-1].tag != "y":
        yield Ask("goeswhere", mood, place, slots | {"k": join(rest)})
