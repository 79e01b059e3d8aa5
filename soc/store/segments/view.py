"""The store's files and the journal's tail in, answers out: what `soc search` and the `EventStore` ask.

A view is one state of the folder.
"""

from __future__ import annotations

import heapq
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from itertools import compress, islice
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from collectors.event import ENVELOPE, Event, Value
from soc.store.columns import micros
from soc.store.language import Query
from soc.store.segments.building import MESSAGE, Marks
from soc.store.segments.files import About, DamagedFileError, File, Rows
from soc.store.segments.folder import listed
from soc.store.segments.lines import Mask
from soc.store.segments.looking import Look, Seen
from soc.store.segments.mending import Journalled, Mended
from soc.store.segments.restoring import events as restored
from soc.store.segments.unfiled import meeting

_FIRST = 128
"""Documents that are restored in one go at first; each further go takes twice as many."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A search: `since` (inclusive) and `until` (exclusive) are when events happened; `zone` is that of times in the query without one."""

    query: Query
    since: datetime | None = None
    until: datetime | None = None
    zone: tzinfo = UTC

    @property
    def bounded(self) -> bool:
        """Whether not every time is meant."""
        return self.since is not None or self.until is not None

    @property
    def low(self) -> int | None:
        """`since` in microseconds."""
        return None if self.since is None else micros(self.since)

    @property
    def high(self) -> int | None:
        """`until` in microseconds."""
        return None if self.until is None else micros(self.until)

    def means(self, time: datetime) -> bool:
        """Whether a time is meant."""
        return (self.since is None or time >= self.since) and (self.until is None or time < self.until)

    def within(self, time_us: int) -> bool:
        """As `means`, of a time in microseconds."""
        return (self.low is None or time_us >= self.low) and (self.high is None or time_us < self.high)

    def overlaps(self, about: About) -> bool:
        """Whether a group may have rows of times that are meant."""
        return (self.low is None or about.until_us >= self.low) and (self.high is None or about.since_us < self.high)

    def cuts(self, about: About) -> bool:
        """Whether a group may have rows of times that are not meant."""
        return not (self.within(about.since_us) and self.within(about.until_us))


Waiting = tuple[int, int, int, int]
"""What meets a search, in the order of a heap: minus its time, minus its offset, the number of its group (-1: the tail), its row."""


class View:
    """See the module."""

    def __init__(self, folder: Path, journalled: Journalled) -> None:
        self._folder = folder
        self._journalled = journalled

    @cached_property
    def files(self) -> Sequence[File]:
        """Parts and segments, in the order of the journal."""
        while True:
            try:
                return list(self._opened())
            except FileNotFoundError:  # a part was sealed since the folder was listed
                continue

    def _opened(self) -> Iterator[File]:
        marks: Marks = {}
        for file in listed(self._folder):
            mended = Mended(file, self._journalled, marks)
            for source, stream, offset in mended.header.marks:
                marks[source, stream] = max(offset, marks.get((source, stream), offset))
            yield mended

    @property
    def end(self) -> int:
        """The offset behind what stands in files."""
        return self.files[-1].end if self.files else 0

    @cached_property
    def marks(self) -> Marks:
        """Of each source and stream, the highest offset in it."""
        found: Marks = {}
        for file in self.files:
            for source, stream, offset in file.header.marks:
                found[source, stream] = max(offset, found.get((source, stream), offset))
        return found

    @cached_property
    def tail(self) -> list[tuple[int, Event]]:
        """Events that stand in the journal alone."""
        return self._journalled(self.end, None, self.marks)

    def count(self) -> int:
        """How many events there are."""
        return sum(about.rows for file in self.files for about in file.header.groups) + len(self.tail)

    def held(self, event_ids: Sequence[str]) -> set[str]:
        """Those of these ids that are there."""
        return {event.id for event in self.events(event_ids)}

    def events(self, event_ids: Sequence[str]) -> list[Event]:
        """The events of these ids, as far as they are there; in no order."""
        wanted = {each for each in event_ids if len(each) == 32 and set(each) <= set("0123456789abcdef")}
        if not wanted:
            return []
        starts = np.unique(np.array([int(each[:8], 16) for each in wanted], np.uint32))
        found = {event.id: event for _, event in self.tail if event.id in wanted}
        for file in reversed(self.files):
            if len(found) == len(wanted):
                break
            for rows, ids in zip(file.groups(), file.id_starts(), strict=True):
                places = np.flatnonzero(np.isin(ids, starts) if len(starts) > 1 else ids == starts[0])
                for event in _restored(rows, places.tolist()):
                    if event.id in wanted:
                        found.setdefault(event.id, event)
        return list(found.values())

    def below(self, offset: int) -> Iterator[list[tuple[int, Event]]]:
        """What stands in files of below an offset, each event with its own, in the order of the journal, a group at a time.

        Raises: DamagedFileError.
        """
        for file in self.files:
            for rows in file.groups() if file.first < offset else ():
                offsets = rows.read(["_offset"])["_offset"].to_numpy()
                places = np.argsort(offsets)
                places = places[offsets[places] < offset]
                yield list(zip(offsets[places].tolist(), restored(rows, places.tolist()), strict=True))

    def documents(
        self, asked: Asked, fields: Sequence[str] = (), limit: int = sys.maxsize
    ) -> Iterator[dict[str, Value]]:
        """Documents of what meets a search, newest first; of the same microsecond, the later in the journal first.

        `fields`: only these of them, which costs less: a document is put together of all its columns. With `message` comes `event.original`
        where there is none. `limit`: at most so many, and no more are looked for.
        """
        kept: dict[int, _Kept] = {}
        places = self._places(asked, kept)
        size = _FIRST
        while chunk := list(islice(places, min(size, limit))):
            by_group: dict[int, list[Waiting]] = {}
            for place in chunk:
                by_group.setdefault(place[2], []).append(place)
            found: dict[int, dict[str, Value]] = {}
            for number, members in by_group.items():
                some = self._documents(number, [row for *_, row in members], fields, kept.get(number))
                found.update(zip([place[1] for place in members], some, strict=bool(some)))
            yield from (found[offset] for _, offset, _, _ in chunk if offset in found)
            limit -= len(found)
            size *= 2

    def _documents(
        self, number: int, places: Sequence[int], fields: Sequence[str], kept: _Kept | None
    ) -> list[dict[str, Value]]:
        if number >= 0 and fields and (some := _columns_of(self._groups[number], places, fields, kept)) is not None:
            return some
        events = [self.tail[at][1] for at in places] if number < 0 else _restored(self._groups[number], places)
        documents = [event.document() for event in events]
        return [_some_of(each, fields) for each in documents] if fields else documents

    @cached_property
    def _groups(self) -> list[Rows]:
        return [rows for file in self.files for rows in file.groups()]

    def _places(self, asked: Asked, kept: dict[int, _Kept]) -> Iterator[Waiting]:
        look = Look(asked.query, asked.zone)
        waiting = [(-micros(event.time), -offset, -1, row) for row, offset, event in self.unfiled(asked)]
        heapq.heapify(waiting)
        for number in self._numbers(look, asked):
            rows = self._groups[number]
            while waiting and -waiting[0][0] > rows.about.until_us:
                yield heapq.heappop(waiting)
            for each in _met(look, rows, number, asked, kept):
                heapq.heappush(waiting, each)
        while waiting:
            yield heapq.heappop(waiting)

    def unfiled(self, asked: Asked) -> list[tuple[int, int, Event]]:
        """Of the tail, what meets a search: its place there, its offset in the journal, the event."""
        rows = [(row, *each) for row, each in enumerate(self.tail)]
        if asked.bounded:
            rows = [each for each in rows if asked.means(each[2].time)]
        met = meeting(Look(asked.query, asked.zone), [event for *_, event in rows])
        return list(compress(rows, met.tolist()))

    def candidates(self, look: Look, asked: Asked) -> list[Rows]:
        """The groups that may hold something, those whose newest event is the newest first."""
        return [self._groups[number] for number in self._numbers(look, asked)]

    def _numbers(self, look: Look, asked: Asked) -> list[int]:
        found = []
        number = 0
        for file in self.files:
            possible = look.groups(file)
            for at, about in enumerate(file.header.groups):
                if possible >> at & 1 and asked.overlaps(about):
                    found.append((-about.until_us, number + at))
            number += len(file.header.groups)
        return [number for _, number in sorted(found)]


def _restored(rows: Rows, places: Sequence[int]) -> list[Event]:
    """As restoring.events; nothing of what cannot be read, which is told where it was found."""
    try:
        return restored(rows, places)
    except DamagedFileError:
        return []


def _some_of(document: dict[str, Value], fields: Sequence[str]) -> dict[str, Value]:
    instead = ["event.original"] if MESSAGE in fields and document.get(MESSAGE) is None else []
    return {name: document[name] for name in (*fields, *instead) if name in document}


def _columns_of(
    rows: Rows, places: Sequence[int], fields: Sequence[str], kept: _Kept | None
) -> list[dict[str, Value]] | None:
    """These fields of these rows; None where a field is no column, or some row has it beside them. `kept`: what need not be read again."""
    about = rows.about
    plain = [name for name in fields if name != "@timestamp"]
    if about.whole or any(name in about.rest or name in ENVELOPE for name in plain):
        return None
    try:
        table = kept.rows(places) if kept is not None else pa.table({})
        if missing := [name for name in ("@timestamp", *plain) if name not in table.column_names]:
            read = rows.read(missing).take(pa.array(places, pa.int64()))
            table = pa.table({**_by_name(table), **_by_name(read)})
    except DamagedFileError:
        return []
    if MESSAGE in fields and (MESSAGE not in table.column_names or table[MESSAGE].null_count):
        return None
    columns = {name: table[name].to_pylist() for name in fields if name in table.column_names}
    if "@timestamp" in columns:
        columns["@timestamp"] = [
            f"{time.replace(tzinfo=None).isoformat(timespec='microseconds')}Z" for time in columns["@timestamp"]
        ]
    return [
        {name: values[at] for name, values in columns.items() if values[at] is not None} for at in range(len(places))
    ]


def _by_name(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    return dict(zip(table.column_names, table.columns, strict=True))


_MOST_KEPT = 64


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was read of the few rows of a group that met a search. `at`: which, ascending."""

    at: NDArray[np.intp]
    table: pa.Table

    def rows(self, places: Sequence[int]) -> pa.Table:
        """Some of them."""
        return self.table.take(pa.array(np.searchsorted(self.at, places)))


def _met(look: Look, rows: Rows, number: int, asked: Asked, kept: dict[int, _Kept]) -> Iterator[Waiting]:
    try:
        seen = Seen(rows, dict.fromkeys([*look.columns, "@timestamp", "_offset"]))  # one read costs less than two
        mask = look.mask(seen)
        if not mask.any():
            return
    except DamagedFileError:  # told where it was found
        return
    if asked.cuts(rows.about):
        mask = within(mask, seen.times, asked)
    at = np.flatnonzero(mask)
    if len(at) <= _MOST_KEPT:
        kept[number] = _Kept(at, seen.taken(at))
    times, offsets = -seen.times[at], -seen.offsets[at]
    yield from zip(times.tolist(), offsets.tolist(), [number] * len(at), at.tolist(), strict=True)


def within(mask: Mask, times: np.ndarray[tuple[int], np.dtype[np.int64]], asked: Asked) -> Mask:
    """The mask without the rows of other times."""
    if asked.low is not None:
        mask = mask & (times >= asked.low)
    if asked.high is not None:
        mask = mask & (times < asked.high)
    return mask
