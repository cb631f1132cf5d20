"""PHOENIX-2014T: the official annotation files (release v3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from qa_builder.corpora.base import (
    NOTE,
    ClipBatch,
    CorpusInfo,
    Finding,
    Notes,
    SourceFile,
    find_below,
    in_batches,
)  # fmt: skip
from qa_builder.corpora.textfile import (
    check_header,
    check_ids,
    frame_count,
    leads_out,
    read_text,
    shown,
    split_columns,
    split_rows,
)  # fmt: skip
from qa_builder.corpora.toy import toy_info
from qa_builder.errors import QbsltError, counted, raise_all
from qa_builder.samples import SPLITS
from qa_builder.text import clean_phoenix_glosses

COLUMNS = ("name", "video", "start", "end", "speaker", "orth", "translation")
ROWS = {"train": 7096, "dev": 519, "test": 642}  # of release v3

_CITATION = """\
@inproceedings{camgoz2018neural,
  author    = {Camgoz, Necati Cihan and Hadfield, Simon and Koller, Oscar and Ney, Hermann and Bowden, Richard},
  title     = {Neural Sign Language Translation},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2018}
}"""  # noqa: E501

INFO = CorpusInfo(
    name="phoenix-2014t",
    dataset="phoenix-2014t-qa",
    title="RWTH-PHOENIX-Weather 2014 T",
    text_language="de",
    sign_language="gsg",
    fps="25/1",
    where="From RWTH Aachen, Human Language Technology and Pattern Recognition: "
    "the page 'RWTH-PHOENIX-Weather 2014 T' (phoenix-2014-T.v3.tar.gz).",
    size="39 GB packed with the frames; 2 MB the annotation files, all that a build reads",
    licence="CC BY-NC-SA 3.0",
    redistribution="Sentences and glosses may be passed on under the same licence, for no money.",
    citation=_CITATION,
)

# Where the annotation files and the frames of a split are, seen from a root that the user may
# have set at any level of the release.
_LEVELS = ("", "PHOENIX-2014-T", "PHOENIX-2014-T-release-v3/PHOENIX-2014-T")
_ANNOTATIONS = "annotations/manual"
_FRAMES = "features/fullFrame-210x260px"


class Phoenix:
    """Reads `PHOENIX-2014-T.{train,dev,test}.corpus.csv`; makes a QbsltError where they are not."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.info = toy_info(root, INFO)
        folder = find_below(root, [f"{level}/{_ANNOTATIONS}".lstrip("/") for level in _LEVELS])
        if folder is None and (root / "PHOENIX-2014-T.train.corpus.csv").exists():
            folder = root
        if folder is None:
            raise QbsltError(
                f"holds no PHOENIX-2014T annotations ({_ANNOTATIONS}/PHOENIX-2014-T.*.corpus.csv)"
                f"{_other_corpus(root)}.",
                file=root, cure="Set --root to the folder with PHOENIX-2014-T-release-v3 in it.",
            )  # fmt: skip
        self.folder = folder
        self.frames_root = folder.parent.parent if folder.name == "manual" else folder
        self._files = {s: folder / f"PHOENIX-2014-T.{s}.corpus.csv" for s in SPLITS}
        raise_all(
            QbsltError("the annotation file of this split is missing.", file=f,
                       cure="Copy it from the release.")
            for f in self._files.values() if not f.is_file()
        )  # fmt: skip

    def sources(self) -> list[SourceFile]:
        return [
            SourceFile("annotation", f, f"{_ANNOTATIONS}/{f.name}") for f in self._files.values()
        ]

    def read(self, notes: Notes) -> Iterator[ClipBatch]:
        """Stream the clips, split by split, in the order of the files (they are not sorted)."""
        seen: dict[str, str] = {}
        for split, path in self._files.items():
            fields = _read_fields(path)
            names = fields["name"]
            check_ids(path, names, seen, split, range(2, len(names) + 2))
            _check_videos(path, names, fields["video"])
            self._note_count(notes, split, len(names))
            yield from _batches(split, fields, path)

    def _note_count(self, notes: Notes, split: str, n: int) -> None:
        if n != ROWS[split] and not self.info.toy:
            message = f"{split} has {counted(n, 'row')}; release v3 has {ROWS[split]:,}"
            notes.findings.append(Finding("phoenix-other-release", NOTE, message, abs(n - ROWS[split])))  # fmt: skip  # noqa: E501


def _read_fields(path: Path) -> dict[str, list[str]]:
    """The columns of an annotation file by name."""
    text = read_text(path)
    header, _, body = text.partition("\n")
    names = check_header(path, header, "|", COLUMNS)
    columns = split_columns(body, "|", len(names))
    if columns is None:  # some line does not fit: which one is said here
        rows = split_rows(path, text.split("\n"), "|", len(names))
        columns = [list(c) for c in zip(*rows, strict=True)]
    return dict(zip(names, columns, strict=True))


def _check_videos(path: Path, names: Sequence[str], videos: Sequence[str]) -> None:
    """Refuse paths that lead out of the corpus."""
    if "\n".join(videos) == "/1/*.png\n".join(names) + "/1/*.png":
        return  # as in the release
    raise_all(
        QbsltError(f"the video {shown(video)} leads out of the corpus.", file=path, line=line,
                   cure="Use the annotation file as it was released.")
        for line, (name, video) in enumerate(zip(names, videos, strict=True), 2)
        if video != f"{name}/1/*.png" and leads_out(video)
    )  # fmt: skip


def _batches(split: str, fields: dict[str, list[str]], path: Path) -> Iterator[ClipBatch]:
    names = fields["name"]
    n_frames = list(map(_n_frames, fields["start"], fields["end"]))
    for part in in_batches(len(names)):
        gloss = fields["orth"][part]
        yield ClipBatch(
            split=split,
            clip_id=names[part],
            text=fields["translation"][part],
            gloss=gloss,
            gloss_clean=clean_phoenix_glosses(gloss),
            signer=fields["speaker"][part],
            frames=_frames(split, fields["video"][part]),
            n_frames=n_frames[part],
            line=range(part.start + 2, part.stop + 2),
            file=path.name,
        )


def _frames(split: str, videos: Sequence[str]) -> list[str]:
    folder = f"{_FRAMES}/{split}/"
    return [folder + video.replace("/1/*", "/*") for video in videos]


@lru_cache(maxsize=1024)  # nearly all rows of a release say the same
def _n_frames(start: str, end: str) -> int | None:
    """Frames from `start` to `end`, both counted; the release has -1 in both for all clips."""
    first, last = frame_count(start), frame_count(end)
    if first is None or last is None or last < first:
        return None
    return frame_count(last - first + 1)


def _other_corpus(root: Path) -> str:
    return "; this looks like CSL-Daily" if (root / "sentence_label").is_dir() else ""
