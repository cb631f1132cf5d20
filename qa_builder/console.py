"""What both commands share at the terminal: errors as one sentence, progress bars, tables."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from qa_builder.errors import USAGE, QbsltError

if TYPE_CHECKING:
    from rich.console import Console

INTERRUPTED, TERMINATED = 130, 143  # what a shell reports for Ctrl-C, and for SIGTERM

_OS_ERRORS = {
    errno.ENOSPC: "the disk is full. Free some space, or choose another folder.",
    errno.EDQUOT: "the disk quota is used up. Free some space, or choose another folder.",
    errno.EACCES: "permission denied. Change its mode, or choose another file or folder.",
    errno.EPERM: "permission denied. Change its mode, or choose another file or folder.",
    errno.EROFS: "the file system is read-only. Choose another folder.",
    errno.ENOTDIR: "a part of this path is a file, not a folder.",
    errno.EISDIR: "is a folder, a file was expected.",
    errno.ENOENT: "there is no such file or folder.",
    errno.EEXIST: "is a file; a folder was expected.",
}


class Command(click.Command):
    """A command that ends bad input with one sentence and exit code 2 or 1."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["standalone_mode"] = False
        terminated = threading.Event()
        try:
            with _ending_on_sigterm(terminated):
                code = super().main(*args, **kwargs)
        except click.exceptions.NoArgsIsHelpError as e:
            click.echo(e.format_message())
            sys.exit(USAGE)
        except click.ClickException as e:
            e.show()
            sys.exit(e.exit_code)
        except QbsltError as e:
            fail(str(e), e.exit_code)
        except (KeyboardInterrupt, click.Abort) as e:
            fail(*_stopped(e, terminated.is_set()))
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        except MemoryError:
            fail("not enough memory for this input.", USAGE)
        except OSError as e:
            fail(_os_error(e), USAGE)
        except UnicodeEncodeError as e:
            fail(f"{e.object!r} can't be written as text: rename the file or option.", USAGE)
        sys.exit(code if isinstance(code, int) else 0)


class Commands(Command, click.Group):
    """A group of commands, each of which ends so."""


@contextlib.contextmanager
def _ending_on_sigterm(terminated: threading.Event) -> Iterator[None]:
    """Let SIGTERM, which a scheduler sends before it kills, end a command as Ctrl-C does.

    Once, and where nobody else has taken the signal. `terminated` tells it from Ctrl-C: libraries
    raise a KeyboardInterrupt of their own.
    """

    def stop(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a second one ends all at once
        terminated.set()
        raise KeyboardInterrupt

    main = threading.current_thread() is threading.main_thread()
    ours = main and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if ours:
        signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _stopped(e: BaseException, terminated: bool) -> tuple[str, int]:
    """Message and exit code of a command that was stopped; click hides the cause in an Abort."""
    notes = getattr(e.__cause__ if isinstance(e, click.Abort) else e, "__notes__", ())
    said, code = ("terminated", TERMINATED) if terminated else ("interrupted", INTERRUPTED)
    return " ".join([f"{said}; nothing that existed before was changed.", *notes]), code


def _os_error(e: OSError) -> str:
    where = f"{e.filename}: " if e.filename else ""
    said = _OS_ERRORS.get(e.errno or 0)
    return where + (said or f"{e.strerror or e}.")


def fail(message: str, code: int) -> None:
    """Print one error to standard error and leave with an exit code."""
    click.echo(f"error: {message}", err=True)
    sys.exit(code)


def warn(message: str) -> None:
    """Print a warning to standard error."""
    click.echo(f"warning: {message}", err=True)


def console() -> Console:
    """A rich console on standard output: colours on a terminal, plain text when piped."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else 160
    # What stands in square brackets or colons is a name or a sentence, never mark-up.
    return Console(width=width, highlight=False, soft_wrap=False, markup=False, emoji=False)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table: the first column to the left, numbers to the right.

    A terminal gets it by rich, wrapped where it is narrow; a file or a pipe gets plain lines, none
    of them wrapped, without the time that importing rich takes.
    """
    numeric = [
        i > 0 and all(isinstance(r[i], (int, float)) or r[i] in ("", "-") for r in rows)
        for i in range(len(columns))
    ]
    cells = [[f"{v:,}" if isinstance(v, int) else str(v) for v in row] for row in rows]
    if not sys.stdout.isatty():
        for line in _plain_table(title, columns, cells, numeric):
            click.echo(line)
        return
    from rich import box
    from rich.table import Table

    table = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for name, right in zip(columns, numeric, strict=True):
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in cells:
        table.add_row(*row)
    console().print(table)


def _plain_table(
    title: str, columns: Sequence[str], cells: Sequence[Sequence[str]], numeric: Sequence[bool]
) -> Iterator[str]:
    """The lines of a table, two blanks between its columns."""
    lines = [columns, *cells]
    wide = [max(_width(line[i]) for line in lines) for i in range(len(columns))]
    if title:
        yield title
    for n, line in enumerate(lines):
        padded = (
            " " * (w - _width(c)) + c if right else c + " " * (w - _width(c))
            for c, w, right in zip(line, wide, numeric, strict=True)
        )
        yield "  ".join(padded).rstrip()
        if n == 0:
            yield "-" * (sum(wide) + 2 * (len(wide) - 1))
    yield ""


def _width(text: str) -> int:
    """How many columns of a terminal a text takes: Chinese characters take two."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )


@contextlib.contextmanager
def progress(
    what: str, total: int | None, unit: str = "rows", rate: str = ""
) -> Iterator[Callable[..., None]]:
    """A progress bar on standard error, quiet when that is no terminal; yields `advance(n)`.

    With a `rate` such as "frames/s" it shows that, too, of the amounts in `advance(n, amount)`.
    """
    if not sys.stderr.isatty():
        yield lambda n, amount=0: None
        return
    import time

    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )  # fmt: skip

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
               TextColumn(unit), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())  # fmt: skip  # noqa: E501
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total, rate="")
        start, amounts = time.monotonic(), [0]

        def advance(n: int, amount: int = 0) -> None:
            amounts[0] += amount
            said = f"{amounts[0] / max(time.monotonic() - start, 1e-9):,.0f} {rate}" if rate else ""
            bar.update(task, advance=n, rate=said)

        yield advance
