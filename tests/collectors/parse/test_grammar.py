"""Whatever a grammar can say is read back as it was meant, at its edges too."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collectors.errors import ParseError
from collectors.event import ENVELOPE
from collectors.parse import Context, formats, parse
from collectors.parse.ecs import INT64_MAX, INTEGERS, ip
from tests import strategies
from tests.collectors.parse.golden import CONTEXT, record

UTC_CONTEXT = Context(ZoneInfo("UTC"))


def meant(stamp: str) -> datetime | None:
    """The moment of an RFC 3339 text in UTC, by arithmetic of our own; None outside the years 1 to 9999."""
    naive = datetime(
        int(stamp[:4]), int(stamp[5:7]), int(stamp[8:10]), int(stamp[11:13]), int(stamp[14:16]), int(stamp[17:19])
    )
    rest = stamp[19:]
    zone = rest[-1:] if rest.endswith("Z") else rest[-6:]
    fraction = rest[1 : len(rest) - len(zone)]
    minutes = 0 if zone == "Z" else (int(zone[1:3]) * 60 + int(zone[4:])) * (-1 if zone[0] == "-" else 1)
    try:
        return (naive + timedelta(microseconds=int(fraction.ljust(6, "0") or 0)) - timedelta(minutes=minutes)).replace(
            tzinfo=UTC
        )
    except OverflowError:
        return None


@given(strategies.rfc5424_messages())
def test_every_rfc_5424_message_reads_back_as_it_was_made(parts: dict[str, object]) -> None:
    asked = record(str(parts["line"]).encode())
    stamp = str(parts["stamp"])
    time = None if stamp == "-" else meant(stamp)
    if stamp != "-" and time is None:
        with pytest.raises(ParseError, match="outside the years"):
            formats()["rfc5424"].parse(asked, CONTEXT)
        return
    parsed = formats()["rfc5424"].parse(asked, CONTEXT)
    assert parsed.time == time
    assert parsed.fields.get("host.name", "-") == parts["host"]
    assert parsed.fields["log.syslog.facility.code"] == int(str(parts["priority"])) // 8
    assert parsed.fields["log.syslog.severity.code"] == int(str(parts["priority"])) % 8
    sd = parts["sd"]
    assert isinstance(sd, dict)
    for element, values in sd.items():
        for name, value in values.items():
            found = parsed.fields[f"log.syslog.structured_data.{element}.{name}"]
            assert found == value or (isinstance(found, list) and value in found)
    assert formats()["syslog"].parse(asked, CONTEXT) == parsed


@given(strategies.rfc3339(), strategies.lines)
@example("0001-01-01T00:00:00+23:59", "x")
@example("9999-12-31T23:59:59.999999-23:59", "x")
def test_every_iso_date_before_a_bsd_message_is_read_or_refused(stamp: str, message: str) -> None:
    asked = record(f"{stamp} web01 app: {message}".encode())
    time = meant(stamp)
    if time is None:
        with pytest.raises(ParseError, match="outside the years"):
            formats()["rfc3164"].parse(asked, CONTEXT)
    else:
        assert formats()["rfc3164"].parse(asked, CONTEXT).time == time


@given(strategies.rfc3164_stamps(), strategies.moments, strategies.lines)
@example("Feb 29 10:00:00", datetime(1, 1, 1), "")
@example("Dec 31 23:59:59", datetime(9999, 12, 31, 23, 59, 59), "")
@example("Jan  1 00:00:00", datetime(9999, 12, 31, 23, 59, 59), "")
def test_every_yearless_date_is_at_most_a_day_after_its_receipt(stamp: str, received: datetime, message: str) -> None:
    asked = record(f"{stamp} web01 app: {message}".encode(), received=received.replace(tzinfo=UTC))
    try:
        time = formats()["rfc3164"].parse(asked, UTC_CONTEXT).time
    except ParseError:
        assert received.year < 9, "only the first years of the calendar have no year before them"
        return
    assert time is not None
    assert f"{time:%b} {time.day:2} {time:%H:%M:%S}" == stamp
    assert time - received.replace(tzinfo=UTC) <= timedelta(days=2)
    if 10 < received.year < 9990:
        assert received.replace(tzinfo=UTC) - time < timedelta(days=366 * 8 + 2)


@given(st.sampled_from(["", "invalid user "]), strategies.lines, strategies.addresses, strategies.ports)
@example("invalid user ", "root from 198.51.100.9 port 22 ssh2", "192.0.2.7", 40022)
def test_a_strangers_name_never_moves_the_address_of_a_failure(phase: str, name: str, address: str, port: int) -> None:
    name = name.strip() if phase else "".join(name.split()) or "an"
    line = f"Nov 22 10:00:00 web01 sshd[1]: Failed password for {phase}{name} from {address} port {port} ssh2"
    fields = formats()["rfc3164"].parse(record(line.encode()), CONTEXT).fields
    assert fields["source.ip"] == ip(address)
    assert fields.get("source.port") == (port if port < 65536 else None)
    assert fields["event.outcome"] == "failure"
    if name:
        assert fields["user.name"] == name


def storable(value: object) -> None:
    for each in value if isinstance(value, list) else [value]:
        assert isinstance(each, str | int | float | bool)
        assert not isinstance(each, int) or abs(each) <= INT64_MAX + 1


@given(strategies.json_objects)
def test_every_json_object_becomes_flat_typed_fields_or_is_refused(document: dict[str, object]) -> None:
    asked = record(json.dumps(document).encode())
    try:
        parsed = formats()["json"].parse(asked, CONTEXT)
    except ParseError:
        return
    for name, value in parsed.fields.items():
        storable(value)
        assert name not in ENVELOPE
        assert type(value) is int or name not in INTEGERS
    msgspec.json.encode(parse(asked, "json", CONTEXT).document())


@given(
    st.dictionaries(
        st.lists(st.sampled_from("abc"), min_size=2, max_size=2).map(tuple), strategies.json_leaves, max_size=6
    )
)
def test_nested_and_dotted_names_are_the_same_fields(leaves: dict[tuple[str, ...], object]) -> None:
    nested: dict[str, dict[str, object]] = {}
    for (outer, inner), leaf in leaves.items():
        nested.setdefault(outer, {})[inner] = leaf
    dotted = {".".join(path): leaf for path, leaf in leaves.items()}
    one, other = (formats()["json"].parse(record(json.dumps(each).encode()), CONTEXT) for each in (nested, dotted))
    assert one == other


event_values = st.one_of(st.none(), st.booleans(), strategies.integers, strategies.texts)


@given(
    st.dictionaries(strategies.texts.filter(lambda name: not name.startswith("#")), event_values, max_size=12),
    strategies.rfc3339(),
)
def test_every_value_of_event_data_arrives_as_text(data: dict[str, object], stamp: str) -> None:
    system = {
        "Provider": {"#attributes": {"Name": "X"}},
        "EventID": 1,
        "TimeCreated": {"#attributes": {"SystemTime": stamp}},
    }
    asked = record(json.dumps({"Event": {"System": system, "EventData": data}}).encode())
    if meant(stamp) is None:
        with pytest.raises(ParseError, match="outside the years"):
            formats()["windows-json"].parse(asked, CONTEXT)
        return
    parsed = formats()["windows-json"].parse(asked, CONTEXT)
    assert parsed.time == meant(stamp)
    stored = {name: value for name, value in parsed.fields.items() if name.startswith("winlog.event_data.")}
    written = {
        "true" if value is True else "false" if value is False else str(value)
        for value in data.values()
        if value is not None
    }
    assert {item for value in stored.values() for item in (value if isinstance(value, list) else [value])} <= written
    for name, value in data.items():
        if value is not None and name.isalnum() and name != "Data":
            assert stored[f"winlog.event_data.{name}"] in written


@pytest.mark.parametrize(
    "text",
    ["01.2.3.4", "1.2.3", "1.2.3.4.5", "1.2.3.4 ", "1.2.3.4\n", "256.1.1.1", "٣.1.1.1", "0x1.1.1.1", "1.2.3.4\0", ""],
)
def test_an_address_has_one_spelling(text: str) -> None:
    assert ip(text) is None
    assert ip("192.0.2.7") == ip("::ffff:192.0.2.7") == "192.0.2.7"
