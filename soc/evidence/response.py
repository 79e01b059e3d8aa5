"""Incidents, playbooks and their runs in, counts of how incidents are answered out (INC-02 to INC-06)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from iso27001.counting import Count
from soc.incident import Incident
from soc.incident.classification import GRAVE
from soc.incident.clocks import Clocks, ClockState
from soc.respond import Playbook, Run, StepState

YEAR = timedelta(days=365)

NOTICES_OF = timedelta(days=30)
"""A late notice is counted for so long after it was due, and one that was not sent for as long as it is not."""

REVIEWED_WITHIN = timedelta(days=14)
REVIEWS_OF = timedelta(days=90)
"""Within what time after its closing a grave incident is reviewed, and for how long after it that is counted."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An incident with its class (assessed or proposed) and its legal clocks."""

    incident: Incident
    severity: str
    clocks: Clocks


def notice_counts(answered: Iterable[Answered], now: datetime) -> list[Count]:
    """INC-03. What the legal data has no answer to leaves the number of late notices unknown."""
    told = list(answered)
    clocks = [clock for each in told for clock in each.clocks.notices]
    due = [c for c in clocks if c.due <= now and (now - c.due <= NOTICES_OF or c.sent is None)]
    late = sum(clock.state in {ClockState.OVERDUE, ClockState.SENT_LATE} for clock in due)
    gaps = any(each.clocks.gaps for each in told)
    numbers = {"notices_due": len(due), "notices_late": None if gaps else late}
    query = f"legal notices that fell due within {NOTICES_OF.days} days, or were never sent, of {len(told)} incidents"
    return [Count("INC-03", numbers, len(due), query)]


def review_counts(answered: Iterable[Answered], now: datetime) -> list[Count]:
    """INC-04, its reviews: of grave incidents that were closed, once they are reviewed or the time for it is over."""
    closed = [
        (each.incident, each.incident.closed)
        for each in answered
        if each.severity in GRAVE and each.incident.closed and now - each.incident.closed <= REVIEWS_OF
    ]
    due = [(i, end) for i, end in closed if i.review is not None or now - end > REVIEWED_WITHIN]
    in_time = sum(i.review is not None and i.review.time - end <= REVIEWED_WITHIN for i, end in due)
    numbers = {"major_closed": len(due), "reviews_in_14d": in_time}
    query = f"incidents of class {' and '.join(GRAVE)} that were closed within {REVIEWS_OF.days} days"
    return [Count("INC-04", numbers, len(due), query)]


def custody_counts(faults: Sequence[str], custody_faults: Sequence[str]) -> list[Count]:
    """INC-05, of each item that is kept: what is wrong with its bytes, and with its chain of custody ("" nothing)."""
    if not faults:
        return []
    numbers = {
        "items": len(faults),
        "items_hash_ok": sum(not fault for fault in faults),
        "items_custody_ok": sum(not fault for fault in custody_faults),
    }
    query = "items of incidents and of the evidence register that the vault keeps, each hashed anew; their chains of custody"
    return [Count("INC-05", numbers, len(faults), query)]


def run_counts(runs: Iterable[Run], since: datetime) -> list[Count]:
    """INC-02 from runs that were planned since then and have ended; one without any is no count."""
    ended = [run for run in runs if run.finished and run.plan.planned >= since]
    steps = [step for run in ended for step in run.steps]
    if not steps:
        return []
    numbers = {
        "mandatory_steps": len(steps),
        "mandatory_steps_done": sum(step.state is StepState.DONE for step in steps),
        "deviations_unjustified": sum(step.state is not StepState.DONE and not step.output.strip() for step in steps),
    }
    query = f"steps of the {len(ended)} playbook runs that have ended; a step that is not done and says nothing is unjustified"
    return [Count("INC-02", numbers, len(steps), query)]


def playbook_counts(playbooks: Iterable[Playbook], today: date) -> list[Count]:
    """INC-06, its playbooks: those whose last review is at most a year old."""
    known = list(playbooks)
    reviewed = sum(_within_a_year(playbook.reviewed, today) for playbook in known)
    numbers = {"playbooks": len(known), "playbooks_reviewed_12m": reviewed}
    return [Count("INC-06", numbers, len(known), "playbooks whose `reviewed` is at most a year ago")]


def _within_a_year(reviewed: str, today: date) -> bool:
    try:
        return today - date.fromisoformat(reviewed) <= YEAR
    except ValueError:  # no date is no review
        return False
