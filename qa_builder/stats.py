"""What is in a built dataset: counts, lengths, vocabulary, kinds, leakage and duplicates.

Rows stream by; what stays in memory are numbers, the vocabularies and one 64-bit hash a sentence
and a question. Sentences, glosses, frames and signers count once a clip, questions once a row.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from qa_builder.samples import RELEASE_COLUMNS, SPLITS
from qa_builder.stats_page import write_page
from qa_builder.stats_tables import tables
from qa_builder.text import UNSPACED, normalize_all, squeeze

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qa_builder.dataset import Dataset

__all__ = ["collect", "tables", "tokenize", "write_page"]

_COLUMNS = ("clip_id", "signer", "n_frames", "gloss", "text", "question", "question_normalized",
            "question_kind", "question_leakage")  # fmt: skip
_BINS = 30  # of a histogram, at most
_LEAKAGE_BINS = 10


def tokenize(texts: Sequence[str], language: str) -> list[list[str]]:
    """What lengths and vocabularies count: words, or characters of Chinese and Japanese.

    Words are lower case and without punctuation; of characters only white space is left out.
    (Ours; gives the 2,887 words of PHOENIX-2014T and the 2,343 characters of CSL-Daily train.)
    """
    if language in UNSPACED:
        return [list(squeeze(t)) for t in texts]
    return [t.split() for t in normalize_all(texts, language)]


def collect(dataset: Dataset) -> dict[str, Any]:
    """All figures of a dataset, as plain values that JSON can hold.

    A release without the corpus's text lacks the figures that need it; `left_out` says which.
    """
    language = dataset.manifest["corpus"]["text_language"]
    names = [s for s in SPLITS if s in dataset.splits]
    counts = {s: _count(dataset, s, language) for s in names}
    measures = [m for m in ("sentence", "gloss", "question", "frames")
                if any(c.lengths[m] for c in counts.values())]  # fmt: skip
    return {
        "dataset": dataset.name,
        "title": dataset.manifest["corpus"]["title"],
        "fingerprint": dataset.fingerprint,
        "language": language,
        "unit": "characters" if language in UNSPACED else "words",
        "toy": dataset.manifest["corpus"]["toy"],
        "left_out": _left_out(dataset, measures),
        "splits": {s: c.overview() for s, c in counts.items()},
        "signers": {s: _sorted(c.signers) for s, c in counts.items()},
        "lengths": {m: {s: _summary(c.lengths[m]) for s, c in counts.items()} for m in measures},
        "histograms": {m: _histogram({s: c.lengths[m] for s, c in counts.items()})
                       for m in measures},
        "vocabulary": {m: _vocabulary({s: c.vocabulary[m] for s, c in counts.items()})
                       for m in measures if m != "frames"},
        "kinds": {s: dict(c.kinds.most_common()) for s, c in counts.items()},
        "leakage": _leakage(counts, dataset.manifest["questions"]["mean_leakage"]),
        "duplicates": {w: _duplicates({s: c.hashes[w] for s, c in counts.items()})
                       for w in ("sentence", "question", "pair")
                       if any(c.hashes[w] for c in counts.values())},
    }  # fmt: skip


class _Counts:
    """What is counted of one split while its rows stream by."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._last: str | None = None
        self.rows = self.clips = self.equal = 0
        self.signers: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.lengths = {m: array("i") for m in ("sentence", "gloss", "question", "frames")}
        self.vocabulary = {m: Counter[str]() for m in ("sentence", "gloss", "question")}
        # Built-in hashes differ from run to run, but all that is asked of them is equality.
        self.hashes = {w: array("q") for w in ("sentence", "question", "pair")}
        self.leakage = array("f")

    def add(self, columns: dict[str, list[Any]]) -> None:
        """Count rows given as columns of equal length (those that the dataset has)."""
        ids = columns["clip_id"]
        new = [a != b for a, b in zip(ids, [self._last, *ids], strict=False)]
        self._last = ids[-1] if ids else self._last
        self.rows, self.clips = self.rows + len(ids), self.clips + sum(new)

        def of_clips(name: str) -> list[Any]:
            values = columns.get(name, ())
            return [v for v, is_new in zip(values, new, strict=False) if is_new and v is not None]

        self._add("sentence", tokenize(of_clips("text"), self._language))
        self.hashes["sentence"].extend(map(hash, of_clips("text")))
        self._add("gloss", [g.split() for g in of_clips("gloss")])
        self.lengths["frames"].extend(of_clips("n_frames"))
        self.signers.update(of_clips("signer"))
        self._add_questions(columns)

    def _add_questions(self, columns: dict[str, list[Any]]) -> None:
        asked = [i for i, q in enumerate(columns["question"]) if q is not None]

        def of_asked(name: str) -> list[Any]:
            return [columns[name][i] for i in asked]

        normal = of_asked("question_normalized")
        self._add("question", tokenize(of_asked("question"), self._language))
        self.hashes["question"].extend(map(hash, normal))
        self.kinds.update(k or "unknown" for k in of_asked("question_kind"))
        self.leakage.extend(of_asked("question_leakage"))
        if "text" in columns:
            texts = of_asked("text")
            self.hashes["pair"].extend(map(hash, zip(texts, normal, strict=True)))
            sentences = normalize_all(texts, self._language)
            self.equal += sum(q == t for q, t in zip(normal, sentences, strict=True))

    def _add(self, what: str, tokenized: list[list[str]]) -> None:
        self.lengths[what].extend(map(len, tokenized))
        self.vocabulary[what].update(chain.from_iterable(tokenized))

    def overview(self) -> dict[str, Any]:
        return {
            "rows": self.rows, "clips": self.clips,
            "signers": len(self.signers) or None,
            "sentences": len(set(self.hashes["sentence"])) or None,
            "with_question": len(self.hashes["question"]),
        }  # fmt: skip


def _count(dataset: Dataset, split: str, language: str) -> _Counts:
    names = [c for c in _COLUMNS if not dataset.questions_only or c in RELEASE_COLUMNS]
    counts = _Counts(language)
    for batch in dataset.batches(split, names):
        counts.add(batch.to_pydict())
    return counts


def _left_out(dataset: Dataset, measures: Sequence[str]) -> list[str]:
    if dataset.questions_only:
        return ["This release holds no corpus text: sentences, glosses, frames and signers are "
                "left out. `qa-builder hydrate` joins it with a local copy of the corpus."]  # fmt: skip  # noqa: E501
    lacks = {"gloss": "no glosses", "question": "no questions",
             "frames": "no numbers of frames (the annotation files don't tell them)"}  # fmt: skip
    return [f"The dataset has {text}." for m, text in lacks.items() if m not in measures]


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items()))


def _summary(values: array[int]) -> dict[str, Any] | None:
    """Mean, median, minimum, maximum of n values; None of no values."""
    import numpy as np

    if not values:
        return None
    numbers = np.frombuffer(values, dtype=np.int32)
    return {
        "n": len(values), "mean": float(numbers.mean()),
        "median": float(np.median(numbers)), "min": int(numbers.min()), "max": int(numbers.max()),
    }  # fmt: skip


def _histogram(by_split: dict[str, array[int]]) -> dict[str, Any]:
    """Counts a bin and split; `edges` has one more value than there are bins, all of one width."""
    import numpy as np

    longest = max(max(v) for v in by_split.values() if v)
    width = longest // _BINS + 1
    edges = list(range(0, longest + width + 1, width))
    return {
        "edges": edges,
        "counts": {s: np.histogram(np.asarray(v), edges)[0].tolist() for s, v in by_split.items()},
    }


def _vocabulary(by_split: dict[str, Counter[str]]) -> dict[str, Any]:
    """Distinct and all tokens by split; of dev and test also what train does not have."""
    train = by_split.get("train")
    found: dict[str, Any] = {}
    for split, counter in by_split.items():
        found[split] = {"distinct": len(counter), "tokens": counter.total()}
        if train and counter and split != "train":
            new = [n for w, n in counter.items() if w not in train]
            found[split] |= {"new": len(new), "running_new": sum(new)}
    return found


def _leakage(counts: dict[str, _Counts], recall: dict[str, float | None]) -> dict[str, Any]:
    """By split: content recall of the split (from the manifest), and of single questions."""
    import numpy as np

    found = {}
    for split, c in counts.items():
        if not c.leakage:
            continue
        values = np.frombuffer(c.leakage, dtype=np.float32)
        found[split] = {
            "n": len(values), "recall": recall.get(split),
            "mean": float(values.mean(dtype=np.float64)),
            "above_half": int((values > 0.5).sum()),
            "equal": c.equal if c.hashes["pair"] else None,
            "bins": np.histogram(values, _LEAKAGE_BINS, (0, 1))[0].tolist(),
        }  # fmt: skip
    return found


def _duplicates(by_split: dict[str, array[int]]) -> dict[str, Any]:
    """By split: n, distinct, those that occur more than once in it, and those in other splits."""
    import numpy as np

    hashes = {s: np.frombuffer(h, dtype=np.int64) for s, h in by_split.items() if h}
    return {
        s: _repeats(h) | {"in": {o: int(np.isin(h, x).sum()) for o, x in hashes.items() if o != s}}
        for s, h in hashes.items()
    }


def _repeats(hashes: NDArray[np.int64]) -> dict[str, int]:
    import numpy as np

    _, counts = np.unique(hashes, return_counts=True)
    return {"n": len(hashes), "distinct": len(counts), "repeated": int(counts[counts > 1].sum())}
