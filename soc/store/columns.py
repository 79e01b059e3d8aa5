"""Alerts and incidents in, the columns out by which both implementations find and order them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from soc.alert import Alert, CloseReason
from soc.alert.scoring import RuleRecord
from soc.incident import Incident
from soc.store import Facet

MAX_VALUE = 1000
"""Characters of an entity's or system's value that alerts are told apart by."""

MAX_SEARCH_TEXT = 4000
"""Characters of an alert that a text search sees: a keyword of Elasticsearch ends at 32,766 bytes, and an attacker may name the entity."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """Microseconds since 1970 (negative before), exact for every year that datetime knows."""
    return (moment - _EPOCH) // _MICROSECOND


@dataclass(frozen=True, slots=True)
class AlertColumns:
    """What triage filters and sorts by; `search`: title, entity, system, labels and assignee, case folded. Of a time that is none, 0."""

    status: str
    level: str
    risk: int
    last_seen_us: int
    incident_id: str
    search: str
    assignee: str
    system: str
    entity: str
    rule_id: str
    reason: str
    opened_us: int
    due_us: int
    snoozed_us: int
    suppressed: bool


@dataclass(frozen=True, slots=True)
class IncidentColumns:
    """What the list of incidents is sorted by."""

    closed: bool
    risk: int
    last_seen_us: int


def alert_columns(alert: Alert) -> AlertColumns:
    """The columns of an alert."""
    text = f"{alert.title}\n{alert.entity}\n{alert.system}\n{' '.join(alert.labels)}\n{alert.assignee}"
    return AlertColumns(
        status=alert.status.value,
        level=alert.level.value,
        risk=alert.risk,
        last_seen_us=micros(alert.last_seen),
        incident_id=alert.incident_id,
        search=folded(text)[:MAX_SEARCH_TEXT],
        assignee=alert.assignee,
        system=alert.system[:MAX_VALUE],
        entity=alert.entity.value[:MAX_VALUE],
        rule_id=alert.rule_id,
        reason=alert.reason.value if alert.reason else "",
        opened_us=micros(alert.opened) if alert.opened else 0,
        due_us=micros(alert.due),
        snoozed_us=micros(alert.snoozed_until) if alert.snoozed_until else 0,
        suppressed=bool(alert.suppressed_by),
    )


def incident_columns(incident: Incident) -> IncidentColumns:
    """The columns of an incident."""
    return IncidentColumns(incident.closed is not None, incident.risk, micros(incident.last_seen))


def rule_records(counts: Iterable[tuple[str, str, int]]) -> dict[str, RuleRecord]:
    """By rule, what counts of alerts by (rule, reason of closing or "") come to."""
    found: dict[str, RuleRecord] = {}
    for rule_id, reason, count in counts:
        held = found.get(rule_id, RuleRecord())
        found[rule_id] = RuleRecord(
            held.opened + count,
            held.confirmed + (count if reason == CloseReason.TRUE_POSITIVE else 0),
            held.rejected + (count if reason in _NOTHING else 0),
        )
    return found


COLUMN_OF = {Facet.RULE: "rule_id"} | {facet: facet.value for facet in Facet if facet is not Facet.RULE}
"""The column of AlertColumns that holds a facet."""

_NOTHING = (CloseReason.FALSE_POSITIVE, CloseReason.BENIGN)


def words(text: str) -> tuple[str, ...]:
    """The words of a text search, folded as `search` is: Vietnamese typed in either Unicode form finds the other."""
    return tuple(folded(text).split())


def folded(text: str) -> str:
    """A text as a search compares it."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
