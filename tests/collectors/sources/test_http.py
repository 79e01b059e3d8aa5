"""HTTP intake over real sockets: what is taken, what is refused and how, and that nothing is acknowledged before it is durable."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hmac
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard
from msgspec.structs import replace
from standardwebhooks import Webhook

from collectors.errors import SourceError
from collectors.event import event_id
from collectors.record import Mark
from collectors.sources import HttpConfig, open_source
from collectors.sources.http import HttpSource

from .certificates import Authority
from .driven import Hesitant
from .follower import Follower

TOKEN = "a-token-of-thirty-two-characters"
NDJSON = {"Content-Type": "application/x-ndjson"}
JSON = {"Content-Type": "application/json"}
TEXT = {"Content-Type": "text/plain"}


def source(marks: Mapping[str, Mark] | None = None, **options: object) -> HttpSource:
    made = open_source(HttpConfig("http", "127.0.0.1:0", **options), marks or {})  # type: ignore[arg-type]
    assert isinstance(made, HttpSource)
    return made


def secret(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "secret"
    path.write_text(text)
    return path


def post(
    made: HttpSource, body: bytes, headers: dict[str, str], *, path: str = "/events", method: str = "POST"
) -> tuple[int, dict[str, object], dict[str, str]]:
    """Status, what the JSON says, headers."""
    connection = http.client.HTTPConnection(*made.address, timeout=20)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}"), dict(answer.getheaders())


def raw(made: HttpSource, data: bytes, *, wait_s: float = 5) -> bytes:
    """Everything that is answered to bytes as they are, until the end of the connection."""
    with socket.create_connection(made.address, timeout=wait_s) as sender:
        sender.sendall(data)
        found = b""
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while part := sender.recv(65_536):
                found += part
        return found


@pytest.fixture
def taking() -> Iterator[Follower]:
    with Follower(source()) as follower:
        yield follower


@pytest.mark.parametrize(
    ("headers", "body", "records"),
    [
        (JSON, b'{"a": 1}', [b'{"a": 1}']),
        (JSON, b'[{"a":1}, {"b":[2]},\n3]', [b'{"a":1}', b'{"b":[2]}', b"3"]),
        (JSON, b'{\n "a": 1\n}\n', [b'{\n "a": 1\n}']),
        (JSON, b'{"a":1}\n{"b":2}\n', [b'{"a":1}', b'{"b":2}']),
        (JSON, b"[]", []),
        (JSON, b"", []),
        (NDJSON, b'{"a":1}\r\n\n{"b":2}', [b'{"a":1}', b'{"b":2}']),
        (NDJSON, b'not json\n{"b":\0}', [b"not json", b'{"b":\0}']),
        (TEXT, b"<34>1 - - - - - -\n \xff\0 \n", [b"<34>1 - - - - - -", b" \xff\0 "]),
        ({"Content-Type": "application/json; charset=utf-8"}, b"7", [b"7"]),
    ],
)
def test_a_body_becomes_records_as_its_type_says(
    taking: Follower, headers: dict[str, str], body: bytes, records: list[bytes]
) -> None:
    assert isinstance(taking.source, HttpSource)
    assert post(taking.source, body, headers)[:2] == (200, {"records": len(records), "repeated": False})
    assert taking.lines == records
    assert all(r.peer == "127.0.0.1" and r.source == "http" for r in taking.records)


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (JSON, b"{", 400),
        (JSON, b'{"a":1}{"b":2}', 400),
        (JSON, b'{"a":1}\n{"b":', 400),
        (JSON, b"[" * 100_000, 400),
        ({}, b"{}", 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"{}", 415),
        ({**JSON, "Content-Encoding": "br"}, b"{}", 415),
        ({**JSON, "Content-Encoding": "gzip"}, b"{}", 400),
        ({**JSON, "Content-Encoding": "gzip"}, gzip.compress(b'{"a":1}', mtime=0)[:-6], 400),
        ({**JSON, "Content-Encoding": "zstd"}, b"{}", 400),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_whole_and_counted(
    taking: Follower, headers: dict[str, str], body: bytes, status: int
) -> None:
    assert isinstance(taking.source, HttpSource)
    found, told, _ = post(taking.source, body, headers)
    assert (found, list(told)) == (status, ["error"])
    assert taking.lines == []
    assert taking.source.counts.refused == 1
    assert post(taking.source, b"{}", JSON)[0] == 200


def test_compressed_bodies_are_unpacked_also_of_several_members(taking: Follower) -> None:
    assert isinstance(taking.source, HttpSource)
    two = gzip.compress(b"one\n") + gzip.compress(b"two\n")
    assert post(taking.source, two, {**TEXT, "Content-Encoding": "gzip"})[0] == 200
    pack = zstandard.ZstdCompressor().compress
    assert post(taking.source, pack(b"three\n") + pack(b"four\n"), {**TEXT, "Content-Encoding": "zstd"})[0] == 200
    assert taking.lines == [b"one", b"two", b"three", b"four"]


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_bomb_is_refused_before_it_is_unpacked(encoding: str) -> None:
    big = b"\0" * (200 * 1024 * 1024)
    bomb = gzip.compress(big, 9) if encoding == "gzip" else zstandard.ZstdCompressor().compress(big)
    with Follower(source(max_body_bytes=1024 * 1024)) as f:
        begun = time.process_time()
        status, _, _ = post(f.source, bomb, {**TEXT, "Content-Encoding": encoding})  # type: ignore[arg-type]
        assert status == 413
        assert time.process_time() - begun < 0.5
    assert f.lines == []


def test_a_zstd_window_that_would_fill_the_memory_is_refused(taking: Follower) -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=30)
    packed = zstandard.ZstdCompressor(compression_params=parameters).compress(b"x" * 20_000_000)
    assert isinstance(taking.source, HttpSource)
    assert post(taking.source, packed, {**TEXT, "Content-Encoding": "zstd"})[0] in (400, 413)


def test_bodies_beyond_the_limit_are_refused_with_and_without_a_length() -> None:
    with Follower(source(max_body_bytes=1_000)) as f:
        made = f.source
        assert isinstance(made, HttpSource)
        assert post(made, b"x" * 1_001, TEXT)[0] == 413
        chunked = b"POST /events HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert raw(made, chunked + b"3e8\r\n" + b"y" * 1_000 + b"\r\n1\r\nz\r\n0\r\n\r\n").startswith(b"HTTP/1.1 413 ")
        assert post(made, b"x" * 1_000, TEXT)[0] == 200
    assert f.lines == [b"x" * 1_000]


def test_a_line_beyond_the_limit_is_cut_and_counted() -> None:
    with Follower(source(max_line_bytes=100)) as f:
        assert post(f.source, b"x" * 10_000_000 + b"\nshort", TEXT)[0] == 200  # type: ignore[arg-type]
    assert [(len(r.data), r.truncated) for r in f.records] == [(100, 9_999_900), (5, 0)]
    assert (f.source.counts.truncated, f.source.counts.truncated_bytes) == (1, 9_999_900)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01 not http at all\r\n\r\n", b"400"),
        (b"POST /events HTTP/1.1\r\n\r\n", b"400"),
        (b"POST /events HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", b"400"),
        (b"POST /events HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST /events HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n", b"4"),
        (b"POST /events HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999999\r\n\r\n", b"413"),
        (b"POST /events HTTP/1.1\r\nHost: h\r\nA: \0\r\n\r\n", b"400"),
        (b"POST /events HTTP/1.1\r\nHost: h\r\nA: " + b"x" * 100_000 + b"\r\n\r\n", b"431"),
        (
            b"POST /events HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\nzz\r\n",
            b"400",
        ),
        (b"GET /events HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", b"405"),
        (b"POST /other HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", b"404"),
    ],
)
def test_hostile_requests_are_answered_and_others_are_served(taking: Follower, data: bytes, status: bytes) -> None:
    assert isinstance(taking.source, HttpSource)
    assert raw(taking.source, data).startswith(b"HTTP/1.1 " + status)
    assert taking.source.counts.refused == 1
    assert post(taking.source, b"after", TEXT)[0] == 200
    assert taking.lines == [b"after"]


def test_a_body_that_ends_early_is_not_taken(taking: Follower) -> None:
    assert isinstance(taking.source, HttpSource)
    with socket.create_connection(taking.source.address) as sender:
        sender.sendall(
            b"POST /events HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nhalf\n"
        )
    assert post(taking.source, b"after", TEXT)[0] == 200
    assert taking.lines == [b"after"]


def test_who_drips_a_head_is_told_to_go_and_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.sources.http_exchange.HEAD_S", 0.3)
    monkeypatch.setattr("collectors.sources.http_exchange.BODY_S", 0.3)
    with Follower(source()) as f:
        made = f.source
        assert isinstance(made, HttpSource)
        slow = socket.create_connection(made.address)
        slow.sendall(b"POST /ev")
        assert post(made, b"between", TEXT)[0] == 200
        slow.settimeout(5)
        assert slow.recv(100).startswith(b"HTTP/1.1 408 ")
        slow.close()
        body = b"POST /events HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nab"
        assert raw(made, body).startswith(b"HTTP/1.1 408 ")
    assert f.lines == [b"between"]


def test_who_takes_no_answers_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.sources.connections.SEND_S", 0.3)
    made = source()
    made._listener._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)  # accepted ones inherit it
    one = b"POST /events HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n"
    with Follower(made) as f, socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        deaf.connect(made.address)
        deaf.settimeout(30)
        with pytest.raises(ConnectionError):
            deaf.sendall(one * 100_000)
        assert post(made, b"after", TEXT)[0] == 200
    assert f.lines == [b"after"]


def test_a_flood_of_connections_leaves_room_for_other_peers() -> None:
    with Follower(source(max_connections=50, max_peer_connections=20)) as f:
        made = f.source
        assert isinstance(made, HttpSource)
        held = [socket.create_connection(made.address) for _ in range(60)]
        assert f.when(lambda: made.counts.refused == 40)
        other = http.client.HTTPConnection(*made.address, timeout=5, source_address=("127.0.0.2", 0))
        other.request("POST", "/events", b"served", TEXT)
        assert other.getresponse().status == 200
        for connection in (*held, other):
            connection.close()
    assert f.records[0].peer == "127.0.0.2"


def test_connections_are_kept_and_requests_behind_each_other_are_all_answered(taking: Follower) -> None:
    assert isinstance(taking.source, HttpSource)
    one = b"POST /events HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n"
    answers = raw(taking.source, (one + b"\r\nabc\n") * 50 + one + b"Connection: close\r\n\r\nlast")
    assert answers.count(b"HTTP/1.1 200 ") == 51
    assert taking.lines == [b"abc"] * 50 + [b"last"]


def test_more_records_of_one_peer_than_its_rate_are_told_to_wait() -> None:
    with Follower(source(max_peer_rate=100)) as f:
        made = f.source
        assert isinstance(made, HttpSource)
        assert post(made, b"x\n" * 250, TEXT)[0] == 200
        status, _, headers = post(made, b"more", TEXT)
        assert (status, headers["Retry-After"]) == (429, "2")
        assert f.when(lambda: post(made, b"more", TEXT)[0] == 200, 5)
    assert f.lines.count(b"more") == 1


def test_tokens_let_in_and_all_else_is_refused_by_its_head(tmp_path: Path) -> None:
    other = "another-token-0123456789"
    with Follower(source(token_file=secret(tmp_path, f"# ours\n{TOKEN}\n\n{other}\n"))) as f:
        made = f.source
        assert isinstance(made, HttpSource)
        for shown in (
            "",
            TOKEN,
            "Basic " + TOKEN,
            "Bearer",
            "Bearer " + TOKEN[:-1],
            "Bearer " + TOKEN + "x",
            "Bearer \xff",
        ):
            status, _, headers = post(made, b"no", {**TEXT, "Authorization": shown})
            assert (status, headers["WWW-Authenticate"]) == (401, "Bearer"), shown
        unread = b"POST /events HTTP/1.1\r\nHost: h\r\nContent-Length: 999999\r\n\r\n"
        assert raw(made, unread).startswith(b"HTTP/1.1 401 "), "before the body is there"
        for token in (TOKEN, other):
            assert post(made, b"yes", {**TEXT, "Authorization": f"bearer {token}"})[0] == 200
    assert f.lines == [b"yes", b"yes"]


def test_signatures_of_a_standard_webhooks_library_let_in_and_forged_ones_do_not(tmp_path: Path) -> None:
    key = b"0123456789abcdef01234567"
    webhook = Webhook(base64.b64encode(key).decode())
    path = secret(tmp_path, "whsec_" + base64.b64encode(key).decode())

    def signed(body: str, name: str = "msg_1", age_s: int = 0) -> dict[str, str]:
        at = datetime.fromtimestamp(time.time() - age_s, UTC)
        head = {"webhook-id": name, "webhook-timestamp": str(int(at.timestamp()))}
        return {**TEXT, **head, "webhook-signature": webhook.sign(name, at, body)}

    with Follower(source(signing_key_file=path)) as f:
        made = f.source
        assert isinstance(made, HttpSource)
        good = signed("hello")
        assert post(made, b"hello", good)[:2] == (200, {"records": 1, "repeated": False})
        assert post(made, b"hello", good)[:2] == (200, {"records": 1, "repeated": True}), "a replay adds nothing"
        assert post(made, b"other", good)[0] == 401
        assert post(made, b"hello", {**good, "webhook-id": "msg_2"})[0] == 401
        assert post(made, b"hello", {**good, "webhook-timestamp": str(int(time.time()) - 3)})[0] == 401
        assert post(made, b"old", signed("old", age_s=301))[1] == {"error": "timestamp too far from now"}
        assert post(made, b"x", {**signed("x"), "webhook-timestamp": "\xb2"})[0] == 401
        wrong = base64.b64encode(hmac.digest(b"another key of 24 bytes.", b"hello", "sha256")).decode()
        for shown in ("", "v1", "v1,", "v1,%%", f"v1,{wrong}", good["webhook-signature"].replace("v1", "v2")):
            assert post(made, b"hello", {**good, "webhook-signature": shown})[0] == 401, shown
        several = f"v1,{wrong} {signed('bye', 'msg_3')['webhook-signature']}"
        assert post(made, b"bye", {**signed("bye", "msg_3"), "webhook-signature": several})[0] == 200
        packed = gzip.compress(b"packed")
        at = datetime.now(UTC)
        told = f"m.{int(at.timestamp())}.".encode() + packed
        mark = "v1," + base64.b64encode(hmac.digest(key, told, "sha256")).decode()
        head = {"webhook-id": "m", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": mark}
        assert post(made, packed, {**TEXT, **head, "Content-Encoding": "gzip"})[0] == 200
    assert f.lines == [b"hello", b"bye", b"packed"]


@pytest.mark.parametrize("text", ["", "short", "# only a comment\n", "gr\xfc\xdfe-an-alle-mein-token"])
def test_secrets_that_are_none_stop_the_start(tmp_path: Path, text: str) -> None:
    path = secret(tmp_path, text)
    for option in ({"token_file": path}, {"signing_key_file": path}, {"token_file": tmp_path / "absent"}):
        with pytest.raises(SourceError, match=r"http: .*(secret|absent)"):
            source(**option)
    with pytest.raises(ValueError, match="auto"):
        source(format="auto")


def test_a_request_with_a_name_is_taken_once_also_over_restarts(taking: Follower) -> None:
    named = {**TEXT, "Idempotency-Key": "batch-7"}
    assert isinstance(taking.source, HttpSource)
    assert post(taking.source, b"a\na\nb", named)[1] == {"records": 3, "repeated": False}
    assert post(taking.source, b"a\na\nb", named)[1] == {"records": 3, "repeated": True}
    assert post(taking.source, b"a\na\nc", named)[1]["repeated"] is False, "the name of another body"
    assert taking.lines == [b"a", b"a", b"b", b"a", b"a", b"c"]
    assert taking.source.counts.repeated == 3
    with Follower(source(taking.marks)) as again:
        assert isinstance(again.source, HttpSource)
        assert post(again.source, b"a\na\nb", named)[1] == {"records": 3, "repeated": True}
        assert post(again.source, b"new", named)[1]["repeated"] is False
    assert again.lines == [b"new"]
    others = {key: replace(mark, source="http 2") for key, mark in taking.marks.items()}
    with Follower(source(others)) as another:
        assert post(another.source, b"a\na\nb", named)[1]["repeated"] is False  # type: ignore[arg-type]
    assert again.marks.keys().isdisjoint(taking.marks), "it forgets none while there are slots"


def test_a_named_request_keeps_its_ids_where_even_the_marks_were_lost(taking: Follower) -> None:
    named = {**TEXT, "Idempotency-Key": "batch-7"}
    with Follower(source()) as again:
        for follower in (taking, again):
            assert isinstance(follower.source, HttpSource)
            assert post(follower.source, b"a\na\nb", named)[0] == 200
    ids = [event_id(record) for record in taking.records]
    assert [event_id(record) for record in again.records] == ids
    assert len(set(ids)) == 3


def test_the_journal_remembers_as_many_names_as_there_may_be_connections() -> None:
    with Follower(source(max_connections=3)) as f:
        for n in range(10):
            assert post(f.source, b"%d" % n, {**TEXT, "Idempotency-Key": str(n)})[0] == 200  # type: ignore[arg-type]
    assert len(f.marks) == 3
    with Follower(source(f.marks, max_connections=3)) as again:
        found = [
            post(again.source, b"%d" % n, {**TEXT, "Idempotency-Key": str(n)})[1]["repeated"] for n in range(6, 10)
        ]  # type: ignore[arg-type]
    assert found == [False, True, True, True]


def test_two_requests_of_one_name_at_the_same_time_are_one() -> None:
    made = source()
    driven = Hesitant(made)
    statuses: list[int] = []
    named = {**TEXT, "Idempotency-Key": "k"}
    senders = [threading.Thread(target=lambda: statuses.append(post(made, b"x", named)[0])) for _ in range(5)]
    for sender in senders:
        sender.start()
    assert Follower.when(lambda: driven.taken == [b"x"])
    time.sleep(0.2)
    driven.go_on.release(100)
    for sender in senders:
        sender.join(5)
    assert statuses == [200] * 5
    assert driven.taken == [b"x"]
    driven.end()


def test_no_answer_before_the_records_are_durable() -> None:
    made = source()
    driven = Hesitant(made)
    answers: list[int] = []
    sending = threading.Thread(target=lambda: answers.append(post(made, b"x", TEXT)[0]))
    sending.start()
    assert Follower.when(lambda: driven.taken == [b"x"])
    time.sleep(0.3)
    assert answers == []
    driven.go_on.release()
    sending.join(5)
    assert answers == [200]
    driven.end()


def test_while_the_journal_waits_senders_are_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.sources.http.ANSWER_S", 0.3)
    monkeypatch.setattr("collectors.sources.http.STALLED_S", 0.5)
    made = source()
    driven = Hesitant(made)
    first: list[int] = []
    sending = threading.Thread(target=lambda: first.append(post(made, b"first", TEXT)[0]))
    sending.start()
    assert Follower.when(lambda: driven.taken == [b"first"])
    status, _, headers = post(made, b"second", TEXT)
    assert (status, headers["Retry-After"]) == (503, "5"), "withdrawn: the intake had not begun it"
    time.sleep(0.4)
    begun = time.monotonic()
    assert post(made, b"third", TEXT)[0] == 503
    assert time.monotonic() - begun < 0.3, "at once, as the journal is known to wait"
    assert first == []
    driven.go_on.release(100)
    sending.join(5)
    assert first == [200]
    assert post(made, b"fourth", TEXT)[0] == 200
    driven.end()
    assert driven.taken == [b"first", b"fourth"]


def test_requests_beyond_the_memory_are_told_to_come_back() -> None:
    made = source(queue_bytes=300_000)
    driven = Hesitant(made)
    statuses: list[int] = []
    senders = [threading.Thread(target=lambda: statuses.append(post(made, b"x" * 100_000, TEXT)[0])) for _ in range(6)]
    for sender in senders:
        sender.start()
    assert Follower.when(lambda: statuses.count(503) >= 4)
    driven.go_on.release(100)
    for sender in senders:
        sender.join(5)
    assert min(statuses) == 200
    assert statuses.count(200) == len(driven.taken)
    driven.end()


def test_an_intake_that_stops_before_the_records_are_durable_answers_no(caplog: pytest.LogCaptureFixture) -> None:
    made = source()
    driven = Hesitant(made)
    answers: list[int] = []
    sending = threading.Thread(target=lambda: answers.append(post(made, b"x", TEXT)[0]))
    sending.start()
    assert Follower.when(lambda: driven.taken == [b"x"])
    driven.gives_up = True
    driven.end()
    sending.join(5)
    assert answers == [503]


def test_a_stop_is_soon_and_what_was_read_is_answered() -> None:
    made = source()
    with Follower(made) as f:
        idle = [socket.create_connection(made.address) for _ in range(20)]
        half = socket.create_connection(made.address)
        half.sendall(b"POST /events HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nab")
        assert post(made, b"x", TEXT)[0] == 200
        begun = time.monotonic()
    assert time.monotonic() - begun < 1
    assert f.lines == [b"x"]
    for each in (*idle, half):
        each.close()


def test_a_listener_that_ends_by_a_fault_ends_the_source_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(address: object) -> str:
        raise RuntimeError(address)

    monkeypatch.setattr("collectors.sources.connections.peer_of", fails)
    made = source()
    socket.create_connection(made.address).close()
    with pytest.raises(SourceError, match="http: the listener ended"):
        list(made.batches(threading.Event()))
    made.close()


def test_a_body_of_100000_lines_comes_in_batches_and_is_answered_once(taking: Follower) -> None:
    body = b"".join(b"line %d\n" % n for n in range(100_000))
    assert isinstance(taking.source, HttpSource)
    assert post(taking.source, body, TEXT)[1] == {"records": 100_000, "repeated": False}
    assert len(taking.lines) == len(set(taking.lines)) == 100_000
    assert max(len(batch.records) for batch in taking.batches) <= 5_000


def test_over_tls_with_client_certificates_only_ours_may_send(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = map(Path, authority.issue("soc.example"))
    with Follower(source(certificate=certificate, key=key, client_ca=authority.file)) as f:
        made = f.source
        assert isinstance(made, HttpSource)
        context = ssl.create_default_context(cafile=authority.file)
        stranger = http.client.HTTPSConnection(*made.address, timeout=5, context=context)
        with contextlib.suppress(ssl.SSLError, ConnectionError, http.client.RemoteDisconnected):
            stranger.request("POST", "/events", b"no", TEXT)
            pytest.fail(f"served with {stranger.getresponse().status}")
        context.load_cert_chain(*authority.issue("sender"))
        ours = http.client.HTTPSConnection(*made.address, timeout=5, context=context)
        with contextlib.closing(ours):
            ours.request("POST", "/events", b"yes", TEXT)
            assert ours.getresponse().status == 200
        assert raw(made, b"POST /events HTTP/1.1\r\n\r\n").find(b"200") == -1, "plain HTTP is no handshake"
        assert f.when(lambda: made.counts.refused >= 2)
    assert [(r.data, r.peer) for r in f.records] == [(b"yes", "127.0.0.1 CN=sender")]


@pytest.mark.server
def test_a_real_curl_is_served(tmp_path: Path) -> None:
    curl = shutil.which("curl")
    if not curl:
        assert os.environ.get("CI") != "true", "curl must be there in CI"
        pytest.skip("curl is not installed")
    authority = Authority(tmp_path)
    certificate, key = map(Path, authority.issue("soc.example"))
    lines = tmp_path / "lines"
    lines.write_bytes(b"".join(b'{"n":%d,"text":"xin ch\xc3\xa0o"}\n' % n for n in range(20_000)))
    token = secret(tmp_path, TOKEN)
    with Follower(source(certificate=certificate, key=key, token_file=token)) as f:
        host, port = f.source.address  # type: ignore[attr-defined]
        argv = [curl, "-sS", "--fail", "--cacert", str(authority.file), "-H", f"Authorization: Bearer {TOKEN}"]
        argv += ["-H", "Content-Type: application/x-ndjson", "-H", "Expect: 100-continue"]
        argv += ["--data-binary", f"@{lines}", f"https://{host}:{port}/events"]
        done = subprocess.run(argv, capture_output=True, check=False, timeout=30)
        assert (done.stderr, json.loads(done.stdout)) == (b"", {"records": 20_000, "repeated": False})
    assert f.lines == lines.read_bytes().splitlines()


def test_deflate_bytes_that_lie_about_their_size_change_nothing(taking: Follower) -> None:
    assert isinstance(taking.source, HttpSource)
    packed = bytearray(gzip.compress(b"text\n" * 1000))
    packed[-4:] = zlib.crc32(b"x").to_bytes(4, "little")
    assert post(taking.source, bytes(packed), {**TEXT, "Content-Encoding": "gzip"})[0] == 400
    assert taking.lines == []
