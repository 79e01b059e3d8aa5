"""Records and the status that they leave in, counts of measures out: what the tracker knows of itself.

How old the last exercise, review or test is, what was reached by it, what is overdue, and how many controls were evaluated in time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from iso27001.counting import Count
from iso27001.measures import Indicator
from iso27001.register.activities import Activity, ActivityKind, last
from iso27001.register.audits import AuditKind
from iso27001.register.reading import Register
from iso27001.status import ControlState, Status
from iso27001.verifier.custody import EvidenceState

YEAR = timedelta(days=365)
HALF_YEAR = timedelta(days=180)
MONTH = YEAR / 12
ADVISORIES_OF = timedelta(days=31)
"""Advisories of authorities and vendors are looked through at least so often."""


def register_counts(register: Register, now: datetime) -> list[Count]:
    """AUD-01, and of other measures the numbers that stand on activities and corrective actions."""
    held = register.activities.values()
    found = [_audited(register, now), *_actions(register, now)]
    if (exercise := last(held, ActivityKind.EXERCISE)) is not None:
        found.append(_age("INC-06", "exercise_age_d", exercise, now))
    if (test := last(held, ActivityKind.CHANNEL_TEST)) is not None:
        found.append(_age("REP-01", "channel_test_age_d", test, now))
    if (restore := last(held, ActivityKind.RESTORE_TEST)) is not None:
        found.append(_age("BAK-01", "restore_test_age_d", restore, now))
    if (roster := last(held, ActivityKind.ROSTER)) is not None:
        query = f"hours of the roster {roster.id} without a name"
        numbers = {"roster_gaps_h": roster.text.expected - roster.text.reached}
        found.append(Count("INC-06", numbers, roster.text.expected, query))
    for kind, within, measure_id, reached, expected in (
        (ActivityKind.CONTACT_CHECK, YEAR, "INC-06", "contacts_verified_12m", "contacts"),
        (ActivityKind.ACCESS_REVIEW, HALF_YEAR, "IAM-01", "privileged_reviewed_180d", "privileged"),
        (ActivityKind.ADVISORY_REVIEW, ADVISORIES_OF, "TI-01", "advisories_decided", "advisories"),
        (ActivityKind.RULE_REVIEW, YEAR, "MON-04", "rules_reviewed_12m", "rules"),
    ):
        if (review := last(held, kind)) is not None:
            found.append(_reached(review, within, measure_id, reached, expected, now))
    if (review := last(held, ActivityKind.LOG_REVIEW)) is not None:
        done = int(now - review.text.held <= HALF_YEAR)
        query = f"whether the last {review.text.kind}, {review.id}, is at most 180 days old"
        found.append(Count("LOG-06", {"reviews_done": done, "reviews_due": 1}, 1, query))
    return found


def status_counts(status: Status) -> list[Count]:
    """CMP-01: controls that were evaluated in time, of those that apply."""
    applicable = [state for state in status.controls if state.applicability is None or state.applicability.applicable]
    evaluated = sum(_evaluated(state, status) for state in applicable)
    overdue = sum(
        action.overdue(status.until)
        for finding in status.register.findings.values()
        for action in finding.actions
        if action.done is None
    )
    numbers = {"controls_evaluated": evaluated, "controls_applicable": len(applicable), "actions_overdue": overdue}
    query = (
        "applicable controls whose measures are all fresh, or with evidence that was approved and has not expired, or"
        " with an activity or a conclusion within 12 months; corrective actions that are late"
    )
    return [Count("CMP-01", numbers, len(applicable), query)]


def _evaluated(state: ControlState, status: Status) -> bool:
    concluded = status.concluded.get(state.control.id)
    if concluded is not None and status.until - concluded.time <= YEAR:
        return True
    if state.indicator is not None and state.indicator not in {Indicator.NO_DATA, Indicator.STALE}:
        return True
    if any(
        state.control.id in each.text.controls and status.until - YEAR <= each.text.held <= status.until
        for each in status.register.activities.values()
    ):
        return True
    held = (status.register.evidence.get(evidence.id) for evidence in state.evidence)
    return any(found is not None and found.state(status.until) is EvidenceState.APPROVED for found in held)


def _audited(register: Register, now: datetime) -> Count:
    ended = [
        audit.lock.time for audit in register.audits.values() if audit.lock and audit.plan.kind is AuditKind.INTERNAL
    ]
    review = last(register.activities.values(), ActivityKind.MANAGEMENT_REVIEW)
    numbers = {
        "months_since_audit": round((now - max(ended)) / MONTH, 2) if ended else None,
        "months_since_review": round((now - review.text.held) / MONTH, 2) if review else None,
        "findings_overdue": sum(finding.overdue(now) for finding in register.findings.values()),
    }
    query = (
        "the last internal audit that was locked, the last management review, findings that are open past their time"
    )
    return Count("AUD-01", numbers, len(register.audits) + len(register.findings), query)


def _actions(register: Register, now: datetime) -> Iterator[Count]:
    """Corrective actions that fell due in the last year, for INC-04."""
    due = [
        action for finding in register.findings.values() for action in finding.actions if now - YEAR < action.due <= now
    ]
    numbers = {"actions_due": len(due), "actions_on_time": sum(not action.overdue(now) for action in due)}
    yield Count("INC-04", numbers, len(due), "corrective actions that fell due within 12 months")


def _age(measure_id: str, number: str, activity: Activity, now: datetime) -> Count:
    days = round((now - activity.text.held) / timedelta(days=1), 2)
    return Count(measure_id, {number: days}, 1, f"age of the last {activity.text.kind}, {activity.id}")


def _reached(
    activity: Activity, within: timedelta, measure_id: str, reached: str, expected: str, now: datetime
) -> Count:
    """What the last of its kind reached; nothing, where it was too long ago."""
    text = activity.text
    numbers = {reached: text.reached if now - text.held <= within else 0, expected: text.expected}
    query = f"what the last {text.kind}, {activity.id}, reached, if it is at most {within.days} days old"
    return Count(measure_id, numbers, text.expected, query)
