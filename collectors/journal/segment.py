"""One segment file in, its frames by offset out: header scan, sparse index, the next true frame after damage.

A segment is append-only and named by the offset of its first event. Its first frame is a snapshot of all marks, so the marks of the
whole journal are known from the last segment alone.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from collectors.errors import JournalError
from collectors.journal import frame
from collectors.journal.frame import HEAD_BYTES, MAGIC, SALT_AT, SALT_BYTES, SEGMENT_HEADER_BYTES, Head
from collectors.record import Mark

SUFFIX = ".seg"
_INDEX_BYTES = 64 * 1024
"""One entry of the index for so many bytes: 1,000 entries a segment, and at most some hundred heads to hop from an entry."""
_BLOCK_BYTES = 256 * 1024


class Hole(NamedTuple):
    """Bytes that are no frame any more."""

    position: int
    end: int


def name_of(first: int) -> str:
    """The file name of the segment that begins with this offset."""
    return f"{first:020d}{SUFFIX}"


class Segment:
    """The frames of one file as far as they are indexed: `size` is the byte, `next` and `next_dead` the offsets after the last one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.first = int(path.stem)
        self.size = SEGMENT_HEADER_BYTES
        self.next = self.first
        self.next_dead = 0
        self.holes: list[Hole] = []
        self.complete = False
        self._salt = b""
        self._first_dead = -1
        self._positions: list[int] = []
        self._firsts: list[int] = []
        self._firsts_dead: list[int] = []

    @property
    def salt(self) -> bytes:
        """What stands in each of its frames. Raises: JournalError for a file that is no segment."""
        if not self._salt:
            with self.opened() as fd:
                self._salt = self._read_salt(fd)
        return self._salt

    @property
    def first_dead(self) -> int:
        """The offset of its first dead letter, from its first frame."""
        if self._first_dead < 0:
            with self.opened() as fd:
                head = next(self._heads(fd, SEGMENT_HEADER_BYTES, os.fstat(fd).st_size), None)
            if head is None:
                return self.next_dead
            self._first_dead = head.first_dead
        return self._first_dead

    @contextmanager
    def opened(self) -> Iterator[int]:
        """A descriptor for reading. Raises: JournalError when the file cannot be read."""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise JournalError(f"{self.path}: {error.strerror}") from error
        try:
            yield fd
        finally:
            os.close(fd)

    def add(self, head: Head) -> None:
        """Index the frame that follows the last one."""
        if not self._positions or head.position - self._positions[-1] >= _INDEX_BYTES:
            self._positions.append(head.position)
            self._firsts.append(head.first)
            self._firsts_dead.append(head.first_dead)
        self.size = head.end
        self.next = head.next
        self.next_dead = head.next_dead

    def index(self, *, checked: bool) -> None:
        """Index what was added to the file since; stops at the first thing that is not a frame.

        `checked`: read the content as well and believe its checksum only; without it only the heads are read.
        """
        with self.opened() as fd:
            for head in self._heads(fd, self.size, os.fstat(fd).st_size):
                if checked and frame.body(head, os.pread(fd, head.end - head.position, head.position)) is None:
                    return
                self.add(head)

    def index_all(self) -> None:
        """Index a segment that nobody writes any more; where it is damaged, go on at the next true frame and note the hole."""
        if self.complete:
            return
        self.index(checked=False)
        while (hole := self._hole()) is not None:
            self.holes.append(hole)
            if hole.end == self.path.stat().st_size:
                break
            self.size = hole.end
            self.index(checked=False)
        self.complete = True

    def resume(self) -> bool:
        """After damage at `size`: note the hole and go on behind it. False where no true frame follows: the end is torn."""
        hole = self._hole()
        if hole is None or hole.end == self.path.stat().st_size:
            return False
        self.holes.append(hole)
        self.size = hole.end
        self.index(checked=True)
        return True

    def frames(self, offset: int, *, dead: bool = False) -> Iterator[tuple[Head, memoryview | None]]:
        """Frames with events (dead letters) at or after `offset`, each with its content, None where the checksum does not fit."""
        firsts = self._firsts_dead if dead else self._firsts
        at = max(0, bisect_right(firsts, offset) - 1)
        if not firsts:
            return
        with self.opened() as fd:
            for head in self._heads(fd, self._positions[at], self.size):
                last, count = (head.next_dead, head.dead) if dead else (head.next, head.events)
                if count and last > offset:
                    yield head, frame.body(head, os.pread(fd, head.end - head.position, head.position))

    def marks(self) -> list[tuple[int, Mapping[str, Mark | None]]]:
        """The changes of marks of every frame, each with the byte where its frame stands; damaged frames are left out."""
        with self.opened() as fd:
            found: list[tuple[int, Mapping[str, Mark | None]]] = []
            for head in self._heads(fd, SEGMENT_HEADER_BYTES, self.size):
                content = frame.body(head, os.pread(fd, head.end - head.position, head.position))
                if content is not None:
                    found.append((head.position, frame.MARKS.decode(content).marks))
            return found

    def _heads(self, fd: int, start: int, stop: int) -> Iterator[Head]:
        """The heads from byte `start`, hopping over known holes; ends at the first byte that is none, or before a cut frame."""
        salt, block, base, position = self.salt, b"", 0, start
        while position < stop:
            at = position - base
            if at + HEAD_BYTES > len(block):
                block, base, at = os.pread(fd, _BLOCK_BYTES, position), position, 0
            head = frame.head(block, at, position, salt)
            if head is None or head.end > stop:
                hole = next((h for h in self.holes if h.position <= position < h.end), None)
                if hole is None:
                    return
                position = hole.end
                continue
            yield head
            position = head.end

    def _hole(self) -> Hole | None:
        """The bytes from `size` to the next frame that reads as written (or the end of the file); None where nothing is left."""
        with self.opened() as fd:
            stop = os.fstat(fd).st_size
            start = self.size
            while start < stop:
                block = os.pread(fd, _BLOCK_BYTES, start)
                at = block.find(self.salt)
                while at >= 0:
                    position = start + at - SALT_AT
                    if position > self.size and self._true(fd, position, stop):
                        return Hole(self.size, position)
                    at = block.find(self.salt, at + 1)
                start += max(1, len(block) - SALT_BYTES + 1)
            return Hole(self.size, stop) if self.size < stop else None

    def _true(self, fd: int, position: int, stop: int) -> bool:
        head = frame.head(os.pread(fd, HEAD_BYTES, position), 0, position, self.salt)
        if head is None or head.end > stop or head.first < self.next:
            return False
        return frame.body(head, os.pread(fd, head.end - position, position)) is not None

    def _read_salt(self, fd: int) -> bytes:
        """From the header; from the first frame where the header is damaged."""
        data = os.pread(fd, SEGMENT_HEADER_BYTES + HEAD_BYTES, 0)
        salt = data[len(MAGIC) : SEGMENT_HEADER_BYTES]
        if data.startswith(MAGIC) and frame.head(data, SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES, salt):
            return salt
        copy = data[SEGMENT_HEADER_BYTES + SALT_AT :][:SALT_BYTES]
        head = frame.head(data, SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES, copy)
        if head and frame.body(head, os.pread(fd, head.end - head.position, head.position)) is not None:
            return copy
        if data.startswith(MAGIC):
            return salt
        raise JournalError(f"{self.path}: not a segment of a journal")
