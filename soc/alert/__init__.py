"""Detections in, Alerts out: grouped by rule and entity, scored, with a clock for the first look."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from soc.detect import Level, Match


class AlertStatus(StrEnum):
    """Where triage of an alert stands."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class CloseReason(StrEnum):
    """Why an alert was closed."""

    TRUE_POSITIVE = "true-positive"
    FALSE_POSITIVE = "false-positive"
    BENIGN = "benign"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True, order=True)
class Entity:
    """Whom or what an alert is about: `kind` is the ECS field that named it ("source.ip", "user.name", "host.name")."""

    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind}={self.value}"


@dataclass(frozen=True, slots=True)
class StatusChange:
    """One line of an alert's history: it is added, never overwritten."""

    time: datetime
    actor: str
    status: AlertStatus
    reason: CloseReason | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """Detections of one rule on one entity, close in time, as one thing to look at.

    `entity`: the one it is grouped by; `entities`: all that its events name. `system`: asset id from the inventory ("" unknown).
    `risk`: 0 to 100, with `risk_why` in words. `event_ids`: of the events behind it, oldest first, at most 100; `count`: of all.
    `detection_ids`: likewise, which name the facts with every event of a correlation. `due`: when it must have been looked at.
    """

    id: str
    rule_id: str
    rule_version: str
    title: str
    level: Level
    tags: tuple[str, ...]
    logsource: str
    entity: Entity
    entities: tuple[Entity, ...]
    system: str
    first_seen: datetime
    last_seen: datetime
    count: int
    risk: int
    risk_why: tuple[str, ...]
    due: datetime
    event_ids: tuple[str, ...]
    matched: tuple[Match, ...]
    status: AlertStatus = AlertStatus.NEW
    reason: CloseReason | None = None
    assignee: str = ""
    incident_id: str = ""
    history: tuple[StatusChange, ...] = field(default=())
    detection_ids: tuple[str, ...] = ()
