"""A sealed segment and what shall stay of it in, the segment of those rows out, which answers in its place.

A reader has one or the other: it lists the folder, where the segment of fewer rows counts. The one before is removed later, when nobody
reads it any more (soc.app.retention).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa

from soc.store.segments.building import ID_START, MESSAGE, ROWS, Group, regrouped
from soc.store.segments.files import About, Header, Segment
from soc.store.segments.folder import segment_path
from soc.store.segments.lines import Mask
from soc.store.segments.words import Bits
from soc.store.segments.writing import about_of, write_segment


class _Left:
    """Some rows as a group of their own. Implements soc.store.segments.writing.Piece."""

    def __init__(self, table: pa.Table, header: Header) -> None:
        self.shapes = header.shapes
        self._table = table
        self._types = header.types

    @cached_property
    def _group(self) -> Group:
        return regrouped(self._table, self.shapes, self._types)

    @property
    def about(self) -> About:
        """See Piece."""
        return about_of(self._group)

    @property
    def bits(self) -> Bits:
        """See Piece."""
        return self._group.words

    @property
    def names(self) -> Sequence[str]:
        """See Piece."""
        names: list[str] = self._table.column_names
        return names

    def read(self) -> pa.Table:
        """See Piece."""
        return self._table


def narrow(segment: Segment, kept: Sequence[Mask]) -> Segment:
    """The segment of the rows that are kept, a mask a group; some are, some are not. Raises: OSError, DamagedFileError."""
    tables = []
    for rows, starts, mask in zip(segment.groups(), segment.id_starts(), kept, strict=True):
        if mask.any():
            table = rows.read().append_column(ID_START, pa.array(starts))
            tables.append(table.filter(pa.array(mask)))
    whole = _plain(pa.concat_tables(tables)).sort_by("_offset")
    header = segment.header
    pieces = [
        _Left(_coded(whole.slice(at, ROWS)).sort_by([("_shape", "ascending"), ("_offset", "ascending")]), header)
        for at in range(0, whole.num_rows, ROWS)
    ]
    left = int(np.sum([mask.sum() for mask in kept]))
    narrower = Segment(
        segment_path(segment.path.parent, segment.first, segment.end, left), segment.first, segment.end, left
    )
    write_segment(narrower, pieces, header.types, header.marks)
    return narrower


def _plain(table: pa.Table) -> pa.Table:
    """With texts in place of codes: a dictionary would keep the values of rows that are dropped."""
    fields = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))


def _coded(table: pa.Table) -> pa.Table:
    """With codes again, as groups have them."""
    for number, name in enumerate(table.column_names):
        if pa.types.is_string(table.schema.field(name).type) and name != MESSAGE:
            table = table.set_column(number, name, table[name].combine_chunks().dictionary_encode())
    return table
