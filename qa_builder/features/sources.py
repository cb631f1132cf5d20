"""The frames of a clip: a folder of images, a video file, or a stretch of a video. (Ours.)

    features/fullFrame-210x260px/dev/NAME/*.png     PHOENIX-2014T, as a dataset's `frames` says it
    sentence/frames_512x512/NAME/*.jpg              CSL-Daily
    a/folder                                        all its PNG and JPEG files
    a/clip.mp4                                      a video file
    a/long.mp4#10:53                                its frames 10 to 52, counted from 0

Images are ordered by the number in their names. A number that is left out is a frame that can't be
read, like a file that is broken: the clip does not get shorter.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from qa_builder.corpora.base import find_below
from qa_builder.corpora.textfile import leads_out
from qa_builder.errors import QbsltError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_IMAGES = (".png", ".jpg", ".jpeg")
# Where releases keep what `frames` is relative to, seen from the folder that --root may name.
_LEVELS = ("", "PHOENIX-2014-T", "PHOENIX-2014-T-release-v3/PHOENIX-2014-T", "CSL-Daily")
# Containers that say exactly how many frames they hold; others tell a duration.
_COUNTING = (".mp4", ".m4v", ".mov")
_COPY = "Copy it again from its source."


def frames_of(root: Path, frames: str | None) -> Iterator[NDArray[np.uint8] | None]:
    """Yield the frames of a clip in order: RGB [height, width, 3], None where one can't be read.

    `frames` is as in a dataset (see above), `root` any folder that `qa-builder build --root` takes.
    Grey images become RGB, 16 bits a channel become 8, transparency is dropped. Images are numbered
    from 0 or from 1 (from their lowest number where that is larger than the number of files: a
    stretch of a longer numbering); numbers without a file are None. Frames before a stretch of a
    video are decoded, too: seeking is not exact in all formats.
    Raises QbsltError for a clip without frames, a path that leads out of the corpus, names without
    a common numbering, and a video that can't be decoded or ends too early.
    """
    found = locate(root, frames)
    if found.video:
        return _of_video(found.path, found.start, found.stop)
    return (None if image is None else _read_image(image) for image in image_files(found.path))


class Located(NamedTuple):
    """Where a clip's frames are."""

    path: Path  # a video file, a folder of images, a glob of them, or one image
    video: bool
    start: int | None  # of a stretch of a video
    stop: int | None


def locate(root: Path, frames: str | None) -> Located:
    """Find a clip's frames, without reading any; arguments and errors as of `frames_of`."""
    if not frames:
        raise QbsltError("the dataset names no frames for this clip.")
    path, start, stop = _parts(frames)
    found = _below(root, path)
    video = found.is_file() and found.suffix.lower() not in _IMAGES
    if start is not None and not video:
        raise QbsltError(f"{frames}: only a video has a frame range, and there is none here.")
    return Located(found, video, start, stop)


def count_frames(at: Located) -> int:
    """How many frames there are, those that can't be read among them.

    A video's header is believed where its format counts frames; others are gone through. Raises
    QbsltError for a clip without frames and a video that can't be opened.
    """
    if not at.video:
        return len(image_files(at.path))
    if at.start is not None and at.stop is not None:
        return at.stop - at.start
    cv2 = _cv2()
    video = cv2.VideoCapture(str(at.path))
    try:
        if not video.isOpened():
            raise _no_video(at.path)
        n = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
        if n < 1 or at.path.suffix.lower() not in _COUNTING:
            n = 0
            while video.grab():
                n += 1
    finally:
        video.release()
    if n < 1:
        raise QbsltError("has no frame that can be decoded.", file=at.path, cure=_COPY)
    return n


def frames_at(at: Located, places: Sequence[int]) -> Iterator[NDArray[np.uint8] | None]:
    """Yield some frames of a clip, by their places in it: 0, 1, ..., rising, or twice the same.

    None where one can't be read. Raises QbsltError for a video that is broken before the last one.
    """
    if not at.video:
        files = image_files(at.path)
        for i in places:
            file = files[i] if i < len(files) else None  # a folder may have lost some since
            yield None if file is None else _read_image(file)
        return
    done = 0
    for n, frame in enumerate(_of_video(at.path, at.start, at.stop)):
        while done < len(places) and places[done] == n:
            yield frame
            done += 1
        if done == len(places):
            return


def _no_video(path: Path) -> QbsltError:
    return QbsltError("is no video that OpenCV can read, or is cut off.", file=path, cure=_COPY)


def _parts(frames: str) -> tuple[str, int | None, int | None]:
    """Path, and the range where there is one."""
    match = re.fullmatch(r"(.+)#([0-9]{1,9}):([0-9]{1,9})", frames)
    path = match[1] if match else frames
    if leads_out(path):
        raise QbsltError(f"the path of frames {path!r} leads out of the corpus.",
                         cure="Name it relative to the corpus folder.")  # fmt: skip
    if not match:
        return path, None, None
    start, stop = int(match[2]), int(match[3])
    if start >= stop:
        raise QbsltError(f"the frame range {start}:{stop} is empty; it is START:STOP, from 0.")
    return path, start, stop


def _below(root: Path, path: str) -> Path:
    """Where a path of frames is; a glob is left in the last part of the path."""
    if (root / "PHOENIX-2014-T.train.corpus.csv").is_file() and root.name == "manual":
        root = root.parent.parent
    elif (root / "split_1.txt").is_file():
        root = root.parent
    folder, _, last = path.rpartition("/")
    tail = folder if "*" in last else path
    found = find_below(root, [f"{level}/{tail}".strip("/") for level in _LEVELS])
    if found is None:
        raise QbsltError(f"has no {tail}.", file=root,
                         cure="Set --root to the corpus folder that has the frames.")  # fmt: skip
    return found / last if "*" in last else found


def image_files(path: Path) -> list[Path | None]:
    """The image files of a folder, a glob or a single file, by number; None where one is missing.

    Raises QbsltError where there are none, or their names have no common numbering.
    """
    if "*" not in path.name:
        if path.is_file():
            return [path]
        path = path / "*"
    try:
        listed = sorted(os.listdir(path.parent))
    except OSError as e:
        raise QbsltError(f"can't be listed ({e.strerror}).", file=path.parent) from None
    names = [n for n in listed if not n.startswith(".") and n.lower().endswith(_IMAGES)]
    chosen = [n for n in names if fnmatchcase(n, path.name)]
    if not chosen:
        other = f" (but {len(names):,} other images)" if names else ""
        what = "PNG or JPEG files" if path.name == "*" else path.name
        raise QbsltError(f"the folder {path.parent.name} has no {what}{other}.")
    return [None if name is None else path.parent / name for name in _numbered(chosen)]


def _numbered(names: Sequence[str]) -> list[str | None]:
    """Names in the order of the number in which they differ; None for each number left out."""
    if len(names) == 1 and not re.search(r"[0-9]", names[0]):
        return [names[0]]
    split = [re.split(r"([0-9]+)", n.rpartition(".")[0]) for n in names]
    other = next((n for n, s in zip(names, split, strict=True) if s[::2] != split[0][::2]), None)
    fields: list[int] = []
    if other is None:
        fields = [i for i in range(1, len(split[0]), 2) if len({int(s[i]) for s in split}) > 1]
    if len(fields) != 1 and len(names) > 1:
        raise QbsltError(
            f"the frames have no common numbering: {names[0]} and {other or names[-1]}.",
            cure="Their names may differ in one number alone; remove or rename the others.",
        )
    field = fields[0] if fields else len(split[0]) - 2
    of_number = {int(s[field]): n for n, s in zip(names, split, strict=True)}
    if len(of_number) < len(names):
        raise QbsltError("two files have the same frame number, such as "
                         f"{next(n for n in names if n not in of_number.values())}.")  # fmt: skip
    lowest, highest = min(of_number), max(of_number)
    first = lowest if lowest > len(names) else min(lowest, 1)
    if highest - first >= 2 * len(names) + 100:  # a stray number, not a gap
        raise QbsltError(f"has {len(names):,} frames, numbered from {lowest:,} to {highest:,}.",
                         cure="Remove files that don't belong, or copy the missing ones.")  # fmt: skip  # noqa: E501
    return [of_number.get(i) for i in range(first, highest + 1)]


def _cv2() -> Any:
    """OpenCV, which says nothing by itself about files that it can't read."""
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    try:
        import cv2
    except ImportError:
        raise QbsltError("reading frames needs OpenCV, which comes with mediapipe.",
                         cure="Install it: pip install 'qbslt[features]'.") from None  # fmt: skip
    return cv2


def _read_image(path: Path) -> NDArray[np.uint8] | None:
    import numpy as np

    cv2 = _cv2()
    try:
        data = path.read_bytes()
        if data.startswith(_PNG) and not _is_whole_png(memoryview(data)):
            return None
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):  # cv2: nothing in the file, or more pixels than it takes
        return None
    return None if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


_PNG = b"\x89PNG\r\n\x1a\n"


def _is_whole_png(data: memoryview) -> bool:
    """Whether all chunks up to the last one are there, with the right checksums.

    libpng looks, too, but tells standard error, past all of OpenCV's settings.
    """
    at = len(_PNG)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])  # size, name, as many bytes, checksum
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            return False
        if bytes(data[at + 4 : at + 8]) == b"IEND":
            return end <= len(data)
        at = end
    return False


def _of_video(path: Path, start: int | None, stop: int | None) -> Iterator[NDArray[np.uint8]]:
    cv2 = _cv2()
    video = cv2.VideoCapture(str(path))
    try:
        if not video.isOpened():
            raise _no_video(path)
        n = 0
        while (stop is None or n < stop) and video.grab():
            if start is None or n >= start:
                ok, image = video.retrieve()
                if not ok:
                    raise QbsltError(f"frame {n} can't be decoded.", file=path, cure=_COPY)
                yield cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
            n += 1
        _check_end(path, n, int(video.get(cv2.CAP_PROP_FRAME_COUNT)), stop)
    finally:
        video.release()


def _check_end(path: Path, n: int, announced: int, stop: int | None) -> None:
    """A video must not end before its range does, nor before its header says."""
    if stop is not None:
        if n < stop:
            raise QbsltError(f"has {n:,} frames, the range ends at {stop:,}.", file=path)
    elif n == 0:
        raise QbsltError("has no frame that can be decoded.", file=path, cure=_COPY)
    elif n < announced - (0 if path.suffix.lower() in _COUNTING else 1 + announced // 100):
        raise QbsltError(f"ends after {n:,} of its {announced:,} frames: it is cut off or damaged.",
                         file=path, cure=_COPY)  # fmt: skip
