"""What the real rsyslogd of `tests.servers.rsyslog` puts on the wire, seen by plain sockets."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.servers.rsyslog import rsyslog

pytestmark = pytest.mark.server

RFC_5424 = rb"<38>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\S+ sender-01 sshd 4711 - -  first"


@contextmanager
def listening() -> Iterator[tuple[socket.socket, int]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        yield server, server.getsockname()[1]


def received(server: socket.socket, end: bytes) -> bytes:
    connection, _ = server.accept()
    data = b""
    with connection:
        connection.settimeout(10)
        while not data.endswith(end):
            chunk = connection.recv(4096)
            assert chunk, f"the sender closed before {end!r} came: {data[-200:]!r}"
            data += chunk
    return data


def test_tcp_newline_framing_ends_each_message_with_lf() -> None:
    with listening() as (server, port), rsyslog(tcp_newline=port) as sender:
        sender.send("first")
        assert re.fullmatch(RFC_5424 + rb"\n", received(server, b"\n"))


def test_tcp_octet_counting_puts_the_length_before_each_message() -> None:
    with listening() as (server, port), rsyslog(tcp_octet_counted=port) as sender:
        sender.send("first")
        count, message = received(server, b"first\n").split(b" ", 1)
        assert int(count) == len(message), "rsyslog's templates end with LF, and the count includes it"
        assert re.fullmatch(RFC_5424 + rb"\n", message)


def test_udp_carries_one_message_a_datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)
        with rsyslog(udp=server.getsockname()[1], form="rfc3164") as sender:
            sender.send("first")
            assert re.fullmatch(
                rb"<38>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d sender-01 sshd\[4711\]: first", server.recv(4096)
            )


def test_what_was_sent_before_the_end_is_delivered() -> None:
    with listening() as (server, port):
        with rsyslog(tcp_newline=port) as sender:
            for n in range(500):
                sender.send(f"line {n}")
        data = received(server, b"line 499\n")
    assert data.count(b"\n") == 500


def test_what_a_receiver_does_not_take_is_told_as_queued() -> None:
    with listening() as (server, port), rsyslog(relp=port) as sender:
        for n in range(300):
            sender.send(f"line {n}")
        sender.wait_until_read()
        assert sender.queued() == 300
        server.close()
        sender.process.kill()
