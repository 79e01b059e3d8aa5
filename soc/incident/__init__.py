"""Alerts in, Incidents out: alerts that share an entity within a time are one incident, with the reason and a timeline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from soc.alert import Entity, Tlp
from soc.detect import Level
from soc.reason import Reason


class Phase(StrEnum):
    """ISO/IEC 27035-1:2023 clause 5: the phases of incident management, by the field's short names.

    The first, plan and prepare, is before any incident: playbooks, tests of rules, exercises.
    """

    DETECT_REPORT = "detect-and-report"
    ASSESS_DECIDE = "assess-and-decide"
    RESPOND = "respond"
    LEARN_LESSONS = "learn-lessons"


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line of an incident's story. `kind`: "alert", "phase", "playbook", "note", "comment", "assessed", "task", "evidence", "custody",
    "notice", "clock", "review", "merged", "split", ...; `ref`: id of what it speaks of; `actor`: who did it ("" the engine).
    """

    time: datetime
    kind: str
    text: Reason | str
    ref: str = ""
    actor: str = ""


class TaskState(StrEnum):
    """Where a task stands."""

    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Task:
    """Something that somebody has to do for the incident."""

    id: str
    title: str
    assignee: str = ""
    due: datetime | None = None
    state: TaskState = TaskState.OPEN


@dataclass(frozen=True, slots=True)
class Custody:
    """One line of an evidence item's chain of custody (ISO/IEC 27037): who, when, what was done, why, in whose hands or where it then is.

    `intact`: whether the kept file still had its hash then; None where the item lies elsewhere and could not be hashed by us.
    """

    time: datetime
    actor: str
    deed: str
    why: str
    where: str
    intact: bool | None = None


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """A thing that proves something, named by its SHA-256 (hex). `kept`: the site's vault holds it; else it lies where custody says."""

    id: str
    name: str
    sha256: str
    size_bytes: int
    kept: bool
    custody: tuple[Custody, ...] = ()


@dataclass(frozen=True, slots=True)
class NoticeSent:
    """A legal notice that was sent. `rule`: of iso27001.legal; hashes of the notice as sent and of the proof, which the vault holds."""

    rule: str
    time: datetime
    actor: str
    to: str
    notice_sha256: str
    proof_sha256: str


@dataclass(frozen=True, slots=True)
class Review:
    """What was learnt: the post-incident review of ISO/IEC 27035-1, "learn lessons"."""

    time: datetime
    actor: str
    cause: str
    lessons: str
    improvements: str


@dataclass(frozen=True, slots=True)
class Incident:
    """What one attacker or one fault did, as far as alerts tell. `why`: one reason a link, naming the entity that is shared.

    `detected`: when the SOC knew of it, from which legal clocks run. `severity`: its class as a person assessed it, M1 (gravest) to M4, ""
    not yet; `group`: of what sort it is, N1 to N9; `triggers`: what a person said that makes a notice due. `assignee`: who leads it.
    `false_alarm`: a person decided that it is no incident (ISO/IEC 27035, "assess and decide").
    `plans`: of playbooks, made for it. `merged_into`: the incident that has all of it now.
    """

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
    why: tuple[Reason | str, ...]
    timeline: tuple[TimelineEntry, ...]
    closed: datetime | None = None
    detected: datetime | None = None
    severity: str = ""
    group: str = ""
    triggers: tuple[str, ...] = ()
    false_alarm: bool = False
    assignee: str = ""
    tlp: Tlp = Tlp.AMBER
    labels: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ()
    evidence: tuple[EvidenceItem, ...] = ()
    notices: tuple[NoticeSent, ...] = ()
    review: Review | None = None
    plans: tuple[str, ...] = ()
    merged_into: str = ""

    def last(self, kind: str) -> datetime | None:
        """When such a line last came to the timeline."""
        return max((entry.time for entry in self.timeline if entry.kind == kind), default=None)
