"""Records in, what somebody has to do soon or should have done out: evidence that expires; findings, actions, exceptions, reviews due."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from iso27001.register.activities import last
from iso27001.register.exceptions import ExceptionState
from iso27001.register.reading import Register
from iso27001.verifier.custody import EvidenceState

AHEAD = timedelta(days=30)
"""How long before its time a person is reminded."""


@dataclass(frozen=True, slots=True)
class Reminder:
    """One thing to do. `kind`: of the record ("evidence", "finding", "action", "exception", "risk", "activity"); `id`: of it."""

    due: datetime
    kind: str
    id: str
    owner: str
    text: str


def reminders(register: Register, at: datetime, ahead: timedelta = AHEAD) -> list[Reminder]:
    """What is due within `ahead` or overdue at a moment, the most urgent first."""
    found = [*_evidence(register, at), *_findings(register), *_exceptions(register, at), *_risks(register)]
    found += _activities(register)
    return sorted((each for each in found if each.due <= at + ahead), key=lambda each: (each.due, each.kind, each.id))


def _evidence(register: Register, at: datetime) -> Iterator[Reminder]:
    for holding in register.evidence.values():
        evidence = holding.evidence
        if evidence.expires is not None and holding.state(at) is not EvidenceState.REJECTED:
            yield Reminder(evidence.expires, "evidence", holding.id, evidence.owner, f"expires: {evidence.title}")


def _findings(register: Register) -> Iterator[Reminder]:
    for finding in register.findings.values():
        if finding.closed is not None:
            continue
        text = finding.text
        yield Reminder(text.due, "finding", finding.id, text.owner, f"{text.conclusion}, {finding.state}: {text.title}")
        for action in finding.actions:
            if action.done is None:
                yield Reminder(action.due, "action", f"{finding.id}/{action.number}", action.owner, action.text)


def _exceptions(register: Register, at: datetime) -> Iterator[Reminder]:
    for exception in register.exceptions.values():
        text = exception.text
        if exception.state(at) in {ExceptionState.APPROVED, ExceptionState.EXPIRED}:
            what = f"exception of {text.control_id} ends: {text.subject}"
            yield Reminder(text.expires, "exception", exception.id, text.owner, what)


def _risks(register: Register) -> Iterator[Reminder]:
    for risk in register.risks.values():
        if risk.closed is None and risk.text.review_due is not None:
            yield Reminder(risk.text.review_due, "risk", risk.id, risk.text.owner, f"review: {risk.text.title}")


def _activities(register: Register) -> Iterator[Reminder]:
    """Only the newest of a kind says when it is due again."""
    for kind in {each.text.kind for each in register.activities.values()}:
        newest = last(register.activities.values(), kind)
        if newest is not None and newest.text.next_due is not None:
            yield Reminder(newest.text.next_due, "activity", newest.id, newest.text.owner, f"due again: {kind}")
