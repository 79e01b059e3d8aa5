"""Incidents as ledger facts and back; the same shape as soc.alert.facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import msgspec

from iso27001.ledger import Fact
from soc.alert import Alert, Entity
from soc.detect import Level
from soc.incident import Incident, Phase, TimelineEntry

OPENED = "incident.opened"
LINKED = "incident.linked"
PHASE = "incident.phase"
NOTE = "incident.note"


def opened(incident: Incident, now: datetime) -> Fact:
    """The fact that an incident began, with the alerts that made it one."""
    return Fact(f"{OPENED}:{incident.id}", OPENED, now, "engine", {"incident": msgspec.to_builtins(incident)})


def linked(incident: Incident, alert: Alert, why: str, now: datetime) -> Fact:
    """The fact that an alert joined; `incident` is as it stands with it."""
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
    return Fact(f"{LINKED}:{incident.id}:{alert.id}", LINKED, now, "engine", msgspec.to_builtins(body))


def phase_changed(
    incident_id: str, phase: Phase, actor: str, note: str, now: datetime, *, closed: bool = False
) -> Fact:
    """The fact that a person moved an incident to a phase (and, `closed`, ended it)."""
    body = {"incident": incident_id, "phase": phase.value, "note": note, "closed": closed}
    return Fact(f"{PHASE}:{incident_id}:{now.isoformat()}", PHASE, now, actor, body)


def noted(incident_id: str, entry: TimelineEntry, actor: str) -> Fact:
    """The fact that something belongs to an incident's story: a note, a playbook's plan or result."""
    body = {"incident": incident_id, "entry": msgspec.to_builtins(entry)}
    return Fact(
        f"{NOTE}:{incident_id}:{entry.kind}:{entry.ref}:{entry.time.isoformat()}", NOTE, entry.time, actor, body
    )


def touched(fact: Fact) -> tuple[str, ...]:
    """Ids of the incidents that a fact changes; empty for facts of other kinds."""
    match fact.kind:
        case "incident.opened":
            return (fact.body["incident"]["id"],)
        case "incident.linked" | "incident.phase" | "incident.note":
            return (fact.body["incident"],)
        case _:
            return ()


def fold(incident: Incident | None, incident_id: str, fact: Fact) -> Incident | None:
    """The incident after the fact. A fact on an incident that never opened leaves None."""
    body = fact.body
    if fact.kind == OPENED:
        return msgspec.convert(body["incident"], Incident)
    if incident is None or incident.id != incident_id:
        return incident
    match fact.kind:
        case "incident.linked":
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
                why=(*incident.why, body["why"]),
                timeline=(*incident.timeline, msgspec.convert(body["entry"], TimelineEntry)),
            )
        case "incident.phase":
            phase = Phase(body["phase"])
            entry = TimelineEntry(
                fact.time, "phase", f"{fact.actor}: {phase.value}. {body['note']}".strip(), phase.value
            )
            closed = fact.time if body.get("closed") else incident.closed
            return replace(incident, phase=phase, closed=closed, timeline=(*incident.timeline, entry))
        case "incident.note":
            entry = msgspec.convert(body["entry"], TimelineEntry)
            return replace(incident, timeline=(*incident.timeline, entry))
    return incident
