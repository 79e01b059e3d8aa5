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
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from operator import itemgetter
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

MOST_WAITING = 65_536
"""Events that wait in memory until parts of them are written; beyond it who hands them in waits."""

PART_BYTES = 128 * 1024 * 1024
"""Raw bytes beyond which a part has fewer rows: texts of one are held together, and Arrow counts their bytes with 31 bits."""

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
        except SocError:
            self._release()
            raise

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
        if not events or writer.end <= first or self._hidden(events[0]):
            return
        writer.settle()
        if writer.pending(events[0].id):
            return
        if not self._files().held([events[0].id]):
            raise SocError(f"{self.path}: holds another event at offset {first}: it is the store of another journal")

    def _fresh(self, writer: _Writer, events: Sequence[Event], first: int) -> list[tuple[int, Event]]:
        """Those that the store does not hold, each with its offset. An event beyond all of its stream cannot be in it."""
        fresh: list[tuple[int, Event]] = []
        marks, hidden = writer.marks, self._hidden
        seen: set[str] | None = None  # made when a stream goes back
        files = None
        for offset, event in enumerate(events, first):
            position = event.position
            key, place = (event.source, position.stream), position.offset
            mark = marks.get(key)
            if mark is not None and place <= mark:
                if seen is None or files is None:
                    writer.settle()
                    seen, files = {event.id for event in events[: offset - first]}, self._files()
                if event.id in seen or writer.pending(event.id) or files.held([event.id]):
                    continue
            else:
                marks[key] = place
            if seen is not None:
                seen.add(event.id)
            if not hidden(event):
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
            if self._writer is not None and (rows := self._writer.beyond(offset, end)) is not None:
                return rows
            if end - offset > MOST_BEHIND:
                raise UnreachableError(f"{self.path}: {end - offset:,} events are not indexed yet; `soc run` does so")
            with self._reading:
                if self._tail is None or not self._tail.start <= offset <= self._tail.end:
                    self._tail = _Tail(offset, dict(marks))
                self._tail.drop(offset)
                self._read_on(self._tail, end)
                return list(self._tail.found)
        tail = _Tail(offset, dict(marks))
        self._read_on(tail, end)
        return tail.found

    def _read_on(self, tail: _Tail, end: int) -> None:
        """Read the journal up to `end`. An event beyond all of its stream was not there before; others are looked for."""
        files, marks, hidden = self._files(), tail.marks, self._hidden
        for first, events in self._journalled(tail.end, end):
            for at, event in enumerate(events, first):
                position = event.position
                key, place = (event.source, position.stream), position.offset
                mark = marks.get(key)
                if mark is None or place > mark:
                    marks[key] = place
                elif event.id in tail.ids or files.held([event.id]):
                    continue
                if not hidden(event):
                    tail.found.append((at, event))
        tail.end = max(end, tail.end)

    def _files(self) -> View:
        from soc.store.segments.view import View

        return View(self.path, lambda *_: [])

    def event(self, event_id: str) -> dict[str, Value] | None:
        """See EventStore."""
        found = self.view().events([event_id])
        return found[0].document() if found else None

    def events(self, event_ids: Sequence[str]) -> list[Event]:
        """See EventStore."""
        return self.view().events(event_ids) if event_ids else []

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


def _raw_bytes(rows: Sequence[tuple[int, Event]]) -> int:
    return sum(len(event.raw) for _, event in rows)


class _Tail:
    """What was read of the journal from `start` to `end`, kept from one look to the next. `marks`: of its streams, those before it too."""

    def __init__(self, start: int, marks: Marks) -> None:
        self.start = self.end = start
        self.marks = marks
        self.found: list[tuple[int, Event]] = []
        self._ids: set[str] = set()
        self._counted = 0

    @property
    def ids(self) -> set[str]:
        """Of what was found; made when it is asked for: sources are read forward."""
        self._ids.update(event.id for _, event in self.found[self._counted :])
        self._counted = len(self.found)
        return self._ids

    def drop(self, offset: int) -> None:
        """What stands below this offset: it is in files by now."""
        if offset > self.start:
            del self.found[: bisect_left(self.found, offset, key=itemgetter(0))]
            self.start, self._ids, self._counted = offset, set(), 0


class _Writer:
    """The one process that writes parts and seals them. `end`: offset behind what it took; `flushed`: behind what stands in files.

    Parts are built and segments sealed in threads of their own, so that who hands in events does not wait for either.
    """

    def __init__(self, path: Path) -> None:
        """Raises: UnreachableError where another process writes, OSError."""
        from soc.store.segments.files import Part
        from soc.store.segments.folder import listed
        from soc.store.segments.sealer import Sealer
        from soc.store.segments.view import View

        self._path = path
        self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise UnreachableError(f"{path}: another process indexes into it") from error
        files = listed(path)
        for left in set(path.glob("part-*")) - {file.path for file in files}:
            left.unlink()  # sealed, or never whole
        self._parts = [file for file in files if isinstance(file, Part)]
        self._types: Types = dict(files[-1].header.types) if files else {}
        self.marks: Marks = View(path, lambda *_: []).marks
        self._flushed = self.end = files[-1].end if files else 0
        self._rows: list[tuple[int, Event]] = []
        self._bytes = 0
        self._ids: set[str] = set()
        self._ids_to = 0
        self._state = threading.Condition()
        self._busy = False
        self._failure: Exception | None = None
        self._pool = ThreadPoolExecutor(1, "part")
        self._sealer = Sealer(path)

    def pending(self, event_id: str) -> bool:
        """Whether the event waits for a part; once settled."""
        if self._ids_to != self.end:  # made when it is asked for: sources are read forward
            self._ids, self._ids_to = {event.id for _, event in self._rows}, self.end
        return event_id in self._ids

    def beyond(self, offset: int, end: int) -> list[tuple[int, Event]] | None:
        """What it took from `offset` on, where that is what it did not write and all below `end` is in it; else None."""
        with self._state:
            return list(self._rows) if self._flushed == offset and self.end >= end else None

    def add(self, rows: list[tuple[int, Event]], end: int) -> None:
        """Take rows; parts and segments are written as they fill. Raises: OSError, also of what was taken before."""
        with self._state:
            self._rows += rows
            self._bytes += _raw_bytes(rows)
            self.end = end
            self._state.wait_for(lambda: not self._busy or not self._many())
            begin = not self._busy and self._failure is None and self._due()
            self._busy = self._busy or begin
        if begin:
            self._pool.submit(self._flush_all)
        self._check()

    def _many(self) -> bool:
        return len(self._rows) > MOST_WAITING or self._bytes > 4 * PART_BYTES

    def settle(self) -> None:
        """Wait until nothing is being written into parts. Raises: OSError."""
        with self._state:
            self._state.wait_for(lambda: not self._busy)
        self._check()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _flush_all(self) -> None:
        """Write parts until too few rows are left for one."""
        while True:
            try:
                self._flush()
            except Exception as error:  # of a thread: who hands in the next rows hears of it
                self._failure = error
            with self._state:
                if self._failure is not None or not self._due():
                    self._busy = False
                    self._state.notify_all()
                    return

    def _due(self) -> bool:
        from soc.store.segments.building import ROWS

        rows = self._rows
        full = len(rows) >= ROWS or self._bytes > PART_BYTES
        return full or (bool(rows) and rows[0][1].ingested.date() != rows[-1][1].ingested.date())

    def _flush(self) -> None:
        """Write a part of the oldest rows of one day, and seal where it fills a segment or ends a day."""
        from soc.store.segments.building import ROWS, build
        from soc.store.segments.writing import GROUPS, write_part

        rows = self._rows[:ROWS]
        day = rows[0][1].ingested.date()
        held = accumulate(len(event.raw) for _, event in rows)
        ends = (
            at
            for at, ((_, event), size) in enumerate(zip(rows, held, strict=True))
            if event.ingested.date() != day or (at and size > PART_BYTES)
        )
        rows = rows[: next(ends, len(rows))]
        self._parts.append(write_part(self._path, build(rows, self._types), self._flushed, self._types))
        with self._state:
            self._flushed = rows[-1][0] + 1
            self._rows = self._rows[len(rows) :]
            self._bytes -= _raw_bytes(rows)
            self._state.notify_all()
        over = bool(self._rows) and self._rows[0][1].ingested.date() != day
        while len(self._parts) >= GROUPS or (over and self._parts):
            self._sealer.seal(self._parts[:GROUPS])
            del self._parts[:GROUPS]

    def close(self) -> None:
        """Let another process write, once what was begun is written; what failed is left to that process."""
        self._pool.shutdown()
        self._sealer.close()
        os.close(self._lock)
