"""A `ReportInput` in, OSCAL 1.2 JSON out: assessment results, and the plan of action and milestones. Stable bytes.

Source: NIST OSCAL 1.2 reference, models assessment-results and plan-of-action-and-milestones. ISO/IEC publishes no OSCAL catalogue, so
control ids are ours: A.8.15 is `a.8.15`, clause 9.2.1 is `cl.9.2.1`. Indicators are properties of observations; a finding is what an
auditor concluded, and where none did, there is none. Texts are data: what Markdown would read as markup is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson

from iso27001.applicability import Implementation
from iso27001.catalogue import Catalogue
from iso27001.evidence import Evidence
from iso27001.ledger import canonical, rfc3339
from iso27001.register.audits import Concluded
from iso27001.register.findings import Finding, FindingState
from iso27001.report.model import ReportInput
from iso27001.report.visible import visible
from iso27001.status import ControlState, MeasureState

VERSION = "1.2.1"
NAMESPACE = "https://soc-toolkit.example/ns/oscal"
"""Of our own properties: a name, nothing to fetch."""
_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#!|~]|^[+-])")


def assessment_results(report: ReportInput, catalogue: Catalogue) -> bytes:
    """What was counted, shown and concluded in the period, as OSCAL assessment results."""
    of = _Ids(report)
    status = report.status
    observations = [
        *(_sampled(state, of) for state in status.measures if state.newest),
        *(_shown(evidence, of) for evidence in status.evidence),
    ]
    states = {state.control.id: state for state in status.controls}
    findings = [
        _concluded(criterion, said, states.get(criterion), of, catalogue)
        for criterion, said in status.concluded.items()
    ]
    result = {
        "uuid": of.uuid("result"),
        "title": "Controls of the period",
        "description": "What machines counted, what shows it, and what auditors concluded, each apart.",
        "start": rfc3339(status.since),
        "end": rfc3339(status.until),
        "props": _props(_head(report)),
        "reviewed-controls": {"control-selections": [{"include-all": {}}]},
        **_some("observations", observations),
        **_some("findings", findings),
    }
    body = {
        "uuid": of.uuid("assessment-results"),
        "metadata": _metadata(report, "Assessment results"),
        "import-ap": {
            "href": "#",
            "remarks": "No assessment plan in OSCAL is kept; audits and their plans are in the ledger.",
        },
        "results": [result],
    }
    return _written({"assessment-results": body})


def plan_of_action(report: ReportInput, catalogue: Catalogue) -> bytes:
    """The findings that were open in the period with their corrective actions, as an OSCAL plan of action and milestones."""
    of = _Ids(report)
    status = report.status
    found = [f for f in status.register.findings.values() if f.opened < status.until]
    still = [f for f in found if f.closed is None or f.closed >= status.since]
    del catalogue  # the plan names controls by their ids alone
    none = {
        "uuid": of.uuid("nothing"),
        "title": "Nothing is open",
        "description": "No finding was open in this period.",
    }
    body = {
        "uuid": of.uuid("poam"),
        "metadata": _metadata(report, "Plan of action and milestones"),
        "system-id": {"identifier-type": NAMESPACE, "id": _text(report.organisation.name) or "-"},
        **_some("risks", [_risk(finding, of) for finding in still]),
        "poam-items": [_item(finding, of) for finding in still] or [none],
    }
    return _written({"plan-of-action-and-milestones": body})


class _Ids:
    """UUIDs that are the same whenever the same ledger is written (RFC 9562 version 5)."""

    def __init__(self, report: ReportInput) -> None:
        origin = report.verdict.origin if report.verdict else report.organisation.name
        period = f"{rfc3339(report.status.since)}/{rfc3339(report.status.until)}"
        self._base = uuid5(NAMESPACE_URL, f"{NAMESPACE}/{origin}/{period}")

    def uuid(self, *names: str) -> str:
        return str(uuid5(self._base, "/".join(names)))


def _metadata(report: ReportInput, title: str) -> dict[str, Any]:
    organisation = _text(report.organisation.name)
    return {
        "title": f"{title}: {organisation}",
        "last-modified": rfc3339(report.generated),
        "version": str(report.head.size if report.head else 0),
        "oscal-version": VERSION,
    }


def _head(report: ReportInput) -> dict[str, str]:
    head = report.head
    return (
        {} if head is None else {"ledger-size": str(head.size), "ledger-root": head.root.hex(), "ledger": head.origin}
    )


def _sampled(state: MeasureState, of: _Ids) -> dict[str, Any]:
    newest = state.newest
    assert newest is not None
    values = {f"value-{name}": str(value) for name, value in newest.values.items()}
    expires = (
        {} if state.measure.stale_after is None else {"expires": rfc3339(newest.until + state.measure.stale_after)}
    )
    return {
        "uuid": of.uuid("measure", state.measure.id),
        "title": _text(f"{state.measure.id} {state.measure.title_en}"),
        "description": _text(newest.query or state.measure.title_en),
        "props": _props(
            {
                "indicator": str(state.indicator),
                "target": newest.target or "-",
                "population": str(newest.population),
                "result-sha256": newest.result_hash,
                "ledger-entry": str(newest.seq),
                **values,
            }
        ),
        "methods": ["TEST"],
        "types": ["control-objective"],
        "collected": rfc3339(newest.until),
        **expires,
    }


def _shown(evidence: Evidence, of: _Ids) -> dict[str, Any]:
    expires = {} if evidence.expires is None else {"expires": rfc3339(evidence.expires)}
    shown = [
        {"description": _text(f"Event {event.event_id} of {event.source}"), "props": _props({"sha256": event.sha256})}
        for event in evidence.events
    ]
    return {
        "uuid": of.uuid("evidence", evidence.id),
        "title": _text(evidence.title) or "-",
        "description": _text(evidence.title) or "-",
        "props": _props(
            {
                "evidence": evidence.id,
                "evidence-kind": evidence.kind,
                "effective-from": rfc3339(evidence.effective_from),
                "effective-to": rfc3339(evidence.effective_to),
                "sha256": evidence.result_hash,
                "ledger-entry": str(evidence.revision),
                "controls": " ".join(_id(link.control_id) for link in evidence.controls),
            }
        ),
        "methods": ["EXAMINE"],
        "types": ["control-objective"],
        **_some("relevant-evidence", shown),
        "collected": rfc3339(evidence.collected_at),
        **expires,
    }


def _concluded(
    criterion: str, said: Concluded, state: ControlState | None, of: _Ids, catalogue: Catalogue
) -> dict[str, Any]:
    known = catalogue.controls.get(criterion) or catalogue.clauses.get(criterion)
    title = f"{criterion} {known.title_en}" if known else criterion
    measured = [of.uuid("measure", each.measure.id) for each in state.measures if each.newest] if state else []
    shown = [of.uuid("evidence", evidence.id) for evidence in state.evidence] if state else []
    return {
        "uuid": of.uuid("finding", criterion),
        "title": _text(title),
        "description": _text(said.reason) or "-",
        "props": _props(
            {"conclusion": said.conclusion, "concluded-by": said.actor, "concluded-at": rfc3339(said.time)}
        ),
        "target": {
            "type": "objective-id",
            "target-id": _id(criterion),
            "status": {
                "state": "not-satisfied" if said.conclusion.nonconformity else "satisfied",
                "reason": "fail" if said.conclusion.nonconformity else "pass",
            },
            **_implementation(state),
        },
        **_some("related-observations", [{"observation-uuid": each} for each in (*measured, *shown)]),
    }


def _implementation(state: ControlState | None) -> dict[str, Any]:
    stated = state.applicability.status if state and state.applicability else None
    return {} if not isinstance(stated, Implementation) else {"implementation-status": {"state": stated.value}}


def _risk(finding: Finding, of: _Ids) -> dict[str, Any]:
    remediations = [
        {
            "uuid": of.uuid("action", finding.id, str(action.number)),
            "lifecycle": "completed" if action.done else "planned",
            "title": _text(action.text)[:200],
            "description": _text(f"{action.text} ({action.owner}, due {rfc3339(action.due)})"),
        }
        for action in finding.actions
    ]
    return {
        "uuid": of.uuid("risk", finding.id),
        "title": _text(finding.text.title),
        "description": _text(finding.text.text) or "-",
        "statement": _text(finding.cause) or "Its cause is not known yet.",
        "status": _STATES[finding.state],
        "deadline": rfc3339(finding.text.due),
        **_some("remediations", remediations),
    }


_STATES = {
    FindingState.OPEN: "open",
    FindingState.ANALYSED: "investigating",
    FindingState.IN_WORK: "remediating",
    FindingState.DONE: "remediating",
    FindingState.CLOSED: "closed",
}
"""A finding's state in OSCAL's words of a risk."""


def _item(finding: Finding, of: _Ids) -> dict[str, Any]:
    return {
        "uuid": of.uuid("item", finding.id),
        "title": _text(finding.text.title) or "-",
        "description": _text(finding.text.text) or "-",
        "props": _props(
            {
                "finding": finding.id,
                "conclusion": finding.text.conclusion,
                "owner": finding.text.owner,
                "controls": " ".join(_id(control_id) for control_id in finding.text.controls),
            }
        ),
        "related-risks": [{"risk-uuid": of.uuid("risk", finding.id)}],
    }


def _id(control_id: str) -> str:
    """`A.8.15` as OSCAL writes ids (tokens in lower case); a clause has no letter of its own."""
    token = re.sub(r"[^a-z0-9._-]", "_", control_id.lower())
    return token if token[:1].isalpha() else f"cl.{token}"


def _props(values: dict[str, str]) -> list[dict[str, str]]:
    return [
        {
            "name": re.sub(r"[^A-Za-z0-9._-]", "_", name),
            "ns": NAMESPACE,
            "value": " ".join(visible(value).split()) or "-",
        }
        for name, value in values.items()
    ]


def _text(value: str) -> str:
    """Text for a field that OSCAL reads as Markdown."""
    return _MARKUP.sub(r"\\\1", " ".join(visible(value).split()))


def _some(name: str, values: Iterable[Any]) -> dict[str, Any]:
    """A list under its name, where there is something in it: OSCAL knows no empty list."""
    found = list(values)
    return {name: found} if found else {}


def _written(document: dict[str, Any]) -> bytes:
    plain = orjson.loads(canonical(document))
    return orjson.dumps(plain, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
