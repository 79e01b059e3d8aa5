"""`soc iso measures list|run|record`: what is counted, counting it now, and what a person counted."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from soc.cli._group import Group
from soc.cli._shared import actor_option, config_option, json_option, local, open_site, show
from soc.cli.iso._period import period, since_option, until_option
from soc.errors import SocError

if TYPE_CHECKING:
    from iso27001.language import Language
    from iso27001.status import MeasureState
    from soc.app.site import Site


@click.group(cls=Group, short_help="Measures: formula, target, owner, the last sample.")
def command() -> None:
    """The measures that the indicators of controls stand on."""


@command.command("list")
@click.argument("measure_ids", nargs=-1)
@since_option
@until_option
@config_option
@json_option
def list_(
    measure_ids: tuple[str, ...], since: datetime | None, until: datetime | None, config_path: Path, as_json: bool
) -> None:
    """Each measure with its indicator, last values, pass line, owner and freshness; of these ids, or all."""
    from iso27001.language import Language
    from iso27001.measures import measure
    from soc.app.assurance import current_status

    wanted = {measure(each).id for each in measure_ids}
    with open_site(config_path) as site:
        language = Language(site.config.site.language)
        states = [
            state
            for state in current_status(site, *period(site, since, until)).measures
            if not wanted or state.measure.id in wanted
        ]
        rows = [_row(site, state, language, as_json=as_json) for state in states]
    show(rows, ["measure", "indicator", "as_of", "values", "target", "owner", "reason", "title"], as_json=as_json)


@command.command("run")
@config_option
def run(config_path: Path) -> None:
    """Take a sample of every measure that can be counted, and link incidents to their controls. `soc run` does it when each is due."""
    from soc.app.accounting import sign
    from soc.app.measuring import measure_all

    with open_site(config_path) as site:
        count, _ = measure_all(site)
        sign(site)
        click.echo(f"{count} new facts in the ledger")


@command.command("record")
@click.argument("measure_id")
@click.option("--number", "numbers", multiple=True, required=True, metavar="NAME=N", help="What was counted; repeat.")
@click.option("--from", "origin", required=True, help="Where the numbers are from: a list, a register, a ticket.")
@click.option(
    "--population", type=click.IntRange(0), help="How many things were looked at (default: the largest number)."
)
@since_option
@until_option
@actor_option
@config_option
def record(
    measure_id: str,
    numbers: tuple[str, ...],
    origin: str,
    population: int | None,
    since: datetime | None,
    until: datetime | None,
    actor: str,
    config_path: Path,
) -> None:
    """Record what a person counted and no machine sees; it stands, with what machines count, as long as the measure is fresh.

    The period is the last 24 hours, or --since and --until.
    """
    from iso27001.counting import Count, told_by
    from iso27001.register import By
    from soc.action import Role
    from soc.app.desk import actor_name
    from soc.app.tracking import Tracking

    counted = dict(_number(each) for each in numbers)
    looked_at = max(map(int, counted.values())) if population is None else population
    with open_site(config_path) as site:
        end = until.replace(tzinfo=site.config.site.zone) if until else site.clock()
        start = since.replace(tzinfo=site.config.site.zone) if since else end - timedelta(hours=24)
        tracking = Tracking(site, actor_name(actor))

        def told(by: By) -> Any:
            return told_by(
                by.actor, Count(measure_id, counted, looked_at, origin), since=start, until=end, time=by.time
            )

        tracking.allow("measures record", [measure_id], "the role analyst", lambda role: role.may(Role.ANALYST))
        tracking.write(told)
        click.echo(f"{measure_id}: recorded")


def _number(text: str) -> tuple[str, float | int]:
    name, _, number = text.partition("=")
    try:
        return name, int(number) if number.lstrip("-").isdigit() else float(number)
    except ValueError as error:
        raise SocError(f'"{text}" is not NAME=NUMBER') from error


def _row(site: Site, state: MeasureState, language: Language, *, as_json: bool) -> dict[str, Any]:
    measure, newest = state.measure, state.newest
    values = [
        f"{value.name} {value.text(newest.values[value.name], language)}"
        for value in measure.values
        if newest is not None and value.name in newest.values
    ]
    row: dict[str, Any] = {
        "measure": measure.id,
        "title": measure.title(language),
        "indicator": state.indicator.value,
        "as_of": newest.until if newest and as_json else local(newest.until, site.config.site.zone) if newest else None,
        "values": dict(newest.values) if newest and as_json else "; ".join(values),
        "target": measure.target(language),
        "owner": site.config.iso.owners.get(measure.id, measure.owner),
        "reason": newest.reason if newest else "",
    }
    if not as_json:
        return row
    return {
        **row,
        "controls": measure.controls,
        "formula": measure.formula,
        "population": measure.population,
        "collect": measure.collect,
        "stale_after_s": None if measure.stale_after is None else int(measure.stale_after.total_seconds()),
        "effectiveness": measure.effectiveness,
        "on_fail": measure.on_fail,
        "basis": measure.basis,
        "numbers": dict(newest.numbers) if newest else {},
        "counted": newest.population if newest else None,
        "query": newest.query if newest else "",
        "stopped": newest.stopped if newest else (),
        "computed_by": newest.computed_by if newest else "",
        "result_hash": newest.result_hash if newest else "",
        "seq": newest.seq if newest else None,
    }
