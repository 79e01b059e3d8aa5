"""Batches in, one frame each, durable before `append` returns: `LocalJournal`, the one writer of a directory of segments.

    journal/00000000000000000000.seg …    frames, see collectors.journal.frame
    journal/consumers/NAME                the committed offset, a decimal number
    journal/lock                          held by the writer (flock)
    journal/*.torn                        what recovery cut off the end of a segment: never acknowledged, kept for a person to see

Opening after a crash finds the exact prefix that was written whole. A full disk raises and rolls back to the last whole frame, and the
same call works once there is space again.
"""

from __future__ import annotations

import logging
import os
import threading
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from collectors.errors import JournalError
from collectors.event import Event
from collectors.journal import JournalConfig, frame
from collectors.journal.consumers import Offset
from collectors.journal.durable import ASIDE, make_directory, sync_directory, write_durably
from collectors.journal.frame import MAGIC, SALT_BYTES, SEGMENT_HEADER_BYTES
from collectors.journal.lock import hold
from collectors.journal.packing import pack
from collectors.journal.reader import LocalReader, apply
from collectors.journal.segment import Segment, name_of
from collectors.record import DeadLetter, Mark

log = logging.getLogger(__name__)

_RECENT_BYTES = 16 * 1024 * 1024
"""Of frames whose events stay in memory: some ten thousand, which consumers that keep up share and need not decode."""


class _Recent(NamedTuple):
    """The events of a frame that was written, from offset `first` on."""

    first: int
    events: Sequence[Event]
    frame_bytes: int


class LocalJournal(LocalReader):
    """Reads and writes; see `collectors.journal.Journal` for what each method promises."""

    def __init__(self, config: JournalConfig) -> None:
        try:
            make_directory(config.path)
            self._lock = hold(config.path)
        except OSError as error:
            raise JournalError(f"{config.path}: {error.strerror}") from error
        super().__init__(config.path)
        self._segment_bytes = config.segment_bytes
        self._writing = threading.Lock()
        self._buffer = bytearray()
        self._fd = -1
        self._torn = False
        self._marks: dict[str, Mark] = {}
        self._committing = threading.Lock()
        self._offsets: dict[str, Offset] = {}
        self._recent: list[_Recent] = []
        self._recent_bytes = 0
        try:
            self._recover()
        except OSError as error:
            self.close()
            raise JournalError(f"{config.path}: {error.strerror}") from error
        except JournalError:
            self.close()
            raise

    def append(self, events: Sequence[Event], marks: Mapping[str, Mark | None], dead: Sequence[DeadLetter]) -> int:
        """Write one transaction; returns the next offset once it is durable."""
        with self._writing:
            events, dead = pack(self._buffer, events, marks, dead)
            return self._append(self._buffer, len(events), len(dead), marks, tuple(events))

    def append_packed(self, content: bytes, events: int, dead: int, marks: Mapping[str, Mark | None]) -> int:
        """As `append`, of a transaction that another process packed (`packing.pack`): so many events and dead letters, and these marks."""
        with self._writing:
            return self._append(content, events, dead, marks, None)

    def _append(
        self,
        content: bytes | bytearray,
        events: int,
        dead: int,
        marks: Mapping[str, Mark | None],
        written: Sequence[Event] | None,
    ) -> int:
        """`written`: the events, where this process has them."""
        if self._fd < 0:
            raise JournalError(f"{self._path}: the journal is closed")
        segment = self._segments[-1]
        if not (events or marks or dead):
            return segment.next
        try:
            self._roll_back(segment)
            if segment.size >= self._segment_bytes and segment.next > segment.first:
                segment = self._begin(segment.next, segment.next_dead)
            head, before = frame.seal(segment.salt, (segment.next, segment.next_dead), events, dead, content)
            self._torn = True
            _write(self._fd, (before, content), segment.size)
            os.fdatasync(self._fd)
            self._torn = False
        except ValueError as error:
            raise JournalError(f"{segment.path}: {error}") from error
        except OSError as error:
            self._try_roll_back(segment)
            raise JournalError(f"{segment.path}: {error.strerror}; nothing of this batch is written") from error
        with self._state:
            segment.add(head._replace(position=segment.size))
            apply(self._marks, marks)
            self._remember(None if written is None else _Recent(head.first, written, head.length))
            self._state.notify_all()
        return segment.next

    def read(self, offset: int, limit: int) -> tuple[list[Event], int]:
        """Up to `limit` events from `offset` in order, and where to read on."""
        events = self._remembered(offset, limit)
        return super().read(offset, limit) if events is None else (events, offset + len(events))

    def fetch(self, offset: int) -> Event:
        """The one event at `offset`."""
        events = self._remembered(offset, 1)
        return events[0] if events else super().fetch(offset)

    def marks(self) -> dict[str, Mark]:
        """The last mark under every key that was not forgotten."""
        with self._state:
            return dict(self._marks)

    def commit(self, consumer: str, offset: int) -> None:
        """Remember that `consumer` is done with everything below `offset`."""
        if not self.start() <= offset <= self.end():
            raise JournalError(
                f"{self._path}: {consumer} commits offset {offset}, beyond {self.start()} to {self.end()}"
            )
        with self._committing:
            if consumer not in self._offsets:
                self._offsets[consumer] = Offset(self._path, consumer)
            self._offsets[consumer].save(offset)

    def drop(self, before: int) -> None:
        """Remove the files whose events all stand below an offset, oldest first; the one that is written stays. Raises: JournalError."""
        with self._state:
            gone = [each for each, after in pairwise(self._segments) if after.first <= before]
            self._segments = self._segments[len(gone) :]
        try:
            for each in gone:
                each.path.unlink()
            sync_directory(self._path)
        except OSError as error:
            raise JournalError(f"{self._path}: {error.strerror}") from error

    def wait(self, offset: int, timeout_s: float) -> bool:
        """Block until there is an event at `offset`; woken by the append itself."""
        with self._state:
            self._state.wait_for(lambda: self._closed or self._segments[-1].next > offset, timeout_s)
            return not self._closed and self._segments[-1].next > offset

    def close(self) -> None:
        """Release the lock and the waiters; everything acknowledged is on disk already."""
        super().close()
        with self._committing:
            for committed in self._offsets.values():
                committed.close()
            self._offsets.clear()
        with self._writing:
            for fd in (self._fd, self._lock):
                if fd >= 0:
                    os.close(fd)
            self._fd = self._lock = -1

    def _current(self) -> list[Segment]:
        with self._state:
            return list(self._segments)

    def _remember(self, written: _Recent | None) -> None:
        """Keep the events of a frame, and drop the oldest ones beyond the limit; all of them before a frame that is on disk only."""
        if written is None:
            self._recent.clear()
            self._recent_bytes = 0
            return
        self._recent.append(written)
        self._recent_bytes += written.frame_bytes
        gone = 0
        while self._recent_bytes > _RECENT_BYTES:
            self._recent_bytes -= self._recent[gone].frame_bytes
            gone += 1
        del self._recent[:gone]

    def _remembered(self, offset: int, limit: int) -> list[Event] | None:
        """As `read`, of what is in memory; None where that begins later."""
        with self._state:
            at = bisect_right(self._recent, offset, key=lambda each: each.first) - 1
            if at < 0:
                return None
            skip, found = offset - self._recent[at].first, list[Event]()
            while at < len(self._recent) and len(found) < limit:
                found += self._recent[at].events[skip : skip + limit - len(found)]
                at, skip = at + 1, 0
            return found

    def _begin(self, first: int, first_dead: int) -> Segment:
        """Start the segment of this offset with a snapshot of the marks. Raises: OSError; then the one before stays the last."""
        salt = os.urandom(SALT_BYTES)
        snapshot = bytearray()
        frame.pack(snapshot, (), self._marks, ())
        head, before = frame.seal(salt, (first, first_dead), 0, 0, snapshot)
        segment = Segment(self._path / name_of(first))
        write_durably(segment.path, MAGIC + salt + before + snapshot)
        fd = os.open(segment.path, os.O_WRONLY | os.O_CLOEXEC)
        segment.add(head._replace(position=SEGMENT_HEADER_BYTES))
        with self._state:
            if self._fd >= 0:
                os.close(self._fd)
                self._segments[-1].complete = True
            self._fd = fd
            self._segments.append(segment)
        return segment

    def _recover(self) -> None:
        """Take over what the last writer left: index the last segment, cut its torn end, read the marks."""
        for path in self._path.glob(f"*{ASIDE}"):
            path.unlink()
        if not super()._current():
            self._begin(0, 0)
            return
        segment = self._segments[-1]
        damaged = False
        while segment.size < segment.path.stat().st_size and segment.resume():
            damaged = True
        if segment.size == SEGMENT_HEADER_BYTES and len(self._segments) > 1:
            self._segments[-2].index_all()
            segment.next_dead = self._segments[-2].next_dead
        self._marks = super().marks()
        if damaged:
            places = ", ".join(str(hole.position) for hole in segment.holes)
            log.error("journal: damage inside a segment", extra={"path": str(segment.path), "positions": places})
            if segment.next > segment.first:
                self._begin(segment.next, segment.next_dead)
                segment.complete = True
                return
        self._fd = os.open(segment.path, os.O_WRONLY | os.O_CLOEXEC)
        if torn := segment.path.stat().st_size - segment.size:
            with segment.opened() as fd:
                rest = os.pread(fd, torn, segment.size)
            kept = segment.path.with_name(f"{segment.path.stem}.{segment.size}.torn")
            write_durably(kept, rest)
            log.warning(
                "journal: cut the torn end of the last segment",
                extra={"path": str(segment.path), "position": segment.size, "bytes": torn, "kept": str(kept)},
            )
            self._torn = True
            self._roll_back(segment)
        if segment.size == SEGMENT_HEADER_BYTES:
            self.append((), self._marks, ())  # a snapshot again, since the first frame of a segment is one

    def _roll_back(self, segment: Segment) -> None:
        """Cut what a failed append left behind. Raises: OSError."""
        if self._torn:
            os.ftruncate(self._fd, segment.size)
            os.fdatasync(self._fd)
            self._torn = False

    def _try_roll_back(self, segment: Segment) -> None:
        try:
            self._roll_back(segment)
        except OSError as error:
            log.warning(
                "journal: roll-back waits for the next append", extra={"path": str(segment.path), "error": error}
            )


def _write(fd: int, parts: Sequence[bytes | bytearray], position: int) -> None:
    """Write them one behind the other, whole. Raises: OSError."""
    left = [memoryview(part) for part in parts]
    try:
        while left:
            done = os.pwritev(fd, left, position)
            position += done
            while left and done >= len(left[0]):
                done -= len(left[0])
                left.pop(0).release()
            if done:
                left[0] = left[0][done:]
    finally:
        for view in left:
            view.release()
