"""RFC 6587: golden cases of both framings, mixed, split anywhere; none needs a socket."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.sources.framing import MAX_FRAME_BYTES, Message, SyslogFramer

LIMIT = 100


def cut(stream: bytes, limit: int = LIMIT, step: int = 0) -> tuple[list[Message], int]:
    framer = SyslogFramer(limit)
    messages: list[Message] = []
    step = step or len(stream) or 1
    for at in range(0, len(stream), step):
        messages += framer.feed(stream[at : at + step])
    return messages + framer.finish(), framer.faults


@pytest.mark.parametrize("step", [0, 1, 2, 7])
@pytest.mark.parametrize(
    ("stream", "messages", "faults"),
    [
        (b"<34>one\n<35>two\n", [b"<34>one", b"<35>two"], 0),
        (b"<34>one\r\n\r\n\n<35>two\0\n", [b"<34>one", b"<35>two"], 0),
        (b"7 <34>one7 <35>two", [b"<34>one", b"<35>two"], 0),
        (b"8 <34>one\n8 <35>two\n", [b"<34>one", b"<35>two"], 0),
        (b"7 <34>one\n<35>two\n7 <36>six", [b"<34>one", b"<35>two", b"<36>six"], 1),
        (b"13 <34>on\nne two7 <35>two", [b"<34>on\nne two", b"<35>two"], 0),
        (b"7 <34>one4 text", [b"<34>one", b"text"], 0),
        (b"7 <34>one0 7 <35>two", [b"<34>one", b"<35>two"], 1),
        (b"0 <34>one\n", [b"0 <34>one"], 1),
        (b"007 <34>one\n", [b"007 <34>one"], 1),
        (b"2026-03-01 no priority\n12 monkeys\n", [b"2026-03-01 no priority", b"12 monkeys"], 0),
        (b"999999999 <34>one\n<35>two\n", [b"999999999 <34>one", b"<35>two"], 1),
        (b"99999999999999999999 <34>one\n", [b"99999999999999999999 <34>one"], 1),
        (b"-5 <34>one\n", [b"-5 <34>one"], 0),
        (b"<34>no end", [b"<34>no end"], 0),
        (b"12", [b"12"], 0),
        (b"\n\n\0\r\n", [], 0),
        (b"", [], 0),
        (b"8 <34>\xff\x00\xfea", [b"<34>\xff\x00\xfea"], 0),
    ],
)
def test_golden(stream: bytes, messages: list[bytes], faults: int, step: int) -> None:
    found, faulty = cut(stream, step=step)
    assert [m.data for m in found if not m.truncated] == messages
    assert faulty == faults


def test_a_counted_message_that_never_ends_says_how_much_is_missing() -> None:
    assert cut(b"20 <34>one") == ([Message(b"<34>one", 13)], 0)


@pytest.mark.parametrize("step", [0, 1, 33])
def test_too_long_messages_are_cut_and_what_follows_is_whole(step: int) -> None:
    long = b"<34>" + b"x" * 296
    assert cut(b"300 " + long + b"7 <35>two", step=step)[0] == [Message(long[:100], 200), Message(b"<35>two", 0)]
    assert cut(long + b"\n<35>two\n", step=step)[0] == [Message(long[:100], 200), Message(b"<35>two", 0)]
    assert cut(long, step=step)[0] == [Message(long[:100], 200)]


def test_the_largest_count_that_is_believed_is_skipped_without_being_held() -> None:
    framer = SyslogFramer(LIMIT)
    assert framer.feed(b"%d <34>" % MAX_FRAME_BYTES + b"x" * 200)[0].truncated == MAX_FRAME_BYTES - LIMIT
    for _ in range(MAX_FRAME_BYTES // 65_536 - 1):
        assert framer.feed(b"y" * 65_536) == []
    assert framer.feed(b"y" * (65_536 - 204) + b"7 <35>two") == [Message(b"<35>two", 0)]


def test_a_line_without_end_is_held_only_up_to_the_limit() -> None:
    framer = SyslogFramer(LIMIT)
    started = time.process_time()
    for _ in range(2_000):
        assert framer.feed(b"z" * 1_000) == []
        assert len(framer._buffer) + len(framer._long) <= 2 * LIMIT + 1_000
    assert framer.finish() == [Message(b"z" * LIMIT, 2_000_000 - LIMIT)]
    assert time.process_time() - started < 1


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=150)), max_size=10), st.integers(1, 64))
def test_what_was_framed_is_what_comes_out(messages: list[tuple[bool, bytes]], step: int) -> None:
    stream, expected, seen_count = b"", [], False
    for counted, body in messages:
        data = b"<34>" + body.replace(b"\n", b"") + b"."
        if counted:
            stream += b"%d " % len(data) + data
            seen_count = True
        else:
            stream += data + b"\n"
        expected.append(Message(data[:LIMIT].rstrip(b"\r\n\0") if counted else data[:LIMIT], max(0, len(data) - LIMIT)))
    found, faults = cut(stream, step=step)
    assert found == expected
    assert seen_count or not faults


@given(
    st.lists(
        st.one_of(st.binary(max_size=40), st.sampled_from([b"12 ", b"<34>", b"\n", b"0 ", b"999999999 "])), max_size=20
    )
)
def test_any_bytes_are_taken_without_error_and_alike_in_any_split(chunks: list[bytes]) -> None:
    framer = SyslogFramer(20)
    messages = [m for chunk in chunks for m in framer.feed(chunk)] + framer.finish()
    stream = b"".join(chunks)
    assert messages == cut(stream, 20)[0]
    assert all(len(m.data) <= 20 for m in messages)
