"""Frames of Lumberjack version 2, whole, cut anywhere, and hostile."""

from __future__ import annotations

import struct
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.sources.lumberjack import MAX_FRAME_BYTES, Deframer, Frame, FramingError, Sent, Window, acknowledgement

from .beat import event, packed, window


def frames(data: bytes, *, step: int | None = None, max_bytes: int = 1_000) -> list[Frame]:
    deframer = Deframer(max_bytes)
    step = step or max(1, len(data))
    found = [frame for at in range(0, len(data), step) for frame in deframer.feed(data[at : at + step])]
    assert deframer.between
    assert deframer.held_bytes == 0
    return found


@given(
    st.lists(st.tuples(st.integers(0, 2**32 - 1), st.binary(max_size=60)), max_size=8),
    st.booleans(),
    st.integers(1, 40),
    st.integers(1, 50),
)
def test_frames_are_the_same_however_the_stream_is_cut(
    events: list[tuple[int, bytes]], compressed: bool, step: int, longest: int
) -> None:
    body = b"".join(event(number, data) for number, data in events)
    data = window(len(events)) + (packed(body) if compressed and body else body)
    wanted = [Window(len(events))]
    wanted += [Sent(n, data[:longest], max(0, len(data) - longest)) for n, data in events]  # type: ignore[misc]
    assert frames(data, step=step, max_bytes=longest) == wanted


@pytest.mark.parametrize(
    "data",
    [
        b"1W\0\0\0\1",
        b"GET / HTTP/1.1\r\n",
        b"2X\0\0\0\1",
        b"\0" * 10,
        b"2D\0\0\0\1\0\0\0\1",
        b"2C\0\0\0\0",
        b"2C\xff\xff\xff\xff",
        b"2J\0\0\0\1\xff\xff\xff\xff",
        packed(window(1)),
        packed(packed(event(1, b"{}"))),
        packed(event(1, b"{}")[:-1]),
        packed(event(1, b"{}"))[:-3] + b"\0\0\0",
        b"2C\0\0\0\7nozlib!",
        b"2C" + struct.pack(">I", 30) + zlib.compress(event(1, b"{}"))[:-4] + b"x" * 40,
    ],
)
def test_what_is_no_frame_is_a_fault(data: bytes) -> None:
    with pytest.raises(FramingError):
        list(Deframer(100).feed(data))


def test_a_bomb_costs_neither_memory_nor_time_beyond_its_limit() -> None:
    nothing = zlib.compress(b"\0" * 50_000_000, 9)
    with pytest.raises(FramingError, match="version byte 0x00"):
        list(Deframer(100).feed(b"2C" + struct.pack(">I", len(nothing)) + nothing))
    one = zlib.compressobj(9)
    huge = one.compress(b"2J" + struct.pack(">II", 1, MAX_FRAME_BYTES))
    for _ in range(MAX_FRAME_BYTES // (1 << 20)):
        huge += one.compress(b"x" * (1 << 20))
    huge += one.flush()
    begun = time.process_time()
    deframer = Deframer(1_000)
    with pytest.raises(FramingError, match="more than"):
        list(deframer.feed(b"2C" + struct.pack(">I", len(huge)) + huge))
    assert time.process_time() - begun < 5
    assert deframer.held_bytes < 1_000_000


def test_the_answer_is_the_protocols() -> None:
    assert acknowledgement(258) == b"2A\0\0\1\2"
