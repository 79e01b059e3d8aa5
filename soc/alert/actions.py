"""What can be done to alerts, as a table that the commands, the desk and the UI read. Escalation is soc.incident's."""

from __future__ import annotations

from dataclasses import replace

from iso27001.ledger import Fact
from soc.action import Action, Argument, Kind, Role, Values, Who, each
from soc.alert import Alert, AlertStatus, CloseReason, StatusChange, decisions, suppression
from soc.alert.casework import NOTE, common
from soc.errors import SocError

_REASON = replace(NOTE, required=True)


def _status(
    alert: Alert, status: AlertStatus, who: Who, reason: CloseReason | None = None, note: str = "", left: str = ""
) -> Fact:
    last = alert.history[-1] if alert.history else None
    when = who.after(last.time if last else None)
    change = StatusChange(when, who.actor, status, reason, note, alert.status)
    return decisions.status_changed(alert.id, change, last, left)


def _acknowledge(alert: Alert, values: Values, who: Who) -> Fact:
    return _status(alert, AlertStatus.ACKNOWLEDGED, who, note=values.get("note", ""))


def _close(alert: Alert, values: Values, who: Who) -> Fact:
    return _status(alert, AlertStatus.CLOSED, who, CloseReason(values["reason"]), values.get("note", ""))


def _reopen(alert: Alert, values: Values, who: Who) -> Fact:
    return _status(alert, AlertStatus.NEW, who, note=values.get("note", ""), left=alert.merged_into)


def _snooze(alert: Alert, values: Values, who: Who) -> Fact:
    if alert.status is AlertStatus.CLOSED:
        raise SocError("it is closed")
    return decisions.snoozed(alert, who.now + values["for"], values.get("note", ""), who)


def _wake(alert: Alert, values: Values, who: Who) -> Fact:
    if alert.snoozed_until is None:
        raise SocError("it does not sleep")
    return decisions.snoozed(alert, None, values.get("note", ""), who)


def _suppress(alert: Alert, values: Values, who: Who) -> Fact:
    return suppression.suppressed(alert, who.now + values["for"], values["note"], who)


def _lift(alert: Alert, values: Values, who: Who) -> Fact:
    return suppression.lifted(alert, values["note"], who)


def _merge(alert: Alert, values: Values, who: Who) -> Fact:
    into: Alert = values["into"]
    if alert.id == into.id:
        raise SocError("it cannot be a duplicate of itself")
    if into.merged_into:
        raise SocError(f"{into.id} is a duplicate of {into.merged_into} itself: merge into that")
    if alert.duplicates:
        raise SocError(f"it has duplicates of its own ({', '.join(alert.duplicates)}): merge those first")
    if alert.merged_into:
        raise SocError(f"it is a duplicate of {alert.merged_into} already")
    return decisions.merged(alert, into.id, values.get("note", ""), who)


def _id(alert: Alert) -> str:
    return alert.id


ACTIONS: tuple[Action[Alert], ...] = (
    Action("ack", "Say that you look at these alerts.", Role.ANALYST, each(_acknowledge, _id), (NOTE,)),
    Action(
        "close",
        "Decide on alerts, with the reason.",
        Role.ANALYST,
        each(_close, _id),
        (
            Argument("reason", "What it turned out to be.", required=True, choices=tuple(CloseReason)),
            NOTE,
        ),
    ),
    Action(
        "reopen",
        "Put alerts back to new; the history keeps both decisions. A duplicate stands for itself again.",
        Role.ANALYST,
        each(_reopen, _id),
        (NOTE,),
    ),
    *common(
        "these alerts",
        decisions,
        _id,
        Argument("to", "Who looks after them (default: you; an empty text: nobody)."),
        "Add or remove labels of your own; a rule's tags stay.",
        Role.ANALYST,
    ),
    Action(
        "snooze",
        "Put alerts to sleep: lists count them and do not show them until the time is over or their risk rises.",
        Role.ANALYST,
        each(_snooze, _id),
        (Argument("for", "How long: 30m, 8h, 2d.", Kind.DURATION, required=True), NOTE),
    ),
    Action("wake", "Wake alerts that sleep.", Role.ANALYST, each(_wake, _id), (NOTE,)),
    Action(
        "suppress",
        "Do not show what the rules of these alerts find on the same entities for a time; it is written and counted.",
        Role.LEAD,
        each(_suppress, _id),
        (Argument("for", "How long: 8h, 2d.", Kind.DURATION, required=True), _REASON),
    ),
    Action(
        "lift",
        "End what `suppress` began on the rules and entities of these alerts.",
        Role.LEAD,
        each(_lift, _id),
        (_REASON,),
    ),
    Action(
        "merge",
        "Say that these alerts repeat another one: they are closed as its duplicates, and it names them.",
        Role.ANALYST,
        each(_merge, _id),
        (Argument("into", "The alert that they repeat.", Kind.ALERT, required=True), NOTE),
    ),
)
