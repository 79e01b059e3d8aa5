"""An event's document and its fields one by one say the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from collectors.event import ENVELOPE, make_event
from collectors.record import Position, RawRecord

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
