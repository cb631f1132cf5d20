"""Options of a model among those of a command: `--gloss ctc` is `gloss=ctc`. (Ours.)

A command that takes KEY=VALUE words lets unknown options through to them, with click's
`ignore_unknown_options`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import click

UNKNOWN_TO_WORDS = {"ignore_unknown_options": True}
"""Context settings of such a command."""
_OPTION = re.compile(r"--([A-Za-z][A-Za-z0-9_-]*)(=.*)?", re.S)
_PAIR = re.compile(r"[A-Za-z][A-Za-z0-9_]*=", re.S)


def _as_words(ctx: click.Context, _: click.Parameter, words: Sequence[str]) -> tuple[str, ...]:
    """KEY=VALUE words of such words and `--key value`, `--key=value`, or `--key` for key=true.

    Raises click.NoSuchOption for what but for an "s" or "_" is an option of the command.
    """
    own = {_plain(name): name for p in ctx.command.params for name in p.opts}
    found: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if (option := _OPTION.fullmatch(word)) is None:
            found.append(word)
            continue
        if near := own.get(_plain(option[1])):
            raise click.NoSuchOption(f"--{option[1]}", possibilities=[near])
        value = option[2]
        if value is None:
            alone = not rest or _OPTION.fullmatch(rest[0]) or _PAIR.match(rest[0])
            value = "=true" if alone else f"={rest.pop(0)}"
        found.append(option[1].replace("-", "_") + value)
    return tuple(found)


def _plain(name: str) -> str:
    """--predict_only is meant as --predict-only, --seeds as --seed."""
    return name.strip("-").replace("_", "-").removesuffix("s")


key_value_words = click.argument("words", nargs=-1, metavar="[KEY=VALUE]...", callback=_as_words)
"""The argument of such a command."""
