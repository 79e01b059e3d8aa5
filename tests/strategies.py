"""Hypothesis strategies that the parsers' tests share: each grammar with the values at its boundaries.

Random bytes never reach a parser's depth, and random valid input rarely its edges (year 1 at +23:59 is what once broke
one), so every strategy here draws from the grammar and gives the edges a fair share.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import strategies as st

EDGE_MOMENTS = (
    datetime.min,
    datetime(1, 1, 1, 0, 0, 0, 1),
    datetime(1582, 10, 15),
    datetime(1900, 3, 1),
    datetime(1969, 12, 31, 23, 59, 59, 999999),
    datetime(1970, 1, 1),
    datetime(2000, 2, 29, 23, 59, 59),
    datetime(2024, 2, 29),
    datetime(2026, 12, 31, 23, 59, 59, 999999),
    datetime(2038, 1, 19, 3, 14, 8),
    datetime(9999, 12, 31, 23, 59, 59, 999999),
)
EDGE_OFFSETS = tuple(timezone(timedelta(minutes=m)) for m in (-1439, -720, -210, -1, 0, 1, 345, 420, 840, 1439))
EDGE_INTEGERS = (
    0,
    1,
    -1,
    191,
    192,
    65535,
    65536,
    2**31,
    2**32,
    2**53,
    2**63 - 1,
    2**63,
    -(2**63),
    -(2**63) - 1,
    2**64,
    10**30,
)

moments = st.one_of(st.sampled_from(EDGE_MOMENTS), st.datetimes())
offsets = st.one_of(
    st.sampled_from(EDGE_OFFSETS), st.builds(lambda m: timezone(timedelta(minutes=m)), st.integers(-1439, 1439))
)
integers = st.one_of(st.sampled_from(EDGE_INTEGERS), st.integers())
texts = st.text(st.characters(codec="utf-8"), max_size=60)
"""Any text that UTF-8 can carry, control characters included."""
visible = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=32)
"""RFC 5424's PRINTUSASCII."""
lines = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=80)
addresses = st.one_of(
    st.ip_addresses().map(str),
    st.sampled_from(["0.0.0.0", "255.255.255.255", "::", "::1", "::ffff:192.0.2.7", "fe80::1%eth0"]),
)
ports = st.one_of(st.sampled_from([0, 1, 65535, 65536, 99999]), st.integers(1, 65535))
priorities = st.one_of(st.sampled_from([0, 191]), st.integers(0, 191))


@st.composite
def rfc3339(draw: st.DrawFn) -> str:
    """RFC 5424's TIMESTAMP: any moment, fraction of no to six digits, any offset or Z."""
    moment = draw(moments)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    digits = draw(st.integers(0, 6))
    fraction = f".{moment.microsecond:06}"[: digits + 1] if digits else ""
    zone = draw(st.one_of(st.none(), offsets))
    if zone is None:
        return f"{text}{fraction}Z"
    minutes = int((zone.utcoffset(None) or timedelta()).total_seconds()) // 60
    return f"{text}{fraction}{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


@st.composite
def rfc3164_stamps(draw: st.DrawFn) -> str:
    """`Nov 22 10:00:00`, any day that a calendar has, 29 February included."""
    moment = draw(moments)
    return f"{moment:%b} {moment.day:2} {moment:%H:%M:%S}"


def escaped(value: str) -> str:
    """A parameter's value as RFC 5424 §6.3.3 writes it."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def _params(values: dict[str, str]) -> str:
    return "".join(f' {name}="{escaped(value)}"' for name, value in values.items())


sd_names = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='= ]"'), min_size=1, max_size=32
)
sd_elements = st.dictionaries(sd_names, st.dictionaries(sd_names, lines, max_size=3), max_size=3)
"""Structured data: id -> name -> value."""


@st.composite
def rfc5424_messages(draw: st.DrawFn) -> dict[str, object]:
    """A message and the parts that it was made of: `line`, `stamp`, `host`, `app`, `pid`, `id`, `sd`, `message`."""
    nil = st.just("-")
    parts: dict[str, object] = {
        "priority": draw(priorities),
        "stamp": draw(st.one_of(nil, rfc3339())),
        "host": draw(st.one_of(nil, visible)),
        "app": draw(st.one_of(nil, visible)),
        "pid": draw(st.one_of(nil, visible, integers.filter(lambda n: n >= 0).map(str))),
        "id": draw(st.one_of(nil, visible)),
        "sd": draw(sd_elements),
        "message": draw(lines),
    }
    elements = parts["sd"]
    assert isinstance(elements, dict)
    sd = "".join(f"[{name}{_params(each)}]" for name, each in elements.items())
    head = f"<{parts['priority']}>1 {parts['stamp']} {parts['host']} {parts['app']} {parts['pid']} {parts['id']} {sd or '-'}"
    parts["line"] = f"{head} {parts['message']}" if parts["message"] else head
    return parts


json_leaves = st.one_of(st.none(), st.booleans(), integers, st.floats(allow_nan=False, allow_infinity=False), texts)
json_names = st.one_of(
    texts,
    st.sampled_from([
        "@timestamp", "event", "event.dataset", "event.id", "log", "file", "path", "source", "ip", "port", "source.port",
        "process", "pid", "user", "name", "winlog", "channel", "event_data", "user_data", "param1", "Data", "EventID",
        "Channel", "Event", "System", "time", "egov", "",
    ]),
)  # fmt: skip
json_objects = st.dictionaries(
    json_names,
    st.recursive(
        json_leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(json_names, inner, max_size=4),
        max_leaves=20,
    ),
    max_size=8,
)
"""JSON objects, with the names that mean something to us among any others."""
