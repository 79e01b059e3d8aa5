"""Real sockets on loopback."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from collectors.errors import SourceError
from collectors.sources import SyslogConfig, open_source
from collectors.sources.tcp import TcpSource
from collectors.sources.udp import UdpSource

from .follower import Follower


def udp(**options: object) -> tuple[UdpSource, socket.socket]:
    source = open_source(SyslogConfig("udp", "udp", "127.0.0.1:0", **options), {})  # type: ignore[arg-type]
    assert isinstance(source, UdpSource)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.connect(source.address)
    return source, sender


def tcp(**options: object) -> TcpSource:
    source = open_source(SyslogConfig("tcp", "tcp", "127.0.0.1:0", **options), {})  # type: ignore[arg-type]
    assert isinstance(source, TcpSource)
    return source


def test_each_datagram_is_a_record_with_the_senders_address() -> None:
    source, sender = udp()
    with sender, Follower(source) as f:
        for data in (b"<34>one", b"<35>two\n", b"<36>\xff\0x", b"", b"<37>nul\0"):
            sender.send(data)
        assert f.until(5) == [b"<34>one", b"<35>two", b"<36>\xff\0x", b"", b"<37>nul"]
    assert {r.peer for r in f.records} == {"127.0.0.1"}
    assert [r.position.index for r in f.records] == [1, 2, 3, 4, 5]
    assert {(r.position.path, r.source) for r in f.records} == {("", "udp")}


def test_every_datagram_of_a_burst_of_50000_is_received_or_counted_as_dropped() -> None:
    source, sender = udp()
    with sender, Follower(source) as f:
        for n in range(50_000):
            sender.send(b"<34>Oct 11 22:14:15 fw kernel: seq=%d" % n)
        f.when(lambda: f.source.counts.records + f.source.counts.dropped >= 50_000)
    assert f.source.counts.records + f.source.counts.dropped == 50_000
    assert len(set(f.lines)) == f.source.counts.records


def test_what_the_kernel_has_no_room_for_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    source, sender = udp(receive_buffer_bytes=4_096, queue_bytes=10_000)
    with sender:
        for n in range(3_000):
            sender.send(b"<34>" + b"x" * 300 + b"%d" % n)
        time.sleep(0.1)
        with Follower(source) as f:
            f.when(lambda: f.source.counts.dropped > 0)
    assert f.source.counts.dropped > 0
    assert f.source.counts.records + f.source.counts.dropped == 3_000


def test_datagrams_beyond_a_peers_rate_are_dropped_and_counted_and_others_are_taken() -> None:
    source, flood = udp(max_peer_rate=100)
    with flood, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other, Follower(source) as f:
        other.bind(("127.0.0.2", 0))
        other.connect(source.address)
        for n in range(5_000):
            flood.send(b"<34>flood %d" % n)
        other.send(b"<34>other")
        assert f.when(lambda: f.source.counts.records + f.source.counts.dropped == 5_001)
    assert b"<34>other" in f.lines
    assert 100 <= len(f.lines) < 1_000


def test_what_arrived_before_the_stop_is_given() -> None:
    source, sender = udp()
    with sender:
        for n in range(500):
            sender.send(b"<34>%d" % n)
        with Follower(source) as f:
            pass
    assert f.lines == [b"<34>%d" % n for n in range(500)]


def test_a_smaller_receive_buffer_than_asked_for_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        source, sender = udp(receive_buffer_bytes=1 << 30)
    doubled = source._listener._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    sender.close()
    source.close()
    assert ("receive buffer is smaller" in caplog.text) == (doubled // 2 < 1 << 30)


def test_connections_are_read_side_by_side_in_both_framings() -> None:
    with Follower(tcp()) as f:
        a, b = (socket.create_connection(f.source.address) for _ in range(2))  # type: ignore[attr-defined]
        a.sendall(b"<34>one\n<34>t")
        b.sendall(b"7 <35>one11 <35>")
        f.until(2)
        a.sendall(b"wo\n")
        b.sendall(b"\ntwo ab")
        f.until(4)
        a.sendall(b"<34>unfinished")
        a.close()
        b.close()
        f.until(5)
    assert sorted(f.lines) == [b"<34>one", b"<34>two", b"<34>unfinished", b"<35>\ntwo ab", b"<35>one"]
    assert [r.position.offset for r in f.records] == list(range(5))


def test_a_10_mb_line_is_cut_and_other_connections_are_served_meanwhile() -> None:
    with Follower(tcp()) as f:
        address = f.source.address  # type: ignore[attr-defined]
        with socket.create_connection(address) as long, socket.create_connection(address) as other:
            for n in range(10):
                long.sendall(b"x" * 1_000_000)
                other.sendall(b"<34>%d\n" % n)
            assert len(f.until(10)) == 10
            long.sendall(b"\n<34>after\n")
            f.until(12)
    cut = [r for r in f.records if r.truncated]
    assert [(len(r.data), r.truncated) for r in cut] == [(65_536, 10_000_000 - 65_536)]
    assert b"<34>after" in f.lines


def test_connections_beyond_the_limit_are_refused_and_counted() -> None:
    with Follower(tcp(max_connections=2)) as f:
        held = [socket.create_connection(f.source.address) for _ in range(5)]  # type: ignore[attr-defined]
        assert f.when(lambda: f.source.counts.refused == 3)
        held[0].sendall(b"<34>served\n")
        f.until(1)
        for connection in held:
            connection.close()
    assert f.lines == [b"<34>served"]


def test_a_consumer_that_does_not_ask_stops_the_sender_and_nothing_is_lost() -> None:
    source = tcp()
    with socket.create_connection(source.address) as sender:
        sender.setblocking(False)
        line = b"<34>" + b"x" * 995 + b"\n"
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < 200_000_000:
                sent += sender.send(line[sent % 1_000 :])
        assert sent < 200_000_000
        sender.setblocking(True)
        with Follower(source) as f:
            sender.sendall(line[sent % 1_000 :])
            sender.shutdown(socket.SHUT_WR)
            count = sent // 1_000 + 1
            assert len(f.until(count)) == count
    assert set(f.lines) == {line[:-1]}


def test_many_connections_at_once_lose_nothing() -> None:
    with Follower(tcp()) as f:
        for n in range(100):
            with socket.create_connection(f.source.address) as sender:  # type: ignore[attr-defined]
                sender.sendall(b"".join(b"<34>%d.%d\n" % (n, m) for m in range(20)))
        f.until(2_000)
    assert sorted(f.lines) == sorted(b"<34>%d.%d" % (n, m) for n in range(100) for m in range(20))


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_an_address_that_cannot_be_had_stops_the_start(transport: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        for listen in (f"127.0.0.1:{port}", "nonsense", "127.0.0.1:x", "127.0.0.1:99999", "192.0.2.1:5514"):
            with pytest.raises(SourceError, match=f"s: .*{listen}"):
                open_source(SyslogConfig("s", transport, listen), {})  # type: ignore[arg-type]


_FORWARD = """
module(load="imfile" PollingInterval="1")
input(type="imfile" File="{log}" Tag="app:" addMetadata="off")
action(type="omfwd" Target="127.0.0.1" Port="{octet}" Protocol="tcp" TCP_Framing="octet-counted" Template="RSYSLOG_SyslogProtocol23Format")
action(type="omfwd" Target="127.0.0.1" Port="{lines}" Protocol="tcp" TCP_Framing="traditional" Template="RSYSLOG_TraditionalForwardFormat")
action(type="omfwd" Target="127.0.0.1" Port="{udp}" Protocol="udp" Template="RSYSLOG_SyslogProtocol23Format")
"""


@pytest.mark.server
def test_a_real_rsyslog_is_understood_over_both_framings_and_udp(tmp_path: Path) -> None:
    if not (rsyslogd := shutil.which("rsyslogd", path="/usr/sbin:/usr/bin")):
        assert os.environ.get("CI") != "true", "rsyslogd must be there in CI"
        pytest.skip("rsyslogd is not installed")
    octet, traditional, (datagrams, sender) = tcp(), tcp(), udp()
    sender.close()
    log, conf = tmp_path / "app.log", tmp_path / "rsyslog.conf"
    log.write_bytes(b"".join(b"xin chao %d \xe1\xba\xa1\n" % n for n in range(1_000)))
    ports = {"octet": octet.address[1], "lines": traditional.address[1], "udp": datagrams.address[1]}
    conf.write_text(f'global(workDirectory="{tmp_path}")\n' + _FORWARD.format(log=log, **ports))
    with Follower(octet) as a, Follower(traditional) as b, Follower(datagrams) as c:
        child = subprocess.Popen([rsyslogd, "-n", "-f", conf, "-i", tmp_path / "pid"], stderr=subprocess.DEVNULL)
        try:
            for follower in (a, b, c):
                follower.until(1_000)
        finally:
            child.terminate()
            child.wait()
    for follower, start in ((a, b"<133>1 "), (b, b"<133>"), (c, b"<133>1 ")):
        assert len(follower.lines) == 1_000
        assert all(line.startswith(start) and b"xin chao" in line for line in follower.lines)
        assert follower.source.counts.framing_faults == 0
    assert all(line.endswith(b" \xe1\xba\xa1") for line in a.lines)
