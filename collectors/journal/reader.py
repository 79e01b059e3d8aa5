"""Segment files in, events by offset out: `LocalReader`, what every process may do while one writes.

It believes a frame of the last segment only with its checksum, so it never sees half an append. Damage in the middle is reported with
its place (`DamagedFrameError`), and what stands behind it stays readable.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec

from collectors.errors import DamagedFrameError, JournalError
from collectors.event import Event
from collectors.journal import consumers, frame
from collectors.journal.frame import SEGMENT_HEADER_BYTES, Head
from collectors.journal.segment import SUFFIX, Segment
from collectors.record import DeadLetter, Mark

_POLL_S = 0.05
"""How often a reader in another process looks for new frames while it waits."""


class Stretch(NamedTuple):
    """One file of a journal: the offsets of its events, and of its dead letters, each from the first to behind the last."""

    path: Path
    events: tuple[int, int]
    dead: tuple[int, int]


class LocalReader:
    """Reads a journal that this or another process writes; takes no lock and changes no file."""

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise JournalError(f"{path}: no journal here")
        self._path = path
        self._segments: list[Segment] = []
        self._state = threading.Condition()
        self._closed = False
        self._fetched: tuple[int, list[msgspec.Raw]] = (
            0,
            [],
        )  # of the last fetch, since the next one is near it as a rule

    def start(self) -> int:
        """The lowest offset that can be read."""
        segments = self._current()
        return segments[0].first if segments else 0

    def end(self) -> int:
        """The offset that the next event will have."""
        segments = self._current()
        return segments[-1].next if segments else 0

    def dead_start(self) -> int:
        """The lowest offset of a dead letter that can be read."""
        segments = self._current()
        return segments[0].first_dead if segments else 0

    def dead_end(self) -> int:
        """The offset that the next dead letter will have."""
        segments = self._current()
        return segments[-1].next_dead if segments else 0

    def read(self, offset: int, limit: int) -> tuple[list[Event], int]:
        """Up to `limit` events from `offset` in order, and where to read on."""
        events: list[Event] = []
        for head, content, skip in self._frames(offset, got=events, dead=False):
            take = limit - len(events)
            if skip == 0 and head.events <= take:
                events += frame.WHOLE.decode(content).events
            else:
                events += map(frame.EVENT.decode, frame.PIECES.decode(content).events[skip : skip + take])
            if len(events) >= limit:
                break
        return events, offset + len(events)

    def fetch(self, offset: int) -> Event:
        """The one event at `offset`."""
        first, pieces = self._fetched
        if not first <= offset < first + len(pieces):
            for head, content, _ in self._frames(offset, got=[], dead=False):
                first, pieces = self._fetched = (head.first, frame.PIECES.decode(content).events)
                break
            else:
                raise JournalError(f"{self._path}: no event at offset {offset}")
        return frame.EVENT.decode(pieces[offset - first])

    def dead_letters(self, offset: int, limit: int) -> tuple[list[DeadLetter], int]:
        """As `read`, for dead letters, which have offsets of their own."""
        letters: list[DeadLetter] = []
        for _, content, skip in self._frames(offset, got=letters, dead=True):
            letters += frame.DEAD.decode(content).dead[skip : skip + limit - len(letters)]
            if len(letters) >= limit:
                break
        return letters, offset + len(letters)

    def marks(self) -> dict[str, Mark]:
        """The last mark under every key that was not forgotten: of the last segment with a readable snapshot, and after it."""
        segments = self._current()
        frames: list[tuple[int, Mapping[str, Mark | None]]] = []
        with self._state:
            for segment in reversed(segments):
                if segment is not segments[-1]:
                    segment.index_all()
                found = segment.marks()
                frames = found + frames
                if found and found[0][0] == SEGMENT_HEADER_BYTES:
                    break
        marks: dict[str, Mark] = {}
        for _, change in frames:
            apply(marks, change)
        return marks

    def committed(self, consumer: str) -> int:
        """Where this consumer goes on reading; never beyond the end, which recovery may have moved."""
        offset = consumers.load(self._path, consumer)
        return self.start() if offset is None else min(offset, self.end())

    def wait(self, offset: int, timeout_s: float) -> bool:
        """Block until there is an event at `offset`; looks every 50 ms."""
        until = time.monotonic() + timeout_s
        while not self._closed:
            if self.end() > offset:
                return True
            left = until - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(left, _POLL_S))
        return False

    def closed(self) -> list[Stretch]:
        """Its files but the last, which is written, oldest first."""
        return [
            Stretch(each.path, (each.first, after.first), (each.first_dead, after.first_dead))
            for each, after in pairwise(self._current())
        ]

    def damage(self) -> list[DamagedFrameError]:
        """Read the whole journal and list every damage in it; each names its segment, byte and offsets."""
        found: list[DamagedFrameError] = []
        offset, end = self.start(), self.end()
        while offset < end:
            try:
                _, offset = LocalReader.read(self, offset, 5_000)  # what is on disk, whatever a writer still remembers
            except DamagedFrameError as error:
                found.append(error)
                offset = error.next_offset
        return found

    def close(self) -> None:
        """Release the waiters."""
        with self._state:
            self._closed = True
            self._state.notify_all()

    def _current(self) -> list[Segment]:
        """The segments in order, the last one indexed as far as whole frames reach."""
        with self._state:
            names = {path.name for path in self._path.glob(f"*{SUFFIX}")}
            self._segments = [segment for segment in self._segments if segment.path.name in names]
            known = {segment.path.name for segment in self._segments}
            self._segments += [Segment(self._path / name) for name in sorted(names - known)]
            for segment in self._segments[-1:]:
                segment.index(checked=True)
            return list(self._segments)

    def _frames(
        self, offset: int, *, got: list[Event] | list[DeadLetter], dead: bool
    ) -> Iterator[tuple[Head, memoryview, int]]:
        """Frames from `offset` on, each with its content and how many items to skip in it.

        Raises: DamagedFrameError where items are lost, but only when `got` is empty: what was read before the damage comes first.
        """
        segments = self._current()
        if offset < 0 or (segments and offset < (segments[0].first_dead if dead else segments[0].first)):
            raise JournalError(f"{self._path}: offset {offset} is below the first one")
        firsts = [s.first_dead if dead else s.first for s in segments]
        for at in range(max(0, bisect_right(firsts, offset) - 1), len(segments)):
            segment = segments[at]
            if at + 1 < len(segments):
                with self._state:
                    segment.index_all()
            for head, content in segment.frames(offset, dead=dead):
                first, after = (head.first_dead, head.next_dead) if dead else (head.first, head.next)
                if first > offset or content is None:
                    if got:
                        return
                    raise self._damaged(segment, head, offset, first if first > offset else after)
                yield head, content, offset - first
                offset = after
            if at + 1 < len(segments) and offset < firsts[at + 1]:
                if not got:
                    raise self._damaged(segment, None, offset, firsts[at + 1])
                return

    def _damaged(self, segment: Segment, head: Head | None, offset: int, after: int) -> DamagedFrameError:
        """The error for items from `offset` on: the hole before the frame that was found, or that frame."""
        before = [hole for hole in segment.holes if head is None or hole.end <= head.position]
        position = (
            before[-1].position
            if before and (head is None or head.first > offset)
            else head.position
            if head
            else segment.size
        )
        return DamagedFrameError(str(segment.path), position, offset, after)


def apply(marks: dict[str, Mark], change: Mapping[str, Mark | None]) -> None:
    """Bring marks to what they were after this change."""
    for key, mark in change.items():
        if mark is None:
            marks.pop(key, None)
        else:
            marks[key] = mark
