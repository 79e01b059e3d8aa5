"""`Meter`: what rules cost, by their numbers in a rule set; filled by the matcher where one is passed to it.

A rule pays for the rows on which its tree is evaluated and for each leaf that its part of the index has to ask of a value. What all rules
share (fetching columns, remembered values, the one pass that finds all literals) is nobody's.
"""

from __future__ import annotations

from collections import defaultdict


class Meter:
    """Nanoseconds of each rule, and on how many rows its tree was evaluated."""

    __slots__ = ("evaluations", "nanoseconds")

    def __init__(self) -> None:
        self.nanoseconds: dict[int, int] = defaultdict(int)
        self.evaluations: dict[int, int] = defaultdict(int)

    def add(self, number: int, nanoseconds: int, evaluations: int = 0) -> None:
        """Charge a rule."""
        self.nanoseconds[number] += nanoseconds
        self.evaluations[number] += evaluations
