"""Decisions of an audit: its plan, populations and samples, conclusions, follow-up and lock."""

from __future__ import annotations

from collections.abc import Mapping

from iso27001.errors import RecordError
from iso27001.ledger import Fact
from iso27001.measures import SAMPLE
from iso27001.register import By, get, next_id
from iso27001.register.audits import Audit, AuditKind, AuditPlan, conclude, count, follow_up, lock, plan, sample
from iso27001.register.conclusion import Conclusion
from iso27001.register.findings import KINDS as FINDING_KINDS
from iso27001.register.populations import population, usual_size
from iso27001.verifier.custody import LINKED
from soc.action import Argument, Kind, Role
from soc.alert import decisions as on_alerts
from soc.alert import facts as alert_facts
from soc.app.tracking import Act, Tracking, Values
from soc.incident import decisions as on_incidents
from soc.incident import facts as incident_facts
from soc.respond import running

POPULATIONS: Mapping[str, tuple[str, ...]] = {
    "alerts": (alert_facts.OPENED,),
    "alert-decisions": (on_alerts.STATUS,),
    "detections": (alert_facts.DETECTION,),
    "evidence": (LINKED,),
    "findings": FINDING_KINDS,
    "incidents": (incident_facts.OPENED,),
    "incident-phases": (on_incidents.PHASE,),
    "incident-reviews": (on_incidents.REVIEWED,),
    "measures": (SAMPLE,),
    "notices": (on_incidents.NOTICE,),
    "playbook-runs": (running.PLANNED,),
    "playbook-steps": (running.STEP,),
}
"""What an auditor can sample from, by name: the kinds of its facts."""

_PLAN = (
    Argument("title", "What audit it is.", required=True),
    Argument("kind", "Who audits, and what for.", required=True, choices=tuple(AuditKind)),
    Argument("scope", "What is audited.", required=True),
    Argument("since", "Start of the audited period.", Kind.MOMENT, required=True),
    Argument("until", "End of the audited period.", Kind.MOMENT, required=True),
    Argument("auditor", "An auditor.", required=True, many=True),
    Argument("criterion", "A control or clause (default: all).", many=True),
    Argument("method", "How: documents, interviews, samples."),
)


def _audit(tracking: Tracking, record_id: str) -> Audit:
    return get(tracking.register.audits, record_id, "audit")


def _plan(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    text = AuditPlan(
        title=values["title"],
        kind=AuditKind(values["kind"]),
        scope=values["scope"],
        since=values["since"],
        until=values["until"],
        auditors=values["auditor"],
        criteria=values["criterion"],
        method=values["method"],
    )
    known = tracking.register.audits
    return plan(record_id or next_id("AU", known), text, known, tracking.catalogue, by)


def _population(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    audit, name = _audit(tracking, record_id), values["name"]
    counted, _ = population(tracking.site.ledger, name, POPULATIONS[name], audit.plan.since, audit.plan.until)
    return count(audit, counted, by)


def _sample(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    audit, name = _audit(tracking, record_id), values["name"]
    seqs = members_of(tracking, audit, name)
    size = values["size"] or usual_size(len(seqs), audit.plan.until - audit.plan.since)
    return sample(audit, name, seqs, size, values["seed"], by)


def members_of(tracking: Tracking, audit: Audit, name: str) -> list[int]:
    """The places of a population's members, counted anew. Raises: RecordError where that does not give the same population."""
    counted = get(audit.populations, name, f"population of {audit.id} named")
    again, seqs = population(tracking.site.ledger, name, counted.kinds, counted.since, counted.until, counted.size)
    if again != counted:
        raise RecordError(
            f"{audit.id}: {name} is not what was counted: {again.count} with root {again.root},"
            f" not {counted.count} with root {counted.root}; verify the ledger"
        )
    return seqs


def _conclude(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    register = tracking.register
    return conclude(
        _audit(tracking, record_id),
        values["criterion"],
        Conclusion(values["conclusion"]),
        values["reason"],
        evidence=values["evidence"],
        holdings=register.evidence,
        findings=register.findings,
        catalogue=tracking.catalogue,
        by=by,
    )


def _follow_up(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    finding = get(tracking.register.findings, values["finding"], "finding")
    return follow_up(_audit(tracking, record_id), finding, values["note"], by)


def _lock(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    ledger = tracking.site.ledger
    size = ledger.size
    return lock(
        _audit(tracking, record_id), values["summary"], tracking.register.findings, size, ledger.root_at(size), by
    )


AUDITS = (
    Act("plan", "Plan an audit: its scope, period, criteria and auditors.", Role.LEAD, _plan, _PLAN, new=True),
    Act(
        "population",
        "Count everything of a kind in the audited period, with its root hash.",
        Role.AUDITOR,
        _population,
        (Argument("name", "Of what.", required=True, choices=tuple(POPULATIONS)),),
    ),
    Act(
        "sample",
        "Draw a sample of a population, the same for the same seed.",
        Role.AUDITOR,
        _sample,
        (
            Argument("name", "The population.", required=True, choices=tuple(POPULATIONS)),
            Argument("seed", "What nobody could choose: the day's lottery numbers, a dice roll.", required=True),
            Argument("size", "How many (default: as usual for how often it happens).", Kind.NUMBER),
        ),
    ),
    Act(
        "conclude",
        "Conclude of criteria.",
        Role.AUDITOR,
        _conclude,
        (
            Argument("criterion", "A control or clause.", required=True, many=True),
            Argument("conclusion", "What is concluded.", required=True, choices=tuple(Conclusion)),
            Argument("reason", "Why.", required=True),
            Argument("evidence", "An id of evidence that it stands on.", many=True),
        ),
    ),
    Act(
        "follow-up",
        "Record what was seen of an earlier audit's finding.",
        Role.AUDITOR,
        _follow_up,
        (
            Argument("finding", "Its id.", required=True),
            Argument("note", "What was seen.", required=True),
        ),
    ),
    Act(
        "lock",
        "End an audit; nothing can be added afterwards.",
        Role.AUDITOR,
        _lock,
        (Argument("summary", "What the audit comes to.", required=True),),
    ),
)
