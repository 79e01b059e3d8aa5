"""`soc rules explain`: why a rule fires or does not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from soc.cli._shared import config_option, json_option, print_json
from soc.errors import EXIT_FINDINGS, EXIT_OK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from soc.app.explaining import Explained
    from soc.app.received import Received
    from soc.app.site import Site


@click.command()
@click.argument("rule")
@click.option(
    "--event",
    "event",
    metavar="LINE|FILE|ID|-",
    help="A raw line, a file of them, an event's id, or - for standard input.",
)
@click.option("--alert", "alert_id", help="An alert, on whose events to explain the rule.")
@click.option("--format", "log_format", default="auto", show_default=True, help="Format of a line or file.")
@config_option
@json_option
def command(
    rule: str, event: str | None, alert_id: str | None, log_format: str, config_path: Path, as_json: bool
) -> int:
    """Why a rule fires on an event, or does not: parsed, enriched, read by the rule, every leaf with its value, every filter.

    RULE: an id or the start of one, a name, a title, or a rule file. Exit code 0 where the rule fires, 1 where it does not.
    """
    if (event is None) == (alert_id is None):
        raise click.UsageError("name the event: --event LINE|FILE|ID|-, or --alert ID")
    from soc.app import explaining
    from soc.app.hunting import site_or_default
    from soc.app.rule_testing import content

    file = [Path(rule)] if Path(rule).is_file() else []
    with site_or_default(config_path, file) as site:
        loaded = content(site, file)
        meant = explaining.find_rule(loaded, rule)
        records = _records(site, event, alert_id, log_format)
        told = list(explaining.explain(site, loaded, meant, records))
        for explained in told:
            _show(explained, site.config.site.zone, as_json=as_json)
    if len(told) < len(records):
        some = f"{len(told)} of {len(records):,} records are explained: those that the rule fires on, or the first"
        click.echo(some, err=True)
    return EXIT_OK if any(explained.fires for explained in told) else EXIT_FINDINGS


def _records(site: Site, event: str | None, alert_id: str | None, log_format: str) -> Sequence[Received]:
    from soc.app import received

    if alert_id is None:
        return list(received.given(site, event or "", log_format))
    from soc.app.desk import SiteDesk, actor_name

    site.catch_up()
    return list(received.of_alert(site, SiteDesk(site, actor_name()).alert(alert_id)))


def _show(explained: Explained, zone: ZoneInfo, *, as_json: bool) -> None:
    from soc.cli.rules import _explained

    if not as_json:
        _explained.show(explained, zone)
        return
    import msgspec

    account, received = explained.account, explained.received
    print_json(
        {
            "fires": explained.fires,
            "verdict": _explained.verdict(explained, zone),
            "event.original": received.original,
            "place": received.place,
            "parsed": msgspec.to_builtins(received.read),
            "event": received.event.document() if received.event else None,
            "enriched": dict(received.added),
            "account": msgspec.json.decode(msgspec.json.encode(account)),  # an endless figure is null, which JSON has
            "silenced_by": list(explained.silenced_by),
            "then": msgspec.to_builtins(explained.then),
        }
    )
