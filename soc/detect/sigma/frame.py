"""Some rows of a table as the trees of rules read them; of a table that holds values by column: `soc.detect.sigma.columns`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from collectors.event import Value
from soc.detect.sigma.keywords import Block, Pieces
from soc.detect.table import Cells, ColumnTable, Key, RowTable

KEYWORDS = ("",)
"""The columns of a keyword leaf: the original text and every text value of the event."""

Columns = tuple[str, ...]

Candidates = tuple[int, ...]
"""Numbers of the rules of a unit, ascending."""

Charge = Callable[[int, int], None]
"""A rule of the unit pays nanoseconds."""


class Index(Protocol):
    """What tells the candidates of a column's values."""

    absent: Candidates

    def look_up(self, values: list[Value], charge: Charge | None = None) -> list[Candidates]:
        """The candidates of each value, in order."""
        ...


_MOST = 4
"""A column is fetched for all rows where more than one in so many is asked for."""


class Frame(ABC):
    """Some rows of a table, numbered from 0; a column is fetched once."""

    repeats = True
    """Whether it costs less to ask what was found of rows that hold the same than to look up their values."""

    def __init__(self, table: Cells, places: Sequence[int]) -> None:
        self._table, self._places = table, places
        self._columns: dict[str, list[Value]] = {}
        self.plans: dict[int, Any] = {}
        """What units, by their ids, have found worth evaluating: theirs alone to read."""

    def __len__(self) -> int:
        return len(self._places)

    @abstractmethod
    def part(self, rows: Sequence[int]) -> Frame:
        """Some of the rows, numbered from 0."""

    @abstractmethod
    def values(self, names: Sequence[str]) -> Sequence[Key | None]:
        """A key of what some fields hold in each row, as `RowTable.values` has it."""

    @abstractmethod
    def suspects(self, pieces: Pieces) -> Sequence[int]:
        """Rows that may hold one of some keywords, ascending."""

    @abstractmethod
    def named(
        self, indexes: Iterable[tuple[str, Index]], charge: Charge | None
    ) -> tuple[Sequence[int], list[Sequence[Candidates]]]:
        """Rows, ascending, with all among them of which an index names candidates, and those of each such index, row by row."""

    def haystack(self, row: int) -> str:
        """A text in lower case that holds whatever keywords may find."""
        return self._table.haystack(self._places[row]).lower()

    def texts(self, row: int) -> list[str]:
        """What keywords are looked for in."""
        return self._table.texts(self._places[row])

    def column(self, name: str) -> list[Value]:
        """One field of all rows."""
        found = self._columns.get(name)
        if found is None:
            found = self._columns[name] = self._table.column(name, self._places)
        return found

    def cells(self, columns: Columns, rows: Sequence[int]) -> list[Value]:
        """What the columns hold in some rows: absent, one value, or the list of all their values."""
        if len(columns) == 1:
            return self.some(columns[0], rows)
        several = [self.some(name, rows) for name in columns]
        filled = [column for column in several if column.count(None) < len(rows)]
        if len(filled) < 2:
            return filled[0] if filled else several[0]
        return list(map(merged, zip(*filled, strict=True)))

    def cell(self, columns: Columns, row: int) -> Value:
        """What the columns hold in one row; an empty list is absent."""
        (value,) = self.cells(columns, (row,))
        return None if value == [] else value

    def some(self, name: str, rows: Sequence[int]) -> list[Value]:
        """One field of some rows."""
        if name == KEYWORDS[0]:
            return [self._table.texts(self._places[row]) for row in rows]
        column = self._columns.get(name)
        if column is None:
            if len(rows) == 1:
                return [self._table.cell(name, self._places[rows[0]])]
            if len(rows) * _MOST < len(self._places):
                return self._table.column(name, [self._places[row] for row in rows])
            column = self.column(name)
        return column if len(rows) == len(column) else [column[row] for row in rows]


class RowFrame(Frame):
    """Rows of a table that holds values row by row."""

    def __init__(self, table: RowTable, places: Sequence[int]) -> None:
        super().__init__(table, places)
        self._rows = table
        self._block: Block | None = None

    def part(self, rows: Sequence[int]) -> RowFrame:
        """Some of the rows, numbered from 0."""
        return RowFrame(self._rows, [self._places[row] for row in rows])

    def values(self, names: Sequence[str]) -> Sequence[Key | None]:
        """See Frame."""
        return self._rows.values(names, self._places)

    def suspects(self, pieces: Pieces) -> Sequence[int]:
        """See Frame."""
        if self._block is None:
            self._block = Block(self._rows.lines(self._places), self._rows.words(self._places))
        return pieces.suspects(self._block)

    def named(
        self, indexes: Iterable[tuple[str, Index]], charge: Charge | None
    ) -> tuple[Sequence[int], list[Sequence[Candidates]]]:
        """See Frame: all rows."""
        columns: list[Sequence[Candidates]] = []
        for name, index in indexes:
            column = self.column(name)
            if not index.absent and not any(column) and column.count(None) == len(column):
                continue
            found = index.look_up(column, charge)
            if any(found):
                columns.append(found)
        return range(len(self) if columns else 0), columns


def tells(table: ColumnTable, name: str, index: Index) -> bool:
    """Whether an index may name candidates for a field of some row; asked once of a table."""
    known = table.telling.get((name, id(index)))
    if known is None:
        values = table.told(name)
        known = table.telling[name, id(index)] = values is None or any(index.look_up(values))
    return known


def merged(values: tuple[Value, ...]) -> Value:
    """The values of several columns as that of one: absent, one value, or the list of all."""
    present = [value for value in values if value is not None and value != []]
    if len(present) < 2:
        return present[0] if present else None
    return [item for value in present for item in (value if isinstance(value, list) else [value])]  # type: ignore[return-value]
