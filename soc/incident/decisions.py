"""What people decide about an incident, as ledger facts and back. Every one is also a line of the incident's story."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec

from iso27001.ledger import Fact
from iso27001.vault import KeptFile
from soc.action import Who, place
from soc.alert import Tlp
from soc.incident import (
    Custody,
    EvidenceItem,
    Incident,
    NoticeSent,
    Phase,
    Review,
    Task,
    TaskState,
    TimelineEntry,
)
from soc.incident.merging import together
from soc.reason import Because, Reason

PHASE = "incident.phase"
COMMENTED = "incident.commented"
ASSIGNED = "incident.assigned"
LABELLED = "incident.labelled"
TLP = "incident.tlp"
ASSESSED = "incident.assessed"
TASK = "incident.task"
EVIDENCE = "incident.evidence"
CUSTODY = "incident.custody"
NOTICE = "incident.notice"
REVIEWED = "incident.reviewed"
MERGED = "incident.merged"
SPLIT = "incident.split"
CLOCK = "incident.clock"
SHARED = "incident.shared"
ANSWERED = "incident.answered"


def phase_changed(
    incident_id: str,
    phase: Phase,
    actor: str,
    note: str,
    now: datetime,
    *,
    closed: bool = False,
    reopened: bool = False,
    after: str = "",
) -> Fact:
    """The fact that a person moved an incident to a phase, ended it there or went on with it. `after`: which decision it follows."""
    body = {"incident": incident_id, "phase": phase.value, "note": note, "closed": closed, "reopened": reopened}
    return Fact(f"{PHASE}:{incident_id}:{after or now.isoformat()}", PHASE, now, actor, body)


def commented(incident: Incident, text: str, who: Who) -> Fact:
    """The fact that somebody said something of it; any number at once."""
    return _any(COMMENTED, "comment", incident, {"text": text}, who)


def assigned(incident: Incident, to: str, who: Who) -> Fact:
    """The fact that somebody leads it; "" nobody."""
    return _after(ASSIGNED, "assigned", incident, {"to": to}, who)


def labelled(incident: Incident, add: Sequence[str], remove: Sequence[str], who: Who) -> Fact:
    """The fact that labels were added and removed; any number at once."""
    return _any(LABELLED, "labelled", incident, {"add": list(add), "remove": list(remove)}, who)


def shared_with(incident: Incident, tlp: Tlp, note: str, who: Who) -> Fact:
    """The fact that it may be shared so far and no further."""
    return _after(TLP, "tlp", incident, {"tlp": tlp, "note": note}, who)


def assessed(
    incident: Incident, severity: str, group: str, triggers: Sequence[str], note: str, who: Who, *, false_alarm: bool
) -> Fact:
    """The fact that a person said how grave it is, of what sort, what makes notices due, or that it is no incident at all."""
    body = {"severity": severity, "group": group, "triggers": list(triggers), "false_alarm": false_alarm, "note": note}
    return _after(ASSESSED, "assessed", incident, body, who)


def task(incident: Incident, made: Task, note: str, who: Who) -> Fact:
    """The fact that a task was set, or changed its state; each state once."""
    body = {"incident": incident.id, "task": made, "note": note}
    return _fact(TASK, f"{made.id}:{made.state.value}", who.now, who.actor, body)


def evidence(incident: Incident, file: KeptFile, where: str, why: str, who: Who, *, kept: bool) -> Fact:
    """The fact that a thing was collected: the first line of its chain of custody. The same bytes are one item."""
    first = Custody(who.now, who.actor, "collected", why, where, intact=True if kept else None)
    item = EvidenceItem(evidence_id(incident.id, file.sha256), file.name, file.sha256, file.size_bytes, kept, (first,))
    return _fact(EVIDENCE, item.id, who.now, who.actor, {"incident": incident.id, "item": item})


def custody(
    incident: Incident, item: EvidenceItem, deed: str, where: str, why: str, intact: bool | None, who: Who
) -> Fact:
    """The fact that something was done with an evidence item; of two at once, one is told."""
    last = item.custody[-1].time
    line = Custody(who.after(last), who.actor, deed, why, where, intact)
    body = {"incident": incident.id, "item": item.id, "custody": line}
    return _fact(CUSTODY, f"{item.id}:{place(last)}", line.time, who.actor, body)


def notice_sent(incident: Incident, rule: str, to: str, notice: str, proof: KeptFile, when: datetime, who: Who) -> Fact:
    """The fact that a notice went out at `when`, with the hash of the notice and of what proves it."""
    sent = NoticeSent(rule, when, who.actor, to, notice, proof.sha256)
    return _fact(
        NOTICE, f"{incident.id}:{rule}:{proof.sha256}", who.now, who.actor, {"incident": incident.id, "sent": sent}
    )


def reviewed(incident: Incident, cause: str, lessons: str, improvements: str, who: Who) -> Fact:
    """The fact that people looked back on it."""
    body = {"cause": cause, "lessons": lessons, "improvements": improvements}
    return _after(REVIEWED, "review", incident, body, who)


def merged(incident: Incident, into: Incident, why: str, who: Who) -> Fact:
    """The fact that it is one with another: that has all of it, and it is closed. `into` is the other as it stood."""
    last = incident.last("merged")
    body = {
        "incident": incident.id,
        "into": into.id,
        "why": why,
        "merged": incident,
        "alerts": list(incident.alert_ids),
    }
    return _fact(MERGED, f"{incident.id}:{place(last)}", who.after(last), who.actor, body)


def split(rest: Incident, new: Incident, why: str, who: Who) -> Fact:
    """The fact that alerts of an incident are one of their own. `rest`: what is left, `new`: what came out of it, as they stand then."""
    last = rest.last("split")
    body = {"incident": rest.id, "rest": rest, "new": new, "why": why, "alerts": list(new.alert_ids)}
    return _fact(SPLIT, f"{rest.id}:{place(last)}", who.after(last), who.actor, body)


def clock(incident_id: str, rule: str, state: str, due: datetime, now: datetime) -> Fact:
    """The fact that the engine warned of a legal clock ("warned") or that it ran out ("overdue"); each once."""
    body = {"incident": incident_id, "rule": rule, "state": state, "due": due}
    return _fact(CLOCK, f"{incident_id}:{rule}:{state}", now, "engine", body)


def shared(
    incident: Incident, form: str, audience: Tlp, to: str, digest: str, counts: Mapping[str, Any], who: Who
) -> Fact:
    """The fact that it was written out for others: in what form, for whom, with the hash of what they get."""
    body = {"form": form, "audience": audience, "to": to, "sha256": digest, **counts}
    return _any(SHARED, "shared", incident, body, who)


def answered(incident: Incident, file: KeptFile, sender: str, lines: Sequence[str], who: Who) -> Fact:
    """The fact that somebody answered; the file as it came is in the vault."""
    body = {"incident": incident.id, "sha256": file.sha256, "name": file.name, "sender": sender, "lines": list(lines)}
    return _fact(ANSWERED, f"{incident.id}:{file.sha256}", who.now, who.actor, body)


def evidence_id(incident_id: str, digest: str) -> str:
    """The id of a thing among the evidence of an incident, by its bytes."""
    return f"E-{blake2b(f'{incident_id}:{digest}'.encode(), digest_size=4).hexdigest()}"


def touched(fact: Fact) -> tuple[str, ...]:
    """Ids of the incidents that a decision changes."""
    match fact.kind:
        case "incident.merged":
            return (fact.body["incident"], fact.body["into"])
        case "incident.split":
            return (fact.body["incident"], fact.body["new"]["id"])
        case _:
            return (fact.body["incident"],)


def _any(kind: str, line: str, incident: Incident, body: Mapping[str, Any], who: Who) -> Fact:
    when = who.after(incident.last(line))
    end = f"{incident.id}:{who.actor}:{when.isoformat()}"
    return _fact(kind, end, when, who.actor, {"incident": incident.id, **body})


def _after(kind: str, line: str, incident: Incident, body: Mapping[str, Any], who: Who) -> Fact:
    last = incident.last(line)
    return _fact(kind, f"{incident.id}:{place(last)}", who.after(last), who.actor, {"incident": incident.id, **body})


def _fact(kind: str, end: str, when: datetime, actor: str, body: Mapping[str, Any]) -> Fact:
    return Fact(f"{kind}:{end}", kind, when, actor, msgspec.to_builtins(body))


# --- the folds


def _told(incident: Incident, fact: Fact, kind: str, text: Reason | str, ref: str = "") -> Incident:
    entry = TimelineEntry(fact.time, kind, text, ref, fact.actor)
    return replace(incident, timeline=(*incident.timeline, entry))


def _phase(incident: Incident, fact: Fact) -> Incident:
    body = fact.body
    phase = Phase(body["phase"])
    closed = fact.time if body.get("closed") else None if body.get("reopened") else incident.closed
    moved = (
        Because.PHASE_CLOSED
        if body.get("closed")
        else Because.PHASE_REOPENED
        if body.get("reopened")
        else Because.PHASE
    )
    text = Reason(moved, (fact.actor, phase.value, body["note"]))
    told = _told(incident, fact, "phase", text, phase.value)
    return replace(told, phase=phase, closed=closed)


def _commented(incident: Incident, fact: Fact) -> Incident:
    return _told(incident, fact, "comment", f"{fact.actor}: {fact.body['text']}")


def _assigned(incident: Incident, fact: Fact) -> Incident:
    to = fact.body["to"]
    text = Reason(Because.LEADS, (fact.actor, to)) if to else Reason(Because.NOBODY_LEADS, (fact.actor,))
    return replace(_told(incident, fact, "assigned", text), assignee=to)


def _labelled(incident: Incident, fact: Fact) -> Incident:
    body = fact.body
    labels = tuple(each for each in dict.fromkeys((*incident.labels, *body["add"])) if each not in body["remove"])
    changes = [*(f"+{each}" for each in body["add"]), *(f"-{each}" for each in body["remove"])]
    return replace(_told(incident, fact, "labelled", f"{fact.actor}: {' '.join(changes)}"), labels=labels)


def _tlp(incident: Incident, fact: Fact) -> Incident:
    tlp = Tlp(fact.body["tlp"])
    text = f"{fact.actor}: TLP:{tlp.value.upper()} {fact.body['note']}".strip()
    return replace(_told(incident, fact, "tlp", text), tlp=tlp)


def _assessed(incident: Incident, fact: Fact) -> Incident:
    body = fact.body
    due = Reason(Because.MAKES_DUE, (", ".join(body["triggers"]),)) if body["triggers"] else ""
    said = Because.FALSE_ALARM if body["false_alarm"] else Because.ASSESSED
    text = Reason(said, (fact.actor, body["severity"], body["group"], due, body["note"]))
    return replace(
        _told(incident, fact, "assessed", text),
        severity=body["severity"],
        group=body["group"],
        triggers=tuple(body["triggers"]),
        false_alarm=body["false_alarm"],
    )


def _task(incident: Incident, fact: Fact) -> Incident:
    made = msgspec.convert(fact.body["task"], Task)
    others = tuple(each for each in incident.tasks if each.id != made.id)
    what = (made.title, fact.body["note"])
    if made.state is not TaskState.OPEN:
        text = Reason(Because.TASK_ENDED, (fact.actor, made.state.value, *what))
    elif made.assignee:
        text = Reason(Because.TASK_SET, (fact.actor, made.assignee, *what))
    else:
        text = Reason(Because.TASK_SET_FOR_ALL, (fact.actor, *what))
    told = _told(incident, fact, "task", text, made.id)
    return replace(told, tasks=(*others, made))


def _evidence(incident: Incident, fact: Fact) -> Incident:
    item = msgspec.convert(fact.body["item"], EvidenceItem)
    if any(each.id == item.id for each in incident.evidence):
        return incident
    text = Reason(Because.COLLECTED, (fact.actor, item.name, item.custody[0].why, item.sha256))
    return replace(_told(incident, fact, "evidence", text, item.id), evidence=(*incident.evidence, item))


def _custody(incident: Incident, fact: Fact) -> Incident:
    line = msgspec.convert(fact.body["custody"], Custody)
    item_id = fact.body["item"]
    items = tuple(
        replace(each, custody=(*each.custody, line)) if each.id == item_id else each for each in incident.evidence
    )
    checked = {True: Because.HANDLED_INTACT, False: Because.HANDLED_CHANGED, None: Because.HANDLED}[line.intact]
    text = Reason(checked, (fact.actor, item_id, line.deed, line.where, line.why))
    return replace(_told(incident, fact, "custody", text, item_id), evidence=items)


def _notice(incident: Incident, fact: Fact) -> Incident:
    sent = msgspec.convert(fact.body["sent"], NoticeSent)
    text = Reason(Because.NOTICE_SENT, (fact.actor, sent.rule, sent.to, f"{sent.time:%Y-%m-%d %H:%M}"))
    return replace(_told(incident, fact, "notice", text, sent.rule), notices=(*incident.notices, sent))


def _reviewed(incident: Incident, fact: Fact) -> Incident:
    body = fact.body
    review = Review(fact.time, fact.actor, body["cause"], body["lessons"], body["improvements"])
    text = Reason(Because.REVIEWED, (fact.actor, review.cause, review.lessons, review.improvements))
    return replace(_told(incident, fact, "review", text), review=review)


def _merged(incident: Incident, fact: Fact) -> Incident:
    body = fact.body
    if incident.id == body["into"]:
        joined = together(incident, msgspec.convert(body["merged"], Incident))
        part = Reason(Because.MERGED_IN, (fact.actor, body["incident"], body["why"]))
        return _told(joined, fact, "merged", part, body["incident"])
    whole = Reason(Because.MERGED_INTO, (fact.actor, body["into"], body["why"]))
    told = _told(incident, fact, "merged", whole, body["into"])
    return replace(told, merged_into=body["into"], closed=fact.time)


def _split(incident: Incident, fact: Fact) -> Incident:
    body = fact.body
    text = Reason(Because.SPLIT, (fact.actor, ", ".join(body["alerts"]), body["new"]["id"], body["why"]))
    rest = msgspec.convert(body["rest"], Incident)
    left = replace(
        incident,
        **{name: getattr(rest, name) for name in _BY_ALERTS},
        timeline=tuple(e for e in incident.timeline if not (e.kind == "alert" and e.ref in body["alerts"])),
    )
    return _told(left, fact, "split", text, body["new"]["id"])


def _clock(incident: Incident, fact: Fact) -> Incident:
    body = fact.body
    said = Because.CLOCK_WARNS if body["state"] == "warned" else Because.CLOCK_OVER
    return _told(incident, fact, "clock", Reason(said, (body["rule"], body["due"])), body["rule"])


def _shared(incident: Incident, fact: Fact) -> Incident:
    body = fact.body
    said = (fact.actor, body["to"], body["form"], body["audience"].upper(), body["sha256"])
    text = Reason(Because.SHARED_WITH, said)
    return _told(incident, fact, "shared", text)


def _answered(incident: Incident, fact: Fact) -> Incident:
    body = fact.body
    return _told(incident, fact, "answer", "\n".join(body["lines"]), body["sha256"])


_BY_ALERTS = ("title", "level", "risk", "opened", "last_seen", "entities", "systems", "tags", "alert_ids", "why")
"""What an incident is by its alerts, and what a split therefore changes."""

FOLDS: Mapping[str, Callable[[Incident, Fact], Incident]] = {
    PHASE: _phase,
    COMMENTED: _commented,
    ASSIGNED: _assigned,
    LABELLED: _labelled,
    TLP: _tlp,
    ASSESSED: _assessed,
    TASK: _task,
    EVIDENCE: _evidence,
    CUSTODY: _custody,
    NOTICE: _notice,
    REVIEWED: _reviewed,
    MERGED: _merged,
    SPLIT: _split,
    CLOCK: _clock,
    SHARED: _shared,
    ANSWERED: _answered,
}
"""By the kind of a fact, the incident after it; `incident` is one of those that `touched` names."""
