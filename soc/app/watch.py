"""The SOC watches itself: rules that are gone, alerts that nobody looked at in time, a ledger that does not verify become audit events.

They go through the journal like every other log, and the rules in rules/soc make alerts of them.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from collectors.event import Event
from iso27001.ledger import Entry, Fact
from iso27001.verifier.verdict import Verdict
from soc.app.audit import audit_event
from soc.app.site import Site
from soc.errors import Fault

RULES_LOADED = "rules.loaded"

SUSPENDED, RESUMED = "rule-suspended", "rule-resumed"
"""Actions of the SOC's own audit about a rule."""

DISK_LOW, HELD_UP = "disk-low", "source-held-up"
"""Actions of the SOC's own audit about the disk of the site's data, which stops every source when it is full."""

LEAST_FREE = 0.05
"""Of that disk: with less a person must act."""

FAULTS_TOLD = 5
"""Faults of what is refused that its event names; the log has them all."""


def rules_loaded(site: Site, versions: Mapping[str, str], offset: int, now: datetime) -> list[Event]:
    """Record from which offset of the journal on which rules run in which version; an event for each rule that ran before and is gone.

    `versions`: of all rules, correlations and filters by id. The fact names what is new since the one before, so one rule costs one line.
    """
    before = running_rules(site)
    if before == versions:
        return []
    new = {rule: version for rule, version in versions.items() if before.get(rule) != version}
    gone = sorted(before.keys() - versions.keys())
    body = {"from": offset, "rules": new, "removed": gone, "total": len(versions)}
    site.ledger.append([Fact(f"{RULES_LOADED}:{offset}:{now.isoformat()}", RULES_LOADED, now, "engine", body)])
    return [
        audit_event(
            "rule-removed",
            {"egov.record.type": "detection-rule", "egov.record.id": rule, "message": f"rule {rule} is gone"},
            now,
        )
        for rule in gone
    ]


def running_rules(site: Site, offset: int | None = None) -> dict[str, str]:
    """The versions by id of what evaluates the journal's event at `offset` (default: the next one), as the ledger tells it."""
    versions: dict[str, str] = {}
    for entry in site.ledger.entries(kinds=[RULES_LOADED]):
        if offset is not None and entry.fact.body.get("from", 0) > offset:
            break
        fold(versions, entry)
    return versions


def fold(versions: dict[str, str], entry: Entry) -> None:
    """Bring the versions by id to what they were after this fact of RULES_LOADED."""
    body = entry.fact.body
    if "removed" not in body:  # as version 0.1.0 wrote it: all that ran, from no offset it knew
        versions.clear()
    versions.update(body["rules"])
    for rule in body.get("removed", ()):
        versions.pop(rule, None)


def rules_refused(faults: Sequence[Fault], now: datetime) -> Event:
    """The event for a changed set of rules that has faults, so that the one before goes on."""
    first = "; ".join(str(fault).splitlines()[0] for fault in faults[:FAULTS_TOLD])
    more = f"; and {len(faults) - FAULTS_TOLD} more" if len(faults) > FAULTS_TOLD else ""
    fields = {"event.outcome": "failure", "egov.record.type": "detection-rule", "message": first + more}
    return audit_event("rules-refused", fields, now)


def enrichment_refused(what: str, why: str, now: datetime) -> Event:
    """The event for changed files of enrichment that cannot be read, so that what they said before goes on."""
    told = "; ".join(why.splitlines()[:FAULTS_TOLD])
    fields = {"event.outcome": "failure", "egov.record.type": "enrichment", "egov.record.id": what, "message": told}
    return audit_event("enrichment-refused", fields, now)


def rule_suspended(rule: str, why: str, now: datetime) -> Event:
    """The event that a rule does not run for a while."""
    fields = {"event.outcome": "failure", "egov.record.type": "detection-rule", "egov.record.id": rule, "message": why}
    return audit_event(SUSPENDED, fields, now)


def rule_resumed(rule: str, why: str, now: datetime) -> Event:
    """The event that a suspended rule runs again."""
    fields = {"event.outcome": "success", "egov.record.type": "detection-rule", "egov.record.id": rule, "message": why}
    return audit_event(RESUMED, fields, now)


def ledger_checked(verdict: Verdict, now: datetime) -> list[Event]:
    """An event where the ledger has a fault; one that no head covers yet has none."""
    if not verdict.faults:
        return []
    fields = {"event.outcome": "failure", "egov.record.type": "ledger", "message": "; ".join(verdict.lines())}
    return [audit_event("ledger-verified", fields, now)]


def disk_low(site: Site, now: datetime) -> Event | None:
    """The event that the disk of the site's data has little room, before it has none; None where it has enough."""
    disk = shutil.disk_usage(site.config.data)
    if disk.free >= LEAST_FREE * disk.total:
        return None
    message = f"{site.config.data} has {disk.free // 1_000_000:,} MB free of {disk.total // 1_000_000:,}; full, every source waits"
    fields = {"event.outcome": "failure", "egov.record.type": "disk", "message": message}
    return audit_event(DISK_LOW, fields, now)


def held_up(source: str, waited: timedelta, now: datetime) -> Event:
    """The event that a source waited for the disk until now."""
    since = now - waited
    fields = {
        "event.outcome": "failure",
        "event.start": since.isoformat(),
        "event.end": now.isoformat(),
        "egov.record.type": "log-source",
        "egov.record.id": source,
        "message": f"{source} waited for a full disk from {since.isoformat()} to {now.isoformat()}; nothing that it acknowledged is lost",
    }
    return audit_event(HELD_UP, fields, now)
