"""Audit a set of questions: all figures, findings and examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from qa_builder.audit.bits import Bits, question_bits
from qa_builder.audit.copy_scores import copy_scores, likeness
from qa_builder.audit.findings import Finding, findings
from qa_builder.audit.form import form
from qa_builder.audit.gates import gate_values
from qa_builder.audit.leakage import content_overlaps
from qa_builder.audit.overlap import overlap
from qa_builder.audit.question_set import QuestionSet, Rows
from qa_builder.audit.retrieval import retrieval
from qa_builder.audit.shift import shift
from qa_builder.audit.tokens import tokenize
from qa_builder.audit.variety import variety
from qa_builder.text import UNSPACED, normalize_all

EXAMPLES = 8  # of a sort


@dataclass(frozen=True)
class QuestionFigures:
    """What was measured of one question: a line of questions.jsonl."""

    id: str
    split: str
    leakage: float  # content recall, 0..1
    run: int  # tokens of the longest common run
    reordered: bool
    equal: bool  # in normalised form
    bits: float | None = None  # a token
    shuffled: float | None = None

    @property
    def above(self) -> float | None:
        """Bits a token above those of the shuffled question."""
        return None if self.bits is None or self.shuffled is None else self.bits - self.shuffled


@dataclass(frozen=True)
class Audit:
    """All that was found; `figures` is plain values that JSON can hold, without corpus text."""

    figures: dict[str, Any]
    findings: list[Finding]
    questions: list[QuestionFigures]

    def as_dict(self) -> dict[str, Any]:
        """What audit.json holds."""
        return self.figures | {
            "findings": [asdict(f) for f in self.findings],
            "gates": gate_values(self.figures),
            "examples": {k: [q.id for q in v] for k, v in examples(self.questions).items()},
        }


def audit(questions: QuestionSet, seed: int = 0) -> Audit:
    """Measure a set of questions. The same questions and seed give the same audit."""
    splits = {s: r for s, r in questions.splits.items() if len(r)}
    bits = _bits(questions, splits, seed)
    rows = {s: _each(s, r, bits.get(s)) for s, r in splits.items()}
    faults = form(questions)
    figures: dict[str, Any] = {
        "language": questions.language,
        "unit": "characters" if questions.language in UNSPACED else "words",
        "seed": seed,
        "splits": {
            s: _split(r, rows[s], bits.get(s)) | {"form": dict(sorted(faults[s].items()))}
            for s, r in splits.items()
        },
        "clips": {s: len(r.clip_texts) for s, r in questions.splits.items()},
        "empty": questions.empty,
        "unused": questions.unused,
        "overlap": overlap(questions),
        "shift": shift(questions),
        "variety": variety(splits),
    }
    every = [row for of_split in rows.values() for row in of_split]
    return Audit(figures, findings(figures), every)


def _bits(questions: QuestionSet, splits: dict[str, Rows], seed: int) -> dict[str, Bits]:
    """Bits by split; `rows` of a result are rows of the split."""
    kept = {s: [i for i, t in enumerate(r.sentence_tokens) if t] for s, r in splits.items()}
    train = questions.splits["train"].clip_texts if "train" in questions.splits else []
    language = questions.language
    found = question_bits(
        {s: [splits[s].sentence_tokens[i] for i in at] for s, at in kept.items()},
        {s: [splits[s].question_tokens[i] for i in at] for s, at in kept.items()},
        tokenize(normalize_all(train, language), language),
        seed,
    )
    return {s: b._replace(rows=np.array(kept[s])[b.rows]) for s, b in found.items()}


def _each(split: str, rows: Rows, bits: Bits | None) -> list[QuestionFigures]:
    measured: dict[int, tuple[float, float]] = {}
    if bits is not None:
        values = np.round((bits.bits, bits.shuffled), 4).T.tolist()
        measured = dict(zip(bits.rows.tolist(), map(tuple, values), strict=True))
    return [
        QuestionFigures(id_, split, round(leakage, 4), run, reordered, normal == sentence,
                        *measured.get(i, (None, None)))
        for i, (id_, leakage, (run, reordered), normal, sentence) in enumerate(
            zip(rows.ids, rows.leakage, likeness(rows), rows.normal, rows.sentences, strict=True)
        )
    ]  # fmt: skip


def _split(rows: Rows, each: Sequence[QuestionFigures], bits: Bits | None) -> dict[str, Any]:
    overlaps = content_overlaps(rows.sentences, rows.normal, rows.language)
    recalls = np.array(rows.leakage)
    return {
        "questions": len(rows),
        "asked": rows.clips_asked,
        "leakage": {
            "recall": round(sum(g for g, _ in overlaps) / max(sum(n for _, n in overlaps), 1), 4),
            "mean": round(float(recalls.mean()), 4),
            "above_half": int((recalls > 0.5).sum()),
            "equal": sum(q.equal for q in each),
            "reordered": sum(q.reordered for q in each),
            "mean_run": round(sum(q.run for q in each) / len(each), 3),
            "bins": np.histogram(recalls, 10, (0, 1))[0].tolist(),
        },
        "copied": copy_scores(rows),
        "retrieval": retrieval(rows),
        "bits": bits.summary if bits else None,
        "kinds": dict(sorted(Counter(rows.kinds).items())),
    }


def examples(each: Sequence[QuestionFigures]) -> dict[str, list[QuestionFigures]]:
    """The questions to look at first: those that give most away, those that tell most while they
    give little away, and those that tell least."""
    bits = [q for q in each if q.above is not None]
    return {
        "give the answer away": sorted(each, key=lambda q: (-q.leakage, -q.run, q.id))[:EXAMPLES],
        "relevant, and not the answer": sorted(
            (q for q in bits if q.leakage <= 0.3), key=lambda q: (-(q.above or 0), q.id)
        )[:EXAMPLES],
        "tell nothing": sorted(bits, key=lambda q: (q.bits or 0, q.id))[:EXAMPLES],
    }
