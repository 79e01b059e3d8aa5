"""What waits, for how long, and what comes too late."""

from __future__ import annotations

from datetime import timedelta

import pytest

from soc.detect.correlation import Lateness
from soc.detect.correlation.watermark import Watermark
from soc.detect.ruleset import RuleSet
from tests.soc.detect.correlation.material import FIVE, START, base, event, over, rules, seconds

A, B = base("a"), base("b")
COUNT = over("event_count", "a", gte=2)


def fired(running: RuleSet, *events: object) -> list[float]:
    return [seconds(one.time) for one in running.detect(list(events)) if one.rule.kind == "correlation"]  # type: ignore[arg-type]


def test_hits_wait_until_the_lateness_has_passed() -> None:
    running = rules(A, COUNT, lateness=FIVE)
    assert fired(running, event(0), event(1)) == []
    assert running.held_back
    assert fired(running, event(5.9, "-")) == []
    assert fired(running, event(6.1, "-")) == [1]


def test_a_heartbeat_at_the_due_time_lets_the_next_thing_out() -> None:
    running = rules(A, COUNT, lateness=FIVE)
    assert fired(running, event(0), event(1)) == []
    while running.held_back and running.due is not None:
        due = seconds(running.due)
        if fired(running, event(due, "-", source="soc"), event(due + 30.2, "-", source="soc")):
            break
    else:
        pytest.fail("nothing came out")
    assert not running.held_back


def test_nothing_held_back_needs_no_heartbeat() -> None:
    running = rules(A, COUNT, lateness=FIVE)
    assert not running.held_back
    fired(running, event(0, "-"))
    assert not running.held_back
    assert running.due is None


def test_an_idle_source_holds_up_the_others_for_thirty_seconds_only() -> None:
    running = rules(A, COUNT, lateness=FIVE)
    assert fired(running, event(0, "-", source="idle"), event(10), event(11)) == []
    assert fired(running, event(29, "-")) == []
    assert fired(running, event(31, "-")) == [11]


def test_a_clock_that_is_ahead_is_taken_back_to_the_time_of_receipt() -> None:
    running = rules(A, COUNT, lateness=FIVE)
    assert fired(running, event(7_200, received=0), event(7_201, received=50), event(52), event(60, "-")) == [7_201]
    assert running.stats().late == {}, "its events count as of 0 and 50"


def test_a_clock_that_is_far_behind_holds_up_nobody() -> None:
    running = rules(A, COUNT, lateness=FIVE)
    assert fired(running, event(0), event(-3_600, "-", source="behind", received=1), event(2)) == []
    later = [event(t - 3_600, "-", source="behind", received=t) for t in range(3, 10)]
    assert fired(running, *later, event(10, "-")) == [2]


def test_late_hits_are_counted_and_correlated_among_themselves() -> None:
    running = rules(A, COUNT, lateness=FIVE)
    assert fired(running, event(100), event(200, "-")) == []
    assert fired(running, event(101, source="spool", received=201)) == [], "one late hit and one in time are not two"
    assert fired(running, event(102, source="other", received=202)) == [], "nor are those of two sources"
    assert fired(running, event(110, source="spool", received=203)) == [110]
    assert running.stats().late == {"spool": 2, "other": 1}
    assert [group.late for group in running.groups("corr")] == ["", "spool", "other"]


def test_a_second_spool_of_a_source_begins_anew() -> None:
    running = rules(A, COUNT, lateness=FIVE)
    fired(running, event(1_000, "-"))
    assert fired(running, event(500, received=1_001), event(400, received=1_002)) == []
    assert fired(running, event(401, received=1_003)) == [401]
    assert fired(running, event(398, received=1_004, x="1")) == [], "a little out of order: as of the latest"


def test_what_is_missing_is_not_concluded_from_what_is_late() -> None:
    running = rules(A, B, over("absence", "ab", 10), lateness=FIVE)
    assert fired(running, event(1_000, "-"), event(500, "a", received=1_001), event(2_000, "-")) == []
    assert running.stats().late == {"s": 1}


def test_a_value_that_comes_late_is_known_from_then_on() -> None:
    running = rules(A, over("new_value", "a", 86_400, fields=("host",), options={"learning_s": 0.0}), lateness=FIVE)
    assert fired(running, event(0, host="x"), event(1_000, "-"), event(10, host="x", received=1_001)) == [0]
    assert fired(running, event(20, host="y", received=1_002), event(1_003, host="y"), event(1_100, "-")) == [20]


def test_lateness_of_a_single_source() -> None:
    running = rules(A, COUNT, lateness=Lateness(timedelta(seconds=5), {"slow": timedelta(seconds=60)}))
    assert fired(running, event(0, source="slow"), event(1), event(20, "-"), event(20, "-", source="slow")) == []
    assert fired(running, event(61.2, "-", source="slow"), event(61.4, "-")) == [1]


def test_the_watermark_never_goes_back() -> None:
    watermark = Watermark(FIVE)
    watermark.observe([event(100, "-")])
    before = watermark.now_us
    watermark.observe([event(20, "-", source="slow", received=101), event(30, "-", source="slow", received=102)])
    assert watermark.now_us == before


def test_too_many_held_hits_are_released_early_and_in_order() -> None:
    from soc.detect.correlation.correlator import Correlator
    from soc.detect.correlation.network import Network

    network = Network([("r.yml", A), ("c.yml", COUNT)])
    correlator = Correlator(network, FIVE, ["rule-a"], lambda number, route, field: (field,), max_held=10)
    findings = []
    for number, at in enumerate([9, 1, 8, 2, 7, 3, 6, 4, 5, 0, 10]):
        findings += correlator.take(event(at, received=10), number, [0], {0: 0})
    assert [seconds(START) + (one.hit >> 40) / 1e6 - START.timestamp() for one in findings] == [1]
    assert correlator.waiting.held < 10
