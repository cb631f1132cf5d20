"""Systems that see no video, as plug-ins: what a score is worth beside them.

Every board shows them all, and every score those of them that need no search.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.conventions import WITHOUT_BLANKS, tokenise_13a
from benchmarks.nearest import nearest
from benchmarks.split_data import SplitData, read_columns
from qa_builder.errors import QbsltError
from qa_builder.samples import Prediction, Sample

if TYPE_CHECKING:
    from benchmarks.models import Run, TaskData

COPY, WRONG, FREQUENT = "copy-question", "wrong-question", "most-frequent"
BY_QUESTION, BY_GLOSS, REFERENCE = "retrieve-by-question", "retrieve-by-gloss", "reference"
QUICK = (COPY, WRONG, FREQUENT)  # those that need no search: every score stands beside them


class Rows(NamedTuple):
    """Columns of equal length; what is missing is empty."""

    text: list[str]
    question: list[str]
    gloss: list[str]


class Asked(NamedTuple):
    """What a control answers from."""

    rows: Rows
    train: Callable[[], Rows]
    language: str
    seed: int


Answer = Callable[[Asked], Sequence[str]]


def control_texts(
    data: SplitData, seed: int = 0, names: Iterable[str] | None = None
) -> dict[str, Sequence[str]]:
    """Outputs of the controls by name, in the order of `data`; all of them without `names`.

    Those are left out that lack what they need: questions, glosses, or train.
    """
    rows = Rows(data.text, [q or "" for q in data.question], [g or "" for g in data.gloss])
    asked = Asked(rows, cache(lambda: _train_of(data)), data.language, seed)
    found = {}
    for name in names or ANSWERS:
        with contextlib.suppress(QbsltError):
            found[name] = ANSWERS[name](asked)
    return found


def _train_of(data: SplitData) -> Rows:
    if data.built is None or "train" not in data.built.splits:
        return Rows([], [], [])
    columns = read_columns(data.built, "train", Rows._fields)
    return Rows(*([value or "" for value in columns[name]] for name in Rows._fields))


class Control:
    """A control as a Model."""

    track = "control"

    def __init__(self, name: str) -> None:
        self.name = name

    def fit(self, data: TaskData, run: Run) -> None:
        """Remember where train is; only controls that need it read it."""
        self._train = cache(lambda: _rows_of(data.samples("train")))
        self._language = data.task.language

    def predict(self, samples: Sequence[Sample], run: Run) -> Iterator[Prediction]:
        """Translations of all samples; raises QbsltError where it lacks what it needs."""
        asked = Asked(_rows_of(samples), self._train, self._language, run.seed)
        texts = ANSWERS[self.name](asked)
        return (Prediction(s.sample_id, text) for s, text in zip(samples, texts, strict=True))


def _rows_of(samples: Iterable[Sample]) -> Rows:
    rows = [(s.text, s.question.text if s.question else "", s.gloss or "") for s in samples]
    return Rows(*map(list, zip(*rows, strict=True))) if rows else Rows([], [], [])


def _copy_question(asked: Asked) -> list[str]:
    return _needed("question", asked.rows.question)


def _wrong_question(asked: Asked) -> list[str]:
    return derangement(_copy_question(asked), asked.seed)


def derangement(items: Sequence[str], seed: int) -> list[str]:
    """Each item moved to another place (Sattolo, 1986: one random cycle through all)."""
    import random

    draw = random.Random(seed)
    moved = list(items)
    for i in range(len(moved) - 1, 0, -1):
        j = draw.randrange(i)
        moved[i], moved[j] = moved[j], moved[i]
    return moved


def _most_frequent(asked: Asked) -> list[str]:
    return [_top(asked.train())] * len(asked.rows.text)


def _by_question(asked: Asked) -> list[str]:
    tokenise = _characters if asked.language in WITHOUT_BLANKS else _words
    train = asked.train()
    keys = _needed("question in train", train.question)
    return _retrieved(train, keys, _copy_question(asked), tokenise)


def _by_gloss(asked: Asked) -> list[str]:
    glosses = _needed("gloss", asked.rows.gloss)
    train = asked.train()
    return _retrieved(train, _needed("gloss in train", train.gloss), glosses, str.split)


def _reference(asked: Asked) -> list[str]:
    return asked.rows.text


def _retrieved(
    train: Rows, keys: list[str], queries: list[str], tokenise: Callable[[str], list[str]]
) -> list[str]:
    """Train's sentence with the most similar key; the most frequent one if nothing is similar."""
    top = _top(train)
    return [train.text[i] if i >= 0 else top for i in nearest(keys, queries, tokenise)]


def _top(train: Rows) -> str:
    if not train.text:
        raise QbsltError("the dataset has no sentences in train, which this control draws on.")
    return Counter(train.text).most_common(1)[0][0]


def _needed(what: str, column: list[str]) -> list[str]:
    if not any(column):
        raise QbsltError(f"no row has a {what}, which this control needs.")
    return column


def _words(text: str) -> list[str]:
    return tokenise_13a(text.lower())


def _characters(text: str) -> list[str]:
    return list("".join(text.split()))


ANSWERS: dict[str, Answer] = {
    COPY: _copy_question, WRONG: _wrong_question, FREQUENT: _most_frequent,
    BY_QUESTION: _by_question, BY_GLOSS: _by_gloss, REFERENCE: _reference,
}  # fmt: skip

# The entry points of the group `qbslt.models`.
copy_question, wrong_question, most_frequent = (partial(Control, name) for name in QUICK)
retrieve_by_question, retrieve_by_gloss, reference = (
    partial(Control, name) for name in (BY_QUESTION, BY_GLOSS, REFERENCE)
)
