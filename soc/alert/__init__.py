"""Detections in, Alerts out: grouped by rule and entity, scored, with a clock for the first look."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from soc.detect import Level, Match
from soc.reason import Reason


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


class Tlp(StrEnum):
    """With whom it may be shared: the labels of the Traffic Light Protocol 2.0 (FIRST), the widest first; `rank` orders them."""

    CLEAR = "clear"
    GREEN = "green"
    AMBER = "amber"
    AMBER_STRICT = "amber+strict"
    RED = "red"

    @property
    def rank(self) -> int:
        """0 (clear) to 4 (red)."""
        return list(Tlp).index(self)


@dataclass(frozen=True, slots=True, order=True)
class Entity:
    """Whom or what an alert is about: `kind` is the ECS field that named it ("source.ip", "user.name", "host.name")."""

    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind}={self.value}"


@dataclass(frozen=True, slots=True)
class StatusChange:
    """One line of an alert's history: it is added, never overwritten. `before`: the status that it changed."""

    time: datetime
    actor: str
    status: AlertStatus
    reason: CloseReason | None = None
    note: str = ""
    before: AlertStatus = AlertStatus.NEW


class NoteKind(StrEnum):
    """What a note tells of."""

    COMMENT = "comment"
    ASSIGNED = "assigned"
    LABELLED = "labelled"
    TLP = "tlp"
    SNOOZED = "snoozed"
    MERGED = "merged"
    ESCALATED = "escalated"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class Note:
    """What was done to an alert beside its status, or said of it: added, never overwritten."""

    time: datetime
    actor: str
    kind: NoteKind
    text: str


@dataclass(frozen=True, slots=True)
class Alert:
    """Detections of one rule on one entity, close in time, as one thing to look at.

    `entity`: the one it is grouped by; `entities`: all that its events name. `system`: asset id from the inventory ("" unknown).
    `risk`: 0 to 100, with `risk_why`, the newest reasons. `event_ids`: of the events behind it, oldest first, at most 100; `count`: of all.
    `detection_ids`: likewise, which name the facts with every event of a correlation. `due`: when it must have been looked at; `decide_by`:
    when decided. `opened`: when the engine wrote it down. `labels`: analysts' own words; `tags`: the rule's. `merged_into`: the alert that
    this one repeats, whose `duplicates` name it. `suppressed_by`: the suppression that covers all of its detections so far.
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
    risk_why: tuple[Reason | str, ...]
    due: datetime
    event_ids: tuple[str, ...]
    matched: tuple[Match, ...]
    status: AlertStatus = AlertStatus.NEW
    reason: CloseReason | None = None
    assignee: str = ""
    incident_id: str = ""
    history: tuple[StatusChange, ...] = field(default=())
    detection_ids: tuple[str, ...] = ()
    opened: datetime | None = None
    decide_by: datetime | None = None
    tlp: Tlp = Tlp.AMBER
    labels: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    snoozed_until: datetime | None = None
    merged_into: str = ""
    duplicates: tuple[str, ...] = ()
    suppressed_by: str = ""

    def last(self, kind: NoteKind) -> datetime | None:
        """When such a note was last added."""
        return next((note.time for note in reversed(self.notes) if note.kind is kind), None)
