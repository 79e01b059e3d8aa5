"""When something was detected and of what sort it is in, the legal notices that it makes due out; by the law in force at that moment.

And what a system's logs are kept for at least. Both are data with effective dates (iso27001/catalogue/vn_legal.yaml), never constants: the
law changed twice in 2026.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from iso27001.catalogue.law import check
from iso27001.catalogue.reading import read, read_file
from iso27001.errors import CatalogueError

SCHEMA = "vn-legal/2"

VIETNAM = timezone(timedelta(hours=7))
"""The law counts local days; Vietnam has no summer time."""


class Trigger(StrEnum):
    """What makes a notice due. An incident that is serious or touches personal data has each of its triggers."""

    INCIDENT = "incident"
    SERIOUS = "serious"
    NATIONAL_SECURITY = "national-security"
    PERSONAL_DATA = "personal-data"
    SENSITIVE_PERSONAL_DATA = "sensitive-personal-data"
    YEARLY = "yearly"


@dataclass(frozen=True, slots=True)
class Rule:
    """One duty to notify. `hours` from detection, or `month_day` of every year; in force from `since` to `until` (exclusive)."""

    id: str
    regime: str
    ref: str
    trigger: Trigger
    when: str
    to: str
    to_vi: str
    hours: int | None
    month_day: tuple[int, int] | None
    since: date
    until: date | None

    def in_force(self, day: date) -> bool:
        """Whether the duty stands on a local day."""
        return self.since <= day and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A notice that is due: by what rule, and when at the latest."""

    rule: Rule
    due: datetime


def deadlines(detected: datetime, triggers: Iterable[Trigger]) -> tuple[Deadline, ...]:
    """The notices that become due for what was detected at a moment, the most urgent first.

    Raises: CatalogueError for a trigger that no regime of that day answers: a gap in the data is not the absence of a duty.
    """
    day = detected.astimezone(VIETNAM).date()
    wanted = set(triggers) - {Trigger.YEARLY}
    found = [rule for rule in rules() if rule.trigger in wanted and rule.in_force(day)]
    answered = {rule.trigger for rule in found}
    if Trigger.INCIDENT in answered:  # the old circular gave every incident its five days, whatever the severity
        answered |= {Trigger.SERIOUS, Trigger.NATIONAL_SECURITY}
    if wanted - answered:
        raise CatalogueError(f"vn_legal.yaml: no rule on {day} for {', '.join(sorted(wanted - answered))}")
    due = [Deadline(rule, detected + timedelta(hours=rule.hours or 0)) for rule in found]
    return tuple(sorted(due, key=lambda deadline: (deadline.due, deadline.rule.id)))


def yearly(at: datetime) -> tuple[Deadline, ...]:
    """The next yearly reports after a moment, each due at the end of its local day."""
    found = []
    for rule in rules():
        if rule.month_day is None:
            continue
        for year in (at.astimezone(VIETNAM).year, at.astimezone(VIETNAM).year + 1):
            day = date(year, *rule.month_day)
            due = datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=VIETNAM)
            if rule.in_force(day) and due >= at:
                found.append(Deadline(rule, due))
                break
    return tuple(sorted(found, key=lambda deadline: deadline.due))


@dataclass(frozen=True, slots=True)
class LogRetention:
    """What the logs of systems of a level are kept for at least, from `since` to `until` (exclusive)."""

    level: int
    least: timedelta
    regime: str
    ref: str
    since: date
    until: date | None


def log_retention(level: int, day: date) -> LogRetention | None:
    """The longest that the law of a local day demands for a level; None where it demands nothing."""
    found = [
        each
        for each in _log_retentions()
        if each.level == level and each.since <= day and (each.until is None or day < each.until)
    ]
    return max(found, key=lambda each: each.least, default=None)


class _Law:
    """Where the law is read from: the file of this package, or a site's own."""

    path: Path | None = None


def use(path: Path | None) -> None:
    """Read the law from a site's own file, as its lawyers read it, from now on; None: from the one that this package ships.

    Raises: CatalogueError with every fault of the file; then the one before goes on.
    """
    before = _Law.path
    if path == before:
        return
    _Law.path = path
    _forget()
    try:
        rules(), _log_retentions()
    except CatalogueError:
        _Law.path = before
        _forget()
        raise


def _forget() -> None:
    for cached in (_data, rules, _log_retentions):
        cached.cache_clear()


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    data = read("vn_legal.yaml", SCHEMA) if _Law.path is None else read_file(_Law.path, SCHEMA)
    check(data, str(_Law.path or "vn_legal.yaml"), list(Trigger), Trigger.YEARLY)
    return data


@lru_cache(maxsize=1)
def _log_retentions() -> tuple[LogRetention, ...]:
    data = _data()
    regimes = {regime["id"]: regime for regime in data["regimes"]}
    found = []
    for item in data.get("log_retention", ()):
        regime = regimes[item["regime"]]
        since, until = _in_force(regime)
        found.append(
            LogRetention(item["level"], timedelta(days=item["days"]), regime["name_vi"], item["ref"], since, until)
        )
    return tuple(found)


def _in_force(regime: Mapping[str, str]) -> tuple[date, date | None]:
    until = regime.get("until")
    return date.fromisoformat(regime["effective"]), date.fromisoformat(until) if until else None


@lru_cache(maxsize=1)
def rules() -> tuple[Rule, ...]:
    """The duties that the law gives; read once."""
    data = _data()
    regimes = {regime["id"]: regime for regime in data["regimes"]}
    found = []
    for item in data["deadlines"]:
        regime = regimes[item["regime"]]
        since, until = _in_force(regime)
        month, _, day = item.get("date", "").partition("-")
        found.append(
            Rule(
                id=item["id"],
                regime=regime["name_vi"],
                ref=item["ref"],
                trigger=Trigger(item["trigger"]),
                when=item["when"],
                to=item["to"],
                to_vi=item.get("to_vi", item["to"]),
                hours=item.get("hours"),
                month_day=(int(month), int(day)) if month else None,
                since=since,
                until=until,
            )
        )
    return tuple(found)
