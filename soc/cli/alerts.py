"""`soc alerts list|show|ack|close|reopen`: what the terminal UI does, a command at a time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from soc.cli._shared import actor_option, config_option, json_option, local, open_site, print_json, print_text, show

if TYPE_CHECKING:
    from soc.alert import Alert
    from soc.app.desk import SiteDesk
    from soc.app.site import Site

STATUSES = ("new", "acknowledged", "closed")
LEVELS = ("informational", "low", "medium", "high", "critical")
REASONS = ("true-positive", "false-positive", "benign", "duplicate")


@click.group()
def command() -> None:
    """Triage alerts: list, look, acknowledge, close."""


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
@click.option("--limit", default=100, show_default=True, help="At most so many.")
@config_option
@json_option
def list_alerts(
    statuses: tuple[str, ...],
    everything: bool,
    levels: tuple[str, ...],
    text: str,
    limit: int,
    config_path: Path,
    as_json: bool,
) -> None:
    """Alerts in the order of triage: highest risk first, then newest."""
    from soc.alert import AlertStatus
    from soc.detect import Level
    from soc.store import AlertQuery

    wanted = frozenset(map(AlertStatus, statuses)) or (
        frozenset() if everything else frozenset({AlertStatus.NEW, AlertStatus.ACKNOWLEDGED})
    )
    with open_site(config_path) as site:
        desk = _desk(site)
        ids = desk.alert_ids(AlertQuery(statuses=wanted, levels=frozenset(map(Level, levels)), text=text))
        rows = [_row(alert, site, as_json=as_json) for alert in desk.alerts(ids[:limit])]
        columns = ["id", "last_seen", "level", "risk", "status", "count", "title", "entity", "system"]
        show(
            rows,
            columns,
            as_json=as_json,
            empty="no alerts match; `soc alerts list --all` shows closed ones, `soc run` collects",
        )
        if len(ids) > limit and not as_json:
            click.echo(f"{limit} of {len(ids)} shown; --limit shows more", err=True)


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


@command.command("ack")
@click.argument("alert_ids", nargs=-1, required=True)
@actor_option
@config_option
def acknowledge(alert_ids: tuple[str, ...], actor: str, config_path: Path) -> None:
    """Say that you look at these alerts."""
    with open_site(config_path) as site:
        desk = _desk(site, actor)
        ids = [desk.alert(a).id for a in alert_ids]
        desk.acknowledge(ids)
        click.echo(f"acknowledged {', '.join(ids)}")


@command.command("close")
@click.argument("alert_ids", nargs=-1, required=True)
@click.option("--reason", required=True, type=click.Choice(REASONS), help="What it turned out to be.")
@click.option("--note", default="", help="In your words, for the next analyst and the auditor.")
@actor_option
@config_option
def close(alert_ids: tuple[str, ...], reason: str, note: str, actor: str, config_path: Path) -> None:
    """Decide on alerts, with the reason."""
    from soc.alert import CloseReason

    with open_site(config_path) as site:
        desk = _desk(site, actor)
        ids = [desk.alert(a).id for a in alert_ids]
        desk.close(ids, CloseReason(reason), note)
        click.echo(f"closed {', '.join(ids)} as {reason}")


@command.command("reopen")
@click.argument("alert_ids", nargs=-1, required=True)
@actor_option
@config_option
def reopen(alert_ids: tuple[str, ...], actor: str, config_path: Path) -> None:
    """Put alerts back to new; the history keeps both decisions."""
    with open_site(config_path) as site:
        desk = _desk(site, actor)
        ids = [desk.alert(a).id for a in alert_ids]
        desk.reopen(ids)
        click.echo(f"reopened {', '.join(ids)}")


def _desk(site: Site, actor: str = "") -> SiteDesk:
    from soc.app.desk import SiteDesk, actor_name

    site.catch_up()
    return SiteDesk(site, actor_name(actor))


def _row(alert: Alert, site: Site, *, as_json: bool) -> dict[str, Any]:
    import msgspec

    row: dict[str, Any] = msgspec.to_builtins(alert)
    if not as_json:
        row["entity"] = str(alert.entity)
        row["last_seen"] = local(alert.last_seen, site.config.site.zone)
    return row


def _print(alert: Alert, events: list[Mapping[str, Any]], site: Site) -> None:
    zone = site.config.site.zone
    lines = [
        f"{alert.id}  {alert.title}",
        f"  {alert.level.value}, risk {alert.risk} ({'; '.join(alert.risk_why)})",
        f"  {alert.status.value}{f' as {alert.reason.value}' if alert.reason else ''}{f', {alert.assignee}' if alert.assignee else ''}",
        f"  {alert.count} times, {local(alert.first_seen, zone)} to {local(alert.last_seen, zone)}, look by {local(alert.due, zone)}",
        f"  about {', '.join(map(str, alert.entities))}{f', system {alert.system}' if alert.system else ''}",
        f"  rule {alert.rule_id} ({alert.logsource}), version {alert.rule_version[:12]}",
        f"  {' '.join(alert.tags)}",
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
    if alert.history:
        print_text("\nhistory")
        for change in alert.history:
            reason = f" as {change.reason.value}" if change.reason else ""
            print_text(f"  {local(change.time, zone)}  {change.actor}: {change.status.value}{reason}  {change.note}")
