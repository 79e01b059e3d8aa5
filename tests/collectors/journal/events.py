"""Events for tests of the journal: one by number, and any that Hypothesis can think of."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from collectors.event import Event, make_event
from collectors.record import DeadLetter, Mark, Position, RawRecord

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


def record(n: int, data: bytes | None = None) -> RawRecord:
    """Of one of three sources, which take turns every few records."""
    source = f"auth-{n // 4 % 3}"
    return RawRecord(
        data if data is not None else b"line %d" % n, source, Position("/var/log/auth.log", "s1", n, n + 1), NOW
    )


def event(n: int, data: bytes | None = None) -> Event:
    return make_event(record(n, data), NOW, {"event.dataset": "sshd", "process.pid": n, "user.name": "hạnh"})


def events(start: int, stop: int) -> list[Event]:
    return [event(n) for n in range(start, stop)]


def letter(n: int) -> DeadLetter:
    return DeadLetter(record(n), "rfc5424", f"reason {n}")


def mark(offset: int) -> Mark:
    return Mark("auth", "s1", "/var/log/auth.log", offset, offset, 7, b"h", 1, b"t", 1)


_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_int = st.integers(-(2**63), 2**64 - 1)
_value = st.one_of(
    _text,
    _int,
    st.floats(allow_nan=False),
    st.booleans(),
    st.none(),
    st.lists(_text, max_size=3),
    st.lists(_int, max_size=3),
)
_time = st.datetimes(timezones=st.just(UTC))
_record = st.builds(
    RawRecord,
    data=st.binary(max_size=60),
    source=_text,
    position=st.builds(Position, _text, _text, st.integers(0, 2**63), st.integers(0, 2**63)),
    received=_time,
    peer=_text,
    truncated=st.integers(0, 2**40),
)
any_event = st.builds(make_event, _record, st.none() | _time, st.dictionaries(_text, _value, max_size=5))
any_letter = st.builds(DeadLetter, _record, _text, _text)
any_mark = st.builds(
    Mark,
    _text,
    _text,
    _text,
    st.integers(0, 2**63),
    st.integers(0, 2**63),
    st.integers(0, 2**64 - 1),
    st.binary(max_size=8),
)
