"""The SOC watches itself: rules that are gone, alerts that nobody looked at in time, a ledger that does not verify become audit events.

They go through the journal like every other log, and the rules in rules/soc make alerts of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from collectors.event import Event
from iso27001.ledger import Fact
from iso27001.ledger.verdict import Verdict
from soc.alert import AlertStatus
from soc.app.audit import audit_event
from soc.app.site import Site
from soc.detect import Detector
from soc.detect.ruleset import RuleSet
from soc.store import AlertQuery

RULES_LOADED = "rules.loaded"


def rules_loaded(site: Site, detectors: Iterable[Detector], now: datetime) -> list[Event]:
    """Record which rules run in which version; an event for each rule that ran before and is gone."""
    running = {r.id: r.version for d in detectors if isinstance(d, RuleSet) for r in d.rules}
    last = [entry.fact.body["rules"] for entry in site.ledger.entries(kinds=[RULES_LOADED])][-1:]
    if last == [running]:
        return []
    site.ledger.append([Fact(f"{RULES_LOADED}:{now.isoformat()}", RULES_LOADED, now, "engine", {"rules": running})])
    gone = sorted(set(last[0]) - set(running)) if last else []
    return [
        audit_event(
            "rule-removed",
            {"egov.record.type": "detection-rule", "egov.record.id": rule, "message": f"rule {rule} is gone"},
            now,
        )
        for rule in gone
    ]


def overdue(site: Site, told: set[str], now: datetime) -> Iterator[Event]:
    """An event for each new alert whose time for the first look is over; once each, as `told` remembers."""
    projections = site.projections
    for alert in projections.alerts(projections.alert_ids(AlertQuery(statuses=frozenset({AlertStatus.NEW})))):
        if alert.due < now and alert.id not in told and alert.system != "soc":
            told.add(alert.id)
            fields = {
                "event.outcome": "failure",
                "egov.record.type": "alert",
                "egov.record.id": alert.id,
                "soc.alert.level": alert.level.value,
                "message": f"{alert.id} was to be looked at by {alert.due.isoformat()}",
            }
            yield audit_event("alert-overdue", fields, alert.due)  # the same event after a restart, so it is told once


def ledger_checked(verdict: Verdict, now: datetime) -> list[Event]:
    """An event where the ledger has a fault; one that no head covers yet has none."""
    if not verdict.faults:
        return []
    fields = {"event.outcome": "failure", "egov.record.type": "ledger", "message": "; ".join(verdict.lines())}
    return [audit_event("ledger-verified", fields, now)]
