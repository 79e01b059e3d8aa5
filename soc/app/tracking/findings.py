"""Decisions on findings and on exceptions."""

from __future__ import annotations

from iso27001.errors import RecordError
from iso27001.ledger import Fact
from iso27001.register import By, get, next_id
from iso27001.register.conclusion import Conclusion
from iso27001.register.exceptions import ExceptionText, approve, reject, request, revoke
from iso27001.register.findings import FindingText, Source, analyse, check, close, done, open_finding, plan
from soc.action import Argument, Kind, Role
from soc.app.tracking import Act, Tracking, Values

_GRADES = tuple(grade for grade in Conclusion if grade is not Conclusion.CONFORM)
_NOTE = Argument("note", "What was seen, or why.", required=True)

_FINDING = (
    Argument("title", "What was found, in a few words.", required=True),
    Argument("text", "What was found.", required=True),
    Argument("conclusion", "Its grade.", required=True, choices=_GRADES),
    Argument("control", "A control or clause that it is of.", required=True, many=True),
    Argument("ref", "The audit, incident or measure that brought it about.", required=True),
    Argument("owner", "Who answers for it.", required=True),
    Argument("due", "When it must be closed.", Kind.MOMENT, required=True),
    Argument("evidence", "An id of evidence.", many=True),
)


def _text(tracking: Tracking, values: Values, source: Source) -> FindingText:
    for name in values["evidence"]:
        get(tracking.register.evidence, name, "evidence")
    return FindingText(
        title=values["title"],
        text=values["text"],
        conclusion=Conclusion(values["conclusion"]),
        controls=values["control"],
        source=source,
        ref=values["ref"],
        owner=values["owner"],
        due=values["due"],
        evidence=values["evidence"],
    )


def _found(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    audit = get(tracking.register.audits, values["ref"], "audit")
    if audit.lock is not None:
        raise RecordError(f"{audit.id} was locked on {audit.lock.time:%Y-%m-%d}: nothing can be added")
    if by.actor not in audit.plan.auditors:
        raise RecordError(f"{by.actor} is no auditor of {audit.id} ({', '.join(audit.plan.auditors)})")
    known = tracking.register.findings
    text = _text(tracking, values, Source.AUDIT)
    return open_finding(record_id or next_id("F", known), text, known, tracking.catalogue, by)


def _raised(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    known = tracking.register.findings
    text = _text(tracking, values, Source(values["source"]))
    return open_finding(record_id or next_id("F", known), text, known, tracking.catalogue, by)


def _analyse(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    return analyse(get(tracking.register.findings, record_id, "finding"), values["cause"], by)


def _plan(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    finding = get(tracking.register.findings, record_id, "finding")
    return plan(finding, values["action"], values["owner"], values["due"], by)


def _done(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    return done(get(tracking.register.findings, record_id, "finding"), values["number"], values["note"], by)


def _check(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    finding = get(tracking.register.findings, record_id, "finding")
    return check(finding, values["effect"] == "effective", values["note"], by)


def _close(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    return close(get(tracking.register.findings, record_id, "finding"), values["note"], by)


def _request(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    if values["risk"]:
        get(tracking.register.risks, values["risk"], "risk")
    text = ExceptionText(
        control_id=values["control"],
        subject=values["subject"],
        reason=values["reason"],
        owner=values["owner"],
        since=values["since"] or by.time,
        expires=values["expires"],
        risk=values["risk"],
    )
    known = tracking.register.exceptions
    return request(record_id or next_id("X", known), text, known, tracking.catalogue, by)


def _approve(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    return approve(get(tracking.register.exceptions, record_id, "exception"), values["note"], by)


def _reject(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    return reject(get(tracking.register.exceptions, record_id, "exception"), values["note"], by)


def _revoke(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    return revoke(get(tracking.register.exceptions, record_id, "exception"), values["note"], by)


_SOURCES = tuple(source for source in Source if source is not Source.AUDIT)

FINDINGS = (
    Act("open", "Open a finding of an audit; by one of its auditors.", Role.AUDITOR, _found, _FINDING, new=True),
    Act(
        "raise",
        "Raise a finding of an incident, a measure or a management review.",
        Role.LEAD,
        _raised,
        (*_FINDING, Argument("source", "What brought it about.", required=True, choices=_SOURCES)),
        new=True,
    ),
    Act(
        "analyse", "Record the root cause.", Role.LEAD, _analyse, (Argument("cause", "The root cause.", required=True),)
    ),
    Act(
        "plan",
        "Plan a corrective action.",
        Role.LEAD,
        _plan,
        (
            Argument("action", "What is to be done.", required=True),
            Argument("owner", "By whom.", required=True),
            Argument("due", "Until when.", Kind.MOMENT, required=True),
        ),
    ),
    Act(
        "done",
        "A corrective action was done.",
        Role.ANALYST,
        _done,
        (Argument("number", "Its number.", Kind.NUMBER, required=True), _NOTE),
    ),
    Act(
        "check",
        "Check the effect of the actions; by an auditor who did none of them.",
        Role.AUDITOR,
        _check,
        (Argument("effect", "What was seen.", required=True, choices=("effective", "not-effective")), _NOTE),
    ),
    Act("close", "Leave an observation or opportunity at that.", Role.AUDITOR, _close, (_NOTE,)),
)

EXCEPTIONS = (
    Act(
        "request",
        "Ask that a control need not hold for something, for a time.",
        Role.ANALYST,
        _request,
        (
            Argument("control", "Which control.", required=True),
            Argument("subject", "For what: a system, an account, a place.", required=True),
            Argument("reason", "Why.", required=True),
            Argument("owner", "Who answers for it.", required=True),
            Argument("since", "From when on (default: now).", Kind.MOMENT),
            Argument("expires", "Until when.", Kind.MOMENT, required=True),
            Argument("risk", "The risk of the register that it leaves."),
        ),
        new=True,
    ),
    Act(
        "approve",
        "Approve an exception that somebody else asked for.",
        Role.LEAD,
        _approve,
        (Argument("note", "Why."),),
    ),
    Act("reject", "Refuse an exception.", Role.LEAD, _reject, (_NOTE,)),
    Act("revoke", "End an approved exception before its time.", Role.LEAD, _revoke, (_NOTE,)),
)
