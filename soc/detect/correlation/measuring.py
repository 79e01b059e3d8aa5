"""value_sum, value_avg, value_percentile and value_median: a figure over the numbers that the hits of a group carry in the window.

Source of truth: Sigma specification 2.1 names the kinds. Sums are exact (a float counts as the fraction that it is), so the order of
arrival changes nothing; a percentile lies between the two nearest ranks in proportion, so the 50th is the median.
"""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from soc.detect.correlation.groups import Key
from soc.detect.correlation.hits import NEVER, SHIFT
from soc.detect.correlation.kind import MAX_EVENTS, Fired, Kind, Look, Value

MAX_NUMBERS = 10_000
"""Numbers that one group keeps; beyond it the oldest are left out of its figure, and counted (`trimmed`)."""

Number = int | float


class Measured:
    """The numbers of one group with their hits, oldest first, their sum, and (where a rank is asked for) in order of size."""

    __slots__ = ("fired", "numbers", "ordered", "total")

    def __init__(self) -> None:
        self.fired = NEVER
        self.numbers: deque[tuple[int, Number]] = deque()
        self.ordered: list[Number] = []
        self.total: int | Fraction = 0


class _Measure(Kind[Measured]):
    """An event counts once; a list in it is several numbers. Without numbers in the window there is no figure."""

    ranked = False

    @abstractmethod
    def figure(self, state: Measured) -> float:
        """The figure of a group that has numbers."""

    def on(self, hit: int, key: Key, at: Sequence[int], values: Sequence[Value]) -> Fired | None:  # noqa: ARG002
        """A hit of a group; `values`: numbers."""
        groups = self.groups
        if hit >= groups.turn_at:
            groups.turn(hit)
        state = groups.young.get(key) or groups.find(key)
        if state is None:
            state = Measured()
            groups.add(key, state, hit)
        elif state.numbers and state.numbers[-1][0] == hit:
            return None
        for value in values:
            self._enter(state, hit, value)  # type: ignore[arg-type]  # its plan is numeric
        if hit - state.numbers[0][0] > self._below or len(state.numbers) > MAX_NUMBERS:
            self._leave(state, self.floor(hit))
        figure, time = self.figure(state), hit >> SHIFT
        if not self.holds(figure):
            state.fired = NEVER
        elif time - state.fired >= self.span:
            state.fired = time
            return Fired(_latest(state), figure)
        return None

    def _enter(self, state: Measured, hit: int, number: Number) -> None:
        state.numbers.append((hit, number))
        state.total += number if number.__class__ is int else Fraction(number)
        if self.ranked:
            insort(state.ordered, number)

    def _leave(self, state: Measured, floor: int) -> None:
        numbers = state.numbers
        while numbers[0][0] < floor or len(numbers) > MAX_NUMBERS:
            hit, number = numbers.popleft()
            self.trimmed += hit >= floor
            state.total -= number if isinstance(number, int) else Fraction(number)
            if self.ranked:
                del state.ordered[bisect_left(state.ordered, number)]

    def look(self, state: Measured, now: int) -> Look:
        """The figure is that of the last hit while a hit is in the window."""
        floor = self.floor(now << SHIFT)
        current = Measured()
        for hit, number in state.numbers:
            if hit >= floor:
                self._enter(current, hit, number)
        if not current.numbers:
            return Look(0, (), None)
        return Look(self.figure(current), _latest(current), (current.numbers[0][0] >> SHIFT) + self.span)

    def freeze(self, state: Measured) -> object:
        """[fired, hit, number, hit, number, ...]."""
        return [state.fired, *[part for pair in state.numbers for part in pair]]

    def thaw(self, frozen: Any) -> Measured:
        """As frozen."""
        state = Measured()
        state.fired, *rest = frozen
        for hit, number in zip(rest[::2], rest[1::2], strict=True):
            self._enter(state, hit, number)
        return state


def _latest(state: Measured) -> tuple[int, ...]:
    return tuple(sorted({hit for hit, _ in state.numbers})[-MAX_EVENTS:])


class ValueSum(_Measure):
    """The sum."""

    def figure(self, state: Measured) -> float:
        """The exact sum, rounded once."""
        return float(state.total)


class ValueAvg(_Measure):
    """The mean."""

    def figure(self, state: Measured) -> float:
        """The exact mean, rounded once."""
        return float(Fraction(state.total) / len(state.numbers))


class ValuePercentile(_Measure):
    """The value below which a share of the numbers lies."""

    ranked = True

    @property
    def rank(self) -> float:
        """0 to 100."""
        return self.spec.percentile

    def figure(self, state: Measured) -> float:
        """Between the two nearest ranks, in proportion."""
        ordered = state.ordered
        place = (len(ordered) - 1) * self.rank / 100
        below = int(place)
        above = min(below + 1, len(ordered) - 1)
        return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


class ValueMedian(ValuePercentile):
    """The 50th percentile."""

    @property
    def rank(self) -> float:
        """Half."""
        return 50.0
