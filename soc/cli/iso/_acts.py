"""A table of soc.app.tracking.acts in, one command for each act out: an option for each argument, --as, --json."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from soc.cli._shared import actor_option, config_option, json_option, local, open_site, print_json, print_text, show

if TYPE_CHECKING:
    from soc.action import Argument
    from soc.app.site import Site
    from soc.app.tracking import Act


class Acts(click.Group):
    """The commands that are written out, and one for each act on a kind of record, loaded when it is asked for."""

    def __init__(self, *arguments: Any, noun: str, **options: Any) -> None:
        """`noun`: as in soc.app.tracking.acts."""
        super().__init__(*arguments, **options)
        self._noun = noun

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Those that are written out, then the acts in the order of the table."""
        return [*super().list_commands(ctx), *_table(self._noun)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, or None."""
        written = super().get_command(ctx, cmd_name)
        act = _table(self._noun).get(cmd_name)
        return written or (None if act is None else _command(act))


def _table(noun: str) -> Mapping[str, Act]:
    from soc.app.tracking.acts import ACTS

    return ACTS[noun]


def _command(act: Act) -> click.Command:
    def run(record_id: str, actor: str, config_path: Path, as_json: bool, **given: Any) -> None:
        from soc.app.desk import actor_name
        from soc.app.tracking import Tracking

        with open_site(config_path) as site:
            values = {argument.name: given[_parameter(argument)] for argument in act.arguments}
            entry = Tracking(site, actor_name(actor)).act(act, record_id or "", values)
            told = {"id": entry.fact.body["id"], "kind": entry.fact.kind, "seq": entry.seq, "actor": entry.fact.actor}
            if as_json:
                print_json(told)
            else:
                print_text(f"{told['id']}: {act.name}, entry {entry.seq} of the ledger")

    made: Callable[..., Any] = run
    for option in (json_option, config_option, actor_option, *map(_option, reversed(act.arguments))):
        made = option(made)
    name = click.option("--id", "record_id", help="Its id (default: the next free one).") if act.new else None
    made = (name or click.argument("record_id", metavar="ID"))(made)
    return click.command(act.name, help=f"{act.about} Takes {act.takes}.")(made)


def _option(argument: Argument) -> Callable[..., Any]:
    from soc.action import Kind

    kind: Any = click.Choice([*map(str, argument.choices)]) if argument.choices else str
    if argument.kind is Kind.FILE:
        kind = click.Path(exists=True, dir_okay=False)
    return click.option(
        f"--{argument.name}",
        _parameter(argument),
        required=argument.required,
        multiple=argument.many,
        type=kind,
        help=argument.about + (" Repeat for several." if argument.many else ""),
    )


def _parameter(argument: Argument) -> str:
    return argument.name.replace("-", "_")


def show_record(record: Any, *, as_json: bool, site: Site) -> None:
    """One record whole: as JSON, or its fields a line each."""
    import msgspec

    plain = msgspec.to_builtins(record, builtin_types=(datetime,))
    if as_json:
        print_json(plain)
        return
    for line in _lines(plain, site):
        print_text(line)


def show_records(
    records: Iterable[tuple[Mapping[str, Any], Any]], columns: Sequence[str], *, as_json: bool, site: Site, empty: str
) -> None:
    """Records as a table of their rows, or whole as JSON lines with the row's columns beside them."""
    import msgspec

    if as_json:
        for row, record in records:
            print_json({**msgspec.to_builtins(record), **row})
        return
    zone = site.config.site.zone
    rows = ({k: local(v, zone)[:10] if isinstance(v, datetime) else v for k, v in row.items()} for row, _ in records)
    show(rows, columns, as_json=False, empty=empty)


def _lines(plain: Any, site: Site, depth: int = 0) -> Iterable[str]:
    pad = "  " * depth
    for name, value in plain.items() if isinstance(plain, dict) else enumerate(plain, 1):
        if isinstance(value, dict | list | tuple):
            if value:
                yield f"{pad}{name}:"
                yield from _lines(value, site, depth + 1)
        elif value not in (None, ""):
            said = local(value, site.config.site.zone) if isinstance(value, datetime) else value
            yield f"{pad}{name}: {said}"
