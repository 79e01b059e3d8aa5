"""Alerts in, incident facts out: alerts that share who acted or from where, within a window, become one incident along the attack's path.

Pure: what is known so far is passed in, time is an argument. A path is followed through entities: the address that guessed a password, the
account that it got, what that account then did elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from iso27001.ledger import Fact
from soc.alert import Alert, AlertStatus, CloseReason
from soc.detect import Level
from soc.incident import Incident, Phase, facts
from soc.incident.classification import Matrix
from soc.incident.merging import entry_of, incident_id, joined, title
from soc.reason import Because, Reason

ENTITY_KINDS = ("source.ip", "user.name", "account", "host.name", "source.domain")
"""Kinds of soc.alert.Entity that can lead from one alert to another."""


@dataclass(frozen=True, slots=True)
class Config:
    """When alerts become an incident.

    `window`: how far apart two alerts of one address or account may be. `pivot_window`: the same for what many share: an account on one
    host (root on jump-01), and the way from a host of ours, where something of `pivot_level` happened, on to the next. `risk`: an alert of
    this risk opens an incident alone. `rules`: so many different rules on one path do, too. `shared`: accounts that many people use, which
    link on one host only. `matrix`: how grave an incident is, and what the law therefore asks for.
    """

    window: timedelta = timedelta(hours=24)
    pivot_window: timedelta = timedelta(hours=2)
    pivot_level: Level = Level.HIGH
    risk: int = 75
    rules: int = 3
    shared: frozenset[str] = field(
        default_factory=lambda: frozenset({"root", "postgres", "www-data", "SYSTEM", "nobody"})
    )
    matrix: Matrix = field(default_factory=Matrix)


class _Key(NamedTuple):
    """Something that two alerts can have in common: of the same value, a `kind` meets its own, or those that _MEETS says."""

    kind: str
    value: str

    @property
    def meets(self) -> list[_Key]:
        """The keys of the alerts that this one leads to."""
        return [_Key(kind, self.value) for kind in _MEETS.get(self.kind, (self.kind,))]


@dataclass(frozen=True, slots=True)
class _Step:
    """From one alert to another: what of the first meets what of the second."""

    alert: Alert
    key: _Key
    other: Alert
    met: _Key

    @property
    def reason(self) -> Reason:
        """How it leads there."""
        alert, key, other, met = self.alert, self.key, self.other, self.met
        if "from host" in (key.kind, met.kind):
            later, earlier = (alert, other) if key.kind == "from host" else (other, alert)
            return Reason(Because.CAME_FROM, (later.id, key.value, earlier.id))
        if "only host" in (key.kind, met.kind):
            return Reason(Because.SAME_HOST, (alert.id, other.id, key.value))
        return Reason(Because.SHARED, (other.id, alert.id, f"{key.kind}={key.value}"))


_Path = dict[str, _Step]
"""By the other alert's id."""

_MEETS = {
    "from host": ("on host", "only host"),
    "on host": ("from host", "only host"),
    "only host": ("on host", "from host", "only host"),
}
"""A way from a host meets what happened on it; what names nothing but a host meets whatever else did on it."""

_WIDE = ("source.ip", "user.name")


class Linker:
    """Holds the alerts and incidents of the last windows, found by what they can share; restored from the projections at start."""

    def __init__(self, config: Config, alerts: Iterable[Alert], incidents: Iterable[Incident]) -> None:
        self._config = config
        self._restore(alerts, (incident for incident in incidents if incident.closed is None))

    def learn(self, alerts: Iterable[Alert], incidents: Iterable[Incident]) -> None:
        """What people decided on these since: they are as they stand now. What is closed links nothing any more."""
        for incident in incidents:
            if incident.closed is None:
                self._incidents[incident.id] = incident
            else:
                self._incidents.pop(incident.id, None)
        changed = {alert.id: alert for alert in alerts}
        kept = [changed.pop(alert_id, alert) for alert_id, alert in self._alerts.items()]
        self._restore([*kept, *changed.values()], self._incidents.values())

    def _restore(self, alerts: Iterable[Alert], incidents: Iterable[Incident]) -> None:
        self._alerts: dict[str, Alert] = {}
        self._by_key: dict[_Key, dict[str, None]] = {}
        self._pairs_of: dict[str, list[tuple[_Key, _Key]]] = {}
        self._incidents = {incident.id: incident for incident in incidents}
        for alert in alerts:
            self._remember(alert)

    def link(self, alerts: Sequence[Alert], now: datetime) -> list[Fact]:
        """Facts for alerts that are new or changed, oldest first: incidents opened and alerts that joined one."""
        written: list[Fact] = []
        for alert in sorted(alerts, key=lambda a: (a.first_seen, a.id)):
            known = self._alerts.get(alert.id)
            current = replace(alert, incident_id=known.incident_id) if known and known.incident_id else alert
            self._remember(current)
            if not current.incident_id and not current.suppressed_by:
                written += self._place(current, now)
        self._forget(alerts)
        return written

    def _place(self, alert: Alert, now: datetime) -> list[Fact]:
        path = self._path(alert)
        for step in path.values():
            incident = self._incidents.get(step.other.incident_id)
            if incident is not None:
                return self._join_all(incident, alert, path, step.reason, now)
        members = [alert, *(self._alerts[i] for i in path)]
        if max(a.risk for a in members) < self._config.risk and len({a.rule_id for a in members}) < self._config.rules:
            return []
        return [self._open(members, path, now)]

    def _join_all(self, incident: Incident, alert: Alert, path: _Path, why: Reason, now: datetime) -> list[Fact]:
        """The alert joins, and so do the alerts that only it connects to the incident."""
        written = [self._join(incident, alert, why, now)]
        written += [
            self._join(self._incidents[incident.id], step.other, step.reason, now)
            for step in path.values()
            if not step.other.incident_id
        ]
        return written

    def _path(self, alert: Alert) -> _Path:
        """Alerts that lead to this one from key to key, nearest first, with the step that does; not beyond those of an incident."""
        found: _Path = {}
        left: dict[
            _Key, list[Alert]
        ] = {}  # of each key, who was not found yet: a burst of alerts of one account is walked once
        reached = [alert]
        for near in reached:
            for key, met in self._pairs(near) if near is alert else self._pairs_of[near.id]:
                if met not in left:
                    left[met] = [self._alerts[i] for i in self._by_key.get(met, ()) if i != alert.id]
                if not left[met]:
                    continue
                far = []
                for other in left[met]:
                    if other.id in found:
                        continue
                    if not self._in_time(near, other, key):
                        far.append(other)
                        continue
                    found[other.id] = _Step(near, key, other, met)
                    if not other.incident_id:
                        reached.append(other)
                left[met] = far
        return found

    def _keys(self, alert: Alert) -> list[_Key]:
        named = {kind: [e.value for e in alert.entities if e.kind == kind] for kind in ENTITY_KINDS}
        keys = [_Key("source.ip", value) for value in named["source.ip"]]
        keys += [_Key("user.name", value) for value in named["user.name"] if value not in self._config.shared]
        keys += [_Key("account", value) for value in named["account"]]
        if not keys:
            keys += [_Key("only host", value) for value in named["host.name"]]
        elif alert.level.rank >= self._config.pivot_level.rank:
            keys += [_Key("on host", value) for value in named["host.name"]]
        return keys + [_Key("from host", value) for value in named["source.domain"]]

    def _pairs(self, alert: Alert) -> list[tuple[_Key, _Key]]:
        return [(key, met) for key in self._keys(alert) for met in key.meets]

    def _in_time(self, alert: Alert, other: Alert, key: _Key) -> bool:
        window = self._config.window if key.kind in _WIDE else self._config.pivot_window
        return max(alert.first_seen - other.last_seen, other.first_seen - alert.last_seen) <= window

    def _open(self, found: Sequence[Alert], path: _Path, now: datetime) -> Fact:
        members = sorted(found, key=lambda a: (a.first_seen, a.id))
        riskiest = max(members, key=lambda a: a.risk)
        high = riskiest.risk >= self._config.risk
        rules = len({a.rule_id for a in members})
        reason = Reason(Because.RISK, (riskiest.id, riskiest.risk)) if high else Reason(Because.RULES, (rules,))
        incident = Incident(
            id=incident_id(members),
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
            why=(reason, *(step.reason for step in path.values())),
            timeline=tuple(entry_of(a) for a in members),
        )
        incident = replace(incident, title=title(incident))
        self._incidents[incident.id] = incident
        for member in members:
            self._remember(replace(member, incident_id=incident.id))
        return facts.opened(incident, now)

    def _join(self, incident: Incident, alert: Alert, why: Reason, now: datetime) -> Fact:
        grown = joined(incident, alert, why)
        self._incidents[incident.id] = grown
        self._remember(replace(alert, incident_id=incident.id))
        return facts.linked(grown, alert, why, now)

    def _remember(self, alert: Alert) -> None:
        """What turned out to be nothing leads nowhere, nor does what belongs to an incident that is over."""
        nothing = alert.status is AlertStatus.CLOSED and alert.reason is not CloseReason.TRUE_POSITIVE
        if nothing or alert.suppressed_by or (alert.incident_id and alert.incident_id not in self._incidents):
            return
        self._alerts[alert.id] = alert
        self._pairs_of[alert.id] = self._pairs(alert)
        for key, _ in self._pairs_of[alert.id]:
            self._by_key.setdefault(key, {})[alert.id] = None

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
