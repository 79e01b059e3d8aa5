"""What can be done to alerts, as a table that the commands, the desk and the UI read. Escalation is soc.incident's."""

from __future__ import annotations

from dataclasses import replace

from iso27001.ledger import Fact
from soc.action import Action, Argument, Kind, Role, Values, Who, each
from soc.alert import Alert, AlertStatus, CloseReason, StatusChange, Tlp, decisions, suppression
from soc.errors import SocError

_WHY = Argument("note", "In your words, for the next analyst and the auditor.")
_REASON = replace(_WHY, required=True)


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


def _assign(alert: Alert, values: Values, who: Who) -> Fact:
    return decisions.assigned(alert, values.get("to", who.actor), who)


def _comment(alert: Alert, values: Values, who: Who) -> Fact:
    return decisions.commented(alert, values["text"], who)


def _tag(alert: Alert, values: Values, who: Who) -> Fact:
    add, remove = values.get("add", ()), values.get("remove", ())
    if not add and not remove:
        raise SocError("no label is named: add or remove at least one")
    return decisions.labelled(alert, add, remove, who)


def _tlp(alert: Alert, values: Values, who: Who) -> Fact:
    return decisions.shared_with(alert, Tlp(values["label"]), values.get("note", ""), who)


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
    Action("ack", "Say that you look at these alerts.", Role.ANALYST, each(_acknowledge, _id), (_WHY,)),
    Action(
        "close",
        "Decide on alerts, with the reason.",
        Role.ANALYST,
        each(_close, _id),
        (
            Argument("reason", "What it turned out to be.", required=True, choices=tuple(CloseReason)),
            _WHY,
        ),
    ),
    Action(
        "reopen",
        "Put alerts back to new; the history keeps both decisions. A duplicate stands for itself again.",
        Role.ANALYST,
        each(_reopen, _id),
        (_WHY,),
    ),
    Action(
        "assign",
        "Say whose these alerts are.",
        Role.ANALYST,
        each(_assign, _id),
        (Argument("to", "Who looks after them (default: you; an empty text: nobody)."),),
    ),
    Action(
        "comment",
        "Add a comment.",
        Role.ANALYST,
        each(_comment, _id),
        (Argument("text", "What there is to say.", required=True),),
    ),
    Action(
        "tag",
        "Add or remove labels of your own; a rule's tags stay.",
        Role.ANALYST,
        each(_tag, _id),
        (Argument("add", "A label to add.", many=True), Argument("remove", "A label to remove.", many=True)),
    ),
    Action(
        "tlp",
        "Say with whom these alerts may be shared (Traffic Light Protocol 2.0).",
        Role.ANALYST,
        each(_tlp, _id),
        (Argument("label", "How far, and no further.", required=True, choices=tuple(Tlp)), _WHY),
    ),
    Action(
        "snooze",
        "Put alerts to sleep: lists count them and do not show them until the time is over or their risk rises.",
        Role.ANALYST,
        each(_snooze, _id),
        (Argument("for", "How long: 30m, 8h, 2d.", Kind.DURATION, required=True), _WHY),
    ),
    Action("wake", "Wake alerts that sleep.", Role.ANALYST, each(_wake, _id), (_WHY,)),
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
        (Argument("into", "The alert that they repeat.", Kind.ALERT, required=True), _WHY),
    ),
)
