"""Who or what a Chinese sentence is about, and what it says of it.

The frame's subject where there is one; else a pronoun, people in general, or the noun phrase that a
clause starts with. Every doubt ends in an empty name. (Ours.)
"""

from __future__ import annotations

from collections.abc import Sequence

from qa_builder.questions.chinese_frame import BE, Frame, clauses_of, skip_setting
from qa_builder.questions.chinese_phrases import join
from qa_builder.questions.chinese_subject import PRONOUNS, TURN
from qa_builder.questions.chinese_words import DUAL, Token, is_person, within

LONGEST = 8  # characters of a noun phrase that a question keeps
SELVES = frozenset(["我", "他", "她", "他们", "她们"])
PLACE_END = "里上中下边面旁外内"
TIMES = ("时", "的时候", "时候", "后", "之后", "以后", "前", "之前", "以前")


def about(tokens: Sequence[Token], frame: Frame) -> tuple[str, Sequence[Token]]:
    """Who or what a sentence is about, and what is said of it."""
    clauses = clauses_of(tokens)
    if frame.subject:
        last = frame.named[-1] if frame.named else None
        told = [c for c in clauses if last in c and _says(c[c.index(last) + 1 :], frame)]
        for clause in (*told, *clauses):
            if last in clause:
                rest = clause[clause.index(last) + 1 :]
                if rest and rest[-1].word in TIMES and clause is not clauses[-1]:
                    rest = clauses[clauses.index(clause) + 1]
                if not _describes(rest):
                    return _owner(frame) or frame.subject, rest
                return _named(tokens)
        return frame.subject, [Token(frame.predicate, "v"), *frame.object]
    return _named(tokens)


def _says(rest: Sequence[Token], frame: Frame) -> bool:
    """Whether what follows a subject has the predicate of the frame."""
    return any(t.word == frame.predicate for t in rest)


def _named(tokens: Sequence[Token]) -> tuple[str, Sequence[Token]]:
    """Who or what is named at the start of a clause, where the frame has no subject."""
    clauses = clauses_of(tokens)
    for clause in clauses:
        i = skip_setting(clause)
        head = clause[i : i + 2]
        known = len(head) == 2 and head[0].word in PRONOUNS - {"它"}
        if known and (head[1].tag in "dvapzcl" or _is_verb_here(clause, i + 1)):
            return TURN.get(head[0].word, head[0].word), clause[i + 1 :]
    plain = [t for t in clauses[0] if t.tag != "t"] if clauses else []
    if len(plain) > 1 and plain[0].word in _OWN_STARTS and plain[1].tag in "vad":
        return "你", plain  # who signs has dropped "I"
    around = zip([Token("", ""), *tokens], tokens, tokens[1:], strict=False)
    named = next(
        (b.word for a, b, c in around if b.word in SELVES and a.word != "对" and c.tag not in "nu"),
        "",
    )
    for k, clause in enumerate(clauses[:2]):
        if k and clauses[0][0].word not in within("subordinate") | within("joining"):
            break
        if end := _people_end(clause):
            return "大家", clause[end:]
        if not named and (end := _named_end(clause, clause is not clauses[-1])):
            return "".join(TURN.get(t.word, t.word) for t in _short(clause[:end])), clause[end:]
    return TURN.get(named, named), tokens


def _is_verb_here(clause: Sequence[Token], i: int) -> bool:
    """Whether what is tagged as a noun behind a pronoun is what he or she does: "我总结了"."""
    word, after = clause[i].word, clause[i + 1] if i + 1 < len(clause) else Token("", "")
    behind = after.word in ("了", "得", "着", "过") or after.tag in "nr"
    return (
        clause[i].tag == "n" and behind and (len(word) == 4 or word in _NOUNS_TOO or len(word) == 1)
    )


_NOUNS_TOO = ("崇拜", "总结", "学会", "计划", "申请", "加入", "爱好", "打算", "感觉", "报名")


def _owner(frame: Frame) -> str:
    """Who does it, where a verb was taken for a thing of his: "他[极力反对]"; else empty."""
    people = [t for t in frame.named if is_person(t.word)]
    if len(people) > 1 and any(t.word in DUAL for t in frame.named):
        return people[0].word  # "老师[建议学生]"
    glued = "的" in frame.subject and all(t.word != "的" for t in frame.named)
    verbal = glued and (frame.named[-1].tag not in "nrs" or frame.named[-1].word in _VERBAL)
    return frame.subject.partition("的")[0] if verbal else ""


_VERBAL = ("写字", "利用职务", "极力", "全力", "亲手", "亲身")


def _describes(rest: Sequence[Token]) -> bool:
    """Whether what follows a name describes a noun behind 的, which is then the subject."""
    of = next((i for i, t in enumerate(rest[:7]) if t.word == "的"), 0)
    led = of and (rest[of - 1].tag in "vailzp" or (rest[0].tag in "va" and rest[0].word not in BE))
    if (
        not led
        or rest[of - 1].word in PRONOUNS
        or of + 1 >= len(rest)
        or rest[of + 1].tag not in "nv"
    ):
        return False
    if of + 2 < len(rest) and rest[of + 2].tag not in "vadz":
        return False
    return not any(t.word in (*BE, "有", "了") for t in rest[:of])


_OWN_STARTS = ("不", "真", "好", "想", "终于", "还", "刚", "不想", "不会", "突然", "只好")


def _people_end(clause: Sequence[Token]) -> int:
    """Where people in general end that a clause starts with: "喜欢抱怨的人"; 0 if there are none."""
    end = next((i + 1 for i, t in enumerate(clause[:8]) if t.word in _PEOPLE), 0)
    if end > 1 and (clause[end - 2].tag not in "umrqbv" or clause[0].tag in "pcd"):
        return 0
    behind = clause[end].tag if end < len(clause) else ""
    return end if behind and behind in "dvapzil" else 0


_PEOPLE = ("人", "人们", "有人", "有些人", "很多人", "许多人", "大多数人", "不少人", "谁")


def _named_end(clause: Sequence[Token], alone: bool = False) -> int:
    """Where the noun phrase ends that a clause starts with; 0 if there is none to ask about.

    `alone`: it may be all of the clause.
    """
    end = 0
    while end < len(clause) and _goes_on(clause, end):
        end += 1
    named = _short(clause[:end])
    if not named or (end >= len(clause) and not alone):
        return 0
    if end < len(clause) and clause[end].tag not in "dpvazilmjc":
        return 0
    sound = named[-1].tag in "nsvlf" and len(join(named)) > 1 and named[0].tag not in "uf"
    vague = named[-1].word in within("nosubject") or named[0].word in (
        "自己",
        "别的",
        "其他",
        "之间",
    )
    return end if sound and not vague and len(join(named)) <= LONGEST else 0


def _goes_on(clause: Sequence[Token], i: int) -> bool:
    """Whether a token belongs to the noun phrase that a clause starts with."""
    word, tag = clause[i]
    after = clause[i + 1].tag if i + 1 < len(clause) else ""
    if tag in "mqbz" or word in within("some"):
        return not i or clause[i - 1].tag in "rmqbz"
    if tag in "vl":
        return bool(i) and clause[i - 1].word == "的" and len(word) > 1 and after in "nldvazc"
    if tag == "f":
        return bool(i) and word[-1] in PLACE_END
    return tag in "nrsj" and word not in ("一共", "一般") or word in ("的", "和", "与")  # noqa: RUF021


def _short(named: Sequence[Token]) -> Sequence[Token]:
    """A noun phrase without amounts; where it is long, what stands behind its last 的."""
    named = _plain(named)
    of = max((i for i, t in enumerate(named) if t.word == "的"), default=-1)
    return named if len(join(named)) <= LONGEST or of < 0 else _plain(named[of + 1 :])


def _plain(named: Sequence[Token]) -> Sequence[Token]:
    """A noun phrase without numbers and amounts at its start."""
    while named and (named[0].tag in "mqbz" or named[0].word in within("some")):
        named = named[1:]
    return named
