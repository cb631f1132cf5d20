"""The clips of a dataset that features are made of, each once, in the dataset's order. (Ours.)"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from qa_builder.dataset import Dataset
from qa_builder.errors import QbsltError, known
from qa_builder.features.base import ClipTask
from qa_builder.samples import SPLITS

_COLUMNS = ("clip_id", "signer", "gloss", "frames", "n_frames", "fps", "source_hash")


class Tasks(NamedTuple):
    """Clips, and where they are from."""

    clips: list[ClipTask]
    source: dict[str, Any]  # dataset, corpus, fingerprint, and `clips`: split -> fingerprint
    rights: dict[str, Any]  # licence, redistribution and where the corpus is had from
    limit: int | None  # of clips a split


def tasks_of(dataset: Dataset, splits: Sequence[str] = (), limit: int | None = None) -> Tasks:
    """The clips of some splits (default: all), the first `limit` of each.

    Raises QbsltError for an unknown split, and for a questions-only release.
    """
    if dataset.questions_only:
        raise QbsltError("is a questions-only release: it names no frames and no glosses.",
                         file=dataset.path, cure="Join it with the corpus: `qa-builder hydrate`.")  # fmt: skip  # noqa: E501
    for split in splits:
        if split not in dataset.splits:
            raise known(split, dataset.splits, "split")
    if limit is not None and limit < 1:
        raise QbsltError(f"--limit {limit} leaves no clip.", cure="Take 1 or more.")
    clips: list[ClipTask] = []
    fingerprints = {}
    for split in SPLITS:  # the order in which a corpus is read; a manifest's keys are sorted
        if split not in dataset.splits or (splits and split not in splits):
            continue
        columns = dataset.columns(split, _COLUMNS)
        rows = dict(zip(columns["clip_id"], zip(*columns.values(), strict=True), strict=True))
        fingerprints[split] = clips_fingerprint(zip(columns["clip_id"], columns["source_hash"],
                                                    strict=True))  # fmt: skip
        clips += [_task(split, *row) for row in list(rows.values())[:limit]]
    manifest = dataset.manifest
    source = {"dataset": dataset.name, "corpus": manifest["corpus"]["name"],
              "fingerprint": dataset.fingerprint, "clips": fingerprints}  # fmt: skip
    corpus = manifest["corpus"]
    rights = {name: corpus.get(name) for name in ("licence", "redistribution", "where")}
    return Tasks(clips, source, rights, limit)


def clips_fingerprint(ids_and_hashes: Iterable[tuple[str, str]]) -> str:
    """sha256 over the clips of a split: their ids and source hashes, each once, in order.

    Unlike the dataset's fingerprint it does not depend on the questions: one store of features
    serves all datasets that ask other questions about the same clips.
    """
    lines = dict.fromkeys(f"{clip_id}\x1f{sha}\n" for clip_id, sha in ids_and_hashes)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def _task(
    split: str, clip_id: str, signer: str | None, gloss: str | None, frames: str | None,
    n_frames: int | None, fps: str | None, source_hash: str,
) -> ClipTask:  # fmt: skip
    return ClipTask(clip_id, split, signer, gloss, frames, n_frames, Fraction(fps) if fps else None)
