"""The table of clocks: years that a line leaves out, leap days and seconds, summer time, zones by name."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from collectors.errors import ParseError
from collectors.parse import timestamp

HO_CHI_MINH = ZoneInfo("Asia/Ho_Chi_Minh")
BERLIN = ZoneInfo("Europe/Berlin")
UTC_ZONE = ZoneInfo("UTC")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("stamp", "received", "zone", "expected"),
    [
        ("Dec 31 23:59:59", "2027-01-01T00:00:02+00:00", UTC_ZONE, "2026-12-31T23:59:59+00:00"),
        ("Jan  1 00:00:01", "2026-12-31T23:59:58+00:00", UTC_ZONE, "2027-01-01T00:00:01+00:00"),
        ("Jan  1 06:59:59", "2026-12-31T23:59:58+00:00", HO_CHI_MINH, "2026-12-31T23:59:59+00:00"),
        ("Dec 31 23:00:00", "2026-12-31T16:00:00+00:00", HO_CHI_MINH, "2026-12-31T16:00:00+00:00"),
        ("Feb 29 12:00:00", "2024-02-29T12:00:01+00:00", UTC_ZONE, "2024-02-29T12:00:00+00:00"),
        ("Feb 29 12:00:00", "2027-06-01T00:00:00+00:00", UTC_ZONE, "2024-02-29T12:00:00+00:00"),
        ("Feb 29 12:00:00", "1903-06-01T00:00:00+00:00", UTC_ZONE, "1896-02-29T12:00:00+00:00"),
        ("Nov 22 10:00:00", "2026-11-21T10:00:01+00:00", UTC_ZONE, "2026-11-22T10:00:00+00:00"),
        ("Nov 24 10:00:00", "2026-11-22T10:00:00+00:00", UTC_ZONE, "2025-11-24T10:00:00+00:00"),
        ("Nov 22 10:00:00.5", "2026-11-22T10:00:01+00:00", UTC_ZONE, "2026-11-22T10:00:00.5+00:00"),
        ("Nov 22 2019 10:00:00", "2026-11-22T10:00:01+00:00", UTC_ZONE, "2019-11-22T10:00:00+00:00"),
        ("Oct 25 02:30:00", "2026-10-25T03:00:00+00:00", BERLIN, "2026-10-25T02:30:00+02:00"),
        ("Dec 31 23:59:60", "2027-01-01T00:00:02+00:00", UTC_ZONE, "2026-12-31T23:59:59.999999+00:00"),
    ],
)
def test_a_yearless_date_is_the_latest_that_is_at_most_a_day_ahead(
    stamp: str, received: str, zone: ZoneInfo, expected: str
) -> None:
    assert timestamp.yearless(stamp, at(received), zone) == at(expected)


@pytest.mark.parametrize(
    "stamp",
    [
        "Feb 30 10:00:00",
        "Nov 31 10:00:00",
        "Xyz 01 10:00:00",
        "Nov  0 10:00:00",
        "Nov 22 24:00:00",
        "Nov 22 10:60:00",
        "",
    ],
)
def test_a_day_that_no_calendar_has_is_refused(stamp: str) -> None:
    with pytest.raises(ParseError):
        timestamp.yearless(stamp, at("2026-11-22T10:00:00+00:00"), UTC_ZONE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22T10:00:00.1234567Z", "2026-11-22T10:00:00.123456+00:00"),
        ("2026-11-22 10:00:00,5+07:00", "2026-11-22T03:00:00.5+00:00"),
        ("2026-11-22T10:00:00", "2026-11-22T03:00:00+00:00"),
        ("2026-11-22T10:00:00-00:30", "2026-11-22T10:30:00+00:00"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999999+00:00"),
        ("2017-01-01T06:59:60.25+07:00", "2016-12-31T23:59:59.999999+00:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"),
    ],
)
def test_an_iso_date_without_zone_is_the_sites_time(text: str, expected: str) -> None:
    assert timestamp.iso(text, HO_CHI_MINH) == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-00:01",
        "20261122T100000Z",
        "2026-W47-7T10:00:00Z",
        "2026-11-22",
        "2026-11-22T10:00:61Z",
        "",
        "T",
    ],
)
def test_what_is_no_moment_in_utc_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        timestamp.iso(text, HO_CHI_MINH)


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-11-22 10:00:00.123 UTC", BERLIN, "2026-11-22T10:00:00.123+00:00"),
        ("2026-11-22 10:00:00.123 +07", BERLIN, "2026-11-22T03:00:00.123+00:00"),
        ("2026-11-22 10:00:00.123 -0330", BERLIN, "2026-11-22T13:30:00.123+00:00"),
        ("2026-11-22 10:00:00.123 CET", BERLIN, "2026-11-22T09:00:00.123+00:00"),
        ("2026-07-22 10:00:00.123 CEST", BERLIN, "2026-07-22T08:00:00.123+00:00"),
        ("2016-12-31 23:59:60.123 UTC", BERLIN, "2016-12-31T23:59:59.999999+00:00"),
        ("2017-01-01 06:59:60 +07", BERLIN, "2016-12-31T23:59:59.999999+00:00"),
        ("2026-10-25 02:30:00 CEST", BERLIN, "2026-10-25T00:30:00+00:00"),
        ("2026-10-25 02:30:00 CET", BERLIN, "2026-10-25T01:30:00+00:00"),
    ],
)
def test_an_abbreviated_zone_is_read_where_it_is_the_sites(text: str, zone: ZoneInfo, expected: str) -> None:
    assert timestamp.abbreviated(text, zone) == datetime.fromisoformat(expected)


def test_an_abbreviated_zone_of_elsewhere_is_refused_and_not_guessed() -> None:
    with pytest.raises(ParseError, match="time zone IST is not that of Europe/Berlin"):
        timestamp.abbreviated("2026-11-22 10:00:00.123 IST", BERLIN)


def test_the_clocks_of_web_servers() -> None:
    assert timestamp.common_log("22/Nov/2026:10:00:00 +0700") == at("2026-11-22T03:00:00+00:00")
    assert timestamp.asctime("Sun Nov  1 09:00:00.5 2026", HO_CHI_MINH) == at("2026-11-01T02:00:00.5+00:00")
    for text in (
        "32/Nov/2026:10:00:00 +0700",
        "22/Xyz/2026:10:00:00 +0700",
        "22/Nov/2026:10:00:00 +9999",
        "22/Nov/0000:10:00:00 +0000",
    ):
        with pytest.raises(ParseError):
            timestamp.common_log(text)
