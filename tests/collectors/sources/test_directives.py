"""What a log says of its columns goes with each line after it, however the file is read, left and found again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from collectors.choosing import AUTO, ChoosingParser
from collectors.journal import JournalConfig, open_journal
from collectors.parse import Context
from collectors.record import Mark
from collectors.sources import FileConfig, open_source, parts_of, read_file
from collectors.sources.directives import after, are_in, first, may_be_in
from tests.collectors.sources.follower import Follower

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SOFTWARE = b"#Software: Microsoft Internet Information Services 10.0"
FIELDS = b"#Fields: date time c-ip cs-method sc-status"
FEWER = b"#Fields: date time c-ip cs-method"
BEFORE = SOFTWARE + b"\n" + FIELDS


def line(second: int) -> bytes:
    return b"2026-11-22 03:00:%02d 192.0.2.7 GET 200" % second


def follow(path: Path, marks: dict[str, Mark] | None = None, *, from_start: bool = True) -> Follower:
    config = FileConfig("iis", str(path), poll_s=0.02, rotate_wait_s=0.3, from_start=from_start)
    return Follower(open_source(config, marks or {}))


def write(path: Path, *lines: bytes) -> None:
    with path.open("ab") as file:
        file.write(b"".join(each + b"\r\n" for each in lines))


@pytest.mark.parametrize(
    ("header", "said", "found"),
    [
        (b"", FIELDS, FIELDS),
        (BEFORE, FEWER, SOFTWARE + b"\n" + FEWER),
        (FIELDS, b"#fields\tts\tuid", FIELDS + b"\n#fields\tts\tuid"),
        (FIELDS, b"# Fields: a b", FIELDS),
        (FIELDS, b"#Remark: anything", FIELDS),
        (FIELDS, b"#Fields:", FIELDS),
        (FIELDS, b"#Fields: " + b"a " * 5_000, FIELDS),
        (FIELDS, b"#", FIELDS),
    ],
)
def test_a_directive_takes_the_place_of_the_one_of_its_name(header: bytes, said: bytes, found: bytes) -> None:
    assert after(header, said) == found


def test_a_line_that_only_begins_with_a_hash_is_no_directive() -> None:
    assert may_be_in(b"a\n# note\n")
    assert not are_in(b"a\n# note\n")
    assert are_in(b"a\n" + FIELDS + b"\n")


def test_lines_have_the_directives_before_them_also_after_a_restart_amid_the_file(tmp_path: Path) -> None:
    path = tmp_path / "u_ex261122.log"
    write(path, SOFTWARE, FIELDS, line(0))
    with follow(path) as first:
        first.until(3)
    assert [each.header for each in first.records] == [b"", SOFTWARE, BEFORE]
    write(path, line(1))
    journal = open_journal(JournalConfig(tmp_path / "journal"))
    journal.append([], first.marks, [])
    with follow(path, dict(journal.marks())) as second:
        second.until(1)
        write(path, FEWER, line(2))
        second.until(3)
    journal.close()
    assert [(each.data, each.header) for each in second.records] == [
        (line(1), BEFORE),
        (FEWER, BEFORE),
        (line(2), SOFTWARE + b"\n" + FEWER),
    ]


def test_the_format_of_a_stream_that_is_resumed_amid_its_file_is_recognised_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "u_ex261122.log"
    write(path, SOFTWARE, FIELDS, line(0))
    with follow(path) as first:
        first.until(3)
    write(path, line(1))
    with follow(path, first.marks) as second:
        second.until(1)
    [event], dead = ChoosingParser(AUTO, Context()).parse(second.records)
    assert not dead
    assert event.fields["http.response.status_code"] == 200


def test_lines_of_a_file_that_is_read_from_its_end_have_its_last_directives(tmp_path: Path) -> None:
    path = tmp_path / "u_ex261122.log"
    write(path, SOFTWARE, FIELDS, *[line(0)] * 20_000, FEWER, line(1))
    with follow(path, from_start=False) as followed:
        assert followed.when(lambda: bool(followed.marks))
        write(path, line(2))
        followed.until(1)
    assert [(each.data, each.header) for each in followed.records] == [(line(2), SOFTWARE + b"\n" + FEWER)]


def test_a_file_that_was_truncated_goes_on_with_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "conn.log"
    write(path, SOFTWARE, FIELDS, line(0))
    with follow(path) as followed:
        followed.until(3)
        path.write_bytes(b"")
        followed.when(lambda: followed.source.counts.restarts == 1)
        write(path, line(1))
        followed.until(4)
    assert [(each.data, each.header) for each in followed.records[3:]] == [(line(1), BEFORE)]


def test_a_scan_gives_each_line_its_header_and_cuts_no_such_file_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "u_ex261122.log"
    write(path, SOFTWARE, FIELDS, *[line(0)] * 9_000, FEWER, *[line(1)] * 3)
    records = [each for batch in read_file(path, "scan", NOW) for each in batch.records]
    assert {each.header for each in records[2:9_003]} == {BEFORE}
    assert {each.header for each in records[9_003:]} == {SOFTWARE + b"\n" + FEWER}
    assert list(parts_of(path, 10_000)) == []


FLOW_COLUMNS = b"account-id action dstaddr dstport end log-status protocol srcaddr srcport start tcp-flags vpc-id"


def flow(second: int) -> bytes:
    return b"111122223333 REJECT 10.20.1.5 22 %d OK 6 203.0.113.7 51022 1795316400 2 vpc-0a1b" % (1795316400 + second)


@pytest.mark.parametrize(
    ("line", "header"),
    [
        (FLOW_COLUMNS, FLOW_COLUMNS),
        (FLOW_COLUMNS + b"\r\n" + flow(0), FLOW_COLUMNS),
        (b"version dstaddr", b""),
        (b"the dstaddr is unknown. bye", b""),
        (b"srcaddr dstport bytes", b""),
        (flow(0), b""),
        (b"", b""),
    ],
)
def test_a_first_line_of_nothing_but_columns_is_a_header(line: bytes, header: bytes) -> None:
    assert first(line) == header


def test_columns_without_a_mark_count_in_the_first_line_only_and_over_restarts(tmp_path: Path) -> None:
    path = tmp_path / "flows.log"
    write(path, FLOW_COLUMNS, flow(1), FLOW_COLUMNS.replace(b"srcaddr ", b"srcaddr x-y "))
    with follow(path) as begun:
        begun.until(3)
        marks = begun.marks
    write(path, flow(2))
    with follow(path, marks) as resumed:
        resumed.until(1)
    assert [each.header for each in begun.records + resumed.records] == [b"", *[FLOW_COLUMNS] * 3]
    with follow(path, from_start=False) as late:
        assert late.when(lambda: bool(late.marks))
        write(path, flow(3))
        late.until(1)
    assert late.records[0].header == FLOW_COLUMNS


def test_a_flow_log_with_columns_of_its_own_is_recognised_and_read_by_them(tmp_path: Path) -> None:
    path = tmp_path / "flows.log"
    write(path, FLOW_COLUMNS, *[flow(n) for n in range(3)])
    assert list(parts_of(path, 100)) == []
    records = [each for batch in read_file(path, "scan", NOW) for each in batch.records]
    events, dead = ChoosingParser(AUTO, Context()).parse(records)
    assert not dead
    assert events[0].fields["event.action"] == "log-header"
    assert events[3].time == datetime.fromtimestamp(1795316402, UTC)
    assert events[3].fields == {
        "event.dataset": "aws.vpcflow", "event.category": "network", "event.action": "reject", "event.type": "denied",
        "event.outcome": "failure", "event.duration": 2_000_000_000, "cloud.provider": "aws", "cloud.account.id": "111122223333",
        "destination.ip": "10.20.1.5", "destination.port": 22, "source.ip": "203.0.113.7", "source.port": 51022,
        "network.iana_number": "6", "network.transport": "tcp", "aws.vpcflow.log_status": "OK", "aws.vpcflow.tcp_flags": "2",
        "aws.vpcflow.vpc_id": "vpc-0a1b",
    }  # fmt: skip
