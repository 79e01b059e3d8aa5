"""What people decide about an alert, as ledger facts and back. A fact's id says which decision it follows: of two at once, one is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from iso27001.ledger import Fact
from soc.action import Who, place
from soc.alert import Alert, AlertStatus, CloseReason, Note, NoteKind, StatusChange, Tlp
from soc.alert.suppression import LIFTED, SUPPRESSED

STATUS = "alert.status"
COMMENTED = "alert.commented"
ASSIGNED = "alert.assigned"
LABELLED = "alert.labelled"
TLP = "alert.tlp"
SNOOZED = "alert.snoozed"
MERGED = "alert.merged"
ESCALATED = "alert.escalated"

ESCALATED_LABEL = "escalated"
"""What lists of alerts find those by whose time is about to end."""


def status_changed(
    alert_id: str, change: StatusChange, after: StatusChange | None = None, merged_into: str = ""
) -> Fact:
    """The fact that a person decided on an alert. `after`: the decision that they saw. `merged_into`: what it no longer repeats."""
    body = {
        "alert": alert_id,
        "from": change.before,
        "status": change.status,
        "reason": change.reason,
        "note": change.note,
        "merged_into": merged_into,
    }
    return _fact(STATUS, alert_id, place(after.time if after else None), change.time, change.actor, body)


def commented(alert: Alert, text: str, who: Who) -> Fact:
    """The fact that somebody said something of it; any number at once."""
    when = who.after(alert.last(NoteKind.COMMENT))
    return _fact(
        COMMENTED, alert.id, f"{who.actor}:{when.isoformat()}", when, who.actor, {"alert": alert.id, "text": text}
    )


def assigned(alert: Alert, to: str, who: Who) -> Fact:
    """The fact that it is somebody's to look after; "" nobody's."""
    return _after(ASSIGNED, NoteKind.ASSIGNED, alert, {"to": to}, who)


def labelled(alert: Alert, add: Sequence[str], remove: Sequence[str], who: Who) -> Fact:
    """The fact that labels were added and removed; any number at once."""
    when = who.after(alert.last(NoteKind.LABELLED))
    body = {"alert": alert.id, "add": list(add), "remove": list(remove)}
    return _fact(LABELLED, alert.id, f"{who.actor}:{when.isoformat()}", when, who.actor, body)


def shared_with(alert: Alert, tlp: Tlp, why: str, who: Who) -> Fact:
    """The fact that it may be shared so far and no further."""
    return _after(TLP, NoteKind.TLP, alert, {"tlp": tlp, "why": why}, who)


def snoozed(alert: Alert, until: datetime | None, why: str, who: Who) -> Fact:
    """The fact that it sleeps until then; None: that it was woken."""
    return _after(SNOOZED, NoteKind.SNOOZED, alert, {"until": until, "why": why}, who)


def merged(alert: Alert, into: str, why: str, who: Who) -> Fact:
    """The fact that it repeats another one: it is closed as its duplicate."""
    body = {"alert": alert.id, "into": into, "from": alert.status, "why": why}
    last = alert.history[-1].time if alert.history else None
    return _fact(MERGED, alert.id, place(last), who.after(last), who.actor, body)


def escalated(alert: Alert, clock: str, due: datetime, to: str, now: datetime) -> Fact:
    """The fact that a clock of it ("look" or "decide") is about to end, which the engine tells `to`; once a clock."""
    body = {"alert": alert.id, "clock": clock, "due": due, "to": to}
    return _fact(ESCALATED, alert.id, clock, now, "engine", body)


def touched(fact: Fact) -> tuple[str, ...]:
    """Ids of the alerts that a decision changes."""
    if fact.kind == MERGED:
        return (fact.body["alert"], fact.body["into"])
    if fact.kind == STATUS and fact.body.get("merged_into"):
        return (fact.body["alert"], fact.body["merged_into"])
    return (fact.body["alert"],)


def _after(kind: str, note: NoteKind, alert: Alert, body: Mapping[str, Any], who: Who) -> Fact:
    last = alert.last(note)
    return _fact(kind, alert.id, place(last), who.after(last), who.actor, {"alert": alert.id, **body})


def _fact(kind: str, alert_id: str, end: str, when: datetime, actor: str, body: Mapping[str, Any]) -> Fact:
    return Fact(f"{kind}:{alert_id}:{end}", kind, when, actor, msgspec.to_builtins(body))


# --- the folds


def _status(alert: Alert, fact: Fact) -> Alert:
    body = fact.body
    if body["alert"] != alert.id:  # the one that another was a duplicate of, and is no longer
        left = tuple(each for each in alert.duplicates if each != body["alert"])
        return replace(
            _noted(alert, fact, NoteKind.MERGED, f"{body['alert']} is none of its duplicates"), duplicates=left
        )
    status = AlertStatus(body["status"])
    reason = CloseReason(body["reason"]) if body.get("reason") else None
    change = StatusChange(fact.time, fact.actor, status, reason, body.get("note", ""), alert.status)
    return replace(
        alert,
        status=status,
        reason=reason,
        assignee=fact.actor if status is AlertStatus.ACKNOWLEDGED else alert.assignee,
        history=(*alert.history, change),
        snoozed_until=None,
        merged_into="" if body.get("merged_into") else alert.merged_into,
    )


def _merged(alert: Alert, fact: Fact) -> Alert:
    body = fact.body
    if alert.id == body["into"]:
        text = f"{body['alert']} is a duplicate of it: {body['why']}".removesuffix(": ")
        duplicates = tuple(dict.fromkeys((*alert.duplicates, body["alert"])))
        return replace(_noted(alert, fact, NoteKind.MERGED, text), duplicates=duplicates)
    change = StatusChange(fact.time, fact.actor, AlertStatus.CLOSED, CloseReason.DUPLICATE, body["why"], alert.status)
    return replace(
        alert,
        status=AlertStatus.CLOSED,
        reason=CloseReason.DUPLICATE,
        merged_into=body["into"],
        history=(*alert.history, change),
        snoozed_until=None,
    )


def _commented(alert: Alert, fact: Fact) -> Alert:
    return _noted(alert, fact, NoteKind.COMMENT, fact.body["text"])


def _assigned(alert: Alert, fact: Fact) -> Alert:
    to = fact.body["to"]
    return replace(_noted(alert, fact, NoteKind.ASSIGNED, to), assignee=to)


def _labelled(alert: Alert, fact: Fact) -> Alert:
    body = fact.body
    labels = tuple(each for each in dict.fromkeys((*alert.labels, *body["add"])) if each not in body["remove"])
    text = " ".join([*(f"+{each}" for each in body["add"]), *(f"-{each}" for each in body["remove"])])
    return replace(_noted(alert, fact, NoteKind.LABELLED, text), labels=labels)


def _tlp(alert: Alert, fact: Fact) -> Alert:
    tlp = Tlp(fact.body["tlp"])
    return replace(_noted(alert, fact, NoteKind.TLP, f"{tlp.value} {fact.body['why']}".strip()), tlp=tlp)


def _snoozed(alert: Alert, fact: Fact) -> Alert:
    until = datetime.fromisoformat(fact.body["until"]) if fact.body["until"] else None
    text = f"{'until ' + fact.body['until'] if until else 'woken'} {fact.body['why']}".strip()
    return replace(_noted(alert, fact, NoteKind.SNOOZED, text), snoozed_until=until)


def _escalated(alert: Alert, fact: Fact) -> Alert:
    body = fact.body
    told = _noted(alert, fact, NoteKind.ESCALATED, f"time to {body['clock']} ends at {body['due']}: told {body['to']}")
    return replace(told, labels=tuple(dict.fromkeys((*alert.labels, ESCALATED_LABEL))))


def _suppressed(alert: Alert, fact: Fact) -> Alert:
    made = fact.body["suppression"]
    return _noted(alert, fact, NoteKind.SUPPRESSED, f"its rule on its entity until {made['until']}: {made['reason']}")


def _lifted(alert: Alert, fact: Fact) -> Alert:
    return _noted(alert, fact, NoteKind.SUPPRESSED, f"no longer: {fact.body['why']}")


def _noted(alert: Alert, fact: Fact, kind: NoteKind, text: str) -> Alert:
    return replace(alert, notes=(*alert.notes, Note(fact.time, fact.actor, kind, text)))


FOLDS: Mapping[str, Callable[[Alert, Fact], Alert]] = {
    STATUS: _status,
    MERGED: _merged,
    COMMENTED: _commented,
    ASSIGNED: _assigned,
    LABELLED: _labelled,
    TLP: _tlp,
    SNOOZED: _snoozed,
    ESCALATED: _escalated,
    SUPPRESSED: _suppressed,
    LIFTED: _lifted,
}
"""By the kind of a fact, the alert after it; `alert` is one of those that `touched` names."""
