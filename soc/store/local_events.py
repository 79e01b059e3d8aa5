"""Events in, documents out: the local `EventStore`, whose newest events stand in the journal and all others in columnar files beside it.

    journal (frames)  ──index──▶  part: 8,192 rows  ──32 of them, or a day──▶  segment: Parquet and its index of words and ids

The journal is the write-ahead log: what is not yet in a part is searched there, and after a crash the next writer builds it anew.
Readers, in any process, list the folder and take no lock.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from collectors.errors import DamagedFrameError
from collectors.event import Event, Value
from collectors.journal import JournalReader
from soc.errors import SocError, UnreachableError
from soc.store import EventQuery, Indexed
from soc.store.language import All, Equals, Exists, Not, Query
from soc.store.matching import holds as equal
from soc.store.matching import text_of

if TYPE_CHECKING:
    from soc.store.segments.building import Marks, Types
    from soc.store.segments.view import Asked, View

_READ = 2_000
"""Events of the journal that are read in one go."""

MOST_BEHIND = 1_000_000
"""Events that a search reads from the journal, which takes some seconds; a store that is further behind says so."""

_log = logging.getLogger(__name__)


def nothing(_: Event) -> bool:
    """Hides no event."""
    return False


class LocalEventStore:
    """`EventStore` of the folder `path`, made when absent. `hidden`: events of the journal that are nothing to search for."""

    def __init__(self, path: Path, journal: JournalReader, hidden: Callable[[Event], bool] = nothing) -> None:
        """Raises: UnreachableError where the folder cannot be made."""
        try:
            path.mkdir(exist_ok=True)
        except OSError as error:
            raise UnreachableError(f"{path}: {error.strerror}") from error
        self.path = path
        self._journal = journal
        self._hidden = hidden
        self._writer: _Writer | None = None
        self._tail: _Tail | None = None
        self._reading = threading.Lock()

    def index(self, events: Sequence[Event], first_offset: int) -> Indexed:
        """See EventStore. Raises: UnreachableError also where another process indexes."""
        try:
            if self._writer is None:
                self._writer = _Writer(self.path)
            return self._index(self._writer, events, first_offset)
        except OSError as error:
            self._release()  # what it held is in the journal
            raise UnreachableError(f"{self.path}: {error.strerror}") from error

    def _index(self, writer: _Writer, events: Sequence[Event], first: int) -> Indexed:
        self._check(writer, events, first)
        for start, missed in self._journalled(writer.end, first):
            writer.add(self._fresh(writer, missed, start), start + len(missed))
        seen = max(0, writer.end - first)
        fresh = self._fresh(writer, events[seen:], first + seen)
        if first + len(events) > writer.end:
            writer.add(fresh, first + len(events))
        return Indexed(len(fresh), len(events) - len(fresh))

    def _check(self, writer: _Writer, events: Sequence[Event], first: int) -> None:
        """Raises: SocError where the store holds other events than the journal."""
        if not events or writer.end <= first or self._hidden(events[0]) or writer.pending(events[0].id):
            return
        if not self._files().held([events[0].id]):
            raise SocError(f"{self.path}: holds another event at offset {first}: it is the store of another journal")

    def _fresh(self, writer: _Writer, events: Sequence[Event], first: int) -> list[tuple[int, Event]]:
        """Those that the store does not hold, each with its offset. An event beyond all of its stream cannot be in it."""
        fresh: list[tuple[int, Event]] = []
        marks = writer.marks
        new: set[str] = set()
        files = self._files()
        for offset, event in enumerate(events, first):
            key, place = (event.source, event.position.stream), event.position.offset
            mark = marks.get(key)
            if mark is not None and place <= mark:
                if event.id in new or writer.pending(event.id) or files.held([event.id]):
                    continue
            else:
                marks[key] = place
            new.add(event.id)
            if not self._hidden(event):
                fresh.append((offset, event))
        return fresh

    def _journalled(self, offset: int, end: int) -> Iterator[tuple[int, list[Event]]]:
        """What the journal holds from `offset` to `end`; what is damaged there is passed over, and told."""
        offset = max(offset, self._journal.start())
        while offset < end:
            try:
                events, following = self._journal.read(offset, min(_READ, end - offset))
            except DamagedFrameError as error:
                _log.exception("events cannot be read", extra={"path": error.path, "offset": error.offset})
                offset = error.next_offset
                continue
            if following == offset:
                return
            yield offset, events
            offset = following

    def view(self) -> View:
        """What can be searched now: files as they stand, and what the journal holds beyond them."""
        from soc.store.segments.view import View

        return View(self.path, self._held_by_journal)

    def _held_by_journal(self, offset: int, end: int | None, marks: Marks) -> list[tuple[int, Event]]:
        """Events of the journal from `offset` on and below `end` (None: its own) that are not hidden, and of those before not one again."""
        if end is None:
            end = self._journal.end()
            if self._writer is not None and self._writer.end >= end and offset == self._writer.flushed:
                return list(self._writer.rows)
            if end - offset > MOST_BEHIND:
                raise UnreachableError(f"{self.path}: {end - offset:,} events are not indexed yet; `soc run` does so")
            with self._reading:
                if self._tail is None or self._tail.start != offset:
                    self._tail = _Tail(offset, dict(marks))
                self._read_on(self._tail, end)
                return list(self._tail.found)
        tail = _Tail(offset, dict(marks))
        self._read_on(tail, end)
        return tail.found

    def _read_on(self, tail: _Tail, end: int) -> None:
        """Read the journal up to `end`. An event beyond all of its stream was not there before; others are looked for."""
        files = self._files()
        for first, events in self._journalled(tail.end, end):
            for at, event in enumerate(events, first):
                key, place = (event.source, event.position.stream), event.position.offset
                if place <= tail.marks.get(key, place - 1):
                    if event.id in tail.ids or files.held([event.id]):
                        continue
                else:
                    tail.marks[key] = place
                tail.ids.add(event.id)
                if not self._hidden(event):
                    tail.found.append((at, event))
        tail.end = max(end, tail.end)

    def _files(self) -> View:
        from soc.store.segments.view import View

        return View(self.path, lambda *_: [])

    def event(self, event_id: str) -> dict[str, Value] | None:
        """See EventStore."""
        found = self.view().events([event_id])
        return found[0].document() if found else None

    def held(self, event_ids: Sequence[str]) -> set[str]:
        """See EventStore."""
        return self.view().held(event_ids)

    def search(self, query: EventQuery) -> list[dict[str, Value]]:
        """See EventStore."""
        if query.limit < 1:
            return []
        same = equal(query.equals)
        found: list[dict[str, Value]] = []
        for document in self.view().documents(_asked(query)):
            if same(document):
                found.append(document)
                if len(found) == query.limit:
                    break
        return found

    def count(self) -> int:
        """See EventStore. Of a store that is far behind the journal, what is indexed."""
        view = self._files()
        behind = self._journal.end() - view.end
        return view.count() if behind > MOST_BEHIND else self.view().count()

    def close(self) -> None:
        """See EventStore."""
        self._release()

    def _release(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _asked(query: EventQuery) -> Asked:
    """A search that finds at least what the query does."""
    from soc.store.segments.view import Asked

    found: list[Query] = []
    for field, wanted in query.equals.items():
        if wanted is None:
            found.append(Not(Exists(field)))
        elif isinstance(wanted, list):
            found += [Equals(field, (text_of(each),)) for each in wanted]
        else:
            found.append(Equals(field, (text_of(wanted),)))
    return Asked(All(tuple(found)), query.since, query.until)


class _Tail:
    """What was read of the journal from `start` to `end`, kept from one look to the next. `marks`: of its streams, those before it too."""

    def __init__(self, start: int, marks: Marks) -> None:
        self.start = self.end = start
        self.marks = marks
        self.ids: set[str] = set()
        self.found: list[tuple[int, Event]] = []


class _Writer:
    """The one process that writes parts and seals them. `end`: offset behind what it took; `flushed`: behind what stands in files."""

    def __init__(self, path: Path) -> None:
        """Raises: UnreachableError where another process writes, OSError."""
        from soc.store.segments.files import Part, listed
        from soc.store.segments.view import View

        self._path = path
        self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise UnreachableError(f"{path}: another process indexes into it") from error
        files = listed(path)
        for left in set(path.glob("part-*")) - {file.path for file in files}:
            left.unlink()  # sealed, or never whole
        self._parts = [file for file in files if isinstance(file, Part)]
        self.types: Types = dict(files[-1].header.types) if files else {}
        self.marks: Marks = View(path, lambda *_: []).marks
        self.flushed = self.end = files[-1].end if files else 0
        self.rows: list[tuple[int, Event]] = []
        self._ids: set[str] = set()

    def pending(self, event_id: str) -> bool:
        """Whether the event waits for a part."""
        return event_id in self._ids

    def add(self, rows: list[tuple[int, Event]], end: int) -> None:
        """Take rows; parts and segments are written as they fill. Raises: OSError."""
        from soc.store.segments.building import ROWS

        self.rows += rows
        self._ids.update(event.id for _, event in rows)
        self.end = end
        while len(self.rows) >= ROWS or (self.rows and self._another_day()):
            self._flush(ROWS)

    def _another_day(self) -> bool:
        return self.rows[0][1].ingested.date() != self.rows[-1][1].ingested.date()

    def _flush(self, most: int) -> None:
        """Write a part of the oldest rows of one day, and seal where it fills a segment or ends a day."""
        from soc.store.segments.building import build
        from soc.store.segments.writing import GROUPS, seal, write_part

        day = self.rows[0][1].ingested.date()
        count = next((at for at, (_, event) in enumerate(self.rows[:most]) if event.ingested.date() != day), most)
        rows = self.rows[:count]
        self._parts.append(write_part(self._path, build(rows, self.types), self.flushed, self.types))
        self.flushed = rows[-1][0] + 1
        self.rows = self.rows[len(rows) :]
        self._ids = {event.id for _, event in self.rows}
        if len(self._parts) == GROUPS or (self.rows and self.rows[0][1].ingested.date() != day):
            seal(self._path, self._parts)
            self._parts = []

    def close(self) -> None:
        """Let another process write."""
        os.close(self._lock)
