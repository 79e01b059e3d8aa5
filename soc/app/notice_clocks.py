"""Open incidents and the clock in; facts and audit events out where a legal notice is about to be due, or was not sent in time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from collectors.event import Event
from soc.app.audit import audit_event
from soc.app.site import Site
from soc.incident import Incident, decisions
from soc.incident.clocks import Clocks, ClockState, NoticeClock, clocks_of, systems_of

DUE = "notice-due"
"""Action of the SOC's own audit: a legal notice is due soon, or was."""

SETTLED_AFTER = timedelta(days=7)
"""After an incident was closed: all that the law gives is over by then, and told."""

_TOLD = {ClockState.WARNING: "warned", ClockState.OVERDUE: "overdue"}


def clocks_at(site: Site, incident: Incident, now: datetime) -> Clocks:
    """The notices of an incident, by the inventory and the matrix of the site."""
    assets = {asset.id: asset for asset in site.inventory.assets}
    return clocks_of(incident, systems_of(incident, assets), site.config.incident.matrix, now)


class NoticeClocks:
    """Tells of each clock once when it warns and once when it has run out, also over restarts."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._told: set[str] = set()
        self._settled: set[str] = set()

    def look(self, now: datetime) -> Iterator[Event]:
        """Write what has to be said now, as facts of the incidents, and give it as events too. Raises: UnreachableError."""
        projections = self._site.projections
        for incident in projections.incidents([i for i in projections.incident_ids() if i not in self._settled]):
            if incident.merged_into or (incident.closed and incident.closed < now - SETTLED_AFTER):
                self._settled.add(incident.id)
                continue
            for clock in clocks_at(self._site, incident, now).notices:
                if clock.state in _TOLD:
                    yield from self._tell(incident, clock, _TOLD[clock.state], now)

    def _tell(self, incident: Incident, clock: NoticeClock, state: str, now: datetime) -> Iterator[Event]:
        fact = decisions.clock(incident.id, clock.rule.id, state, clock.due, now)
        if fact.id in self._told:
            return
        self._told.add(fact.id)
        if not self._site.ledger.append([fact]):
            return
        word = "is due" if state == "warned" else "was due"
        rule = clock.rule
        fields = {
            "event.outcome": "failure",
            "event.reason": state,
            "egov.record.type": "legal-notice",
            "egov.record.id": f"{incident.id}/{rule.id}",
            "message": f"the notice {rule.id} of {incident.id} to {rule.to} {word} by {clock.due.isoformat()} ({rule.ref})",
        }
        yield audit_event(DUE, fields, now)
