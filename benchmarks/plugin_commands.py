"""Commands that other packages add to `qbslt-bench`: entry points of the group `qbslt.commands`."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

import click

from qa_builder.console import Commands
from qa_builder.errors import QbsltError

GROUP = "qbslt.commands"


@cache
def _installed() -> dict[str, EntryPoint]:
    return {p.name: p for p in sorted(entry_points(group=GROUP), key=lambda p: (p.name, p.value))}


class PluginCommands(Commands):
    """A group with its own commands and the installed ones; its own win."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_installed()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in _installed():
            return own
        try:
            found = _installed()[cmd_name].load()
        except (ImportError, AttributeError) as e:
            return _broken(cmd_name, f"{type(e).__name__}: {e}")
        return found if isinstance(found, click.Command) else _broken(cmd_name, "is no command")


def _broken(name: str, why: str) -> click.Command:
    """A command that says why the installed one can't be loaded: the others must go on working."""

    @click.command(name, short_help=f"(can't be loaded: {why})",
                   context_settings={"ignore_unknown_options": True})  # fmt: skip
    @click.argument("words", nargs=-1)
    def command(words: tuple[str, ...]) -> None:
        point = _installed()[name]
        raise QbsltError(f"the command {name} ({point.value}) can't be loaded: {why}.",
                         cure="Install what it needs, for ours: pip install 'qbslt[baselines]'.")  # fmt: skip  # noqa: E501

    return command
