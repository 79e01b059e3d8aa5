"""A click group whose commands are the modules of a package, each with its `command`; a module is loaded when it is called or listed.

A command that Python would take for a word of its own has a module with an underscore behind: `import` is `import_.py`; a hyphen is an
underscore there.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import cache
from typing import Any

import click

from soc.cli._group import Group


@cache
def _modules(package: str) -> dict[str, str]:
    """Command -> module, sorted by command."""
    path = importlib.import_module(package).__path__
    names = sorted(m.name for m in pkgutil.iter_modules(path) if not m.name.startswith("_"))
    return {name.removesuffix("_").replace("_", "-"): name for name in names}


class Folder(Group):
    """The commands of a package; a module that begins with `_` is none."""

    def __init__(self, *arguments: Any, package: str, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._package = package

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_modules(self._package))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        module = _modules(self._package).get(cmd_name)
        if module is None:
            return None
        command = importlib.import_module(f"{self._package}.{module}").command
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
