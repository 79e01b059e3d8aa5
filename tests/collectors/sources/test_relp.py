"""RELP on loopback: what is answered and when, frames that come again, hostile peers, and the real rsyslog."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.record import Mark
from collectors.sources import Batch, RelpConfig, listener, open_source, relp
from collectors.sources.relp import RelpSource
from collectors.sources.relp_frames import Command, RelpFramer, answer, opened
from collectors.sources.resent import Start, Tail, digest, tails_of
from tests.servers.rsyslog import Files, rsyslog

from .certificates import Authority
from .follower import Follower

OFFERS = b"relp_version=0\nrelp_software=librelp,1.11.0,http://librelp.adiscon.com\ncommands=syslog"
OPEN = b"1 open %d %b\n" % (len(OFFERS), OFFERS)
OPENED = answer(1, opened(b"relp_version=0"))


def relp_source(marks: Mapping[str, Mark] | None = None, **options: object) -> RelpSource:
    source = open_source(RelpConfig("relp", "127.0.0.1:0", **options), marks or {})  # type: ignore[arg-type]
    assert isinstance(source, RelpSource)
    return source


def frame(txnr: int, message: bytes) -> bytes:
    return b"%d syslog %d%b\n" % (txnr, len(message), message and b" " + message)


class Client:
    """A session over a plain socket; the frames of the messages that it sends are numbered from 2."""

    def __init__(self, f: Follower) -> None:
        assert isinstance(f.source, RelpSource)
        self.socket = socket.create_connection(f.source.address)
        self.socket.settimeout(10)
        self.said = b""
        self._txnr = 1
        self.socket.sendall(OPEN)
        self.until(OPENED)

    def send(self, *messages: bytes) -> None:
        frames = []
        for message in messages:
            self._txnr += 1
            frames.append(frame(self._txnr, message))
        self.socket.sendall(b"".join(frames))

    def until(self, end: bytes) -> bytes:
        """All that was said to it, once it ends so, or when the connection is over."""
        while not self.said.endswith(end):
            if not (chunk := self.socket.recv(65_536)):
                break
            self.said += chunk
        return self.said

    def answered(self) -> None:
        """Wait for the answer to the last frame."""
        assert self.until(answer(self._txnr)).endswith(answer(self._txnr))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def lines(batch: Batch) -> list[bytes]:
    return [record.data for record in batch.records]


def test_a_frame_is_answered_once_its_batch_is_durable_and_not_before() -> None:
    source = relp_source()
    with Follower(source) as f, Client(f) as client:
        client.send(b"<34>one")
        client.answered()
    source, stop = relp_source(), threading.Event()
    batches: Iterator[Batch] = source.batches(stop)
    with socket.create_connection(source.address) as plain:
        plain.sendall(OPEN + frame(2, b"<34>one") + frame(3, b"<34>two"))
        assert lines(next(batches)) == [b"<34>one", b"<34>two"]
        plain.settimeout(0.3)
        assert plain.recv(65_536) == OPENED
        with pytest.raises(TimeoutError):
            plain.recv(65_536)
        stop.set()
        assert list(batches) == []
        assert plain.recv(65_536) == answer(2) + answer(3) + b"0 serverclose 0\n"
    source.close()


def test_what_was_not_taken_over_is_not_answered() -> None:
    source = relp_source()
    batches = source.batches(threading.Event())
    with socket.create_connection(source.address) as plain:
        plain.sendall(OPEN + frame(2, b"<34>one"))
        next(batches)
        batches.close()  # type: ignore[attr-defined]  # as the intake leaves it when the disk stays full until the stop
        source.close()
        plain.settimeout(5)
        assert plain.recv(65_536) == OPENED
        assert plain.recv(65_536) == b""


def test_a_client_that_closes_is_answered_and_nothing_of_it_is_remembered() -> None:
    with Follower(relp_source()) as f, Client(f) as client:
        client.send(*(b"<34>%d" % n for n in range(300)))
        client.answered()
        assert f.marks
        client.socket.sendall(b"302 close 0\n")
        assert client.until(b"serverclose 0\n").endswith(answer(301) + answer(302) + b"0 serverclose 0\n")
        assert client.socket.recv(100) == b""
    assert f.marks == {}


def test_a_command_that_is_not_known_is_answered_so() -> None:
    with Follower(relp_source()) as f, Client(f) as client:
        client.socket.sendall(b"2 eventlog 3 abc\n0 hint 0\n")
        assert client.until(b"unknown command\n").endswith(b"2 rsp 19 500 unknown command\n")
        client.socket.sendall(frame(3, b"<34>goes on"))
        f.until(1)
    assert f.lines == [b"<34>goes on"]


@pytest.mark.parametrize("crash", [False, True])
@pytest.mark.parametrize("kept", [0, 1, 299, 300])
def test_frames_that_come_again_after_a_break_are_answered_and_not_taken_twice(crash: bool, kept: int) -> None:
    messages = [b"<34>%d" % n for n in range(300)]
    with Follower(relp_source()) as f:
        with Client(f) as client:
            client.send(*messages)
            client.answered()
        marks = f.marks
        if not crash:
            assert f.when(lambda: not f.source._listener.connections)  # type: ignore[attr-defined]
            with Client(f) as client:
                client.send(*messages[kept:], b"<34>new")
                client.answered()
    if crash:
        with Follower(relp_source(marks)) as g, Client(g) as client:
            client.send(*messages[kept:], b"<34>new")
            client.answered()
        f.batches += g.batches
    assert f.lines == [*messages, b"<34>new"]
    repeated = (g if crash else f).source.counts.repeated
    assert repeated == 300 - kept
    assert len({record.position.stream for record in f.records}) == 2


def test_a_run_that_breaks_off_again_is_known_the_third_time() -> None:
    messages = [b"<34>%d" % n for n in range(50)]
    with Follower(relp_source()) as f:
        for end in (40, 20, 30, 50):
            with Client(f) as client:
                client.send(*messages[:end])
                if end >= 40:
                    client.answered()
                else:  # the run ends where the last session ended: until then nothing is known, and nothing answered
                    time.sleep(0.2)
                    assert client.said == OPENED
            f.when(lambda: not f.source._listener.connections)  # type: ignore[attr-defined]
    assert f.lines == messages


def test_a_client_that_comes_back_while_its_old_connection_hangs_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relp, "_HANGING_S", 0.2)
    messages = [b"<34>%d" % n for n in range(2_000)]
    with Follower(relp_source()) as f, socket.socket() as hanging:
        hanging.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
        hanging.connect(f.source.address)  # type: ignore[attr-defined]
        hanging.sendall(OPEN + b"".join(frame(n, message) for n, message in enumerate(messages, 2)))
        f.until(2_000)
        time.sleep(0.5)
        with Client(f) as client:
            client.send(*messages[1_500:], b"<34>new")
            client.answered()
    assert f.lines == [*messages, b"<34>new"]
    assert f.source.counts.repeated == 500


def test_the_same_bytes_again_are_another_event_unless_a_break_came_between() -> None:
    with Follower(relp_source()) as f:
        with Client(f) as client:
            client.send(b"<34>beat", b"<34>beat", b"<34>other", b"<34>beat", b"<34>last")
            client.answered()
        f.when(lambda: not f.source._listener.connections)  # type: ignore[attr-defined]
        with Client(f) as client:
            client.send(b"<34>beat", b"<34>other", b"<34>last")
            client.answered()
    assert len(f.lines) == 8


def test_a_start_that_does_not_go_on_is_taken_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relp, "_SILENT_S", 0.2)
    with Follower(relp_source()) as f:
        with Client(f) as client:
            client.send(b"<34>beat", b"<34>last")
            client.answered()
        f.when(lambda: not f.source._listener.connections)  # type: ignore[attr-defined]
        with Client(f) as client:
            client.send(b"<34>beat")
            client.answered()
    assert f.lines == [b"<34>beat", b"<34>last", b"<34>beat"]


def test_two_sessions_of_one_peer_that_send_the_same_side_by_side_are_both_taken() -> None:
    with Follower(relp_source()) as f, Client(f) as one, Client(f) as two:
        for n in range(20):
            one.send(b"<34>%d" % n)
            one.answered()
            two.send(b"<34>%d" % n)
            two.answered()
    assert len(f.lines) == 40


def test_what_is_remembered_of_a_session_is_bounded() -> None:
    with Follower(relp_source(window=256)) as f, Client(f) as client:
        for _ in range(20):
            client.send(*(b"<34>%d" % n for n in range(1_000)))
            client.answered()
        marks = f.marks.values()
    assert len(marks) <= 256 // 64 + 1
    assert sum(len(mark.tail) for mark in marks) <= (256 + 64) * 8
    changed = [mark for batch in f.batches for mark in batch.marks.values() if mark]
    assert sum(len(mark.tail) for mark in changed) < 8 * 20_000 + 64 * 8 * len(f.batches), (
        "a tail is not written again and again"
    )


def test_broken_sessions_that_are_remembered_are_bounded() -> None:
    with Follower(relp_source()) as f:
        for n in range(40):
            with Client(f) as client:
                client.send(b"<34>%d" % n)
                client.answered()
        with Client(f) as client:
            client.send(b"<34>last")
            client.answered()
            assert len(f.marks) <= 16 + 1


HOSTILE = {
    "no relp": b"GET / HTTP/1.1\r\n\r\n",
    "syslog": b"<34>Oct 11 22:14:15 host su: plain\n",
    "no open": frame(1, b"<34>early"),
    "a length that nobody can mean": OPEN + b"2 syslog 999999999 x",
    "shorter than it says": OPEN + b"2 syslog 5 <34>0123456789\n",
    "longer than it says": OPEN + b"2 syslog 50 <34>0123456789\n" + frame(3, b"x" * 100),
    "no data where it tells of some": OPEN + b"2 syslog 5\n",
    "a command without end": OPEN + b"2 " + b"x" * 100,
    "a number without end": OPEN + b"2" * 60,
    "binary": bytes(range(256)) * 10,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_peer_that_does_not_keep_the_protocol_is_left_and_counted_and_others_are_served(name: str) -> None:
    with Follower(relp_source()) as f, Client(f) as good:
        with socket.create_connection(f.source.address) as bad:  # type: ignore[attr-defined]
            bad.settimeout(5)
            bad.sendall(HOSTILE[name])
            while bad.recv(65_536):
                pass
        good.send(b"<34>served")
        good.answered()
    assert f.lines == [b"<34>served"]
    assert f.source.counts.framing_faults == 1


def test_any_bytes_may_stand_in_a_message_and_a_10_mb_one_is_cut() -> None:
    messages = [b"", b"\0\0", b"<34>\xff\xfe", b"<34>a\nb\n", b"<34>x\n" * 3, b"y" * 10_000_000, b"<34>after"]
    with Follower(relp_source()) as f, Client(f) as client:
        client.send(*messages)
        client.answered()
    sent = [message.rstrip(b"\r\n\0") for message in messages]
    assert [len(record.data) + record.truncated for record in f.records] == [len(message) for message in sent]
    assert [line for line in f.lines if len(line) < 100] == [message for message in sent if len(message) < 100]
    assert f.source.counts.truncated == 1


def test_a_client_that_takes_no_answers_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "_UNTAKEN_BYTES", 1_000)
    source = relp_source()
    with Follower(source) as f, socket.socket() as deaf, Client(f) as good:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        deaf.connect(source.address)
        deaf.settimeout(1)
        deaf.sendall(OPEN)
        flood = b"".join(frame(n, b"x") for n in range(2, 10_000))

        def fill() -> None:
            for _ in range(300):
                deaf.sendall(flood)

        with pytest.raises(TimeoutError):
            fill()
        good.send(b"<34>served")
        good.answered()
        (held,) = [c for c in source._listener.connections if len(c.answers) > 1_000]
        assert len(held.answers) < 2_000_000


def test_who_opens_no_session_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relp, "START_S", 0.3)
    with Follower(relp_source(max_connections=3)) as f:
        slow = [socket.create_connection(f.source.address) for _ in range(3)]  # type: ignore[attr-defined]
        slow[0].sendall(b"1 open 85 rel")
        assert f.when(lambda: f.source.counts.framing_faults == 3)
        with Client(f) as client:
            client.send(b"<34>served")
            client.answered()
        for connection in slow:
            connection.close()


def test_one_peer_may_have_so_many_connections_and_so_many_records_a_second() -> None:
    with Follower(relp_source(max_peer_connections=2, max_peer_rate=500)) as f, Client(f) as one, Client(f) as _:
        with socket.create_connection(f.source.address) as third:  # type: ignore[attr-defined]
            assert third.recv(10) == b""
        began = time.monotonic()
        for n in range(20):
            one.send(*(b"<34>%d %s" % (m, b"x" * 600) for m in range(n * 100, n * 100 + 100)))
        one.answered()
        assert time.monotonic() - began > 1.5, "a second's worth at once, then 500 a second, but for the last chunk"
    assert len(f.lines) == 2_000
    assert f.source.counts.refused == 1


STREAM = OPEN + frame(2, b"") + frame(3, b"<34>one") + frame(4, b"x" * 40) + b"0 hint 0\n" + b"999999999 close 0\n"
COMMANDS = [
    Command(1, b"open", OFFERS[:10], len(OFFERS) - 10),
    Command(2, b"syslog", b"", 0),
    Command(3, b"syslog", b"<34>one", 0),
    Command(4, b"syslog", b"x" * 10, 30),
    Command(0, b"hint", b"", 0),
    Command(999_999_999, b"close", b"", 0),
]


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_frames_are_the_same_however_the_stream_is_cut(cuts: list[int]) -> None:
    framer = RelpFramer(10)
    places = [0, *sorted(cuts), len(STREAM)]
    found = [c for start, end in pairwise(places) for c in framer.feed(STREAM[start:end])]
    assert found == COMMANDS
    assert framer.broken == ""


@given(st.binary(max_size=200), st.integers(0, len(STREAM)), st.binary(max_size=5))
def test_no_bytes_raise_and_what_is_broken_stays_so(noise: bytes, place: int, more: bytes) -> None:
    framer = RelpFramer(10)
    framer.feed(STREAM[:place] + noise)
    if framer.broken:
        assert framer.feed(more + STREAM) == []


@given(st.data())
def test_whatever_breaks_and_crashes_each_message_is_journalled_once(data: st.DataObject) -> None:
    """A client with a window against the memory of sessions: it sends, breaks off, sends again; the server forgets all but its marks."""
    journal: list[int] = []
    marks: dict[str, Mark] = {}
    broken: list[Tail] = []
    unanswered: list[int] = []
    following = 0
    for session in range(data.draw(st.integers(1, 8))):
        tail = Tail("s", "peer", f"session{session}", 64)
        start: Start | None = Start(broken)
        held: list[int] = []
        fresh = list(range(following, following + data.draw(st.integers(0, 40))))
        arrived = (unanswered + fresh)[: data.draw(st.integers(0, 60))]
        following = max([following, *(n + 1 for n in arrived)])
        unanswered = [*unanswered, *(n for n in arrived if n not in unanswered)]
        for number in arrived:
            mark = digest(b"%d" % number)
            tail.add(mark, 0.0)
            if start is None:
                journal.append(number)
                continue
            held.append(number)
            if start.add(mark):
                journal += held[start.resent :]
                if start.tail:
                    start.tail.over = True
                    broken.remove(start.tail)
                    changes = start.tail.marks()
                    marks = {key: mark for key, mark in marks.items() if key not in changes}
                start = None
        if start is None:
            marks.update({key: mark for key, mark in tail.marks().items() if mark})
            broken.append(tail)
            unanswered = unanswered[data.draw(st.integers(0, len(arrived))) :]
        if data.draw(st.booleans()):
            broken = tails_of(marks, "s", 64)
    assert journal == sorted(set(journal))


@pytest.mark.server
@pytest.mark.parametrize("encrypted", [False, True])
def test_a_real_rsyslog_is_understood_and_answered(tmp_path: Path, encrypted: bool) -> None:
    authority = Authority(tmp_path)
    certificate, key = map(Path, authority.issue("soc.example"))
    keys = {"certificate": certificate, "key": key, "client_ca": authority.file} if encrypted else {}
    files = Files(authority.file, *authority.issue("sender-01")) if encrypted else None
    with Follower(relp_source(**keys)) as f:
        with rsyslog(relp=f.source.address[1], files=files) as sender:  # type: ignore[attr-defined]
            for n in range(5_000):
                sender.send(f"line {n}")
        f.until(5_000)
    assert [line.rsplit(b" ", 1)[1] for line in f.lines] == [b"%d" % n for n in range(5_000)]
    assert {record.peer for record in f.records} == {"127.0.0.1 CN=sender-01" if encrypted else "127.0.0.1"}
    assert f.marks == {}, "rsyslog closed its session, so nothing of it can come again"
    assert (f.source.counts.framing_faults, f.source.counts.repeated) == (0, 0)
