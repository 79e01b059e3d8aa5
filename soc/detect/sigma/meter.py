"""`Meter`: what rules cost, by their numbers in a rule set; filled by the matcher where one is passed to it.

A rule pays for the rows on which its tree is evaluated and for each leaf that its part of the index has to ask of a value. What all rules
share (fetching columns, remembered values, the one pass that finds all literals) is nobody's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple


class Cost(NamedTuple):
    """What one rule took: over how many `events` that its logsource takes, on how many its tree was evaluated, how many fired it."""

    nanoseconds: int
    events: int
    evaluations: int
    hits: int


class Meter:
    """Nanoseconds of each rule, how many rows its logsource takes, on how many its tree was evaluated, and how many fired it."""

    __slots__ = ("evaluations", "events", "hits", "nanoseconds")

    def __init__(self) -> None:
        self.nanoseconds: dict[int, int] = defaultdict(int)
        self.evaluations: dict[int, int] = defaultdict(int)
        self.events: dict[int, int] = defaultdict(int)
        self.hits: dict[int, int] = defaultdict(int)

    def add(self, number: int, nanoseconds: int, evaluations: int = 0) -> None:
        """Charge a rule."""
        self.nanoseconds[number] += nanoseconds
        self.evaluations[number] += evaluations

    def saw(self, numbers: Iterable[int], events: int) -> None:
        """These rules take so many events more."""
        for number in numbers:
            self.events[number] += events

    def fired(self, numbers: Iterable[int]) -> None:
        """A hit for each."""
        for number in numbers:
            self.hits[number] += 1

    def cost(self, number: int) -> Cost:
        """All of one rule."""
        counts = (self.nanoseconds, self.events, self.evaluations, self.hits)
        return Cost(*(count.get(number, 0) for count in counts))
