"""Open alerts, incidents and the clock in; facts and audit events out for what is about to be due, and for what was not done in time.

What must be told and when is remembered as alerts open, so that a look costs what has become due and not all that is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush

from collectors.event import Event
from soc.alert import Alert, AlertStatus, decisions
from soc.alert.sla import Sla
from soc.app.audit import audit_event
from soc.app.notice_clocks import NoticeClocks
from soc.app.site import Site
from soc.store import AlertQuery

_OPEN = frozenset({AlertStatus.NEW, AlertStatus.ACKNOWLEDGED})

LOOK, DECIDE = "look", "decide"


@dataclass(frozen=True, slots=True, order=True)
class _Moment:
    """When something may have to be said of an alert."""

    time: datetime
    alert_id: str
    clock: str
    over: bool


class Escalation:
    """Tells of each clock of an alert once, also over restarts: facts and events have the same ids then."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._sla = Sla(site.config.alert.sla, site.config.site.zone)
        self._known: set[str] = set()
        self._moments: list[_Moment] = []
        self._notices = NoticeClocks(site)

    def look(self, now: datetime) -> Iterator[Event]:
        """An event for each first look that did not come in time, and for legal notices; what is about to end becomes a fact.

        Raises: UnreachableError.
        """
        yield from self._notices.look(now)
        self._take_in()
        passed = []
        while self._moments and self._moments[0].time < now:
            passed.append(heappop(self._moments))
        alerts = {a.id: a for a in self._site.projections.alerts([moment.alert_id for moment in passed])}
        facts = []
        for moment in passed:
            alert = alerts.get(moment.alert_id)
            if alert is None or not _waits(alert, moment.clock):
                continue
            if moment.over:
                yield _overdue(alert)
            else:
                due = alert.due if moment.clock == LOOK else alert.decide_by or alert.due
                to = self._site.config.alert.sla.escalate_to
                facts.append(decisions.escalated(alert, moment.clock, due, to, now))
        self._site.ledger.append(facts)

    def _take_in(self) -> None:
        """Remember the moments of alerts that are open and were not before; let go of those that were decided."""
        projections = self._site.projections
        found = projections.alert_ids(AlertQuery(statuses=_OPEN, suppressed=False))
        for alert in projections.alerts([alert_id for alert_id in found if alert_id not in self._known]):
            if alert.system == "soc":  # what the SOC says of itself must not escalate what it says of itself
                continue
            opened = alert.opened or alert.first_seen
            heappush(self._moments, _Moment(self._sla.look(alert.level, opened).warn, alert.id, LOOK, over=False))
            heappush(self._moments, _Moment(alert.due, alert.id, LOOK, over=True))
            heappush(self._moments, _Moment(self._sla.decide(alert.level, opened).warn, alert.id, DECIDE, over=False))
        self._known = set(found)


def _waits(alert: Alert, clock: str) -> bool:
    return alert.status is AlertStatus.NEW or (clock == DECIDE and alert.status is AlertStatus.ACKNOWLEDGED)


def _overdue(alert: Alert) -> Event:
    fields = {
        "event.outcome": "failure",
        "egov.record.type": "alert",
        "egov.record.id": alert.id,
        "soc.alert.level": alert.level.value,
        "message": f"{alert.id} was to be looked at by {alert.due.isoformat()}",
    }
    return audit_event("alert-overdue", fields, alert.due)  # the same event after a restart, so it is told once
