"""Figures of a store's clips: what is missing in them, and which ones look wrong. (Ours.)"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from qa_builder.features.pictures import frame_rate, has_points, missing
from qa_builder.features.skeleton import HANDS
from qa_builder.samples import SPLITS

if TYPE_CHECKING:
    from qa_builder.features.store import FeatureStore

BOTH, NORM = "both hands", "norm"
OUTLIER = 6.0  # robust standard deviations from the median norm
_STILL = 0.5  # share of frames that are equal to the one before
_BINS = 20

Table = tuple[Sequence[str], list[Sequence[object]]]  # columns, rows


class ClipFigures(NamedTuple):
    """What a clip's features tell of themselves; shares are of its frames."""

    clip_id: str
    split: str
    signer: str
    n_frames: int
    bad_frames: int
    seconds: float | None
    shares: Mapping[str, float]  # part -> missing; with both hands: frames without any hand
    norm: float | None  # embeddings: mean length of a frame's vector

    @property
    def hands(self) -> float:
        """Share of missing hands; of whatever is missing where there are no hands."""
        told = [self.shares[h] for h in HANDS if h in self.shares]
        told = told or [v for name, v in self.shares.items() if name != "still"]
        return float(np.mean(told))


def collect(store: FeatureStore) -> list[ClipFigures]:
    """Figures of all clips, in order; reads the whole store once, clip by clip."""
    found = []
    points = has_points(store)
    for row in store.rows():
        parts = missing(store, row.clip_id)
        shares = {part: float(values.mean()) for part, values in parts.items()}
        if all(hand in parts for hand in HANDS):
            none = np.logical_and(*(parts[hand] == 1 for hand in HANDS))
            shares[BOTH] = float(none.mean())
        rate = frame_rate(store, row.clip_id)
        found.append(ClipFigures(
            row.clip_id, row.split, row.signer or "unknown", row.n_frames, row.bad_frames,
            row.n_frames / float(rate) if rate else None, shares,
            None if points else _norm(store[row.clip_id]),
        ))  # fmt: skip
    return found


def _norm(features: Any) -> float:
    """Mean length of the frames' vectors; frames of NaN are left out."""
    flat = features.reshape(len(features), -1).astype(np.float32)
    return float(np.linalg.norm(flat[~np.isnan(flat).any(axis=1)], axis=1).mean())


def by(figures: Iterable[ClipFigures], what: Callable[[ClipFigures], str]) -> Table:
    """Clips, frames and shares, weighted by frames, for each split or signer."""
    groups: dict[str, list[ClipFigures]] = defaultdict(list)
    for clip in figures:
        groups[what(clip)].append(clip)
    parts = list(next(iter(groups.values()))[0].shares)
    rows: list[Sequence[object]] = []
    for name in sorted(groups, key=_rank):
        clips = groups[name]
        frames = np.array([c.n_frames for c in clips])
        shares = [float(np.average([c.shares[p] for c in clips], weights=frames)) for p in parts]
        rows.append((name, len(clips), int(frames.sum()), *(f"{100 * s:.1f}" for s in shares)))
    return ("", "clips", "frames", *(f"{LABELS.get(p, p.replace('_', ' '))}, %" for p in parts)), rows  # fmt: skip  # noqa: E501


LABELS = {"frame": "without features", "still": "equal to the frame before",
          BOTH: "neither hand"}  # fmt: skip


def _rank(name: str) -> tuple[int, str]:
    return (SPLITS.index(name) if name in SPLITS else len(SPLITS), name)


class Histogram(NamedTuple):
    """Clips by the size of something, for each split."""

    edges: list[float]
    counts: dict[str, list[int]]
    unit: str


def histograms(figures: Sequence[ClipFigures]) -> dict[str, Histogram]:
    """Frames a clip; share of each part that is missing; norms of embeddings."""
    found = {"frames": _histogram(figures, lambda c: c.n_frames, "frames a clip")}
    for part in figures[0].shares:
        if any(c.shares[part] for c in figures):
            found[part] = _histogram(figures, lambda c, p=part: 100 * c.shares[p],  # type: ignore[misc]
                                     "% of the clip's frames", (0, 100))  # fmt: skip
    if figures[0].norm is not None:
        found[NORM] = _histogram(figures, lambda c: c.norm or 0.0, "mean length of a frame")
    return found


def _histogram(
    figures: Sequence[ClipFigures], what: Callable[[ClipFigures], float], unit: str,
    limits: tuple[float, float] | None = None,
) -> Histogram:  # fmt: skip
    values = np.array([what(c) for c in figures], float)
    edges = np.histogram_bin_edges(values, _BINS, limits)
    splits = np.array([c.split for c in figures])
    counts = {s: np.histogram(values[splits == s], edges)[0].tolist()
              for s in SPLITS if (splits == s).any()}  # fmt: skip
    return Histogram(edges.tolist(), counts, unit)


def worst(figures: Sequence[ClipFigures], n: int) -> list[ClipFigures]:
    """The clips with the largest share of missing hands, none without any."""
    return sorted((c for c in figures if c.hands > 0), key=lambda c: (-c.hands, c.clip_id))[:n]


def deviations(figures: Sequence[ClipFigures]) -> dict[str, float]:
    """Clip -> how far its norm is from the median, in robust standard deviations (1.4826 MAD)."""
    norms = np.array([c.norm for c in figures], float)
    away = np.abs(norms - np.median(norms))
    scale = 1.4826 * float(np.median(away)) or 1.0
    return {c.clip_id: float(a / scale) for c, a in zip(figures, away, strict=True)}


def odd(figures: Sequence[ClipFigures]) -> list[tuple[ClipFigures, float]]:
    """Embeddings whose norm is far off, or whose frames are missing or mostly equal: the oddest
    first, each with its deviation."""
    away = deviations(figures)
    found = [(c, away[c.clip_id]) for c in figures
             if away[c.clip_id] > OUTLIER or c.shares["still"] > _STILL or c.shares["frame"] > 0]  # fmt: skip  # noqa: E501
    return sorted(found, key=lambda f: (-f[1], f[0].clip_id))
