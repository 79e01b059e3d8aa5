"""Rows of a table against the Events of the ordinary parser: every field, every text, every refusal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collectors.enrich.intel.matching import _WATCHED
from collectors.event import ENVELOPE, Event, Value
from collectors.parse import Context, parse_batch, windows
from collectors.parse.windows_event import HEADER
from collectors.parse.windows_rows import KIND_FIELDS
from collectors.parse.windows_table import FORMAT, OBSERVED, WindowsTables
from collectors.record import Lines, RawRecord

CORPUS = Path(__file__).parents[4] / "shared" / "corpus"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
ROUTING = ("event.dataset", "event.module", "winlog.channel", "winlog.provider_name", "event.code", "event.category")
NEVER_THERE = (
    "message",
    "winlog.event_data.Nothing",
    "winlog.user_data.Nothing",
    "winlog.provider_guid",
    "service.name",
)


def unchanged(events: Sequence[Event]) -> list[Event]:
    return list(events)


def lines_of(data: Sequence[bytes]) -> Lines:
    return Lines(data, "scan", "w.jsonl", "stream", 0, 1, NOW)


def assert_same(records: Sequence[RawRecord], names: Iterable[str] = ()) -> int:
    """The table of these records says what the parser's Events say; how many rows."""
    events, dead = parse_batch(records, FORMAT, Context())
    tables = WindowsTables(Context(), unchanged)
    table, refused = tables.read(records)
    assert refused == dead
    assert len(table) == len(events)
    assert table.keys(ROUTING) == [tuple(event.fields.get(name) for name in ROUTING) for event in events]
    places = range(len(events))
    every = {name for event in events for name in event.fields} | {*NEVER_THERE, *ENVELOPE, *names}
    for name in sorted(
        every, key=lambda name: (not name.startswith("winlog.event_data."), name)
    ):  # what makes no Events first
        assert table.column(name, places) == [event.get(name) for event in events], name
    singly, _ = tables.read(records)
    for name in sorted(every, key=lambda name: (not name.startswith("winlog.event_data."), name)):
        assert [singly.cell(name, place) for place in places] == [event.get(name) for event in events], name
    assert_keyed(records, events, sorted(name for name in every if name.startswith(("winlog.", "event.c"))))
    searched, _ = tables.read(records)
    for place, event in enumerate(events):
        texts = [event.original, *(text for value in event.fields.values() for text in _texts(value))]
        haystack = searched.haystack(place)
        assert [text for text in texts if text not in haystack] == []
        assert sorted(searched.texts(place)) == sorted(texts)
    if events:
        dated, _ = tables.read(records)
        assert _counts(dated.latest()) == max(map(_counts, events))
    assert [table.event(place) for place in places] == events
    assert [table.event(place) is table.event(place) for place in places] == [True] * len(events)
    return len(events)


def assert_keyed(records: Sequence[RawRecord], events: Sequence[Event], wanted: Sequence[str]) -> None:
    """Of rows whose keys alone were wanted, keys tell apart what differs, and everything else is still there."""
    names = [name for name in wanted if name not in windows.OTHERS or name in (*KIND_FIELDS, *HEADER)]
    names = [name for name in names if not re.fullmatch(r"winlog\.event_data\.(.*_\d*|#.*)?", name)]
    places = range(len(events))
    for asked in (names, names[:2]):
        table, _ = WindowsTables(Context(), unchanged, wanted=partial(_asked, asked)).read(records)
        keys = table.values(asked, places)
        held: dict[object, str] = {}
        for key, event in zip(keys, events, strict=True):
            if key is not None:
                values = repr([event.get(name) for name in asked])
                assert held.setdefault(key, values) == values
        for name in wanted:
            assert table.column(name, places) == [event.get(name) for event in events], name
            assert [table.cell(name, place) for place in places] == [event.get(name) for event in events], name
        assert [table.event(place) for place in places] == events


def _asked(names: Sequence[str], _: Mapping[str, Value]) -> Sequence[str]:
    return names


def _counts(event: Event) -> datetime:
    return min(event.time, event.ingested)


def _texts(value: object) -> Iterator[str]:
    yield from (
        [value]
        if isinstance(value, str)
        else [v for v in value if isinstance(v, str)]
        if isinstance(value, list)
        else []
    )


def event(data: object = None, **header: object) -> bytes:
    system = {
        "Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon"}},
        "EventID": 1,
        "TimeCreated": {"#attributes": {"SystemTime": "2026-11-22T03:00:00.123456Z"}},
        "EventRecordID": 7,
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "Computer": "pc1",
        **header,
    }
    return json.dumps({"Event": {"System": system, "EventData": data}}, ensure_ascii=False).encode()


ODD = {
    "no EventData": event(None),
    "EventData is text": event("alone"),
    "numbers, flags, nothing": event({"ProcessId": 7, "Flag": True, "Off": False, "Nothing": None, "Empty": ""}),
    "a fraction": event({"Share": 1.50, "Large": 1e5}),
    "a number beyond 64 bit": event({"Large": 10**30}),
    "a number beyond all bounds": b'{"Event":{"System":{"Provider":null,"EventID":1},"EventData":{"a":' + b"9" * 5_000 + b"}}}",
    "values without names": event({"Data": ["one", 2, None, True]}),
    "values without names in elements": event({"Data": {"#text": ["one", "two"]}, "Binary": None}),
    "one value without a name": event({"Data": "one"}),
    "an element with attributes": event({"Image": {"#text": "C:\\x.exe", "#attributes": {"Type": "path"}}}),
    "several elements of one name": event({"Image": {"#text": ["a", "b"]}, "Image_1": "c"}),
    "a list under a name": event({"Image": ["a", "b"]}),
    "attributes of EventData": event({"#attributes": {"Name": "Symbolic"}, "Image": "x"}),
    "an object": event({"Image": {"Deep": {"Deeper": "x"}}}),
    "a blank in a name": event({"New Value": "x", "NewValue": "y"}, Provider={"#attributes": {"Name": "Defender"}}),
    "a dot in a name": event({"winlog.user_data.X": "x", "A.B": "y"}),
    "an empty name": event({"": "x"}),
    "a name like a list's": event({"param_1": "x"}),
    "escapes": event({"Image": 'C:\\Windows\\"quoted"\t/x', "User": "NT AUTHORITY\\SYSTEM"}),
    "escaped letters": event({"Image": "caf\u00e9"}).replace("\u00e9".encode(), b"\\u00e9"),
    "an escaped name": event({"Image": "x"}).replace(b'"Image"', b'"\\u0049mage"'),
    "a name twice": event({"Image": "x"}).replace(b'"Image": "x"', b'"Image": "x", "Image": "y"'),
    "a long IPv6 address": event({"SourceIp": "2001:0DB8:0:0:0:0:0:1"}, EventID=3),
    "an event id with qualifiers": event({"a": "b"}, EventID={"#attributes": {"Qualifiers": 16384}, "#text": 7045}),
    "an event id as text": event({"a": "b"}, EventID="1"),
    "no event id": event({"a": "b"}, EventID=None),
    "no provider": event({"a": "b"}, Provider=None),
    "no channel": event({"a": "b"}, Channel=None),
    "a level that is text": event({"a": "b"}, Level="4 \\ \u00e9", Security={"#attributes": {"UserID": "S-1-5-18"}}),
    "an audit failure": event({"a": "b"}, Keywords="0x8010000000000000"),
    "no time": event({"a": "b"}, TimeCreated=None),
    "an empty time": event({"a": "b"}, TimeCreated={"#attributes": {"SystemTime": ""}}),
    "a time in a zone": event({"a": "b"}, TimeCreated={"#attributes": {"SystemTime": "2026-11-22T03:00:00+07:00"}}),
    "a local time": event({"a": "b"}, TimeCreated={"#attributes": {"SystemTime": "2026-11-22 03:00:00"}}),
    "a leap second": event({"a": "b"}, TimeCreated={"#attributes": {"SystemTime": "2016-12-31T23:59:60Z"}}),
    "no such time": event({"a": "b"}, TimeCreated={"#attributes": {"SystemTime": "2026-13-22T03:00:00Z"}}),
    "a time of another kind": event({"a": "b"}, TimeCreated={"#attributes": {"SystemTime": "20261122T030000Z"}}),
    "a time in small letters": event({"a": "b"}, TimeCreated={"#attributes": {"SystemTime": "2026-11-22t03:00:00z"}}),
    "a time of many digits": event({"a": "b"}, TimeCreated={"#attributes": {"SystemTime": "2026-11-22T03:00:00.12345678901234Z"}}),
    "the last moment, and a bit": event({"a": "b"}, TimeCreated={"#attributes": {"SystemTime": "9999-12-31T23:59:59.9999999Z"}}),
    "a time before all years": event({"a": "b"}, TimeCreated={"#attributes": {"SystemTime": "0001-01-01T00:00:00+23:59"}}),
    "a time of no known zone": event({"a": "b"}, TimeCreated={"#attributes": {"SystemTime": "2026-11-22T03:00:00-00:00"}}),
    "the hour 24": event({"a": "b"}, TimeCreated={"#attributes": {"SystemTime": "2026-11-22T24:00:00Z"}}),
    "a time with a comma": event({"a": "b"}, TimeCreated={"#attributes": {"SystemTime": "2026-11-22T03:00:00,5Z"}}),
    "another line between date and time": event({"a": "b"}, TimeCreated={"#attributes": {"SystemTime": "2026-11-22_03:00:00Z"}}),
    "a fraction without digits": event({"a": "b"}, TimeCreated={"#attributes": {"SystemTime": "2026-11-22T03:00:00.Z"}}),
    "a time that is null": event({"a": "b"}, TimeCreated={"#attributes": {"SystemTime": None}}),
    "a time that is a number": event({"a": "b"}, TimeCreated={"#attributes": {"SystemTime": 1763780400}}),
    "a time by weeks": event({"a": "b"}, TimeCreated={"#attributes": {"SystemTime": "2026-W47-7T10:00:00Z"}}),
    "UserData": b'{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Eventlog"}},"EventID":104,"Channel":"System"},'
    b'"UserData":{"LogFileCleared":{"SubjectUserName":"an","Channel":"Security","Data":"x"}}}}',
    "UserData and EventData": b'{"Event":{"System":{"Provider":null,"EventID":1},"EventData":{"a":"1"},'
    b'"UserData":{"X":{"a":"2","b":"3"}}}}',
    "UserData of numbers": b'{"Event":{"System":{"Provider":null,"EventID":1},"UserData":{"X":{"a":{"k":1},"b":{"k":1e5}}}}}',
    "UserData of quoted words": b'{"Event":{"System":{"Provider":null,"EventID":1},"UserData":{"X":{"a":"say \\"mimi\\u212Aatz\\""}}}}',
    "UserData too deep": b'{"Event":{"System":{"Provider":null,"EventID":1},"UserData":' + b'{"a":' * 40 + b"1" + b"}" * 42 + b"}",
    "brackets without end": b"[" * 10_000,
    "bytes that are not UTF-8": event({"Image": "x"}).replace(b'"x"', b'"\xff\xfe"'),
    "half a surrogate pair": event({"Image": "x"}).replace(b'"x"', b'"\\ud800"'),
    "a control character": event({"Image": "x"}).replace(b'"x"', b'"a\x01b"'),
    "a wrong escape": event({"Image": "x"}).replace(b'"x"', b'"\\x41"'),
    "a wrong type in the header": event({"a": "b"}, Computer=7),
    "no header": b'{"Event":{"EventData":{"a":"b"}}}',
    "another object": b'{"a": 1}',
    "no object": b"[1]",
    "no JSON": b"Nov 22 10:00:00 web sshd[1]: hello",
    "a cut line": event({"Image": "x"})[:-9],
    "a byte order mark": b"\xef\xbb\xbf" + event({"Image": "x"}),
}  # fmt: skip


@pytest.mark.parametrize("line", ODD.values(), ids=ODD.keys())
def test_an_odd_line_is_read_or_refused_as_the_parser_does(line: bytes) -> None:
    usual = event({"Image": "C:\\a.exe", "User": "d\\an"})
    assert_same(
        lines_of([usual, line, usual]),
        ["winlog.event_data.Image_1", "winlog.event_data._", "winlog.event_data.#attributes"],
    )


def test_all_odd_lines_together() -> None:
    assert_same(lines_of(list(ODD.values())))


def test_a_record_that_was_cut_says_so() -> None:
    whole = next(iter(lines_of([event({"Image": "x"})])))
    cut = RawRecord(whole.data, whole.source, whole.position, whole.received, truncated=5)
    assert assert_same([whole, cut]) == 2
    table, _ = WindowsTables(Context(), unchanged).read([whole, cut])
    assert table.column("log.flags", (0, 1)) == [None, ["truncated"]]


_names = st.sampled_from(
    ["Image", "Data", "New Value", "A.B", "x_1", "x", "", "#text", "#attributes", "ProcessId", "User", "IpAddress"]
)
_scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8),
                     st.sampled_from(["-", "C:\\a\\b.exe", "d\\an", "::FFFF:192.0.2.1", "0x2a4", "2001:DB8::1"]))  # fmt: skip
_values = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["#text", "#attributes", "a", "xmlns"]), inner, max_size=3)
    ),
    max_leaves=5,
)
_headers = st.fixed_dictionaries({}, optional={
    "Provider": st.sampled_from([None, {}, {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing"}}]),
    "EventID": st.sampled_from([None, 4624, "4688", 4768, {"#text": 104}, 2**70]),
    "Channel": st.sampled_from([None, "Security", "System", ""]),
    "Computer": st.one_of(st.none(), st.text(max_size=5)),
    "Keywords": st.sampled_from([None, "", "0x8020000000000000"]),
    "Level": st.one_of(st.none(), st.integers(0, 5), st.text(max_size=3)),
    "TimeCreated": st.sampled_from([None, {}, {"#attributes": {"SystemTime": "2026-11-22 03:00:00Z"}},
                                    {"#attributes": {"SystemTime": "0001-01-01T00:00:00+23:59"}}]),
})  # fmt: skip


@given(st.lists(st.tuples(st.dictionaries(_names, _values, max_size=6), _headers), min_size=1, max_size=4))
def test_any_event_reads_as_the_parser_reads_it(events: list[tuple[dict[str, object], dict[str, object]]]) -> None:
    assert_same(
        lines_of([event(data, **header) for data, header in events]), ["winlog.event_data.x_1", "winlog.event_data.x"]
    )


SEEN = {"203.0.113.7", "2001:db8::7", "evil.example", "SHA1=1,MD5=2", "MD5=2"}
_observed = st.dictionaries(
    st.sampled_from([*OBSERVED, "User", "New Value"]),
    st.sampled_from([*SEEN, "2001:DB8:0::7", "192.0.2.1", None, 7, "-"])
    | st.sampled_from(sorted(SEEN)).map(lambda value: {"#text": value, "#attributes": {"Type": "x"}})
    | st.lists(st.sampled_from(sorted(SEEN)), max_size=2),
    max_size=4,
)
_KINDS = [
    {"EventID": 3},
    {"EventID": 22},
    {"EventID": 5156, "Provider": {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing"}}},
    {"EventID": 4624, "Provider": {"#attributes": {"Name": "Other"}}, "TimeCreated": None},
]


def _strikes(fields: Mapping[str, Value]) -> bool:
    return any(fields.get(name) in SEEN for name in set(OBSERVED.values()) if isinstance(fields.get(name), str))


def _marked(events: Sequence[Event]) -> list[Event]:
    """Enrichment that tells of some values, in a field that depends on the kind of event, too."""
    return [
        replace(event, fields={**event.fields, "event.category": "threat", "threat.indicator.name": "seen"})
        if _strikes(event.fields)
        else event
        for event in events
    ]


@given(st.lists(st.tuples(_observed, st.booleans(), st.sampled_from(_KINDS)), min_size=1, max_size=6))
def test_what_enrichment_adds_to_events_of_striking_values_is_in_their_rows(
    made: list[tuple[dict[str, object], bool, dict[str, Any]]],
) -> None:
    records = lines_of(
        [
            event(data, **header)
            if not in_user_data
            else event(None, **header).replace(b'"EventData": null', b'"UserData": ' + json.dumps({"X": data}).encode())
            for data, in_user_data, header in made
        ]
    )
    parsed, refused = parse_batch(records, FORMAT, Context())
    wanted = _marked(parsed)
    table, dead = WindowsTables(Context(), _marked, strikes=_strikes).read(records)
    assert dead == refused
    places = range(len(table))
    for name in (*ROUTING, "threat.indicator.name", "source.ip", "winlog.event_data.Hashes"):
        assert table.column(name, places) == [each.get(name) for each in wanted], name
    assert table.keys(ROUTING) == [tuple(each.fields.get(name) for name in ROUTING) for each in wanted]
    assert [table.event(place) for place in places] == wanted


@pytest.mark.corpus
def test_every_field_of_every_recorded_event_is_the_parsed_one() -> None:
    if not CORPUS.is_dir():
        pytest.skip("../shared/corpus is not here")
    import evtx

    rows = 0
    others: set[str] = set()
    watched: set[str] = set()
    for path in sorted(CORPUS.rglob("*.evtx")):
        try:
            data = [record["data"].encode() for record in evtx.PyEvtxParser(str(path)).records_json()]
        except (RuntimeError, OSError):
            continue
        rows += assert_same(lines_of(data))
        events, _ = parse_batch(lines_of(data), FORMAT, Context())
        watched |= {name for e in events for name in _WATCHED.intersection(e.fields)}
        plain = [
            e for e in events if not windows.is_told_by_data(f"{e.get('event.provider')}", f"{e.get('event.code')}")
        ]
        others |= {n for e in plain for n in e.fields if not n.startswith((windows.EVENT_DATA, windows.USER_DATA))}
    assert rows > 10_000
    assert others <= windows.OTHERS
    assert watched == set(OBSERVED.values())
