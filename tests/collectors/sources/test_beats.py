"""Beats over real sockets: an independent small sender, and pylogbeat."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pylogbeat import PyLogBeatClient

from collectors.sources import BeatsConfig, open_source
from collectors.sources.beats import BeatsSource

from .beat import Beat, event, packed, window
from .certificates import Authority
from .driven import Hesitant
from .follower import Follower


def source(**options: object) -> BeatsSource:
    made = open_source(BeatsConfig("beats", "127.0.0.1:0", **options), {})  # type: ignore[arg-type]
    assert isinstance(made, BeatsSource)
    return made


@pytest.fixture
def made() -> BeatsSource:
    return source()


@pytest.fixture
def taking(made: BeatsSource) -> Iterator[Follower]:
    with Follower(made) as follower:
        yield follower


@pytest.fixture
def beat(made: BeatsSource, taking: Follower) -> Iterator[Beat]:
    sender = Beat(made.address)
    yield sender
    sender.close()


@pytest.mark.parametrize("compressed", [False, True])
def test_windows_are_taken_and_acknowledged(taking: Follower, beat: Beat, compressed: bool) -> None:
    for first in (1, 2_049):
        beat.send([b'{"n":%d}' % n for n in range(first, first + 2_048)], first=first, compressed=compressed)
        assert beat.until(first + 2_047)[-1] == first + 2_047
    assert taking.lines == [b'{"n":%d}' % n for n in range(1, 4_097)]
    assert {record.peer for record in taking.records} == {"127.0.0.1"}


def test_windows_sent_without_waiting_are_all_acknowledged(taking: Follower, beat: Beat) -> None:
    for n in range(50):
        beat.send([b'{"n":%d}' % n] * 3)
    assert [beat.until(3)[-1] for _ in range(50)] == [3] * 50
    assert len(taking.lines) == 150


def test_a_window_that_its_sender_does_not_fill_is_acknowledged_as_far_as_it_came(taking: Follower, beat: Beat) -> None:
    beat.socket.sendall(window(10) + event(1, b"{}") + event(2, b"{}"))
    assert beat.acknowledged() == 2
    beat.socket.sendall(event(3, b"{}") + window(1) + event(1, b"{}"))
    assert (beat.acknowledged(), beat.acknowledged()) == (3, 1)
    assert len(taking.lines) == 4


def test_a_large_window_is_acknowledged_in_parts(taking: Follower, beat: Beat) -> None:
    beat.send([b"{%d}" % n for n in range(12_000)], compressed=True)
    parts = beat.until(12_000)
    assert len(parts) > 1
    assert parts == sorted(parts)
    assert len(set(taking.lines)) == 12_000
    assert max(len(batch.records) for batch in taking.batches) <= 5_000


def test_no_acknowledgement_before_the_events_are_durable_but_signs_of_life(
    made: BeatsSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.sources.beats.KEEPALIVE_S", 0.1)
    driven = Hesitant(made)
    beat = Beat(made.address)
    beat.send([b"{}"])
    assert Follower.when(lambda: driven.taken == [b"{}"])
    assert [beat.acknowledged() for _ in range(3)] == [0, 0, 0]
    driven.go_on.release()
    assert beat.until(1)[-1] == 1
    beat.close()
    driven.end()


def test_an_intake_that_stops_before_the_events_are_durable_acknowledges_nothing(made: BeatsSource) -> None:
    driven = Hesitant(made)
    beat = Beat(made.address)
    beat.send([b"{}"])
    assert Follower.when(lambda: driven.taken == [b"{}"])
    driven.gives_up = True
    driven.end()
    with pytest.raises((EOFError, ConnectionError)):
        beat.acknowledged()
    beat.close()


def test_while_events_wait_a_connection_is_not_read(made: BeatsSource) -> None:
    driven = Hesitant(made)
    beat = Beat(made.address)
    beat.socket.setblocking(False)
    sent = 0
    while sent < 200_000_000 and select.select([], [beat.socket], [], 0.5)[1]:
        sent += beat.socket.send(
            window(1) + event(1, b"x" * 50_000)
        )  # what it takes of it: the rest makes no difference
    assert sent < 200_000_000
    assert len(driven.taken) == 1
    beat.close()
    driven.end()


def test_an_event_of_10_mb_is_cut_and_counted(taking: Follower, beat: Beat) -> None:
    for compressed in (False, True):
        beat.send([b'{"a":"' + b"x" * 10_000_000 + b'"}', b"{}"], compressed=compressed)
        assert beat.until(2)[-1] == 2
    longest = 1024 * 1024
    assert [(len(r.data), r.truncated) for r in taking.records] == [(longest, 10_000_008 - longest), (2, 0)] * 2
    assert taking.source.counts.truncated == 2


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        event(1, b"{}"),
        b"2W\0\0\0\1" + packed(packed(event(1, b"{}"))),
        b"\x16\x03\x01\2\0\1\0",
    ],
)
def test_hostile_bytes_end_their_connection_and_others_are_served(
    made: BeatsSource, taking: Follower, beat: Beat, data: bytes
) -> None:
    with socket.create_connection(made.address, timeout=5) as hostile:
        hostile.sendall(data)
        assert hostile.recv(10) == b""
    assert (made.counts.framing_faults, made.counts.refused) == (1, 1)
    beat.send([b"\xff\0 not json"])
    assert beat.acknowledged() == 1
    assert taking.lines == [b"\xff\0 not json"]


def test_who_drips_a_frame_is_closed(made: BeatsSource, taking: Follower, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.sources.beats.FRAME_S", 0.2)
    with socket.create_connection(made.address, timeout=5) as slow, socket.create_connection(made.address) as idle:
        slow.sendall(window(1) + event(1, b"{}")[:-1])
        assert slow.recv(10) == b""
        time.sleep(0.3)
        idle.sendall(window(1) + event(1, b"{}"))
        assert idle.recv(6) == b"2A\0\0\0\1", "between frames there is no hurry"
    assert taking.lines == [b"{}"]


def test_frames_that_are_not_whole_count_as_memory() -> None:
    made = source(queue_bytes=1_500_000)
    with Follower(made) as f:
        half = window(1) + event(1, b"x" * 900_000)[:-1]
        slow = [socket.create_connection(made.address, timeout=5) for _ in range(3)]
        for each in slow:
            each.sendall(half)
        assert f.when(lambda: made.counts.refused == 2)
        beat = Beat(made.address)
        beat.send([b"{}"])
        assert beat.acknowledged() == 1
        for each in (*slow, beat):
            each.close()
    assert f.lines == [b"{}"]


def test_more_events_of_one_peer_than_its_rate_are_slowed_down_and_none_is_lost() -> None:
    made = source(max_peer_rate=1_000)
    with Follower(made) as f:
        beat = Beat(made.address)
        begun = time.monotonic()
        for n in range(4):
            beat.send([b"{%d}" % n] * 500)
            beat.until(500)
        assert time.monotonic() - begun > 0.4
        beat.close()
    assert len(f.lines) == 2_000


def test_a_stop_is_soon_and_a_format_must_be_named(made: BeatsSource) -> None:
    with Follower(made) as f:
        idle = [Beat(made.address) for _ in range(10)]
        idle[0].send([b"{}"])
        assert idle[0].acknowledged() == 1
        begun = time.monotonic()
    assert time.monotonic() - begun < 1
    for each in idle:
        each.close()
    assert f.lines == [b"{}"]
    with pytest.raises(ValueError, match="auto"):
        source(format="auto")


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_real_client_is_understood(tmp_path: Path, encrypted: bool) -> None:
    authority = Authority(tmp_path)
    certificate, key = map(Path, authority.issue("soc.example"))
    shown, private = authority.issue("web-01")
    tls = (
        {"certificate": certificate, "key": key, "client_ca": authority.file, "clients": ("web-01",)}
        if encrypted
        else {}
    )
    with Follower(source(**tls)) as f:
        host, port = f.source.address  # type: ignore[attr-defined]
        keys = {"ssl_enable": True, "keyfile": private, "certfile": shown, "ca_certs": str(authority.file)}
        client = PyLogBeatClient(host, port, ssl_verify=encrypted, **(keys if encrypted else {}))
        messages = [{"@timestamp": "2026-11-22T03:00:00Z", "message": f"chào {n}"} for n in range(500)]
        client.connect()
        client.send(messages[:200])
        client.send(messages[200:])
        client.close()
    assert [json.loads(line) for line in f.lines] == messages


def test_only_clients_that_are_named_may_send(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = map(Path, authority.issue("soc.example"))
    made = source(certificate=certificate, key=key, client_ca=authority.file, clients=("web-01",))
    with Follower(made) as f:
        context = ssl.create_default_context(cafile=authority.file)
        context.load_cert_chain(*authority.issue("web-02"))
        plain = socket.create_connection(made.address, timeout=5)
        with contextlib.suppress(OSError), context.wrap_socket(plain, server_hostname="soc.example") as other:
            other.sendall(window(1) + event(1, b"{}"))
            assert other.recv(6) == b""
        assert f.when(lambda: made.counts.refused == 1)
    assert f.lines == []
