"""The engine against the plain matcher: rules with every modifier, events drawn from them, one verdict."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from soc.detect.sigma.encoding import MODIFIERS
from tests.soc.detect.sigma import drawn
from tests.soc.detect.sigma.material import RULE_ID, event, fires, rule_set
from tests.soc.detect.sigma.plain_matcher import matches

RULES_AND_EVENTS = drawn.DETECTION.flatmap(lambda detection: st.tuples(st.just(detection), drawn.events_for(detection)))


def agree(detection: Any, records: list[Any], folder: Any) -> None:
    rules = rule_set(folder, detection, drawn.PLACEHOLDERS)
    events = [event(fields, original, number) for number, (fields, original) in enumerate(records)]
    expected = [at for at, one in enumerate(events) if matches(detection, one.fields, one.original, drawn.PLACEHOLDERS)]
    assert [at for at, _ in fires(rules, events)] == expected
    for at, one in enumerate(events):
        assert rules.explain(RULE_ID, one).fires is (at in expected)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn_pair=RULES_AND_EVENTS)
@example(drawn_pair=({"s": {"a|re|i": "s"}, "condition": "s"}, [({"a": "ſ"}, "")]))
def test_engine_agrees_with_the_plain_matcher(drawn_pair: Any, tmp_path_factory: Any) -> None:
    agree(*drawn_pair, tmp_path_factory.getbasetemp())


ONE_ITEM = drawn.ITEM.map(lambda item: {"s": dict([item]), "condition": "s"})


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn_pair=ONE_ITEM.flatmap(lambda detection: st.tuples(st.just(detection), drawn.events_for(detection))))
def test_engine_agrees_with_the_plain_matcher_on_one_item(drawn_pair: Any, tmp_path_factory: Any) -> None:
    """Nothing else in the rule that could hide a difference."""
    agree(*drawn_pair, tmp_path_factory.getbasetemp())


def test_every_modifier_is_drawn() -> None:
    chains = [
        *drawn.OF_TEXT, *drawn.OF_DASHES, *drawn.OF_BYTES, *drawn.OF_DASHED_BYTES, *drawn.OF_EXPRESSIONS, *drawn.OF_NUMBERS,
        *drawn.OF_TIMES, *drawn.OF_FIELDS,
    ]  # fmt: skip
    words = {word for chain in chains for word in chain.split("|")} | {"cidr", "expand", "exists"}
    spelled_otherwise = {"ignorecase", "multiline", "dotall"}
    assert set(MODIFIERS) - spelled_otherwise == words - {""}
