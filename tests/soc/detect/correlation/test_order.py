"""What order of arrival, batches, restarts and idle sources may not change: properties over all kinds at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.event import Event
from soc.detect import Detection
from soc.detect.correlation import ENDLESS, Lateness
from soc.detect.ruleset import RuleSet
from soc.detect.sigma import ir
from tests.soc.detect.correlation.material import FIVE, base, event, found, over, rules, seconds

LEARNED = {"learning_s": 5.0}
TREND = {"baseline_s": 20.0, "minimum": 2.0}
CONTENT: tuple[ir.Content, ...] = (
    base("a"),
    base("b"),
    base("c"),
    over("event_count", "ab", 6, gte=3, id="c-count", name="count"),
    over("event_count", ["count"], 20, group=["host"], gte=2, id="c-chain", generate=True),
    over("value_count", "ab", 8, gte=2, fields=("host",), id="c-values"),
    over("value_sum", "a", 8, gte=9, fields=("size",), id="c-sum"),
    over("value_median", "ac", 8, gt=3, fields=("size",), id="c-median"),
    over("temporal", "abc", 5, id="c-temporal"),
    over("temporal_ordered", "abc", 9, id="c-ordered"),
    over("new_value", "a", 15, fields=("host",), options=LEARNED, id="c-new"),
    over("rarity", "ab", 15, ["host"], lte=1, fields=("size",), options={**LEARNED, "minimum": 2.0}, id="c-rare"),
    over("spike", "a", 4, gte=2, options=TREND, id="c-spike"),
    over("flatline", "b", 4, lt=0.5, options=TREND, id="c-flat", name="flat"),
    over("absence", "ab", 4, id="c-absence", name="absence"),
    over("event_count", ["absence", "flat"], 20, gte=2, id="c-over-absence", generate=True),
)


def told(one: Detection) -> tuple[object, ...]:
    """Everything of a detection but the sequence numbers, which are the order of arrival."""
    return one.id, one.rule.id, one.time, one.matched, one.group, [seconds(each.time) for each in one.events]


def of(running: RuleSet, events: Sequence[Event], *, batch: int = 1_000) -> list[tuple[object, ...]]:
    return [told(one) for one in found(running, events, batch=batch)]


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Events in order of time, no two at one moment, each received up to four seconds after it happened."""
    steps = draw(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 40)), min_size=1, max_size=60))
    history, tenths = [], 0
    for step, delay in steps:
        tenths += step
        history.append(
            event(
                tenths / 10,
                draw(st.sampled_from(["a", "b", "c", "ab", "abc"])),
                source=draw(st.sampled_from("st")),
                received=(tenths + delay) / 10,
                user=draw(st.sampled_from("uv")),
                host=draw(st.sampled_from("xyz")),
                size=draw(st.integers(0, 5)),
            )
        )
    return history


def arrived(history: Sequence[Event]) -> list[Event]:
    """In the order in which they were received."""
    return sorted(history, key=lambda each: each.ingested)


@settings(deadline=None, max_examples=150)
@given(history=histories(), batch=st.integers(1, 9))
def test_arrival_within_the_lateness_and_batches_change_nothing(history: list[Event], batch: int) -> None:
    at_the_end = of(rules(*CONTENT, lateness=ENDLESS), history)
    assert of(rules(*CONTENT, lateness=FIVE), arrived(history), batch=batch) == at_the_end
    assert of(rules(*CONTENT, lateness=ENDLESS), arrived(history), batch=batch) == at_the_end


@settings(deadline=None, max_examples=100)
@given(history=histories(), batches=st.lists(st.integers(1, 7), min_size=1), lateness=st.integers(0, 6))
def test_batches_change_neither_what_is_found_nor_when_nor_what_is_late(
    history: list[Event], batches: list[int], lateness: int
) -> None:
    allowed = Lateness(timedelta(seconds=lateness))
    one_by_one, in_batches = rules(*CONTENT, lateness=allowed), rules(*CONTENT, lateness=allowed)
    events = arrived(history)
    expected = [told(one) for each in events for one in one_by_one.detect([each])]
    actual: list[tuple[object, ...]] = []
    at = turn = 0
    while at < len(events):
        size = batches[turn % len(batches)]
        actual += [told(one) for one in in_batches.detect(events[at : at + size])]
        at, turn = at + size, turn + 1
    assert actual == expected
    assert in_batches.state() == one_by_one.state()
    assert in_batches.stats() == one_by_one.stats()


@settings(deadline=None, max_examples=100)
@given(history=histories(), restart=st.integers(0, 60), lateness=st.integers(0, 6))
def test_a_restart_at_any_point_changes_nothing(history: list[Event], restart: int, lateness: int) -> None:
    allowed, events = Lateness(timedelta(seconds=lateness)), arrived(history)

    def recall(numbers: Sequence[int]) -> list[Event]:
        return [events[number] for number in numbers]

    unbroken = rules(*CONTENT, lateness=allowed, recall=recall)
    expected = [told(one) for one in (*unbroken.detect(events), *unbroken.finish())]
    first, second = (rules(*CONTENT, lateness=allowed, recall=recall) for _ in range(2))
    actual = first.detect(events[:restart])
    second.restore(first.state())
    assert second.state() == first.state()
    actual += [*second.detect(events[restart:]), *second.finish()]
    assert [told(one) for one in actual] == expected
    assert second.state() == unbroken.state()


@settings(deadline=None, max_examples=60)
@given(history=histories(), extra=st.sampled_from(range(3, len(CONTENT))))
def test_a_correlation_does_not_depend_on_its_neighbours(history: list[Event], extra: int) -> None:
    alone = CONTENT[extra]
    needed = {"c-chain": ["c-count"], "c-over-absence": ["c-absence", "c-flat"]}.get(alone.id, [])
    few = [each for each in CONTENT if isinstance(each, ir.Rule) or each.id in needed or each is alone]
    wanted = [one for one in of(rules(*CONTENT), history) if one[1] == alone.id]
    assert [one for one in of(rules(*few), history) if one[1] == alone.id] == wanted
