"""Sequences in a test file: what each step becomes, and what is refused at its place."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from soc.detect import rule_tests
from soc.detect.rule_tests import Reading
from soc.errors import FaultsError

CORRELATION = """\
title: Failed Log-ins
id: 0b1c5f0e-6a52-4b63-9d0c-0d6a3f6f7c11
name: failed_login
logsource: {product: linux, service: sshd}
detection:
    selection:
        event.action: ssh_login
        event.outcome: failure
    condition: selection
level: low
---
title: Ten Failed Log-ins in Half a Minute
id: 1b1c5f0e-6a52-4b63-9d0c-0d6a3f6f7c12
correlation:
    type: event_count
    rules: [failed_login]
    group-by: [source.ip]
    timespan: 30s
    condition: {gte: 10}
level: high
"""
LINE = "Nov 20 02:14:07 jump-01 sshd[2231]: Failed password for root from 203.0.113.45 port 41022 ssh2"
LATER = LINE.replace("02:14:07", "02:15:00")


def readings_of(folder: Path, test: str) -> list[Reading]:
    (folder / "burst.yml").write_text(CORRELATION, encoding="utf-8")
    (folder / "burst.test.yml").write_text(test, encoding="utf-8")
    return rule_tests.read_samples(rule_tests.discover([folder]))


def only(folder: Path, steps: str, head: str = "format: syslog") -> Reading:
    [reading] = readings_of(folder, f"{head}\nmatch:\n  - events:\n{steps}")
    return reading


def seconds(reading: Reading) -> list[float]:
    """Times of the events after the fixed time of receipt."""
    return [(event.time - rule_tests.RECEIVED).total_seconds() for event in reading.events]


def test_step_happens_at_its_time_after_received_and_is_received_at_once(tmp_path: Path) -> None:
    reading = only(tmp_path, f"    - {{at: +1m30s, line: '{LINE}'}}\n    - {{at: 2h, line: '{LINE}'}}\n")
    assert seconds(reading) == [90, 7200]
    assert [event.ingested for event in reading.events] == [event.time for event in reading.events]


def test_repeated_step_comes_every_so_often_with_its_number(tmp_path: Path) -> None:
    steps = "    - {at: 3s, repeat: 4, every: 2500ms, fields: {user.name: 'user{n}', user.roles: ['r{n}'], url.path: '/{x}'}}\n"
    reading = only(tmp_path, steps, "format: json")
    assert seconds(reading) == [3, 5.5, 8, 10.5]
    assert [event.fields["user.name"] for event in reading.events] == ["user1", "user2", "user3", "user4"]
    assert [event.fields["user.roles"] for event in reading.events] == [["r1"], ["r2"], ["r3"], ["r4"]]
    assert reading.events[0].fields["url.path"] == "/{x}"
    assert b"2026-11-22T00:00:05.5" in reading.events[1].raw


def test_number_stays_as_written_in_a_step_that_is_not_repeated(tmp_path: Path) -> None:
    reading = only(tmp_path, "    - {at: 0s, fields: {user.name: 'user{n}'}}\n", "format: json")
    assert reading.events[0].fields["user.name"] == "user{n}"


def test_step_without_a_time_happens_with_the_one_before(tmp_path: Path) -> None:
    steps = f"    - '{LINE}'\n    - {{at: 5s, repeat: 2, every: 1s, line: '{LINE}'}}\n    - '{LINE}'\n"
    assert seconds(only(tmp_path, steps)) == [0, 5, 6, 6]


def test_lines_tell_their_own_time_where_no_step_says_one(tmp_path: Path) -> None:
    reading = only(tmp_path, f"    - '{LATER}'\n    - {{line: '{LINE}'}}\n")
    assert [event.time for event in reading.events] == [
        datetime(2026, 11, 20, 2, 14, 7, tzinfo=UTC),
        datetime(2026, 11, 20, 2, 15, tzinfo=UTC),
    ]


def test_events_of_a_sequence_are_many_even_where_their_bytes_are_the_same(tmp_path: Path) -> None:
    reading = only(tmp_path, f"    - {{at: 0s, repeat: 10, line: '{LINE}'}}\n")
    assert len({event.id for event in reading.events}) == 10


def test_step_has_the_format_that_it_names_and_fields_are_json(tmp_path: Path) -> None:
    record = "<38>1 2026-11-20T02:14:07Z jump-01 sshd 2231 - - Failed password for root from 203.0.113.45 port 1 ssh2"
    steps = f"    - {{at: 0s, format: rfc5424, line: '{record}'}}\n    - {{at: 1s, fields: {{event.dataset: sshd}}}}\n"
    reading = only(tmp_path, steps, "format: syslog\ngiven: {user.name: an}")
    assert reading.events[0].fields["source.ip"] == "203.0.113.45"
    assert reading.events[1].fields["user.name"] == "an"


def test_sequence_with_one_unreadable_record_is_unread_and_names_it(tmp_path: Path) -> None:
    reading = only(tmp_path, "    - '<38>1 2026-11-20T02:14:07Z a b - - - x'\n    - nonsense\n", "format: rfc5424")
    assert reading.events == ()
    assert "the rfc5424 parser cannot read it" in reading.unread
    assert "'nonsense'" in reading.unread


@pytest.mark.parametrize(
    ("sample", "fault"),
    [
        ("{events: []}", ":2:18: a list of steps is expected"),
        ("{events: [7]}", ":2:19: a raw line or a step is expected"),
        ("{events: [{att: 0s, line: x}]}", ':2:20: unknown key "att"; did you mean "at"?'),
        ("{events: [{at: soon, line: x}]}", ":2:24: 'soon' is not a duration"),
        ("{events: [{at: 5, line: x}]}", ":2:24: 5 is not a duration"),
        ("{events: [{at: 0s}]}", ':2:19: a step has either a "line" or "fields"'),
        ("{events: [{line: x, fields: {}}]}", ':2:19: a step has either a "line" or "fields"'),
        ("{events: [{line: 7}]}", ":2:26: a raw line"),
        ("{events: [{repeat: 0, line: x}]}", ":2:28: a whole number from 1 to 10,000 is expected"),
        ("{events: [{repeat: 9999, line: x}, {repeat: 2, line: x}]}", ":2:18: 10,001 events; at most 10,000 are run"),
        ("{events: [{format: jsn, line: x}]}", 'did you mean "json"?'),
        ("{events: [{format: json, fields: {}}]}", ":2:20: fields are always read as JSON"),
        ("{events: [{fields: {a: 1, a.b: 1}}]}", '"a.b" cannot stand beside "a", which is a value'),
        ("{evnts: [x], events: [x]}", ':2:10: unknown key "evnts"; did you mean "events"?'),
        ("{events: [x], fires: 0}", ":2:30: a whole number above 0 is expected"),
        ("{events: [x], group: a}", ":2:30: a mapping of field names to values is expected"),
        ("{events: [x], name: [a]}", ":2:29: text is expected"),
    ],
)
def test_fault_in_a_sequence_has_its_place(tmp_path: Path, sample: str, fault: str) -> None:
    with pytest.raises(FaultsError) as raised:
        readings_of(tmp_path, f"format: syslog\nmatch: [{sample}]\n")
    assert any(fault in str(each) for each in raised.value.faults), str(raised.value)


def test_near_miss_cannot_say_how_often_it_fires(tmp_path: Path) -> None:
    with pytest.raises(FaultsError, match='"fires" is what a sequence under "match" gives'):
        readings_of(tmp_path, "format: syslog\nnear_miss: [{events: [x], fires: 1}]\n")


def test_rule_of_one_event_is_not_shown_a_sequence(tmp_path: Path) -> None:
    (tmp_path / "one.yml").write_text(CORRELATION.split("---")[0], encoding="utf-8")
    (tmp_path / "one.test.yml").write_text("format: syslog\nmatch: [{events: [x]}]\n", encoding="utf-8")
    with pytest.raises(FaultsError, match="a rule looks at one event"):
        rule_tests.discover([tmp_path])


def test_test_of_a_file_is_of_the_rule_that_no_correlation_in_it_is_made_of(tmp_path: Path) -> None:
    (tmp_path / "burst.yml").write_text(CORRELATION, encoding="utf-8")
    [test] = rule_tests.discover([tmp_path])
    assert test.rule_id == "1b1c5f0e-6a52-4b63-9d0c-0d6a3f6f7c12"
    assert test.subject is rule_tests.Subject.CORRELATION
