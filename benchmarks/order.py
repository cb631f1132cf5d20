"""Whether predictions in plain text, which carry no ids, stand in the order that they should."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.conventions import WITHOUT_BLANKS
from benchmarks.split_data import SplitData

FAR_BETTER = 1.5  # times the overlap of the dataset's own order
_ROWS = 5_000  # enough to tell one order from another


def order_warning(texts: Sequence[str], data: SplitData) -> list[str]:
    """A warning, if lines sorted by sample id fit the references far better than they stand.

    The fit is the mean overlap (Jaccard) of tokens, or of characters in languages without blanks.
    """
    n = len(texts)
    by_id = sorted(range(n), key=data.sample_id.__getitem__)
    if by_id == list(range(n)):
        return []
    split = "".join if data.language in WITHOUT_BLANKS else list[str]
    hypotheses = [frozenset(split(text.lower().split())) for text in texts[:_ROWS]]
    references = [frozenset(split(text.lower().split())) for text in data.text]
    as_it_stands = _overlap(hypotheses, references)
    sorted_by_id = _overlap(hypotheses, [references[i] for i in by_id])
    if sorted_by_id <= FAR_BETTER * as_it_stands:
        return []
    return [
        f"the lines fit the references {sorted_by_id / max(as_it_stands, 1e-9):.1f} times better "
        "when taken in the order of sorted ids than in the dataset's own order, in which they were "
        "scored; write the predictions with ids (JSONL: sample_id, text)"
    ]


def _overlap(a: Sequence[frozenset[str]], b: Sequence[frozenset[str]]) -> float:
    shares = [len(x & y) / (len(x | y) or 1) for x, y in zip(a, b, strict=False)]
    return sum(shares) / len(shares)
