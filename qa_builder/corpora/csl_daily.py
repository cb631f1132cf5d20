"""CSL-Daily: the official pickle (or video_map.txt) and the split file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from qa_builder.corpora.base import (
    ANNOTATIONS,
    NOTE,
    ClipBatch,
    CorpusInfo,
    Finding,
    Notes,
    Reject,
    SourceFile,
    find_below,
    in_batches,
)  # fmt: skip
from qa_builder.corpora.safe_pickle import load_plain
from qa_builder.corpora.textfile import (
    check_header,
    check_ids,
    encodable,
    frame_count,
    read_lines,
    short,
    shown,
    split_rows,
)  # fmt: skip
from qa_builder.corpora.toy import toy_info
from qa_builder.errors import QbsltError, counted, known, raise_all
from qa_builder.samples import SPLITS

_CITATION = """\
@inproceedings{zhou2021improving,
  author    = {Zhou, Hao and Zhou, Wengang and Qi, Weizhen and Pu, Junfu and Li, Houqiang},
  title     = {Improving Sign Language Translation with Monolingual Data by Sign Back-Translation},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2021}
}"""

INFO = CorpusInfo(
    name="csl-daily",
    dataset="csl-daily-qa",
    title="CSL-Daily",
    text_language="zh",
    sign_language="csl",
    fps="30/1",
    where="From the University of Science and Technology of China (the 'CSL-Daily' "
    "page of the USTC sign language group) after signing its research agreement.",
    size="tens of GB with the 512x512 frames; 11 MB the annotation files, which are all that a "
    "build reads",
    licence="research agreement",
    redistribution="The corpus, its sentences and glosses may not be passed on.",
    citation=_CITATION,
)

PICKLE, VIDEO_MAP, SPLIT = "csl2020ct_v2.pkl", "video_map.txt", "split_1.txt"
_MAP_COLUMNS = ("index", "name", "length", "gloss", "char", "word", "postag")
_LABELS = ("label_gloss", "label_char", "label_word", "label_postag")
_SIGNERS = {int, str, type(None)}
# Some copies have one of these two clips, some the other, some neither.
KNOWN_CLIPS = {"S000005_P0004_T00", "S000007_P0003_T00"}

# Two revisions of the sentences circulate. These train clips tell them apart, by the sha256 of
# their sentences (12 digits): as in csl2020ct_v2.pkl, as in the labels of the GFSLT family.
REVISIONS = ("csl2020ct_v2", "gfslt-labels")
REVISION_MARKS = {
    "S000006_P0000_T00": ("4b82b4759e94", "386465636377"),
    "S000022_P0000_T00": ("ba6fd5d7eece", "5c8fc27a16a9"),
    "S000073_P0000_T00": ("1a7c7382865d", "e6db16f68ef4"),
    "S000087_P0000_T00": ("e65db334ce9c", "e842db6aff8a"),
    "S000110_P0000_T00": ("69417b65b628", "7ca601c54587"),
    "S000122_P0000_T00": ("73b9de7bf2c8", "c19b42e6d8ab"),
    "S000188_P0000_T00": ("46a33396f7f6", "c9c6303793c2"),
    "S000250_P0000_T00": ("f45a9ead55a1", "5a0a49694115"),
}


class CslDaily:
    """Reads `sentence_label/`; makes a QbsltError where the root does not hold it."""

    def __init__(self, root: Path, annotations: str = "auto") -> None:
        if annotations not in ANNOTATIONS:
            raise known(annotations, ANNOTATIONS, "kind of annotations")
        self.root = root
        self.info = toy_info(root, INFO)
        folder = find_below(root, ["sentence_label", "CSL-Daily/sentence_label"])
        if folder is None and (root / SPLIT).exists():
            folder = root
        if folder is None:
            raise QbsltError(
                f"holds no CSL-Daily annotations (sentence_label/{PICKLE}, {SPLIT})"
                f"{_other_corpus(root)}.",
                file=root, cure="Set --root to the folder that has sentence_label in it.",
            )  # fmt: skip
        self._split_file = folder / SPLIT
        has_pickle = (folder / PICKLE).is_file()
        self.pickled = annotations == "pickle" or (annotations == "auto" and has_pickle)
        self._annotation = folder / (PICKLE if self.pickled else VIDEO_MAP)
        self.frames_root = folder.parent
        raise_all(
            QbsltError(f"this file of CSL-Daily is missing: {what}.", file=f,
                       cure="Copy it from the release.")
            for f, what in ((self._split_file, "it says which clip is in which split"),
                            (self._annotation, f"{PICKLE} or {VIDEO_MAP} has the sentences"))
            if not f.is_file()
        )  # fmt: skip

    def sources(self) -> list[SourceFile]:
        files = (self._annotation, self._split_file)
        return [SourceFile("annotation", f, f"sentence_label/{f.name}") for f in files]

    def read(self, notes: Notes) -> Iterator[ClipBatch]:
        """Stream the clips: train, dev, test; within a split in the order of the annotation."""
        rows, line_of = _pickle_rows(self._annotation) if self.pickled else _map_rows(self._annotation)  # fmt: skip  # noqa: E501
        ids = [r["name"] for r in rows]
        check_ids(self._annotation, ids, {}, "", [line_of(i) for i in range(len(ids))])
        split_of = _read_split(self._split_file)
        self._note_unmatched(notes, rows, line_of, split_of)
        if not self.info.toy:
            note_revision(notes, {r["name"]: "".join(r["label_char"]) for r in rows
                                  if r["name"] in REVISION_MARKS})  # fmt: skip
        by_split: dict[str | None, list[int]] = {s: [] for s in (*SPLITS, None)}
        for i, name in enumerate(ids):
            by_split[split_of.get(name)].append(i)
        for split in SPLITS:
            mine = by_split[split]
            for part in in_batches(len(mine)):
                chosen = mine[part]
                yield _batch(split, [rows[i] for i in chosen], [line_of(i) for i in chosen],
                             self._annotation.name)  # fmt: skip

    def _note_unmatched(
        self,
        notes: Notes,
        rows: Sequence[dict[str, Any]],
        line_of: Callable[[int], int],
        split_of: dict[str, str],
    ) -> None:
        extra = [i for i, r in enumerate(rows) if r["name"] not in split_of]
        names = {r["name"] for r in rows} if extra or len(split_of) != len(rows) else split_of
        lost = [n for n in split_of if n not in names]
        notes.rejects += [
            Reject(self._annotation.name, line_of(i), rows[i]["name"], "clip-without-split",
                   f"annotated, but not in {SPLIT}") for i in extra
        ] + [
            Reject(SPLIT, None, n, "clip-without-annotation",
                   f"in {SPLIT}, but not annotated in {self._annotation.name}") for n in lost
        ]  # fmt: skip
        odd = [rows[i]["name"] for i in extra] + lost
        if odd:
            which = "the clip known for it" if set(odd) <= KNOWN_CLIPS else "not only the known clip"  # fmt: skip  # noqa: E501
            notes.findings.append(Finding(
                "csl-daily-missing-extra-clip", NOTE,
                f"no annotation for {counted(len(lost), 'name')} of the split "
                f"({', '.join(lost[:3]) or '-'}), no split for "
                f"{counted(len(extra), 'annotated clip')} "
                f"({', '.join(rows[i]['name'] for i in extra[:3]) or '-'}): {which}", len(odd),
            ))  # fmt: skip


_FRAMES = "sentence/frames_512x512"
_AS_RELEASED = f"Use sentence_label/{PICKLE} as it was released."


def _pickle_rows(path: Path) -> tuple[list[dict[str, Any]], Callable[[int], int]]:
    data = load_plain(path)
    rows = data.get("info") if isinstance(data, dict) else None
    if not isinstance(rows, list) or not rows:
        raise QbsltError(
            "is a pickle, but not the one of CSL-Daily (a dict with a list 'info').", file=path,
            cure=_AS_RELEASED,
        )  # fmt: skip
    if not _plainly_sound(rows):
        raise_all(
            QbsltError(p, file=path, line=i,
                       cure=f"{_AS_RELEASED} (The line is the position in 'info'.)")
            for i, row in enumerate(rows, 1) if (p := _row_problem(row))
        )  # fmt: skip
    return rows, lambda i: i + 1


def _plainly_sound(rows: list[Any]) -> bool:
    """A quick test of all rows at once: joining a list is a check that it holds strings alone."""
    try:
        lengths = [row["length"] for row in rows]
        labels = [row[f] for row in rows for f in _LABELS]
        return (
            set(map(type, lengths)) == {int}
            and frame_count(min(lengths)) is not None
            and frame_count(max(lengths)) is not None
            and {type(row["name"]) for row in rows} == {str}
            and {type(row["signer"]) for row in rows} <= _SIGNERS
            and set(map(type, labels)) == {list}
            and encodable("".join(map("".join, labels)))
            and list(map(len, labels[2::4])) == list(map(len, labels[3::4]))  # words, tags
        )
    except (TypeError, KeyError, IndexError):
        return False


def _row_problem(row: Any) -> str:
    try:
        name, length, signer, *labels = [row[f] for f in ("name", "length", "signer", *_LABELS)]
    except (KeyError, TypeError, IndexError):
        return f"an entry of 'info' lacks one of name, length, signer, {', '.join(_LABELS)}."
    if type(name) is not str or frame_count(length) is None or type(length) is not int:
        return "an entry of 'info' has a name that is no string or a length that is no number."
    if type(signer) not in _SIGNERS:
        return f"the signer of {shown(name)} is neither a number nor a string."
    for value in labels:
        if type(value) is not list or not all(type(v) is str and encodable(v) for v in value):
            return f"the labels of {shown(name)} are not lists of strings."
    words, tags = len(labels[2]), len(labels[3])
    return "" if words == tags else f"{shown(name)} has {words} words and {tags} tags."


def _map_rows(path: Path) -> tuple[list[dict[str, Any]], Callable[[int], int]]:
    lines = read_lines(path)
    columns = check_header(path, lines[0], "|", _MAP_COLUMNS)
    at = [columns.index(c) for c in _MAP_COLUMNS]
    rows, errors = [], []
    for line, fields in enumerate(split_rows(path, lines, "|", len(columns)), 2):
        _, name, length, *labels = [fields[i] for i in at]
        if frame_count(length) is None:
            errors.append(QbsltError(f"the length {shown(length)} is no number of frames.",
                                     file=path, line=line,
                                     cure="Use the annotation file as it was released."))  # fmt: skip  # noqa: E501
        lists = [v.split(" ") if v else [] for v in labels]
        words, tags = len(lists[2]), len(lists[3])
        if words != tags:
            errors.append(QbsltError(f"has {words} words and {tags} tags.", file=path, line=line,
                                     id=short(name), cure="Use the file as it was released."))  # fmt: skip  # noqa: E501
        row: dict[str, Any] = {"name": name, "length": frame_count(length), "signer": None}
        rows.append(row | dict(zip(_LABELS, lists, strict=True)))
    raise_all(errors)
    return rows, lambda i: i + 2


def _read_split(path: Path) -> dict[str, str]:
    lines = read_lines(path)
    columns = check_header(path, lines[0], "|", ("name", "split"))
    rows = split_rows(path, lines, "|", len(columns))
    name, split = columns.index("name"), columns.index("split")
    result = {r[name]: r[split] for r in rows}
    check_ids(path, [r[name] for r in rows], {}, "", range(2, len(rows) + 2))
    if not set(result.values()) <= set(SPLITS):
        raise_all(
            QbsltError(f"unknown split {shown(r[split])}, expected one of {', '.join(SPLITS)}.",
                       file=path, line=i, id=short(r[name]),
                       cure="Use the file as it was released.")
            for i, r in enumerate(rows, 2) if r[split] not in SPLITS
        )  # fmt: skip
    return result


def _batch(split: str, rows: list[dict[str, Any]], lines: list[int], file: str) -> ClipBatch:
    gloss = [" ".join(r["label_gloss"]) for r in rows]
    return ClipBatch(
        split=split,
        clip_id=[r["name"] for r in rows],
        text=["".join(r["label_char"]) for r in rows],
        gloss=gloss,
        gloss_clean=gloss,
        signer=[None if r["signer"] is None else str(r["signer"]) for r in rows],
        frames=[f"{_FRAMES}/{r['name']}/*.jpg" for r in rows],
        n_frames=[r["length"] for r in rows],
        words=[r["label_word"] for r in rows],
        pos_tags=[r["label_postag"] for r in rows],
        line=lines,
        file=file,
    )


def note_revision(notes: Notes, text_of: dict[str, str]) -> None:
    """Say which of the two circulating revisions the sentences are of (by REVISION_MARKS)."""
    seen = set()
    for clip_id, text in text_of.items():
        mark = hashlib.sha256(text.encode()).hexdigest()[:12]
        marks = REVISION_MARKS[clip_id]
        seen.add(REVISIONS[marks.index(mark)] if mark in marks else "an unknown revision")
    if seen:
        which = " and ".join(sorted(seen))
        message = f"two revisions of the sentences circulate; these are {which}"
        notes.findings.append(Finding("csl-daily-sentence-revision", NOTE, message))


def _other_corpus(root: Path) -> str:
    found = find_below(root, ["annotations/manual", "PHOENIX-2014-T-release-v3", "PHOENIX-2014-T"])
    return "; this looks like PHOENIX-2014T" if found else ""
