"""The command line: one module a command in this folder, each with its `command`. Thin: no decisions here, and no heavy import at the top.

A module is loaded when its command is called or listed; what costs (stores, rules, Elasticsearch, Textual) it imports inside its functions,
so that `soc --help` stays quick (tests/test_rooms.py holds it).
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import cache

import click


@cache
def _names() -> tuple[str, ...]:
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")))


class _Folder(click.Group):
    """A group whose commands are the modules of this folder; a module that begins with `_` is none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_names())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command = importlib.import_module(f"{__name__}.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest command where there is none of that name."""
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], known, 1, 0.6)
            hint = f'; did you mean "{near[0]}"?' if near else f" (there are: {', '.join(known)})"
            raise click.UsageError(f'no such command "{args[0]}"{hint}', ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=_Folder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="soc-toolkit", prog_name="soc")
def soc() -> None:
    """A security operations centre: collect, detect, triage, respond, and show an auditor the evidence.

    Start with `soc demo`, then `soc init DIR`. Every command that prints data takes --json.
    Exit codes: 0 ok, 1 findings, 2 usage, configuration or rule error, 3 a service is unreachable, 130 interrupted.
    """
