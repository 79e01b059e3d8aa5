"""Alerts in, incident facts out: alerts that share who acted or from where, within a window, become one incident along the attack's path.

Pure: what is known so far is passed in, time is an argument. A path is followed through entities: the address that guessed a password, the
account that it got, what that account then did elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b

from iso27001.ledger import Fact
from soc.alert import Alert, AlertStatus, Entity
from soc.incident import Incident, Phase, TimelineEntry, facts

TACTICS = (
    "reconnaissance",
    "resource-development",
    "initial-access",
    "execution",
    "persistence",
    "privilege-escalation",
    "stealth",
    "defense-evasion",
    "defense-impairment",
    "credential-access",
    "discovery",
    "lateral-movement",
    "collection",
    "command-and-control",
    "exfiltration",
    "impact",
)
"""ATT&CK Enterprise tactics in the order of the matrix, the names before 2026 included."""


@dataclass(frozen=True, slots=True)
class Config:
    """When alerts become an incident.

    `window`: how far apart two alerts of one entity may be. `risk`: an alert of this risk opens an incident alone. `rules`: so many
    different rules on one entity do, too. `by`: entity kinds that link. `shared`: entities that many people use and that prove nothing.
    """

    window: timedelta = timedelta(hours=24)
    risk: int = 75
    rules: int = 3
    by: tuple[str, ...] = ("source.ip", "user.name")
    shared: frozenset[str] = field(
        default_factory=lambda: frozenset({"root", "postgres", "www-data", "SYSTEM", "nobody"})
    )


class Linker:
    """Holds the alerts and incidents of the last window; restored from the projections at start."""

    def __init__(self, config: Config, alerts: Iterable[Alert], incidents: Iterable[Incident]) -> None:
        self._config = config
        self._alerts = {alert.id: alert for alert in alerts if alert.status is not AlertStatus.CLOSED}
        self._incidents = {incident.id: incident for incident in incidents if incident.closed is None}

    def link(self, alerts: Sequence[Alert], now: datetime) -> list[Fact]:
        """Facts for alerts that are new or changed, oldest first: incidents opened and alerts that joined one."""
        written: list[Fact] = []
        for alert in sorted(alerts, key=lambda a: (a.first_seen, a.id)):
            known = self._alerts.get(alert.id)
            current = replace(alert, incident_id=known.incident_id) if known and known.incident_id else alert
            self._alerts[alert.id] = current
            if current.incident_id:
                continue
            written += self._place(current, now)
        self._forget(alerts)
        return written

    def _place(self, alert: Alert, now: datetime) -> list[Fact]:
        for incident in self._incidents.values():
            shared = self._shared(alert.entities, incident.entities)
            gap = max(alert.first_seen - incident.last_seen, incident.opened - alert.last_seen, timedelta())
            if shared and gap <= self._config.window:
                return [self._join(incident, alert, shared[0], now)]
        related = [a for a in self._alerts.values() if a.id != alert.id and not a.incident_id and self._near(alert, a)]
        different = {alert.rule_id, *(a.rule_id for a in related)}
        if alert.risk < self._config.risk and len(different) < self._config.rules:
            return []
        return self._open(alert, sorted(related, key=lambda a: (a.first_seen, a.id)), now)

    def _shared(self, mine: Iterable[Entity], theirs: Iterable[Entity]) -> list[Entity]:
        usable = {e for e in mine if e.kind in self._config.by and e.value not in self._config.shared}
        return sorted(usable & set(theirs))

    def _near(self, alert: Alert, other: Alert) -> bool:
        apart = max(alert.first_seen - other.last_seen, other.first_seen - alert.last_seen, timedelta())
        return apart <= self._config.window and bool(self._shared(alert.entities, other.entities))

    def _open(self, alert: Alert, related: Sequence[Alert], now: datetime) -> list[Fact]:
        members = sorted([alert, *related], key=lambda a: (a.first_seen, a.id))
        first = members[0]
        why = [
            f"{alert.id} has risk {alert.risk}"
            if alert.risk >= self._config.risk
            else f"{len(members)} alerts share an entity"
        ]
        why += [f"{a.id} shares {self._shared(alert.entities, a.entities)[0]} with {alert.id}" for a in related]
        digest = blake2b(f"{first.id}\0{alert.id}".encode(), digest_size=4).hexdigest()
        incident = Incident(
            id=f"I-{digest}",
            title="",
            level=max((a.level for a in members), key=lambda level: level.rank),
            risk=max(a.risk for a in members),
            phase=Phase.DETECT_REPORT,
            opened=first.first_seen,
            last_seen=max(a.last_seen for a in members),
            entities=tuple(dict.fromkeys(e for a in members for e in a.entities)),
            systems=tuple(dict.fromkeys(a.system for a in members if a.system)),
            tags=tuple(dict.fromkeys(t for a in members for t in a.tags)),
            alert_ids=tuple(a.id for a in members),
            why=tuple(why),
            timeline=tuple(_entry(a) for a in members),
        )
        incident = replace(incident, title=title(incident))
        self._incidents[incident.id] = incident
        for member in members:
            self._alerts[member.id] = replace(member, incident_id=incident.id)
        return [facts.opened(incident, now)]

    def _join(self, incident: Incident, alert: Alert, shared: Entity, now: datetime) -> Fact:
        why = f"{alert.id} shares {shared} with the incident"
        grown = replace(
            incident,
            level=max(incident.level, alert.level, key=lambda level: level.rank),
            risk=max(incident.risk, alert.risk),
            last_seen=max(incident.last_seen, alert.last_seen),
            entities=tuple(dict.fromkeys((*incident.entities, *alert.entities))),
            systems=tuple(dict.fromkeys((*incident.systems, *([alert.system] if alert.system else [])))),
            tags=tuple(dict.fromkeys((*incident.tags, *alert.tags))),
            alert_ids=(*incident.alert_ids, alert.id),
            why=(*incident.why, why),
            timeline=(*incident.timeline, _entry(alert)),
        )
        grown = replace(grown, title=title(grown))
        self._incidents[incident.id] = grown
        self._alerts[alert.id] = replace(alert, incident_id=incident.id)
        return facts.linked(grown, alert, why, now)

    def _forget(self, alerts: Sequence[Alert]) -> None:
        newest = max((a.last_seen for a in alerts), default=None)
        if newest is not None:
            edge = newest - self._config.window
            self._alerts = {i: a for i, a in self._alerts.items() if a.last_seen >= edge}
            self._incidents = {i: n for i, n in self._incidents.items() if n.last_seen >= edge}


def tactics_of(tags: Iterable[str]) -> list[str]:
    """ATT&CK tactics among Sigma tags, in the order of the matrix."""
    present = {tag.removeprefix("attack.") for tag in tags}
    return [tactic for tactic in TACTICS if tactic in present]


def title(incident: Incident) -> str:
    """What a list shows: how far it went and who it is about: "Initial access to impact, source.ip=203.0.113.9 (7 alerts)"."""
    tactics = tactics_of(incident.tags)
    words = [t.replace("-", " ") for t in tactics]
    span = "Suspicious activity" if not words else words[0] if len(words) == 1 else f"{words[0]} to {words[-1]}"
    count = len(incident.alert_ids)
    about = f", {incident.entities[0]}" if incident.entities else ""
    return f"{span[:1].upper()}{span[1:]}{about} ({count} alert{'s' if count != 1 else ''})"


def _entry(alert: Alert) -> TimelineEntry:
    times = f" ({alert.count} times)" if alert.count > 1 else ""
    return TimelineEntry(alert.first_seen, "alert", f"{alert.title}: {alert.entity}{times}", alert.id)
