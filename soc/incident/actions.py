"""What can be done to alerts and incidents, as two tables by name: the commands, the desk and the UI read them (soc.action)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from iso27001.ledger import Fact
from iso27001.vault import KeptFile
from soc.action import Action, Argument, Kind, Role, Values, Who, each, place, whole
from soc.alert import Alert
from soc.alert.actions import ACTIONS as ALERT_ACTIONS
from soc.alert.casework import NOTE, common
from soc.errors import SocError
from soc.incident import EvidenceItem, Incident, Phase, Task, TaskState, decisions, facts
from soc.incident.classification import CLASSES, GRAVE, GROUPS
from soc.incident.merging import joined, made_of, without
from soc.reason import Because, Reason

TRIGGERS = ("serious", "national-security", "personal-data", "sensitive-personal-data")
"""What a person can say of an incident that makes a legal notice due (iso27001.legal.Trigger); that it is one at all needs no saying."""

DEEDS = ("examined", "copied", "transferred", "stored", "returned", "disposed")
"""What can be done with an evidence item once it was collected (ISO/IEC 27037: acquisition, preservation, hand-over)."""


@dataclass(frozen=True, slots=True)
class Members:
    """Alerts of an incident that were chosen, and those that were not."""

    taken: tuple[Alert, ...]
    left: tuple[Alert, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """An evidence item, and whether the vault's file has its hash now (None: the vault does not hold it)."""

    item: EvidenceItem
    intact: bool | None


# --- decisions on alerts that make incidents


def _escalate(alerts: Sequence[Alert], values: Values, who: Who) -> Mapping[str, Sequence[Fact]]:
    taken = [f"{alert.id} is in {alert.incident_id}" for alert in alerts if alert.incident_id]
    if taken:
        raise SocError(f"{', '.join(taken)}; `merge` and `split` of the incident move what is in one")
    why = Reason(Because.ESCALATED, (who.actor, values["note"]))
    into: Incident | None = values.get("to")
    if into is None:
        new = replace(made_of(alerts, why), detected=who.now)
        opened = facts.opened(new, who.now, who.actor)
        return {alert.id: [opened] for alert in alerts}
    _open(into)
    written: dict[str, Sequence[Fact]] = {}
    for alert in alerts:
        into = joined(into, alert, why)
        written[alert.id] = [facts.linked(into, alert, why, who.now, who.actor)]
    return written


# --- decisions on incidents


def _open(incident: Incident) -> None:
    if incident.merged_into:
        raise SocError(f"{incident.id} is a part of {incident.merged_into}: go on there")
    if incident.closed is not None:
        raise SocError(f"{incident.id} was closed on {incident.closed:%Y-%m-%d %H:%M} UTC: reopen it first")


def _phase(incident: Incident, values: Values, who: Who) -> Fact:
    _open(incident)
    return _moved(incident, Phase(values["to"]), values.get("note", ""), who)


def _close(incident: Incident, values: Values, who: Who) -> Fact:
    _open(incident)
    if not incident.severity:
        raise SocError("nobody assessed it: `assess` says how grave it is and of what sort, also of a false alarm")
    if incident.severity in GRAVE and incident.review is None:
        raise SocError(f"an incident of class {incident.severity} ends with its review (`review`)")
    undone = [task.id for task in incident.tasks if task.state is TaskState.OPEN]
    if undone:
        raise SocError(f"tasks are open: {', '.join(undone)}; `done` or `drop` them")
    return _moved(incident, Phase.LEARN_LESSONS, values["note"], who, closed=True)


def _reopen(incident: Incident, values: Values, who: Who) -> Fact:
    if incident.merged_into:
        raise SocError(f"it is a part of {incident.merged_into}: split it there")
    if incident.closed is None:
        raise SocError("it is open")
    return _moved(incident, Phase.ASSESS_DECIDE, values["note"], who, closed=False, reopened=True)


def _moved(
    incident: Incident, phase: Phase, note: str, who: Who, *, closed: bool = False, reopened: bool = False
) -> Fact:
    last = incident.last("phase")
    return decisions.phase_changed(
        incident.id, phase, who.actor, note, who.after(last), closed=closed, reopened=reopened, after=place(last)
    )


def _assess(incident: Incident, values: Values, who: Who) -> Fact:
    _open(incident)
    note, alarm = values.get("note", ""), bool(values.get("false-alarm"))
    if alarm and not note:
        raise SocError("say in the note why it is no incident")
    return decisions.assessed(
        incident, values["class"], values["group"], values.get("trigger", ()), note, who, false_alarm=alarm
    )


def _task(incident: Incident, values: Values, who: Who) -> Fact:
    _open(incident)
    named = f"{incident.id}\0{values['title']}\0{who.actor}\0{who.now.isoformat()}"
    made = Task(
        f"T-{blake2b(named.encode(), digest_size=4).hexdigest()}",
        values["title"],
        values.get("assignee", ""),
        who.now + values["within"] if "within" in values else None,
    )
    return decisions.task(incident, made, "", who)


def _task_of(incident: Incident, values: Values, state: TaskState, who: Who) -> Fact:
    found = next((task for task in incident.tasks if task.id == values["task"]), None)
    if found is None:
        known = ", ".join(task.id for task in incident.tasks) or "none"
        raise SocError(f"it has no task {values['task']} (there are: {known})")
    if found.state is not TaskState.OPEN:
        raise SocError(f"{found.id} is {found.state.value} already")
    return decisions.task(incident, replace(found, state=state), values.get("note", ""), who)


def _done(incident: Incident, values: Values, who: Who) -> Fact:
    return _task_of(incident, values, TaskState.DONE, who)


def _drop(incident: Incident, values: Values, who: Who) -> Fact:
    return _task_of(incident, values, TaskState.DROPPED, who)


def _evidence(incident: Incident, values: Values, who: Who) -> Fact:
    file: KeptFile | None = values.get("file")
    digest = values.get("sha256", "")
    if (file is None) == (not digest):
        raise SocError("name the file, or the sha256 of what lies elsewhere")
    if file is None and (len(digest) != 64 or not set(digest) <= set("0123456789abcdef")):
        raise SocError(f'"{digest}" is not a SHA-256 in lower-case hex')
    item = file or KeptFile(values.get("name", digest[:12]), 0, digest)
    if decisions.evidence_id(incident.id, item.sha256) in {each.id for each in incident.evidence}:
        raise SocError(f"{item.name} is among its evidence already, by its hash")
    return decisions.evidence(incident, item, values["where"], values["why"], who, kept=file is not None)


def _custody(incident: Incident, values: Values, who: Who) -> Fact:
    held: Held = values["item"]
    if held.item.custody[-1].deed == "disposed":
        raise SocError(f"{held.item.id} was disposed of")
    return decisions.custody(incident, held.item, values["deed"], values["where"], values["why"], held.intact, who)


def _sent(incident: Incident, values: Values, who: Who) -> Fact:
    when = values.get("at", who.now)
    if when > who.now:
        raise SocError(f"{when.isoformat()} is yet to come: a notice that was not sent is none")
    notice: KeptFile = values["notice"]
    return decisions.notice_sent(incident, values["rule"], values["to"], notice.sha256, values["proof"], when, who)


def _review(incident: Incident, values: Values, who: Who) -> Fact:
    return decisions.reviewed(incident, values["cause"], values["lessons"], values["improvements"], who)


def _merge(incident: Incident, values: Values, who: Who) -> Fact:
    into: Incident = values["into"]
    if into.id == incident.id:
        raise SocError("it cannot be a part of itself")
    _open(into)
    if incident.merged_into:
        raise SocError(f"it is a part of {incident.merged_into} already")
    return decisions.merged(incident, into, values["note"], who)


def _split(incident: Incident, values: Values, who: Who) -> Fact:
    _open(incident)
    members: Members = values["alert"]
    if not members.left:
        raise SocError("nothing would be left: name some of its alerts, not all")
    why = Reason(Because.TAKEN_OUT, (who.actor, incident.id, values["note"]))
    new = replace(made_of(members.taken, why, who.now.isoformat()), detected=incident.detected, tlp=incident.tlp)
    rest = without(incident, members.taken, members.left)
    return decisions.split(rest, new, values["note"], who)


def _id(incident: Incident) -> str:
    return incident.id


_WHY = replace(NOTE, required=True)

_ESCALATE = Action(
    "escalate",
    "Make an incident of these alerts, or add them to one.",
    Role.ANALYST,
    whole(_escalate),
    (Argument("to", "The incident that they belong to (default: a new one).", Kind.INCIDENT), _WHY),
)

_ACTIONS: tuple[Action[Incident], ...] = (
    Action(
        "phase",
        "Move incidents to a phase of ISO/IEC 27035.",
        Role.ANALYST,
        each(_phase, _id),
        (Argument("to", "The phase.", required=True, choices=tuple(Phase)), NOTE),
    ),
    Action(
        "close",
        "End incidents: assessed, without open tasks, and of the two highest classes with their review.",
        Role.LEAD,
        each(_close, _id),
        (_WHY,),
    ),
    Action("reopen", "Go on with closed incidents.", Role.LEAD, each(_reopen, _id), (_WHY,)),
    *common(
        "these incidents",
        decisions,
        _id,
        Argument("to", "Who leads them (default: you; an empty text: nobody)."),
        "Add or remove labels of your own.",
        Role.LEAD,
    ),
    Action(
        "assess",
        "Say how grave incidents are, of what sort, and what makes legal notices due.",
        Role.LEAD,
        each(_assess, _id),
        (
            Argument("class", "M1 (gravest) to M4.", required=True, choices=tuple(CLASSES)),
            Argument("group", "N1 malicious code to N9 other.", required=True, choices=tuple(GROUPS)),
            Argument("trigger", "What it is besides, in the law's sense.", many=True, choices=TRIGGERS),
            Argument("false-alarm", "It is no incident: no notice is due.", Kind.FLAG),
            NOTE,
        ),
    ),
    Action(
        "task",
        "Set a task.",
        Role.ANALYST,
        each(_task, _id),
        (
            Argument("title", "What is to be done.", required=True),
            Argument("assignee", "By whom."),
            Argument("within", "In what time: 2h, 3d.", Kind.DURATION),
        ),
    ),
    Action(
        "done",
        "Say that a task is done.",
        Role.ANALYST,
        each(_done, _id),
        (Argument("task", "Its id, T-...", required=True), NOTE),
        one=True,
    ),
    Action(
        "drop",
        "Say that a task will not be done.",
        Role.ANALYST,
        each(_drop, _id),
        (Argument("task", "Its id, T-...", required=True), _WHY),
        one=True,
    ),
    Action(
        "evidence",
        "Take a thing into evidence: its chain of custody begins.",
        Role.ANALYST,
        each(_evidence, _id),
        (
            Argument("file", "The file; the vault keeps a copy.", Kind.FILE),
            Argument("sha256", "Or: the hash of what lies elsewhere, such as a disk image."),
            Argument("name", "What that is called."),
            Argument("where", "Where it was found, or lies.", required=True),
            Argument("why", "Why it is evidence.", required=True),
        ),
        one=True,
    ),
    Action(
        "custody",
        "Add a line to an evidence item's chain of custody; its file is hashed anew.",
        Role.ANALYST,
        each(_custody, _id),
        (
            Argument("item", "Its id, E-...", Kind.ITEM, required=True),
            Argument("deed", "What was done.", required=True, choices=DEEDS),
            Argument("where", "In whose hands or where it is now.", required=True),
            Argument("why", "Why.", required=True),
        ),
        one=True,
    ),
    Action(
        "sent",
        "Record that a legal notice was sent, with its proof.",
        Role.LEAD,
        each(_sent, _id),
        (
            Argument("rule", "Which notice: its id in `soc incidents clocks`.", required=True),
            Argument("to", "To whom.", required=True),
            Argument("notice", "The notice as it was sent.", Kind.FILE, required=True),
            Argument("proof", "What proves it: a receipt, a stamped copy.", Kind.FILE, required=True),
            Argument("at", "When (default: now).", Kind.MOMENT),
        ),
        one=True,
    ),
    Action(
        "review",
        "Record the post-incident review.",
        Role.LEAD,
        each(_review, _id),
        (
            Argument("cause", "What caused it.", required=True),
            Argument("lessons", "What was learnt.", required=True),
            Argument("improvements", "What will be changed, by whom and when.", required=True),
        ),
        one=True,
    ),
    Action(
        "merge",
        "Say that these incidents are part of another one, which then has all that they hold.",
        Role.ANALYST,
        each(_merge, _id),
        (Argument("into", "The incident that they are part of.", Kind.INCIDENT, required=True), _WHY),
    ),
    Action(
        "split",
        "Take alerts out of an incident, as one of their own.",
        Role.ANALYST,
        each(_split, _id),
        (Argument("alert", "An alert to take out.", Kind.MEMBER, required=True, many=True), _WHY),
        one=True,
    ),
)

ON_ALERTS: Mapping[str, Action[Alert]] = {action.name: action for action in (*ALERT_ACTIONS, _ESCALATE)}
ON_INCIDENTS: Mapping[str, Action[Incident]] = {action.name: action for action in _ACTIONS}
