"""A table of actions in, one command each out: its ids, an option for each argument, --as, --json. So the commands do what the UI does."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from soc.cli._shared import actor_option, config_option, json_option, open_site, print_json
from soc.errors import EXIT_OK, EXIT_USAGE

if TYPE_CHECKING:
    from soc.action import Action, Argument
    from soc.app.desk import Outcome, SiteDesk


class Actions(click.Group):
    """The commands of a group that are written out, and one for each action of a table, which is loaded when it is asked for."""

    def __init__(self, *arguments: Any, noun: str, **options: Any) -> None:
        """`noun`: "alert" or "incident"."""
        super().__init__(*arguments, **options)
        self._noun = noun

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Those that are written out, then the actions in the order of the table."""
        return [*super().list_commands(ctx), *_table(self._noun)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, or None."""
        written = super().get_command(ctx, cmd_name)
        action = _table(self._noun).get(cmd_name)
        return written or (None if action is None else _command(self._noun, action))


def _table(noun: str) -> Mapping[str, Action[Any]]:
    from soc.incident.actions import ON_ALERTS, ON_INCIDENTS

    return ON_ALERTS if noun == "alert" else ON_INCIDENTS


def _command(noun: str, action: Action[Any]) -> click.Command:
    def run(ids: tuple[str, ...], actor: str, config_path: Path, as_json: bool, **given: Any) -> int:
        return _act(noun, action, ids, given, actor, config_path, as_json=as_json)

    what = f"{noun.upper()}_ID{'' if action.one else '...'}"
    made: Callable[..., Any] = run
    for option in (json_option, config_option, actor_option, *map(_option, reversed(action.arguments))):
        made = option(made)
    made = click.argument("ids", nargs=1 if action.one else -1, required=True, metavar=what)(made)
    several = (
        ""
        if action.one
        else f"\n\nSeveral {noun}s at once; - reads ids, or lines of `list --json`, from standard input."
    )
    return click.command(action.name, help=f"{action.about} Takes the role {action.role.value}.{several}")(made)


def _option(argument: Argument) -> Callable[..., Any]:
    from soc.action import Kind

    kind: Any = click.Choice([*map(str, argument.choices)]) if argument.choices else str
    if argument.kind is Kind.FILE:
        kind = click.Path(exists=True, dir_okay=False)
    return click.option(
        f"--{argument.name}",
        argument.name.replace("-", "_"),
        required=argument.required,
        multiple=argument.many,
        is_flag=argument.kind is Kind.FLAG,
        type=None if argument.kind is Kind.FLAG else kind,
        help=argument.about,
    )


def _act(
    noun: str,
    action: Action[Any],
    ids: Sequence[str] | str,
    given: Mapping[str, Any],
    actor: str,
    config_path: Path,
    *,
    as_json: bool,
) -> int:
    from soc.app.desk import SiteDesk, actor_name

    named = [ids] if isinstance(ids, str) else list(ids)
    with open_site(config_path) as site:
        site.catch_up()
        desk = SiteDesk(site, actor_name(actor))
        meant = _meant(desk, noun, named)
        typed = {argument.name: given[argument.name.replace("-", "_")] for argument in action.arguments}
        wanted = {name: value for name, value in typed.items() if value is not None and value != ()}
        do = desk.on_alerts if noun == "alert" else desk.on_incidents
        outcome = do(action.name, meant, wanted)
    return _tell(action.name, noun, meant, outcome, as_json=as_json)


def _meant(desk: SiteDesk, noun: str, named: Sequence[str]) -> list[str]:
    """The ids in full, each once; "-" stands for those of standard input."""
    given = [each for name in named for each in (_from_stdin() if name == "-" else [name])]
    look = desk.alert if noun == "alert" else desk.incident
    known = {each.id for each in (desk.alerts(given) if noun == "alert" else desk.incidents(given))}
    return list(dict.fromkeys(each if each in known else look(each).id for each in given))


def _from_stdin() -> list[str]:
    lines = [line.strip() for line in sys.stdin if line.strip()]
    return [str(json.loads(line)["id"]) if line.startswith("{") else line for line in lines]


def _tell(name: str, noun: str, ids: Sequence[str], outcome: Outcome, *, as_json: bool) -> int:
    if as_json:
        for each in ids:
            done = each in outcome.done
            print_json({"id": each, "action": name, "done": done, "why": "" if done else outcome.refused.get(each, "")})
    else:
        plural = "" if len(ids) == 1 else "s"
        click.echo(f"{name}: {len(outcome.done)} of {len(ids)} {noun}{plural} {' '.join(outcome.done[:20])}".rstrip())
        for each, why in outcome.refused.items():
            click.echo(f"soc: {each}: {why}", err=True)
    return EXIT_USAGE if outcome.refused else EXIT_OK
