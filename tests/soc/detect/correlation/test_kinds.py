"""Each kind by examples small enough to be counted by hand."""

from __future__ import annotations

import math

import pytest

from soc.detect.correlation.figures import KEPT
from soc.detect.sigma import ir
from tests.soc.detect.correlation.material import base, event, found, over, rules, said, seconds, when

A, B, C = base("a"), base("b"), base("c")


def leaf(name: str) -> ir.Leaf:
    return ir.Leaf(name, "", ())


# --- event_count ------------------------------------------------------------------------------------------------------------------


def test_count_fires_at_the_hit_that_completes_it() -> None:
    assert when(rules(A, over("event_count", "a", gte=3)), [event(t) for t in (0, 10, 20, 30)]) == [20]


def test_window_excludes_what_is_a_whole_timespan_old() -> None:
    assert when(rules(A, over("event_count", "a", 60, gte=2)), [event(0), event(60)]) == []
    assert when(rules(A, over("event_count", "a", 60, gte=2)), [event(0), event(59.999999)]) == [59.999999]


@pytest.mark.parametrize("offset", [0.0, 0.1, 13.0, 29.5, 31.0, 55.0, 59.9, 3_595.0, 86_399.9])
def test_ten_events_in_thirty_seconds_are_found_at_any_offset_to_the_clock(offset: float) -> None:
    events = [event(offset + n * 29.9 / 9) for n in range(10)]
    assert len(when(rules(A, over("event_count", "a", 30, gte=10)), events)) == 1


def test_while_the_condition_stays_true_it_fires_once_a_timespan() -> None:
    assert when(rules(A, over("event_count", "a", 10, gte=2)), [event(t) for t in range(35)]) == [1, 11, 21, 31]


def test_a_condition_that_was_false_in_between_fires_again_at_once() -> None:
    events = [event(t) for t in (0, 1, 11.5, 12)]
    assert when(rules(A, over("event_count", "a", 10, gte=2)), events) == [1, 12]


def test_an_event_counts_once_though_two_of_the_rules_fire_on_it() -> None:
    assert when(rules(A, B, over("event_count", "ab", gte=2)), [event(0, "ab")]) == []
    assert when(rules(A, B, over("event_count", "ab", gte=2)), [event(0, "ab"), event(1, "b")]) == [1]


def test_the_same_record_received_twice_counts_once() -> None:
    running = rules(A, over("event_count", "a", gte=2))
    assert when(running, [event(0), event(0, received=3)]) == []
    assert running.stats().duplicates == 1


def test_two_events_of_the_same_moment_are_two() -> None:
    assert when(rules(A, over("event_count", "a", gte=2)), [event(0, x="1"), event(0, x="2")]) == [0]


@pytest.mark.parametrize(
    ("operators", "expected"),
    [
        ({"gt": 2}, [2]),
        ({"lt": 2}, [0]),
        ({"lte": 2}, [0]),
        ({"eq": 2}, [1]),
        ({"neq": 2}, [0, 2]),
        ({"gt": 1, "lte": 2}, [1]),
    ],
)
def test_operators_are_evaluated_at_hits(operators: dict[str, float], expected: list[float]) -> None:
    assert when(rules(A, over("event_count", "a", **operators)), [event(t) for t in range(4)]) == expected


def test_a_flood_is_remembered_in_part_and_its_condition_is_still_exact() -> None:
    events = [event(n / 1_000) for n in range(KEPT + 500)]
    running = rules(A, over("event_count", "a", eq=KEPT + 300))
    assert when(running, events) == [(KEPT + 299) / 1_000]
    running = rules(A, over("event_count", "a", eq=5))
    assert when(running, events) == [0.004]
    assert next(running.groups("corr")).figure <= KEPT + 1


def test_a_detection_names_group_figure_threshold_and_at_most_a_hundred_events() -> None:
    (one,) = found(rules(A, over("event_count", "a", gte=150)), [event(n / 10) for n in range(150)])
    assert said(one) == {"correlation/group-by": "u", "correlation/event_count": "150"}
    assert one.matched[1].pattern == "gte 150 in 0:01:00"
    assert [seconds(each.time) for each in one.events] == [n / 10 for n in range(50, 150)]
    assert one.group == ("u",)
    assert one.rule.kind == "correlation"


# --- Groups -----------------------------------------------------------------------------------------------------------------------


def test_groups_are_counted_apart_and_values_keep_their_case() -> None:
    events = [event(0, user="u"), event(1, user="U"), event(2, user="v"), event(3, user="u")]
    assert when(rules(A, over("event_count", "a", gte=2)), events) == [3]


def test_a_number_and_its_text_are_the_same_group() -> None:
    events = [event(0, port=22), event(1, port="22")]
    assert when(rules(A, over("event_count", "a", group=["port"], gte=2)), events) == [1]


def test_a_hit_without_the_field_belongs_to_no_group_and_is_counted() -> None:
    running = rules(A, over("event_count", "a", group=["user", "host"], gte=2))
    assert when(running, [event(t) for t in range(5)]) == []
    assert running.stats().ungrouped == {"corr": 5}


def test_without_group_by_all_hits_are_one_group() -> None:
    events = [event(0, user="u"), event(1, user="v")]
    (one,) = found(rules(A, over("event_count", "a", group=(), gte=2)), events)
    assert one.group == ()


def test_a_list_puts_a_hit_in_a_group_for_each_of_its_values() -> None:
    events = [event(0, user=["u", "v"]), event(1, user=["v", "w"])]
    assert [one.group for one in found(rules(A, over("event_count", "a", gte=2)), events)] == [("v",)]


def test_two_groups_of_the_same_events_are_two_detections() -> None:
    events = [event(0, user=["u", "v"]), event(1, user=["u", "v"])]
    both = found(rules(A, over("event_count", "a", gte=2)), events)
    assert [one.group for one in both] == [("u",), ("v",)]
    assert both[0].id != both[1].id


def test_aliases_name_the_field_of_each_rule() -> None:
    aliases = {"address": {"a": "from", "b": "to"}}
    one = over("temporal", "ab", group=["address"], aliases=aliases)
    events = [event(0, "a", **{"from": "x", "to": "y"}), event(1, "b", **{"from": "x", "to": "y"})]
    assert when(rules(A, B, one), events) == []
    assert when(rules(A, B, one), [*events, event(2, "b", **{"from": "z", "to": "x"})]) == [2]


# --- Values -----------------------------------------------------------------------------------------------------------------------


def test_values_count_once_while_they_are_in_the_window() -> None:
    events = [event(t, host=host) for t, host in enumerate("xxyxyz")]
    assert when(rules(A, over("value_count", "a", gte=3, fields=("host",))), events) == [5]
    late = [event(0, host="x"), event(30, host="y"), event(61, host="z")]
    assert when(rules(A, over("value_count", "a", gte=3, fields=("host",))), late) == []
    again = [event(0, host="x"), event(30, host="y"), event(40, host="x"), event(61, host="z")]
    assert when(rules(A, over("value_count", "a", gte=3, fields=("host",))), again) == [61]


def test_several_fields_count_as_combinations_and_a_hit_without_one_is_left_out() -> None:
    running = rules(A, over("value_count", "a", gte=3, fields=("x", "y")))
    pairs = [("1", "1"), ("1", "2"), ("1", "1"), ("2", "2")]
    events = [event(t, x=x, y=y) for t, (x, y) in enumerate(pairs)]
    assert when(running, [event(-1, x="9"), *events]) == [3]
    assert running.stats().valueless == {"corr": 1}


def test_a_detection_of_values_shows_the_latest_event_of_each() -> None:
    events = [event(t, host=host) for t, host in enumerate("xxxy")]
    (one,) = found(rules(A, over("value_count", "a", gte=2, fields=("host",))), events)
    assert [seconds(each.time) for each in one.events] == [2, 3]


def test_sums_read_text_as_numbers_and_count_what_is_none() -> None:
    values = [5, "7", " 8 ", "0x10", "1_000", "many", True, "nan", "2.5"]
    running = rules(A, over("value_sum", "a", eq=22.5, fields=("bytes",)))
    assert when(running, [event(t, bytes=value) for t, value in enumerate(values)]) == [8]
    assert running.stats().not_numbers == {"corr": 5}


def test_sums_of_floats_are_exact_whatever_has_come_and_gone() -> None:
    values = [1e16, 0.1, 0.2, 0.3]
    events = [event(t * 25, bytes=value) for t, value in enumerate(values)]
    running = rules(A, over("value_sum", "a", 60, eq=math.fsum(values[1:]), fields=("bytes",)))
    assert when(running, events) == [75]


def test_averages_are_over_the_window() -> None:
    events = [event(t * 25, bytes=value) for t, value in enumerate([100, 10, 20, 30])]
    assert when(rules(A, over("value_avg", "a", 60, lte=20, fields=("bytes",))), events) == [75]


@pytest.mark.parametrize(("percentile", "figure"), [(0, 1), (25, 2), (50, 3), (90, 4.6), (100, 5)])
def test_percentiles_lie_between_the_nearest_ranks(percentile: float, figure: float) -> None:
    one = over("value_percentile", "a", fields=("bytes",), percentile=percentile, gt=-1)
    running = rules(A, one)
    found(running, [event(t, bytes=value) for t, value in enumerate([5, 1, 4, 2, 3])])
    assert next(running.groups("corr")).figure == pytest.approx(figure)


def test_the_median_of_two_lies_between_them() -> None:
    events = [event(t, bytes=value) for t, value in enumerate([1, 4])]
    assert when(rules(A, over("value_median", "a", eq=2.5, fields=("bytes",))), events) == [1]


# --- Sequences --------------------------------------------------------------------------------------------------------------------


def test_temporal_needs_all_rules_in_any_order() -> None:
    assert when(rules(A, B, over("temporal", "ab")), [event(0, "b"), event(10, "a")]) == [10]
    assert when(rules(A, B, over("temporal", "ab")), [event(0, "b"), event(60, "a")]) == []


def test_one_event_stands_for_both_rules_of_a_temporal() -> None:
    assert when(rules(A, B, over("temporal", "ab")), [event(0, "ab")]) == [0]


def test_temporal_counts_rules_where_it_has_a_count() -> None:
    assert when(rules(A, B, C, over("temporal", "abc", gte=2)), [event(0, "c"), event(1, "c"), event(2, "a")]) == [2]


def test_an_expression_looks_back_over_the_window() -> None:
    tree = ir.And((leaf("a"), ir.Not(leaf("b"))))
    one = over("temporal", "ab", 10, expression=tree)
    assert when(rules(A, B, one), [event(0, "b"), event(5, "a"), event(10, "a")]) == [10]
    either = over("temporal", "abc", 10, expression=ir.Or((ir.And((leaf("a"), leaf("b"))), leaf("c"))))
    assert when(rules(A, B, C, either), [event(0, "a"), event(3, "c"), event(20, "a"), event(21, "b")]) == [3, 21]


def test_ordered_needs_the_order_of_the_list() -> None:
    assert when(rules(A, B, over("temporal_ordered", "ab")), [event(0, "b"), event(10, "a")]) == []
    assert when(rules(A, B, over("temporal_ordered", "ab")), [event(0, "b"), event(10, "a"), event(20, "b")]) == [20]


def test_ordered_takes_the_latest_start_that_leads_there() -> None:
    letters = [(0, "a"), (10, "b"), (50, "a"), (55, "b"), (65, "c")]
    (one,) = found(rules(A, B, C, over("temporal_ordered", "abc")), [event(t, letter) for t, letter in letters])
    assert [seconds(each.time) for each in one.events] == [50, 55, 65]


def test_one_event_is_not_after_itself() -> None:
    assert when(rules(A, B, over("temporal_ordered", "ab")), [event(0, "ab")]) == []
    assert when(rules(A, B, over("temporal_ordered", "ab")), [event(0, "ab"), event(1, "ab")]) == [1]
    assert when(rules(A, B, over("temporal_ordered", "ba")), [event(0, "ab"), event(1, "ab")]) == [1]


def test_a_rule_listed_twice_in_order_must_come_twice() -> None:
    assert when(rules(A, B, over("temporal_ordered", "aab")), [event(0, "a"), event(1, "b")]) == []
    assert when(rules(A, B, over("temporal_ordered", "aab")), [event(0, "a"), event(1, "a"), event(2, "b")]) == [2]


def test_ordered_with_a_count_lets_some_rules_be_missing() -> None:
    one = over("temporal_ordered", "abc", gte=2)
    assert when(rules(A, B, C, one), [event(0, "c"), event(1, "b"), event(2, "a")]) == []
    assert when(rules(A, B, C, one), [event(0, "a"), event(2, "c")]) == [2]


def test_ordered_expression_needs_order_of_one_alternative_and_absence_of_what_it_denies() -> None:
    tree = ir.And((leaf("a"), leaf("b"), ir.Not(leaf("c"))))
    one = over("temporal_ordered", "abc", 60, expression=tree)
    assert when(rules(A, B, C, one), [event(0, "a"), event(1, "b")]) == [1]
    assert when(rules(A, B, C, one), [event(0, "b"), event(1, "a")]) == []
    assert when(rules(A, B, C, one), [event(0, "c"), event(1, "a"), event(2, "b")]) == []
    assert when(rules(A, B, C, one), [event(0, "c"), event(1, "a"), event(2, "b"), event(60, "b")]) == [60]


# --- Ours -------------------------------------------------------------------------------------------------------------------------


def test_a_value_is_new_once_and_again_after_the_timespan() -> None:
    one = over("new_value", "a", 100, fields=("host",), options={"learning_s": 0.0})
    events = [event(t, host=host) for t, host in [(0, "x"), (10, "y"), (50, "x"), (149, "x"), (249, "x"), (250, "y")]]
    assert when(rules(A, one), events) == [0, 10, 249, 250]


def test_nothing_is_new_while_the_rule_learns() -> None:
    one = over("new_value", "a", 1_000, fields=("host",), options={"learning_s": 50.0})
    events = [event(t, host=host) for t, host in [(0, "x"), (49, "y"), (50, "z"), (60, "x"), (70, "y")]]
    (fired,) = found(rules(A, one), events)
    assert said(fired) == {"correlation/group-by": "u", "correlation/new_value": "z"}


def test_a_new_value_is_new_to_its_group() -> None:
    one = over("new_value", "a", 1_000, fields=("host",), options={"learning_s": 0.0})
    events = [event(0, host="x", user="u"), event(1, host="x", user="v"), event(2, host="x", user="u")]
    assert when(rules(A, one), events) == [0, 1]


def test_a_spike_is_measured_against_the_mean_window_of_the_baseline() -> None:
    one = over("spike", "a", 10, gte=5, options={"baseline_s": 100.0, "minimum": 8.0})
    quiet = [event(t) for t in range(0, 120, 10)]
    assert when(rules(A, one), quiet) == []
    burst = [event(120 + n / 10) for n in range(10)]
    (fired,) = found(rules(A, one), [*quiet, *burst])
    assert seconds(fired.time) == pytest.approx(120.7)
    assert said(fired)["correlation/spike"] == "8"


def test_nothing_spikes_before_the_baseline_is_learned() -> None:
    one = over("spike", "a", 10, gte=5, options={"baseline_s": 100.0, "minimum": 2.0})
    burst = [event(n / 10) for n in range(10)]
    assert when(rules(A, one), burst) == []
    assert when(rules(A, one), [*burst, *[event(150 + n) for n in range(3)]]) == [151], "its mean is none by then"


def test_a_flatline_fires_when_a_window_has_become_too_empty_though_nothing_comes() -> None:
    one = over("flatline", "a", 10, lte=0.2, options={"baseline_s": 100.0, "minimum": 5.0})
    steady = [event(t) for t in range(200)]
    running = rules(A, one)
    assert when(running, steady, finish=205) == []
    # the last hit is at 199; 2 are left of 10 once that at 197 has left at 207
    assert when(rules(A, one), steady, finish=208) == [207]
    assert when(rules(A, one), steady, finish=238) == [207, 217, 227, 237]


def test_a_flatline_ends_with_its_baseline() -> None:
    one = over("flatline", "a", 10, lte=0.2, options={"baseline_s": 100.0, "minimum": 5.0})
    fired = when(rules(A, one), [event(t) for t in range(200)], finish=1_000)
    assert fired == [207 + 10 * n for n in range(6)]


def test_absence_fires_when_the_time_for_the_answer_is_over() -> None:
    one = over("absence", "ab", 60)
    assert when(rules(A, B, one), [event(0, "a")], finish=59) == []
    (fired,) = found(rules(A, B, one), [event(0, "a")], finish=60)
    assert (seconds(fired.time), seconds(fired.events[-1].time)) == (60, 0)
    assert when(rules(A, B, one), [event(0, "a"), event(59, "b")], finish=200) == []
    assert when(rules(A, B, one), [event(0, "a"), event(60, "b")], finish=200) == [60]
    assert when(rules(A, B, one), [event(0, "b"), event(1, "a")], finish=200) == [61]


def test_absence_waits_for_an_answer_in_the_same_group_by_a_later_event() -> None:
    one = over("absence", "ab", 60)
    assert when(rules(A, B, one), [event(0, "a", user="u"), event(1, "b", user="v")], finish=100) == [60]
    assert when(rules(A, B, one), [event(0, "ab")], finish=100) == [60]
    assert when(rules(A, B, one), [event(0, "a"), event(10, "ab")], finish=100) == [70]


def test_an_unanswered_group_fires_once_a_timespan() -> None:
    one = over("absence", "ab", 60)
    assert when(rules(A, B, one), [event(t, "a") for t in (0, 10, 70)], finish=200) == [60, 130]


def test_a_value_is_rare_while_few_of_enough_groups_have_it() -> None:
    one = over("rarity", "a", 1_000, ["host"], lte=2, fields=("image",), options={"learning_s": 20.0, "minimum": 5.0})
    common = [event(t, host=f"h{t}", image="cmd") for t in range(20)]
    odd = [event(30, host="h1", image="odd"), event(31, host="h1", image="odd"), event(32, host="h2", image="odd")]
    third = [event(33, host="h3", image="odd")]
    fired = found(rules(A, one), [*common, *odd, *third, event(40, host="h9", image="cmd")])
    assert [(seconds(each.time), *each.group) for each in fired] == [(30, "h1"), (32, "h2")]
    assert said(fired[0])["correlation/rarity"] == "odd"
    assert when(rules(A, one), [event(0, host="h0", image="x"), event(30, host="h1", image="y")]) == [], (
        "too few groups"
    )


def test_very_long_timespans_and_the_first_year_are_times_like_others() -> None:
    ten_years = 10 * 31_556_952
    assert when(rules(A, over("event_count", "a", ten_years, gte=2)), [event(0), event(ten_years - 1)]) == [
        ten_years - 1
    ]
    early = [event(-2025 * 365 * 86_400.0), event(-2025 * 365 * 86_400.0 + 1)]
    assert len(when(rules(A, over("event_count", "a", gte=2)), early)) == 1


# --- One event in several places --------------------------------------------------------------------------------------------------


def test_an_event_stands_for_all_that_it_fires_at_once_also_through_a_chain() -> None:
    either = ir.Or((leaf("below"), leaf("a")))
    below = over("event_count", "a", gte=1, id="below", name="below", generate=True)
    one = over("temporal", ["below", "a"], id="one", expression=either, generate=True)
    fired = [each for each in found(rules(A, below, one), [event(0)]) if each.rule.id == "one"]
    assert [said(each)["correlation/temporal"] for each in fired] == ["2"]


def test_a_value_is_as_common_as_its_event_says_for_each_of_the_events_groups() -> None:
    one = over("rarity", "a", 60, ["host"], eq=2, fields=("image",), options={"learning_s": 0.0, "minimum": 0.0})
    fired = found(rules(A, one), [event(0, host=["x", "y"], image="odd")])
    assert [each.group for each in fired] == [("x",), ("y",)]


def test_groups_that_are_evicted_at_once_do_no_harm() -> None:
    options = {"learning_s": 0.0, "minimum": 1.0, "baseline_s": 10.0}
    for kind in ("rarity", "flatline", "spike", "new_value", "value_count", "event_count", "value_sum"):
        one = over(kind, "a", 10, ["host"], gte=1, fields=("image",), options=options)
        events = [event(t, host=[f"h{t}", f"i{t}"], image=[t, t + 1]) for t in range(30)]
        running = rules(A, one, max_groups=1)
        found(running, events, finish=100)
        assert running.stats().groups <= 1
    for kind in ("temporal", "temporal_ordered", "absence"):
        one = over(kind, "ab", 10, ["host"])
        running = rules(A, B, one, max_groups=1)
        found(running, [event(t, "ab", host=[f"h{t}", "i"]) for t in range(30)], finish=100)
        assert running.stats().groups <= 1
