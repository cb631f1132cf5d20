"""Sources of questions. A further source is a module here and a line in `open_source`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from qa_builder.errors import QbsltError, known, raise_all

if TYPE_CHECKING:
    from qa_builder.config import BuildConfig
    from qa_builder.corpora.base import Corpus
    from qa_builder.questions.base import QuestionSource

SOURCES = ("auto", "rules", "llm", "annotated", "column", "none")


def open_source(config: BuildConfig, corpus: Corpus) -> QuestionSource:
    """The source of questions that a configuration names."""
    from qa_builder.questions.annotated import Annotated
    from qa_builder.questions.base import NoQuestions
    from qa_builder.questions.column import TableColumn

    kind, _, files = config.questions.partition(":")
    if kind not in SOURCES:
        raise known(kind, SOURCES, "source of questions")
    if config.llm and kind != "llm" and not (kind == "rules" and set(config.llm) == {"workers"}):
        raise QbsltError("the options of a language model are for --questions llm.",
                         cure="Rules take --workers alone.")  # fmt: skip
    if config.reviewed and kind in ("annotated", "column", "none"):
        raise QbsltError(f"--reviewed is for questions of the rules, not for {kind}.",
                         cure="Leave it, or take --questions rules.")  # fmt: skip
    table = config.corpus == "table"
    if kind == "none":
        return NoQuestions()
    if kind == "rules":
        from qa_builder.corpora.base import Notes
        from qa_builder.questions.languages import installed
        from qa_builder.questions.llm_options import workers_of
        from qa_builder.questions.reviewed import OURS
        from qa_builder.questions.rules import Rules

        return Rules(
            config.seed, config.budget, config.per_clip, workers_of(config.llm),
            sentences=lambda: (batch.text for batch in corpus.read(Notes())),
            files=installed(corpus.info.text_language).files, reviewed=config.reviewed or OURS,
        )  # fmt: skip
    if kind == "column" and not table:
        raise QbsltError("--questions column is for `build table`.",
                         cure="Pass annotated:FILE or none.")  # fmt: skip
    if kind in ("auto", "column"):
        return TableColumn(optional=kind == "auto")
    if kind == "llm":
        return _language_model(config, corpus)
    named = [f for name in files.split(",") if name for f in _files(Path(name))]
    if not named:
        raise QbsltError("annotated questions need files.", cure="--questions annotated:FILE.")
    raise_all(
        QbsltError("there is no such file of questions.", file=f,
                   cure="--questions annotated:FILE[,FILE...] takes paths.")
        for f in named if not f.is_file()
    )  # fmt: skip
    return Annotated(named, config.format)


def _language_model(config: BuildConfig, corpus: Corpus) -> QuestionSource:
    """A language model, and behind it the rules of the corpus's language, where there are some."""
    from qa_builder.corpora.base import Notes
    from qa_builder.questions.languages import languages
    from qa_builder.questions.llm import LanguageModel
    from qa_builder.questions.llm_options import llm_options

    has_rules = corpus.info.text_language in languages()
    behind = replace(config, questions="rules" if has_rules else "none", llm={})
    return LanguageModel(
        llm_options(config.llm), corpus.info, open_source(behind, corpus),
        sentences=lambda: (batch.text for batch in corpus.read(Notes())),
        per_clip=config.per_clip, budget=config.budget,
    )  # fmt: skip


def _files(path: Path) -> list[Path]:
    """The file itself, or all the files of a folder."""
    if not path.is_dir():
        return [path]
    return sorted(f for f in path.iterdir() if f.is_file() and not f.name.startswith("."))
