"""Rows of a table that holds each value of a column once, as the trees of rules read them: what has no candidate is told by codes, all rows
at once, and never looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from collectors.event import ENVELOPE, Value
from soc.detect.sigma.frame import KEYWORDS, Candidates, Charge, Frame, Index, tells
from soc.detect.sigma.keywords import Pieces
from soc.detect.table import Coded, ColumnTable, Key


class ColumnFrame(Frame):
    """See the module."""

    repeats = False

    def __init__(self, table: ColumnTable, places: Sequence[int]) -> None:
        super().__init__(table, places)
        self._coded = table
        self._at = np.asarray(places, np.int64)
        self._codes: dict[str, Coded] = {}

    def part(self, rows: Sequence[int]) -> ColumnFrame:
        """Some of the rows, numbered from 0."""
        return ColumnFrame(self._coded, [self._places[row] for row in rows])

    def values(self, names: Sequence[str]) -> Sequence[Key | None]:
        """See Frame: nothing."""
        del names
        return [None] * len(self)

    def suspects(self, pieces: Pieces) -> Sequence[int]:
        """See Frame."""
        found = self._coded.suspects(pieces, self._at)
        self._coded.expect([self._places[row] for row in found])
        return found

    def named(
        self, indexes: Iterable[tuple[str, Index]], charge: Charge | None
    ) -> tuple[Sequence[int], list[Sequence[Candidates]]]:
        """See Frame: each value that rows have is looked up once, and rows with none that has candidates are not looked at."""
        of_code: list[tuple[dict[int, Candidates], Coded]] = []
        any_ = np.zeros(len(self), np.bool_)
        for name, index in indexes:
            if not tells(self._coded, name, index):
                continue
            column = self._code(name)
            present = np.flatnonzero(np.bincount(column.codes, minlength=len(column.values)))
            found = index.look_up(column.values[present].tolist(), charge)
            if not any(found):
                continue
            telling = np.zeros(len(column.values), np.bool_)
            telling[present] = list(map(bool, found))
            any_ |= telling[column.codes]
            of_code.append((dict(zip(present.tolist(), found, strict=True)), column))
        rows = np.flatnonzero(any_)
        return rows.tolist(), [[of[code] for code in column.codes[rows].tolist()] for of, column in of_code]

    def column(self, name: str) -> list[Value]:
        """One field of all rows."""
        found = self._columns.get(name)
        if found is None:
            column = self._code(name)
            found = self._columns[name] = column.values[column.codes].tolist()
        return found

    def some(self, name: str, rows: Sequence[int]) -> list[Value]:
        """One field of some rows."""
        if name == KEYWORDS[0] or name in ENVELOPE:
            return super().some(name, rows)
        column = self._columns.get(name) or self.column(name)
        return [column[row] for row in rows]

    def _code(self, name: str) -> Coded:
        found = self._codes.get(name)
        if found is None:
            found = self._codes[name] = self._coded.coded(name, self._at)
        return found
