"""A table in, some of its rows or one of them out, as the trees of rules read them: whichever way the table holds its values."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.event import Value
from soc.detect.sigma.frame import Columns, Frame, RowFrame, merged
from soc.detect.table import ColumnTable, Table


def frame_of(table: Table, places: Sequence[int]) -> Frame:
    """The frame of some rows."""
    if isinstance(table, ColumnTable):
        from soc.detect.sigma.columns import ColumnFrame

        return ColumnFrame(table, places)
    return RowFrame(table, places)


class Row:
    """One row of a table as reasons are read from it: each cell once, and each text in lower case once."""

    __slots__ = ("_cells", "_lows", "_place", "_table")

    def __init__(self, table: Table, place: int) -> None:
        self._table, self._place = table, place
        self._cells: dict[str, Value] = {}
        self._lows: dict[str, str] = {}

    def filled(self, columns: Columns) -> tuple[str, Value]:
        """The column that holds something and what it is; of several such "" and all their values."""
        if len(columns) == 1:
            return columns[0], self._cell(columns[0])
        filled = [(name, value) for name in columns if (value := self._cell(name)) is not None]
        if len(filled) < 2:
            return filled[0] if filled else (columns[0], None)
        return "", merged(tuple([value for _, value in filled]))

    def low(self, text: str) -> str:
        """A text in lower case."""
        low = self._lows.get(text)
        if low is None:
            low = self._lows[text] = text.lower()
        return low

    def frame(self) -> Frame:
        """The row for what reads many."""
        return frame_of(self._table, (self._place,))

    def _cell(self, name: str) -> Value:
        if name in self._cells:
            return self._cells[name]
        value = self._cells[name] = self._table.cell(name, self._place)
        return value
