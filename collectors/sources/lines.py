"""Chunks of bytes in, lines as `RawRecord` out, with their places: framing by newline, bounded in memory. No I/O.

A line ends with LF or CR LF, which is no part of the record; a line without content is counted and is no record. A line beyond the
limit is cut there and flagged: of 10 MB without a newline no more than the limit and one chunk are ever held. Any other byte passes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime

from collectors.record import Position, RawRecord

TAIL_BYTES = 256
"""How many bytes before the current place are remembered, to recognise it in a file later."""


Continues = Callable[[bytes, bool], bool]
"""For records that span lines: whether a record is open after this line, given whether one was open before it."""


class LineCutter:
    """Cuts one stream. `offset`: where the next record begins; `index`: lines before it; `tail`: the last bytes before it.

    Use: `feed` a chunk, then `take` until it gives fewer than asked for.
    """

    def __init__(
        self, max_bytes: int, *, offset: int = 0, index: int = 0, tail: bytes = b"", continues: Continues | None = None
    ) -> None:
        self.offset = offset
        self.index = index
        self.tail = tail
        self.blank = 0
        self._max = max_bytes
        self._continues = continues
        self._buffer = b""
        self._hole = 0
        self._hole_end = b""

    @property
    def pending_bytes(self) -> int:
        """Bytes fed and not yet given: of a line whose end is still to come, once `take` gave all it could."""
        return len(self._buffer) + self._hole

    def feed(self, chunk: bytes) -> None:
        """Add what follows. All whole lines of the chunks before must have been taken."""
        if self._hole or len(self._buffer) > self._max:
            newline = chunk.find(b"\n")
            skipped = chunk if newline < 0 else chunk[:newline]
            kept = self._buffer[: self._max]
            self._hole_end = (self._hole_end + self._buffer[self._max :] + skipped)[-TAIL_BYTES:]
            self._hole += len(self._buffer) - len(kept) + len(skipped)
            self._buffer = kept if newline < 0 else kept + chunk[newline:]
        else:
            self._buffer += chunk

    def take(
        self, limit: int, source: str, path: str, stream: str, received: datetime, peer: str = ""
    ) -> list[RawRecord]:
        """Up to `limit` whole lines; fewer when there are no more. Joined ones: all whole records, as far as they came."""
        pieces = self._buffer.split(b"\n", -1 if self._continues else limit)
        rest = pieces.pop()
        lines = [1] * len(pieces)
        if self._continues:
            pieces, lines, begun = self._joined(pieces, self._continues)
            rest = b"\n".join((*begun, rest))
        if not pieces:
            return []
        records: list[RawRecord] = []
        offset, index = self.offset, self.index
        hole, longest = self._hole, self._max
        for piece, count in zip(pieces, lines, strict=True):
            size = len(piece) + 1 + hole
            index += 1
            line = piece[:-1] if not hole and piece.endswith(b"\r") else piece
            if len(line) + hole > longest:
                cut = len(line) + hole - longest
                records.append(
                    RawRecord(line[:longest], source, Position(path, stream, offset, index), received, peer, cut)
                )
            elif line:
                records.append(RawRecord(line, source, Position(path, stream, offset, index), received, peer))
            else:
                self.blank += 1
            offset += size
            index += count - 1
            hole = 0
        self._advance(len(self._buffer) - len(rest), offset, index)
        self._buffer = rest
        return records

    def _joined(self, pieces: list[bytes], continues: Continues) -> tuple[list[bytes], list[int], list[bytes]]:
        """Lines joined to records, how many lines each has, and the lines of the record that is still open.

        A record that outgrows the limit before it closes never was one (a stray quote): its first line is given alone.
        """
        records, counts = [], []
        begun: list[bytes] = []
        size = 0
        waiting = deque(pieces)
        while waiting:
            line = waiting.popleft()
            is_open = continues(line, bool(begun))
            begun.append(line)
            size += len(line) + 1
            if is_open and size <= self._max:
                continue
            if is_open and len(begun) > 1:
                waiting.extendleft(reversed(begun[1:]))
                begun = begun[:1]
            records.append(b"\n".join(begun))
            counts.append(len(begun))
            begun, size = [], 0
        return records, counts, begun

    def finish(self, source: str, path: str, stream: str, received: datetime, peer: str = "") -> list[RawRecord]:
        """The last line, which no newline ends because the stream is over; nothing when there is none."""
        if not self.pending_bytes:
            return []
        size, line = self.pending_bytes, self._buffer[: self._max].removesuffix(b"\r" if not self._hole else b"")
        cut = max(0, size - self._max)
        position = Position(path, stream, self.offset, self.index + 1)
        self._advance(len(self._buffer), self.offset + size, self.index + 1, newline=b"")
        self._buffer = b""
        if not line:
            self.blank += 1
            return []
        return [RawRecord(line, source, position, received, peer, cut)]

    def _advance(self, consumed: int, offset: int, index: int, newline: bytes = b"\n") -> None:
        """Move the place; remember the bytes just before it, also where a part of them was never kept."""
        before = self._buffer[:consumed]
        if self._hole:
            first = before.find(b"\n") if newline else len(before)
            before = before[:first] + self._hole_end + before[first:]
        self.tail = (self.tail + before[-TAIL_BYTES:])[-TAIL_BYTES:]
        self.offset, self.index = offset, index
        self._hole, self._hole_end = 0, b""
