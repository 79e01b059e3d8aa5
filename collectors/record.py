"""What a source hands over: `RawRecord`, bytes exactly as received with where and when they came from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import overload

import msgspec

_RUN = "~"
_RUN_LENGTH = 17


class Position(msgspec.Struct, frozen=True, gc=False):
    """Where in its source a record stands; with the source id and the bytes it makes the event id.

    `path`: file path as opened, or "" for sockets and standard input. `stream`: what survives a rename: the
    file's fingerprint (hex) or the listener's run id. `offset`: byte offset in the file, or ordinal number in the stream.
    `index`: record or line number from 1 (EVTX: the record number in the file).
    """

    path: str
    stream: str
    offset: int
    index: int


def new_run() -> str:
    """A stream in which each ordinal is given to one record, and none of which ever comes again: 16 random hex digits and `~`."""
    return os.urandom(8).hex() + _RUN


def is_run(stream: str) -> bool:
    """Whether a stream is such a run."""
    return len(stream) == _RUN_LENGTH and stream[-1] == _RUN


class RawRecord(msgspec.Struct, frozen=True, gc=False):
    """One record as received: `data` without its framing (no trailing newline, no octet count).

    `source`: id of the source in soc.yaml. `received`: aware UTC. `peer`: the transport's address ("192.0.2.7"), which is not
    what the message says of itself, and after a space the subject of the certificate that it showed ("192.0.2.7 CN=web-01").
    `truncated`: bytes of the record beyond the source's limit that were cut off (0: whole). `header`: lines before it in its stream that
    say how it is to be read (`collectors.sources.directives`).
    """

    data: bytes
    source: str
    position: Position
    received: datetime
    peer: str = ""
    truncated: int = 0
    header: bytes = b""


class Lines(Sequence[RawRecord]):
    """The records of lines that follow each other, none blank and none cut: a record is made when it is asked for, as a scan does for few.

    `data`: the lines without their ends, each of which took `end_bytes`. `offset` and `index`: of the first one, as in `Position`.
    """

    def __init__(
        self,
        data: Sequence[bytes],
        source: str,
        path: str,
        stream: str,
        offset: int,
        index: int,
        received: datetime,
        *,
        peer: str = "",
        end_bytes: int = 1,
    ) -> None:
        self.data = data
        self._place = (source, path, stream, index, received, peer)
        self._first = offset
        self._end_bytes = end_bytes
        self._offsets: list[int] | None = None

    def __len__(self) -> int:
        return len(self.data)

    @overload
    def __getitem__(self, at: int) -> RawRecord: ...
    @overload
    def __getitem__(self, at: slice) -> list[RawRecord]: ...
    def __getitem__(self, at: int | slice) -> RawRecord | list[RawRecord]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self.data)))]
        if at < 0:
            at += len(self.data)
        if self._offsets is None:
            more = self._end_bytes
            self._offsets = list(accumulate((len(line) + more for line in self.data), initial=self._first))
        source, path, stream, index, received, peer = self._place
        place = Position(path, stream, self._offsets[at], index + at)
        return RawRecord(self.data[at], source, place, received, peer)

    def __iter__(self) -> Iterator[RawRecord]:
        source, path, stream, index, received, peer = self._place
        offset, more = self._first, self._end_bytes
        for number, data in enumerate(self.data, index):
            yield RawRecord(data, source, Position(path, stream, offset, number), received, peer)
            offset += len(data) + more


def data_of(records: Sequence[RawRecord]) -> Sequence[bytes]:
    """The bytes of each record, without making records of lines."""
    return records.data if isinstance(records, Lines) else [record.data for record in records]


@dataclass(frozen=True, slots=True)
class Woven:
    """How lines belong together where records span lines and the lines of several records come between each other.

    `strand`: of a line, the name of its record, the record's time in seconds, and whether the record ends with this line; None where the
    line is a record of its own. A record without an end is over when one comes that is more than `apart_s` seconds younger.
    """

    strand: Callable[[bytes], tuple[bytes, int, bool] | None]
    apart_s: int


class DeadLetter(msgspec.Struct, frozen=True, gc=False):
    """A record that could not become an event: kept whole with the reason, counted, never dropped."""

    record: RawRecord
    format: str
    reason: str


class Mark(msgspec.Struct, frozen=True, gc=False):
    """How far one stream of a source is read; journalled in the same frame as its events, so a crash neither loses nor repeats.

    `offset`: where the next record begins (EVTX: how many records and dead letters of the file are out); `index`: lines or
    records before it. `head` and `tail` are digests of the first `head_bytes` and the last `tail_bytes` before `offset`: a file is
    the marked one only if both still stand in it, whatever its name (`path`) or `inode` is by now. `header`: of
    the next record. Of a RELP session: `path` is its peer,
    `index` frames from number `offset` on have their digests in `tail`.
    """

    source: str
    stream: str
    path: str
    offset: int
    index: int
    inode: int = 0
    head: bytes = b""
    head_bytes: int = 0
    tail: bytes = b""
    tail_bytes: int = 0
    header: bytes = b""
