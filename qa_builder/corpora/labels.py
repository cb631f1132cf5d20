"""Label pickles of the GFSLT and signjoey families, read without running what they name.

GFSLT: a dict name -> {name, gloss, text, length}; signjoey: a list or dict of {name, signer, gloss,
text, sign, num_frames}. The names carry the split (`train/...`) for PHOENIX.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from qa_builder.corpora.base import (
    FINDING,
    NOTE,
    ClipBatch,
    Corpus,
    CorpusInfo,
    Finding,
    Notes,
    Reject,
    SourceFile,
    in_batches,
)  # fmt: skip
from qa_builder.corpora.csl_daily import REVISION_MARKS, note_revision
from qa_builder.corpora.safe_pickle import load_plain
from qa_builder.corpora.textfile import check_ids
from qa_builder.errors import QbsltError, raise_all
from qa_builder.samples import SPLITS
from qa_builder.text import clean_phoenix_gloss, is_chinese

INFO = CorpusInfo(
    name="labels",
    dataset="labels-qa",
    title="label files",
    text_language="de",
    sign_language=None,
    fps=None,
    where="Label files come with the repositories of GFSLT-VLP, SignCL, signjoey and their forks.",
    size="1 to 60 MB",
    licence="that of the corpus that the labels are of",
    redistribution="What the licence of the corpus that the labels are of allows.",
)


class Labels:
    """Reads `*.train`, `*.dev` and `*.test` pickles of one folder (those that are there).

    `official` is the corpus that the labels are of: where given, sentences and glosses are
    compared with it, because released labels may hold a recogniser's output instead of glosses.
    """

    def __init__(self, root: Path, official: Corpus | None = None) -> None:
        self.root = self.frames_root = root
        self.official = official
        found = [(s, sorted(root.glob(f"*.{s}"))) for s in SPLITS]
        if not any(files for _, files in found):
            raise QbsltError("holds no label files (*.train, *.dev, *.test).", file=root,
                             cure="Set --root to the folder that has them in it.")  # fmt: skip
        raise_all(
            QbsltError(f"holds {len(f)} files for {s}: {', '.join(x.name for x in f)}.", file=root,
                       cure="Leave one file a split in the folder.")
            for s, f in found if len(f) > 1
        )  # fmt: skip
        self._files = {s: f[0] for s, f in found if f}
        self._rows = {s: _rows(f) for s, f in self._files.items()}
        chinese = any(is_chinese(r["text"]) for r in next(iter(self._rows.values()))[:50])
        self.info = _info(official, chinese)

    def sources(self) -> list[SourceFile]:
        own = [SourceFile("annotation", f, f.name) for f in self._files.values()]
        checked = self.official.sources() if self.official else []
        return own + [SourceFile("comparison", s.path, s.shown) for s in checked]

    def read(self, notes: Notes) -> Iterator[ClipBatch]:
        """Stream the clips, in the order of the files."""
        missing = [s for s in SPLITS if s not in self._files]
        if missing:
            message = f"no label file for {', '.join(missing)}"
            notes.findings.append(Finding("labels-missing-split", NOTE, message, len(missing)))
        seen: dict[str, str] = {}
        for split, rows in self._rows.items():
            path = self._files[split]
            for row in rows:
                row["name"] = row["name"].removeprefix(f"{split}/")
            check_ids(path, [r["name"] for r in rows], seen, split, range(1, len(rows) + 1))
            _note_empty_gloss(notes, rows, split, path)
            for part in in_batches(len(rows)):
                yield self._batch(split, rows[part], range(part.start + 1, part.stop + 1), path)
        note_revision(notes, {r["name"]: r["text"] for rows in self._rows.values() for r in rows
                              if r["name"] in REVISION_MARKS})  # fmt: skip
        if self.official:
            compare(notes, self._rows, self.official)

    def _batch(self, split: str, rows: Sequence[Any], lines: range, path: Path) -> ClipBatch:
        gloss = [r["gloss"] for r in rows]
        german = self.info.text_language == "de"
        return ClipBatch(
            split=split,
            clip_id=[r["name"] for r in rows],
            text=[r["text"] for r in rows],
            gloss=gloss,
            gloss_clean=[g and clean_phoenix_gloss(g) for g in gloss] if german else gloss,
            signer=[r.get("signer") for r in rows],
            frames=[_frames(r, split) for r in rows],
            n_frames=[r["length"] for r in rows],
            line=lines,
            file=path.name,
        )


def _info(official: Corpus | None, chinese: bool) -> CorpusInfo:
    from dataclasses import replace

    language, sign = ("zh", "csl") if chinese else ("de", "gsg")
    if official is None:
        return replace(INFO, text_language=language, sign_language=sign)
    name = f"{official.info.name}-labels"
    return replace(official.info, name=name, dataset=f"{name}-qa",
                   title=f"{official.info.title} (label files)")  # fmt: skip


def _rows(path: Path) -> list[dict[str, Any]]:
    """The entries of one label file, as plain dicts with name, gloss, text, length, signer."""
    data = load_plain(path)
    entries = list(data.values()) if isinstance(data, dict) else data
    if not isinstance(entries, list) or not entries:
        raise QbsltError("holds no list or dict of clips.", file=path, cure=INFO.where)
    rows, errors = [], []
    for i, entry in enumerate(entries, 1):
        row = _row(entry)
        if isinstance(row, str):
            errors.append(QbsltError(row, file=path, line=i, cure="(the line is the position)"))
        else:
            rows.append(row)
    raise_all(errors)
    return rows


def _row(entry: Any) -> dict[str, Any] | str:
    if not isinstance(entry, dict) or type(entry.get("name")) is not str:
        return "an entry is no dict with a string 'name'."
    name, text, gloss = entry["name"], entry.get("text"), entry.get("gloss")
    length = entry.get("length", entry.get("num_frames"))
    if type(text) is not str:
        return f"{name!r} has no string 'text'."
    if isinstance(gloss, list):
        gloss = " ".join(map(str, gloss))
    if gloss is not None and type(gloss) is not str:
        return f"{name!r} has a 'gloss' that is no string."
    if length is not None and type(length) is not int:
        return f"{name!r} has a 'length' that is no whole number."
    signer = entry.get("signer")
    paths = entry.get("imgs_path")
    first = paths[0] if isinstance(paths, list) and paths and type(paths[0]) is str else None
    return {"name": name, "text": text, "gloss": gloss, "length": length, "first": first,
            "signer": None if signer is None else str(signer)}  # fmt: skip


def _frames(row: dict[str, Any], split: str) -> str:
    """Glob of the frames: as the labels name them, else by the name of the clip."""
    first: str | None = row["first"]
    if first and "/" in first:
        folder, _, file = first.rpartition("/")
        return f"{folder}/*.{file.rpartition('.')[2]}"
    return f"{split}/{row['name']}/*"


def _note_empty_gloss(notes: Notes, rows: list[dict[str, Any]], split: str, path: Path) -> None:
    empty = [i for i, r in enumerate(rows, 1) if r["gloss"] is not None and not r["gloss"].strip()]
    notes.rejects += [
        Reject(path.name, i, rows[i - 1]["name"], "empty-gloss", "kept, with an empty gloss")
        for i in empty
    ]
    if empty:
        message = f"{split} has {len(empty)} clips with an empty gloss"
        notes.findings.append(Finding("labels-empty-gloss", NOTE, message, len(empty)))


def compare(notes: Notes, rows: dict[str, list[dict[str, Any]]], official: Corpus) -> None:
    """Compare labels with the official annotation: sentences, glosses, clips that only one has."""
    truth = {
        (b.split, i): (t, g)
        for b in official.read(Notes())
        for i, t, g in zip(b.clip_id, b.text, b.gloss, strict=True)
    }
    for split, entries in rows.items():
        mine = {r["name"]: r for r in entries}
        pairs = [(r, truth[split, n]) for n, r in mine.items() if (split, n) in truth]
        texts = [r["name"] for r, (t, _) in pairs if r["text"].removesuffix(" .") != t]
        glosses = [r["name"] for r, (_, g) in pairs if r["gloss"] is not None and r["gloss"] != g]
        lost = [n for s, n in truth if s == split and n not in mine]
        extra = [n for n in mine if (split, n) not in truth]
        _note(notes, "labels-sentence-revision", FINDING, split, texts, len(pairs),
              "sentences differ from the official ones (another revision of the corpus)")  # fmt: skip  # noqa: E501
        _note(notes, "labels-gloss-not-official", FINDING, split, glosses, len(pairs),
              "glosses differ from the official annotation (a recogniser's output?)")  # fmt: skip
        _note(notes, "labels-missing-clip", NOTE, split, lost, len(mine),
              "clips of the official split are not in the labels")  # fmt: skip
        _note(notes, "labels-extra-clip", FINDING, split, extra, len(mine),
              "clips of the labels are not in the official split")  # fmt: skip


def _note(notes: Notes, id: str, severity: str, split: str, names: list[str], n: int,
          what: str) -> None:  # fmt: skip
    notes.rejects += [Reject(f"labels.{split}", None, x, id, f"kept; {what}") for x in names]
    if names:
        message = f"{split}: {len(names):,} of {n:,} {what}, first {', '.join(names[:3])}"
        notes.findings.append(Finding(id, severity, message, len(names)))
