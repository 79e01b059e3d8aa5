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
    """Holds the alerts and incidents of the last window, found by entity; restored from the projections at start."""

    def __init__(self, config: Config, alerts: Iterable[Alert], incidents: Iterable[Incident]) -> None:
        self._config = config
        self._restore(
            (alert for alert in alerts if alert.status is not AlertStatus.CLOSED),
            (incident for incident in incidents if incident.closed is None),
        )

    def _restore(self, alerts: Iterable[Alert], incidents: Iterable[Incident]) -> None:
        self._alerts: dict[str, Alert] = {}
        self._incidents: dict[str, Incident] = {}
        self._alerts_of: dict[Entity, dict[str, None]] = {}
        self._incidents_of: dict[Entity, dict[str, None]] = {}
        for alert in alerts:
            self._remember_alert(alert)
        for incident in incidents:
            self._remember_incident(incident)

    def link(self, alerts: Sequence[Alert], now: datetime) -> list[Fact]:
        """Facts for alerts that are new or changed, oldest first: incidents opened and alerts that joined one."""
        written: list[Fact] = []
        for alert in sorted(alerts, key=lambda a: (a.first_seen, a.id)):
            known = self._alerts.get(alert.id)
            current = replace(alert, incident_id=known.incident_id) if known and known.incident_id else alert
            self._remember_alert(current)
            if not current.incident_id:
                written += self._place(current, now)
        self._forget(alerts)
        return written

    def _place(self, alert: Alert, now: datetime) -> list[Fact]:
        for entity in self._linking(alert):
            for incident in (self._incidents[i] for i in self._incidents_of.get(entity, ())):
                gap = max(alert.first_seen - incident.last_seen, incident.opened - alert.last_seen, timedelta())
                if gap <= self._config.window:
                    return [self._join(incident, alert, entity, now)]
        path = self._path(alert)
        members = [alert, *(self._alerts[i] for i in path)]
        if max(a.risk for a in members) < self._config.risk and len({a.rule_id for a in members}) < self._config.rules:
            return []
        return [self._open(members, path, now)]

    def _linking(self, alert: Alert) -> list[Entity]:
        return [e for e in alert.entities if e.kind in self._config.by and e.value not in self._config.shared]

    def _path(self, alert: Alert) -> dict[str, str]:
        """Alerts without an incident that lead to this one from entity to entity, with the sentence that says how."""
        found: dict[str, str] = {}
        reached = [alert]
        for near in reached:
            for entity in self._linking(near):
                for other in (self._alerts[i] for i in self._alerts_of.get(entity, ())):
                    if other.id in found or other.id == alert.id or other.incident_id or not self._in_time(near, other):
                        continue
                    found[other.id] = f"{other.id} shares {entity} with {near.id}"
                    reached.append(other)
        return found

    def _in_time(self, alert: Alert, other: Alert) -> bool:
        return max(alert.first_seen - other.last_seen, other.first_seen - alert.last_seen) <= self._config.window

    def _open(self, found: Sequence[Alert], path: dict[str, str], now: datetime) -> Fact:
        members = sorted(found, key=lambda a: (a.first_seen, a.id))
        riskiest = max(members, key=lambda a: a.risk)
        high = riskiest.risk >= self._config.risk
        rules = len({a.rule_id for a in members})
        reason = f"{riskiest.id} has risk {riskiest.risk}" if high else f"{rules} different rules lead to one another"
        digest = blake2b("\0".join(a.id for a in members).encode(), digest_size=4).hexdigest()
        incident = Incident(
            id=f"I-{digest}",
            title="",
            level=max((a.level for a in members), key=lambda level: level.rank),
            risk=riskiest.risk,
            phase=Phase.DETECT_REPORT,
            opened=members[0].first_seen,
            last_seen=max(a.last_seen for a in members),
            entities=tuple(dict.fromkeys(e for a in members for e in a.entities)),
            systems=tuple(dict.fromkeys(a.system for a in members if a.system)),
            tags=tuple(dict.fromkeys(t for a in members for t in a.tags)),
            alert_ids=tuple(a.id for a in members),
            why=(reason, *path.values()),
            timeline=tuple(_entry(a) for a in members),
        )
        incident = replace(incident, title=title(incident))
        self._remember_incident(incident)
        for member in members:
            self._remember_alert(replace(member, incident_id=incident.id))
        return facts.opened(incident, now)

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
        self._remember_incident(grown)
        self._remember_alert(replace(alert, incident_id=incident.id))
        return facts.linked(grown, alert, why, now)

    def _remember_alert(self, alert: Alert) -> None:
        self._alerts[alert.id] = alert
        for entity in self._linking(alert):
            self._alerts_of.setdefault(entity, {})[alert.id] = None

    def _remember_incident(self, incident: Incident) -> None:
        self._incidents[incident.id] = incident
        for entity in incident.entities:
            self._incidents_of.setdefault(entity, {})[incident.id] = None

    def _forget(self, alerts: Sequence[Alert]) -> None:
        newest = max((a.last_seen for a in alerts), default=None)
        if newest is None:
            return
        edge = newest - 2 * self._config.window
        old_alerts = {i for i, a in self._alerts.items() if a.last_seen < edge}
        old_incidents = {i for i, n in self._incidents.items() if n.last_seen < edge}
        if old_alerts or old_incidents:
            kept_alerts = [a for i, a in self._alerts.items() if i not in old_alerts]
            kept_incidents = [n for i, n in self._incidents.items() if i not in old_incidents]
            self._restore(kept_alerts, kept_incidents)


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
