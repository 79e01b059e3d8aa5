"""SOC facts in, evidence and measures for controls out: the one joint between the trunk and the ISO/IEC 27001 leaf. Pure.

An incident is evidence for the controls that its detections' techniques and log sources speak of; what the SOC counted of itself becomes
samples of the leaf's measures. Numbers that were not counted are left out: the leaf then says "no data", never a pass.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from iso27001.catalogue import Catalogue
from iso27001.catalogue.techniques import controls_for
from iso27001.evidence import ControlLink, EventRef, Evidence, EvidenceKind, content_hash, link
from iso27001.ledger import Entry, Fact
from iso27001.measures import sample
from iso27001.report.model import AlertLine, IncidentLine, TimelineLine
from soc.alert import Alert, AlertStatus
from soc.detect import Level
from soc.incident import Incident

TRIAGE_WITHIN = {
    Level.CRITICAL: ("critical", "critical_in_15m", timedelta(minutes=15)),
    Level.HIGH: ("high", "high_in_60m", timedelta(hours=1)),
    Level.MEDIUM: ("medium", "medium_in_8h", timedelta(hours=8)),
}
"""Level -> the numbers of MON-03 and the time that it allows."""

INTELLIGENCE = "category:threat_intel"
"""The log source of rules that read what indicators matched."""

TAMPERING = ("attack.t1070.001", "attack.t1070.002", "attack.t1685", "attack.t1562")


def controls_of(alerts: Iterable[Alert]) -> dict[str, str]:
    """Control ids that these alerts speak of, the most specific links first, each with the reason in words."""
    found: dict[str, str] = {}
    for alert in alerts:
        for control, why in controls_for(alert.tags, alert.logsource).items():
            found.setdefault(control, why)
    return found


def incident_evidence(
    incident: Incident, alerts: Sequence[Alert], detections: Sequence[Entry], catalogue: Catalogue, now: datetime
) -> Fact:
    """The fact that links an incident to its controls. `detections`: ledger entries of its alerts' detections, each with raw hashes."""
    events = tuple(
        EventRef(event["id"], event["sha256"], event["source"], event["journal"])
        for entry in detections
        for event in entry.fact.body["events"]
    )
    seqs = tuple(entry.seq for entry in detections)
    evidence = Evidence(
        id=incident.id,
        title=incident.title,
        kind=EvidenceKind.INCIDENT,
        controls=tuple(ControlLink(control, why) for control, why in controls_of(alerts).items()),
        effective_from=incident.opened,
        effective_to=incident.last_seen,
        collected_at=now,
        collector="soc",
        result_hash=content_hash(events, seqs),
        ledger_seqs=seqs,
        events=events,
    )
    return link(evidence, catalogue)


def incident_line(incident: Incident, alerts: Sequence[Alert]) -> IncidentLine:
    """An incident as the report tells it."""
    return IncidentLine(
        id=incident.id,
        title=incident.title,
        level=incident.level.value,
        phase=incident.phase.value,
        opened=incident.opened,
        closed=incident.closed,
        systems=incident.systems,
        alerts=tuple(AlertLine(a.id, a.title, a.level.value, a.count, a.first_seen) for a in alerts),
        timeline=tuple(TimelineLine(e.time, e.kind, e.text) for e in sorted(incident.timeline, key=lambda e: e.time)),
        controls=tuple(ControlLink(control, why) for control, why in controls_of(alerts).items()),
        why=incident.why,
    )


def flow_samples(facts: Sequence[Fact], expected: Iterable[str], since: datetime, now: datetime) -> list[Fact]:
    """LOG-01 and LOG-03 from the conservation facts of the period. `expected`: "system/dataset" of every log that the inventory expects."""
    wanted = set(expected)
    heard = {
        source for fact in facts for source, at in fact.body["heard"].items() if datetime.fromisoformat(at) >= since
    }
    totals = _totals(facts)
    accepted = totals["received"] + totals["dropped"]
    missing = sum(1 for fact in facts if not fact.body["balanced"])
    return [
        sample(
            "LOG-01",
            {"sources_seen": len(wanted & heard), "sources_expected": len(wanted)},
            population=len(wanted),
            since=since,
            until=now,
            query="logs of the inventory that conservation facts of the period name as heard",
            time=now,
        ),
        sample(
            "LOG-03",
            {
                "accepted": accepted if facts else None,
                "lost": None if missing or not facts else totals["dropped"],
                "parse_failed": totals["dead"] if facts else None,
            },
            population=len(facts),
            since=since,
            until=now,
            query="sum over the conservation facts of the period, each of which adds up"
            if not missing
            else f"{missing} facts do not add up",
            time=now,
        ),
    ]


def engine_samples(
    detections: Sequence[Fact], rules: int, blind: int, trained: datetime | None, since: datetime, now: datetime
) -> list[Fact]:
    """MON-01 and MON-05. A rule that cannot be loaded stops the start, so all that are enabled run; `blind`: those that were suspended."""
    lags = [max(0.0, (fact.time - _ingested(fact)).total_seconds()) for fact in detections]
    found = [
        sample(
            "MON-01",
            {"rules_ok": rules - blind, "rules_enabled": rules, "p95_lag_s": _p95(lags)},
            population=len(detections),
            since=since,
            until=now,
            query="rules that run, less those with a gap in the period; 95th percentile of decision time minus time of receipt",
            time=now,
        )
    ]
    if trained is not None:
        age = (now - trained) / timedelta(days=1)
        found.append(
            sample(
                "MON-05",
                {"days_since_training": round(age, 3)},
                population=1,
                since=since,
                until=now,
                query="age of the newest model.trained fact",
                time=now,
            )
        )
    return found


def intelligence_samples(
    imported: Mapping[str, datetime], alerts: Iterable[Alert], since: datetime, now: datetime
) -> list[Fact]:
    """TI-01 where there is a feed. `imported`: feed -> when it was last read. Decisions about advisories are not counted here."""
    if not imported:
        return []
    matches = sum(alert.count for alert in alerts if alert.logsource == INTELLIGENCE)
    return [
        sample(
            "TI-01",
            {"feed_age_h": round((now - min(imported.values())) / timedelta(hours=1), 3), "matches": matches},
            population=len(imported),
            since=since,
            until=now,
            query="age of the feed that was read the longest ago; detections of rules of threat_intel in alerts of the period",
            time=now,
        )
    ]


def triage_samples(
    alerts: Sequence[Alert], opened: Mapping[str, datetime], since: datetime, now: datetime
) -> list[Fact]:
    """MON-03, INC-01 and LOG-05 from alerts that opened in the period; one whose time is not over yet and is not looked at is left out.

    `opened`: alert id -> when it was opened, by the ledger.
    """
    first_look = {a.id: min((c.time for c in a.history), default=None) for a in alerts}
    numbers: dict[str, float | int | None] = {}
    for level, (all_name, in_time_name, within) in TRIAGE_WITHIN.items():
        due = [a for a in alerts if a.level is level and (first_look[a.id] or now - opened[a.id] > within)]
        in_time = [a for a in due if (look := first_look[a.id]) and look - opened[a.id] <= within]
        numbers |= {all_name: len(due), in_time_name: len(in_time)}
    waits = [(look - opened[i]).total_seconds() for i, look in first_look.items() if look is not None]
    numbers["mtta_s"] = round(statistics.fmean(waits), 1) if waits else None
    decided = [a for a in alerts if a.status is AlertStatus.CLOSED]
    minutes = [(a.history[-1].time - opened[a.id]).total_seconds() / 60 for a in decided]
    tampering = [a for a in alerts if any(tag.startswith(TAMPERING) for tag in a.tags)]
    unexplained = [a for a in tampering if not a.incident_id and a.status is not AlertStatus.CLOSED]

    def made(measure: str, values: Mapping[str, float | int | None], population: int, query: str) -> Fact:
        return sample(measure, values, population=population, since=since, until=now, query=query, time=now)

    return [
        made(
            "MON-03",
            numbers,
            len(alerts),
            "alerts opened in the period: first status change against the time its level allows",
        ),
        made(
            "INC-01",
            {
                "events": len(alerts),
                "events_decided": len(decided),
                "median_decision_min": round(statistics.median(minutes), 2) if minutes else None,
            },
            len(alerts),
            "alerts opened in the period that were closed with a reason and a name",
        ),
        made(
            "LOG-05",
            {"hits": len(tampering), "hits_unexplained": len(unexplained)},
            len(tampering),
            "alerts of the period tagged T1070.001, T1070.002, T1562 or T1685 that are in no incident and not closed",
        ),
    ]


def _totals(facts: Iterable[Fact]) -> dict[str, int]:
    totals = {"received": 0, "dead": 0, "dropped": 0}
    for fact in facts:
        for counts in fact.body["sources"].values():
            for name in totals:
                totals[name] += counts[name]
    return totals


def _ingested(fact: Fact) -> datetime:
    events: list[dict[str, Any]] = fact.body["events"]
    return datetime.fromisoformat(events[-1]["ingested"])


def _p95(values: Sequence[float]) -> float | None:
    if not values:
        return None
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 3)
