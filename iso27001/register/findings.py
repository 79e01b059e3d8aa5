"""Findings and what became of them: root cause, corrective actions, the check of their effect (ISO/IEC 27001 clause 10.2).

A finding is of an audit, of an incident (its review), or of a measure that was not met. A nonconformity is closed by a check that found its
actions effective, made by somebody who did none of them; an observation or opportunity may also be closed with a reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from iso27001.catalogue import Catalogue
from iso27001.errors import RecordError
from iso27001.ledger import Entry, Fact
from iso27001.register import By, begun, decision, folded, new, read, resolved, utc, whole
from iso27001.register.conclusion import Conclusion

OPENED, ANALYSED, PLANNED = "finding.opened", "finding.analysed", "finding.action"
DONE, CHECKED, CLOSED = "finding.done", "finding.checked", "finding.closed"
KINDS = (OPENED, ANALYSED, PLANNED, DONE, CHECKED, CLOSED)
AUDITORS_KINDS = frozenset({OPENED, CHECKED, CLOSED})
"""What an auditor says of a finding; the rest is the organisation's."""


class FindingState(StrEnum):
    """Where a finding stands; whose turn it is follows from it."""

    OPEN = "open"
    ANALYSED = "cause known"
    IN_WORK = "actions planned"
    DONE = "actions done"
    CLOSED = "closed"


class Source(StrEnum):
    """What brought a finding about."""

    AUDIT = "audit"
    INCIDENT = "incident"
    MEASURE = "measure"
    REVIEW = "management review"


@dataclass(frozen=True, slots=True)
class FindingText:
    """What was found. `ref`: id of the audit, incident or measure. `evidence`: ids of evidence. `due`: when it must be closed."""

    title: str
    text: str
    conclusion: Conclusion
    controls: tuple[str, ...]
    source: Source
    ref: str
    owner: str
    due: datetime
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """One corrective action. `number`: from 1, within its finding. `done` None: not done yet."""

    number: int
    text: str
    owner: str
    due: datetime
    done: datetime | None = None
    done_by: str = ""
    note: str = ""

    def overdue(self, at: datetime) -> bool:
        """Whether it was not done in time."""
        return (self.done or at) > self.due


@dataclass(frozen=True, slots=True)
class Check:
    """One check of whether the actions had an effect."""

    time: datetime
    actor: str
    effective: bool
    note: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding as it stands."""

    id: str
    text: FindingText
    opened: datetime
    opened_by: str
    cause: str = ""
    actions: tuple[Action, ...] = ()
    checks: tuple[Check, ...] = ()
    closed: datetime | None = None
    why_closed: str = ""
    version: int = 0

    @property
    def state(self) -> FindingState:
        """Where it stands."""
        if self.closed is not None:
            return FindingState.CLOSED
        if self.actions and all(action.done for action in self.actions):
            return FindingState.DONE
        if self.actions:
            return FindingState.IN_WORK
        return FindingState.ANALYSED if self.cause else FindingState.OPEN

    def overdue(self, at: datetime) -> bool:
        """Whether it should have been closed."""
        return self.closed is None and self.text.due < at


def open_finding(
    finding_id: str, text: FindingText, known: Mapping[str, Finding], catalogue: Catalogue, by: By
) -> Fact:
    """The fact that something was found. Raises: RecordError for what is no finding, no or an unknown control, a due time that is past."""
    new(finding_id, known)
    whole(finding_id, title=text.title, text=text.text, owner=text.owner, ref=text.ref)
    if text.conclusion is Conclusion.CONFORM:
        raise RecordError(f'{finding_id}: what conforms is no finding; record it as the conclusion "conform"')
    controls = resolved(text.controls, catalogue, finding_id)
    if not controls:
        raise RecordError(f"{finding_id}: a finding names the control or clause that it is of")
    due = utc(text.due, finding_id, "the due time")
    if due <= by.time:
        raise RecordError(f"{finding_id}: it is due on {due:%Y-%m-%d}, which is past")
    return decision(OPENED, finding_id, 0, by, {"finding": replace(text, controls=controls, due=due)})


def analyse(finding: Finding, cause: str, by: By) -> Fact:
    """The fact that the root cause is known; said again, it replaces what was said. Raises: RecordError."""
    _open(finding)
    whole(finding.id, cause=cause)
    return decision(ANALYSED, finding.id, finding.version, by, {"cause": cause})


def plan(finding: Finding, text: str, owner: str, due: datetime, by: By) -> Fact:
    """The fact that a corrective action is planned. Raises: RecordError, of a nonconformity also where no cause is known yet."""
    _open(finding)
    whole(finding.id, action=text, owner=owner)
    if finding.text.conclusion.nonconformity and not finding.cause:
        raise RecordError(
            f"{finding.id}: a corrective action answers a root cause, and none is recorded (clause 10.2 b)"
        )
    action = Action(len(finding.actions) + 1, text, owner, utc(due, finding.id, "the due time"))
    return decision(PLANNED, finding.id, finding.version, by, {"action": action})


def done(finding: Finding, number: int, note: str, by: By) -> Fact:
    """The fact that an action was done. Raises: RecordError for an action that is none, or was done."""
    _open(finding)
    whole(finding.id, note=note)
    action = next((action for action in finding.actions if action.number == number), None)
    if action is None:
        raise RecordError(f"{finding.id} has no action {number}; it has {len(finding.actions)}")
    if action.done is not None:
        raise RecordError(f"{finding.id}: action {number} was done on {action.done:%Y-%m-%d} by {action.done_by}")
    return decision(DONE, finding.id, finding.version, by, {"number": number, "note": note})


def check(finding: Finding, effective: bool, note: str, by: By) -> Fact:
    """The fact that the effect was checked: effective closes the finding, not effective asks for another action.

    Raises: RecordError while an action is not done, and for whoever did one of them.
    """
    _open(finding)
    whole(finding.id, note=note)
    if finding.state is not FindingState.DONE:
        raise RecordError(f'{finding.id} is "{finding.state}": its effect is checked when its actions are done')
    if by.actor in {action.done_by for action in finding.actions}:
        raise RecordError(f"{by.actor} did an action of {finding.id}: its effect is checked by somebody else")
    return decision(CHECKED, finding.id, finding.version, by, {"effective": effective, "note": note})


def close(finding: Finding, reason: str, by: By) -> Fact:
    """The fact that an observation or opportunity is left at that. Raises: RecordError for a nonconformity."""
    _open(finding)
    whole(finding.id, reason=reason)
    if finding.text.conclusion.nonconformity:
        raise RecordError(
            f"{finding.id} is a {finding.text.conclusion}: it is closed by a check of its actions' effect"
        )
    return decision(CLOSED, finding.id, finding.version, by, {"reason": reason})


def findings(entries: Iterable[Entry]) -> dict[str, Finding]:
    """The findings of these entries (of KINDS) by id. Raises: RecordError."""
    return folded(entries, _fold)


def _open(finding: Finding) -> None:
    if finding.closed is not None:
        raise RecordError(f"{finding.id} was closed on {finding.closed:%Y-%m-%d}; open another finding")


def _fold(finding: Finding | None, entry: Entry) -> Finding:
    fact, body = entry.fact, entry.fact.body
    if fact.kind == OPENED:
        return Finding(body["id"], read(FindingText, body["finding"]), fact.time, fact.actor)
    finding = begun(finding)
    match fact.kind:
        case "finding.analysed":
            return replace(finding, cause=body["cause"])
        case "finding.action":
            return replace(finding, actions=(*finding.actions, read(Action, body["action"])))
        case "finding.done":
            ended = {"done": fact.time, "done_by": fact.actor, "note": body["note"]}
            actions = tuple(replace(a, **ended) if a.number == body["number"] else a for a in finding.actions)
            return replace(finding, actions=actions)
        case "finding.checked":
            checks = (*finding.checks, Check(fact.time, fact.actor, body["effective"], body["note"]))
            closed = fact.time if body["effective"] else None
            return replace(finding, checks=checks, closed=closed, why_closed=body["note"] if closed else "")
    return replace(finding, closed=fact.time, why_closed=body["reason"])
