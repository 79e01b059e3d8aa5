"""Moments and spans of service in, when the span is over out: by the site's working hours and holidays, or around the clock. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")

LONGEST_BREAK = 60
"""Days in a row without service that are possible; a calendar with a longer one is taken for a mistake."""


@dataclass(frozen=True, slots=True)
class Config:
    """`hours`: day of the week -> spans of service in the site's time, "07:30-11:30"; no day: around the clock, every day.

    `holidays`: dates (YYYY-MM-DD) on which nobody works.
    """

    hours: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    holidays: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises: ValueError for what is no day, no span of hours or no date; spans of a day stand in order and do not meet."""
        for day, spans in self.hours.items():
            if day not in DAYS:
                raise ValueError(f'"{day}" is not a day of the week ({", ".join(DAYS)})')
            edges = [edge for text in spans for edge in _edges(text)]
            if edges != sorted(set(edges)):
                raise ValueError(f"{day}: spans of service stand in order, and none meets the next")
        if self.hours and not any(self.hours.values()):
            raise ValueError("the calendar has no hour of service at all")
        for text in self.holidays:
            date.fromisoformat(text)


class Calendar:
    """When the people of a site are at work."""

    def __init__(self, config: Config, zone: ZoneInfo) -> None:
        self._zone = zone
        self._hours = [[_edges(text) for text in config.hours.get(day, ())] for day in DAYS] if config.hours else []
        self._holidays = frozenset(map(date.fromisoformat, config.holidays))

    def after(self, start: datetime, span: timedelta) -> datetime:
        """When so much time of service has passed since `start`, in UTC. A start outside service counts from when it begins next.

        Raises: ValueError where no service begins for LONGEST_BREAK days.
        """
        if not self._hours:
            return start + span
        left = span
        for begin, end in self._spans(start):
            room = end - begin
            if left <= room:
                return begin + left
            left -= room
        raise ValueError(f"no hour of service within {LONGEST_BREAK} days: check the calendar's holidays")

    def serves(self, moment: datetime) -> bool:
        """Whether somebody is at work then."""
        return not self._hours or next((begin == moment for begin, _ in self._spans(moment)), False)

    def _spans(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Spans of service that end after `start`, cut there, in UTC; until LONGEST_BREAK days have none."""
        day, empty = start.astimezone(self._zone).date(), 0
        while empty < LONGEST_BREAK:
            spans = [] if day in self._holidays else self._hours[day.weekday()]
            found = [(max(start, self._moment(day, first)), self._moment(day, last)) for first, last in spans]
            found = [(begin, end) for begin, end in found if begin < end]
            yield from found
            empty = 0 if found else empty + 1
            day += timedelta(days=1)

    def _moment(self, day: date, minutes: int) -> datetime:
        day, minutes = (day, minutes) if minutes < 24 * 60 else (day + timedelta(days=1), 0)
        return datetime.combine(day, time(minutes // 60, minutes % 60), self._zone).astimezone(UTC)


def _edges(text: str) -> tuple[int, int]:
    """Minutes of the day of "07:30-11:30". Raises: ValueError."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f'a span of service is written "07:30-11:30", not {text!r}')
    first, last = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    if not first < last <= 24 * 60:
        raise ValueError(f"the span {text} ends before it begins, or after the day")
    return first, last
