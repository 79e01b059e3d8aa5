"""A `ReportInput` in, the same report as JSON out: complete where the HTML cuts lists, for programs and for comparison. Stable bytes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson

from iso27001.catalogue import Catalogue
from iso27001.evidence import ControlLink, Evidence
from iso27001.ledger import canonical, rfc3339
from iso27001.measures import Sample
from iso27001.register.holdings import Holding
from iso27001.report.model import IncidentLine, ReportInput
from iso27001.status import ControlState, MeasureState

SCHEMA = "iso27001-report/1"


def render_json(report: ReportInput, catalogue: Catalogue) -> bytes:
    """The report as the bytes of one JSON file; moments in RFC 3339 UTC."""
    organisation, status, verdict = report.organisation, report.status, report.verdict
    document = {
        "schema": SCHEMA,
        "organisation": {name: getattr(organisation, name) for name in organisation.__slots__},
        "period": {"since": status.since, "until": status.until},
        "generated": report.generated,
        "notes": report.notes,
        "head": None if report.head is None else report.head.note,
        "ledger": None
        if verdict is None
        else {
            "origin": verdict.origin,
            "key": verdict.key,
            "integrity": verdict.integrity,
            "completeness": verdict.completeness,
            "size": verdict.size,
            "root": verdict.root.hex(),
            "signed": verdict.signed,
            "anchored": verdict.anchored,
            "faults": [{"kind": fault.kind, "text": fault.text, "seq": fault.seq} for fault in verdict.faults],
            "faults_not_listed": verdict.more,
        },
        "controls": [_control(state) for state in status.controls],
        "clauses": [
            {
                "id": clause.id,
                "title": clause.title_en,
                "measures": [state.measure.id for state in status.clause_measures(clause.id)],
            }
            for clause in catalogue.clauses.values()
            if clause.auditable
        ],
        "measures": [_measure(state) for state in status.measures],
        "evidence": [_evidence(each, status.register.evidence.get(each.id), status.until) for each in status.evidence],
        "incidents": [_incident(incident) for incident in report.incidents],
    }
    plain = orjson.loads(canonical(document))
    return orjson.dumps(plain, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def _control(state: ControlState) -> dict[str, Any]:
    stated = state.applicability
    return {
        "id": state.control.id,
        "title": state.control.title_en,
        "theme": state.control.theme,
        "evidence_mode": state.control.evidence_mode,
        "indicator": state.indicator,
        "measures": [of.measure.id for of in state.measures],
        "evidence": [evidence.id for evidence in state.evidence],
        "newest_evidence": state.newest_evidence,
        "implementation": None
        if stated is None
        else {"applicable": stated.applicable, "status": stated.status, "reason": stated.reason},
        "conclusion": state.conclusion or None,
    }


def _measure(state: MeasureState) -> dict[str, Any]:
    return {
        "id": state.measure.id,
        "title": state.measure.title_en,
        "controls": state.measure.controls,
        "indicator": state.indicator,
        "target": state.measure.target(),
        "stale_after_s": None if state.measure.stale_after is None else int(state.measure.stale_after.total_seconds()),
        "samples": {"met": state.met, "not_met": state.not_met, "no_data": state.unknown},
        "gaps": [[rfc3339(start), rfc3339(end)] for start, end in state.gaps],
        "newest": None if state.newest is None else _sample(state.newest),
    }


def _sample(sample: Sample) -> dict[str, Any]:
    return {name: getattr(sample, name) for name in Sample.__slots__}


def _evidence(evidence: Evidence, holding: Holding | None, at: datetime) -> dict[str, Any]:
    plain = {name: getattr(evidence, name) for name in Evidence.__slots__}
    events = [{"id": e.event_id, "sha256": e.sha256, "source": e.source, "offset": e.offset} for e in evidence.events]
    stands = None if holding is None else holding.state(at)
    steps = () if holding is None else holding.custody
    custody = [{name: getattr(step, name) for name in step.__slots__} for step in steps]
    fault = "" if holding is None else holding.custody_fault
    held = {"state": stands, "custody": custody, "custody_fault": fault}
    return {**plain, "controls": _links(evidence.controls), "events": events, **held}


def _incident(incident: IncidentLine) -> dict[str, Any]:
    plain = {name: getattr(incident, name) for name in IncidentLine.__slots__}
    return {
        **plain,
        "controls": _links(incident.controls),
        "alerts": [{name: getattr(alert, name) for name in alert.__slots__} for alert in incident.alerts],
        "notices": [{name: getattr(notice, name) for name in notice.__slots__} for notice in incident.notices],
        "timeline": [{name: getattr(line, name) for name in line.__slots__} for line in incident.timeline],
    }


def _links(links: Iterable[ControlLink]) -> list[dict[str, str]]:
    return [{"id": link.control_id, "why": link.why} for link in links]
