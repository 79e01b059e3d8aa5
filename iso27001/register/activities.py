"""What people did that no log tells: exercises, training, reviews, tests of restoring and of reporting; each a record with its numbers.

`reached` of `expected`: who came of those invited, accounts reviewed of all, contacts verified of the book, hours of the roster that have a
name. Measures count with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from iso27001.catalogue import Catalogue
from iso27001.errors import RecordError
from iso27001.ledger import Entry, Fact
from iso27001.register import By, begun, decision, folded, new, read, resolved, utc, whole

RECORDED, CORRECTED = "activity.recorded", "activity.corrected"
KINDS = (RECORDED, CORRECTED)


class ActivityKind(StrEnum):
    """What was done."""

    EXERCISE = "exercise"
    TRAINING = "training"
    MANAGEMENT_REVIEW = "management-review"
    ACCESS_REVIEW = "access-review"
    LOG_REVIEW = "log-review"
    RULE_REVIEW = "rule-review"
    PLAYBOOK_REVIEW = "playbook-review"
    CONTACT_CHECK = "contact-check"
    RESTORE_TEST = "restore-test"
    CHANNEL_TEST = "channel-test"
    ROSTER = "roster"
    ADVISORY_REVIEW = "advisory-review"


CONTROLS: Mapping[ActivityKind, tuple[str, ...]] = {
    ActivityKind.EXERCISE: ("A.5.24",),
    ActivityKind.TRAINING: ("A.6.3",),
    ActivityKind.MANAGEMENT_REVIEW: ("9.3.1",),
    ActivityKind.ACCESS_REVIEW: ("A.5.18", "A.8.2"),
    ActivityKind.LOG_REVIEW: ("A.8.15",),
    ActivityKind.RULE_REVIEW: ("A.8.16",),
    ActivityKind.PLAYBOOK_REVIEW: ("A.5.24", "A.5.37"),
    ActivityKind.CONTACT_CHECK: ("A.5.5",),
    ActivityKind.RESTORE_TEST: ("A.8.13",),
    ActivityKind.CHANNEL_TEST: ("A.6.8",),
    ActivityKind.ROSTER: ("A.5.24",),
    ActivityKind.ADVISORY_REVIEW: ("A.5.7", "A.8.8"),
}
"""What each is a record of, where its author names nothing else."""


@dataclass(frozen=True, slots=True)
class ActivityText:
    """What was done, when, by whom, for whom. `outcome`: what came of it. `evidence`: ids of evidence. `next_due`: when it is due again."""

    kind: ActivityKind
    title: str
    held: datetime
    owner: str
    expected: int
    reached: int
    outcome: str
    controls: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    next_due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """An activity as it stands."""

    id: str
    text: ActivityText
    recorded: datetime
    recorded_by: str
    version: int = 0


def record(activity_id: str, text: ActivityText, known: Mapping[str, Activity], catalogue: Catalogue, by: By) -> Fact:
    """The fact that something was done. Raises: RecordError as `correct`, and for an id that is taken."""
    new(activity_id, known)
    return decision(RECORDED, activity_id, 0, by, {"activity": _checked(activity_id, text, catalogue, by)})


def correct(activity: Activity, text: ActivityText, catalogue: Catalogue, by: By) -> Fact:
    """The fact that it was otherwise than recorded; the old fact stays.

    Raises: RecordError for what lies ahead, more reached than expected, an unknown control, a text that is empty.
    """
    return decision(
        CORRECTED, activity.id, activity.version, by, {"activity": _checked(activity.id, text, catalogue, by)}
    )


def activities(entries: Iterable[Entry]) -> dict[str, Activity]:
    """The activities of these entries (of KINDS) by id. Raises: RecordError."""
    return folded(entries, _fold)


def last(records: Iterable[Activity], kind: ActivityKind) -> Activity | None:
    """The newest of a kind, by when it was held."""
    return max((each for each in records if each.text.kind is kind), key=lambda each: each.text.held, default=None)


def _checked(name: str, text: ActivityText, catalogue: Catalogue, by: By) -> ActivityText:
    whole(name, title=text.title, owner=text.owner, outcome=text.outcome)
    held = utc(text.held, name, "the time")
    if held > by.time:
        raise RecordError(f"{name}: held on {held:%Y-%m-%d %H:%M} UTC, which lies ahead; record it when it is over")
    if not 0 <= text.reached <= text.expected:
        raise RecordError(f"{name}: reached {text.reached} of {text.expected}")
    due = None if text.next_due is None else utc(text.next_due, name, "the next time")
    if due is not None and due <= held:
        raise RecordError(f"{name}: due again on {due:%Y-%m-%d}, before it was held on {held:%Y-%m-%d}")
    controls = resolved(text.controls or CONTROLS[text.kind], catalogue, name)
    return replace(text, held=held, next_due=due, controls=controls)


def _fold(activity: Activity | None, entry: Entry) -> Activity:
    fact = entry.fact
    if fact.kind == CORRECTED:
        begun(activity)
    return Activity(fact.body["id"], read(ActivityText, fact.body["activity"]), fact.time, fact.actor)
