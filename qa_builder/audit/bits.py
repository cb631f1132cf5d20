"""How much a question tells of its sentence, in bits: pointwise V-information.

Of a question q and its sentence y (Ethayarajh et al., ICML 2022), in bits a token of y:

    PVI(q -> y) = (log2 p(y|q) - log2 p(y|nothing)) / |y|

Token overlap can't see a paraphrase; this can. Both models are of one family V (ours; no neural
network), a mixture that predicts y token by token, and its end, by its history h and the question:

    p(w|h, q) = sum_k a_k(s) p_k(w|h, q),    k = 1..5:
    1  a trigram model of the sentences                          ngrams.py
    2  words that go with the question's words (IBM model 1)     lexical.py
    3  words that follow the last one where the question asks so triggers.py
    4  any token of the question that is not used up             pointer.py
    5  the token that follows, in the question, the last one     pointer.py

The weights a(s) depend on the state s: how much the trigram model leaves open here (in quarters)
and how well y has followed q so far. They are found by expectation maximisation on held-out folds.
p(y|nothing) is the same family, trained and tested with empty questions.

Models are trained on the train split and applied to dev and test. Train itself is cross-validated
by distinct sentences, and so is every split where train has no questions to learn from; the trigram
model then sees train's sentences too. *Shuffled* is the same measurement, training included, with
every question moved to another sentence of its split: what an unrelated question of this style is
worth. A question is relevant as far as it lies above that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qa_builder.audit.lexical import LexicalModel
from qa_builder.audit.ngrams import TrigramModel
from qa_builder.audit.pointer import copying
from qa_builder.audit.tokens import Events, Floats, Ints, Ragged, Vocabulary, events_of
from qa_builder.audit.triggers import TriggerModel

FOLDS = 5
FEWEST = 50  # pairs of train from which other splits can be predicted
FEWEST_SENTENCES = 4 * FOLDS  # distinct sentences of a split that is cross-validated
MOST_ROWS = 20_000  # of a split; of more, every n-th is measured
_LEFT = (0.25, 0.5, 0.75)
_FOLLOWS = 3
_STATES = (len(_LEFT) + 1) * _FOLLOWS
_EM_ROUNDS, _EM_EVENTS = 30, 100_000
_RESAMPLES = 1000

Tokens = Sequence[Sequence[str]]


class Bits(NamedTuple):
    """The bits of one split's questions; of n rows, those of `rows` were measured."""

    rows: Ints  # [m]
    bits: Floats  # [m] PVI, bits a token
    shuffled: Floats  # [m] the same with another sentence's question
    summary: dict[str, Any]


class _Task(NamedTuple):
    """Pairs to measure together, and what may be learnt from what."""

    sentences: Ragged
    questions: Ragged
    identity: Ints  # [rows] number of the distinct sentence
    part: Ints  # [rows] rows of one part are predicted by one model
    train: NDArray[np.bool_]  # [rows] may be learnt from, but for its own part
    pool: Ragged  # distinct sentences for the trigram model
    pool_part: Ints  # [sentences of the pool] the part that must not see it


def question_bits(
    sentences: Mapping[str, Tokens], questions: Mapping[str, Tokens], train: Tokens, seed: int = 0
) -> dict[str, Bits]:
    """Measure the questions of each split; splits of too few sentences are left out.

    `sentences` and `questions` give, by split, tokens row by row, none of them empty; `train` holds
    all sentences of train, also those without question. The same input and seed give the same bits.
    """
    chosen = {s: _every_nth(len(v)) for s, v in sentences.items()}
    texts = {s: [sentences[s][i] for i in rows] for s, rows in chosen.items()}
    asked = {s: [questions[s][i] for i in rows] for s, rows in chosen.items()}
    if len(texts.get("train", ())) >= FEWEST:
        groups, how = [sorted(texts, key="train".__ne__)], "trained on train"
    else:
        groups, how = [[s] for s in texts], "cross-validated"
    found: dict[str, Bits] = {}
    for splits in groups:
        if len({tuple(t) for t in texts[splits[0]]}) >= FEWEST_SENTENCES:
            values, tokens, identity = _measure(splits, texts, asked, train, seed)
            for s, rows in values.items():
                method = "cross-validated" if s == "train" else how
                summary = _summary(rows, tokens[s], identity[s], seed) | {"method": method}
                bits, shuffled = rows / tokens[s]
                found[s] = Bits(chosen[s], bits, shuffled, summary)
    return found


def _every_nth(n: int) -> Ints:
    return np.unique(np.linspace(0, n - 1, min(n, MOST_ROWS)).astype(np.int64))


def _measure(
    splits: list[str],
    texts: Mapping[str, Tokens],
    asked: Mapping[str, Tokens],
    train: Tokens,
    seed: int,
) -> tuple[dict[str, Floats], dict[str, Floats], dict[str, Ints]]:
    """By split: bits of its rows [2, n], with their own and with shuffled questions; their lengths;
    the numbers of their distinct sentences. The first of the splits is what is learnt from."""
    vocabulary = Vocabulary()
    task = _task(splits, texts, asked, train, vocabulary)
    size = len(vocabulary)
    ends = np.cumsum([0] + [len(texts[s]) for s in splits])
    rng = np.random.default_rng(seed)
    order = np.concatenate([a + _elsewhere(task.identity[a:b], rng) for a, b in pairwise(ends)])
    nothing = Ragged(np.zeros(0, dtype=np.int64), np.zeros(ends[-1] + 1, dtype=np.int64))
    events = events_of(task.sentences)
    language, left = _language_model(task, events, size)
    own, other, none = (
        _log_likelihood(task, events, questions, language, left, size)
        for questions in (task.questions, task.questions.take(order), nothing)
    )
    gain, lengths = np.stack((own - none, other - none)), task.sentences.lengths.astype(float)
    parts = {s: slice(a, b) for s, (a, b) in zip(splits, pairwise(ends), strict=True)}
    return (
        {s: gain[:, part] for s, part in parts.items()},
        {s: lengths[part] for s, part in parts.items()},
        {s: task.identity[part] for s, part in parts.items()},
    )


def _task(
    splits: list[str],
    texts: Mapping[str, Tokens],
    asked: Mapping[str, Tokens],
    train: Tokens,
    vocabulary: Vocabulary,
) -> _Task:
    numbers: dict[tuple[str, ...], int] = {}
    learnt = [tuple(t) for t in texts[splits[0]]]
    fold = {t: i % FOLDS for i, t in enumerate(dict.fromkeys(learnt))}
    pool = list(dict.fromkeys([*map(tuple, train), *learnt]))
    rows = [tuple(t) for s in splits for t in texts[s]]
    part = [fold[t] for t in learnt] + [FOLDS] * (len(rows) - len(learnt))
    return _Task(
        vocabulary.encode(rows),
        vocabulary.encode(q for s in splits for q in asked[s]),
        np.array([numbers.setdefault(t, len(numbers)) for t in rows]),
        np.array(part),
        np.arange(len(rows)) < len(learnt),
        vocabulary.encode(pool),
        np.array([fold.get(t, -1) for t in pool]),
    )


def _elsewhere(identity: Ints, rng: np.random.Generator) -> Ints:
    """For each row another one, drawn, of another sentence (unless one sentence is half of all)."""
    _, of, counts = np.unique(identity, return_inverse=True, return_counts=True)
    order = np.lexsort((rng.random(len(of)), rng.permutation(len(counts))[of]))
    other = np.empty_like(order)
    other[order] = np.roll(order, counts.max())
    return other


def _language_model(task: _Task, events: Events, size: int) -> tuple[Floats, Floats]:
    """p(word|history) of all events, and what their histories leave open, by models of the pool."""
    p, left = np.empty(len(events.word)), np.empty(len(events.word))
    for part in np.unique(task.part):
        rows = np.flatnonzero(task.part == part)
        seen = task.pool.take(np.flatnonzero(task.pool_part != part))
        wanted = (task.part == part)[events.row]
        model = TrigramModel(events_of(seen), size)
        p[wanted], left[wanted] = model.predict(events_of(task.sentences.take(rows)))
    return p, left


def _log_likelihood(
    task: _Task, events: Events, questions: Ragged, language: Floats, left: Floats, size: int
) -> Floats:
    """log2 p(sentence|question) of all rows, [rows]."""
    copied = copying(events, questions, size)
    lexical = LexicalModel(events, questions, size)
    triggers = TriggerModel(events, questions, language, size)
    words, next_words = np.empty(len(events.word)), np.empty(len(events.word))
    part, train = task.part[events.row], task.train[events.row]
    for p in np.unique(task.part):
        trained, wanted = train & (part != p), part == p
        words[wanted] = lexical.predict(trained, wanted)
        next_words[wanted] = triggers.predict(trained, wanted)
    p_k = np.stack((language, words, next_words, copied.remaining, copied.next))
    state = np.digitize(left, _LEFT) * _FOLLOWS + copied.follows
    step = -(-int(train.sum()) // _EM_EVENTS)
    held_out = np.flatnonzero(train)[::step]
    weights = mixture_weights(p_k[:, held_out], state[held_out])
    log_p = np.log2((weights[:, state] * p_k).sum(0))
    return np.asarray(np.add.reduceat(log_p, events.starts[:-1]))


def mixture_weights(p_k: Floats, state: Ints) -> Floats:
    """Weights [k, states] of the components, by expectation maximisation from p_k [k, N].

    One pseudo-event a state is shared evenly, so that a state never seen has even weights. Where
    the last token is not in the question, nothing can follow it there: that component gets none.
    """
    possible = np.ones((len(p_k), _STATES))
    possible[-1, ::_FOLLOWS] = 0
    prior = possible / possible.sum(0)
    weights = prior
    for _ in range(_EM_ROUNDS):
        joint = weights[:, state] * p_k
        joint /= joint.sum(0)
        counts = np.stack([np.bincount(state, weights=k, minlength=_STATES) for k in joint])
        weights = (counts + prior) / (counts + prior).sum(0)
    return np.asarray(weights)


def _summary(gain: Floats, tokens: Floats, identity: Ints, seed: int) -> dict[str, Any]:
    """Means over the split, and the 95 % interval of the difference by resampling sentences."""
    _, group = np.unique(identity, return_inverse=True)
    own, other, n = (np.bincount(group, weights=w) for w in (*gain, tokens))
    rng = np.random.default_rng(seed)
    ratios: list[float] = []
    for _ in range(_RESAMPLES):
        drawn = rng.integers(0, len(n), len(n))
        ratios.append(float((own - other)[drawn].sum() / n[drawn].sum()))
    low, high = np.quantile(ratios, (0.025, 0.975))
    return {
        "bits": round(float(own.sum() / n.sum()), 4),
        "shuffled": round(float(other.sum() / n.sum()), 4),
        "above": round(float((own - other).sum() / n.sum()), 4),
        "low": round(float(low), 4), "high": round(float(high), 4),
        "rows": len(tokens), "sentences": len(n),
    }  # fmt: skip
