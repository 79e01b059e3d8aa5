"""When an alert must be looked at and decided on, and when somebody is told before it is too late: by its level and the calendar. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from soc.alert.calendar import Calendar
from soc.alert.calendar import Config as CalendarConfig
from soc.detect import Level


def _look_within() -> dict[Level, timedelta]:
    return {
        Level.CRITICAL: timedelta(minutes=15),
        Level.HIGH: timedelta(hours=1),
        Level.MEDIUM: timedelta(hours=8),
        Level.LOW: timedelta(hours=24),
        Level.INFORMATIONAL: timedelta(hours=72),
    }


def _decide_within() -> dict[Level, timedelta]:
    return {
        Level.CRITICAL: timedelta(hours=4),
        Level.HIGH: timedelta(hours=8),
        Level.MEDIUM: timedelta(hours=24),
        Level.LOW: timedelta(hours=72),
        Level.INFORMATIONAL: timedelta(hours=240),
    }


@dataclass(frozen=True, slots=True)
class Config:
    """`look_within`, `decide_within`: time of service to the first look and to the decision, by level; a level left out has its default.

    `calendar`: of the site. `around_the_clock`: levels whose clocks do not wait for it. `escalate_at`: the part of the time after which
    `escalate_to` is told.
    """

    look_within: Mapping[Level, timedelta] = field(default_factory=_look_within)
    decide_within: Mapping[Level, timedelta] = field(default_factory=_decide_within)
    calendar: CalendarConfig = field(default_factory=CalendarConfig)
    around_the_clock: frozenset[Level] = frozenset({Level.CRITICAL, Level.HIGH})
    escalate_at: float = 0.75
    escalate_to: str = "lead"

    def __post_init__(self) -> None:
        """Raises: ValueError for a part that is none."""
        if not 0 < self.escalate_at < 1:
            raise ValueError(f"escalate_at {self.escalate_at} is not between 0 and 1, such as 0.75")


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock of an alert: `warn`: when it is escalated, `due`: when its time is over."""

    warn: datetime
    due: datetime


class Sla:
    """The clocks of alerts."""

    def __init__(self, config: Config | None = None, zone: ZoneInfo | None = None) -> None:
        """Default: the default times, around the clock."""
        self._config = config = config or Config()
        self._always = Calendar(CalendarConfig(), zone or ZoneInfo("UTC"))
        self._calendar = Calendar(config.calendar, zone or ZoneInfo("UTC"))
        self._look = _look_within() | dict(config.look_within)
        self._decide = _decide_within() | dict(config.decide_within)

    def look(self, level: Level, opened: datetime) -> Clock:
        """The clock to the first look."""
        return self._clock(level, opened, self._look[level])

    def decide(self, level: Level, opened: datetime) -> Clock:
        """The clock to the decision."""
        return self._clock(level, opened, self._decide[level])

    def _clock(self, level: Level, opened: datetime, span: timedelta) -> Clock:
        calendar = self._always if level in self._config.around_the_clock else self._calendar
        opened = opened.astimezone(UTC)
        return Clock(calendar.after(opened, span * self._config.escalate_at), calendar.after(opened, span))
