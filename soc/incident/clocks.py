"""An incident, the systems that it is about and the clock in; the legal notices that are due, by when, and which were sent, out. Pure.

Source of truth: iso27001.legal, whose deadlines are data with effective dates. Where a person said nothing yet, the safe side
counts: what the matrix proposes, and every system that is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from iso27001.errors import CatalogueError
from iso27001.legal import Rule, Trigger, deadlines
from soc.incident import Incident, NoticeSent
from soc.incident.classification import GRAVE, PERSONAL_DATA_GROUP, Matrix
from soc.inventory import Asset
from soc.reason import Because, Reason

UNKNOWN_CRITICALITY = 3
"""Of an incident whose systems the inventory does not know."""

_LEAVING = "attack.exfiltration"
"""The tactic by which data leaves."""


class ClockState(StrEnum):
    """Where the clock of a notice stands."""

    RUNNING = "running"
    WARNING = "warning"
    OVERDUE = "overdue"
    SENT = "sent"
    SENT_LATE = "sent-late"


@dataclass(frozen=True, slots=True)
class NoticeClock:
    """One notice: by what rule, why it is due, by when, and where it stands; `sent`: the first that was sent by this rule."""

    rule: Rule
    why: Reason
    due: datetime
    state: ClockState
    sent: NoticeSent | None = None


@dataclass(frozen=True, slots=True)
class Clocks:
    """The notices of an incident, the most urgent first, and what the legal data has no answer to: never the same as no duty."""

    notices: tuple[NoticeClock, ...]
    gaps: tuple[str, ...] = ()


def severity_of(incident: Incident, systems: Sequence[Asset], matrix: Matrix) -> str:
    """The class that a person gave it, else what the matrix proposes."""
    criticality = max((asset.criticality for asset in systems), default=UNKNOWN_CRITICALITY)
    return incident.severity or matrix.propose(incident.level, criticality)


def triggers_of(incident: Incident, systems: Sequence[Asset], matrix: Matrix) -> dict[Trigger, Reason]:
    """What makes notices due, each with the reason; nothing of a false alarm."""
    if incident.false_alarm:
        return {}
    severity = severity_of(incident, systems, matrix)
    of_class = Reason(Because.CLASS_ASSESSED if incident.severity else Because.CLASS_PROPOSED, (severity,))
    found = {Trigger.INCIDENT: Reason(Because.EVERY_INCIDENT)}
    if severity in matrix.serious:
        found[Trigger.SERIOUS] = of_class
    high = [asset.id for asset in systems if asset.level >= matrix.at_once_level]
    if severity == GRAVE[0] and high:
        of_systems = (of_class, ", ".join(high), matrix.at_once_level)
        found[Trigger.NATIONAL_SECURITY] = Reason(Because.CLASS_OF_SYSTEMS, of_systems)
    personal = [asset.id for asset in systems if asset.personal_data]
    if personal and incident.group == PERSONAL_DATA_GROUP:
        found[Trigger.PERSONAL_DATA] = Reason(Because.PERSONAL_GROUP, (PERSONAL_DATA_GROUP, ", ".join(personal)))
    elif personal and not incident.group and _LEAVING in incident.tags:
        found[Trigger.PERSONAL_DATA] = Reason(Because.PERSONAL_LEFT, (", ".join(personal),))
    for said in incident.triggers:
        found[Trigger(said)] = Reason(Because.SAID_SO)
    return found


def clocks_of(incident: Incident, systems: Sequence[Asset], matrix: Matrix, now: datetime) -> Clocks:
    """The notices of an incident as they stand now. They run from when the SOC knew of it."""
    detected = incident.detected or incident.opened
    notices: dict[str, NoticeClock] = {}
    gaps: list[str] = []
    for trigger, why in triggers_of(incident, systems, matrix).items():
        try:
            due = deadlines(detected, [trigger])
        except CatalogueError as error:
            gaps.append(str(error))
            continue
        for each in due:
            sent = min((s for s in incident.notices if s.rule == each.rule.id), key=lambda s: s.time, default=None)
            state = _state(each.due, sent, matrix, now)
            notices.setdefault(each.rule.id, NoticeClock(each.rule, why, each.due, state, sent))
    ordered = sorted(notices.values(), key=lambda clock: (clock.due, clock.rule.id))
    return Clocks(tuple(ordered), tuple(gaps))


def systems_of(incident: Incident, assets: Mapping[str, Asset]) -> list[Asset]:
    """The systems of an incident that the inventory knows."""
    return [assets[system] for system in incident.systems if system in assets]


def _state(due: datetime, sent: NoticeSent | None, matrix: Matrix, now: datetime) -> ClockState:
    if sent is not None:
        return ClockState.SENT if sent.time <= due else ClockState.SENT_LATE
    if now > due:
        return ClockState.OVERDUE
    return ClockState.WARNING if now >= due - matrix.warn_before else ClockState.RUNNING
