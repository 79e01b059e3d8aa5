"""What a source hands over: `RawRecord`, bytes exactly as received with where and when they came from."""

from __future__ import annotations

from datetime import datetime

import msgspec


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


class RawRecord(msgspec.Struct, frozen=True, gc=False):
    """One record as received: `data` without its framing (no trailing newline, no octet count).

    `source`: id of the source in soc.yaml. `received`: aware UTC. `peer`: the transport's address ("192.0.2.7"), which is not
    what the message says of itself. `truncated`: bytes of the record beyond the source's limit that were cut off (0: whole).
    """

    data: bytes
    source: str
    position: Position
    received: datetime
    peer: str = ""
    truncated: int = 0


class DeadLetter(msgspec.Struct, frozen=True, gc=False):
    """A record that could not become an event: kept whole with the reason, counted, never dropped."""

    record: RawRecord
    format: str
    reason: str


class Mark(msgspec.Struct, frozen=True, gc=False):
    """How far one stream of a source is read; journalled in the same frame as its events, so a crash neither loses nor repeats.

    `offset`: where the next record begins (EVTX: how many records and dead letters of the file are out); `index`: lines or
    records before it. `head` and `tail` are digests of the first `head_bytes` and the last `tail_bytes` before `offset`: a file is
    the marked one only if both still stand in it, whatever its name (`path`) or `inode` is by now.
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
