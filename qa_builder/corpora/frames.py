"""`--frames check`: compare folders of frames with the annotation, without decoding the frames."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from qa_builder.corpora.base import FINDING, ClipBatch, Finding, Notes, Reject
from qa_builder.errors import QbsltError, counted

_MAGIC = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG"}
_IMAGES = (".png", ".jpg", ".jpeg")
_REASONS = {
    "frames-missing": "no frames",
    "frames-too-few": "fewer frames than the annotation says",
    "frames-too-many": "more frames than the annotation says",
    "frames-unreadable": "frames that are empty or no images",
}


class FrameCheck:
    """Checks the frames of clips below the folder that their `frames` are relative to."""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise QbsltError("there is no such folder of frames.", file=root,
                             cure="Set --frames-root to it, or leave --frames check out.")  # fmt: skip  # noqa: E501
        self._root = root

    def check(self, batch: ClipBatch, notes: Notes) -> None:
        """Note what is wrong; fill `n_frames` from the folder where the annotation has none."""
        n_frames = list(batch.n_frames)
        for i, (clip_id, frames) in enumerate(zip(batch.clip_id, batch.frames, strict=True)):
            reason, detail, counted = self._clip(frames, n_frames[i])
            if n_frames[i] is None:
                n_frames[i] = counted
            if reason:
                where = frames or batch.file
                notes.rejects.append(Reject(where, None, clip_id, reason, f"kept; {detail}"))
        batch.n_frames = n_frames

    def _clip(self, frames: str | None, expected: int | None) -> tuple[str, str, int | None]:
        if frames is None:
            return "frames-missing", "the annotation names none", None
        folder = self._root / (frames.rpartition("/")[0] if "*" in frames else frames)
        if folder.is_file():
            empty = folder.stat().st_size == 0
            return ("frames-unreadable", "the file is empty", None) if empty else ("", "", None)
        try:
            with os.scandir(folder) as entries:
                images = [e for e in entries if e.name.lower().endswith(_IMAGES)]
        except OSError:
            return "frames-missing", f"no folder {folder.name}", None
        return self._folder([Path(e.path) for e in sorted(images, key=lambda e: e.name)], expected)

    def _folder(self, images: Sequence[Path], expected: int | None) -> tuple[str, str, int | None]:
        n = len(images)
        if n == 0:
            return "frames-missing", "the folder has no PNG or JPEG", None
        bad = [p.name for p in images if _is_empty(p)]
        bad += [p.name for p in {images[0], images[n // 2], images[-1]} if not _is_image(p)]
        if bad:
            names = ", ".join(sorted(set(bad))[:3])
            return "frames-unreadable", f"{len(set(bad))} empty or no image: {names}", n
        want = expected if expected is not None else _last_number(images)
        if n < want:
            return "frames-too-few", f"{n} frames, expected {want}", n
        if expected is not None and n > expected:
            return "frames-too-many", f"{n} frames, expected {expected}", n
        return "", "", n

    def finish(self, notes: Notes) -> None:
        """Sum up what was noted."""
        for reason, what in _REASONS.items():
            n = sum(r.reason == reason for r in notes.rejects)
            if n:
                message = f"{counted(n, 'clip', 'have')} {what}"
                notes.findings.append(Finding(reason, FINDING, message, n))


def _last_number(images: Sequence[Path]) -> int:
    """How many frames there are if they are numbered without gaps, from 0 or from 1."""
    ends = [re.search(r"[0-9]{1,9}$", p.stem) for p in images]
    numbers = [int(e[0]) for e in ends if e]
    return max(numbers) + (min(numbers) == 0) if numbers else len(images)


def _is_empty(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except OSError:  # a link to nothing
        return True


def _is_image(path: Path) -> bool:
    try:
        with path.open("rb") as f:
            head = f.read(8)
    except OSError:
        return False
    return any(head.startswith(m) for m in _MAGIC)
