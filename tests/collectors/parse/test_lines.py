"""Claims about single lines that no golden pair states as a claim."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from collectors.errors import ParseError
from collectors.event import event_id
from collectors.parse import Context, formats, parse
from collectors.record import Position, RawRecord
from tests.collectors.parse.golden import CONTEXT, RECEIVED, record


def fields_of(line: bytes, form: str, *, path: str = "", context: Context = CONTEXT) -> dict[str, object]:
    return dict(parse(record(line, path=path), form, context).fields)


def test_nil_timestamp_is_time_of_receipt() -> None:
    assert parse(record(b"<34>1 - - - - - -"), "rfc5424", CONTEXT).time == RECEIVED


def test_a_message_without_header_is_content_and_its_time_that_of_receipt() -> None:
    event = parse(record(b"<13>hello world"), "syslog", CONTEXT)
    assert (event.time, event.fields["message"]) == (RECEIVED, "hello world")


@pytest.mark.parametrize(
    "line",
    [b"", b"hello world", b"<192>Nov 22 10:00:00 a b: c", b"<>x", b"<01>x", b"<x", b"Nov 22 25:00:00 a b: c", b"\xff"],
)
def test_a_line_with_neither_priority_nor_date_is_no_syslog(line: bytes) -> None:
    with pytest.raises(ParseError):
        parse(record(line), "syslog", CONTEXT)


@pytest.mark.parametrize(
    ("line", "name", "field", "text"),
    [
        (b"Nov 22 10:00:00 web01 app: t\xe9l", "syslog", "message", "t\\xe9l"),
        (b"<38>Nov 22 10:00:00 w sshd[8]: Failed password for h\xe0 from 192.0.2.7 port 5 ssh2", "rfc3164", "user.name", "h\\xe0"),
        (b'{"user": {"name": "h\xe0\\n"}}', "json", "user.name", "h\\xe0\n"),
        (b'192.0.2.7 - - [22/Nov/2026:10:00:00 +0700] "GET /\xe0 HTTP/1.1" 200 5', "web-access", "url.path", "/\\xe0"),
        (b"<34>1 - - - - - - \xe4\xb8", "rfc5424", "message", "\\xe4\\xb8"),
    ],
)  # fmt: skip
def test_a_byte_that_is_not_text_is_shown_and_hides_no_line(line: bytes, name: str, field: str, text: str) -> None:
    event = parse(record(line), name, CONTEXT)
    assert event.fields[field] == text
    assert event.fields["log.flags"] == ["invalid-encoding"]
    assert event.raw == line
    assert event.id == event_id(record(line))


def test_a_cut_line_with_such_a_byte_has_both_flags() -> None:
    line = RawRecord(b"Nov 22 10:00:00 web01 app: \xe9", "test", Position("", "0", 1, 1), RECEIVED, truncated=7)
    assert parse(line, "syslog", CONTEXT).fields["log.flags"] == ["truncated", "invalid-encoding"]


def test_what_cannot_be_read_even_so_is_a_dead_letter_that_names_the_byte() -> None:
    for line in (b"no date, no priority \xff", b"\xff\xfe\0", b'{"a": \xff}'):
        for name in ("syslog", "json", "web-access"):
            with pytest.raises(ParseError, match=r"is not utf-8|not a JSON object"):
                parse(record(line), name, CONTEXT)


def test_nuls_around_a_line_are_no_part_of_it_and_those_within_stay() -> None:
    event = parse(record(b"\0" * 4_000 + b"Nov 22 10:00:00 web01 app: a\0b\0\0"), "syslog", CONTEXT)
    assert event.fields["message"] == "a\0b"
    with pytest.raises(ParseError):
        parse(record(b"\0" * 4_000), "syslog", CONTEXT)


@pytest.mark.parametrize(
    ("stamp", "received", "expected"),
    [
        ("Dec 31 23:59:58", "2027-01-01T00:00:01+00:00", "2026-12-31T23:59:58+00:00"),
        ("Jan  1 00:00:03", "2026-12-31T23:59:59+00:00", "2027-01-01T00:00:03+00:00"),
        ("Dec 31 23:59:60", "2027-01-01T00:00:01+00:00", "2026-12-31T23:59:59.999999+00:00"),
        ("Jan  1 06:59:59", "2026-12-31T23:59:59+00:00", "2027-01-01T06:59:59+00:00"),
        ("Feb 29 12:00:00", "2027-01-01T00:00:01+00:00", "2024-02-29T12:00:00+00:00"),
    ],
)
def test_the_turn_of_a_year_costs_no_line(stamp: str, received: str, expected: str) -> None:
    line = RawRecord(
        f"{stamp} web01 app: x".encode(), "test", Position("", "0", 1, 1), datetime.fromisoformat(received)
    )
    assert parse(line, "syslog", Context()).time == datetime.fromisoformat(expected)


def test_a_source_of_another_encoding_is_read_in_it() -> None:
    context = Context(ZoneInfo("UTC"), encoding="windows-1258")
    assert fields_of(b"Nov 22 10:00:00 web01 app: t\xe9l", "syslog", context=context)["message"] == "tél"
    with pytest.raises(LookupError):
        Context(ZoneInfo("UTC"), encoding="no-such")


def test_defaults_fill_what_the_record_does_not_say_and_nothing_else() -> None:
    context = Context(ZoneInfo("UTC"), defaults={"host.name": "web01", "user.name": "nobody"})
    line = b'192.0.2.7 - an [22/Nov/2026:10:00:00 +0700] "GET / HTTP/1.1" 200 5'
    fields = fields_of(line, "web-access", context=context)
    assert (fields["host.name"], fields["user.name"]) == ("web01", "an")
    assert "host.name" not in fields_of(line, "web-access"), "no record shares its defaults with the next"


def test_a_cut_record_says_so() -> None:
    cut = msgspec.structs.replace(record(b"<13>hello"), truncated=7)
    assert parse(cut, "syslog", CONTEXT).fields["log.flags"] == ["truncated"]


def test_two_records_share_no_fields() -> None:
    one, other = (parse(record(b"<13>hello"), "syslog", CONTEXT) for _ in range(2))
    one.fields["x"] = "y"
    assert "x" not in other.fields


@pytest.mark.parametrize(
    ("path", "dataset"),
    [
        ("/var/log/nginx/access.log", "nginx.access"),
        ("/var/log/apache2/access.log", "apache.access"),
        ("/var/log/httpd/access_log", "apache.access"),
        ("/opt/tomcat/logs/localhost_access_log.2026-11-22.txt", "tomcat.access"),
    ],
)
def test_who_wrote_a_web_log_is_read_from_its_path(path: str, dataset: str) -> None:
    line = b'192.0.2.7 - - [22/Nov/2026:10:00:00 +0700] "GET / HTTP/1.1" 200 5'
    assert fields_of(line, "web-access", path=path)["event.dataset"] == dataset


def test_escapes_of_web_logs_are_what_the_client_sent() -> None:
    line = rb'192.0.2.7 - - [22/Nov/2026:10:00:00 +0700] "GET /\xC3\xAC HTTP/1.1" 200 5 "-" "a \x22b\x22 \"c\" \\ \xff"'
    fields = fields_of(line, "web-access")
    assert fields["url.path"] == "/ì"
    assert fields["user_agent.original"] == 'a "b" "c" \\ \\xff'


def test_a_statement_with_newlines_is_one_record() -> None:
    form = formats()["postgresql-csv"]
    assert form.continues is not None
    assert form.continues(b'2026-11-22 10:00:00.123 UTC,"an",...,"statement: SELECT', False)
    assert form.continues(b"  1, ''", True)
    assert form.continues(b'""quoted""', True)
    assert not form.continues(b'  FROM t",,,', True)


def test_a_producer_cannot_set_the_envelope() -> None:
    line = b'{"event.id": "x", "event": {"original": "y"}, "log": {"file": {"path": "/z"}}, "soc.source": "fw"}'
    event = parse(record(line), "json", CONTEXT)
    document = event.document()
    assert document["event.id"] == event.id
    assert document["event.original"] == line.decode()
    assert document["soc.source"] == "test"
    assert event.fields["producer.log.file.path"] == "/z"


@pytest.mark.parametrize(
    "stamp",
    [
        1795316400,
        1795316400000,
        1795316400000000,
        1795316400000000000,
        "2026-11-22T10:00:00+07:00",
        "2026-11-22 10:00:00",
    ],
)
def test_a_time_in_json_is_text_or_a_number_since_1970(stamp: object) -> None:
    event = parse(record(msgspec.json.encode({"@timestamp": stamp})), "json", CONTEXT)
    assert event.time.isoformat() == "2026-11-22T03:00:00+00:00"


@pytest.mark.parametrize("stamp", ["yesterday", 1e300, -1e300, True, [1], "0001-01-01T00:00:00+23:59"])
def test_a_time_in_json_that_is_none_is_refused(stamp: object) -> None:
    with pytest.raises(ParseError):
        parse(record(msgspec.json.encode({"@timestamp": stamp})), "json", CONTEXT)
