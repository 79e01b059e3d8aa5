"""Playbooks and their runs in, counts of how incidents are answered out (INC-02, INC-06)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from iso27001.counting import Count
from soc.respond import Playbook, Run, StepState

YEAR = timedelta(days=365)


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
