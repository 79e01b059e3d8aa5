"""Syslog over TLS (RFC 5425) on loopback: who is let in, as whom, and what a hostile peer can do."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Literal

import pytest

from collectors.errors import SourceError
from collectors.parse import Context, parse
from collectors.sources import SyslogConfig, listener, open_source
from collectors.sources.tcp import TcpSource
from collectors.sources.tls import subject_of
from tests.servers.rsyslog import Files, rsyslog

from .certificates import Authority
from .follower import Follower


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def tls(authority: Authority, **options: object) -> TcpSource:
    certificate, key = map(Path, authority.issue("soc.example"))
    config = SyslogConfig("tls", "tls", "127.0.0.1:0", certificate=certificate, key=key, **options)  # type: ignore[arg-type]
    source = open_source(config, {})
    assert isinstance(source, TcpSource)
    return source


def port(f: Follower) -> int:
    assert isinstance(f.source, TcpSource)
    return f.source.address[1]


def connected(f: Follower, authority: Authority, client: tuple[str, str] | None = None) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=authority.file)
    if client:
        context.load_cert_chain(*client)
    plain = socket.create_connection(("127.0.0.1", port(f)))
    return context.wrap_socket(plain, server_hostname="soc.example")


def test_octet_counted_messages_come_whole_whatever_the_size_of_a_tls_record(authority: Authority) -> None:
    messages = [b"<34>1 - - - - - - " + b"x" * size for size in (0, 1, 16_384, 50_000)] * 20
    stream = b"".join(b"%d %b" % (len(message), message) for message in messages)
    with Follower(tls(authority)) as f, connected(f, authority) as sender:
        for at in range(0, len(stream), 40_000):
            sender.sendall(stream[at : at + 40_000])
        assert f.until(len(messages)) == messages
    assert {record.peer for record in f.records} == {"127.0.0.1"}


def test_the_subject_of_a_clients_certificate_stands_in_the_event(authority: Authority) -> None:
    with (
        Follower(tls(authority, client_ca=authority.file)) as f,
        connected(f, authority, authority.issue("web-01")) as sender,
    ):
        sender.sendall(b"<34>Oct 11 22:14:15 other su: hello\n")
        f.until(1)
    event = parse(f.records[0], "syslog", Context())
    assert (event.get("log.source.address"), event.get("log.source.subject")) == ("127.0.0.1", "CN=web-01")
    assert event.document()["log.source.subject"] == "CN=web-01"


def test_strangers_are_refused_counted_and_cannot_speak(authority: Authority, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger")
    with Follower(tls(authority, client_ca=authority.file)) as f:
        for client in (None, stranger.issue("web-02"), authority.issue("late", days=-1)):
            with contextlib.suppress(ssl.SSLError, ConnectionError), connected(f, authority, client) as sender:
                sender.sendall(b"<34>I am not heard\n")
                assert sender.recv(100) == b""
        assert f.when(lambda: f.source.counts.refused == 3)
    assert f.lines == []


def test_with_clients_only_those_of_the_authority_that_are_named_are_let_in(authority: Authority) -> None:
    with Follower(tls(authority, client_ca=authority.file, clients=("WEB-01",))) as f:
        with connected(f, authority, authority.issue("web-02")) as other:
            other.sendall(b"<34>I am not heard\n")
            assert f.when(lambda: f.source.counts.refused == 1)
        with connected(f, authority, authority.issue("web-01")) as sender:
            sender.sendall(b"<34>heard\n")
            f.until(1)
    assert f.lines == [b"<34>heard"]


def test_plain_text_on_the_port_is_refused_and_others_are_served(authority: Authority) -> None:
    with Follower(tls(authority)) as f, connected(f, authority) as sender:
        with socket.create_connection(("127.0.0.1", port(f))) as plain:
            plain.sendall(b"<34>Oct 11 22:14:15 host su: plain\n" * 10)
            assert f.when(lambda: f.source.counts.refused == 1)
        sender.sendall(b"<34>encrypted\n")
        f.until(1)
    assert f.lines == [b"<34>encrypted"]


def test_a_renewed_certificate_is_shown_to_the_next_connection_and_the_old_ones_go_on(authority: Authority) -> None:
    with Follower(tls(authority)) as f, connected(f, authority) as old:
        authority.issue("soc.example")
        with connected(f, authority) as new:
            assert (old.getpeercert() or {})["serialNumber"] != (new.getpeercert() or {})["serialNumber"]
            for number, sender in enumerate((old, new), 1):
                sender.sendall(b"<34>%d\n" % number)
                f.until(number)
    assert f.lines == [b"<34>1", b"<34>2"]


def test_a_subject_is_one_line_whatever_stands_in_it() -> None:
    unit = (("organizationalUnitName", "R&D, Đà Nẵng"), ("userId", "7"))
    shown = {"subject": ((("countryName", "VN"),), unit, (("commonName", 'a="b"'),))}
    assert subject_of(shown) == 'CN=a\\=\\"b\\",OU=R&D\\, Đà Nẵng+UID=7,C=VN'
    assert subject_of({}) == subject_of(None) == ""


def test_peers_that_do_not_finish_their_handshake_are_left(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "START_S", 0.3)
    with Follower(tls(authority, max_connections=5)) as f:
        slow = [socket.create_connection(("127.0.0.1", port(f))) for _ in range(5)]
        slow[0].sendall(b"\x16\x03\x01")
        assert f.when(lambda: f.source.counts.refused == 5)
        with connected(f, authority) as sender:
            sender.sendall(b"<34>served\n")
            f.until(1)
        for connection in slow:
            connection.close()
    assert f.lines == [b"<34>served"]


def test_what_a_sender_wrote_that_never_reads_and_closes_is_given_also_at_the_stop(authority: Authority) -> None:
    with Follower(tls(authority)) as f, connected(f, authority) as sender:
        sender.sendall(b"".join(b"<34>%d\n" % n for n in range(20_000)))
        sender.close()
        f.when(lambda: len(f.records) > 0)
    assert f.lines == [b"<34>%d" % n for n in range(20_000)]


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({}, 'tls needs a "certificate"'),
        ({"transport": "tcp", "certificate": Path("a")}, "are for tls"),
        ({"certificate": Path("a"), "clients": ("a",)}, 'needs a "client_ca"'),
    ],
)
def test_keys_that_would_not_do_what_they_say_are_refused(keys: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        SyslogConfig("s", **{"transport": "tls", **keys})  # type: ignore[arg-type]


def test_a_certificate_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"s: .*absent\.crt"):
        open_source(SyslogConfig("s", "tls", "127.0.0.1:0", certificate=tmp_path / "absent.crt"), {})


@pytest.mark.server
@pytest.mark.parametrize("driver", ["gtls", "ossl"])
def test_a_real_rsyslog_with_a_certificate_is_understood(authority: Authority, driver: Literal["gtls", "ossl"]) -> None:
    with Follower(tls(authority, client_ca=authority.file)) as f:
        files = Files(authority.file, *authority.issue("sender-01"))
        with rsyslog(tls=port(f), driver=driver, files=files) as sender:
            for n in range(500):
                sender.send(f"line {n}")
        f.until(500)
    assert [line.rsplit(b" ", 1)[1] for line in f.lines] == [b"%d" % n for n in range(500)]
    assert {record.peer for record in f.records} == {"127.0.0.1 CN=sender-01"}
    assert f.source.counts.framing_faults == 0


def test_openssl_s_client_is_understood(authority: Authority) -> None:
    with Follower(tls(authority)) as f:
        argv = ["openssl", "s_client", "-quiet", "-no_ign_eof", "-connect", f"127.0.0.1:{port(f)}"]
        subprocess.run(argv, input=b"<34>from openssl\n", check=False, capture_output=True, timeout=20)
        f.until(1)
    assert f.lines == [b"<34>from openssl"]
