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
from qa_builder.corpora.textfile import check_ids, encodable, frame_count, leads_out, shown
from qa_builder.errors import QbsltError, counted, raise_all
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
        found = [(s, sorted(f for f in root.glob(f"*.{s}") if f.is_file())) for s in SPLITS]
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
            compare(notes, self._rows, self._files, self.official)

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
            errors.append(QbsltError(row, file=path, line=i, cure="Take the file anew from its "
                                     "source. (The line is the entry's position.)"))  # fmt: skip
        else:
            rows.append(row)
    raise_all(errors)
    return rows


def _row(entry: Any) -> dict[str, Any] | str:
    """An entry as a plain dict, or what is wrong with it."""
    if not isinstance(entry, dict) or type(entry.get("name")) is not str:
        return "an entry is no dict with a string 'name'."
    name, text, gloss = entry["name"], entry.get("text"), entry.get("gloss")
    length = entry.get("length", entry.get("num_frames"))
    signer, paths = entry.get("signer"), entry.get("imgs_path")
    if isinstance(gloss, list) and all(type(g) is str for g in gloss):
        gloss = " ".join(gloss)
    signer = str(signer) if type(signer) is int else signer
    first = paths[0] if isinstance(paths, list) and paths and type(paths[0]) is str else None
    problems = {
        "'text' that is no sound string": not _sound(text),
        "'gloss' that is no sound string": gloss is not None and not _sound(gloss),
        "'length' that is no number of frames": length is not None and not _is_count(length),
        "'signer' that is neither number nor string": signer is not None and not _sound(signer),
        f"path of frames that leads out of the corpus ({shown(first)})":
            first is not None and (".." in first.split("/") or not _sound(first)),
    }  # fmt: skip
    if wrong := [problem for problem, there in problems.items() if there]:
        return f"{shown(name)} has a {' and a '.join(wrong)}."
    return {"name": name, "text": text, "gloss": gloss, "length": length, "first": first,
            "signer": signer}  # fmt: skip


def _sound(value: object) -> bool:
    return type(value) is str and encodable(value)


def _is_count(value: object) -> bool:
    return type(value) is int and frame_count(value) is not None


def _frames(row: dict[str, Any], split: str) -> str:
    """Glob of the frames: as the labels name them, else by the name of the clip."""
    first: str | None = row["first"]
    if first and "/" in first and not leads_out(first):  # of another machine, if absolute
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
        message = f"{split} has {counted(len(empty), 'clip')} with an empty gloss"
        notes.findings.append(Finding("labels-empty-gloss", NOTE, message, len(empty)))


def compare(
    notes: Notes,
    rows: dict[str, list[dict[str, Any]]],
    files: dict[str, Path],
    official: Corpus,
) -> None:
    """Compare labels with the official annotation: sentences, glosses, clips that only one has.

    Raises QbsltError where they have no clip in common: then they are of another corpus.
    """
    truth = {
        (b.split, i): (t, g)
        for b in official.read(Notes())
        for i, t, g in zip(b.clip_id, b.text, b.gloss, strict=True)
    }
    if truth.keys().isdisjoint((s, r["name"]) for s, entries in rows.items() for r in entries):
        raise QbsltError(f"no clip of the labels is in {official.info.title}.",
                         file=next(iter(files.values())).parent,
                         cure="Name the corpus that the labels are of with --official.")  # fmt: skip  # noqa: E501
    for split, entries in rows.items():
        mine = {r["name"]: r for r in entries}
        position = {n: i for i, n in enumerate(mine, 1)}
        pairs = [(r, truth[split, n]) for n, r in mine.items() if (split, n) in truth]
        texts = [r["name"] for r, (t, _) in pairs if r["text"].removesuffix(" .") != t]
        glosses = [r["name"] for r, (_, g) in pairs if r["gloss"] is not None and r["gloss"] != g]
        lost = [n for s, n in truth if s == split and n not in mine]
        extra = [n for n in mine if (split, n) not in truth]
        for id, severity, names, n, what in (
            ("labels-sentence-revision", FINDING, texts, len(pairs),
             "sentences differ from the official ones (another revision of the corpus)"),
            ("labels-gloss-not-official", FINDING, glosses, len(pairs),
             "glosses differ from the official annotation (a recogniser's output?)"),
            ("labels-missing-clip", NOTE, lost, len(mine) + len(lost),
             "clips of the official split are not in the labels"),
            ("labels-extra-clip", FINDING, extra, len(mine),
             "clips of the labels are not in the official split"),
        ):  # fmt: skip
            notes.rejects += [
                Reject(files[split].name, position.get(x), x, id,
                       f"{'kept; ' if x in mine else ''}{what}") for x in names
            ]  # fmt: skip
            if names:
                message = f"{split}: {len(names):,} of {n:,} {what}, first {', '.join(names[:3])}"
                notes.findings.append(Finding(id, severity, message, len(names)))
