"""Rows in, which rules fire on them out: each combination of the values that the rules' trees read is evaluated once and remembered,
whatever else the events say.

`Remembered` is that for any rules; `Plan` for those that the indexes of a unit name for a row.
"""

from __future__ import annotations

from collections.abc import Sequence

from soc.detect.sigma.frame import Frame
from soc.detect.sigma.index import Memory
from soc.detect.table import Key, keys_of

Fired = tuple[int, ...]
"""Numbers of the rules that fire on a row, ascending."""

_TRIAL = 5_000
"""Combinations that are remembered before it is asked whether most came again: about what a server tells of one kind in an hour."""
_CELL_BYTES = 56
"""What a text takes besides its characters."""


class Remembered:
    """What fires on which values of `columns`, as far as it was seen."""

    __slots__ = ("_again", "_known", "_memory", "_new", "columns")

    def __init__(self, columns: Sequence[str], memory: Memory) -> None:
        self.columns = columns
        self._memory = memory
        self._known: dict[Key, Fired] = {}
        self._new = self._again = 0

    def __len__(self) -> int:
        return len(self._known)

    @property
    def pays(self) -> bool:
        """Whether enough of what is remembered comes again."""
        return self._new <= _TRIAL or self._again >= self._new

    def recall(self, keys: Sequence[Key | None]) -> list[Fired | None]:
        """What fires on each; None where that is not known."""
        found = list(map(self._known.get, keys))  # type: ignore[arg-type]  # None is no key
        self._again += len(found) - found.count(None)
        return found

    def anew(self) -> Remembered:
        """The same without what is known, and not before it has paid."""
        return Remembered(self.columns, self._memory) if self.pays else self

    def learn(self, key: Key, fired: Fired) -> None:
        """Remember what fires on such a row."""
        self._new += 1
        self._known[key] = fired
        self._memory.spend(sum([len(value) + _CELL_BYTES for value in key if value.__class__ is str]))


class Plan(Remembered):
    """`rules`: which rules of a unit to evaluate, ascending; `columns`: all that their trees read."""

    __slots__ = ("rules",)

    def __init__(self, rules: Sequence[int], columns: Sequence[str], memory: Memory) -> None:
        super().__init__(columns, memory)
        self.rules = rules

    def keys(self, frame: Frame, rows: Sequence[int]) -> list[Key]:
        """What these rows hold in the columns."""
        return keys_of([frame.some(name, rows) for name in self.columns], len(rows))
