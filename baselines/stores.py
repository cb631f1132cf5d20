"""Whether a store of features is that of a dataset. (Ours.)"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qa_builder.errors import QbsltError

if TYPE_CHECKING:
    from qa_builder.dataset import Dataset
    from qa_builder.features.store import FeatureStore


def check_store(store: FeatureStore, dataset: Dataset, splits: Sequence[str] = ()) -> None:
    """Raise QbsltError for a store of other clips than the dataset's (some splits, or all).

    Clips are compared by ids and source hashes, not by questions: one store serves all datasets
    that ask other questions about the same clips.
    """
    from qa_builder.features.tasks import clips_fingerprint

    source = store.manifest["source"]
    theirs = source["clips"]
    splits = splits or dataset.splits
    if lacking := [split for split in splits if split not in theirs]:
        raise QbsltError(
            f"has no features of {', '.join(lacking)}; it has: {', '.join(theirs)}.",
            file=store.path, cure="Extract them: `qa-builder features` without --splits.",
        )  # fmt: skip
    different = []
    for split in splits:
        columns = dataset.columns(split, ["clip_id", "source_hash"])
        ours = clips_fingerprint(zip(columns["clip_id"], columns["source_hash"], strict=True))
        if ours != theirs[split]:
            different.append(split)
    if different:
        raise QbsltError(
            f"was made of {source['dataset']} (fingerprint {source['fingerprint'][:16]}), whose "
            f"clips of {', '.join(different)} are not those of {dataset.path} (fingerprint "
            f"{dataset.fingerprint[:16]}).", file=store.path,
            cure="Take the store that was made of this dataset, or extract its features.",
        )  # fmt: skip
