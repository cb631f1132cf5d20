"""`qa-builder features STORE --report`: a page that tells whether extraction went well. (Ours.)"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from qa_builder.atomic import replace_text
from qa_builder.errors import QbsltError
from qa_builder.features import drawing
from qa_builder.features.figures import (
    BOTH,
    LABELS,
    NORM,
    OUTLIER,
    ClipFigures,
    by,
    collect,
    histograms,
    odd,
    worst,
)  # fmt: skip
from qa_builder.features.pictures import has_points, missing, pictures
from qa_builder.features.show import check_drawing, data_uri
from qa_builder.features.skeleton import HANDS
from qa_builder.samples import SPLITS
from qa_builder.stats_page import render_page

if TYPE_CHECKING:
    from qa_builder.features.store import FeatureStore

_CLIPS, _THUMBS, _SIDE = 12, 3, 208  # of the contact sheet; pixels
_ROWS = 50  # of a list


class Thumbs(NamedTuple):
    """A clip on the contact sheet."""

    clip: ClipFigures
    caption: str
    images: list[str]  # data URIs
    frames: list[int]  # their numbers, from 1
    note: str  # why there are no frames beneath, if --root was given


def report(store: FeatureStore, out: Path, root: Path | None) -> None:
    """Write the page `out`: figures, plots, and pictures of the clips that look worst.

    Landmarks: share of missing parts by split and signer, and a contact sheet of the clips that
    lack hands most; embeddings: clips with unlike norms, missing or constant frames. `root` is the
    corpus folder with the frames. One file that needs no other; all of it, or none.
    Raises QbsltError if `out` is a folder, and without the packages that draw.
    """
    if out.is_dir():
        raise QbsltError("is a folder, a page is a file.", file=out, cure="Name a new .html file.")
    check_drawing()
    replace_text(out, make_page(store, root))


def make_page(store: FeatureStore, root: Path | None) -> str:
    """The page as a string; the same store gives the same page."""
    from qa_builder.stats_plots import steps

    figures, manifest = collect(store), store.manifest
    points = has_points(store)
    oddities = [] if points else odd(figures)
    shown = worst(figures, _CLIPS) if points else [clip for clip, _ in oddities[:_CLIPS]]
    sample = not shown
    shown = shown or figures[:: max(1, len(figures) // 6)][:6]
    return render_page(
        Path(__file__).with_name("report.html.jinja"),
        manifest=manifest, points=points, simulated=store.simulated, limit=OUTLIER, rows=_ROWS,
        splits=list(_splits(figures)), tables=[by(figures, lambda c: c.split),
                                               by(figures, lambda c: c.signer)],
        plots={_title(name): steps(h.edges, h.counts, h.unit, name.replace(" ", "-"))
               for name, h in histograms(figures).items()},
        odd=oddities, sample=sample, sheet=[_thumbs(store, clip, root) for clip in shown],
        name=name_of(store), root=root is not None,
    )  # fmt: skip


def name_of(store: FeatureStore) -> str:
    """What the page calls the store."""
    return f"{store.manifest['source']['dataset']}: {store.manifest['extractor']}"


def _title(name: str) -> str:
    told = {"frames": "Length", "frame": "Frames without features", NORM: "Norm",
            "still": "Frames equal to the one before", BOTH: "Frames with neither hand"}  # fmt: skip  # noqa: E501
    return told.get(name, f"{name.replace('_', ' ').capitalize()} missing")


def _splits(figures: Sequence[ClipFigures]) -> Iterator[dict[str, Any]]:
    for split in SPLITS:
        clips = [c for c in figures if c.split == split]
        seconds = [c.seconds for c in clips if c.seconds is not None]
        if clips:
            yield {
                "split": split, "clips": len(clips), "frames": sum(c.n_frames for c in clips),
                "bad_frames": sum(c.bad_frames for c in clips),
                "seconds": sum(seconds) if len(seconds) == len(clips) else None,
            }  # fmt: skip


def _thumbs(store: FeatureStore, clip: ClipFigures, root: Path | None) -> Thumbs:
    shares = [f"{LABELS.get(p, p.replace('_', ' '))} {s:.0%}"
              for p, s in clip.shares.items() if s > 0 and p != "body"]  # fmt: skip
    caption = ("missing: " if has_points(store) else "") + ", ".join(shares) if shares else ""
    if not has_points(store):
        heat = drawing.heat_map(store[clip.clip_id], 3 * _SIDE, _SIDE // 2)
        return Thumbs(clip, caption, [data_uri(heat, "png")], [], "")
    try:
        return Thumbs(clip, caption, *_chosen(store, clip, root), "")
    except QbsltError as e:
        return Thumbs(clip, caption, *_chosen(store, clip, None), e.message)


def _chosen(
    store: FeatureStore, clip: ClipFigures, root: Path | None
) -> tuple[list[str], list[int]]:
    """Frames at equal distances, of those that lack hands if there are such; and their numbers."""
    import numpy as np

    parts = missing(store, clip.clip_id)
    lacking = sum(parts[part] for part in HANDS if part in parts)
    numbers = np.flatnonzero(lacking)
    if not len(numbers):
        numbers = np.arange(clip.n_frames)
    at = sorted({(2 * i + 1) * len(numbers) // (2 * _THUMBS) for i in range(_THUMBS)})
    wanted = numbers[at].tolist()
    images = [data_uri(image, "webp", quality=75)
              for i, image in enumerate(pictures(store, clip.clip_id, root, _SIDE))
              if i in wanted]  # fmt: skip
    return images, [i + 1 for i in wanted]
