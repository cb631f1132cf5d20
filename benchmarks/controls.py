"""Systems that see no video, as plug-ins: what a score is worth beside them.

Every board shows them. `trivial` gives those that cost nothing, which every score is compared with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.conventions import WITHOUT_BLANKS, tokenise_13a
from benchmarks.nearest import nearest
from benchmarks.split_data import SplitData
from qa_builder.errors import QbsltError
from qa_builder.samples import Prediction, Sample

if TYPE_CHECKING:
    from benchmarks.models import Run, TaskData

COPY, WRONG, FREQUENT = "copy-question", "wrong-question", "most-frequent"


class Rows(NamedTuple):
    """Columns of equal length; what is missing is empty."""

    text: list[str]
    question: list[str]
    gloss: list[str]

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> Rows:
        """The columns of samples."""
        rows = [(s.text, s.question.text if s.question else "", s.gloss or "") for s in samples]
        return cls(*map(list, zip(*rows, strict=True))) if rows else cls([], [], [])


def trivial(data: SplitData, seed: int) -> dict[str, Sequence[str]]:
    """Outputs of the controls that need no search; without questions only of most-frequent."""
    found: dict[str, Sequence[str]] = {}
    if data.has_questions:
        questions = [q or "" for q in data.question]
        found[COPY] = questions
        found[WRONG] = derangement(questions, seed)
    if data.most_frequent is not None:
        found[FREQUENT] = [data.most_frequent] * len(data)
    return found


def derangement(items: Sequence[str], seed: int) -> list[str]:
    """Each item moved to another place (Sattolo, 1986: one random cycle through all)."""
    import random

    draw = random.Random(seed)
    moved = list(items)
    for i in range(len(moved) - 1, 0, -1):
        j = draw.randrange(i)
        moved[i], moved[j] = moved[j], moved[i]
    return moved


class Asked(NamedTuple):
    """What a control answers from."""

    rows: Rows
    train: Callable[[], Rows]
    language: str
    seed: int


Answer = Callable[[Asked], Sequence[str]]


class Control:
    """A control as a Model: `answer` gives its translations of all rows at once."""

    track = "control"

    def __init__(self, name: str, answer: Answer) -> None:
        self.name, self._answer = name, answer

    def fit(self, data: TaskData, run: Run) -> None:
        """Remember where train is; only controls that need it read it."""
        self._train = cache(lambda: Rows.of(data.samples("train")))
        self._language = data.task.language

    def predict(self, samples: Sequence[Sample], run: Run) -> Iterator[Prediction]:
        """Translations of all samples; raises QbsltError where what it copies is lacking."""
        asked = Asked(Rows.of(samples), self._train, self._language, run.seed)
        texts = self._answer(asked)
        return (Prediction(s.sample_id, text) for s, text in zip(samples, texts, strict=True))


def _copy_question(asked: Asked) -> list[str]:
    return _lacking_none("question", asked.rows.question)


def _wrong_question(asked: Asked) -> list[str]:
    return derangement(_copy_question(asked), asked.seed)


def _most_frequent(asked: Asked) -> list[str]:
    return [_top(asked.train())] * len(asked.rows.text)


def _by_question(asked: Asked) -> list[str]:
    tokenise = _characters if asked.language in WITHOUT_BLANKS else _words
    return _retrieved(asked.train(), asked.train().question, _copy_question(asked), tokenise)


def _by_gloss(asked: Asked) -> list[str]:
    glosses = _lacking_none("gloss", asked.rows.gloss)
    return _retrieved(asked.train(), asked.train().gloss, glosses, str.split)


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


def _lacking_none(what: str, column: list[str]) -> list[str]:
    if not any(column):
        raise QbsltError(f"no row of the split has a {what}, which this control needs.")
    return column


def _words(text: str) -> list[str]:
    return tokenise_13a(text.lower())


def _characters(text: str) -> list[str]:
    return list("".join(text.split()))


# The entry points of the group `qbslt.models`.
copy_question = partial(Control, COPY, _copy_question)
wrong_question = partial(Control, WRONG, _wrong_question)
most_frequent = partial(Control, FREQUENT, _most_frequent)
retrieve_by_question = partial(Control, "retrieve-by-question", _by_question)
retrieve_by_gloss = partial(Control, "retrieve-by-gloss", _by_gloss)
reference = partial(Control, "reference", _reference)
