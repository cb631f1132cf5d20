"""Official and own corpora: readers that give clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from qa_builder.errors import QbsltError, known

if TYPE_CHECKING:
    from qa_builder.config import BuildConfig
    from qa_builder.corpora.base import Corpus, CorpusInfo

VARIABLES = {"phoenix": "PHOENIX_ROOT", "csl-daily": "CSL_DAILY_ROOT"}


def open_corpus(config: BuildConfig, root: str | None) -> Corpus:
    """The official corpus that a configuration names, in `root` or where its variable says."""
    from qa_builder.corpora.base import resolve_root

    info, open_ = _reader(config)
    toy = f"build {config.corpus} --root toy-corpus/{config.corpus}"
    return open_(resolve_root(root, VARIABLES[config.corpus], info, toy))


def _reader(config: BuildConfig) -> tuple[CorpusInfo, Callable[[Path], Corpus]]:
    if config.corpus == "phoenix":
        from qa_builder.corpora import phoenix

        return phoenix.INFO, phoenix.Phoenix
    if config.corpus == "csl-daily":
        from qa_builder.corpora import csl_daily

        return csl_daily.INFO, lambda root: csl_daily.CslDaily(root, config.annotations)
    raise known(config.corpus, VARIABLES, "official corpus")


def open_labels(root: Path, official: str | None) -> Corpus:
    """Label files, compared with an official corpus given as `phoenix:DIR` or `csl-daily:DIR`."""
    from qa_builder.config import BuildConfig
    from qa_builder.corpora.labels import Labels

    if not root.is_dir():
        raise QbsltError("--root names no folder.", file=root,
                         cure="It is the folder that has the label files in it.")  # fmt: skip
    if official is None:
        return Labels(root)
    name, colon, folder = official.partition(":")
    if not colon:
        raise QbsltError(f"--official {official!r} is no NAME:ROOT.",
                         cure="For instance phoenix:/data/phoenix.")  # fmt: skip
    return Labels(root, open_corpus(BuildConfig(corpus=name), folder))


def open_table(config: BuildConfig, files: Sequence[Path]) -> Corpus:
    """The user's own corpus in table files."""
    from qa_builder.corpora.table import INFO, Table

    language = config.language
    if language is None:
        raise QbsltError("the language of the sentences is not given.",
                         cure="Pass its ISO 639 code, for instance --language de.")  # fmt: skip
    if len(language) not in (2, 3) or not language.isalpha():
        raise QbsltError(f"--language is {language!r}, expected an ISO 639 code.",
                         cure="For instance --language de.")  # fmt: skip
    if config.delimiter is not None and (
        len(config.delimiter) != 1 or config.delimiter in '"\r\n\0'
    ):
        raise QbsltError(f"--delimiter is {config.delimiter!r}, expected one character.",
                         cure="For a tab: --delimiter $'\\t', or name the file .tsv.")  # fmt: skip
    info = replace(
        INFO, text_language=language, sign_language=config.sign_language,
        fps=_fraction(config.fps), licence=config.licence or INFO.licence,
    )  # fmt: skip
    return Table(files, info, config.columns, config.split, config.delimiter)


def _fraction(fps: str | None) -> str | None:
    if fps is None:
        return None
    try:
        value = Fraction(fps)
    except (ValueError, ZeroDivisionError):
        value = Fraction(0)
    if value <= 0:
        raise QbsltError(f"--fps is {fps!r}, expected a positive number.",
                         cure="For instance 25 or 30000/1001.")  # fmt: skip
    return f"{value.numerator}/{value.denominator}"
