"""The languages that have rules: ours, and those of installed packages (docs/add-a-language.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, NamedTuple

from qa_builder.errors import QbsltError, known
from qa_builder.questions.candidates import Language

GROUP = "qbslt.languages"
VERSIONS = {"de": "2", "zh": "6"}  # of our rules: a change of the questions changes it


def _german() -> Language:
    from qa_builder.questions.german import German

    return German()


def _chinese() -> Language:
    from qa_builder.questions.chinese import Chinese

    return Chinese()


LANGUAGES: dict[str, Callable[[], Language]] = {"de": _german, "zh": _chinese}


class Installed(NamedTuple):
    """The rules of a language, and whose they are."""

    language: Language
    version: str
    package: str = ""  # empty: ours
    files: Sequence[Path] = ()  # of a package: what decides its questions

    @property
    def generator(self) -> str:
        """What the provenance of a question calls them: "rules-de", "rules-en (package)"."""
        return f"rules-{self.language.code}" + (f" ({self.package})" if self.package else "")


def languages() -> list[str]:
    """The codes of all languages that have rules, sorted."""
    return sorted({*LANGUAGES, *(p.name for p in entry_points(group=GROUP))})


@cache
def installed(code: str) -> Installed:
    """The rules of a language by its ISO 639-1 code; those of a package go before ours.

    Raises QbsltError where there are none, two packages have some, or a package's are not sound.
    """
    points = {(p.value, _package(p)): p for p in entry_points(group=GROUP, name=code)}
    if len(points) > 1:
        names = ", ".join(sorted(package for _, package in points))
        raise QbsltError(f"several packages have rules for the language {code!r}: {names}.",
                         cure="Uninstall all but one.")  # fmt: skip
    if points:
        return _of_package(*points.values())
    if code not in LANGUAGES:
        raise known(code, languages(), "language of rules")
    return Installed(LANGUAGES[code](), VERSIONS[code])


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


def _of_package(point: EntryPoint) -> Installed:
    package = _package(point)
    what = f"the rules for {point.name!r} of the package {package} ({point.value})"
    try:
        rules: Any = point.load()()
    except (ImportError, AttributeError, TypeError) as e:
        raise QbsltError(f"{what} can't be loaded: {e}.", cure=_CURE) from None
    if getattr(rules, "code", None) != point.name or not callable(
        getattr(rules, "candidates", None)
    ):
        raise QbsltError(f"{what} lack code = {point.name!r} or candidates().", cure=_CURE)
    files = [Path(f) for f in getattr(rules, "files", ())]
    if not files or not all(f.is_file() for f in files):
        raise QbsltError(f"{what} lack files: the paths of their module and lexicons.", cure=_CURE)
    return Installed(rules, point.dist.version if point.dist else "", package, files)


_CURE = "Mend or uninstall the package; docs/add-a-language.md has a complete one."
