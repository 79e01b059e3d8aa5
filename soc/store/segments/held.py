"""A group in, the same group out with each of its columns read once."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from soc.store.segments.building import Shape
from soc.store.segments.files import About, Rows


class Held:
    """A group of which each column is read once. Implements `Rows`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._arrays: dict[str, pa.Array | None] = {}
        self._shapes: tuple[Shape, ...] | None = None

    @property
    def about(self) -> About:
        """See Rows."""
        return self._rows.about

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """See Rows: as they were when `_shape` was read, for what is read later may come of the journal."""
        return self._rows.shapes if self._shapes is None else self._shapes

    def load(self, columns: Sequence[str]) -> None:
        """Read these columns, together."""
        missing = [name for name in columns if name not in self._arrays]
        if missing:
            table = self._rows.read(missing)
            if "_shape" in missing:
                self._shapes = self._rows.shapes
            self._arrays.update(dict.fromkeys(missing))
            self._arrays.update(zip(table.column_names, map(_array, table.columns), strict=True))

    def array(self, column: str) -> pa.Array | None:
        """A column that was loaded; None where the group has it not."""
        return self._arrays.get(column)

    def apart(self, columns: Sequence[str]) -> dict[str, pa.Array]:
        """Columns that are not held, as far as the group has them."""
        table = self._rows.read(columns)
        return dict(zip(table.column_names, map(_array, table.columns), strict=True))

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """See Rows."""
        if columns is None:
            return self._rows.read()
        self.load(columns)
        return pa.table({name: array for name in columns if (array := self._arrays[name]) is not None})

    def texts(self, columns: Collection[str]) -> dict[str, bytes | None]:
        """See Rows; of columns that were loaded they need not be read again."""
        held = {name: _texts_in(array) for name in columns if (array := self._arrays.get(name)) is not None}
        return {**held, **self._rows.texts([name for name in columns if name not in self._arrays])}


def _array(column: pa.ChunkedArray) -> pa.Array:
    """A column of one group, in one piece."""
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def codes_of(array: pa.DictionaryArray) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Which value of its dictionary each row holds, and whether it holds one; by Arrow's functions it takes thrice as long."""
    valid, codes = array.indices.buffers()
    start, end = array.offset, array.offset + len(array)
    there = b"\xff" * (-(-end // 8)) if valid is None else valid
    bits = np.unpackbits(np.frombuffer(there, np.uint8), bitorder="little")[start:end]
    return np.frombuffer(codes, np.int32)[start:end], bits


def _texts_in(array: pa.Array) -> bytes:
    """All texts of a column."""
    texts = array.dictionary if pa.types.is_dictionary(array.type) else array
    texts = texts.values if pa.types.is_list(texts.type) else texts
    data = texts.buffers()[-1] if pa.types.is_string(texts.type) else None
    return b"" if data is None else data.to_pybytes()
