"""Events in, their fields by column and by cell out: what the matcher reads, so that a field that no rule asks for is never decoded.

`EventTable` is that over Events that exist already; others decode on demand, row by row (`RowTable`) or column by column (`ColumnTable`).
A table is read by one thread and never changes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import orjson

from collectors.event import ENVELOPE, Event, Value

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from soc.detect.sigma.keywords import Pieces

Values = tuple[Value, ...]
Key = tuple[object, ...]

_PLAIN = frozenset({str, int, type(None)})
"""Values of these types are equal only where they are the same; as keys of a dictionary, 1, 1.0 and true are one."""


def keys_of(columns: Sequence[list[Value]], count: int) -> list[Key]:
    """Keys of so many rows, as `Table.values` has them."""
    parts: list[Sequence[object]] = [
        column
        if _PLAIN.issuperset(map(type, column))
        else [value if value.__class__ in _PLAIN else (repr(value),) for value in column]
        for column in columns
    ]
    return list(zip(*parts, strict=True)) if parts else [()] * count


class Cells(Protocol):
    """What every table has. Rows are numbered from 0; a value is that of `Event.get`: envelope included, None where it is absent."""

    def __len__(self) -> int:
        """How many events."""
        ...

    def column(self, name: str, places: Sequence[int]) -> list[Value]:
        """The values of one field in these rows. The same `places` object is passed for one column after the other."""
        ...

    def cell(self, name: str, place: int) -> Value:
        """The value of one field in one row."""
        ...

    def texts(self, place: int) -> list[str]:
        """What keywords are looked for in: the record as received, then every text value, those in lists too."""
        ...

    def haystack(self, place: int) -> str:
        """Text, in any case, in which each of `texts` stands, more may: what it lacks, no keyword finds."""
        ...

    def expect(self, places: Sequence[int]) -> None:
        """Take note of rows whose events will be asked for."""
        ...

    def event(self, place: int) -> Event:
        """The whole event; asked for on rows that fire something, the same object each time."""
        ...

    def latest(self) -> Event:
        """An event (there is one at least) than which none is later, each counting as no later than its receipt."""
        ...


class RowTable(Cells, Protocol):
    """A table that has what a row holds together."""

    def keys(self, names: Sequence[str]) -> list[Values]:
        """The values of a few fields that every row is asked for, row by row; `names` are none of the envelope's."""
        ...

    def values(self, names: Sequence[str], places: Sequence[int]) -> Sequence[Key | None]:
        """Of each row a key of what some fields hold: where two are equal, also of other tables of one maker, so are the values, in type
        too; None for a row that is to be looked at by itself. The same `names` object is passed for the same names."""
        ...

    def lines(self, places: Sequence[int]) -> list[bytes]:
        """Of each row UTF-8 in which each of `texts` stands, more may, but for escapes as JSON has them, and for what `words` has."""
        ...

    def words(self, places: Sequence[int]) -> Sequence[str]:
        """Of each row text, the same for many, with those of `texts` that do not stand in `lines`."""
        ...


class Coded(NamedTuple):
    """A column of some rows. `values`: each once at least, None the first; `codes`: of each row, which of them it holds."""

    values: NDArray[np.object_]
    codes: NDArray[np.int64]


class ColumnTable(ABC, Cells):
    """A table that has each value of a column once. `telling`: for `soc.detect.sigma.frame.tells`."""

    def __init__(self) -> None:
        self.telling: dict[tuple[str, int], bool] = {}

    @abstractmethod
    def kinds(self, names: Sequence[str]) -> Iterable[tuple[Values, NDArray[np.int64]]]:
        """Rows by what a few fields hold, each row once; `names` are none of the envelope's."""

    @abstractmethod
    def coded(self, name: str, places: NDArray[np.int64]) -> Coded:
        """The values of one field in these rows."""

    @abstractmethod
    def prepare(self, names: Collection[str], words: Mapping[Pieces, Sequence[int]]) -> None:
        """Take note of fields whose values will be asked for, and in which rows keywords will be looked for."""

    @abstractmethod
    def told(self, name: str) -> list[Value] | None:
        """None and each value that a field has in a row, in any order, maybe others; a list may stand there by its items. None where only
        `coded` tells."""

    @abstractmethod
    def load(self, names: Collection[str]) -> None:
        """Take note of fields that rows will be asked for."""

    @abstractmethod
    def suspects(self, pieces: Pieces, places: NDArray[np.int64]) -> Sequence[int]:
        """Which of these rows (numbers in `places`, ascending) may have one of some keywords in their texts: each that does."""


Table = RowTable | ColumnTable


class EventTable:
    """The table of a batch of Events."""

    __slots__ = ("_events", "_getters", "_part", "_places")

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = events
        self._getters = [event.fields.get for event in events]
        self._places: Sequence[int] = range(len(events))
        self._part = self._getters

    def __len__(self) -> int:
        return len(self._events)

    def keys(self, names: Sequence[str]) -> list[Values]:
        """The values of a few fields, row by row."""
        return list(zip(*[[get(name) for get in self._getters] for name in names], strict=True))

    def column(self, name: str, places: Sequence[int]) -> list[Value]:
        """The values of one field in these rows."""
        if name in ENVELOPE:
            return [self._events[place].get(name) for place in places]
        if places is not self._places:
            self._places, self._part = places, [self._getters[place] for place in places]
        return [get(name) for get in self._part]

    def values(self, names: Sequence[str], places: Sequence[int]) -> Sequence[Key | None]:
        """A key of each row."""
        return keys_of([self.column(name, places) for name in names], len(places))

    def cell(self, name: str, place: int) -> Value:
        """The value of one field in one row."""
        value = self._getters[place](name)
        return self._events[place].get(name) if value is None and name in ENVELOPE else value

    def texts(self, place: int) -> list[str]:
        """The record as received, then every text value."""
        return [self._events[place].original, *self._texts(place)]

    def _texts(self, place: int) -> list[str]:
        """Every text value."""
        values = self._events[place].fields.values()
        found = [value for value in values if value.__class__ is str]
        if list in map(type, values):
            found += [item for value in values if value.__class__ is list for item in value if isinstance(item, str)]
        return found

    def lines(self, places: Sequence[int]) -> list[bytes]:
        """The bytes as received with all values behind them, in JSON: writing them takes a fifth of finding the texts among them."""
        events = [self._events[place] for place in places]
        try:
            return [event.raw + orjson.dumps(list(event.fields.values())) for event in events]
        except TypeError:  # half a surrogate pair, or a number beyond 64 bits
            return [event.raw + self._spelled(place) for event, place in zip(events, places, strict=True)]

    def _spelled(self, place: int) -> bytes:
        return "\0".join(["", *self._texts(place)]).encode("utf-8", "surrogatepass")

    def words(self, places: Sequence[int]) -> Sequence[str]:
        """Nothing: all texts are in `lines`."""
        return [""] * len(places)

    def expect(self, places: Sequence[int]) -> None:
        """All are there."""

    def haystack(self, place: int) -> str:
        """All texts in one."""
        return "\0".join(self.texts(place))

    def event(self, place: int) -> Event:
        """The whole event."""
        return self._events[place]

    def latest(self) -> Event:
        """An event than which none is later."""
        return max(self._events, key=lambda event: min(event.time, event.ingested))


def table_of(batch: Sequence[Event] | Table) -> Table:
    """The table of a batch; a table is its own."""
    return EventTable(batch) if isinstance(batch, Sequence) else batch
