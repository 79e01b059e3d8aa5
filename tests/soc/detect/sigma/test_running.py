"""A matcher in a running engine: what rules cost, rules left out, rules changed, and what it remembers."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from collectors.event import Event
from soc.detect.sigma import Matcher, load
from soc.detect.sigma.index import MEMORY_BYTES
from soc.detect.sigma.ir import Rule
from soc.detect.sigma.literals import Literals
from soc.detect.sigma.meter import Meter
from soc.detect.sigma.route import ROUTING
from tests.soc.detect.sigma.material import event, rule, write

DETECTIONS: list[Any] = [
    {"s": {"a|contains": "evil"}, "condition": "s"},
    {"s": {"a|re": "e.+l$"}, "condition": "s"},
    {"s": {"b": "x"}, "f": {"a|startswith": "good"}, "condition": "s and not f"},
    {"k": ["keyword"], "condition": "k"},
    {"f": {"b": "x"}, "condition": "not f"},
]
EVENTS = [
    event({"a": "evil", "b": "x"}, number=1),
    event({"a": "good evil"}, "a keyword", number=2),
    event({"b": "x"}, number=3),
    event({"a": ["l", "EVIL"], "b": 1}, number=4),
]


def rules(folder: Path, detections: list[Any]) -> list[Rule]:
    ids = [f"5e7f0c2e-93c7-4b5a-8d5a-{number:012x}" for number in range(len(detections))]
    written = [rule(detection, id=each) for each, detection in zip(ids, detections, strict=True)]
    return [each for _, each in load([write(folder, *written)]) if isinstance(each, Rule)]


def fired(matcher: Matcher, events: list[Event]) -> dict[int, tuple[int, ...]]:
    return {hit.at: hit.fired for hit in matcher.match(events)}


WHOLE = {0: (0, 1, 2), 1: (0, 1, 3, 4), 2: (2,), 3: (0, 4)}


def test_a_meter_changes_nothing_and_is_charged_with_the_rules_that_were_evaluated(tmp_path: Path) -> None:
    matcher, meter = Matcher(rules(tmp_path, DETECTIONS)), Meter()
    assert {hit.at: hit.fired for hit in matcher.match(EVENTS, meter)} == WHOLE == fired(matcher, EVENTS)
    assert dict(meter.evaluations)[4] == len(EVENTS)
    assert dict(meter.evaluations)[2] == 2
    assert set(meter.nanoseconds) == {0, 1, 2, 3, 4}
    assert all(spent > 0 for spent in meter.nanoseconds.values())


def test_a_costly_expression_is_charged_to_its_rule(tmp_path: Path) -> None:
    slow = {"s": {"a|re": "(x+x+)+y|z.{500}z"}, "condition": "s"}
    matcher, meter = Matcher(rules(tmp_path, [DETECTIONS[0], slow])), Meter()
    matcher.match([event({"a": "x" * 3_000 + str(number)}, number=number) for number in range(20)], meter)
    assert meter.nanoseconds[1] > 10 * meter.nanoseconds.get(0, 0)


def test_suspended_rules_do_not_fire_until_they_are_let_go(tmp_path: Path) -> None:
    matcher = Matcher(rules(tmp_path, DETECTIONS))
    assert fired(matcher, EVENTS) == WHOLE
    matcher.suspend({0, 4})
    meter = Meter()
    assert {hit.at: hit.fired for hit in matcher.match(EVENTS, meter)} == {0: (1, 2), 1: (1, 3), 2: (2,)}
    assert not {0, 4} & set(meter.nanoseconds)
    matcher.suspend(())
    assert fired(matcher, EVENTS) == WHOLE


@pytest.mark.parametrize("before", [[], [0], [0, 1, 2, 3, 4], [4, 3]])
def test_replaced_rules_match_as_if_they_had_always_been_there(before: list[int], tmp_path: Path) -> None:
    old = Matcher(rules(tmp_path, [DETECTIONS[number] for number in before]))
    old.match(EVENTS)
    new = old.replaced(rules(tmp_path, DETECTIONS))
    assert fired(new, EVENTS) == WHOLE
    again = new.replaced(rules(tmp_path, [*DETECTIONS[:2], {"s": {"b": 1}, "condition": "s"}]))
    assert fired(again, EVENTS) == {0: (0, 1), 1: (0, 1), 3: (0, 2)}
    assert fired(new, EVENTS) == WHOLE


@pytest.mark.parametrize("others", [0, 50, 200])
def test_however_many_rules_share_a_logsource_each_fires_as_alone(others: int, tmp_path: Path) -> None:
    by_kind = {"s": {"event.dataset": "test", "c": "others 7"}, "condition": "s"}
    many = [{"s": {"c": f"others {number}"}, "condition": "s"} for number in range(others)]
    matcher = Matcher(rules(tmp_path, [*DETECTIONS, by_kind, *many]))
    extra = event({"c": "others 7"}, number=5)
    assert fired(matcher, [*EVENTS, extra]) == {**WHOLE, 4: (4, 5, *([5 + 1 + 7] if others else []))}


ALIKE: list[Any] = [1, True, 1.0, "1", "true", [1], [True], None, "1.0", 0, False, ["1", "true"], 1]


def test_values_that_are_equal_to_python_and_not_to_sigma_are_told_apart_by_what_is_remembered(tmp_path: Path) -> None:
    detections = [
        {"s": {"b": "x", "a": 1}, "condition": "s"},
        {"s": {"b": "x", "a": True}, "condition": "s"},
        {"s": {"b": "x"}, "t": {"a|exists": False}, "condition": "s and t"},
        {"s": {"b": "x"}, "t": {"a": "1.0"}, "condition": "s and not t"},
        {"s": {"b": "x", "a|fieldref": "c"}, "condition": "s"},
    ]
    parsed = rules(tmp_path, detections)
    rows = [{"a": a, "b": "x", "c": c} for a in ALIKE for c in ALIKE]
    events = [
        event({name: value for name, value in row.items() if value is not None}, number=n) for n, row in enumerate(rows)
    ]
    alone = {at: hit[0] for at, each in enumerate(events) if (hit := fired(Matcher(parsed), [each]))}
    assert len(set(alone.values())) > 5
    matcher = Matcher(parsed)
    for batch in (events, events[::-1], events):
        assert fired(matcher, batch) == {
            place: alone[at] for place, each in enumerate(batch) if (at := events.index(each)) in alone
        }


def test_rows_whose_values_never_come_again_are_not_remembered_for_ever(tmp_path: Path) -> None:
    matcher = Matcher(rules(tmp_path, DETECTIONS))
    for batch in range(9):
        events = [event({"a": f"evil {batch} {number}", "b": "x"}, number=number) for number in range(1_000)]
        assert fired(matcher, events) == dict.fromkeys(range(1_000), (0, 2))
    (group,) = matcher._groups.values()
    assert group._rows is not None
    assert len(group._rows) <= 6_000
    assert [sum(map(len, unit._plans.values())) <= 6_000 for unit in group._units] == [True]
    assert group.columns is None


def test_rows_that_come_again_are_looked_at_once_whatever_else_their_events_say(tmp_path: Path) -> None:
    matcher, meter = Matcher(rules(tmp_path, DETECTIONS)), Meter()
    for batch in range(5):
        events = [event({"a": "evil", "b": "x", "id": f"{batch} {number}"}, number=number) for number in range(400)]
        events[7] = event({"a": "evil", "b": "x"}, "the keyword", number=7)
        events[8] = event({"a": ["evil"], "b": True}, number=8)
        found = fired(matcher, events) if batch < 4 else {h.at: h.fired for h in matcher.match(events, meter)}
        assert found == {**dict.fromkeys(range(400), (0, 1, 2)), 7: (0, 1, 2, 3), 8: (0, 1, 4)}
    assert matcher.reads(dict.fromkeys(ROUTING)) == ()
    assert matcher.reads({"event.dataset": "test"}) == ["a", "b"]
    assert not meter.evaluations[0] + meter.evaluations[1] + meter.evaluations[2] + meter.evaluations[4]
    assert meter.hits == {0: 400, 1: 400, 2: 399, 3: 1, 4: 1}


def test_what_a_matcher_remembers_is_bounded(tmp_path: Path) -> None:
    matcher = Matcher(rules(tmp_path, DETECTIONS))
    matcher.match(EVENTS)
    tracemalloc.start()
    for batch in range(60):
        matcher.match([event({"a": f"evil {batch} {number} " + "x" * 900}, number=number) for number in range(2_000)])
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 3 * MEMORY_BYTES


@pytest.mark.parametrize("looks", [1, 100])
def test_literals_are_found_one_by_one_and_by_automaton_alike(looks: int) -> None:
    literals = ["abc", "bc", "c\ud800", "", "đ", "xyz", "ſs", "zz", "\0\0"]
    texts = ["abc", "c\ud800d", "", "ABC", "đabc\0", "\0\0", "\udfff bc", "ſs"]
    finder = Literals(literals)
    for _ in range(looks):
        for text in texts:
            assert set(finder.within(text)) == {number for number, each in enumerate(literals) if each in text}
            assert finder.any(text) == any(each in text for each in literals)
    only = Literals([each for each in literals if each])
    for _ in range(looks):
        assert [only.any(text) for text in texts] == [any(each in text for each in literals if each) for text in texts]
