"""Incidents as ledger facts and back; the same shape as soc.alert.facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import msgspec

from iso27001.ledger import Fact
from soc.alert import Alert, Entity
from soc.detect import Level
from soc.incident import Incident, TimelineEntry, decisions
from soc.reason import Reason, read

OPENED = "incident.opened"
LINKED = "incident.linked"
NOTE = "incident.note"


def opened(incident: Incident, now: datetime, actor: str = "engine") -> Fact:
    """The fact that an incident began, with the alerts that made it one."""
    return Fact(f"{OPENED}:{incident.id}", OPENED, now, actor, {"incident": msgspec.to_builtins(incident)})


def linked(incident: Incident, alert: Alert, why: Reason | str, now: datetime, actor: str = "engine") -> Fact:
    """The fact that an alert joined; `incident` is as it stands with it. Once an alert, whoever says so first."""
    body = {
        "incident": incident.id,
        "alert": alert.id,
        "why": why,
        "title": incident.title,
        "level": incident.level,
        "risk": incident.risk,
        "last_seen": incident.last_seen,
        "entities": incident.entities,
        "systems": incident.systems,
        "tags": incident.tags,
        "entry": incident.timeline[-1],
    }
    return Fact(f"{LINKED}:{incident.id}:{alert.id}", LINKED, now, actor, msgspec.to_builtins(body))


def noted(incident_id: str, entry: TimelineEntry, actor: str) -> Fact:
    """The fact that something belongs to an incident's story: a note, a playbook's plan or result."""
    body = {"incident": incident_id, "entry": msgspec.to_builtins(entry)}
    return Fact(
        f"{NOTE}:{incident_id}:{entry.kind}:{entry.ref}:{entry.time.isoformat()}", NOTE, entry.time, actor, body
    )


def touched(fact: Fact) -> tuple[str, ...]:
    """Ids of the incidents that a fact changes; empty for facts of other kinds."""
    if fact.kind in decisions.FOLDS:
        return decisions.touched(fact)
    match fact.kind:
        case "incident.opened":
            return (fact.body["incident"]["id"],)
        case "incident.linked" | "incident.note":
            return (fact.body["incident"],)
        case _:
            return ()


def fold(incident: Incident | None, incident_id: str, fact: Fact) -> Incident | None:
    """The incident after the fact. A fact on an incident that never opened leaves None."""
    body = fact.body
    if fact.kind == OPENED:
        began = msgspec.convert(body["incident"], Incident)
        return began if began.detected else replace(began, detected=fact.time)
    if fact.kind == decisions.SPLIT and body["new"]["id"] == incident_id:
        return msgspec.convert(body["new"], Incident)
    if incident is None or incident.id != incident_id:
        return incident
    if fact.kind in decisions.FOLDS:
        return decisions.FOLDS[fact.kind](incident, fact)
    match fact.kind:
        case "incident.linked":
            return _linked(incident, fact)
        case "incident.note":
            entry = msgspec.convert(body["entry"], TimelineEntry)
            plans = (*incident.plans, entry.ref) if entry.kind == "playbook" and entry.ref else incident.plans
            return replace(incident, timeline=(*incident.timeline, entry), plans=tuple(dict.fromkeys(plans)))
    return incident


def _linked(incident: Incident, fact: Fact) -> Incident:
    body = fact.body
    if body["alert"] in incident.alert_ids:
        return incident
    return replace(
        incident,
        title=body["title"],
        level=Level(body["level"]),
        risk=body["risk"],
        last_seen=datetime.fromisoformat(body["last_seen"]),
        entities=tuple(msgspec.convert(body["entities"], list[Entity])),
        systems=tuple(body["systems"]),
        tags=tuple(body["tags"]),
        alert_ids=(*incident.alert_ids, body["alert"]),
        why=(*incident.why, *read([body["why"]])),
        timeline=(*incident.timeline, msgspec.convert(body["entry"], TimelineEntry)),
    )
