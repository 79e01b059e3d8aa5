"""The tracker's records and the clock in; facts and audit events out for what is due soon, and what was not done in time: each told once.

The facts (`reminder.told`) prove that somebody was reminded before evidence expired; the events go through the rules like every other.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from collectors.event import Event
from iso27001.ledger import Fact, rfc3339
from iso27001.register.reading import read_register
from iso27001.register.reminders import Reminder, reminders
from soc.app.audit import audit_event
from soc.app.site import Site

DUE = "record-due"
"""Action of the SOC's own audit: a record of the control tracker is due."""

TOLD = "reminder.told"

EVERY = timedelta(hours=1)
"""Between two looks."""


class Reminding:
    """Tells of each record once when it is due soon and once when its time is over, also over restarts."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._looked: datetime | None = None

    def look(self, now: datetime) -> Iterator[Event]:
        """Write what has to be said now as facts, and give it as events. Raises: IsoError."""
        if self._looked is not None and now - self._looked < EVERY:
            return
        self._looked = now
        due = {_id(each, now): each for each in reminders(read_register(self._site.ledger), now)}
        facts = [_fact(fact_id, each, now) for fact_id, each in due.items()]
        for entry in self._site.ledger.append(facts):
            yield _event(due[entry.fact.id], now)


def _reason(reminder: Reminder, now: datetime) -> str:
    return "overdue" if reminder.due <= now else "soon"


def _id(reminder: Reminder, now: datetime) -> str:
    return f"{TOLD}:{reminder.kind}:{reminder.id}:{rfc3339(reminder.due)}:{_reason(reminder, now)}"


def _fact(fact_id: str, reminder: Reminder, now: datetime) -> Fact:
    body = {
        "record": reminder.id,
        "kind": reminder.kind,
        "owner": reminder.owner,
        "due": reminder.due,
        "reason": _reason(reminder, now),
        "text": reminder.text,
    }
    return Fact(fact_id, TOLD, now, "engine", body)


def _event(reminder: Reminder, now: datetime) -> Event:
    fields = {
        "event.outcome": "failure",
        "event.reason": _reason(reminder, now),
        "egov.record.type": reminder.kind,
        "egov.record.id": reminder.id,
        "message": f"{reminder.id} of {reminder.owner or 'nobody'} is due on {reminder.due.isoformat()}: {reminder.text}",
    }
    return audit_event(DUE, fields, now)
