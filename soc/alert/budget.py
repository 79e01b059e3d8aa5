"""When alerts open in, alerts a shift out: whether the people of a shift can look at all of them.

A shift begins at one of the day's fixed hours of the site and lasts until the next; the budget is what one of them can take.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

_HOUR = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Config:
    """`per_shift`: alerts that one shift can look at, 0 for no limit. `shifts`: when each begins, in the site's time, "HH:MM"."""

    per_shift: int = 0
    shifts: tuple[str, ...] = ("07:00", "15:00", "23:00")

    def __post_init__(self) -> None:
        """Raises: ValueError for hours that are none, or not in order."""
        if self.per_shift < 0:
            raise ValueError(f"per_shift is {self.per_shift}: a number of alerts, or 0 for no limit")
        wrong = next((text for text in self.shifts if not _HOUR.fullmatch(text)), None)
        if wrong is not None:
            raise ValueError(f'a shift begins at an hour of the day such as "07:00", not {wrong!r}')
        if not self.shifts or list(self.shifts) != sorted(set(self.shifts)):
            raise ValueError("shifts are at least one hour of the day, each once, the earliest first")


@dataclass(frozen=True, slots=True, order=True)
class Shift:
    """One shift by the local time at which it began; `str` is what people call it."""

    began: datetime

    def __str__(self) -> str:
        return self.began.strftime("%Y-%m-%d %H:%M")


class Roster:
    """The shifts of a site: which one has the watch at a moment."""

    def __init__(self, config: Config, zone: ZoneInfo) -> None:
        self._starts = [time.fromisoformat(text) for text in config.shifts]
        self._zone = zone

    def at(self, moment: datetime) -> Shift:
        """The shift on watch. Clocks that are set forward or back make a shift shorter or longer, never two of one name."""
        local = moment.astimezone(self._zone).replace(tzinfo=None)
        begun = [start for start in self._starts if start <= local.time()]
        day = local.date() if begun else local.date() - timedelta(days=1)
        return Shift(datetime.combine(day, begun[-1] if begun else self._starts[-1]))

    def span(self, shift: Shift) -> tuple[datetime, datetime]:
        """From when (inclusive) to when (exclusive) a shift has the watch."""
        later = self.between(
            shift.began.replace(tzinfo=self._zone), (shift.began + timedelta(days=2)).replace(tzinfo=self._zone)
        )
        following = next(each for each in later if each > shift)
        return shift.began.replace(tzinfo=self._zone), following.began.replace(tzinfo=self._zone)

    def between(self, since: datetime, until: datetime) -> Iterator[Shift]:
        """Every shift that has the watch at some moment from `since` to `until` (exclusive), in order."""
        shift, last = self.at(since), self.at(until - timedelta(microseconds=1))
        while shift <= last:
            yield shift
            later = [start for start in self._starts if start > shift.began.time()]
            day = shift.began.date() if later else shift.began.date() + timedelta(days=1)
            shift = Shift(datetime.combine(day, later[0] if later else self._starts[0]))


@dataclass(frozen=True, slots=True)
class Load:
    """Alerts of one shift: with the rules as they are (`before`), and with the change (`after`)."""

    shift: Shift
    before: int
    after: int


def loads(
    roster: Roster, shifts: Iterable[Shift], before: Iterable[datetime], after: Iterable[datetime]
) -> tuple[Load, ...]:
    """The load of each shift; `before` and `after` are when alerts opened."""
    counts = [Counter(map(roster.at, moments)) for moments in (before, after)]
    return tuple(Load(shift, counts[0][shift], counts[1][shift]) for shift in shifts)


def broken(config: Config, found: Iterable[Load]) -> list[Load]:
    """The shifts that the change takes beyond the budget, or further beyond it; a change that only relieves breaks nothing."""
    if not config.per_shift:
        return []
    return [load for load in found if load.after > config.per_shift and load.after > load.before]
