"""Notifications of a real agent (v2c, v3) and datagrams made by hand: who may send, replays, informs, what is no trap."""

from __future__ import annotations

import json
import random
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from collectors.errors import SourceError
from collectors.parse import parse
from collectors.sources import SnmpConfig, open_source
from collectors.sources.snmp import SnmpSource
from collectors.sources.source import Counts
from tests.collectors.parse.golden import CONTEXT
from tests.collectors.sources.driven import Hesitant
from tests.servers import snmptrap

ON_BATTERY = "1.3.6.1.2.1.33.2.1"
SAID = (ON_BATTERY, "1.3.6.1.2.1.33.1.2.3.0", "i", "42", "1.3.6.1.2.1.33.1.2.2.0", "i", "0")
EXPECTED = {
    "trap": ON_BATTERY,
    "uptime": 8640001,
    "agent": "127.0.0.1",
    "varbinds": {"1.3.6.1.2.1.33.1.2.3.0": 42, "1.3.6.1.2.1.33.1.2.2.0": 0},
}
ENGINE = "80001f8804736f63"


def opened(**keys: Any) -> SnmpSource:
    source = open_source(SnmpConfig("traps", "127.0.0.1:0", **keys), {})
    assert isinstance(source, SnmpSource)
    return source


def drained(source: SnmpSource) -> list[dict[str, Any]]:
    """What had arrived; the source is closed."""
    stop = threading.Event()
    stop.set()
    found = [json.loads(record.data)["snmp"] for batch in source.batches(stop) for record in batch.records]
    source.close()
    return found


def received(datagrams: Sequence[bytes], **keys: Any) -> tuple[list[dict[str, Any]], Counts]:
    source = opened(**keys)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        for datagram in datagrams:
            agent.sendto(datagram, source.address)
    return drained(source), source.counts


def recorded(options: Sequence[str], *said: str) -> bytes:
    """The datagram that a real agent sends."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        snmptrap.send(receiver.getsockname()[1], options, *(said or SAID))
        return receiver.recv(65_535)


def v3(
    auth: str, *, private: bool = True, boots: int = 3, time_s: int = 1_000, password: str = "correct horse"
) -> list[str]:
    options = [
        "-v3",
        "-e",
        ENGINE,
        "-Z",
        f"{boots},{time_s}",
        "-u",
        "ups",
        "-a",
        auth,
        "-A",
        password.replace(" ", "-"),
    ]
    return [*options, "-l", "authPriv" if private else "authNoPriv", "-x", "AES", "-X", "battery-staple"]


def users(folder: Path, line: str = "ups SHA-256 correct-horse AES battery-staple") -> Path:
    path = folder / "users"
    path.write_text(f"# agents\n\n{line}\n")
    return path


def tlv(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = bytes([len(body)]) if len(body) < 128 else b"\x84" + len(body).to_bytes(4)
    return bytes([tag]) + size + body


NUMBER = b"\x02\x01\0"
TRAP_OID = tlv(0x30, bytes.fromhex("060a2b060106030101040100"), bytes.fromhex("06072b060102012102"))


def trap(*varbinds: bytes, kind: int = 0xA7, version: bytes = b"\x02\x01\x01") -> bytes:
    return tlv(0x30, version, tlv(4, b"province"), tlv(kind, NUMBER * 3, tlv(0x30, TRAP_OID, *varbinds)))


def bound(tag: int, value: bytes, name: bytes = b"\x2b\x06") -> bytes:
    return tlv(0x30, tlv(6, name), tlv(tag, value))


@pytest.mark.server
def test_a_real_agents_trap_is_what_the_parser_documents() -> None:
    source, stop = opened(), threading.Event()
    snmptrap.send(source.address[1], snmptrap.V2C, *SAID)
    stop.set()
    [record] = [record for batch in source.batches(stop) for record in batch.records]
    source.close()
    assert json.loads(record.data) == {"snmp": EXPECTED | {"version": "2c"}}
    event = parse(record, "json", CONTEXT)
    assert event.fields["event.action"] == "on-battery"
    assert event.fields["ups.battery.minutes_remaining"] == 42


@pytest.mark.server
def test_a_real_agents_values_of_every_type() -> None:
    values = {
        "i": "-7",
        "u": "4294967295",
        "c": "3",
        "C": "18446744073709551615",
        "t": "99",
        "a": "10.20.9.5",
        "o": "1.3.6.1.2.1.33",
    }
    values |= {"s": "Cửa số 4", "x": "00ff10"}
    said = [each for n, (kind, value) in enumerate(values.items()) for each in (f"1.3.6.1.4.1.9.{n}", kind, value)]
    source = opened()
    snmptrap.send(source.address[1], snmptrap.V2C, ON_BATTERY, *said)
    [found] = drained(source)
    expected = [-7, 4294967295, 3, 18446744073709551615, 99, "10.20.9.5", "1.3.6.1.2.1.33", "Cửa số 4", "0x00ff10"]
    assert list(found["varbinds"].values()) == expected


@pytest.mark.server
def test_an_inform_is_answered_when_it_is_durable() -> None:
    driven = Hesitant(source := opened())
    agent = snmptrap.start(source.address[1], ("-Ci", *snmptrap.V2C), *SAID)
    try:
        with pytest.raises(Exception, match="timed out"):
            agent.wait(1.5)
        assert driven.taken
        driven.go_on.release(100)
        told, _ = agent.communicate(timeout=10)
        assert agent.returncode == 0, told
    finally:
        agent.kill()
        driven.end()
    assert json.loads(driven.taken[0])["snmp"] == EXPECTED | {"version": "2c"}


def test_only_communities_of_the_file_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "communities"
    path.write_text("# ours\nother\nprovince\n")
    stranger = trap().replace(b"province", b"provinc3")
    found, counts = received([trap(), stranger], communities_file=path)
    assert (len(found), counts.records, counts.refused) == (1, 1, 1)
    path.write_text("# none\n")
    with pytest.raises(SourceError, match="communities: no community"):
        opened(communities_file=path)


def test_where_users_are_configured_a_community_is_not_enough(tmp_path: Path) -> None:
    found, counts = received([trap()], users_file=users(tmp_path))
    assert (found, counts.refused) == ([], 1)


@pytest.mark.server
@pytest.mark.parametrize("auth", ["SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"])
@pytest.mark.parametrize("private", [True, False])
def test_a_real_agents_v3_trap(tmp_path: Path, auth: str, private: bool) -> None:
    line = f"ups {auth} correct-horse" + " AES battery-staple" * private
    source = opened(users_file=users(tmp_path, line))
    snmptrap.send(source.address[1], v3(auth, private=private), *SAID)
    assert drained(source) == [EXPECTED | {"version": "3", "user": "ups"}]
    assert (source.counts.refused, source.counts.framing_faults) == (0, 0)


@pytest.mark.server
def test_v3_that_is_changed_weaker_or_of_a_stranger_is_refused(tmp_path: Path) -> None:
    path, right = users(tmp_path), recorded(v3("SHA-256"))
    for at in (-1, -40):
        changed = bytearray(right)
        changed[at] ^= 1
        assert received([bytes(changed)], users_file=path)[1].refused == 1
    for other in (
        v3("SHA-256", password="wrong horse"),
        v3("SHA-512"),
        v3("SHA-256", private=False),
        ["-v3", "-e", ENGINE, "-u", "ups", "-l", "noAuthNoPriv"],
        ["-v3", "-e", ENGINE, "-u", "door", "-l", "noAuthNoPriv"],
        v3("SHA-256", boots=2**31 - 1),
    ):
        found, counts = received([recorded(other)], users_file=path)
        assert (found, counts.refused) == ([], 1), other
    found, counts = received([right])
    assert (found, counts.refused) == ([], 1)


@pytest.mark.server
def test_a_replay_is_refused_and_a_late_or_rebooted_agent_is_not(tmp_path: Path) -> None:
    sent = [(3, 1_000), (3, 900), (3, 2_000), (3, 1_849), (3, 1_850), (4, 5), (3, 2_001)]
    datagrams = [recorded(v3("SHA-256", boots=boots, time_s=time_s)) for boots, time_s in sent]
    found, counts = received(datagrams, users_file=users(tmp_path))
    assert (len(found), counts.refused) == (5, 2)
    found, counts = received([datagrams[0]] * 3 + [datagrams[2], datagrams[0]], users_file=users(tmp_path))
    assert (len(found), counts.refused) == (2, 3)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("ups SHA-256", ":3: a user is NAME"),
        ("ups MD5 correct-horse", ":3: the authentication is one of SHA"),
        ("ups SHA-256 correct-horse DES battery-staple", ":3: the privacy is one of AES"),
        ("ups SHA-256 short", ":3: a password has 8"),
        ("ups SHA correct-horse\nups SHA correct-horse", ":4: a user of this name"),
        ("# nobody", "users: no user"),
    ],
)
def test_faults_of_the_users_file_are_told_with_their_line_and_no_password(
    tmp_path: Path, line: str, told: str
) -> None:
    with pytest.raises(SourceError) as fault:
        opened(users_file=users(tmp_path, line))
    assert told in str(fault.value)
    assert "horse" not in str(fault.value)


def test_what_is_bound_twice_is_kept_twice() -> None:
    [found], _ = received([trap(bound(4, b"a"), bound(4, b"b"), bound(5, b""), bound(0x81, b"", b"\x2b\x07"))])
    assert found["varbinds"] == {"1.3.6": "a", "1.3.6#2": "b", "1.3.6#3": "", "1.3.7": "noSuchInstance"}
    assert "uptime" not in found


HOSTILE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "zeros": lambda: b"\0" * 2_000,
    "v1": lambda: trap(version=NUMBER),
    "a version of 2^64": lambda: trap(version=tlv(2, b"\x7f" + b"\xff" * 9)),
    "a get": lambda: trap(kind=0xA0),
    "a response": lambda: trap(kind=0xA2),
    "a length that lies": lambda: b"\x30\x84\xff\xff\xff\xff" + trap(),
    "no definite length": lambda: b"\x30\x80" + trap(),
    "more after it": lambda: trap() + b"\0",
    "a number of no bytes": lambda: trap(bound(2, b"")),
    "an OID without an end": lambda: trap(bound(4, b"", b"\x2b\x86")),
    "an OID of 60,000 arcs": lambda: trap(bound(4, b"", b"\x01" * 60_000)),
    "an arc of 60,000 bytes": lambda: trap(bound(6, b"\xff" * 60_000 + b"\x01")),
    "no trap's OID": lambda: tlv(0x30, b"\x02\x01\x01", tlv(4, b"x"), tlv(0xA7, NUMBER * 3, tlv(0x30, bound(4, b"")))),
    "nested 10,000 times": lambda: b"\x30\x82\x27\x10" * 10_000,
    "v3 with another model": lambda: tlv(0x30, b"\x02\x01\x03", tlv(0x30, NUMBER * 2, tlv(4, b"\0"), b"\x02\x01\x02")),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_trap_is_counted_and_what_follows_is_read(name: str, tmp_path: Path) -> None:
    found, counts = received([HOSTILE[name](), trap()])
    assert (len(found), counts.framing_faults, counts.refused) == (1, 1, 0)


class Relay:
    """Passes datagrams of one agent on and the answers back, and keeps both."""

    def __init__(self, to: tuple[str, int]) -> None:
        self.asked: list[bytes] = []
        self.answered: list[bytes] = []
        self._to = to
        self._front, self._back = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self._front.bind(("127.0.0.1", 0))
        self.port: int = self._front.getsockname()[1]
        for each in (self._front, self._back):
            each.settimeout(0.05)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._pass_on)
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join()
        self._front.close()
        self._back.close()

    def _pass_on(self) -> None:
        agent = None
        while not self._over.is_set():
            try:
                data, agent = self._front.recvfrom(65_535)
                self.asked.append(data)
                self._back.sendto(data, self._to)
            except TimeoutError:
                pass
            try:
                self.answered.append(self._back.recv(65_535))
                if agent is not None:
                    self._front.sendto(self.answered[-1], agent)
            except TimeoutError:
                pass


def reply_to(datagram: bytes, address: tuple[str, int], within_s: float = 10) -> bytes:
    """What the source answers; b"" where it does not."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        agent.settimeout(within_s)
        agent.sendto(datagram, address)
        try:
            return agent.recv(65_535)
        except TimeoutError:
            return b""


def informing(auth: str = "SHA-256", *, private: bool = True) -> list[str]:
    options = ["-Ci", "-v3", "-u", "ups", "-a", auth, "-A", "correct-horse"]
    return [*options, "-l", "authPriv" if private else "authNoPriv", "-x", "AES", "-X", "battery-staple"]


@pytest.mark.server
@pytest.mark.parametrize("auth", ["SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"])
@pytest.mark.parametrize("private", [True, False])
def test_a_real_agents_v3_inform_is_answered(tmp_path: Path, auth: str, private: bool) -> None:
    line = f"ups {auth} correct-horse" + " AES battery-staple" * private
    driven = Hesitant(source := opened(users_file=users(tmp_path, line)))
    driven.go_on.release(100)
    try:
        snmptrap.send(source.address[1], informing(auth, private=private), *SAID)
    finally:
        driven.end()
    assert [json.loads(each)["snmp"] for each in driven.taken] == [EXPECTED | {"version": "3", "user": "ups"}]
    assert (source.counts.refused, source.counts.framing_faults, source.counts.repeated) == (0, 0, 0)


@pytest.mark.server
def test_an_inform_of_v3_is_answered_when_it_is_durable_and_its_engine_before(tmp_path: Path) -> None:
    driven = Hesitant(source := opened(users_file=users(tmp_path)))
    agent = snmptrap.start(source.address[1], informing(), *SAID)
    try:
        with pytest.raises(Exception, match="timed out"):
            agent.wait(1.5)
        assert not driven.taken  # not even asked: whose engine it is is not durable yet
        driven.go_on.release(1)
        with pytest.raises(Exception, match="timed out"):
            agent.wait(1.5)
        assert driven.taken
        driven.go_on.release(100)
        told, _ = agent.communicate(timeout=10)
        assert agent.returncode == 0, told
    finally:
        agent.kill()
        driven.end()


@pytest.mark.server
def test_an_inform_that_comes_again_is_answered_again_and_no_second_record(tmp_path: Path) -> None:
    driven = Hesitant(source := opened(users_file=users(tmp_path)))
    driven.go_on.release(100)
    relay = Relay(source.address)
    snmptrap.send(relay.port, informing(), *SAID)
    relay.end()
    again = reply_to(relay.asked[-1], source.address)
    driven.end()
    assert len(driven.taken) == 1
    assert source.counts.repeated == 1
    assert len(again) == len(relay.answered[-1])


@pytest.mark.server
def test_a_start_is_counted_and_messages_of_the_one_before_are_answered_with_the_time(tmp_path: Path) -> None:
    path = users(tmp_path)
    driven = Hesitant(source := opened(users_file=path))
    driven.go_on.release(100)
    relay = Relay(source.address)
    snmptrap.send(relay.port, informing(), *SAID)
    relay.end()
    first = source._engine.mark
    driven.end()
    driven = Hesitant(later := open_source(SnmpConfig("traps", "127.0.0.1:0", users_file=path), {"engine": first}))
    driven.go_on.release(100)
    assert isinstance(later, SnmpSource)
    told = reply_to(relay.asked[-1], later.address)
    driven.end()
    assert (later._engine.mark.path, later._engine.mark.offset) == (first.path, first.offset + 1)
    assert (driven.taken, later.counts.refused) == ([], 0)
    assert bytes.fromhex("2b060106030f01010200") in told  # usmStatsNotInTimeWindows.0


@pytest.mark.server
def test_a_question_for_our_engine_that_wants_no_answer_gets_none(tmp_path: Path) -> None:
    driven = Hesitant(source := opened(users_file=users(tmp_path)))
    driven.go_on.release(100)
    relay = Relay(source.address)
    snmptrap.send(relay.port, informing(), *SAID)
    relay.end()
    question = bytearray(relay.asked[0])
    at = question.index(b"\x04\x01\x04\x02\x01\x03") + 2  # flags: reportable; the user-based model
    question[at] = 0
    before = source.counts.refused
    assert reply_to(relay.asked[0], source.address)
    assert not reply_to(bytes(question), source.address, 0.5)
    driven.end()
    assert source.counts.refused == before + 1


@pytest.mark.server
def test_a_datagram_changed_anywhere_costs_no_other(tmp_path: Path) -> None:
    chance, path = random.Random(7), tmp_path / "communities"
    path.write_text("province\n")
    whole = [recorded(snmptrap.V2C), recorded(v3("SHA-256"))]
    datagrams = []
    for n in range(2_000):
        data = bytearray(whole[n % 2])
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        datagrams.append(bytes(data[: chance.randint(1, len(data))]) if n % 5 == 0 else bytes(data))
    datagrams = [each for each in datagrams if each not in whole]
    found, counts = received([*datagrams, *whole], users_file=users(tmp_path), communities_file=path)
    assert counts.records + counts.refused + counts.framing_faults == len(datagrams) + 2
    assert [each["version"] for each in found[-2:]] == ["2c", "3"]
    assert [each["user"] for each in found if each["version"] == "3"] == ["ups"]


def test_a_sender_beyond_its_rate_is_dropped_and_counted() -> None:
    found, counts = received([trap()] * 50, max_peer_rate=10)
    assert len(found) + counts.dropped == 50
    assert 10 <= len(found) <= 20
