"""An event's effective time and sequence number in, one int out that sorts by both: all that correlation keeps of an event.

40 bytes an int, where a tuple of two takes 120; a group with one hit is that int.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

SHIFT = 40
"""Bits of the sequence number: 10^12 events; the time in microseconds since 1970 stands above them."""
_SEQUENCE = (1 << SHIFT) - 1

NEVER = -(1 << 62)
"""A time before every other: what has not fired yet."""
NO_HIT = NEVER << SHIFT
"""A hit before every other."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - EPOCH) // _MICROSECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - EPOCH) // _MICROSECOND


def microseconds(time: datetime) -> int:
    """Since 1970, exact."""
    since = time - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def span_us(seconds: float) -> int:
    """A span in microseconds, at least one."""
    return max(1, round(seconds * 1_000_000))


def moment(time_us: int) -> datetime:
    """The time of some microseconds; what lies outside of years 1 to 9999 is cut to them."""
    return EPOCH + timedelta(microseconds=min(max(time_us, _FIRST), _LAST))


def time_of(hit: int) -> int:
    """The microseconds of a hit."""
    return hit >> SHIFT


def sequence_of(hit: int) -> int:
    """The sequence number of a hit."""
    return hit & _SEQUENCE
