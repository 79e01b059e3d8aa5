"""Chunks of bytes in, lines as `RawRecord` out, with their places: framing by newline, bounded in memory. No I/O.

A line ends with LF or CR LF, which is no part of the record; a line without content is counted and is no record. A line beyond the
limit is cut there and flagged: of 10 MB without a newline no more than the limit and one chunk are ever held. Any other byte passes.
Lines of a format whose records span lines (csvlog of PostgreSQL, Windows events as XML) are joined until its `continues` says so.
Lines after a directive (`#Fields: ...`) have it as their header.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import repeat
from operator import methodcaller

from collectors.record import Lines, Position, RawRecord, Woven
from collectors.sources import directives
from collectors.sources.woven import MOST_OPEN, unwoven

TAIL_BYTES = 256
"""How many bytes before the current place are remembered, to recognise it in a file later."""
_HASH = ord("#")
_MOST_LINES = 500
"""Lines of one record; what stays open beyond them, or beyond the limit of bytes, never was one (a stray quote)."""

Continues = Callable[[bytes, bool], bool] | Woven
"""For records that span lines: whether a record is open after this line, given whether one was open before it; or which lines are one's."""


class LineCutter:
    """Cuts one stream. `offset`: where the next record begins; `index`: lines before it; `tail`: the last bytes before it;
    `header`: the directives in force there.

    Use: `feed` a chunk, then `take` while there is `more`.
    """

    def __init__(
        self,
        max_bytes: int,
        *,
        offset: int = 0,
        index: int = 0,
        tail: bytes = b"",
        header: bytes = b"",
        continues: Continues | None = None,
    ) -> None:
        self.offset = offset
        self.index = index
        self.tail = tail
        self.header = header
        self.blank = 0
        self.more = False
        self._max = max_bytes
        self._continues = continues
        self._open: list[bytes] = []
        self._buffer = b""
        self._hole = 0
        self._hole_end = b""

    @property
    def waits(self) -> bool:
        """Whether whole lines are kept back because their record is still open."""
        return bool(self._open)

    def feed(self, chunk: bytes) -> None:
        """Add what follows. There must not be `more` of the chunks before."""
        if self._hole or len(self._buffer) > self._max:
            newline = chunk.find(b"\n")
            skipped = chunk if newline < 0 else chunk[:newline]
            kept = self._buffer[: self._max]
            self._hole_end = (self._hole_end + self._buffer[self._max :] + skipped)[-TAIL_BYTES:]
            self._hole += len(self._buffer) - len(kept) + len(skipped)
            self._buffer = kept if newline < 0 else kept + chunk[newline:]
        else:
            self._buffer += chunk
        self.more = True

    def take(
        self, limit: int, source: str, path: str, stream: str, received: datetime, peer: str = ""
    ) -> list[RawRecord]:
        """The records of up to `limit` whole lines."""
        lines = self._buffer.split(b"\n", limit)
        self._buffer = lines.pop()
        self.more = len(lines) == limit
        return self._give(lines, source, path, stream, received, peer) if lines else []

    def take_lines(self, limit: int, source: str, path: str, stream: str, received: datetime) -> Sequence[RawRecord]:
        """As `take`; the records are made when they are asked for, where all lines are whole, ended alike and records of their own."""
        start = self.offset, self.index
        fresh = not (
            self._hole
            or self._open
            or self._continues is not None
            or self.header
            or (not self.offset and directives.first(self._buffer))
        )
        lines = self._buffer.split(b"\n", limit) if fresh else [self._buffer]
        rest = lines.pop()
        if not lines or len(max(lines, key=len)) > self._max or any(map(_DIRECTIVE, lines)):
            return self.take(limit, source, path, stream, received)
        end_bytes = 1
        if b"\r" in self._buffer and any(map(_RETURN, lines)):
            end_bytes = 2
            if not all(map(_RETURN, lines)):
                return self.take(limit, source, path, stream, received)
            lines = [line[:-1] for line in lines]
        if not all(lines):
            return self.take(limit, source, path, stream, received)
        self._buffer = rest
        self.more = len(lines) == limit
        self.offset += sum(map(len, lines)) + end_bytes * len(lines)
        self.index += len(lines)
        end = b"\n" if end_bytes == 1 else b"\r\n"
        self.tail = _last(self.tail, lines, end)
        return Lines(lines, source, path, stream, start[0], start[1] + 1, received, end_bytes=end_bytes)

    def release(self, source: str, path: str, stream: str, received: datetime, peer: str = "") -> list[RawRecord]:
        """The lines that wait for the end of their record, which does not come: as records of their own."""
        return self._give([], source, path, stream, received, peer, over=True) if self._open else []

    def finish(self, source: str, path: str, stream: str, received: datetime, peer: str = "") -> list[RawRecord]:
        """What is left because the stream is over: the last line, which no newline ends, and lines that wait."""
        lines = [self._buffer] if self._buffer or self._hole else []
        self._buffer = b""
        return self._give(lines, source, path, stream, received, peer, over=True, unended=bool(lines))

    def _give(
        self,
        fresh: list[bytes],
        source: str,
        path: str,
        stream: str,
        received: datetime,
        peer: str,
        *,
        over: bool = False,
        unended: bool = False,
    ) -> list[RawRecord]:
        """Records of the lines that waited and the `fresh` ones, the first of which may have a hole at its end."""
        lines = [*self._open, *fresh]
        holed = len(self._open) if fresh and self._hole else -1
        counts: Sequence[int] = ()
        if isinstance(self._continues, Woven):
            return self._give_woven(lines, self._continues, source, path, stream, received, peer, holed, over, unended)
        if self._continues is not None:
            counts = self._joined(lines, self._continues, holed, over)
            self._open = lines[sum(counts) :]
            lines = lines[: sum(counts)]
        records: list[RawRecord] = []
        offset, index, longest, header = self.offset, self.index, self._max, self.header
        at = 0
        for data, count in zip(_together(lines, counts), counts or repeat(1), strict=False):
            hole = self._hole if at <= holed < at + count else 0
            text = data[:-1] if not hole and data.endswith(b"\r") else data
            if len(text) + hole > longest:
                cut = len(text) + hole - longest
                place = Position(path, stream, offset, index + 1)
                records.append(RawRecord(text[:longest], source, place, received, peer, cut, header))
            elif text:
                records.append(
                    RawRecord(text, source, Position(path, stream, offset, index + 1), received, peer, 0, header)
                )
                if text[0] == _HASH:
                    header = directives.after(header, text)
                elif not offset:
                    header = directives.first(text) or header
            else:
                self.blank += 1
            offset += len(data) + 1 + hole
            index += count
            at += count
        self._advance(lines, holed, unended=unended)
        self.offset, self.index, self.header = offset - unended, index, header
        return records

    def _cut(self, text: bytes, hole: int, source: str, place: Position, received: datetime, peer: str) -> RawRecord:
        """The record of a text, `hole` bytes of which were never kept, within the limit."""
        return RawRecord(text[: self._max], source, place, received, peer, max(0, len(text) + hole - self._max))

    def _give_woven(
        self,
        lines: list[bytes],
        woven: Woven,
        source: str,
        path: str,
        stream: str,
        received: datetime,
        peer: str,
        holed: int,
        over: bool,
        unended: bool,
    ) -> list[RawRecord]:
        """Records of the lines up to where none is open, in the order in which they began."""
        groups, count = unwoven(lines, woven, _MOST_LINES, self._max * MOST_OPEN, over=over)
        self._open = lines[count:]
        starts = [self.offset]
        for at, line in enumerate(lines[:count]):
            starts.append(starts[-1] + len(line) + 1 + (self._hole if at == holed else 0))
        records = []
        for group in groups:
            texts = [lines[at] if at == holed else lines[at].removesuffix(b"\r") for at in group]
            text = b"\n".join(texts)
            if text:
                hole = self._hole if holed in group else 0
                place = Position(path, stream, starts[group[0]], self.index + group[0] + 1)
                records.append(self._cut(text, hole, source, place, received, peer))
            else:
                self.blank += 1
        self._advance(lines[:count], holed, unended=unended)
        self.offset, self.index = starts[-1] - unended, self.index + count
        return records

    def _joined(
        self, lines: list[bytes], continues: Callable[[bytes, bool], bool], holed: int, over: bool
    ) -> list[int]:
        """How many lines each record has; what is left of `lines` waits for more, unless the stream is `over`.

        Of a record that outgrows the limits before it closes the first line stands alone, and the next one is looked at anew.
        """
        counts: list[int] = []
        start = at = size = 0
        while at < len(lines):
            is_open = continues(lines[at], at > start)
            size += len(lines[at]) + 1 + (self._hole if at == holed else 0)
            at += 1
            if is_open:
                if size <= self._max and at - start < _MOST_LINES and not (over and at == len(lines)):
                    continue
                at = start + 1
            counts.append(at - start)
            start, size = at, 0
        return counts

    def _advance(self, given: list[bytes], holed: int, *, unended: bool) -> None:
        """Remember the bytes just before the place that is reached, also where a part of them was never kept."""
        parts = [] if unended else [b"\n"]
        size = 0
        for at in range(len(given) - 1, -1, -1):
            if at == holed:
                parts.append(self._hole_end)
            parts += (given[at], b"\n")
            size += len(given[at]) + 1
            if size > TAIL_BYTES:
                break
        else:
            parts = parts[:-1] if given else []
        self.tail = (self.tail + b"".join(reversed(parts)))[-TAIL_BYTES:]
        if 0 <= holed < len(given):
            self._hole, self._hole_end = 0, b""


_RETURN = methodcaller("endswith", b"\r")
_DIRECTIVE = methodcaller("startswith", b"#")


def _last(before: bytes, lines: Sequence[bytes], end: bytes) -> bytes:
    """The last bytes of a stream after these lines."""
    parts: list[bytes] = []
    size = 0
    for line in reversed(lines):
        parts += (end, line)
        size += len(line) + len(end)
        if size >= TAIL_BYTES:
            break
    return (before + b"".join(reversed(parts)))[-TAIL_BYTES:]


def _together(lines: list[bytes], counts: Sequence[int]) -> list[bytes]:
    """The lines of each record as one, with their newlines between them; without counts each is one."""
    if not counts:
        return lines
    records, at = [], 0
    for count in counts:
        records.append(lines[at] if count == 1 else b"\n".join(lines[at : at + count]))
        at += count
    return records
