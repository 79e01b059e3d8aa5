"""Alerts and incidents of a period in, the SOC's figures out: how fast it sees, looks and decides, what is left, and who did what. Pure.

MTTD: from the first event of an alert to its opening. MTTA: from opening to the first look. MTTR: from opening to the decision; of an
incident from its detection to its end. Means and medians in seconds; None where there was nothing to measure, never 0.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from soc.alert import Alert, AlertStatus, CloseReason, StatusChange
from soc.alert.budget import Roster
from soc.detect import Level
from soc.incident import Incident


@dataclass(frozen=True, slots=True)
class Spread:
    """Of how many, their mean and their median, in seconds."""

    count: int
    mean_s: float | None
    median_s: float | None


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """What became of a rule's alerts that were decided in the period. `false_positive_rate`: of those decided other than as duplicates."""

    rule_id: str
    title: str
    opened: int
    decided: int
    true_positives: int
    false_positives: int
    benign: int
    duplicates: int
    false_positive_rate: float | None


@dataclass(frozen=True, slots=True)
class AnalystFigures:
    """What an analyst did in a shift: alerts looked at first, decided on, and put back."""

    shift: str
    analyst: str
    acknowledged: int
    closed: int
    reopened: int


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of `since` (inclusive) to `until` (exclusive). `backlog`: alerts that were open at `until`, by level; `oldest_open`: when
    the oldest of them opened. `late_looks`: first looks, or none yet, after the time was over.
    """

    since: datetime
    until: datetime
    opened: dict[str, int]
    suppressed: int
    closed: dict[str, int]
    backlog: dict[str, int]
    oldest_open: datetime | None
    late_looks: int
    time_to_detect: Spread
    time_to_acknowledge: Spread
    time_to_resolve: Spread
    incidents_opened: int
    incidents_closed: int
    incidents_open: int
    incident_time_to_resolve: Spread
    rules: tuple[RuleFigures, ...]
    analysts: tuple[AnalystFigures, ...]


def figures(
    alerts: Iterable[Alert], incidents: Iterable[Incident], roster: Roster, since: datetime, until: datetime
) -> Figures:
    """The figures of a period. `alerts`: all that opened, were decided or stood open in it; others change nothing."""
    count = _Count(roster, since, until)
    for alert in alerts:
        count.take(alert)
    known = [each for each in incidents if not each.merged_into and (each.detected or each.opened) < until]
    closed = [each for each in known if each.closed and since <= each.closed < until]
    waits = [each.closed - (each.detected or each.opened) for each in closed if each.closed]
    return Figures(
        since=since,
        until=until,
        opened=_by_level(count.opened),
        suppressed=count.suppressed,
        closed={reason.value: count.closed[reason] for reason in CloseReason},
        backlog=_by_level(count.backlog),
        oldest_open=count.oldest,
        late_looks=count.late,
        time_to_detect=_spread(count.detect),
        time_to_acknowledge=_spread(count.acknowledge),
        time_to_resolve=_spread(count.resolve),
        incidents_opened=sum(since <= (each.detected or each.opened) for each in known),
        incidents_closed=len(closed),
        incidents_open=sum(each.closed is None or each.closed >= until for each in known),
        incident_time_to_resolve=_spread(waits),
        rules=count.rules(),
        analysts=count.analysts(),
    )


class _Count:
    """What one pass over the alerts adds up."""

    def __init__(self, roster: Roster, since: datetime, until: datetime) -> None:
        self._roster = roster
        self._since, self._until = since, until
        self.opened: Counter[Level] = Counter()
        self.backlog: Counter[Level] = Counter()
        self.closed: Counter[CloseReason] = Counter()
        self.suppressed = self.late = 0
        self.oldest: datetime | None = None
        self.detect: list[timedelta] = []
        self.acknowledge: list[timedelta] = []
        self.resolve: list[timedelta] = []
        self._titles: dict[str, str] = {}
        self._opened_of: Counter[str] = Counter()
        self._decided_of: Counter[tuple[str, CloseReason]] = Counter()
        self._done: Counter[tuple[str, str, AlertStatus]] = Counter()

    def take(self, alert: Alert) -> None:
        """Add an alert."""
        opened = alert.opened or alert.first_seen
        if opened >= self._until:
            return
        if self._holds(opened):
            self._opened(alert, opened)
        history = [change for change in alert.history if change.time < self._until]
        self._history(alert, opened, history)
        open_then = not history or history[-1].status is not AlertStatus.CLOSED
        if open_then and not alert.suppressed_by:
            self.backlog[alert.level] += 1
            self.oldest = min(self.oldest or opened, opened)

    def _opened(self, alert: Alert, opened: datetime) -> None:
        self.suppressed += bool(alert.suppressed_by)
        self.opened[alert.level] += 1
        self.detect.append(max(timedelta(), opened - alert.first_seen))
        self._titles[alert.rule_id] = alert.title
        self._opened_of[alert.rule_id] += 1

    def _history(self, alert: Alert, opened: datetime, history: Sequence[StatusChange]) -> None:
        first = history[0].time if history else None
        if first is not None and self._holds(first):
            self.acknowledge.append(max(timedelta(), first - opened))
        if not alert.suppressed_by and self._holds(alert.due) and (first is None or first > alert.due):
            self.late += 1
        for change in history:
            if self._holds(change.time):
                self._done[str(self._roster.at(change.time)), change.actor, change.status] += 1
        last = history[-1] if history else None
        if last is not None and last.status is AlertStatus.CLOSED and last.reason and self._holds(last.time):
            self.closed[last.reason] += 1
            self.resolve.append(max(timedelta(), last.time - opened))
            self._titles[alert.rule_id] = alert.title
            self._decided_of[alert.rule_id, last.reason] += 1

    def rules(self) -> tuple[RuleFigures, ...]:
        """By rule, those whose alerts turned out to be nothing the most often first."""
        found = []
        for rule_id, title in self._titles.items():
            true, false, benign, duplicate = (self._decided_of[rule_id, reason] for reason in CloseReason)
            judged = true + false + benign
            found.append(
                RuleFigures(
                    rule_id=rule_id,
                    title=title,
                    opened=self._opened_of[rule_id],
                    decided=judged + duplicate,
                    true_positives=true,
                    false_positives=false,
                    benign=benign,
                    duplicates=duplicate,
                    false_positive_rate=round(false / judged, 4) if judged else None,
                )
            )
        return tuple(sorted(found, key=lambda each: (-each.false_positives, -each.opened, each.rule_id)))

    def analysts(self) -> tuple[AnalystFigures, ...]:
        """By shift and analyst, in order."""
        pairs = sorted({(shift, analyst) for shift, analyst, _ in self._done})
        return tuple(
            AnalystFigures(
                shift,
                analyst,
                acknowledged=self._done[shift, analyst, AlertStatus.ACKNOWLEDGED],
                closed=self._done[shift, analyst, AlertStatus.CLOSED],
                reopened=self._done[shift, analyst, AlertStatus.NEW],
            )
            for shift, analyst in pairs
        )

    def _holds(self, moment: datetime) -> bool:
        return self._since <= moment < self._until


def _by_level(counts: Counter[Level]) -> dict[str, int]:
    return {level.value: counts[level] for level in reversed(Level)}


def _spread(waits: Sequence[timedelta]) -> Spread:
    if not waits:
        return Spread(0, None, None)
    seconds = [wait.total_seconds() for wait in waits]
    return Spread(len(waits), round(statistics.fmean(seconds), 1), round(statistics.median(seconds), 1))
