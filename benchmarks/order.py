"""Whether predictions in plain text, which carry no ids, stand in the order that they should."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.conventions import WITHOUT_BLANKS
from benchmarks.split_data import SplitData

FAR_BETTER = 1.5  # times the overlap of the dataset's own order
_ROWS = 5_000  # enough to tell one order from another


def order_warning(texts: Sequence[str], data: SplitData) -> list[str]:
    """A warning, if lines sorted by sample id fit the references far better than they stand.

    The fit is the mean overlap (Jaccard) of tokens, or of characters in languages without blanks.
    """
    by_id = sorted(range(len(texts)), key=data.sample_id.__getitem__)
    if by_id == list(range(len(texts))):
        return []
    split: Callable[[list[str]], str | list[str]] = (
        "".join if data.language in WITHOUT_BLANKS else list
    )
    lines = texts[:_ROWS]
    as_it_stands = _overlap(lines, data.text, split)
    sorted_by_id = _overlap(lines, [data.text[i] for i in by_id[:_ROWS]], split)
    if sorted_by_id <= FAR_BETTER * as_it_stands:
        return []
    return [
        f"the lines fit the references {sorted_by_id / max(as_it_stands, 1e-9):.1f} times better "
        "when taken in the order of sorted ids than in the dataset's own order, in which they were "
        "scored; write the predictions with ids (JSONL: sample_id, text)"
    ]


def _overlap(
    hypotheses: Sequence[str], references: Sequence[str],
    split: Callable[[list[str]], str | list[str]],
) -> float:  # fmt: skip
    shares = []
    for hypothesis, reference in zip(hypotheses, references, strict=False):
        a, b = (frozenset(split(t.lower().split())) for t in (hypothesis, reference))
        shares.append(len(a & b) / (len(a | b) or 1))
    return sum(shares) / len(shares)
