"""An event's document and its fields one by one say the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from collectors.event import ENVELOPE, event_id, make_event
from collectors.record import Position, RawRecord, new_run

MOMENT = datetime(2026, 10, 14, 1, 2, 3, tzinfo=timezone(timedelta(hours=7)))


@pytest.mark.parametrize(
    "record",
    [
        RawRecord(b"line", "auth", Position("/var/log/auth.log", "s1", 7, 1), MOMENT),
        RawRecord(b"\xff", "udp", Position("", "s2", 0, 0), MOMENT.astimezone(UTC), "192.0.2.7 CN=web-01"),
        RawRecord(b"", "", Position("", "", 0, 0), MOMENT, "192.0.2.7"),
        RawRecord(b"", "", Position("", "", 0, 0), MOMENT, " CN=web-01 of the hall"),
    ],
)
def test_the_envelope_of_a_document_is_what_each_of_its_fields_says(record: RawRecord) -> None:
    event = make_event(record, MOMENT + timedelta(microseconds=4), {"user.name": "lan"})
    each = {name: value for name in ENVELOPE if (value := event.get(name)) not in (None, "")}
    assert event.envelope() == each
    assert event.document() == {**each, "user.name": "lan"}
    assert event.document()["@timestamp"] == "2026-10-13T18:02:03.000004Z"


def test_an_id_is_of_source_stream_offset_and_bytes() -> None:
    place = Position("", "s", 7, 1)
    one = RawRecord(b"line", "auth", place, MOMENT)
    others = [
        RawRecord(b"other", "auth", place, MOMENT),
        RawRecord(b"line", "web", place, MOMENT),
        RawRecord(b"line", "auth", Position("", "t", 7, 1), MOMENT),
        RawRecord(b"line", "auth", Position("", "s", 8, 1), MOMENT),
    ]
    assert event_id(one) == event_id(RawRecord(b"line", "auth", Position("/renamed", "s", 7, 2), MOMENT, "192.0.2.7"))
    assert len({event_id(one), *map(event_id, others)}) == 5
    assert all(len(event_id(each)) == 32 and int(event_id(each), 16) >= 0 for each in (one, *others))


def test_in_a_run_the_place_alone_makes_the_id() -> None:
    runs = [new_run() for _ in range(3)]
    records = [
        RawRecord(b"line", "tcp", Position("", run, n, n + 1), MOMENT)
        for run in runs
        for n in (0, 1, 255, 256, 1 << 40)
    ]
    ids = list(map(event_id, records))
    assert len(set(ids)) == len(records)
    assert all(len(each) == 32 and int(each, 16) >= 0 for each in ids)
    assert len({each[:8] for each in ids}) > 3, "a store looks for them by how they begin"
    assert list(map(event_id, records)) == ids


def test_a_part_of_a_record_of_a_run_has_an_id_of_its_bytes() -> None:
    stream = f"{new_run()}/5"
    ids = {event_id(RawRecord(data, "tcp", Position("", stream, 9, 6), MOMENT)) for data in (b"{}", b"[]")}
    assert len(ids) == 2
    assert all(len(each) == 32 and int(each, 16) >= 0 for each in ids)
