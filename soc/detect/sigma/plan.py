"""Rows for which the indexes name the same rules in, which of them fire out: each combination of the values that the rules' trees read is
evaluated once and remembered, whatever else the events say.
"""

from __future__ import annotations

from collections.abc import Sequence

from collectors.event import Value
from soc.detect.sigma.index import Memory
from soc.detect.sigma.program import Frame

Key = tuple[Value, ...]
"""What the trees read of a row, one value for each column."""

_PLAIN = frozenset({str, int, type(None)})
"""Values of these types are equal only where they match the same; as keys of a dictionary, 1, 1.0 and true are one."""
_TRIAL = 1_000
"""Combinations that are remembered before it is asked whether most came again."""


class Plan:
    """`rules`: which rules of a unit to evaluate, ascending. `columns`: all that their trees read; None where that is the whole record."""

    __slots__ = ("_again", "_known", "_memory", "_new", "columns", "rules")

    def __init__(self, rules: Sequence[int], columns: Sequence[str] | None, memory: Memory) -> None:
        self.rules, self.columns = rules, columns
        self._memory = memory
        self._known: dict[Key, tuple[int, ...]] = {}
        self._new = self._again = 0

    def keys(self, frame: Frame, rows: Sequence[int]) -> list[Key] | None:
        """What the trees read of these rows; None where remembering it does not pay, or would take different values for the same."""
        if self.columns is None or (self._new > _TRIAL and self._again < self._new):
            return None
        columns = [frame.some(name, rows) for name in self.columns]
        if not all(_PLAIN.issuperset(map(type, column)) for column in columns):
            return None
        return list(zip(*columns, strict=True)) if columns else [()] * len(rows)

    def known(self, key: Key) -> tuple[int, ...] | None:
        """Numbers of the rules that fire on such a row, ascending; None where that is not known."""
        found = self._known.get(key)
        if found is not None:
            self._again += 1
        return found

    def learn(self, key: Key, fired: tuple[int, ...]) -> None:
        """Remember what fires on such a row."""
        self._new += 1
        self._known[key] = fired
        self._memory.spend(sum([len(value) for value in key if value.__class__ is str]))
