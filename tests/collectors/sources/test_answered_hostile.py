"""Random bytes and mutated requests at the listeners that answer: connections end, nothing else does, and what is whole is still taken."""

from __future__ import annotations

import contextlib
import random
import socket
import time
import zlib

import pytest

from collectors.sources import BeatsConfig, HttpConfig, OtlpConfig, SourceConfig, open_source
from collectors.sources.lumberjack import Deframer, FramingError

from .beat import event, packed, window
from .follower import Follower

ROUNDS = 300
REQUEST = (
    b"POST /events HTTP/1.1\r\nHost: soc\r\nContent-Type: application/x-ndjson\r\nContent-Encoding: gzip\r\n"
    b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"
)
PLAIN = b"POST /events HTTP/1.1\r\nHost: soc\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
EXPORT = (
    PLAIN.replace(b"/events", b"/v1/logs")
    .replace(b"text/plain", b"application/json")
    .replace(b"\r\n\r\nok", b"\r\n\r\n{}")
)
WINDOW = window(3) + event(1, b'{"a":1}') + packed(event(2, b"{}") + event(3, b'{"b":"' + b"x" * 300 + b'"}'))
TOKENS = (
    b"\r\n", b"\r\n\r\n", b"\0", b"\xff", b"2W\xff\xff\xff\xff", b"2C\0\0\0\1", b"2J\0\0\0\1\x7f\xff\xff\xff", b"Content-Length: 7\r\n",
    b"Transfer-Encoding: chunked\r\n", b"ffffffffffffffff\r\n", b"HTTP/2.0", b"\x16\x03\x01", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"%00",
    zlib.compress(b"2J"), b" ", b":",
)  # fmt: skip


def mutated(data: bytes, dice: random.Random) -> bytes:
    """One to four flips, cuts, doublings and hostile tokens."""
    found = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(found) + 1)
        match dice.randrange(4):
            case 0 if found:
                found[min(at, len(found) - 1)] = dice.randrange(256)
            case 1:
                del found[at : at + dice.choice((1, 2, 8, 60))]
            case 2:
                found[at:at] = dice.choice(TOKENS)
            case _:
                found[at:at] = found[at : at + dice.randrange(1, 40)] * dice.randrange(1, 4)
    return bytes(found)


@pytest.mark.parametrize(
    ("config", "seeds", "good", "answer"),
    [
        (HttpConfig("http", "127.0.0.1:0", max_peer_connections=1_000), (REQUEST, PLAIN), PLAIN, b"HTTP/1.1 200 "),
        (
            OtlpConfig("otlp", "127.0.0.1:0", max_peer_connections=1_000),
            (REQUEST.replace(b"/events", b"/v1/logs"), EXPORT),
            EXPORT,
            b"HTTP/1.1 200 ",
        ),
        (
            BeatsConfig("beats", "127.0.0.1:0", max_peer_connections=1_000),
            (WINDOW,),
            window(1) + event(7, b"{}"),
            b"2A\0\0\0\7",
        ),
    ],
    ids=["http", "otlp", "beats"],
)
def test_mutated_requests_end_their_connection_and_nothing_else(
    config: SourceConfig, seeds: tuple[bytes, ...], good: bytes, answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    dice = random.Random(config.id)
    source = open_source(config, {})
    address: tuple[str, int] = source.address  # type: ignore[attr-defined]
    with Follower(source) as taking:
        for n in range(ROUNDS):
            data = mutated(dice.choice(seeds), dice) if n % 4 else dice.randbytes(dice.randrange(1, 400))
            with socket.create_connection(address, timeout=10) as hostile, contextlib.suppress(ConnectionError):
                hostile.sendall(data)
                if n % 2:
                    hostile.shutdown(socket.SHUT_WR)
        free = lambda: not source._listener._open  # type: ignore[attr-defined]  # noqa: E731
        assert taking.when(free, 30), "a connection is held for ever"
        with socket.create_connection(address, timeout=10) as fine:
            fine.sendall(good)
            assert fine.recv(100).startswith(answer)
        assert taking.when(free, 30)
        room = source._room._left  # type: ignore[attr-defined]
        assert room == config.queue_bytes  # type: ignore[union-attr]  # what they held is given back
    assert not [record for record in caplog.records if record.exc_info], "a fault of ours"
    assert source.counts.refused > ROUNDS / 10


def test_mutated_frames_give_frames_or_a_fault_in_linear_time() -> None:
    dice = random.Random(1)
    begun = time.process_time()
    for _ in range(5_000):
        deframer = Deframer(1_000)
        data = mutated(WINDOW, dice)
        try:
            for at in range(0, len(data), 50):
                for frame in deframer.feed(data[at : at + 50]):
                    assert frame is not None
        except FramingError:
            continue
        assert deframer.held_bytes <= 2_000
    assert time.process_time() - begun < 10
