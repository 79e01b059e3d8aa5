"""Network devices: the headers that they write, and whose clock counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from collectors.errors import ParseError
from collectors.parse import detect_format, parse
from collectors.record import Position, RawRecord
from tests.collectors.parse.golden import CONTEXT, DATA, RECEIVED, record

AT = datetime(2026, 11, 22, 3, tzinfo=UTC)
PANOS = "1,2026/11/22 10:00:00,0131,SYSTEM,auth,2561,2026/11/22 10:00:00,,auth-fail,,0,0,general,medium,failed,7,0x0,0,0,0,0,,PA-01"


def read(line: str, *, name: str = "syslog", received: datetime = RECEIVED) -> tuple[datetime, dict[str, object]]:
    event = parse(record(line.encode(), received=received), name, CONTEXT)
    return event.time, dict(event.fields)


@pytest.mark.parametrize(
    ("header", "time", "host", "sequence"),
    [
        ("<189>29: Nov 22 10:00:00: ", AT, None, 29),
        ("<189>: Nov 22 2026 10:00:00.500: ", AT + timedelta(milliseconds=500), None, None),
        ("<189>29: rtr01: 000031: Nov 22 10:00:00 ICT: ", AT, "rtr01", 29),
        ("<189>29: host-01: Nov 22 10:00:00 UTC: ", AT + timedelta(hours=7), "host-01", 29),
        ("<189>29: Nov 22 10:00:00 UTC+07:00: ", AT, None, 29),
        ("<189>29: Nov 22 10:00:00 UTC+9: ", AT - timedelta(hours=2), None, 29),
        ("<189>: 2026 Nov 22 10:00:00 ICT: ", AT, None, None),
        ("<189>nxos-01: 2026 Nov 22 10:00:00 ICT: ", AT, "nxos-01", None),
        ("Nov 22 10:05:00 192.0.2.2 29: Nov 22 10:00:00.0: ", AT, "192.0.2.2", 29),
        ("<190>Nov 22 10:05:00 rtr02 RP/0/RP0/CPU0:Nov 22 10:00:00 ICT: config[65]: ", AT, "rtr02", None),
        ("<189>Nov 22 10:00:00 192.0.2.2 ", AT, "192.0.2.2", None),
        ("<189>2026-11-22T10:00:00+07:00 sw01 ", AT, "sw01", None),
        ("<189>29: 1w2d: ", RECEIVED, None, 29),
        ("<189>29: rtr01: 00:03:51: ", RECEIVED, "rtr01", 29),
        ("<189>", RECEIVED, None, None),
        ("", RECEIVED, None, None),
    ],
)
def test_a_cisco_header_gives_time_host_and_sequence(
    header: str, time: datetime, host: str | None, sequence: int | None
) -> None:
    found, fields = read(f"{header}%SYS-5-CONFIG_I: Configured from console by an on vty0 (192.0.2.9)")
    assert found == time
    assert fields.get("host.name") == host
    assert fields.get("event.sequence") == sequence
    assert fields["event.dataset"] == "cisco_ios.log"
    assert str(fields["message"]).startswith("%SYS-5-CONFIG_I: ")


def test_a_clock_that_is_not_set_counts_only_near_the_receipt() -> None:
    text = "%SYS-5-RESTART: System restarted --"
    assert read(f"<189>29: *Mar  1 00:03:51.123: {text}")[0] == RECEIVED
    assert read(f"<189>29: *Nov 22 09:30:00: {text}")[0] == AT - timedelta(minutes=30)
    assert read(f"<189>29: Mar  1 00:03:51.123: {text}")[0].month == 2, "a set clock is believed (UTC is a day earlier)"
    assert read(f"Nov 22 10:00:00 rtr01 29: *Nov 22 09:30:00: {text}")[0] == AT, "the relay's clock is better"


def test_a_per_cent_sign_makes_no_cisco_message_of_a_programs_line() -> None:
    for text in ("100: %done", "usage: %CPU: 95", "a: %s-5-x: y"):
        _, fields = read(f"Nov 22 10:00:00 web01 app: {text}")
        assert (fields["process.name"], fields["message"], fields["event.dataset"]) == ("app", text, "syslog")


def test_a_message_says_its_own_time_whatever_the_relay_says() -> None:
    assert read("Nov 22 10:05:00 relay date=2026-11-22 time=10:00:00 type=traffic")[0] == AT
    assert read('<189>date=2026-11-22 time=10:00:00 tz="+0900" type=traffic')[0] == AT - timedelta(hours=2)
    assert read("<189>date=2026-11-22 time=11:11:11 eventtime=1795316400123456789 type=traffic")[0] == AT + timedelta(
        microseconds=123456
    )
    assert read("Nov 22 10:05:00 relay CEF:0|V|P|1|7|name|5|rt=1795316400000")[0] == AT
    assert read("Nov 22 10:05:00 relay CEF:0|V|P|1|7|name|5|rt=soon")[0] == AT + timedelta(minutes=5)


@pytest.mark.parametrize("said", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_moment_outside_the_calendar_leaves_the_headers(said: str) -> None:
    assert read(f"Nov 22 10:00:00 relay CEF:0|V|P|1|7|name|5|rt={said}")[0] == AT


@pytest.mark.parametrize("name", ["syslog", "rfc5424"])
def test_appliances_are_read_behind_the_header_of_rfc_5424(name: str) -> None:
    header = "<134>1 2026-11-22T03:05:00Z fw01"
    time, fields = read(f'{header} CheckPoint 15190 - [action:"Drop"; time:"1795316400"; src:"192.0.2.7"]', name=name)
    assert (time, fields["event.dataset"], fields["source.ip"]) == (AT, "checkpoint.firewall", "192.0.2.7")
    time, fields = read(f"{header} - - - - {PANOS}", name=name)
    assert (time, fields["event.dataset"], fields["event.outcome"]) == (AT, "panw.panos", "failure")
    packet = "4,,,7,igb0,match,block,in,4,0x0,,52,1,0,DF,17,udp,60,192.0.2.7,10.0.0.1,1,2,3"
    time, fields = read(f'{header} filterlog 71 - [meta sequenceId="1"] {packet}', name=name)
    assert time == AT + timedelta(minutes=5)
    assert (fields["event.dataset"], fields["log.syslog.structured_data.meta.sequenceId"]) == ("pfsense.log", "1")
    assert fields["source.ip"] == "192.0.2.7"


def test_structured_data_with_a_fault_is_still_refused() -> None:
    with pytest.raises(ParseError, match="not closed"):
        read('<134>1 2026-11-22T03:05:00Z fw01 app - - [x@1 a="b" c', name="rfc5424")


@pytest.mark.parametrize("sample", ["fortigate", "panos", "cisco_ios", "cef", "sophos", "huawei", "mikrotik"])
def test_a_file_of_a_devices_lines_is_detected_as_syslog(sample: str) -> None:
    path = DATA / "messages" / f"{sample}.log"
    assert detect_format(path.read_bytes(), str(path)) in ("rfc3164", "syslog")


def test_a_line_without_header_that_no_device_writes_is_refused() -> None:
    with pytest.raises(ParseError, match="no date"):
        read("just some words")
    with pytest.raises(ParseError, match="ISO 8601"):
        read("1,2,3")
    assert parse(RawRecord(PANOS.encode(), "x", Position("", "0", 1, 1), RECEIVED), "syslog", CONTEXT).time == AT
