"""A table of Events says what the Events say; other tables are held to it by what they stand for."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from collectors.event import ENVELOPE
from soc.detect.table import EventTable, table_of
from tests.soc.detect.sigma.material import event

EVENTS = [
    event({"a": "x", "tags": ["one", "two"], "n": 1}, "raw one", 1),
    event({"a": None, "b": True}, "raw two", 2),
    event({"event.dataset": "other", "log.file.path": "named by the record"}, "raw three", 3),
]
NAMES = ["event.dataset", "a", "b", "n", "tags", "missing", *sorted(ENVELOPE)]


def test_columns_and_cells_are_what_the_events_hold() -> None:
    table = EventTable(EVENTS)
    for places in (range(3), [2, 0], [1]):
        for name in NAMES:
            assert table.column(name, places) == [EVENTS[place].get(name) for place in places]
    assert [[table.cell(name, at) for name in NAMES] for at in range(3)] == [
        [each.get(name) for name in NAMES] for each in EVENTS
    ]


def test_keys_stand_row_by_row() -> None:
    assert EventTable(EVENTS).keys(("event.dataset", "a")) == [("test", "x"), ("test", None), ("other", None)]
    assert EventTable([]).keys(("event.dataset",)) == []


def test_texts_are_the_record_and_every_text_value() -> None:
    table = EventTable(EVENTS)
    assert table.texts(0) == ["raw one", "test", "x", "one", "two"]
    assert all(text in table.haystack(0) for text in table.texts(0))


def test_the_latest_event_counts_as_no_later_than_its_receipt() -> None:
    received = EVENTS[0].ingested
    hours = {"early": -3, "late": -1, "ahead": 5}
    events = [replace(EVENTS[0], id=name, time=received + timedelta(hours=after)) for name, after in hours.items()]
    assert [EventTable(events[:count]).latest().id for count in (1, 2, 3)] == ["early", "late", "ahead"]
    assert EventTable([events[2], replace(events[0], ingested=received + timedelta(hours=9))]).latest().id == "ahead"


def test_a_table_is_its_own_table_and_its_events_are_those_given() -> None:
    table = table_of(EVENTS)
    assert table_of(table) is table
    assert len(table) == 3
    assert all(table.event(at) is each for at, each in enumerate(EVENTS))
