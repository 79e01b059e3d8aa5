"""Alerts as ledger facts and back: what is written when one opens, repeats or changes status, and the fold that reads it again.

An alert is nothing but the fold of its facts, so the projection can be thrown away and rebuilt (docs/architecture.md, "two logs").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from iso27001.ledger import Fact
from soc.alert import Alert, Entity, decisions
from soc.detect import Detection
from soc.reason import read

OPENED = "alert.opened"
REPEATED = "alert.repeated"
DETECTION = "detection"

MAX_IDS = 100
"""Event ids and detection ids that an alert carries; all of them stand in its detection facts."""


def detection_fact_id(detection: Detection) -> str:
    """The ledger id of a detection: the same when the same event is evaluated again."""
    return f"{DETECTION}:{detection.id}"


def detected(detection: Detection, alert_id: str, offsets: Mapping[str, int], now: datetime) -> Fact:
    """The fact that a rule fired: names the rule's version and, per event, where its raw bytes stand and their SHA-256.

    `offsets`: event id -> its place in the journal. A detection over more events than it shows says how many in `matched`.
    """
    body: dict[str, Any] = {
        "alert": alert_id,
        "rule": {"id": detection.rule.id, "version": detection.rule.version, "kind": detection.rule.kind},
        "time": detection.time,
        "score": detection.score,
        "matched": msgspec.to_builtins(detection.matched),
        "events": [
            {
                "id": event.id,
                "sha256": sha256(event.raw).hexdigest(),
                "source": event.source,
                "path": event.position.path,
                "offset": event.position.offset,
                "index": event.position.index,
                "journal": offsets.get(event.id, detection.numbers[-1] if detection.numbers else None),
                "ingested": event.ingested,
            }
            for event in detection.events
        ],
    }
    return Fact(detection_fact_id(detection), DETECTION, now, "engine", msgspec.to_builtins(body))


def opened(alert: Alert, now: datetime) -> Fact:
    """The fact that an alert began: all of it as it stood then."""
    return Fact(f"{OPENED}:{alert.id}", OPENED, now, "engine", {"alert": msgspec.to_builtins(alert)})


def repeated(alert: Alert, detection_ids: Sequence[str], event_ids: Sequence[str], now: datetime) -> Fact:
    """The fact that `detection_ids` joined the alert; `alert` is as it stands with them."""
    body = {
        "alert": alert.id,
        "added": len(detection_ids),
        "detection_ids": list(detection_ids[:MAX_IDS]),
        "last_seen": alert.last_seen,
        "event_ids": list(event_ids[:MAX_IDS]),
        "entities": alert.entities,
        "risk": alert.risk,
        "risk_why": alert.risk_why,
        "suppressed_by": alert.suppressed_by,
        "due": alert.due,
        "decide_by": alert.decide_by,
    }
    return Fact(f"{REPEATED}:{alert.id}:{detection_ids[0]}", REPEATED, now, "engine", msgspec.to_builtins(body))


def touched(fact: Fact) -> tuple[str, ...]:
    """Ids of the alerts that a fact changes; empty for facts of other kinds."""
    if fact.kind in decisions.FOLDS:
        return decisions.touched(fact)
    match fact.kind:
        case "alert.opened":
            return (fact.body["alert"]["id"],)
        case "alert.repeated":
            return (fact.body["alert"],)
        case "incident.opened":
            return tuple(fact.body["incident"]["alert_ids"])
        case "incident.linked":
            return (fact.body["alert"],)
        case "incident.merged" | "incident.split":
            return tuple(fact.body["alerts"])
        case _:
            return ()


def fold(alert: Alert | None, alert_id: str, fact: Fact) -> Alert | None:
    """The alert after the fact. A fact on an alert that never opened (a cut ledger) leaves None."""
    body = fact.body
    if fact.kind == OPENED:
        began = msgspec.convert(body["alert"], Alert)
        return began if began.opened else replace(began, opened=fact.time)
    if alert is None or alert.id != alert_id:
        return alert
    if fact.kind in decisions.FOLDS:
        return decisions.FOLDS[fact.kind](alert, fact)
    match fact.kind:
        case "alert.repeated":
            return replace(
                alert,
                count=alert.count + body["added"],
                last_seen=datetime.fromisoformat(body["last_seen"]),
                event_ids=(*alert.event_ids, *body["event_ids"])[:MAX_IDS],
                detection_ids=(*alert.detection_ids, *body.get("detection_ids", ()))[:MAX_IDS],
                entities=tuple(msgspec.convert(body["entities"], list[Entity])),
                risk=body["risk"],
                risk_why=read(body["risk_why"]),
                snoozed_until=None if body["risk"] > alert.risk else alert.snoozed_until,
                **_surfaced(alert, body),
            )
        case "incident.opened":
            return replace(alert, incident_id=body["incident"]["id"])
        case "incident.linked":
            return replace(alert, incident_id=body["incident"])
        case "incident.merged":
            return replace(alert, incident_id=body["into"])
        case "incident.split":
            return replace(alert, incident_id=body["new"]["id"])
    return alert


def _surfaced(alert: Alert, body: Mapping[str, Any]) -> dict[str, Any]:
    """What changes where no suppression covers the alert any longer."""
    if not alert.suppressed_by or body["suppressed_by"]:
        return {}
    moments = {name: datetime.fromisoformat(body[name]) for name in ("due", "decide_by")}
    return {"suppressed_by": "", **moments}
