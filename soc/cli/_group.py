"""A click group that lists its commands with their first sentence whole: click cuts it where a line ends."""

from __future__ import annotations

import click

_WHOLE = 1_000
"""Characters; longer than any first sentence."""


class Group(click.Group):
    """What every group of commands is."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See click.Group."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.get_short_help_str(_WHOLE)) for name, each in commands if each is not None])
