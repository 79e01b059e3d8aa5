"""Open alerts, incidents and the clock in; facts and audit events out for what is about to be due, and for what was not done in time.

What must be told and when is remembered as alerts open, so that a look costs what has become due and not all that is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from heapq import heappop, heappush
from typing import NamedTuple

from collectors.event import Event
from iso27001.ledger import Fact
from soc.alert import Alert, AlertStatus, decisions
from soc.alert.sla import Sla
from soc.app.audit import audit_event
from soc.app.notice_clocks import NoticeClocks
from soc.app.site import Site
from soc.store import AlertQuery

_OPEN = frozenset({AlertStatus.NEW, AlertStatus.ACKNOWLEDGED})

LOOK, DECIDE = "look", "decide"

PAGE = 2_000
"""Alerts that are held at once."""


class _Stage(NamedTuple):
    """Something that may have to be said of an alert at a moment: of which clock, and whether its time is over then."""

    time: datetime
    clock: str
    over: bool


class _Next(NamedTuple):
    """When the next stage of an alert comes: the number of it, in the order of `_stages`."""

    time: datetime
    alert_id: str
    number: int


class Escalation:
    """Tells of each clock of an alert once, also over restarts: facts and events have the same ids then."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._sla = Sla(site.config.alert.sla, site.config.site.zone)
        self._known: set[str] = set()
        self._next: list[_Next] = []
        self._notices = NoticeClocks(site)

    def look(self, now: datetime) -> Iterator[Event]:
        """An event for each first look that did not come in time, and for legal notices; what is about to end becomes a fact.

        Raises: UnreachableError.
        """
        yield from self._notices.look(now)
        self._take_in()
        while passed := self._passed(now):
            alerts = {a.id: a for a in self._site.projections.alerts([each.alert_id for each in passed])}
            facts = []
            for each in passed:
                alert = alerts.get(each.alert_id)
                if alert is None or alert.status is AlertStatus.CLOSED:
                    continue
                stages = self._stages(alert)
                stage = stages[each.number]
                if stage.over and alert.status is AlertStatus.NEW:
                    yield _overdue(alert)
                elif not stage.over and _waits(alert, stage.clock):
                    facts.append(self._fact(alert, stage.clock, now))
                if each.number + 1 < len(stages):
                    heappush(self._next, _Next(stages[each.number + 1].time, alert.id, each.number + 1))
            self._site.ledger.append(facts)

    def _passed(self, now: datetime) -> list[_Next]:
        passed: list[_Next] = []
        while self._next and self._next[0].time < now and len(passed) < PAGE:
            passed.append(heappop(self._next))
        return passed

    def _take_in(self) -> None:
        """Remember when something comes of the alerts that are open and were not before; let go of those that were decided."""
        projections = self._site.projections
        found = projections.alert_ids(AlertQuery(statuses=_OPEN, suppressed=False))
        new = [alert_id for alert_id in found if alert_id not in self._known]
        for start in range(0, len(new), PAGE):
            for alert in projections.alerts(new[start : start + PAGE]):
                if alert.system != "soc":  # what the SOC says of itself must not escalate what it says of itself
                    heappush(self._next, _Next(self._stages(alert)[0].time, alert.id, 0))
        self._known = set(found)

    def _stages(self, alert: Alert) -> list[_Stage]:
        opened = alert.opened or alert.first_seen
        look, decide = self._sla.look(alert.level, opened), self._sla.decide(alert.level, opened)
        stages = [_Stage(look.warn, LOOK, False), _Stage(alert.due, LOOK, True), _Stage(decide.warn, DECIDE, False)]
        return sorted(stages)

    def _fact(self, alert: Alert, clock: str, now: datetime) -> Fact:
        due = alert.due if clock == LOOK else alert.decide_by or alert.due
        return decisions.escalated(alert, clock, due, self._site.config.alert.sla.escalate_to, now)


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
