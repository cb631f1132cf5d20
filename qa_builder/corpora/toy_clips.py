"""What `qa-builder toy` makes beside the annotations: frame alignments, and a few drawn clips.

Nothing of it is shipped: it is made on the spot, the same bytes each time. The alignments are
simulated: drawn from the glosses, not seen in a video.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from qa_builder.corpora.base import ClipBatch, Notes
from qa_builder.corpora.csl_daily import CslDaily
from qa_builder.corpora.phoenix import Phoenix
from qa_builder.corpora.toy import MADE_ALIGNMENTS, MADE_VIDEOS, TOY_MARKER
from qa_builder.corpora.toy_figure import Size, draw
from qa_builder.features.simulated_signs import SILENCE, STATES, Glosses, Track

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SEED = 0
_PHOENIX_SIZE, _CSL_SIZE = (210, 260), (512, 512)  # as in the real ones
_FPS = 25
_VIDEOS, _TOGETHER = 4, 2  # clips as videos; how many of them share one file
_FIELDS = ("clip_id", "split", "signer", "gloss", "text", "frames", "n_frames")


class _Clip(NamedTuple):
    split: str
    clip_id: str
    signer: str | None
    gloss: str
    text: str
    frames: str
    track: Track


def make_clips(out: Path) -> list[Path]:
    """Write what can be made beside the toy corpora below `out`; returns the files and folders.

    The alignments of all German clips; where OpenCV is installed, also the frames of the shortest
    clip of each split of both corpora, in the official layouts, and a folder of small videos with
    their table. What is there already, with the same bytes, is left alone.
    """
    german = _clips(out / "phoenix", Phoenix(out / "phoenix"))
    chinese = _clips(out / "csl-daily", CslDaily(out / "csl-daily"))
    alignments = out / MADE_ALIGNMENTS
    _write(alignments, alignments_of(german))
    if not can_draw():
        return [alignments]
    made = [alignments]
    for root, clips, size in (
        (Phoenix(out / "phoenix").frames_root, german, _PHOENIX_SIZE),
        (CslDaily(out / "csl-daily").frames_root, chinese, _CSL_SIZE),
    ):
        made += [_frames(root, clip, size) for clip in _shortest(clips)]
    return [*made, _videos(out / MADE_VIDEOS, german)]


def can_draw() -> bool:
    """Whether OpenCV is installed."""
    return find_spec("cv2") is not None


def alignments_of(clips: list[_Clip]) -> bytes:
    """Frame alignments of clips as a Parquet file (see `features.simulated_signs.Alignments`)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    signs = sorted({sign for clip in clips for sign in clip.track.signs} - {SILENCE})
    first = {sign: STATES * i + 1 for i, sign in enumerate(signs)}
    states = []
    for *_, track in clips:
        runs = [p + first[s] if s else 0 for s, p in zip(track.signs, track.positions, strict=True)]
        states.append(np.repeat(np.array(runs), track.lengths))
    shapes = pa.list_(pa.int16())
    table = pa.table({
        "name": [clip.clip_id for clip in clips],
        "split": [clip.split for clip in clips],
        "num_frames": pa.array([len(s) for s in states], pa.int32()),
        "sign_state": pa.array(states, shapes),
        "mouth_shape": pa.array([clip.track.mouth for clip in clips], shapes),
        "hand_shape": pa.array([clip.track.hand for clip in clips], shapes),
    })  # fmt: skip
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def _clips(root: Path, corpus: Phoenix | CslDaily) -> list[_Clip]:
    assert (root / TOY_MARKER).is_file(), root
    glosses = Glosses(_SEED)
    return [clip for batch in corpus.read(Notes()) for clip in _of_batch(batch, glosses)]


def _of_batch(b: ClipBatch, glosses: Glosses) -> Iterator[_Clip]:
    rows = zip(b.clip_id, b.signer, b.gloss, b.text, b.frames, b.n_frames, strict=True)
    for clip_id, signer, gloss, text, frames, n_frames in rows:
        track = glosses.track(clip_id, gloss, n_frames, signer)
        yield _Clip(b.split, clip_id, signer, gloss or "", text, frames or "", track)


def _shortest(clips: list[_Clip]) -> list[_Clip]:
    """The shortest clip of each split."""
    splits = dict.fromkeys(clip.split for clip in clips)
    return [min((c for c in clips if c.split == s), key=lambda c: len(c.track.mouth))
            for s in splits]  # fmt: skip


def _frames(root: Path, clip: _Clip, size: Size) -> Path:
    """Draw a clip as images where its annotation says that they are."""
    import cv2

    folder, _, pattern = clip.frames.rpartition("/")
    suffix = Path(pattern).suffix
    for i, image in enumerate(draw(clip.track, clip.signer, size)):
        name = f"images{i + 1:04d}.png" if suffix == ".png" else f"{i:06d}.jpg"
        _write(root / folder / name, cv2.imencode(suffix, image)[1].tobytes())
    return root / folder


def _videos(folder: Path, clips: list[_Clip]) -> Path:
    """Draw some clips as videos, the last ones in one file, and write the table of them."""
    chosen = sorted(clips, key=lambda c: len(c.track.mouth))[:_VIDEOS]
    images = [list(draw(c.track, c.signer, _PHOENIX_SIZE)) for c in chosen]
    alone = _VIDEOS - _TOGETHER
    frames = []
    for i in range(alone):
        frames.append(f"clip-{i + 1}.mp4")
        _write(folder / frames[-1], _video(images[i]))
    start = 0
    for pictures in images[alone:]:
        frames.append(f"together.mp4#{start}:{start + len(pictures)}")
        start += len(pictures)
    _write(folder / "together.mp4", _video([p for part in images[alone:] for p in part]))
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(_FIELDS)
    for i, (clip, at, pictures) in enumerate(zip(chosen, frames, images, strict=True)):
        split = ("train", "dev", "test")[max(0, i - 1)]
        row = (f"toy-video-{i + 1}", split, clip.signer, clip.gloss, clip.text, at, len(pictures))
        writer.writerow(row)
    _write(folder / "clips.csv", table.getvalue().encode())
    return folder


def _video(images: list[NDArray[np.uint8]]) -> bytes:
    """MPEG-4 Part 2 in MP4: OpenCV writes and reads it everywhere, and the same bytes each time."""
    import cv2

    height, width = images[0].shape[:2]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        four = cv2.VideoWriter.fourcc(*"mp4v")
        writer = cv2.VideoWriter(str(path), four, _FPS, (width, height))
        for image in images:
            writer.write(image)
        writer.release()
        return path.read_bytes()


def _write(path: Path, data: bytes) -> None:
    if not path.is_file() or path.read_bytes() != data:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
