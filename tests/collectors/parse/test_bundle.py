"""Lists of records are taken apart: nothing is lost, each has its own id and place, and what is no list stays as it is."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.choosing import ChoosingParser
from collectors.event import Event
from collectors.parse import Context
from collectors.parse.bundle import unbundled
from collectors.record import DeadLetter, Lines, Position, RawRecord
from collectors.sources.lines import LineCutter
from tests.collectors.parse.golden import DATA, RECEIVED

TRAIL = [json.loads(line) for line in (DATA / "shapes" / "aws_cloudtrail.log").read_text().splitlines()]
AZURE = [json.loads(line) for line in (DATA / "shapes" / "azure.log").read_text().splitlines()]
KUBERNETES = [json.loads(line) for line in (DATA / "shapes" / "kubernetes_audit.log").read_text().splitlines()]
LISTED = [
    {name: value for name, value in each.items() if name not in ("kind", "apiVersion")} for each in KUBERNETES[:3]
]


def record(data: bytes, offset: int = 0, truncated: int = 0) -> RawRecord:
    return RawRecord(data, "s", Position("trail.json", "1f", offset, 1), RECEIVED, "192.0.2.7", truncated)


def parsed(records: Sequence[RawRecord], format_name: str = "json") -> tuple[list[Event], list[DeadLetter]]:
    return ChoosingParser(format_name, Context()).parse(records)


@pytest.mark.parametrize("format_name", ["json", "auto"])
@pytest.mark.parametrize(
    ("text", "dataset", "count"),
    [
        (json.dumps({"Records": TRAIL}), "aws.cloudtrail", len(TRAIL)),
        (json.dumps({"records": AZURE[:6]}), "azure.signinlogs", 6),
        (json.dumps(TRAIL), "aws.cloudtrail", len(TRAIL)),
        (json.dumps({"@odata.context": "https://graph.example/$metadata", "value": AZURE[:3]}), "azure.signinlogs", 3),
        (
            json.dumps({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": LISTED}),
            "kubernetes.audit_logs",
            3,
        ),
        (json.dumps({"value": AZURE[:3], "nextLink": "https://graph.example/next"}), "azure.signinlogs", 3),
        ("\ufeff" + json.dumps({"Records": TRAIL[:2]}, separators=(",", ":")), "aws.cloudtrail", 2),
    ],
)
def test_each_record_of_a_list_is_an_event(text: str, dataset: str, count: int, format_name: str) -> None:
    events, dead = parsed([record(text.encode())], format_name)
    assert dead == []
    assert [event.fields["event.dataset"] for event in events] == [dataset] * count
    assert len({event.id for event in events}) == count
    for event in events:
        assert text.encode()[event.position.offset :].startswith(event.raw), "its place is where its bytes stand"
        assert event.peer == "192.0.2.7"


def test_pretty_printed_file_is_taken_apart_too() -> None:
    text = json.dumps({"Records": TRAIL[:3]}, indent=2)
    events, dead = parsed([record(text.encode())], "json-pretty")
    assert dead == []
    assert [event.fields["eventName"] for event in events] == [each["eventName"] for each in TRAIL[:3]]


def test_one_bad_record_costs_no_other() -> None:
    bad = {**TRAIL[0], "eventTime": "yesterday"}
    events, dead = parsed([record(json.dumps({"Records": [TRAIL[1], bad, TRAIL[2]]}).encode())])
    assert [event.fields["eventName"] for event in events] == [TRAIL[1]["eventName"], TRAIL[2]["eventName"]]
    assert [json.loads(letter.record.data) for letter in dead] == [bad]


def test_alike_records_of_alike_lists_have_ids_of_their_own_that_a_replay_gives_again() -> None:
    text = b'{"records":[{"a":1},{"a":1}]}'
    batch = [record(text, 0), record(text, 1), record(text, 10)]  # a socket counts records
    ids = [event.id for event in parsed(batch)[0]]
    assert len(set(ids)) == 6
    assert [event.id for event in parsed(batch)[0]] == ids


@pytest.mark.parametrize(
    "data",
    [
        b'{"Records":[]}',
        b"[]",
        b'{"records":[1,2]}',
        b'{"Records":[{"a":1},"b"]}',
        b'{"Records":{"a":1}}',
        b'{"value":[',
        b'{"value":"x"}',
        b'{"value":[{"a":1}], "records"',
        b"[{]",
        b'[{"a":1},',
        b'{"a":1}',
        b"x",
        b"",
    ],
)
def test_what_is_no_list_of_objects_stays_one_record(data: bytes) -> None:
    records = [record(data)]
    assert list(unbundled(records)) == records


def test_list_that_a_source_cut_is_one_dead_letter() -> None:
    text = json.dumps({"Records": TRAIL}).encode()[:-100]
    events, dead = parsed([record(text, truncated=100)])
    assert (len(events), len(dead)) == (0, 1)


def test_records_without_a_list_among_them_are_not_made() -> None:
    lines = Lines([b'{"a":1}', b'{"Record":[{}]}'], "s", "", "1f", 0, 1, datetime(2026, 11, 22, tzinfo=UTC))
    assert unbundled(lines) is lines


def test_lines_of_a_file_with_lists_among_them_keep_their_order() -> None:
    cutter = LineCutter(1_000_000)
    cutter.feed(b'{"a":1}\n[{"a":2},{"a":3}]\n{"a":4}\n')
    events, _ = parsed(cutter.take(10, "s", "f", "1f", RECEIVED))
    assert [event.fields["a"] for event in events] == [1, 2, 3, 4]
    assert [event.position.offset for event in events] == [0, 9, 17, 26]


@pytest.mark.parametrize(
    "run", [b'{"Records":[', b"[{", b'[{"a":', b"[{},", b'{"value":[{},', b" ", b"[[", b'{"@odata.']
)
def test_time_is_linear_in_long_runs(run: bytes) -> None:
    begun = time.thread_time()
    unbundled([record(run * (1_000_000 // len(run)))])
    assert time.thread_time() - begun < 1.0


@given(st.lists(st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=4), max_size=3), min_size=1))
def test_parts_are_the_objects_whatever_they_hold(objects: list[dict[str, object]]) -> None:
    for text in (json.dumps(objects), json.dumps({"records": objects}, indent=1)):
        parts = unbundled([record(text.encode())])
        assert [json.loads(part.data) for part in parts] == objects
        assert len({(part.position.stream, part.position.offset) for part in parts}) == len(objects)
