"""What groups have in common whose commands are made of a table: looked up when asked for, an option for each argument of the table."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from soc.cli._group import Group
from soc.cli._shared import actor_option, config_option, json_option

if TYPE_CHECKING:
    from soc.action import Argument


class TableGroup(Group):
    """The commands that are written out, and one for each row of a table, which is loaded when it is asked for."""

    def __init__(self, *arguments: Any, noun: str, **options: Any) -> None:
        """`noun`: what the table is about."""
        super().__init__(*arguments, **options)
        self.noun = noun

    @abstractmethod
    def table(self) -> Mapping[str, Any]:
        """The rows by the names of their commands."""

    @abstractmethod
    def made(self, row: Any) -> click.Command:
        """The command of a row."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Those that are written out, then the rows in the order of the table."""
        return [*super().list_commands(ctx), *self.table()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, or None."""
        written = super().get_command(ctx, cmd_name)
        row = self.table().get(cmd_name)
        return written or (None if row is None else self.made(row))


def with_options(run: Callable[..., Any], arguments: Iterable[Argument]) -> Callable[..., Any]:
    """A command's function with an option for each argument, --as, --config and --json."""
    for option in (json_option, config_option, actor_option, *map(_option, reversed([*arguments]))):
        run = option(run)
    return run


def values_of(arguments: Iterable[Argument], given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, by the names of the arguments."""
    return {argument.name: given[_parameter(argument)] for argument in arguments}


def _option(argument: Argument) -> Callable[..., Any]:
    from soc.action import Kind

    kind: Any = click.Choice([*map(str, argument.choices)]) if argument.choices else str
    if argument.kind is Kind.FILE:
        kind = click.Path(exists=True, dir_okay=False)
    flag = argument.kind is Kind.FLAG
    return click.option(
        f"--{argument.name}",
        _parameter(argument),
        required=argument.required,
        multiple=argument.many,
        is_flag=flag,
        type=None if flag else kind,
        help=argument.about + (" Repeat for several." if argument.many else ""),
    )


def _parameter(argument: Argument) -> str:
    return argument.name.replace("-", "_")
