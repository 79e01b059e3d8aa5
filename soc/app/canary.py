"""The clock in; once a day an event of the SOC's own that a rule must find, and an event where it did not (measure MON-02).

It goes through journal, rules and grouping like every other, so it proves that they work, without an attack. It says nothing of how logs
come in: that is what conservation and silence tell. Its alerts are suppressed, as a fact, so that they are counted and in nobody's view.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from collectors.event import Event
from iso27001.ledger import Fact, rfc3339
from soc.alert import Entity
from soc.alert.facts import DETECTION
from soc.alert.grouping import entities_of
from soc.alert.suppression import SUPPRESSED, Suppression, suppression_id
from soc.app.audit import SOURCE, audit_event
from soc.app.site import Site
from soc.app.watch import running_rules

RULE = "5d2b7c1e-8f40-4c1a-9d0e-2f6a1b3c4d5e"
"""The rule of rules/soc that finds it."""

SENT = "canary.sent"
"""The kind of the fact that one was sent; its body names the event."""

EVERY = timedelta(days=1)
DUE_AFTER = timedelta(minutes=10)
"""Between two, and how long one may take to be found: far beyond the lateness of any rule."""


@dataclass(frozen=True, slots=True)
class Canary:
    """One that was sent, and when it was found; None: not, or not yet."""

    event_id: str
    sent: datetime
    found: datetime | None

    def missed(self, now: datetime) -> bool:
        """Whether it should have been found."""
        return self.found is None and now - self.sent > DUE_AFTER


def canaries(site: Site, since: datetime) -> list[Canary]:
    """Those that were sent since then, in order."""
    ledger = site.ledger
    sent = {e.fact.body["event"]: e.fact.time for e in ledger.entries(kinds=[SENT], since=since)}
    found: dict[str, datetime] = {}
    for entry in ledger.entries(kinds=[DETECTION], since=since) if sent else ():
        if entry.fact.body["rule"]["id"] == RULE:
            for event in entry.fact.body["events"]:
                found.setdefault(event["id"], entry.fact.time)
    return [Canary(event_id, when, found.get(event_id)) for event_id, when in sent.items()]


class Canaries:
    """Sends one a day where the rule runs, and tells once of each that was not found."""

    def __init__(self, site: Site) -> None:
        self._site = site
        last = site.ledger.last(SENT)
        self._last = None if last is None else last.fact.time
        self._waiting = last is not None

    def look(self, now: datetime) -> Iterator[Event]:
        """The events to put into the journal now. Raises: LedgerError."""
        if self._waiting and self._last is not None and now - self._last > DUE_AFTER:
            self._waiting = False
            yield from (_missed(each) for each in canaries(self._site, self._last) if each.missed(now))
        if (self._last is None or now - self._last >= EVERY) and RULE in running_rules(self._site):
            event = audit_event("canary-sent", {"egov.record.type": "canary", "egov.record.id": rfc3339(now)}, now)
            fact = Fact(f"{SENT}:{event.id}", SENT, now, "engine", {"event": event.id})
            self._site.ledger.append([_suppressed(event, now), fact])
            self._last, self._waiting = now, True
            yield event


def _missed(canary: Canary) -> Event:
    message = f"the canary {canary.event_id} of {canary.sent.isoformat()} was not found: what is in the journal raises no alert"
    fields = {
        "event.outcome": "failure",
        "egov.record.type": "canary",
        "egov.record.id": canary.event_id,
        "message": message,
    }
    return audit_event("canary-missed", fields, canary.sent)  # the same event after a restart, so it is told once


def _suppressed(event: Event, now: datetime) -> Fact:
    """The fact that its alerts are in nobody's view until the next one."""
    named = entities_of([event])
    entity = named[0] if named else Entity("event.source", SOURCE)
    reason = "the SOC's own canary, counted by MON-02"
    made = Suppression(suppression_id(RULE, entity), RULE, entity, now - DUE_AFTER, now + 2 * EVERY, reason, "engine")
    body = {"alert": "", "suppression": msgspec.to_builtins(made)}
    return Fact(f"{SUPPRESSED}:{made.id}:{now.isoformat()}", SUPPRESSED, now, "engine", body)
