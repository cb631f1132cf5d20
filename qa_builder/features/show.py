"""`qa-builder features STORE --show CLIP_ID`: a clip as a page with a player, GIF or WebM. (Ours.)

What a person needs in order to see whether extraction went well.
"""

from __future__ import annotations

import base64
import contextlib
import io
import os
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_builder.errors import QbsltError
from qa_builder.features import drawing
from qa_builder.features.pictures import frame_rate, frames, has_points, missing, pictures

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qa_builder.features.store import FeatureStore

_RATE = Fraction(25)  # where the store does not tell
_QUALITY = 80  # of WebP


def show(store: FeatureStore, clip_id: str, out: Path, root: Path | None) -> None:
    """Write a clip as `out`, whose ending tells the format: .html, .gif or .webm.

    `root` is the corpus folder with the frames; without it skeletons are drawn on white. The page
    needs no other file. Raises QbsltError for another ending, a clip that the store lacks, frames
    that are not there and missing packages; writes all of the file, or nothing.
    """
    write = _WRITERS.get(out.suffix.lower())
    if write is None:
        raise QbsltError(f"{out.name!r} ends in none of {', '.join(_WRITERS)}.",
                         cure="Choose one for --out.")  # fmt: skip
    if out.is_dir():
        raise QbsltError("is a folder, a file is written.", file=out, cure="Name a new file.")
    check_drawing()
    store.row(clip_id)
    out.parent.mkdir(parents=True, exist_ok=True)
    new = out.with_name(f".{os.getpid()}.new{out.suffix.lower()}")
    try:
        write(store, clip_id, new, root)
        os.replace(new, out)
    finally:
        new.unlink(missing_ok=True)


def check_drawing() -> None:
    """Raise QbsltError without the packages that draw."""
    try:
        import cv2  # noqa: F401
        import PIL  # noqa: F401
    except ModuleNotFoundError as e:
        raise QbsltError(f"drawing needs the package {e.name}.",
                         cure="Install it: pip install 'qbslt[features]'.") from None  # fmt: skip


def _numbered(store: FeatureStore, clip_id: str, root: Path | None) -> Iterator[Any]:
    """Pictures that tell their number."""
    n = store.row(clip_id).n_frames
    for i, image in enumerate(pictures(store, clip_id, root), 1):
        drawing.write(image, f"{i}/{n}", (8, len(image) - 10))
        yield image


def _gif(store: FeatureStore, clip_id: str, path: Path, root: Path | None) -> None:
    from PIL import Image

    images = [Image.fromarray(i) for i in _numbered(store, clip_id, root)]
    # A GIF counts hundredths of a second: 30 frames a second are 3, 3, 4, 3, 3, 4 of them.
    hundredth = Fraction(100) / (frame_rate(store, clip_id) or _RATE)
    ends = [round(hundredth * i) for i in range(len(images) + 1)]
    durations = [10 * (b - a) for a, b in pairwise(ends)]
    images[0].save(path, format="GIF", save_all=True, append_images=images[1:],
                   duration=durations, loop=0)  # fmt: skip


def _webm(store: FeatureStore, clip_id: str, path: Path, root: Path | None) -> None:
    import cv2

    rate = float(frame_rate(store, clip_id) or _RATE)
    writer = None
    for image in _numbered(store, clip_id, root):
        if writer is None:
            size = (image.shape[1], image.shape[0])
            with _silent():
                writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"VP80"), rate, size)
            if not writer.isOpened():
                raise QbsltError("this OpenCV can't write VP8 video.",
                                 cure="Write .html or .gif instead.")  # fmt: skip
        writer.write(image[..., ::-1])
    if writer is not None:
        writer.release()


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """No standard error: OpenCV calls VP8 in WebM not supported, and then writes it."""
    try:
        kept = os.dup(2)
    except OSError:  # it is closed
        yield
        return
    with open(os.devnull, "wb") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _html(store: FeatureStore, clip_id: str, path: Path, root: Path | None) -> None:
    from qa_builder.stats_page import render_page

    row, rate = store.row(clip_id), frame_rate(store, clip_id)
    heat, images = None, []
    if has_points(store):
        images = [_webp(image) for image in pictures(store, clip_id, root)]
    else:
        heat = _png(drawing.heat_map(store[clip_id], row.n_frames))
        if root is not None:
            images = [_webp(image) for image in frames(store, clip_id, root, drawing.SIDE)]
    text = render_page(
        Path(__file__).with_name("show.html.jinja"),
        row=row, manifest=store.manifest, images=images, heat=heat, simulated=store.simulated,
        rate=float(rate or _RATE), rate_known=rate is not None, over=root is not None,
        strips=[_strip(*strip) for strip in missing(store, clip_id).items()],
        colours={part: "rgb({}, {}, {})".format(*c) for part, c in drawing.COLOURS.items()},
    )  # fmt: skip
    path.write_text(text, encoding="utf-8")


def _webp(image: Any) -> str:
    return data_uri(image, "webp", quality=_QUALITY)


def _png(image: Any) -> str:
    return data_uri(image, "png")


def data_uri(image: Any, format: str, **options: Any) -> str:
    """An RGB image as a data URI."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(image).save(out, format=format, **options)
    return f"data:image/{format};base64,{base64.b64encode(out.getvalue()).decode()}"


def _strip(part: str, shares: NDArray[np.float64]) -> dict[str, Any]:
    """What is missing over time, as runs of frames with the same share."""
    runs, start = [], 0
    for share, group in groupby(shares.round(2).tolist()):
        length = len(list(group))
        if share > 0:
            runs.append((start, length, share))
        start += length
    return {"part": part, "runs": runs, "frames": int((shares == 1).sum()),
            "mean": float(shares.mean())}  # fmt: skip


_WRITERS: dict[str, Callable[[FeatureStore, str, Path, Path | None], None]] = {
    ".html": _html, ".gif": _gif, ".webm": _webm,
}  # fmt: skip
