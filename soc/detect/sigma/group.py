"""The rules that read one kind of event, and rows of that kind in; which rules fire on each row out.

What fires on a row depends on what the trees read of it, so whole rows are remembered by that: only those with new values are looked at.
Rules that look for keywords are apart: they read the whole text, and no two are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from soc.detect.sigma.frame import Frame
from soc.detect.sigma.index import Memory
from soc.detect.sigma.meter import Meter
from soc.detect.sigma.plan import Fired, Remembered
from soc.detect.sigma.unit import Unit
from soc.detect.table import Key

_WORTH = 500
"""Rows of a kind from which on they are remembered: finding out what the trees read of it costs as much as looking at so many."""

NOTHING: Sequence[str] = ()
"""The columns of rules that read none."""


class Group:
    """What events of one kind meet. `routes`: by which route each rule reads them, by its number."""

    def __init__(self, units: Sequence[Unit], memory: Memory) -> None:
        self.routes: Mapping[int, int] = {member.number: member.at for unit in units for member in unit.members}
        self._units = [unit for unit in units if not unit.wordy]
        self._wordy = [unit for unit in units if unit.wordy]
        self._memory = memory
        self._seen = 0
        self._rows: Remembered | None = None
        memory.add(self)

    @property
    def columns(self) -> Sequence[str] | None:
        """What the trees read by which rows are remembered; None where they are not, or not yet."""
        if not self._units:
            return NOTHING
        rows = self._remembered()
        return None if rows is None else rows.columns

    @property
    def units(self) -> Sequence[Unit]:
        """All units."""
        return (*self._units, *self._wordy)

    def asks(self, frame: Frame, meter: Meter | None = None) -> Iterator[str]:
        """The fields that the trees read of rows of a frame that has columns."""
        return (name for unit in self.units for plan in unit.plan(frame, meter) for name in plan.columns)

    def match(self, frame: Frame, meter: Meter | None = None) -> dict[int, Fired]:
        """The rows of the frame on which rules fire, with their numbers."""
        rows = None
        if frame.repeats:
            self._seen += len(frame)
            rows = self._remembered()
        found = _matched(self._units, frame, meter) if rows is None else self._recalled(rows, frame, meter)
        for row, fired in _matched(self._wordy, frame, meter).items():
            found[row] = tuple(sorted(found.get(row, ()) + fired))
        return found

    def age(self) -> None:
        """Forget what fired on which rows."""
        if self._rows is not None:
            self._rows = self._rows.anew()

    def _remembered(self) -> Remembered | None:
        """Where rows are remembered; None where that does not pay, or is not yet worth it."""
        if self._seen < _WORTH or not self._units:
            return None
        if self._rows is None:
            self._rows = Remembered(sorted({name for unit in self._units for name in unit.reads()}), self._memory)
        return self._rows if self._rows.pays else None

    def _recalled(self, rows: Remembered, frame: Frame, meter: Meter | None) -> dict[int, Fired]:
        keys = frame.values(rows.columns)
        fired = rows.recall(keys)
        if None in fired:
            names: list[Key | int] = [row if key is None else key for row, key in enumerate(keys)]
            new: dict[Key | int, int] = {}
            for row, known in enumerate(fired):
                if known is None:
                    new.setdefault(names[row], row)
            found = _matched(self._units, frame.part(list(new.values())), meter)
            learned = {key: found.get(at, ()) for at, key in enumerate(new)}
            for key, numbers in learned.items():
                if not isinstance(key, int):
                    rows.learn(key, numbers)
            fired = [learned[name] if known is None else known for name, known in zip(names, fired, strict=True)]
        return {row: known for row, known in enumerate(fired) if known}


def _matched(units: Sequence[Unit], frame: Frame, meter: Meter | None) -> dict[int, Fired]:
    found: dict[int, list[int]] = {}
    for unit in units:
        for row, numbers in unit.match(frame, meter).items():
            found[row] = found[row] + numbers if row in found else numbers
    return {row: tuple(sorted(numbers)) for row, numbers in found.items()}
