"""The nouns of a report: what the caller gathers. Plain data, so that the same data gives the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from iso27001.evidence import ControlLink
from iso27001.status import Status
from iso27001.verifier.notes import Head
from iso27001.verifier.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Organisation:
    """Whose report it is, as the site's configuration says."""

    name: str
    unit: str = ""
    scope: str = ""
    classification: str = ""
    prepared_by: str = ""


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One alert of an incident. `count`: events behind it."""

    id: str
    title: str
    level: str
    count: int
    first_seen: datetime


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One line of an incident's story."""

    time: datetime
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """One legal notice of an incident. `rule`, `ref`: by which duty; `state`: "running", "warning", "overdue", "sent" or "sent-late"."""

    rule: str
    ref: str
    to: str
    due: datetime
    sent: datetime | None
    state: str


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """One incident of the period. `level`, `phase`: words of the field ("high", "assess-and-decide"); `why`: what links its alerts.

    `severity`, `group`: as a person assessed it ("M2", "N4"), "" not yet. `notices`: what the law demands, and what came of it; `gaps`:
    what the legal data has no answer to. `reviewed`: when its lessons were recorded.
    """

    id: str
    title: str
    level: str
    phase: str
    opened: datetime
    closed: datetime | None
    systems: tuple[str, ...]
    alerts: tuple[AlertLine, ...]
    timeline: tuple[TimelineLine, ...]
    controls: tuple[ControlLink, ...]
    why: tuple[str, ...] = ()
    severity: str = ""
    group: str = ""
    notices: tuple[NoticeLine, ...] = ()
    gaps: tuple[str, ...] = ()
    reviewed: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReportInput:
    """All that a report of a period is made of. `generated`: the moment that it says it was made at.

    `head`: the signed head that it stands under; `verdict`: of the ledger's verification. `zone`: of the times that people read.
    `commands`: how this site checks the report, one a line. `notes`: further limits to print, in the report's language.
    """

    organisation: Organisation
    status: Status
    incidents: tuple[IncidentLine, ...]
    generated: datetime
    head: Head | None = None
    verdict: Verdict | None = None
    zone: tzinfo = UTC
    commands: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def incidents_of(self, control_id: str) -> tuple[IncidentLine, ...]:
        """The incidents of the period that speak of a control."""
        return tuple(each for each in self.incidents if control_id in {link.control_id for link in each.controls})
