"""What the figures of an audit mean: findings with a severity, an id, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from qa_builder.audit.gates import without
from qa_builder.corpora.base import FINDING, NOTE

LEAKY, BUDGET = 0.5, 0.3  # content recall of a split
COPY_BLEU = 10
ONE_KIND = 0.4
ONE_WORDING, PROMPTS = 0.03, 0.12  # shares of all questions
FEWEST = 100  # questions, of which a share of wordings says something
FEW = 0.01  # a share that is left a note

_LEAKS = ("Ask for one part of the sentence and leave the others out, or generate questions under "
          "a budget: --questions rules.")  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One finding of an audit. No corpus text in it."""

    id: str
    severity: str  # FINDING or NOTE
    split: str | None
    message: str
    count: int
    cure: str


def findings(figures: dict[str, Any]) -> list[Finding]:
    """All findings, the severe ones first."""
    found = [*_source(figures), *_overlaps(figures), *_shifts(figures)]
    found += _variety(figures["variety"]["all"])
    for split, f in figures["splits"].items():
        found += [*_leakage(split, f), *_bits(split, f), *_kinds(split, f), *_form(split, f)]
    return sorted(found, key=lambda f: f.severity != FINDING)


def _leakage(split: str, f: dict[str, Any]) -> Iterator[Finding]:
    leakage, n = f["leakage"], f["questions"]
    if leakage["recall"] > BUDGET:
        severity = FINDING if leakage["recall"] > LEAKY else NOTE
        yield Finding("leakage", severity, split,
                      f"the {split} questions give away {leakage['recall']:.0%} of the content of "
                      f"their sentences; {leakage['above_half']:,} of {n:,} more than half",
                      leakage["above_half"], _LEAKS)  # fmt: skip
    if leakage["equal"]:
        yield Finding("equal", FINDING, split,
                      f"{leakage['equal']:,} {split} questions are their sentence",
                      leakage["equal"],
                      "Replace them: a copy of the question is a perfect translation.")  # fmt: skip
    if leakage["reordered"] > leakage["equal"]:
        share = leakage["reordered"] / n
        yield Finding("reordered", FINDING if share > FEW else NOTE, split,
                      f"{leakage['reordered']:,} {split} questions ({share:.1%}) have just the "
                      "words of their sentence, in whatever order", leakage["reordered"],
                      _LEAKS)  # fmt: skip
    if f["copied"]["bleu4"] > COPY_BLEU:
        yield Finding("copy-bleu", FINDING, split,
                      f"printing the {split} questions as translations scores "
                      f"{f['copied']['bleu4']:.1f} BLEU-4", n,
                      "Show the score of copy-question beside every score on them.")  # fmt: skip


def _bits(split: str, f: dict[str, Any]) -> Iterator[Finding]:
    bits = f["bits"]
    if bits is None:
        yield Finding("bits-unknown", NOTE, split,
                      f"{split} has too few sentences to measure bits", f["questions"],
                      "Nothing to do; judge its relevance by eye.")  # fmt: skip
    elif bits["low"] <= 0:
        yield Finding("irrelevant", FINDING, split,
                      f"the {split} questions tell no more of their sentences than shuffled ones "
                      f"do ({bits['above']:.3f} bits a token above them, 95 % interval "
                      f"{bits['low']:.3f} to {bits['high']:.3f})", f["questions"],
                      "Check that questions and clips are joined rightly; ask about the "
                      "sentence.")  # fmt: skip


def _kinds(split: str, f: dict[str, Any]) -> Iterator[Finding]:
    most = max(f["kinds"], key=lambda k: f["kinds"][k])
    if (share := f["kinds"][most] / f["questions"]) > ONE_KIND:
        yield Finding("one-kind", NOTE, split,
                      f"{share:.0%} of the {split} questions are of the kind {most}",
                      f["kinds"][most], "Ask in more ways.")  # fmt: skip


def _variety(v: dict[str, Any]) -> Iterator[Finding]:
    """The wordings of all questions together."""
    n = v["questions"]
    if v["wording"] > ONE_WORDING and n >= FEWEST:
        yield Finding("one-wording", NOTE, None,
                      f"{v['wording']:.1%} of the questions have the same wording (see "
                      f"{v['wording_example']})", round(v["wording"] * n),
                      "Ask in more ways.")  # fmt: skip
    if v["prompts"] > PROMPTS:
        yield Finding("prompts", NOTE, None,
                      f"{v['prompts']:.1%} of the questions are general prompts: they name a topic "
                      "at most and ask for nothing in particular", round(v["prompts"] * n),
                      "Ask for a part of the sentence.")  # fmt: skip


# fault: (what it is, severity from which share of the questions on, cure)
_FORM: dict[str, tuple[str, float, str]] = {
    "invisible": ("hold zero-width or control characters", 0, "Remove the characters."),
    "blanks": ("begin or end with white space", 1, "Strip them."),
    "no-mark": ("do not end in a question mark", 0.1, "Write them as questions, with the mark."),
    "script": ("are in another script than the sentences", 0, "Ask in the sentences' language."),
    "language": ("look like another language", FEW, "Ask in the sentences' language."),
    "long": ("have more than 40 tokens", FEW, "Ask for less at once."),
    "short": ("have one token only", FEW, "Ask a whole question."),
    "nothing": ("have no letter", 0, "Write a question, or leave it out."),
    "repeated": ("are asked for other sentences of the split too", 1, "Vary the wording."),
    "answer-elsewhere": ("are a sentence of another split", 0,
                         "Replace them: they show a model another split's answers."),
}  # fmt: skip


def _form(split: str, f: dict[str, Any]) -> Iterator[Finding]:
    for fault, (what, limit, cure) in _FORM.items():
        if n := f["form"].get(fault, 0):
            severity = FINDING if n / f["questions"] > limit else NOTE
            yield Finding(fault, severity, split, f"{n:,} of {f['questions']:,} {split} questions "
                          f"{what}", n, cure)  # fmt: skip


def _source(figures: dict[str, Any]) -> Iterator[Finding]:
    if figures["empty"]:
        yield Finding("empty", FINDING, None, f"{figures['empty']:,} questions are empty",
                      figures["empty"], "Ask something, or leave the row out.")  # fmt: skip
    for reason, n in figures["unused"].items():
        yield Finding("unused", FINDING, None, f"{n:,} rows of the questions were not used "
                      f"({reason})", n, "Mend them; `qa-builder build` lists them.")  # fmt: skip
    for split, clips in figures["clips"].items():
        if n := without(figures, split, clips):
            yield Finding("missing", NOTE, split, f"{n:,} of {clips:,} {split} clips have no "
                          "question", n, "Ask for them too, or score without them.")  # fmt: skip


def _overlaps(figures: dict[str, Any]) -> Iterator[Finding]:
    for what, (words, counted, note_up_to, cure) in _SHARED.items():
        for split, v in figures["overlap"][what].items():
            for other, n in v["in"].items() if split != "train" else ():
                if n and (split, other) != ("dev", "test"):
                    severity = FINDING if n / v["n"] > note_up_to else NOTE
                    yield Finding(f"overlap-{what}", severity, split,
                                  f"{n:,} of {v['n']:,} {split} {counted} {words} {other}",
                                  n, cure)  # fmt: skip


# what: (words before the other split, what is counted, up to which share it is a note, cure)
_SHARED: dict[str, tuple[str, str, float, str]] = {
    "sentence": ("have a sentence that is also in", "clips", FEW,
                 "Report seen and unseen sentences apart."),
    "question": ("stand word for word in", "questions", 1,
                 "Harmless if the questions are short; else vary them."),
    "pair": ("stand with the same sentence in", "questions", 0,
             "Leave one of the two out: a model can learn them by heart."),
    "signer": ("are also in", "signers", 1, "Say so: the score tells nothing of new signers."),
    "near": ("are nearly equal to one in", "distinct sentences", 0.1,
             "Report seen and unseen sentences apart."),
}  # fmt: skip


def _shifts(figures: dict[str, Any]) -> Iterator[Finding]:
    for s in figures["shift"]:
        a, b = s["splits"]
        of_dev = (a, b) == ("dev", "test")
        severity = FINDING if of_dev else NOTE
        cure = ("Choose checkpoints on a part of train, or annotate dev as test was."
                if of_dev else "Compare no score of one with that of the other.")  # fmt: skip
        if s["leakage_differs"]:
            yield Finding("shift-leakage", severity, a, f"the leakage of {a} is not like that of "
                          f"{b} (distance {s['leakage']:.2f})", 1, cure)  # fmt: skip
        if s["kinds_differ"]:
            yield Finding("shift-kinds", severity, a, f"the kinds of questions in {a} are not "
                          f"those of {b} (distance {s['kinds']:.2f})", 1, cure)  # fmt: skip
