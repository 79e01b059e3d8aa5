"""Events, marks and dead letters in, one frame of bytes out, and back: the layout of the journal on disk. Pure; no files.

    segment = "SOCJ\\x00\\x01\\r\\n" | salt (8 bytes) | frame*
    frame   = u32 length of payload | u32 CRC-32 of payload | payload           (little endian)
    payload = salt | u64 first offset | u64 first dead letter | u32 events | u32 dead letters | u32 CRC-32 of all that | msgpack
    msgpack = [marks, dead letters, events]

The second checksum makes a frame's head trustworthy without reading its content, so an index costs a hop a frame. The salt is random
per segment and stands in each of its frames: after damage the next true frame is found by it, and nobody who can write a log line can
forge one (SQLite's write-ahead log has its salts for the same reason).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

import msgspec

from collectors.event import Event
from collectors.record import DeadLetter, Mark

MAGIC = b"SOCJ\x00\x01\r\n"
SALT_BYTES = 8
SEGMENT_HEADER_BYTES = len(MAGIC) + SALT_BYTES
_FRAMING = struct.Struct("<II")
_PRELUDE = struct.Struct("<8sQQII")
_HEAD_CRC = struct.Struct("<I")
HEAD_BYTES = _FRAMING.size + _PRELUDE.size + _HEAD_CRC.size
_HEAD_CRC_AT = HEAD_BYTES - _HEAD_CRC.size
"""Bytes that tell all of a frame but its content."""
SALT_AT = _FRAMING.size
"""Where in a frame its salt begins."""
MAX_FRAME_BYTES = 1 << 31
"""Beyond any batch (5,000 records of 64 KiB are 0.3 GiB); a length above it is damage."""

E = TypeVar("E")
D = TypeVar("D")


class Head(NamedTuple):
    """A frame without its content: where it is, which offsets it holds."""

    position: int
    length: int
    crc: int
    first: int
    first_dead: int
    events: int
    dead: int

    @property
    def end(self) -> int:
        """The byte after the frame."""
        return self.position + _FRAMING.size + self.length

    @property
    def next(self) -> int:
        """The offset after its events."""
        return self.first + self.events

    @property
    def next_dead(self) -> int:
        """The offset after its dead letters."""
        return self.first_dead + self.dead


class Body(msgspec.Struct, Generic[D, E], array_like=True, frozen=True, gc=False):
    """The content. Decoded as far as it is asked for: `D` and `E` are lists of the true things, or raw msgpack that costs a tenth."""

    marks: dict[str, Mark | None]
    dead: D
    events: E


_ENCODER = msgspec.msgpack.Encoder()
WHOLE = msgspec.msgpack.Decoder(Body[msgspec.Raw, list[Event]])
PIECES = msgspec.msgpack.Decoder(Body[msgspec.Raw, list[msgspec.Raw]])
MARKS = msgspec.msgpack.Decoder(Body[msgspec.Raw, msgspec.Raw])
DEAD = msgspec.msgpack.Decoder(Body[list[DeadLetter], msgspec.Raw])
EVENT = msgspec.msgpack.Decoder(Event)


def pack(
    buffer: bytearray, events: Sequence[Event], marks: Mapping[str, Mark | None], dead: Sequence[DeadLetter]
) -> None:
    """Write the content of a frame into `buffer` (reused: what it held is gone).

    Raises: UnicodeEncodeError, OverflowError for an event that msgpack cannot hold.
    """
    _ENCODER.encode_into((marks, dead, events), buffer)


def seal(salt: bytes, first: tuple[int, int], events: int, dead: int, content: bytes | bytearray) -> tuple[Head, bytes]:
    """The head of a frame of this content, at position 0, and its bytes, which stand before the content.

    Raises: ValueError for a frame beyond MAX_FRAME_BYTES.
    """
    length = HEAD_BYTES - _FRAMING.size + len(content)
    if length > MAX_FRAME_BYTES:
        raise ValueError(f"a batch of {length} bytes is beyond the limit of {MAX_FRAME_BYTES}")
    prelude = _PRELUDE.pack(salt, first[0], first[1], events, dead)
    prelude += _HEAD_CRC.pack(zlib.crc32(prelude, length))
    crc = zlib.crc32(content, zlib.crc32(prelude))
    return Head(0, length, crc, first[0], first[1], events, dead), _FRAMING.pack(length, crc) + prelude


def encodes(event: Event) -> str:
    """Why this event cannot be written; "" when it can."""
    try:
        _ENCODER.encode(event)
    except (UnicodeEncodeError, OverflowError) as error:
        return str(error)
    return ""


def head(data: bytes, at: int, position: int, salt: bytes) -> Head | None:
    """The head in `data[at:]`, which stands at byte `position` of its segment; None where no frame of this salt begins."""
    if len(data) < at + HEAD_BYTES:
        return None
    length, crc = _FRAMING.unpack_from(data, at)
    found, first, first_dead, events, dead = _PRELUDE.unpack_from(data, at + _FRAMING.size)
    if found != salt or _HEAD_CRC.unpack_from(data, at + _HEAD_CRC_AT)[0] != _head_crc(
        data[at : at + HEAD_BYTES], length
    ):
        return None
    return Head(position, length, crc, first, first_dead, events, dead)


def _head_crc(head: bytes | memoryview, length: int) -> int:
    """Over the length and the prelude; the checksum of the payload is no part, since the payload holds this one."""
    return zlib.crc32(head[_FRAMING.size : _HEAD_CRC_AT], length)


def body(frame: Head, data: bytes) -> memoryview | None:
    """The content of a whole frame's bytes, ready for a decoder; None when the checksum does not fit."""
    view = memoryview(data)
    if len(view) != _FRAMING.size + frame.length or zlib.crc32(view[_FRAMING.size :]) != frame.crc:
        return None
    return view[HEAD_BYTES:]
