"""Bytes of one connection in, the frames of Lumberjack version 2 out. No I/O.

    2W 00000002                       a window: so many events follow, then the sender waits for the answer
    2J 00000001 00000007 {"a":1}      one event: sequence number, size, JSON
    2C 0000001e …                     frames as above, compressed with zlib
    2A 00000002                       the answer: everything up to this sequence number is durable; 0 says "still at it"

Source of truth: the protocol's description in elastic/go-lumber (PROTOCOL.md) and what its client and server do. What is compressed is
unpacked a step at a time, so memory is bounded whatever a frame claims; an event beyond the limit is cut and its rest passed over.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from collectors.errors import CollectorError

MAX_FRAME_BYTES = 256 * 1024 * 1024
"""Of one event or one compressed frame, packed and unpacked: more than any shipper's window; a larger size is a lie."""
_STEP_BYTES = 64 * 1024
_HEADERS = {b"2W": 4, b"2J": 8, b"2C": 4}
"""Version and kind of a frame -> bytes of its header behind them."""
_NUMBER = struct.Struct(">I")


class FramingError(CollectorError):
    """Bytes that are no frame; nothing that follows can be read."""


class Window(NamedTuple):
    """Announces so many events."""

    events: int


class Sent(NamedTuple):
    """One event; `truncated`: how many of its bytes were cut off."""

    sequence: int
    data: bytes
    truncated: int


Frame = Window | Sent


def acknowledgement(sequence: int) -> bytes:
    """The frame that says that everything up to `sequence` is durable."""
    return b"2A" + _NUMBER.pack(sequence & 0xFFFFFFFF)


class Deframer:
    """Cuts one connection's stream; holds at most the limit of an event and two chunks."""

    def __init__(self, max_bytes: int) -> None:
        self._frames = _Frames(max_bytes, packed=False)

    @property
    def between(self) -> bool:
        """Whether the stream stands between two frames."""
        return self._frames.between

    @property
    def held_bytes(self) -> int:
        """What is in memory of frames that are not whole."""
        return self._frames.held_bytes

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """Frames that the chunk completes. To be read to its end before the next chunk. Raises: FramingError."""
        return self._frames.feed(chunk)


class _Frames:
    """One layer: the connection, or what a compressed frame holds (`packed`)."""

    def __init__(self, max_bytes: int, *, packed: bool) -> None:
        self._max = max_bytes
        self._packed = packed
        self._buffer = b""
        self._skip = 0
        self._cut: Sent | None = None
        self._inflating: _Inflating | None = None

    @property
    def between(self) -> bool:
        return not (self._buffer or self._skip or self._inflating)

    @property
    def held_bytes(self) -> int:
        held = len(self._buffer) + (len(self._cut.data) if self._cut else 0)
        return held + (self._inflating.held_bytes if self._inflating else 0)

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        data, self._buffer = self._buffer + chunk, b""
        at = 0
        while at < len(data):
            if self._skip:
                step = min(self._skip, len(data) - at)
                at, self._skip = at + step, self._skip - step
                if not self._skip and self._cut:
                    cut, self._cut = self._cut, None
                    yield cut
            elif self._inflating is not None:
                part = data[at : at + min(self._inflating.left, _STEP_BYTES)]
                at += len(part)
                yield from self._inflating.feed(part)
                if not self._inflating.left:
                    self._inflating.finish()
                    self._inflating = None
            else:
                begun = at
                for frame, end in self._whole(data, at):
                    if frame is not None:
                        yield frame
                    at = end
                if at == begun:
                    self._buffer = data[at:]
                    return

    def _whole(self, data: bytes, at: int) -> Iterator[tuple[Frame | None, int]]:
        """Frames from `at` on and where each ends, up to one that is not whole, or begins what is to be passed over or unpacked."""
        while len(data) - at >= 2:
            kind = data[at : at + 2]
            header = at + 2 + _header_bytes(kind, packed=self._packed)
            if header > len(data):
                return
            (size,) = _NUMBER.unpack_from(data, header - 4)
            if kind == b"2W":
                yield Window(size), header
                at = header
                continue
            if size > MAX_FRAME_BYTES:
                raise FramingError(f"a frame of {size} bytes")
            if kind == b"2C":
                if not size:
                    raise FramingError("an empty compressed frame")
                self._inflating = _Inflating(self._max, size)
                yield None, header
                return
            end = header + min(size, self._max)
            if end > len(data):
                return
            sent = Sent(_NUMBER.unpack_from(data, at + 2)[0], data[header:end], size - (end - header))
            if sent.truncated:
                self._skip, self._cut = sent.truncated, sent
                yield None, end
                return
            yield sent, end
            at = end
        if data[at : at + 1] not in (b"2", b""):
            raise FramingError(f"version byte 0x{data[at]:02x} instead of 2")


def _header_bytes(kind: bytes, *, packed: bool) -> int:
    """The size of a frame's header behind version and kind. Raises: FramingError where there is no such frame."""
    if kind[:1] != b"2":
        raise FramingError(f"version byte 0x{kind[0]:02x} instead of 2")
    if kind not in _HEADERS or (packed and kind != b"2J"):
        raise FramingError(f"frame of kind 0x{kind[1]:02x}{' in a compressed frame' if packed else ''}")
    return _HEADERS[kind]


class _Inflating:
    """A compressed frame while it is unpacked. `left`: packed bytes of it that are still to come."""

    def __init__(self, max_bytes: int, size: int) -> None:
        self.left = size
        self._unpacking = zlib.decompressobj()
        self._frames = _Frames(max_bytes, packed=True)
        self._unpacked = 0

    @property
    def held_bytes(self) -> int:
        return self._frames.held_bytes

    def feed(self, part: bytes) -> Iterator[Frame]:
        self.left -= len(part)
        while part and not self._unpacking.eof:
            try:
                data = self._unpacking.decompress(part, _STEP_BYTES)
            except zlib.error as error:
                raise FramingError(f"compressed frame: {str(error)[:80]}") from error
            part = self._unpacking.unconsumed_tail
            self._unpacked += len(data)
            if self._unpacked > MAX_FRAME_BYTES:
                raise FramingError(f"a compressed frame of more than {MAX_FRAME_BYTES} bytes")
            yield from self._frames.feed(data)

    def finish(self) -> None:
        """Raises: FramingError where it was cut off."""
        if not self._unpacking.eof or not self._frames.between:
            raise FramingError("a compressed frame that ends too early")
