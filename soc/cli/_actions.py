"""A table of actions in, one command each out: its ids, an option for each argument, --as, --json. So the commands do what the UI does."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from soc.cli._shared import open_site, print_json
from soc.cli._table import TableGroup, values_of, with_options
from soc.errors import EXIT_OK, EXIT_USAGE

if TYPE_CHECKING:
    from soc.action import Action
    from soc.app.desk import Outcome, SiteDesk


class Actions(TableGroup):
    """One command for each action on alerts ("alert") or incidents ("incident")."""

    def table(self) -> Mapping[str, Action[Any]]:
        """See TableGroup."""
        from soc.incident.actions import ON_ALERTS, ON_INCIDENTS

        return ON_ALERTS if self.noun == "alert" else ON_INCIDENTS

    def made(self, row: Action[Any]) -> click.Command:
        """See TableGroup."""
        noun = self.noun

        def run(ids: tuple[str, ...], actor: str, config_path: Path, as_json: bool, **given: Any) -> int:
            return _act(noun, row, ids, given, actor, config_path, as_json=as_json)

        what = f"{noun.upper()}_ID{'' if row.one else '...'}"
        ids = click.argument("ids", nargs=1 if row.one else -1, required=True, metavar=what)
        several = f"\n\nSeveral {noun}s at once; - reads ids, or lines of `list --json`, from standard input."
        told = f"{row.about} Takes the role {row.role.value}.{'' if row.one else several}"
        return click.command(row.name, help=told)(ids(with_options(run, row.arguments)))


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
        typed = values_of(action.arguments, given)
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
