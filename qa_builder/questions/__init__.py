"""Sources of questions. A further source is a module here and a line in `open_source`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qa_builder.errors import QbsltError, known, raise_all

if TYPE_CHECKING:
    from qa_builder.config import BuildConfig
    from qa_builder.corpora.base import Corpus
    from qa_builder.questions.base import QuestionSource

SOURCES = ("auto", "none", "column", "annotated")


def open_source(config: BuildConfig, corpus: Corpus) -> QuestionSource:
    """The source of questions that a configuration names."""
    from qa_builder.questions.annotated import Annotated
    from qa_builder.questions.base import NoQuestions
    from qa_builder.questions.column import TableColumn

    kind, _, files = config.questions.partition(":")
    if kind not in SOURCES:
        raise known(kind, SOURCES, "source of questions")
    table = config.corpus == "table"
    if kind == "none" or (kind == "auto" and not table):
        return NoQuestions()
    if kind == "column" and not table:
        raise QbsltError("--questions column is for `build table`.",
                         cure="Pass annotated:FILE or none.")  # fmt: skip
    if kind in ("auto", "column"):
        return TableColumn(optional=kind == "auto")
    named = [f for name in files.split(",") if name for f in _files(Path(name))]
    if not named:
        raise QbsltError("annotated questions need files.", cure="--questions annotated:FILE.")
    raise_all(
        QbsltError("there is no such file of questions.", file=f,
                   cure="--questions annotated:FILE[,FILE...] takes paths.")
        for f in named if not f.is_file()
    )  # fmt: skip
    return Annotated(named, config.format)


def _files(path: Path) -> list[Path]:
    """The file itself, or all the files of a folder."""
    if not path.is_dir():
        return [path]
    return sorted(f for f in path.iterdir() if f.is_file() and not f.name.startswith("."))
