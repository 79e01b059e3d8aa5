"""Text of a date in, aware UTC out: the ways in which log files write a moment.

ISO 8601 (RFC 3339, RFC 5424 §6.2.3), the year-less stamp of RFC 3164 §4.1.2, Common Log Format, asctime, PostgreSQL
and nginx. A leap second (`:60`) is the last microsecond before it, as RFC 5424 leaves no other way to write one.
Functions raise ParseError only.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from collectors.errors import ParseError
from collectors.parse.format import excerpt

MONTHS = {
    name: n
    for n, name in enumerate(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"], 1)
}

_AHEAD = timedelta(days=1)
"""How far a sender's clock may run ahead before a year-less date is taken for one of last year."""
_YEARS_BACK = 8
"""29 February comes back after at most eight years (1896 to 1904)."""
_CACHED = 4096
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = (10, 13, 16, 19)
_DEVICE = re.compile(
    r"([A-Z][a-z]{2}) ([ 0-3]?\d) (\d{4}) (\d\d:\d\d:\d\d)([.,]\d{1,9})?(?: (UTC|GMT|Z|[+-]\d\d:?\d\d))?(?: [A-Z]{1,5})?",
    re.ASCII,
)
_LEAP_SECOND = re.compile(r"([T ]\d\d:\d\d:)60(?:[.,]\d+)?")
_STAMP = re.compile(r"([A-Z][a-z]{2}) ([ 0-3]?\d)(?: (\d{4}))? (\d\d:\d\d:\d\d)([.,]\d{1,9})?", re.ASCII)
_CLF = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d:\d\d:\d\d) ([+-])(\d\d)(\d\d)", re.ASCII)
_ASCTIME = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ 0-3]?\d) (\d\d:\d\d:\d\d)(\.\d{1,9})? (\d{4})", re.ASCII)
_ABBREVIATED = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?) ([A-Z]{2,5}|[+-]\d\d(?::?\d\d)?)", re.ASCII)


def to_utc(moment: datetime, zone: ZoneInfo) -> datetime:
    """A moment in UTC; one without zone is local time of `zone`. Raises: ParseError outside the years 1 to 9999."""
    if moment.tzinfo is UTC:
        return moment
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise ParseError(f"time {moment.isoformat()} lies outside the years 1 to 9999 in UTC") from error


def iso(text: str, zone: ZoneInfo) -> datetime:
    """`2026-11-22T10:00:00.123456+07:00`, also with a blank for T, a comma, nanoseconds (cut to microseconds) or no zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = _leap_second(text)
    if text[10:11] not in ("T", " ") or text[7] != "-":  # Python also reads 20261122T10 and 2026-W47-7T10
        raise ParseError(f"not an ISO 8601 time: {excerpt(text)}")
    return moment if moment.tzinfo is UTC else to_utc(moment, zone)


def of_message(moment: datetime | None, otherwise: datetime | None, zone: ZoneInfo) -> datetime | None:
    """The moment that a message itself says in UTC; `otherwise` where it says none or one that cannot be."""
    if moment is None:
        return otherwise
    try:
        return to_utc(moment, zone)
    except ParseError:
        return otherwise


def of_device(text: str) -> datetime | None:
    """What an appliance writes of a moment, aware or its local time: a count since 1970 (10 digits are seconds, 13 milliseconds, 16
    microseconds, 19 nanoseconds), ISO 8601, `2026/11/22 10:00:00`, or `Nov 22 2026 10:00:00.123` with UTC or an offset behind it.
    None for anything else.
    """
    if text.isascii() and text.isdigit() and len(text) in _DIGITS:
        return _EPOCH + timedelta(microseconds=int(text) * 1_000_000 // 10 ** (len(text) - 10))
    try:
        if text[:1].isdigit():
            return datetime.fromisoformat(text.replace("/", "-") if text[4:5] == "/" else text)
        match = _DEVICE.fullmatch(text)
        if match is None or match[1] not in MONTHS:
            return None
        month, day, year, clock, fraction, zone = match.groups()
        stamp = f"{year}-{MONTHS[month]:02}-{int(day):02}T{_fraction(clock, fraction)}"
        return datetime.fromisoformat(stamp + ("+00:00" if zone in ("UTC", "GMT", "Z") else zone or ""))
    except ValueError:
        return None


def _leap_second(text: str) -> datetime:
    leap = _LEAP_SECOND.search(text)
    if leap is None:
        raise ParseError(f"not an ISO 8601 time: {excerpt(text)}")
    try:
        return datetime.fromisoformat(f"{text[: leap.start()]}{leap[1]}59.999999{text[leap.end() :]}")
    except ValueError as error:
        raise ParseError(f"not an ISO 8601 time: {excerpt(text)}") from error


def yearless(text: str, received: datetime, zone: ZoneInfo) -> datetime:
    """`Nov 22 10:00:00` (also with a fraction or a year): the latest such moment that is at most a day after its receipt."""
    return _yearless(text, received.toordinal(), zone)


@lru_cache(_CACHED)
def _yearless(text: str, received_day: int, zone: ZoneInfo) -> datetime:
    match = _STAMP.fullmatch(text)
    if match is None or match[1] not in MONTHS:
        raise ParseError(f"not a time like Nov 22 10:00:00: {excerpt(text)}")
    month, day, clock = MONTHS[match[1]], int(match[2]), _fraction(match[4], match[5])
    if match[3]:
        return _local(int(match[3]), month, day, clock, zone)
    today = date.fromordinal(received_day)
    latest = datetime.combine(min(today, date.max - 2 * _AHEAD) + 2 * _AHEAD, datetime.min.time(), UTC)
    for year in range(min(today.year + 1, 9999), max(today.year - _YEARS_BACK, 1) - 1, -1):
        if month == 2 and day == 29 and not _is_leap(year):
            continue
        moment = _local(year, month, day, clock, zone)
        if moment < latest:
            return moment
    raise ParseError(f"no year has {excerpt(text)}")


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _fraction(clock: str, fraction: str | None) -> str:
    return f"{clock}.{fraction[1:7].ljust(6, '0')}" if fraction else clock


def _local(year: int, month: int, day: int, clock: str, zone: ZoneInfo) -> datetime:
    return iso(f"{year:04}-{month:02}-{day:02}T{clock}", zone)


@lru_cache(_CACHED)
def common_log(text: str) -> datetime:
    """`22/Nov/2026:10:00:00 +0700`, Apache's %t and nginx's $time_local."""
    match = _CLF.fullmatch(text)
    if match is None or match[2] not in MONTHS:
        raise ParseError(f"not a time like 22/Nov/2026:10:00:00 +0700: {excerpt(text)}")
    return iso(
        f"{match[3]}-{MONTHS[match[2]]:02}-{match[1]}T{match[4]}{match[5]}{match[6]}:{match[7]}", ZoneInfo("UTC")
    )


@lru_cache(_CACHED)
def asctime(text: str, zone: ZoneInfo) -> datetime:
    """`Sun Nov 22 10:00:00.123456 2026`, Apache's error log."""
    match = _ASCTIME.fullmatch(text)
    if match is None or match[1] not in MONTHS:
        raise ParseError(f"not a time like Sun Nov 22 10:00:00 2026: {excerpt(text)}")
    return _local(int(match[5]), MONTHS[match[1]], int(match[2]), _fraction(match[3], match[4]), zone)


@lru_cache(_CACHED)
def abbreviated(text: str, zone: ZoneInfo) -> datetime:
    """`2026-11-22 10:00:00.123 +07`, PostgreSQL's log_time: the zone as tzdata abbreviates it.

    UTC, GMT and numbers are known; any other abbreviation has to be the one that `zone` uses then, as "IST" alone is three zones.
    """
    match = _ABBREVIATED.fullmatch(text)
    if match is None:
        raise ParseError(f"not a time like 2026-11-22 10:00:00.123 UTC: {excerpt(text)}")
    stamp, name = match[1], match[2]
    if name in ("UTC", "GMT"):
        return iso(f"{stamp}+00:00", zone)
    if name[0] in "+-":
        return iso(f"{stamp}{name[:3]}:{name[-2:] if len(name) > 3 else '00'}", zone)
    moment = iso(stamp, zone)
    for fold in (0, 1):
        if moment.astimezone(zone).replace(fold=fold).tzname() == name:
            return to_utc(moment.astimezone(zone).replace(fold=fold), zone)
    raise ParseError(f"time zone {name} is not that of {zone.key}: set the source's timezone")
