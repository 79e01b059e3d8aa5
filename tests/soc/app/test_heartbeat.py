"""The SOC tells the time while something waits for it, and only then."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from collectors.event import Event
from soc.app.audit import is_heartbeat
from soc.app.heartbeat import LONGEST_PAUSE, PAUSE, Heartbeat
from tests.soc.desk_fixtures import DAY, event

SECOND = timedelta(seconds=1)


def told_over(hours: float, due: datetime | None, events: dict[int, Event] | None = None) -> list[int]:
    """Seconds at which the time was told."""
    told: list[Event] = []
    heart = Heartbeat(told.extend, DAY)
    for second in range(int(hours * 3600)):
        if events and second in events:
            heart.heard(events[second])
        heart.beat(DAY + second * SECOND, due)
    assert all(map(is_heartbeat, told))
    return [round((beat.time - DAY) / SECOND) for beat in told]


def test_no_heartbeat_where_nothing_waits() -> None:
    assert told_over(2, None) == []


def test_the_first_comes_when_every_source_is_silent_and_then_ever_more_rarely() -> None:
    told = told_over(1, DAY)
    assert told[:4] == [31, 31 + 62, 31 + 62 + 124, 31 + 62 + 124 + 248]
    assert {b - a for a, b in pairwise(told[4:])} == {LONGEST_PAUSE / SECOND}


def test_what_waits_for_an_hour_is_told_the_time_in_an_hour() -> None:
    assert told_over(1.2, DAY + 3600 * SECOND)[0] == 3600


def test_an_event_of_a_machine_tells_the_time_as_well() -> None:
    events = {second: event(second, second / 60) for second in range(0, 1800, 20)}
    assert [second for second in told_over(1, DAY, events) if second < 1780 + PAUSE / SECOND] == []


def test_a_heartbeat_is_no_sign_of_life() -> None:
    told: list[Event] = []
    heart = Heartbeat(told.extend, DAY)
    heart.beat(DAY + PAUSE, DAY)
    heart.heard(told[0])
    assert not heart.beat(DAY + 2 * PAUSE, DAY)
    assert heart.beat(DAY + 3 * PAUSE, DAY)
    assert len({beat.id for beat in told}) == 2
