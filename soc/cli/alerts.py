"""`soc alerts ...`: lists and looks; what is done to alerts is a command for each action of their table (soc.cli._actions)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from soc.cli._actions import Actions
from soc.cli._shared import config_option, json_option, local, open_site, print_json, print_text, show

if TYPE_CHECKING:
    from soc.alert import Alert
    from soc.app.desk import SiteDesk
    from soc.app.site import Site

STATUSES = ("new", "acknowledged", "closed")
LEVELS = ("informational", "low", "medium", "high", "critical")


@click.group(cls=Actions, noun="alert")
def command() -> None:
    """Triage alerts: list, look, decide."""


@command.command("list")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(STATUSES),
    help="Only these (default: all that are not closed).",
)
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@click.option("--level", "levels", multiple=True, type=click.Choice(LEVELS), help="Only these levels.")
@click.option("--text", default="", help="Words that title, entity or system contain.")
@click.option("--assignee", default="", help="Only those of this analyst.")
@click.option("--rule", "rule_id", default="", help="Only those of this rule (its id).")
@click.option("--asleep", is_flag=True, help="Also those that sleep.")
@click.option("--suppressed", is_flag=True, help="Also those that are suppressed.")
@click.option("--limit", default=100, show_default=True, help="At most so many.")
@config_option
@json_option
def list_alerts(
    statuses: tuple[str, ...],
    everything: bool,
    levels: tuple[str, ...],
    text: str,
    assignee: str,
    rule_id: str,
    asleep: bool,
    suppressed: bool,
    limit: int,
    config_path: Path,
    as_json: bool,
) -> None:
    """Alerts in the order of triage: highest risk first, then newest."""
    from soc.alert import AlertStatus
    from soc.detect import Level
    from soc.store import AlertQuery, Facet, Having

    wanted = frozenset(map(AlertStatus, statuses)) or (
        frozenset() if everything else frozenset({AlertStatus.NEW, AlertStatus.ACKNOWLEDGED})
    )
    with open_site(config_path) as site:
        desk = _desk(site)
        given = ((Facet.ASSIGNEE, assignee), (Facet.RULE, rule_id))
        having = tuple(Having(facet, value) for facet, value in given if value)
        whole = AlertQuery(wanted, frozenset(map(Level, levels)), text, having=having)
        awake_at, only = None if asleep else desk.now(), None if suppressed else False
        ids = desk.alert_ids(replace(whole, awake_at=awake_at, suppressed=only))
        rows = [_row(alert, site, as_json=as_json) for alert in desk.alerts(ids[:limit])]
        columns = ["id", "last_seen", "level", "risk", "status", "count", "title", "entity", "system"]
        show(
            rows,
            columns,
            as_json=as_json,
            empty="no alerts match; `soc alerts list --all` shows closed ones, `soc run` collects",
        )
        hidden = desk.alert_count(whole) - len(ids)
        if hidden:
            click.echo(f"{hidden} more sleep or are suppressed; --asleep and --suppressed show them", err=True)
        if len(ids) > limit and not as_json:
            click.echo(f"{limit} of {len(ids)} shown; --limit shows more", err=True)


@command.command("entities")
@click.option("--limit", default=20, show_default=True, help="At most so many.")
@config_option
@json_option
def list_entities(limit: int, config_path: Path, as_json: bool) -> None:
    """Who and what is at risk now: addresses, accounts, hosts by the alerts that name them, which weigh less with time."""
    import msgspec

    from soc.alert.entity_risk import HALF_LIVES, entity_risks
    from soc.store import AlertQuery

    with open_site(config_path) as site:
        desk = _desk(site)
        half_life = site.config.alert.half_life
        ids = desk.alert_ids(AlertQuery(since=desk.now() - HALF_LIVES * half_life, suppressed=False))
        found = entity_risks(desk.alerts(ids), desk.now(), half_life)[:limit]
        rows = [msgspec.to_builtins(each) for each in found]
        if not as_json:
            for row, each in zip(rows, found, strict=True):
                row |= {"entity": str(each.entity), "last_seen": local(each.last_seen, site.config.site.zone)}
        columns = ["risk", "rules", "alerts", "last_seen", "worst", "entity"]
        show(rows, columns, as_json=as_json, empty="no alert of late names anybody")


@command.command("suppressions")
@config_option
@json_option
def list_suppressions(config_path: Path, as_json: bool) -> None:
    """What is suppressed or was, by whom and why, with how much it hid."""
    import msgspec

    from soc.alert.suppression import KINDS, Suppressions
    from soc.store import AlertQuery

    with open_site(config_path) as site:
        desk = _desk(site)
        told = Suppressions()
        for entry in site.ledger.entries(kinds=KINDS):
            told.fold(entry.fact)
        hidden = Counter[str]()
        for alert in desk.alerts(desk.alert_ids(AlertQuery(suppressed=True))):
            hidden[alert.suppressed_by] += alert.count
        zone = site.config.site.zone
        rows = []
        for each in told.all():
            row = {**msgspec.to_builtins(each), "stands": each.until > desk.now(), "hidden": hidden[each.id]}
            if not as_json:
                row |= {"entity": str(each.entity), "since": local(each.since, zone), "until": local(each.until, zone)}
            rows.append(row)
        columns = ["id", "stands", "since", "until", "hidden", "actor", "rule_id", "entity", "reason"]
        show(rows, columns, as_json=as_json, empty="nothing is suppressed")


@command.command("show")
@click.argument("alert_id")
@config_option
@json_option
def show_alert(alert_id: str, config_path: Path, as_json: bool) -> None:
    """One alert: why it matched, its raw events and its history."""
    with open_site(config_path) as site:
        desk = _desk(site)
        alert = desk.alert(alert_id)
        events = desk.raw_events(alert.event_ids)
        if as_json:
            print_json({**_row(alert, site, as_json=True), "events": events})
            return
        _print(alert, events, site)


def _desk(site: Site) -> SiteDesk:
    from soc.app.desk import SiteDesk, actor_name

    site.catch_up()
    return SiteDesk(site, actor_name())


def _row(alert: Alert, site: Site, *, as_json: bool) -> dict[str, Any]:
    import msgspec

    row: dict[str, Any] = msgspec.to_builtins(alert)
    if not as_json:
        row["entity"] = str(alert.entity)
        row["last_seen"] = local(alert.last_seen, site.config.site.zone)
    return row


def _print(alert: Alert, events: list[Mapping[str, Any]], site: Site) -> None:
    from soc.display import counted

    zone = site.config.site.zone
    seen = f"{local(alert.first_seen, zone)} to {local(alert.last_seen, zone)}"
    lines = [
        f"{alert.id}  {alert.title}",
        f"  {alert.level.value}, risk {alert.risk} ({'; '.join(map(str, alert.risk_why))})",
        f"  {alert.status.value}{f' as {alert.reason.value}' if alert.reason else ''}{f', {alert.assignee}' if alert.assignee else ''}",
        f"  {counted(alert.count, 'time')}, {seen}, look by {local(alert.due, zone)}",
        f"  about {', '.join(map(str, alert.entities))}{f', system {alert.system}' if alert.system else ''}",
        f"  rule {alert.rule_id} ({alert.logsource}), version {alert.rule_version[:12]}",
        f"  {' '.join(alert.tags)}",
        f"  TLP:{alert.tlp.value.upper()}{', labels ' if alert.labels else ''}{' '.join(alert.labels)}",
        *([f"  decide by {local(alert.decide_by, zone)}"] if alert.decide_by else []),
        *([f"  suppressed by {alert.suppressed_by}: `soc alerts suppressions`"] if alert.suppressed_by else []),
        *([f"  sleeps until {local(alert.snoozed_until, zone)}"] if alert.snoozed_until else []),
        *([f"  duplicate of {alert.merged_into}"] if alert.merged_into else []),
        *([f"  duplicates: {' '.join(alert.duplicates)}"] if alert.duplicates else []),
        *([f"  incident {alert.incident_id}"] if alert.incident_id else []),
        "",
        "why it matched",
        *(f"  {m.where}: {m.subject or 'text'} = {m.value!r} matches {m.pattern!r}" for m in alert.matched),
        "",
        f"raw events ({len(events)} of {alert.count} shown)",
    ]
    for line in lines:
        print_text(line or " ")
    for event in events[:10]:
        print_text(
            f"  {event.get('@timestamp')}  {event.get('soc.source')}  {event.get('log.file.path', '')}:{event.get('event.index', '')}"
        )
        print_text(f"    {event.get('event.original')}")
    told = [
        (
            c.time,
            c.actor,
            f"{c.before.value} -> {c.status.value}{f' as {c.reason.value}' if c.reason else ''}  {c.note}",
        )
        for c in alert.history
    ]
    told += [(n.time, n.actor, f"{n.kind.value}: {n.text}") for n in alert.notes]
    if told:
        print_text("\nhistory")
    for time, actor, text in sorted(told):
        print_text(f"  {local(time, zone)}  {actor}: {text}".rstrip())
