"""Why a rule fired: the leaves that hold by the explanation of the event, whatever fired before; remembered or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.event import Event
from soc.detect.ruleset import RuleSet
from soc.detect.sigma import Part
from tests.soc.detect.sigma import drawn
from tests.soc.detect.sigma.material import event, rule_set

RULES_AND_EVENTS = drawn.DETECTION.flatmap(lambda detection: st.tuples(st.just(detection), drawn.events_for(detection)))


def holding(part: Part) -> Iterator[Part]:
    """The leaves that make a tree true."""
    if part.kind == "leaf" and part.holds:
        yield part
    elif part.kind == "or" or (part.kind == "and" and part.holds):
        for inner in part.parts:
            yield from holding(inner)


def assert_reasons_are_the_leaves_that_hold(rules: RuleSet, events: Sequence[Event]) -> int:
    count = 0
    for found in rules.detect(events):
        parts = list(holding(rules.explain(found.rule.id, found.events[0]).tree))
        expected = dict.fromkeys((part.where, part.value) for part in parts)
        assert list(dict.fromkeys((match.where, match.value) for match in found.matched)) == list(expected)
        by_place: dict[tuple[str, str], list[Part]] = {}
        for part in parts:
            by_place.setdefault((part.where, part.value), []).append(part)
        for match in found.matched:
            same = by_place[match.where, match.value]
            assert any(match.field in (part.columns or ("", *found.events[0].fields)) for part in same)
            assert any(match.pattern in part.patterns for part in same)
        count += 1
    return count


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn_pair=RULES_AND_EVENTS)
def test_reasons_are_the_leaves_that_hold(drawn_pair: Any, tmp_path_factory: Any) -> None:
    detection, records = drawn_pair
    rules = rule_set(tmp_path_factory.getbasetemp(), detection, drawn.PLACEHOLDERS)
    events = [event(fields, original, number) for number, (fields, original) in enumerate(records)]
    for _ in range(2):  # the second time they are remembered
        assert_reasons_are_the_leaves_that_hold(rules, events)


def test_reasons_do_not_take_one_event_for_another(tmp_path: Any) -> None:
    detection = {
        "s": {"a": [1, True, "x*"], "b": None},
        "o": {"c|fieldref": "d"},
        "n": {"e": "z"},
        "condition": "(s or o) and (not n or s)",
    }
    rules = rule_set(tmp_path, detection)
    fields: list[dict[str, Any]] = [
        {"a": 1}, {"a": True}, {"a": "1"}, {"a": "true"}, {"a": ["y", "xx"]}, {"a": "xx"}, {"a": "xx", "c": "q", "d": "q"},
        {"c": "q", "d": "q"}, {"c": "r", "d": "r"}, {"c": "q", "d": "q", "e": "z"}, {"a": "x" * 5_000}, {"a": "x" * 5_001},
        {"a": 1, "e": "z"}, {"a": "xx", "b": ""},
    ]  # fmt: skip
    events = [event(each, number=number) for number, each in enumerate(fields)]
    assert assert_reasons_are_the_leaves_that_hold(rules, [*events, *reversed(events)]) == 24


def test_reason_of_keywords_is_the_text_that_has_them(tmp_path: Any) -> None:
    rules = rule_set(tmp_path, {"k": ["evil", "bad"], "condition": "k"})
    events = [
        event({"a": text}, f"{number} {text}", number) for number, text in enumerate(["so bad", "so evil", "bad"])
    ]
    assert [[(m.field, m.pattern) for m in found.matched] for found in rules.detect(events)] == [
        [("", "bad")], [("", "evil")], [("", "bad")],
    ]  # fmt: skip
