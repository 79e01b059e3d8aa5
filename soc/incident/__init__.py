"""Alerts in, Incidents out: alerts that share an entity within a time are one incident, with the reason and a timeline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from soc.alert import Entity
from soc.detect import Level


class Phase(StrEnum):
    """ISO/IEC 27035-1:2023 clause 5: the phases of incident management, by the field's short names."""

    DETECT_REPORT = "detect-and-report"
    ASSESS_DECIDE = "assess-and-decide"
    RESPOND = "respond"
    LEARN_LESSONS = "learn-lessons"


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line of an incident's story. `kind`: "alert", "phase", "playbook", "note"; `ref`: id of what it speaks of."""

    time: datetime
    kind: str
    text: str
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """What one attacker or one fault did, as far as alerts tell. `why`: one sentence a link, naming the entity that is shared."""

    id: str
    title: str
    level: Level
    risk: int
    phase: Phase
    opened: datetime
    last_seen: datetime
    entities: tuple[Entity, ...]
    systems: tuple[str, ...]
    tags: tuple[str, ...]
    alert_ids: tuple[str, ...]
    why: tuple[str, ...]
    timeline: tuple[TimelineEntry, ...]
    closed: datetime | None = None
