"""spike and flatline (ours): the hits of a group in the window against what was usual before it. docs/rules.md, "Correlation".

The figure is the count in the window, (t - timespan, t], by the mean count of a window in the `baseline` before it,
(t - timespan - baseline, t - timespan]. Nothing fires until timespan and baseline have passed since the correlation's first hit. A group
without a past has a mean of none: any count is infinitely more.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from array import array
from collections.abc import Sequence
from typing import Any

from soc.detect.correlation.groups import Key, Room
from soc.detect.correlation.hits import NEVER, SHIFT, span_us
from soc.detect.correlation.kind import MAX_EVENTS, Fired, Kind, Late, Look, Schedule, Value
from soc.detect.correlation.novelty import Learning
from soc.detect.sigma import ir

EXACT = 4_096
"""Moments that one group keeps one by one; beyond it neighbours are taken together."""


class Tally:
    """The moments of one group's hits with their number, oldest first: those of the baseline, then those of the window."""

    __slots__ = ("before", "counts", "due", "edge", "fired", "inside", "recent", "times")

    def __init__(self) -> None:
        self.times = array("q")
        self.counts = array("q")
        self.edge = self.before = self.inside = 0
        self.fired = self.due = NEVER
        self.recent: list[int] = []

    def enter(self, hit: int, kept: int) -> None:
        """One more hit, the latest; `kept`: how many hits a detection shows."""
        time = hit >> SHIFT
        if self.times and self.times[-1] == time:
            self.counts[-1] += 1
        else:
            self.times.append(time)
            self.counts.append(1)
            if len(self.times) > 2 * EXACT:
                self._thin()
        self.inside += 1
        self.recent.append(hit)
        if len(self.recent) > kept:
            del self.recent[0]

    def advance(self, window_from: int, baseline_from: int) -> None:
        """What happened at the first moment or before leaves the window, at the second or before the baseline."""
        times, counts, gone = self.times, self.counts, 0
        while self.edge < len(times) and times[self.edge] <= window_from:
            self.inside -= counts[self.edge]
            self.before += counts[self.edge]
            self.edge += 1
        while gone < self.edge and times[gone] <= baseline_from:
            self.before -= counts[gone]
            gone += 1
        if gone:
            del times[:gone], counts[:gone]
            self.edge -= gone

    def _thin(self) -> None:
        """Take each two neighbours of the older half together, at the moment of the later."""
        counts, edge = self.counts, self.edge
        half = EXACT if edge >= EXACT else len(self.times) // 2 // 2 * 2
        self.times = self.times[1:half:2] + self.times[half:]
        self.counts = (
            array("q", [a + b for a, b in zip(counts[0:half:2], counts[1:half:2], strict=True)]) + counts[half:]
        )
        if edge >= half:
            self.edge = edge - half // 2
        else:
            self.inside += self.before
            self.before = sum(self.counts[: edge // 2])
            self.inside -= self.before
            self.edge = edge // 2


class _Trend(Kind[Tally]):
    late = Late.NONE
    shows = MAX_EVENTS

    def __init__(self, spec: ir.Correlation, room: Room, schedule: Schedule) -> None:
        self.baseline = span_us(float(spec.options.get("baseline_s", 0.0)))
        super().__init__(spec, room, schedule)
        self.minimum = float(spec.options.get("minimum", 0.0))
        self.learning = Learning(self.span + self.baseline)

    def horizon(self) -> int:
        """While a hit is in the window or the baseline."""
        return self.span + self.baseline

    def mean(self, state: Tally) -> float:
        """The mean count of a window in the baseline."""
        return state.before * self.span / self.baseline

    def figure(self, state: Tally) -> float:
        """The count by the mean; without a mean infinitely much, and of nothing not a number."""
        mean = self.mean(state)
        return state.inside / mean if mean else math.inf if state.inside else math.nan

    @abstractmethod
    def enough(self, state: Tally) -> bool:
        """Whether there is enough to tell."""

    def on(self, hit: int, key: Key, at: Sequence[int], values: Sequence[Value]) -> Fired | None:  # noqa: ARG002
        """A hit of a group."""
        groups = self.groups
        if hit >= groups.turn_at:
            groups.turn(hit)
        state = groups.young.get(key) or groups.find(key)
        if state is None:
            state = Tally()
            groups.add(key, state, hit)
        elif state.recent[-1] == hit:
            return None
        state.enter(hit, self.shows)
        return self.judge(state, hit >> SHIFT)

    def judge(self, state: Tally, time: int) -> Fired | None:
        """Whether the group fires at a moment."""
        state.advance(time - self.span, time - self.span - self.baseline)
        learned = self.learning.done(time)
        figure = self.figure(state)
        if not (learned and self.enough(state) and self.holds(figure)):
            state.fired = NEVER
        elif time - state.fired >= self.span:
            state.fired = time
            first = time - self.span
            hits = tuple(hit for hit in state.recent if hit >> SHIFT > first) or (state.recent[-1],)
            return Fired(hits, figure)
        return None

    def look(self, state: Tally, now: int) -> Look:
        """The figure as of the last hit."""
        first = now - self.span
        hits = tuple(hit for hit in state.recent if hit >> SHIFT > first)
        figure = self.figure(state)
        words = f"{state.inside} in the window, {self.mean(state):.6g} in the mean"
        return Look(
            0.0 if math.isnan(figure) else figure, hits, (hits[0] >> SHIFT) + self.span if hits else None, words
        )

    def freeze(self, state: Tally) -> object:
        """Its parts in the order of `__slots__`."""
        return [
            list(value) if isinstance(value, array) else value for value in (getattr(state, name) for name in _PARTS)
        ]

    def thaw(self, frozen: Any) -> Tally:
        """As frozen."""
        state = Tally()
        for name, value in zip(_PARTS, frozen, strict=True):
            setattr(state, name, array("q", value) if name in ("times", "counts") else value)
        return state

    def extra(self) -> object:
        """When learning began."""
        return self.learning.began

    def take_extra(self, frozen: object) -> None:
        """As given."""
        self.learning.began = frozen if isinstance(frozen, int) else None


_PARTS = ("before", "counts", "due", "edge", "fired", "inside", "recent", "times")


class Spike(_Trend):
    """Evaluated at hits. `minimum`: hits in the window below which nothing fires."""

    @property
    def needed(self) -> str:
        """How many times the mean."""
        return f"{super().needed} times the mean, with at least {self.minimum:.6g} in the window"

    def enough(self, state: Tally) -> bool:
        """Enough hits in the window."""
        return state.inside >= self.minimum


class Flatline(_Trend):
    """Evaluated at hits, and where a hit leaves the window. `minimum`: mean count of a window below which nothing fires."""

    shows = 1

    def horizon(self) -> int:
        """It fires again while the mean is high enough, which may be a window after the baseline was left."""
        return 2 * self.span + self.baseline

    @property
    def needed(self) -> str:
        """How many times the mean."""
        return f"{super().needed} times the mean, which is at least {self.minimum:.6g}"

    def enough(self, state: Tally) -> bool:
        """A mean from which it is odd to fall."""
        return state.before > 0 and self.mean(state) >= self.minimum

    def on(self, hit: int, key: Key, at: Sequence[int], values: Sequence[Value]) -> Fired | None:
        """A hit of a group."""
        fired = super().on(hit, key, at, values)
        state = self.groups.young.get(key) or self.groups.find(key)
        if state is not None and state.due == NEVER:  # it may have been evicted at once
            self._plan(state, hit >> SHIFT, key)
        return fired

    def due(self, time_us: int, key: Key) -> Fired | None:
        """A hit leaves the window, or the group has been flat for another timespan."""
        state = self.groups.young.get(key) or self.groups.find(key)
        if state is None or state.due != time_us:
            return None
        fired = self.judge(state, time_us)
        self._plan(state, time_us, key)
        if state.due == NEVER and not state.times:
            self.groups.drop(key)
        return fired

    def _plan(self, state: Tally, time: int, key: Key) -> None:
        moments = [state.fired + self.span] if state.fired != NEVER else []
        if state.inside:
            moments.append(state.times[state.edge] + self.span)
        learned = self.learning.until
        if learned is not None and learned > time and state.times:
            moments.append(learned)
        state.due = min(moments, default=NEVER)
        if state.due != NEVER:
            self.schedule(state.due, key)
