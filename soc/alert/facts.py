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
from soc.alert import Alert, AlertStatus, CloseReason, Entity, StatusChange
from soc.detect import Detection

OPENED = "alert.opened"
REPEATED = "alert.repeated"
STATUS = "alert.status"
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
    }
    return Fact(f"{REPEATED}:{alert.id}:{detection_ids[0]}", REPEATED, now, "engine", msgspec.to_builtins(body))


def status_changed(alert_id: str, change: StatusChange, after: StatusChange | None = None) -> Fact:
    """The fact that a person decided on an alert. `after`: the decision that they saw; of two facts after the same, a ledger takes one."""
    body = {"alert": alert_id, "status": change.status, "reason": change.reason, "note": change.note}
    place = "first" if after is None else f"after {after.time.isoformat()}"
    return Fact(f"{STATUS}:{alert_id}:{place}", STATUS, change.time, change.actor, msgspec.to_builtins(body))


def touched(fact: Fact) -> tuple[str, ...]:
    """Ids of the alerts that a fact changes; empty for facts of other kinds."""
    match fact.kind:
        case "alert.opened":
            return (fact.body["alert"]["id"],)
        case "alert.repeated" | "alert.status":
            return (fact.body["alert"],)
        case "incident.opened":
            return tuple(fact.body["incident"]["alert_ids"])
        case "incident.linked":
            return (fact.body["alert"],)
        case _:
            return ()


def fold(alert: Alert | None, alert_id: str, fact: Fact) -> Alert | None:
    """The alert after the fact. A fact on an alert that never opened (a cut ledger) leaves None."""
    body = fact.body
    if fact.kind == OPENED:
        return msgspec.convert(body["alert"], Alert)
    if alert is None or alert.id != alert_id:
        return alert
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
                risk_why=tuple(body["risk_why"]),
            )
        case "alert.status":
            return _with_status(alert, fact)
        case "incident.opened":
            return replace(alert, incident_id=body["incident"]["id"])
        case "incident.linked":
            return replace(alert, incident_id=body["incident"])
    return alert


def _with_status(alert: Alert, fact: Fact) -> Alert:
    status = AlertStatus(fact.body["status"])
    reason = CloseReason(fact.body["reason"]) if fact.body.get("reason") else None
    change = StatusChange(fact.time, fact.actor, status, reason, fact.body.get("note", ""))
    assignee = fact.actor if status is AlertStatus.ACKNOWLEDGED else alert.assignee
    return replace(alert, status=status, reason=reason, assignee=assignee, history=(*alert.history, change))
