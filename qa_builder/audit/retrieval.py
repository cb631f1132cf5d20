"""Finding the sentence by its question: how well the question points at it.

Each question is compared with all distinct sentences of its split, by the cosine of their TF-IDF
vectors over tokens and pairs of tokens. (Ours; ties count as half before, half behind.)
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from qa_builder.audit.question_set import Rows
from qa_builder.audit.tokens import Floats

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_CHUNK = 512  # questions whose similarities are in memory at once


def retrieval(rows: Rows) -> dict[str, Any]:
    """Of n questions: the share whose own sentence is first, and among the first ten; the mean
    reciprocal rank; the number of sentences to choose from."""
    distinct: dict[str, int] = {}
    own = np.array([distinct.setdefault(s, len(distinct)) for s in rows.sentences])
    first = {s: i for i, s in reversed(list(enumerate(rows.sentences)))}
    features: dict[object, int] = {}
    sentences = _vectors([rows.sentence_tokens[first[s]] for s in distinct], features)
    questions = _vectors(rows.question_tokens, features, len(features))
    weights = _inverse_frequency(sentences)
    ranks = _ranks(_unit(questions, weights), _unit(sentences, weights), own)
    return {
        "top1": round(float((ranks <= 1).mean()), 4),
        "top10": round(float((ranks <= 10).mean()), 4),
        "mrr": round(float((1 / ranks).mean()), 4),
        "of": len(distinct),
    }


def _ranks(questions: csr_matrix, sentences: csr_matrix, own: np.ndarray[Any, Any]) -> Floats:
    ranks = []
    for start in range(0, len(own), _CHUNK):
        scores = (questions[start : start + _CHUNK] @ sentences.T).toarray()
        right = np.take_along_axis(scores, own[start : start + _CHUNK, None], 1)
        before, ties = (scores > right).sum(1), (scores == right).sum(1)
        ranks.append(before + (ties + 1) / 2)
    return np.concatenate(ranks)


def _vectors(
    tokens: Sequence[Sequence[str]], features: dict[object, int], size: int | None = None
) -> csr_matrix:
    """Counts of tokens and pairs; with `size` given, features that are new are left out."""
    from scipy.sparse import csr_matrix

    columns: list[int] = []
    counts: list[int] = []
    starts = [0]
    for sequence in tokens:
        found = Counter[object](sequence)
        found.update(pairwise(sequence))
        for feature, n in found.items():
            at = features.get(feature) if size else features.setdefault(feature, len(features))
            if at is not None:
                columns.append(at)
                counts.append(n)
        starts.append(len(columns))
    shape = (len(tokens), size or len(features))
    return csr_matrix((np.array(counts, dtype=np.float32), columns, starts), shape=shape)


def _inverse_frequency(sentences: csr_matrix) -> Floats:
    seen = np.bincount(sentences.indices, minlength=sentences.shape[1])
    return np.asarray(np.log((1 + sentences.shape[0]) / (1 + seen)) + 1, dtype=np.float32)


def _unit(vectors: csr_matrix, weights: Floats) -> csr_matrix:
    from scipy.sparse import diags

    weighted = vectors @ diags(weights)
    norms = np.sqrt(np.asarray(weighted.multiply(weighted).sum(1)).ravel())
    return (diags(1 / np.where(norms > 0, norms, math.inf)) @ weighted).tocsr()
