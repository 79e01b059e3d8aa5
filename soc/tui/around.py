"""What happened around an alert in, the lines of two pages out: its entity's timeline, and the alerts that it shares something with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from collectors.event import Value
from soc.alert import Alert
from soc.tui import rows
from soc.tui.rows import Locale
from soc.tui.span import Line, Role, Span, line
from soc.tui.values_screen import text_of

BEFORE, AFTER = timedelta(hours=1), timedelta(hours=1)
"""How far around an alert its entity's events are shown."""

EVENTS = 300
"""Events of a timeline, the newest."""

ALERTS = 50
"""Related alerts shown, those of highest risk."""


def timeline(alert: Alert, events: Sequence[Mapping[str, Value]], total: int, locale: Locale) -> Iterator[Line]:
    """The entity's events, oldest first; those that the alert is made of are marked, and alerts do not hide what came between."""
    head = locale.say("timeline.of", entity=rows.entity(alert.entity), count=f"{total:,}")
    yield line(Span(head, Role.HEAD))
    if not events:
        yield line(Span(f"  {locale.say('timeline.none')}", Role.DIM))
    if total > len(events):
        yield line(Span(f"  {locale.say('timeline.more', count=f'{total - len(events):,}')}", Role.DIM))
    own = set(alert.event_ids)
    for event in reversed(events):
        mine = event.get("event.id") in own
        yield line(
            Span("▶ " if mine else "  ", Role.KEY),
            Span(locale.written(str(event.get("@timestamp", ""))), Role.STRONG if mine else Role.DIM),
            Span(f"  {text_of(event.get('event.dataset')):<14.14} {text_of(event.get('host.name')):<14.14} ", Role.DIM),
            Span(text_of(event.get("message") or event.get("event.original")), Role.MARK if mine else Role.PLAIN),
            indent=19,
        )


def related(alert: Alert, others: Sequence[Alert], locale: Locale) -> Iterator[Line]:
    """Alerts of the same incident or about the same entities, with what they share."""
    kept = [other for other in others if other.id != alert.id]
    if not kept:
        yield line(Span(locale.say("related.none"), Role.DIM))
    for other in kept[:ALERTS]:
        yield line(
            Span(rows.SHAPES[other.level], rows.LEVEL_ROLES[other.level]),
            f" {other.risk:>3}  ",
            Span(locale.clock(other.last_seen, "%m-%d %H:%M:%S"), Role.DIM),
            f"  {other.title}",
            Span(f"  {locale.say(f'status.long.{other.status}')}", Role.DIM),
            indent=9,
        )
        yield line(Span(f"         {', '.join(shared(alert, other, locale))}", Role.DIM), indent=9)


def shared(alert: Alert, other: Alert, locale: Locale) -> Iterator[str]:
    """What two alerts have in common, in words."""
    if alert.incident_id and alert.incident_id == other.incident_id:
        yield f"{locale.say('related.incident')} {alert.incident_id}"
    if alert.rule_id == other.rule_id:
        yield locale.say("related.rule")
    theirs = {other.entity, *other.entities}
    for one in dict.fromkeys((alert.entity, *alert.entities)):
        if one in theirs:
            yield rows.entity(one)
