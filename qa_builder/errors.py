"""Errors that a user sees: one clear sentence with the place and the cure, and an exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

USAGE, FINDING = 2, 1


def place(file: str | Path | None, line: int | None = None, id: str | None = None) -> str:
    """Format where something was seen, as ``file:line: [id] ``; empty when nothing is known."""
    head = "" if file is None else str(file)
    if line is not None:
        head = f"{head}:{line}" if head else f"line {line}"
    head = f"{head}: " if head else ""
    return head + (f"[{id}] " if id else "")


class QbsltError(Exception):
    """Bad usage or bad input: the command stops with exit code 2 and has changed nothing."""

    exit_code = USAGE

    def __init__(
        self,
        message: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        id: str | None = None,
        cure: str | None = None,
    ) -> None:
        self.message, self.file, self.line, self.id, self.cure = message, file, line, id, cure
        super().__init__(place(file, line, id) + message + (f" {cure}" if cure else ""))


class FindingError(QbsltError):
    """A check found a fault in data that could be read: exit code 1."""

    exit_code = FINDING


class ErrorList(QbsltError):
    """All the errors of an input at once, instead of one at each run."""

    SHOWN = 20

    def __init__(self, errors: Sequence[QbsltError]) -> None:
        lines = [str(e) for e in errors[: self.SHOWN]]
        if len(errors) > self.SHOWN:
            lines.append(f"... and {len(errors) - self.SHOWN:,} more of the same file or files")
        self.errors = list(errors)
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[type[ErrorList], tuple[list[QbsltError]]]:
        return ErrorList, (self.errors,)  # so that it can be raised in another process


def raise_all(errors: Iterable[QbsltError]) -> None:
    """Raise nothing, the one error, or an `ErrorList` of them."""
    found = list(errors)
    if len(found) == 1:
        raise found[0]
    if found:
        raise ErrorList(found)


def counted(n: int, noun: str, verb: str = "") -> str:
    """A number, what it counts, and what they do: "1 clip has", "2,000 clips have"."""
    noun = noun if n == 1 else f"{noun}s"
    does = _ONE_DOES.get(verb, f"{verb}s") if n == 1 and verb else verb
    return " ".join(filter(None, (f"{n:,}", noun, does)))


_ONE_DOES = {"are": "is", "were": "was", "have": "has"}


def known(value: str, choices: Iterable[str], what: str) -> QbsltError:
    """An error for a wrong name that tells the right ones, and the nearest where one is near."""
    from difflib import get_close_matches

    names = sorted(choices)
    near = get_close_matches(value, names, n=1, cutoff=0.75)
    return QbsltError(
        f"unknown {what} {value!r}; known are: {', '.join(names)}.",
        cure=f"Did you mean {near[0]!r}?" if near else None,
    )
