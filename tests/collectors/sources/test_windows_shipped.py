"""Windows events as shippers send them, over TCP, HTTP and Lumberjack: the same fields whichever way they come."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable

import pytest

from collectors.choosing import ChoosingParser
from collectors.parse import Context
from collectors.sources import BeatsConfig, HttpConfig, SourceConfig, SyslogConfig, open_source

from .beat import Beat
from .follower import Follower

WINLOGBEAT = {
    "@timestamp": "2026-11-22T03:00:00.123Z",
    "@metadata": {"beat": "winlogbeat", "type": "_doc", "version": "8.17.0"},
    "agent": {"type": "winlogbeat", "name": "wec01"},
    "event": {"code": "4625", "kind": "event", "provider": "Microsoft-Windows-Security-Auditing", "action": "Logon", "outcome": "failure"},
    "host": {"name": "wec01"},
    "log": {"level": "information"},
    "winlog": {
        "channel": "Security", "computer_name": "dc01.hotich.example", "event_id": "4625", "record_id": 90002, "task": "Logon",
        "opcode": "Info", "keywords": ["Audit Failure"], "provider_name": "Microsoft-Windows-Security-Auditing",
        "process": {"pid": 684, "thread": {"id": 5}},
        "event_data": {"TargetUserName": "an", "TargetDomainName": "HOTICH", "IpAddress": "192.0.2.7", "IpPort": "50022", "LogonType": "3"},
    },
}  # fmt: skip
NXLOG = {
    "EventTime": "2026-11-22T10:00:00.123+07:00", "Hostname": "dc01.hotich.example", "Keywords": -9218868437227405312, "EventID": 4625,
    "SourceName": "Microsoft-Windows-Security-Auditing", "Channel": "Security", "RecordNumber": 90002, "OpcodeValue": 0,
    "ExecutionProcessID": 684, "ExecutionThreadID": 5, "EventType": "AUDIT_FAILURE", "SourceModuleType": "im_msvistalog",
    "TargetUserName": "an", "TargetDomainName": "HOTICH", "IpAddress": "192.0.2.7", "IpPort": "50022", "LogonType": "3",
}  # fmt: skip
MEANT = {
    "event.dataset": "windows", "event.code": "4625", "event.provider": "Microsoft-Windows-Security-Auditing",
    "event.action": "logon-failed", "event.category": "authentication", "event.outcome": "failure",
    "host.name": "dc01.hotich.example", "winlog.channel": "Security",
    "winlog.keywords": "0x8010000000000000", "winlog.record_id": "90002", "winlog.process.pid": 684, "winlog.event_data.LogonType": "3",
    "user.name": "an", "user.domain": "HOTICH", "source.ip": "192.0.2.7", "source.port": 50022,
}  # fmt: skip


def by_tcp(address: tuple[str, int], lines: list[bytes]) -> None:
    with socket.create_connection(address) as sender:
        sender.sendall(b"".join(line + b"\n" for line in lines))


def by_http(address: tuple[str, int], lines: list[bytes]) -> None:
    connection = http.client.HTTPConnection(*address, timeout=10)
    connection.request("POST", "/events", b"\n".join(lines), {"Content-Type": "application/x-ndjson"})
    assert connection.getresponse().status == 200
    connection.close()


def by_lumberjack(address: tuple[str, int], lines: list[bytes]) -> None:
    beat = Beat(address)
    beat.send(lines, compressed=True)
    assert beat.until(len(lines))[-1] == len(lines)
    beat.close()


@pytest.mark.parametrize(
    ("config", "send"),
    [
        (SyslogConfig("tcp", "tcp", "127.0.0.1:0", "json"), by_tcp),
        (HttpConfig("http", "127.0.0.1:0"), by_http),
        (BeatsConfig("beats", "127.0.0.1:0"), by_lumberjack),
    ],
    ids=["tcp", "http", "beats"],
)
def test_windows_events_mean_the_same(
    config: SourceConfig, send: Callable[[tuple[str, int], list[bytes]], None]
) -> None:
    with Follower(open_source(config, {})) as taking:
        send(taking.source.address, [json.dumps(each).encode() for each in (WINLOGBEAT, NXLOG)])  # type: ignore[attr-defined]
        taking.until(2)
    events, dead = ChoosingParser(config.format, Context()).parse(taking.records)
    assert dead == []
    for event in events:
        assert event.time.isoformat() == "2026-11-22T03:00:00.123000+00:00"
        assert {name: event.fields.get(name) for name in MEANT} == MEANT
