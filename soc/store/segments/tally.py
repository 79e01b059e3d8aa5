"""Groups in, as they are sealed; out how often each value of a field stands in all of them, and how often in each five minutes.

What a count over everything asks for: only groups at the edge of a span have to be read then. A field is counted where all its values stand
in its column, and where there are few enough of them that counts are less to read than the column.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collectors.event import ENVELOPE
from soc.store.matching import text_of
from soc.store.segments.building import MESSAGE
from soc.store.segments.files import About

STRETCH_US = 300_000_000
"""Five minutes: what is counted for each stretch of time answers for its multiples."""

FEW = 64
"""Values of a field in a group, up to which they are counted for each stretch."""

_MANY = 1_024
_DIFFERENT = 0.6
"""More values than this in a group, and more than this for each row that has one: the field is not counted at all."""

_ROWS_A_VALUE = 4
_ROWS_A_CELL = 16
"""Fewer rows than this for each value (each stretch and value): counts are not kept."""

_DENSE = 1 << 16
"""Cells of a table of counts that is filled; larger ones are sorted."""

NO_FIELD = ""
"""Under it all rows of a stretch are counted."""


class Tally:
    """The counts of one segment."""

    def __init__(self) -> None:
        self._rows = 0
        self._left_out: set[str] = set()
        self._whole = False
        self._values: dict[str, list[pa.Table]] = {}
        self._stretches: list[pa.Table] = []
        self._many: set[str] = set()

    def add(self, table: pa.Table, about: About) -> None:
        """Count one group."""
        self._rows += about.rows
        self._whole = self._whole or about.whole > 0
        self._left_out.update(about.rest)
        stretch = table["@timestamp"].cast(pa.int64()).to_numpy() // STRETCH_US
        first = int(stretch.min())
        stretch -= first
        self._stretches.append(_cells(NO_FIELD, stretch, np.zeros(about.rows, np.intp), pa.array([""]), first))
        for name in table.column_names:
            if name == MESSAGE or name in ENVELOPE or name[0] == "_" or name in self._left_out:
                continue
            column = table[name].combine_chunks()
            if pa.types.is_integer(column.type) or pa.types.is_boolean(column.type):
                column = column.dictionary_encode()
            if not pa.types.is_dictionary(column.type):
                continue
            there = np.asarray(column.is_valid())
            codes = column.indices.drop_null().to_numpy().astype(np.intp, copy=False)
            if len(column.dictionary) > max(_MANY, _DIFFERENT * len(codes)):
                self._left_out.add(name)
                continue
            values = _texts(column.dictionary)
            counts = np.bincount(codes, minlength=len(values))
            self._values.setdefault(name, []).append(pa.table({"value": values, "count": counts}))
            if len(values) <= FEW:
                self._stretches.append(_cells(name, stretch[there], codes, values, first))
            else:
                self._many.add(name)

    def values(self) -> Mapping[str, pa.Table]:
        """Field -> `value`, `count`."""
        if self._whole:
            return {}
        found = {}
        for name in self._values.keys() - self._left_out:
            summed = pa.concat_tables(self._values[name]).group_by("value", use_threads=False)
            table = summed.aggregate([("count", "sum")]).rename_columns(["value", "count"])
            if table.num_rows * _ROWS_A_VALUE <= pc.sum(table["count"]).as_py():
                found[name] = table
        return found

    def stretches(self) -> pa.Table | None:
        """`field`, `stretch` (its number since 1970), `value`, `count`; of NO_FIELD all rows. None where it is more than it saves."""
        if self._whole:
            return None
        table = pa.concat_tables(self._stretches)
        table = table.filter(pc.invert(pc.is_in(table["field"], pa.array([*self._left_out, *self._many], pa.string()))))
        summed = table.group_by(["field", "stretch", "value"], use_threads=False).aggregate([("count", "sum")])
        summed = summed.rename_columns(["field", "stretch", "value", "count"])
        cells = {each["values"]: each["counts"] for each in pc.value_counts(summed["field"]).to_pylist()}
        much = [name for name, count in cells.items() if count * _ROWS_A_CELL > self._rows and name != NO_FIELD]
        return summed.filter(pc.invert(pc.is_in(summed["field"], pa.array(much, pa.string()))))


def _texts(values: pa.Array) -> pa.Array:
    if pa.types.is_string(values.type):
        return values
    if pa.types.is_integer(values.type):
        return values.cast(pa.string())
    return pa.array([text_of(value) for value in values.to_pylist()], pa.string())


def _cells(
    name: str,
    stretch: np.ndarray[tuple[int], np.dtype[np.int64]],
    codes: np.ndarray[tuple[int], np.dtype[np.intp]],
    values: pa.Array,
    first: int,
) -> pa.Table:
    """How many rows have each stretch and value; `stretch` counts from `first`."""
    cells = stretch * len(values) + codes
    if cells.max(initial=0) < _DENSE:
        filled = np.bincount(cells)
        pairs = np.flatnonzero(filled)
        counts = filled[pairs]
    else:
        pairs, counts = np.unique(cells, return_counts=True)
    return pa.table(
        {
            "field": pa.array([name] * len(pairs), pa.string()),
            "stretch": pa.array(pairs // max(1, len(values)) + first, pa.int64()),
            "value": values.take(pa.array(pairs % max(1, len(values)))),
            "count": pa.array(counts, pa.int64()),
        }
    )
