"""A damaged file of the store and the journal in, what the file held out: built anew in memory, while the journal has its events."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from collectors.event import Event
from soc.store.segments.building import ID_START, ROWS, Group, Marks, Shape, build
from soc.store.segments.files import About, DamagedFileError, File, Header, Rows
from soc.store.segments.writing import about_of, listed_marks

Journalled = Callable[[int, int | None, Marks], list[tuple[int, Event]]]
"""Events of the journal from an offset on and below another (None: its end), given the marks before: what a file of them holds."""

_log = logging.getLogger(__name__)


class Mended:
    """`File` that answers as the one on the disk; where that is damaged, as it did before: its groups are built of the journal's events."""

    def __init__(self, file: File, journalled: Journalled, marks: Marks) -> None:
        """`marks`: of all files before this one."""
        self._file = file
        self._journalled = journalled
        self._marks = dict(marks)

    @property
    def path(self) -> Path:
        """See File."""
        return self._file.path

    @property
    def first(self) -> int:
        """See File."""
        return self._file.first

    @property
    def end(self) -> int:
        """See File."""
        return self._file.end

    @cached_property
    def header(self) -> Header:
        """See File; where it cannot be read, that of what the journal gives."""
        try:
            return self._file.header
        except DamagedFileError as error:
            self._tell(error)
        groups = [group for rows in self._chunks() if (group := build(rows, {}))]
        marks: Marks = {}
        for group in groups:
            marks |= {key: max(offset, marks.get(key, offset)) for key, offset in group.marks.items()}
        self._groups = [_InMemory(group) for group in groups]
        return Header(tuple(map(about_of, groups)), (), {}, listed_marks(marks))

    def _tell(self, error: DamagedFileError) -> None:
        _log.error(
            "a file of the event store is damaged; the journal is read in its place", extra={"error": str(error)}
        )

    @cached_property
    def _events(self) -> list[tuple[int, Event]]:
        return self._journalled(self.first, self.end, self._marks)

    def _chunks(self) -> list[list[tuple[int, Event]]]:
        return [self._events[at : at + ROWS] for at in range(0, len(self._events), ROWS)]

    @cached_property
    def _groups(self) -> Sequence[Rows]:
        return [_MendedRows(rows, self) for rows in self._file.groups()]

    def groups(self) -> Sequence[Rows]:
        """See File."""
        assert self.header is not None  # where it has to be built, the groups are
        return self._groups

    def built(self, about: About, error: DamagedFileError) -> Group | None:
        """A group as it was; None where the journal has not all of it any more."""
        self._tell(error)
        rows = [row for row in self._events if about.first <= row[0] <= about.last]
        if len(rows) != about.rows:
            _log.error("events cannot be read", extra={"path": str(self.path), "from": about.first, "to": about.last})
            return None
        return build(rows, {})

    def holding(self, text: bytes) -> int:
        """See File; every group where the filter cannot be read."""
        every = (1 << len(self.header.groups)) - 1
        try:
            return self._file.holding(text) & every
        except DamagedFileError:
            return every

    def id_starts(self) -> list[np.ndarray[Any, np.dtype[np.uint32]]]:
        """See File."""
        groups = self.groups()
        try:
            return self._file.id_starts()
        except DamagedFileError as error:
            self._tell(error)
            return [self._starts(rows) for rows in groups]

    def counted(self, field: str) -> pa.Table | None:
        """See File; None where it cannot be read."""
        try:
            return self._file.counted(field)
        except DamagedFileError as error:
            self._tell(error)
            return None

    def stretches(self) -> pa.Table | None:
        """See File; None where it cannot be read."""
        try:
            return self._file.stretches()
        except DamagedFileError as error:
            self._tell(error)
            return None

    def _starts(self, rows: Rows) -> np.ndarray[Any, np.dtype[np.uint32]]:
        from soc.store.segments.restoring import events

        return np.array([int(event.id[:8], 16) for event in events(rows, range(rows.about.rows))], np.uint32)


class _InMemory:
    """A group that stands in no file."""

    def __init__(self, group: Group) -> None:
        self.about = about_of(group)
        self.shapes = group.shapes
        self._table = group.table.drop_columns([ID_START])

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """See Rows."""
        return (
            self._table
            if columns is None
            else self._table.select([n for n in columns if n in self._table.column_names])
        )

    def texts(self, columns: Collection[str]) -> dict[str, bytes | None]:
        """See Rows."""
        return {name: None for name in columns if name in self._table.column_names}


class _MendedRows:
    """A group of a file, or what the journal gives in its place: rows stand as they did, since the same events are built alike."""

    def __init__(self, rows: Rows, file: Mended) -> None:
        self._rows = rows
        self._file = file
        self.about = rows.about

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """See Rows."""
        return self._rows.shapes

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """See Rows. Raises: DamagedFileError where the journal has it not any more."""
        try:
            return self._rows.read(columns)
        except DamagedFileError as error:
            group = self._file.built(self.about, error)
            if group is None:
                raise
            self._rows = _InMemory(group)
            return self._rows.read(columns)

    def texts(self, columns: Collection[str]) -> dict[str, bytes | None]:
        """See Rows; where they do not read as they were written, nothing tells but `read`."""
        try:
            return self._rows.texts(columns)
        except DamagedFileError:
            return dict.fromkeys(columns)
