"""What the splits share: sentences, questions, pairs, signers, and sentences that are nearly equal.

Sentences are compared letter by letter, questions in normalised form. Near-duplicates are found
with MinHash and locality-sensitive hashing (Broder, 1997; the library datasketch), then
measured: two are near where the Jaccard similarity of their character n-grams is at least 0.8.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from qa_builder.audit.question_set import QuestionSet, Rows
from qa_builder.text import UNSPACED, normalize_all

NEAR = 0.8
_PERMUTATIONS = 128
_CANDIDATE = 0.6  # the index is asked for more, since near its threshold it misses some


def overlap(questions: QuestionSet) -> dict[str, Any]:
    """By what is compared, split and other split: how many of the split's are in the other too.

    "sentence", "question" and "pair" count clips or questions of the split, "signer" its signers,
    "near" its distinct sentences that are near to one of the other split, but not in it.
    """
    splits = questions.splits
    compared: dict[str, Mapping[str, Sequence[object]]] = {
        "sentence": {s: r.clip_texts for s, r in splits.items()},
        "question": {s: r.normal for s, r in splits.items()},
        "pair": {s: list(zip(r.texts, r.normal, strict=True)) for s, r in splits.items()},
        "signer": {s: r.signers for s, r in splits.items()},
    }
    found: dict[str, Any] = {what: _shared(values) for what, values in compared.items()}
    found["near"] = _near(splits, questions.language)
    return found


def _shared(values: Mapping[str, Sequence[object]]) -> dict[str, Any]:
    distinct = {s: set(v) for s, v in values.items()}
    return {
        s: {"n": len(v), "distinct": len(distinct[s]),
            "in": {o: sum(x in d for x in v) for o, d in distinct.items() if o != s}}
        for s, v in values.items()
    }  # fmt: skip


def _near(splits: Mapping[str, Rows], language: str) -> dict[str, Any]:
    n = 2 if language in UNSPACED else 4
    sentences = {s: list(dict.fromkeys(normalize_all(r.clip_texts, language))) for s, r in splits.items()}  # fmt: skip  # noqa: E501
    grams = {t: _grams(t, n) for texts in sentences.values() for t in texts}
    found: dict[str, Any] = {}
    indexes = {s: _index(texts, grams) for s, texts in sentences.items()}
    for split, texts in sentences.items():
        if split == "train":
            continue
        others = [o for o in splits if o != split]
        near = {o: sum(_is_near(t, grams, *indexes[o], indexes[split][1]) for t in texts)
                for o in others}  # fmt: skip
        found[split] = {"n": len(texts), "in": near}
    return found


def _grams(text: str, n: int) -> frozenset[str]:
    return frozenset(text[i : i + n] for i in range(max(len(text) - n + 1, 1)))


def _index(texts: Sequence[str], grams: Mapping[str, frozenset[str]]) -> tuple[Any, dict[str, Any]]:
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=_CANDIDATE, num_perm=_PERMUTATIONS)
    encoded = [[g.encode() for g in sorted(grams[t])] for t in texts]
    hashes = MinHash.bulk(encoded, num_perm=_PERMUTATIONS, hashfunc=zlib.crc32)
    for text, signature in zip(texts, hashes, strict=True):
        index.insert(text, signature)
    return index, dict(zip(texts, hashes, strict=True))


def _is_near(
    text: str,
    grams: Mapping[str, frozenset[str]],
    index: Any,
    indexed: Mapping[str, Any],
    signatures: Mapping[str, Any],
) -> bool:
    if text in indexed:
        return False
    own = grams[text]
    return any(
        len(own & grams[c]) >= NEAR * len(own | grams[c]) for c in index.query(signatures[text])
    )
