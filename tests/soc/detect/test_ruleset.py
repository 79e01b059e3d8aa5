"""Filters at run time, and what a rule set says of itself."""

from __future__ import annotations

import pytest

from soc.detect.sigma import ir
from soc.errors import FaultsError
from tests.soc.detect.correlation.material import FIVE, START, base, event, found, over, rules

A, B = base("a"), base("b")


def leaf(field: str, value: str) -> ir.Leaf:
    return ir.Leaf(f"benign/{field}", field, (ir.Pattern("equals", value, value),), 1.0, f"{field}{value}".encode())


def hiding(user: str, *names: str, **keys: object) -> ir.Filter:
    """A filter that hides what a user does."""
    plain = {"id": f"filter-{user}", "title": "t", "version": "1", "logsource": ir.Logsource("", "test", "")}
    return ir.Filter(**{**plain, "rules": names, "tree": ir.Not(leaf("user", user)), **keys})  # type: ignore[arg-type]


def fired(running, *events) -> list[tuple[str, object]]:  # type: ignore[no-untyped-def]
    return [(one.rule.id, one.events[0].fields.get("user")) for one in running.detect(list(events))]


def test_a_filter_hides_hits_of_the_rules_that_it_names_and_counts_them() -> None:
    running = rules(A, B, hiding("backup", "a"))
    events = [event(0, "a", user="backup"), event(1, "b", user="backup"), event(2, "a", user="eve")]
    assert fired(running, *events) == [("rule-b", "backup"), ("rule-a", "eve")]
    assert running.stats().hidden == {("filter-backup", "rule-a"): 1}


def test_a_filter_without_rules_acts_on_all_within_its_logsource() -> None:
    service = base("c", logsource=ir.Logsource("", "test", "deep"))
    other = base("d", logsource=ir.Logsource("", "zeek", ""))
    running = rules(A, service, other, hiding("backup"))
    assert fired(running, event(0, "a", user="backup")) == []
    assert running.stats().hidden == {("filter-backup", "rule-a"): 1}
    assert running.filters_of("rule-c") == ("filter-backup",)
    assert running.filters_of("rule-d") == ()


def test_a_named_rule_beyond_the_logsource_is_not_hidden() -> None:
    running = rules(A, hiding("backup", "a", logsource=ir.Logsource("", "linux", "")))
    assert fired(running, event(0, "a", user="backup")) == [("rule-a", "backup")]


def test_a_hit_that_two_filters_hide_counts_for_both() -> None:
    running = rules(A, hiding("backup", "a"), hiding("backup", "RULE-A", id="filter-2"))
    assert fired(running, event(0, "a", user="backup")) == []
    assert running.stats().hidden == {("filter-backup", "rule-a"): 1, ("filter-2", "rule-a"): 1}


def test_a_filter_acts_on_events_before_it_expires() -> None:
    running = rules(A, hiding("backup", "a", expires="2026-11-23"))
    left = 21 * 3_600  # from START to midnight
    assert fired(running, event(left - 1, "a", user="backup"), event(left, "a", user="backup")) == [
        ("rule-a", "backup")
    ]
    assert running.stats().hidden == {("filter-backup", "rule-a"): 1}


def test_what_a_filter_hides_is_not_correlated() -> None:
    running = rules(A, over("event_count", "a", gte=2), hiding("backup", "a"))
    assert found(running, [event(t, "a", user="backup") for t in range(3)]) == []
    assert len(found(rules(A, over("event_count", "a", gte=2)), [event(t, "a", user="backup") for t in range(3)])) == 1


def test_a_filter_on_a_correlation_is_refused() -> None:
    with pytest.raises(FaultsError, match="name its base rules"):
        rules(A, over("event_count", "a", gte=2, name="many"), hiding("backup", "many"))


def test_the_set_counts_its_correlations_and_finds_them() -> None:
    running = rules(A, over("event_count", "a", gte=2))
    assert len(running) == 2
    correlation = running.rule("CORR")
    assert correlation is not None
    assert correlation.kind == "correlation"
    assert [one.kind for one in running.rules] == ["correlation", "sigma"]


def test_detections_come_in_order_of_the_events_that_decide_them() -> None:
    running = rules(A, B, over("event_count", "a", gte=2), lateness=FIVE)
    events = [event(0, "a"), event(1, "a"), event(2, "b"), event(7, "b"), event(8, "b")]
    assert [one.rule.id for one in running.detect(events)] == ["rule-b", "rule-b", "corr", "rule-b"]


def test_sequence_numbers_go_on_from_batch_to_batch_unless_they_are_told() -> None:
    running = rules(A, over("event_count", "a", gte=2, generate=True))
    assert running.detect([event(0)])[0].numbers == (0,)
    assert running.detect([event(1)])[0].numbers == (1,)
    assert running.detect([event(2)], first=70)[0].numbers == (70,)
    assert running.detect([event(3)])[0].numbers == (71,)
    assert [one.numbers for one in running.finish()] == [(0, 1)]


def test_open_groups_tell_how_far_they_are_and_until_when() -> None:
    running = rules(A, over("event_count", "a", 60, gte=3), lateness=FIVE)
    running.detect([event(10), event(20), event(40, "-")])
    (group,) = running.groups("corr")
    assert (group.key, group.figure, group.needed, group.numbers) == ((("user", "u"),), 2, "gte 3", (0, 1))
    assert group.since is not None
    assert group.until is not None
    assert ((group.since - START).total_seconds(), (group.until - START).total_seconds()) == (10, 70)


def test_groups_of_what_is_no_correlation_are_a_key_error() -> None:
    with pytest.raises(KeyError):
        list(rules(A).groups("rule-a"))
