"""Learn from our reviews how well Chinese questions fit: writes the lexicon zh_fit.txt.

    python -m qa_builder.questions.learn_fit DATASET

DATASET is CSL-Daily as `qa-builder build csl-daily` makes it: the reviews have no text of it. They
are a language model's (docs/reviews.md).
Logistic regression on the traits of a question (`chinese_fit`), so that a wording with few reviews
leans on its section, and a section on its kind. (Ours.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from qa_builder.console import fail, print_table
from qa_builder.errors import QbsltError
from qa_builder.questions.chinese import Chinese
from qa_builder.questions.chinese_fit import FITS, traits
from qa_builder.questions.reviewed import Reviews, digest, ours, read_reviews
from qa_builder.text import normalize_all

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_GRADES = (0.0, 0.7, 1.0)  # of what does not fit, may fit, fits
_STILTED = 0.5  # of its grade is left to a question that nobody would say so
_LEAST = 3  # reviews of a trait
_PRIOR = 5.0  # how firmly weights are held to 0
_SMALLEST = 0.05  # weight that is written
_FOLDS = 4


class Example(NamedTuple):
    """What a review teaches."""

    sentence: str  # its digest
    traits: list[str]
    grade: float  # 0..1


def examples(reviews: Reviews, dataset: Path) -> list[Example]:
    """What those reviews teach whose questions the rules still make."""
    rules = Chinese()
    found: list[Example] = []
    for sentence, (text, words, tags) in _sentences(dataset, reviews).items():
        made = {c.text: c for c in rules.candidates(text, words, tags)}
        for question, review in reviews[sentence].items():
            if question in made:
                grade = _GRADES[review.fits] * (1.0 if review.natural else _STILTED)
                found.append(Example(sentence, list(traits(made[question])), grade))
    return found


def learn(some: Sequence[Example]) -> dict[str, float]:
    """The weights of traits, in log-odds: logistic regression, held to 0, by Newton's method."""
    import numpy as np
    from scipy.sparse import csr_matrix, diags

    counts = Counter(t for e in some for t in e.traits)
    places = {t: i for i, t in enumerate(sorted(t for t, n in counts.items() if n >= _LEAST))}
    every = len(places)  # the last column: how well questions fit at all
    columns = [[*(places[t] for t in e.traits if t in places), every] for e in some]
    starts = np.cumsum([0, *map(len, columns)])
    ones = np.ones(starts[-1])
    x = csr_matrix((ones, np.concatenate(columns), starts), shape=(len(some), every + 1))
    y, w = np.array([e.grade for e in some]), np.zeros(every + 1)
    for _ in range(20):
        p = 1 / (1 + np.exp(-(x @ w)))
        slope = x.T @ (p - y) + _PRIOR * w
        curve = (x.T @ diags(p * (1 - p)) @ x).toarray() + _PRIOR * np.eye(len(w))
        step = np.linalg.solve(curve, slope)
        w -= step
        if np.abs(step).max() < 1e-6:  # far below the digits that are written
            break
    return {t: float(w[i]) for t, i in places.items()}


def ranks_well(some: Sequence[Example]) -> float:
    """How often a question that fits is put above one that does not (AUC); of weights learned from
    the questions of other sentences.
    """
    import numpy as np

    folds = {c: n % _FOLDS for n, c in enumerate(sorted({e.sentence for e in some}))}
    scores = np.zeros(len(some))
    for fold in range(_FOLDS):
        weights = learn([e for e in some if folds[e.sentence] != fold])
        for i, e in enumerate(some):
            if folds[e.sentence] == fold:
                scores[i] = sum(weights.get(t, 0.0) for t in e.traits)
    return _auc(scores, np.array([e.grade == 1.0 for e in some]))


def _auc(scores: NDArray[np.float64], fits: NDArray[np.bool_]) -> float:
    import numpy as np

    above = scores[fits][:, None] - scores[~fits][None]
    return float(np.mean((above > 0) + 0.5 * (above == 0)))


def _sentences(
    dataset: Path, wanted: Reviews
) -> dict[str, tuple[str, list[str] | None, list[str] | None]]:
    """Text, words and tags of the sentences that are wanted, by digest, in the dataset's order."""
    import pyarrow.parquet as pq

    found: dict[str, tuple[str, list[str] | None, list[str] | None]] = {}
    for split in ("train", "dev", "test"):
        for file in sorted((dataset / "data").glob(f"{split}*.parquet")):
            table = pq.read_table(file, columns=["text", "words", "pos_tags"]).to_pydict()
            names = map(digest, normalize_all(table["text"], "zh"))
            rows = zip(table["text"], table["words"], table["pos_tags"], strict=True)
            for name, row in zip(names, rows, strict=True):
                if name in wanted:
                    found.setdefault(name, row)
    if missing := len(wanted) - len(found):
        raise QbsltError(f"holds no sentence of {missing:,} of the {len(wanted):,} reviewed ones.",
                         file=dataset, cure="Give CSL-Daily, built with all of its splits.")  # fmt: skip  # noqa: E501
    return found


@click.command()
@click.argument("dataset", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), default=FITS)
def main(dataset: Path, out: Path) -> None:
    """Learn the weights, and write them."""
    reviews = read_reviews(ours("zh"), "zh")
    some = examples(reviews, dataset)
    weights = {t: w for t, w in learn(some).items() if abs(w) >= _SMALLEST}
    head = "# How well questions fit by what they are of, in log-odds; learned (`learn_fit`), not written by hand."  # noqa: E501
    text = "\n".join([head, "", *(f"{t} = {w:.2f}" for t, w in sorted(weights.items()))])
    out.write_text(text + "\n", encoding="utf-8")
    table = {"reviews": f"{sum(map(len, reviews.values())):,}", "still made": f"{len(some):,}",
             "weights": f"{len(weights):,}", "ranked well": f"{ranks_well(some):.3f}"}  # fmt: skip
    print_table(str(out), ["", ""], [list(row) for row in table.items()])


if __name__ == "__main__":
    try:
        main()
    except QbsltError as e:
        fail(str(e), e.exit_code)
