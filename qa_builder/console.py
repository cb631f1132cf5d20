"""What both commands share at the terminal: errors as one sentence, progress bars, tables."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from qa_builder.errors import USAGE, QbsltError

if TYPE_CHECKING:
    from rich.console import Console

INTERRUPTED = 130  # what a shell reports for Ctrl-C

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


class Commands(click.Group):
    """A click group whose commands end bad input with one sentence and exit code 2 or 1."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["standalone_mode"] = False
        try:
            code = super().main(*args, **kwargs)
        except click.exceptions.NoArgsIsHelpError as e:
            click.echo(e.format_message())
            sys.exit(USAGE)
        except click.ClickException as e:
            e.show()
            sys.exit(e.exit_code)
        except QbsltError as e:
            fail(str(e), e.exit_code)
        except (KeyboardInterrupt, click.Abort):
            fail("interrupted; nothing that existed before was changed.", INTERRUPTED)
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
    """Print a table: the first column to the left, numbers to the right."""
    from rich import box
    from rich.table import Table

    table = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for i, name in enumerate(columns):
        numeric = i > 0 and all(isinstance(r[i], (int, float)) or r[i] in ("", "-") for r in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*[f"{v:,}" if isinstance(v, int) else str(v) for v in row])
    console().print(table)


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
