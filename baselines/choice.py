"""Which samples of a split a page shows: those that are named, or some of all scores. (Ours.)"""

from __future__ import annotations

import difflib
import json
import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.results import SAMPLES
from benchmarks.run_folder import RunConfig
from qa_builder.dataset import Dataset
from qa_builder.errors import QbsltError

_NEAR = 3  # names that are offered for a wrong one


class Choice(NamedTuple):
    """Samples in the order in which they are shown."""

    sample_ids: list[str]
    how: str
    """How they were chosen, in a sentence."""


def named(dataset: Dataset, split: str, wanted: Sequence[str]) -> Choice:
    """The samples of some ids; raises QbsltError for an id that the split lacks."""
    ids = dataset.columns(split, ["sample_id"])["sample_id"]
    there = set(ids)
    for sample_id in wanted:
        if sample_id not in there:
            raise _lacking(dataset, split, sample_id, ids)
    return Choice(list(dict.fromkeys(wanted)), "")


def _lacking(dataset: Dataset, split: str, sample_id: str, ids: Sequence[str]) -> QbsltError:
    for other in dataset.splits:
        if other != split and sample_id in dataset.columns(other, ["sample_id"])["sample_id"]:
            return QbsltError(f"is a sample of {other}, not of {split}.", file=dataset.path,
                              id=sample_id, cure=f"Pass --split {other}.")  # fmt: skip
    near = difflib.get_close_matches(sample_id, ids, _NEAR)
    like = f"like it: {', '.join(near)}" if near else f"the first one is {ids[0]}"
    return QbsltError(f"no split of the dataset has this sample; {split} has {len(ids):,}, {like}.",
                      file=dataset.path, id=sample_id)  # fmt: skip


def spread(
    folder: Path, about: RunConfig, dataset: Dataset, split: str, n: int, seed: int
) -> Choice:  # fmt: skip
    """`n` samples of a split (all, where it has fewer), drawn by a seed.

    Where the run has scores of the split, its samples are put in the order of their sentence
    BLEU-4, cut into n parts of like sizes, and one is drawn of each: shown best first. Else the
    parts are those of the dataset's own order.
    """
    ids: list[str] = dataset.columns(split, ["sample_id"])["sample_id"]
    file = (folder if split == about.split else folder / split) / SAMPLES
    scores = _scores(file)
    if set(scores) == set(ids):
        ids = sorted(ids, key=lambda i: scores[i], reverse=True)
        how = "best sentence BLEU-4 (of equals chrF2) first"
    else:
        how = "in the dataset's order, for the run has no scores of this split"
    n = min(n, len(ids))
    draw = random.Random(seed)
    bounds = [len(ids) * k // n for k in range(n + 1)]
    chosen = [ids[draw.randrange(a, b)] for a, b in pairwise(bounds)]
    if n == len(ids):
        return Choice(chosen, f"All samples of {split}, {how}.")
    return Choice(chosen, f"{n:,} of the {len(ids):,} samples of {split}, {how}. One was drawn "
                  f"from each of {n:,} equal parts, by the seed {seed}.")  # fmt: skip


def _scores(file: Path) -> dict[str, tuple[float, float]]:
    """Sentence scores by sample id, as scoring left them; nothing where it left none."""
    try:
        rows: list[dict[str, Any]] = [json.loads(line) for line in file.open(encoding="utf-8")]
        return {row["sample_id"]: (row["bleu4"], row["chrf2"]) for row in rows}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
