"""Samples in, their events out, as the production parsers read them; or why one of their records is no event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from collectors.event import Event
from collectors.parse import Context, parse_batch
from collectors.record import Position, RawRecord
from soc.detect.rule_tests.document import Record, RuleTest, Sample

_SOURCE = "rule-test"


@dataclass(frozen=True, slots=True)
class Reading:
    """One sample as its parser read it: its events in order of time, or why one of its records is none."""

    test: RuleTest
    sample: Sample
    events: tuple[Event, ...]
    unread: str = ""

    @property
    def event(self) -> Event | None:
        """The event of a single record, the last one of a sequence; None where it could not be read."""
        return self.events[-1] if self.events else None


def read_samples(tests: Sequence[RuleTest]) -> list[Reading]:
    """Every sample of the tests, in their order. A sample of which one record is no event has no events at all."""
    owners = [(test, sample) for test in tests for sample in test.samples]
    records = [(owner, record) for owner, (_, sample) in enumerate(owners) for record in sample.records]
    by_format: dict[str, list[RawRecord]] = defaultdict(list)
    for number, (owner, record) in enumerate(records):
        test = owners[owner][0]
        place = Position(str(test.rule_path), _SOURCE, number, number)
        by_format[record.format].append(RawRecord(record.data, _SOURCE, place, test.received))
    events: dict[int, list[Event]] = defaultdict(list)
    unread: dict[int, str] = {}
    for name, raw in by_format.items():
        parsed, dead = parse_batch(raw, name, Context())
        for event in parsed:
            owner, record = records[event.position.index]
            events[owner].append(_timed(event, record, *owners[owner]))
        for letter in dead:
            owner, _ = records[letter.record.position.index]
            unread.setdefault(
                owner, f"the {name} parser cannot read it: {letter.reason}{_which(owners[owner][1], letter.record)}"
            )
    readings = []
    for owner, (test, sample) in enumerate(owners):
        in_time = () if owner in unread else tuple(sorted(events[owner], key=_order))
        readings.append(Reading(test, sample, in_time, unread.get(owner, "")))
    return readings


def _timed(event: Event, record: Record, test: RuleTest, sample: Sample) -> Event:
    """The event of a sequence at its time, received at once."""
    if not sample.sequence:
        return event
    time = event.time if record.at is None else test.received + record.at
    return replace(event, time=time, ingested=time)


def _order(event: Event) -> tuple[datetime, int]:
    return event.time, event.position.index


def _which(sample: Sample, record: RawRecord) -> str:
    return f" (the record {record.data.decode('utf-8', 'backslashreplace')!r:.120})" if sample.sequence else ""
