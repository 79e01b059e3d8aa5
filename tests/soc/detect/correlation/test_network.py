"""Correlations over correlations, who is silenced by whom, and what is refused."""

from __future__ import annotations

import pytest

from soc.errors import FaultsError
from tests.soc.detect.correlation.material import base, event, found, over, rules, seconds, when

A, B = base("a"), base("b")


def test_rules_of_a_correlation_do_not_alert_by_themselves() -> None:
    running = rules(A, B, over("event_count", "a", gte=2))
    assert [one.rule.id for one in running.detect([event(0, "a"), event(1, "b")])] == ["rule-b"]
    assert running.silenced == {"rule-a": ("corr",)}


def test_rules_that_a_correlation_generates_alert_too_whoever_else_uses_them() -> None:
    loud = over("event_count", "a", gte=2, generate=True)
    silent = over("event_count", "a", gte=3, id="silent")
    running = rules(A, loud, silent)
    assert [one.rule.id for one in running.detect([event(0, "a")])] == ["rule-a"]
    assert running.silenced == {}


def test_a_chain_is_silent_but_for_its_end() -> None:
    many = over("event_count", "a", 10, gte=2, id="many", name="many")
    then = over("temporal_ordered", ["many", "b"], 60, id="then")
    running = rules(A, B, many, then)
    (one,) = found(running, [event(0, "a"), event(1, "a"), event(2, "b")])
    assert (one.rule.id, seconds(one.time)) == ("then", 2)
    assert [seconds(each.time) for each in one.events] == [1, 2], "a correlation stands in a chain as its last event"
    assert running.silenced == {"many": ("then",), "rule-a": ("many",), "rule-b": ("then",)}


def test_a_chain_groups_by_the_key_below_where_that_has_the_field() -> None:
    below = over("event_count", "a", 10, ["user"], gte=2, id="below", name="below")
    above = over("event_count", ["below"], 100, ["user"], gte=2, id="above")
    two = [event(t, "a", user=["u", f"x{t}"]) for t in (0, 1, 20, 21)]
    (one,) = found(rules(A, below, above), two)
    assert (one.group, seconds(one.time)) == (("u",), 21)


def test_a_chain_groups_by_a_field_of_the_completing_event_where_the_key_below_lacks_it() -> None:
    below = over("event_count", "a", 10, ["user"], gte=2, id="below", name="below")
    above = over("value_count", ["below"], 100, ["host"], gte=2, fields=("user",), id="above")
    pairs = ["ux", "uy", "vx", "vy"]
    events = [event(t, "a", user=pair[0], host=pair[1]) for t, pair in enumerate(pairs)]
    (one,) = found(rules(A, below, above), events)
    assert (one.group, seconds(one.time)) == (("y",), 3)


def test_aliases_reach_through_a_chain() -> None:
    below = over("event_count", "a", 10, ["who"], gte=2, id="below", name="below", aliases={"who": {"a": "from"}})
    above = over(
        "temporal", ["below", "b"], 100, ["person"], id="above", aliases={"person": {"below": "who", "b": "to"}}
    )
    events = [
        event(0, "a", **{"from": "x"}),
        event(1, "a", **{"from": "x"}),
        event(2, "b", to="y"),
        event(3, "b", to="x"),
    ]
    (one,) = found(rules(A, B, below, above), events)
    assert (one.group, seconds(one.time)) == (("x",), 3)


def test_a_chain_goes_on_from_what_fires_without_an_event() -> None:
    silence = over("absence", "ab", 10, ["user"], id="silence", name="silence")
    twice = over("event_count", ["silence"], 100, ["host"], gte=2, id="twice")
    events = [event(0, "a", user="u", host="h"), event(5, "a", user="v", host="h"), event(6, "a", user="w", host="i")]
    (one,) = found(rules(A, B, silence, twice), events, finish=100)
    assert (one.group, seconds(one.time)) == (("h",), 15)
    assert [seconds(each.time) for each in one.events] == [0, 5]


def test_rules_may_be_named_by_id_in_any_case() -> None:
    assert when(rules(A, over("event_count", ["RULE-A"], gte=2)), [event(0), event(1)]) == [1]


def test_logsource_of_a_correlation_is_that_of_its_rules_where_they_have_one() -> None:
    from soc.detect.sigma import ir

    other = base("b", logsource=ir.Logsource("", "other", ""))
    running = rules(A, other, over("event_count", "a", gte=2, id="one"), over("temporal", "ab", id="two"))
    assert {one.id: one.logsource for one in running.rules if one.kind == "correlation"} == {
        "one": "product:test",
        "two": "",
    }


def test_names_that_mean_nothing_several_things_or_a_circle_are_refused() -> None:
    with pytest.raises(FaultsError, match='no rule has the id or name "b"'):
        rules(A, over("temporal", "ab"))
    with pytest.raises(FaultsError, match="2 rules have the name"):
        rules(A, base("c", name="a"), over("event_count", "a", gte=1))
    with pytest.raises(FaultsError, match="leads back to this correlation"):
        rules(
            over("event_count", ["two"], gte=1, id="one", name="one"),
            over("event_count", ["one"], gte=1, id="two", name="two"),
        )
