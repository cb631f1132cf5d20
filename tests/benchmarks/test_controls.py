"""The controls: what they answer, on texts small enough to see it, and on the real corpora."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.controls import (
    ANSWERS,
    BY_GLOSS,
    BY_QUESTION,
    COPY,
    FREQUENT,
    REFERENCE,
    WRONG,
    Asked,
    Rows,
    control_texts,
    derangement,
)
from benchmarks.nearest import nearest
from benchmarks.scorer import SplitData, load_references, score
from benchmarks.tasks.task import task_for
from qa_builder.dataset import open_dataset
from qa_builder.errors import QbsltError

TRAIN = Rows(
    ["es regnet", "die sonne scheint", "es regnet"],
    ["Regnet es im Norden?", "Scheint die Sonne?", "Regnet es im Süden?"],
    ["REGEN NORD", "SONNE", "REGEN SUED"],
)
TEST = Rows(["a", "b"], ["Scheint morgen die Sonne?", ""], ["REGEN SUED MORGEN", "SCHNEE"])
BARE = Rows(["a", "b"], ["", ""], ["", ""])
NO_TRAIN = Rows([], [], [])


def answer(name: str, rows: Rows = TEST, train: Rows = TRAIN, seed: int = 0) -> list[str]:
    return list(ANSWERS[name](Asked(rows, lambda: train, "de", seed)))


def test_what_each_control_answers() -> None:
    assert answer(COPY) == TEST.question
    assert answer(WRONG) == TEST.question[::-1]
    assert answer(FREQUENT) == ["es regnet", "es regnet"]
    assert answer(BY_QUESTION) == ["die sonne scheint", "es regnet"]  # the second has no question
    assert answer(BY_GLOSS) == ["es regnet", "es regnet"]
    assert answer(REFERENCE) == TEST.text


@pytest.mark.parametrize(
    ("name", "rows", "train"),
    [(COPY, BARE, TRAIN), (WRONG, BARE, TRAIN), (BY_QUESTION, BARE, TRAIN), (BY_GLOSS, BARE, TRAIN),
     (FREQUENT, TEST, NO_TRAIN), (BY_QUESTION, TEST, NO_TRAIN)],
)  # fmt: skip
def test_a_control_says_what_it_lacks(name: str, rows: Rows, train: Rows) -> None:
    with pytest.raises(QbsltError, match="this control"):
        answer(name, rows, train)


def test_wrong_questions_are_all_there_and_all_moved() -> None:
    items = [str(i) for i in range(50)]
    moved = derangement(items, 3)
    assert sorted(moved) == sorted(items)
    assert all(a != b for a, b in zip(items, moved, strict=True))
    assert moved == derangement(items, 3) != derangement(items, 4)
    assert derangement(["alone"], 0) == ["alone"]


def test_nearest_is_the_greatest_cosine() -> None:
    draw = np.random.default_rng(0)
    words = np.array([f"w{i}" for i in range(30)])

    def texts(n: int) -> list[str]:
        return [" ".join(draw.choice(words, draw.integers(1, 9))) for _ in range(n)]

    candidates, queries = texts(40), [*texts(20), "", "unknown words"]
    df = {w: sum(w in c.split() for c in candidates) for w in words}

    def vector(text: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        tf = np.array([text.split().count(w) for w in words], float)
        weights = np.where(tf > 0, 1 + np.log(np.maximum(tf, 1)), 0)
        return weights * np.array([np.log1p(40 / max(df[w], 1)) for w in words])

    matrix = np.array([vector(c) for c in candidates])
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    for query, found in zip(queries, nearest(candidates, queries, str.split), strict=True):
        similarity = matrix @ vector(query)
        assert similarity.max() == pytest.approx(similarity[found] if found >= 0 else 0)
    assert nearest([], ["a"], str.split) == [-1]


def test_all_controls_of_a_dataset(toy_csl: Path) -> None:
    data = load_references(open_dataset(toy_csl), "test")
    found = control_texts(data)
    assert set(found) == set(ANSWERS)
    assert all(len(texts) == len(data) for texts in found.values())
    train = set(open_dataset(toy_csl).columns("train", ["text"])["text"])
    assert set(found[BY_QUESTION]) | set(found[BY_GLOSS]) | set(found[FREQUENT]) <= train
    assert found[REFERENCE] == data.text


# BLEU-4 on PHOENIX test with the public questions.
REAL = {
    COPY: 32.39,
    WRONG: 0.41,
    FREQUENT: 0.19,
    BY_QUESTION: 14.17,
    BY_GLOSS: 12.12,
    REFERENCE: 100,
}


def test_controls_on_the_real_corpus(real_phoenix: Path) -> None:
    dataset = open_dataset(real_phoenix)
    data: SplitData = load_references(dataset, "test")
    for name, texts in control_texts(data).items():
        scores = score(task_for(dataset), data, texts, system=name, track="control", resamples=100)
        got = scores.scores["standard-phoenix"]["bleu4"]["value"]
        assert got == pytest.approx(REAL[name], abs=0.01), name


def test_the_figures_of_the_docs_are_printed_by_the_command(toy_phoenix: Path) -> None:
    dataset = open_dataset(toy_phoenix)
    data = load_references(dataset, "test")
    texts = control_texts(data, names=[BY_GLOSS])[BY_GLOSS]
    result = score(task_for(dataset), data, texts, system=BY_GLOSS, resamples=100)
    page = (Path(__file__).resolve().parents[2] / "docs" / "conventions.md").read_text("utf-8")
    standard = result.scores["standard-phoenix"]
    shown = ("bleu1", "bleu4", "rouge_l")
    row = " | ".join(f"{standard[name]['value']:.2f}" for name in shown)
    assert f"| standard-phoenix | {row} |" in page
    for convention, scores in result.legacy.items():
        values = [scores[name]["value"] for name in shown]
        moved = [
            round(v - standard[k]["value"], 2) + 0.0 for v, k in zip(values, shown, strict=True)
        ]
        cells = " | ".join(f"{v:.2f} ({m:+.2f})" for v, m in zip(values, moved, strict=True))
        assert any(f"`{convention}`" in line and cells in line for line in page.splitlines())
