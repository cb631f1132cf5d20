"""Read submissions: folders with predictions and a `system.yaml` that says what made them.

`docs/submit.md` is the page for people who submit. Everything that is wrong is told at once, with
the choices where there are any.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from qa_builder.errors import QbsltError, known, raise_all

SYSTEM = "system.yaml"
TRACKS = ("video", "video+question", "video+gloss")
SEEN = ("yes", "no", "unknown")
REQUIRED = {
    "name": "Write the name that the board shall show.",
    "track": f"Write one of: {', '.join(TRACKS)}.",
    "task": "Write the task's name, as `qbslt-bench list` prints it.",
    "paper": "Write an address or a title, or `none`.",
    "code": "Write an address, or `none`.",
    "commit": "Write the commit that made the predictions, or `none`.",
    "training_data": "Write a list of all data that the system was trained on.",
    "seen_test": "Write yes, no or unknown: did training see the test set? No answer costs rank.",
}
OPTIONAL = ("split", "fingerprint", "predictions", "features", "note")
MAX_BYTES = 64 * 1024  # of a system.yaml
MAX_NAME = 80  # characters

_LAYOUT = "Each submission is a folder in it, with a system.yaml: see docs/submit.md."
_FILES = (
    "Expected predictions.txt (or .tsv, .csv, .jsonl), or one predictions.SEED.txt for each seed."
)
_SEEDED = re.compile(r"predictions\.(?P<seed>[^.]+)\.(txt|tsv|csv|jsonl)")
_SINGLE = re.compile(r"predictions\.(txt|tsv|csv|jsonl)")


class Submission(NamedTuple):
    """What a `system.yaml` says, checked."""

    folder: Path
    name: str
    track: str  # one of TRACKS
    task: str
    paper: str
    code: str
    commit: str
    training_data: tuple[str, ...]
    seen_test: str  # one of SEEN
    predictions: dict[str, Path]  # by seed; the seed is "" where there is one file without any
    split: str = ""  # empty: the task's
    fingerprint: str = ""  # of the dataset, or how it begins; empty: whatever dataset is given
    features: str = ""  # what the system saw of the video, "simulated" above all
    note: str = ""

    @property
    def file(self) -> Path:
        return self.folder / SYSTEM


def read_submissions(root: Path) -> tuple[list[Submission], list[QbsltError]]:
    """The submissions in the folders of `root`, by folder name, and all that is wrong with others.

    Folders whose name starts with a dot are left out. Raises QbsltError if there is none.
    """
    if not root.is_dir():
        raise QbsltError("there is no such folder.", file=root, cure=_LAYOUT)
    folders = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not folders:
        raise QbsltError("holds no submission.", file=root, cure=_LAYOUT)
    read: list[Submission] = []
    errors: list[QbsltError] = []
    for folder in folders:
        try:
            read.append(read_submission(folder))
        except QbsltError as e:
            errors += getattr(e, "errors", [e])
    return read, errors


def read_submission(folder: Path) -> Submission:
    """The submission in one folder. Raises QbsltError, or ErrorList with all that is wrong."""
    file = folder / SYSTEM
    fields = _load(file)
    errors = list(_wrong_fields(fields, file))
    predictions: dict[str, Path] = {}
    try:
        predictions = _predictions(folder, fields.get("predictions"))
    except QbsltError as e:
        errors += getattr(e, "errors", [e])
    raise_all(errors)
    texts = {k: _text(v) for k, v in fields.items() if k not in ("training_data", "predictions")}
    return Submission(
        folder, training_data=_texts(fields["training_data"]), predictions=predictions, **texts
    )


def _load(file: Path) -> dict[str, Any]:
    import yaml

    if not file.is_file():
        raise QbsltError("is missing.", file=file, cure="Its fields are in docs/submit.md.")
    if file.stat().st_size > MAX_BYTES:
        raise QbsltError(f"is larger than {MAX_BYTES // 1024} KB.", file=file)
    try:
        # Values stay the text that they are: a commit 0123456 is no number, a yes no truth value.
        fields = yaml.load(file.read_text("utf-8-sig"), Loader=yaml.BaseLoader)  # noqa: S506
    except UnicodeDecodeError:
        raise QbsltError("is not UTF-8.", file=file, cure="Save it as UTF-8.") from None
    except (yaml.YAMLError, RecursionError) as e:
        mark, said = getattr(e, "problem_mark", None), getattr(e, "problem", None)
        raise QbsltError(
            f"is not YAML ({said or type(e).__name__}).", file=file,
            line=mark.line + 1 if mark else None, cure="Names with a colon need quotes.",
        ) from None  # fmt: skip
    if not isinstance(fields, dict):
        raise QbsltError("is not a list of `field: value`.", file=file)
    try:
        json.dumps(fields, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise QbsltError(
            "has half a character (a lone surrogate).", file=file, cure="Write the whole one."
        ) from None
    return fields


def _wrong_fields(fields: Mapping[str, Any], file: Path) -> Iterator[QbsltError]:
    for key, cure in REQUIRED.items():
        if key not in fields:
            yield QbsltError(f"the field {key!r} is missing.", file=file, cure=cure)
    for key, value in fields.items():
        if key not in REQUIRED and key not in OPTIONAL:
            choices = ", ".join((*REQUIRED, *OPTIONAL))
            yield QbsltError(f"unknown field {str(key)[:40]!r}; known are: {choices}.", file=file)
        elif key == "training_data":
            if not _texts(value):
                yield QbsltError("'training_data' is no list of texts.", file=file)
        elif key in REQUIRED and not _text(value):
            yield QbsltError(f"{key!r} is empty or no text.", file=file, cure=REQUIRED.get(key))
    for key, allowed in (("track", TRACKS), ("seen_test", SEEN)):
        if (value := _text(fields.get(key))) and value not in allowed:
            yield QbsltError(known(value, allowed, key).message, file=file)
    if len(_text(fields.get("name"))) > MAX_NAME:
        yield QbsltError(f"'name' has more than {MAX_NAME} characters.", file=file)


def _text(value: Any) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    texts = tuple(_text(item) for item in (value if isinstance(value, list) else [value]))
    return texts if all(texts) else ()


def _predictions(folder: Path, listed: Any) -> dict[str, Path]:
    """Files of predictions by seed: those that system.yaml lists, or those with the usual names."""
    if listed is None:
        return _found(folder)
    if not isinstance(listed, dict) or not listed:
        raise QbsltError("'predictions' is no list of `seed: file`.", file=folder / SYSTEM)
    files = {seed: folder / _text(name) for seed, name in listed.items()}
    raise_all(
        QbsltError(
            f"the file of seed {seed!r}, {_text(listed[seed])!r}, is not in this folder.",
            file=folder / SYSTEM,
        )
        for seed, path in files.items()
        if not path.is_file() or ".." in PurePath(_text(listed[seed])).parts
        or PurePath(_text(listed[seed])).is_absolute()
    )  # fmt: skip
    return files


def _found(folder: Path) -> dict[str, Path]:
    paths = sorted(p for p in folder.iterdir() if p.is_file())
    single = [p for p in paths if _SINGLE.fullmatch(p.name)]
    seeded = [(m["seed"], p) for p in paths if (m := _SEEDED.fullmatch(p.name))]
    if not single and not seeded:
        raise QbsltError("holds no predictions.", file=folder, cure=_FILES)
    if len(single) > 1 or (single and seeded) or len({s for s, _ in seeded}) < len(seeded):
        names = ", ".join(p.name for p in (*single, *(p for _, p in seeded)))
        raise QbsltError(f"several could be the predictions: {names}.", file=folder, cure=_FILES)
    seeded.sort(key=lambda item: _in_order(item[0]))
    return {"": single[0]} if single else dict(seeded)


def _in_order(seed: str) -> tuple[int, str]:
    return (int(seed), seed) if seed.isascii() and seed.isdigit() else (0, seed)
