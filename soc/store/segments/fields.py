"""Values of events in, kind by kind of event; a column a field out, and beside them the values that fit into none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from collectors.event import Value

TYPES = {str: "text", int: "number", float: "decimal", bool: "flag", list: "texts"}
ARROW = {
    "text": pa.dictionary(pa.int32(), pa.string()),
    "number": pa.int64(),
    "decimal": pa.float64(),
    "flag": pa.bool_(),
    "texts": pa.list_(pa.string()),
}
_PYTHON = {name: kind for kind, name in TYPES.items()}

MOST_FIELDS = 2_000
"""Remembered of a store, columns of a group; what a hostile sender invents beyond stays in `_rest`."""


class Fields:
    """The columns of fields as they fill, shape by shape.

    `types` learns the types of fields that are new; `own`: fields that get a column. `rest`: of a row, the values that stand in none.
    `conflicts`: how many of these are not of their field's type.
    """

    def __init__(self, types: dict[str, str], own: Collection[str]) -> None:
        self._types = types
        self._own = own
        self._columns: dict[str, _Column] = {}
        self._rows = 0
        self.rest: dict[int, dict[str, Value]] = {}
        self.conflicts = 0

    def add(self, shape: Sequence[str], gathered: Sequence[Value], count: int) -> None:
        """Append the values of so many events, one after the other, that all have the fields of this shape."""
        rows = range(self._rows, self._rows + count)
        self._rows = rows.stop
        for number, name in enumerate(shape):
            values = gathered[number :: len(shape)]
            column = self._column(name, values[0])
            if column is None:
                self._leave(name, zip(rows, values, strict=True))
            else:
                column.values += values
                column.rows.append(rows)

    def _column(self, name: str, value: Value) -> _Column | None:
        """What takes the values of a field, of which this is one; None where they have no column."""
        if name not in self._own:
            return None
        if name not in self._types:
            kind = TYPES.get(type(value))
            if kind is None or len(self._types) >= MOST_FIELDS:
                return None
            self._types[name] = kind
        found = self._columns.get(name)
        if found is None:
            found = self._columns[name] = _Column(self._types[name])
        return found

    def _leave(self, name: str, values: Iterable[tuple[int, Value]]) -> None:
        for row, value in values:
            self.rest.setdefault(row, {})[name] = value

    def values(self, name: str) -> list[Value]:
        """What the column of a field has of each event, whether it fits or not; None where it has nothing."""
        found: list[Value] = [None] * self._rows
        if column := self._columns.get(name):
            at = 0
            for rows in column.rows:
                found[rows.start : rows.stop] = column.values[at : at + len(rows)]
                at += len(rows)
        return found

    def columns(self, rows: int, plain: str) -> dict[str, pa.Array]:
        """An array a field of so many rows, null where one has it not. Texts are coded, but those of the field `plain`."""
        made = {}
        for name, column in self._columns.items():
            array, odd = column.array(rows, coded=name != plain)
            made[name] = array
            self.conflicts += sum(value is not None for _, value in odd)
            self._leave(name, odd)
        return made


class _Column:
    """One field as it fills: values, and the rows that have them."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.values: list[Value] = []
        self.rows: list[range] = []

    def array(self, rows: int, *, coded: bool) -> tuple[pa.Array, list[tuple[int, Value]]]:
        """The values in their rows, and those with their rows that do not fit."""
        values, odd = self.values, list[tuple[int, Value]]()
        places = np.concatenate([np.arange(some.start, some.stop) for some in self.rows])
        try:
            array = _array(self._kind, values)
        except (TypeError, OverflowError):
            fits = [_fits(_PYTHON[self._kind], value) for value in values]
            odd = [(int(row), value) for row, value, fit in zip(places, values, fits, strict=True) if not fit]
            array = _array(self._kind, [value for value, fit in zip(values, fits, strict=True) if fit])
            places = places[fits]
        if coded and self._kind == "text":
            array = array.dictionary_encode()
        if len(places) < rows:
            taken, absent = np.zeros(rows, np.int64), np.ones(rows, np.bool_)
            taken[places] = np.arange(len(places))
            absent[places] = False
            array = array.take(pa.array(taken, mask=absent))
        return array, odd


def _array(kind: str, values: Sequence[Any]) -> pa.Array:
    """Raises: TypeError, OverflowError where not all fit."""
    if kind == "text":
        return texts(values)
    fit = all(map(partial(_fits, list), values)) if kind == "texts" else {*map(type, values)} <= {_PYTHON[kind]}
    if not fit:
        raise TypeError
    if kind == "number":
        return pa.array(np.fromiter(values, np.int64, len(values)))
    return pa.array(values, ARROW[kind])


def texts(values: Sequence[str]) -> pa.StringArray:
    """Texts as Arrow has them, which makes them of each in twice the time. Raises: TypeError where one is none."""
    data = "\0".join(values).encode()
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 0)
    if len(ends) != len(values) - 1 or len(data) >> 31:  # one has NUL itself; or there is none, or too much
        return pa.array(values, pa.string())
    starts = np.zeros(len(values) + 1, np.int32)
    starts[1:-1] = ends - np.arange(len(ends))
    starts[-1] = len(data) - len(ends)
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(starts), pa.py_buffer(data.translate(None, b"\0")))


def _fits(kind: type, value: Value) -> bool:
    """Whether a column of a type takes a value as it is."""
    if type(value) is not kind:
        return False
    if isinstance(value, list):
        return all(type(each) is str for each in value)
    return not isinstance(value, int) or -(1 << 63) <= value < 1 << 63
