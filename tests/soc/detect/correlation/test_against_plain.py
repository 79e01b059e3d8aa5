"""The correlation engine against the plain one: rules of every kind, hits in any order within the lateness, any batches, any restarts."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from collectors.event import Event, make_event
from collectors.record import Position, RawRecord
from soc.detect import Detection
from soc.detect.correlation import ENDLESS, Lateness
from soc.detect.correlation.kind import Late
from soc.detect.correlation.kinds import KINDS
from soc.detect.ruleset import RuleSet
from soc.detect.sigma import load as load_content
from tests.soc.detect.correlation import plain_correlation as plain
from tests.soc.detect.sigma.material import rule, write

BEGIN = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BASES = ("a", "b", "c", "d")
SPANS = st.sampled_from(["3s", "10s", "30s"])
FIELDS = st.sampled_from(["u", "v"])
GROUP_BY = st.sampled_from([[], ["u"], ["u"], ["v"], ["u", "v"]])
THRESHOLD = st.one_of(
    st.integers(1, 4).map(lambda n: {"gte": n}),
    st.integers(1, 3).map(lambda n: {"gt": n}),
    st.sampled_from([{"eq": 2}, {"neq": 2}, {"lte": 2}, {"gt": 1, "lte": 3}, {"lt": 3}]),
)
SOME_BASES = st.lists(st.sampled_from(BASES), min_size=1, max_size=3, unique=True)


@st.composite
def sections(draw: st.DrawFn, names: tuple[str, ...], kind: str = "") -> dict[str, Any]:
    """A correlation over detection rules, or over the correlations of these names as well."""
    kind = kind or draw(st.sampled_from(sorted(plain.KINDS)))
    rules = draw(st.lists(st.sampled_from((*BASES, *names, *names)), min_size=1, max_size=3, unique=True))
    section: dict[str, Any] = {"type": kind, "timespan": draw(SPANS)}
    threshold = draw(THRESHOLD)
    if kind in ("temporal", "temporal_ordered"):
        rules = draw(st.lists(st.sampled_from((*BASES, *names)), min_size=2, max_size=3, unique=True))
        words = rules if len(rules) == 3 else [*rules, rules[0]]
        condition = draw(
            st.sampled_from(
                [None, "{0} and {1} and {2}", "{0} or {1} and {2}", "{0} and {1} and not {2}", "({0} or {1}) and {2}"]
            )
        )
        if draw(st.integers(0, 4)) == 0:
            section["condition"] = threshold
        elif condition is not None and not (len(rules) == 2 and "not" in condition):
            section["condition"] = condition.format(*words)
    elif kind == "absence":
        rules = draw(st.lists(st.sampled_from((*BASES, *names)), min_size=2, max_size=2, unique=True))
    elif kind == "event_count":
        section["condition"] = threshold
    elif kind == "value_count":
        section["condition"] = {"field": draw(st.sampled_from(["w", ["w", "v"], "n"])), **threshold}
    elif kind in ("value_sum", "value_avg", "value_median"):
        section["condition"] = {"field": "n", **threshold}
    elif kind == "value_percentile":
        section["condition"] = {"field": "n", "percentile": draw(st.sampled_from([0, 25, 50, 90, 100])), **threshold}
    elif kind == "new_value":
        section["condition"] = {"field": draw(st.sampled_from(["w", ["w", "v"]]))}
        section["learning"] = draw(st.sampled_from(["0s", "10s"]).filter(lambda text: text != "0s"))
    elif kind == "rarity":
        # an upper bound: of a value that many groups have, the longest unseen are forgotten, and with them when they fired
        few = draw(st.sampled_from([{"lte": 1}, {"lte": 2}, {"lt": 3}, {"eq": 1}, {"eq": 2}, {"gt": 1, "lte": 3}]))
        section["condition"] = {"field": "w", **few}
        section["minimum"] = draw(st.integers(0, 3))
        section["learning"] = "3s"
    else:
        section["condition"] = draw(
            st.sampled_from([{"gte": 2}, {"gt": 1.5}] if kind == "spike" else [{"lt": 0.5}, {"lte": 0}])
        )
        section["baseline"] = draw(st.sampled_from(["5s", "20s"]))
        section["minimum"] = draw(st.sampled_from([0, 1, 2]))
    section["rules"] = rules
    section["group-by"] = draw(GROUP_BY)
    if section["group-by"] == ["u"] and draw(st.booleans()):
        section["group-by"] = ["who"]
        section["aliases"] = {"who": {name: draw(FIELDS) for name in rules}}
    section["generate"] = draw(st.booleans())
    return section


@st.composite
def correlation_sets(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    """One to three correlations; later ones may stand on earlier ones."""
    found: dict[str, dict[str, Any]] = {}
    for name in ("x", "y", "z")[: draw(st.integers(1, 3))]:
        found[name] = draw(sections(tuple(found)))
    return found


VALUE = st.sampled_from(["p", "q", "r"])
CELL = st.one_of(VALUE, VALUE, VALUE, st.none(), st.lists(VALUE, min_size=1, max_size=2, unique=True))
NUMBER = st.one_of(st.integers(-2, 4), st.sampled_from([0.5, "2", "x", None]), st.just([1, 2]))
HIT = st.fixed_dictionaries(
    {
        "k": st.lists(st.sampled_from((*BASES, "none")), min_size=1, max_size=2, unique=True),
        "u": CELL, "v": CELL, "w": CELL, "n": NUMBER, "source": st.sampled_from(["s1", "s2"]),
        # quarters of a second: many at the very same moment, many at the very edge of a window
        "at": st.integers(0, 160).map(lambda n: n * 0.25), "delay": st.sampled_from([0.0, 0.0, 0.1, 3.0, 9.75]),
    }
)  # fmt: skip


def events_of(hits: list[dict[str, Any]]) -> list[Event]:
    """In the order in which they are received, each with the time at which it happened."""
    received = sorted(hits, key=lambda hit: hit["at"] + hit["delay"])
    found = []
    for number, hit in enumerate(received):
        time, ingested = BEGIN + timedelta(seconds=hit["at"]), BEGIN + timedelta(seconds=hit["at"] + hit["delay"])
        record = RawRecord(str(number).encode(), hit["source"], Position("", "test", number, number), ingested)
        fields = {name: hit[name] for name in ("k", "u", "v", "w", "n") if hit[name] is not None}
        found.append(make_event(record, time, {"event.dataset": "test", **fields}))
    return found


def content_of(correlations: dict[str, dict[str, Any]], folder: Any) -> list[Any]:
    bases = [
        rule({"s": {"k": name}, "condition": "s"}, name=name, id=id_of(name), title=f"Base {name}") for name in BASES
    ]
    made = [
        {
            "title": f"Correlation {name}",
            "id": id_of(name),
            "name": name,
            "status": "test",
            "level": "high",
            "correlation": section,
        }
        for name, section in correlations.items()
    ]
    return list(load_content([write(folder, *bases, *made)], cache=None))


def id_of(name: str) -> str:
    return f"5e7f0c2e-93c7-4b5a-8d5a-{ord(name):012x}"


def happened(events: list[Event]) -> list[plain.Happening]:
    found = []
    for number, event in enumerate(events):
        fired: frozenset[str] = frozenset(event.fields["k"])  # type: ignore[arg-type]
        found.append(plain.Happening((event.time - EPOCH) // timedelta(microseconds=1), number, event.fields, fired))
    return found


def expected_of(correlations: dict[str, dict[str, Any]], events: list[Event]) -> list[Any]:
    """(rule, group, number of the last event, figure) of all that must alert, in no order."""
    quiet = plain.silenced(correlations)
    found = [
        (id_of(alarm.name), alarm.group, alarm.number, figure_text(alarm.figure))
        for alarm in plain.correlate(correlations, happened(events))
        if alarm.name not in quiet
    ]
    found += [
        (id_of(name), (), each.number, "")
        for each in happened(events)
        for name in each.fired
        if name in BASES and name not in quiet
    ]
    return sorted(found)


def figure_text(figure: Any) -> str:
    if isinstance(figure, str):  # values, of which the order says nothing
        return ", ".join(sorted(figure.split(", ")))
    return str(int(figure)) if figure == figure // 1 and abs(figure) < 1e15 else f"{figure:.6g}"


def told(detections: list[Detection]) -> list[Any]:
    return [
        (
            found.rule.id,
            found.group,
            found.numbers[-1],
            figure_text(found.matched[-1].value) if found.rule.kind == "correlation" else "",
        )
        for found in detections
    ]


def run(
    content: list[Any], events: list[Event], cuts: list[int], *, restarts: bool = False, **options: Any
) -> list[Detection]:
    """All detections, the events in batches that end at `cuts`; with `restarts`, a new engine goes on after each batch."""

    def engine() -> RuleSet:
        return RuleSet(content, recall=lambda numbers: [events[number] for number in numbers], **options)

    rules, found = engine(), []
    edges = sorted({0, len(events), *[cut % (len(events) + 1) for cut in cuts]})
    for begin, end in pairwise(edges):
        found += rules.detect(events[begin:end], begin)
        if restarts:
            kept, rules = rules.state(), engine()
            rules.restore(kept)
    return found + rules.finish()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    correlations=correlation_sets(),
    hits=st.lists(HIT, min_size=1, max_size=25),
    cuts=st.lists(st.integers(0, 1_000), max_size=3),
    restarts=st.booleans(),
)
def test_engine_agrees_with_the_plain_correlation(
    correlations: Any, hits: Any, cuts: Any, restarts: bool, tmp_path_factory: Any
) -> None:
    content = content_of(correlations, tmp_path_factory.getbasetemp())
    events = events_of(hits)
    expected = expected_of(correlations, events)
    assert sorted(told(run(content, events, cuts, restarts=restarts))) == expected
    assert sorted(told(run(content, events, [], lateness=ENDLESS))) == expected


@pytest.mark.parametrize("kind", sorted(plain.KINDS))
@settings(max_examples=20, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_engine_agrees_where_events_are_dense_and_correlations_stand_on_others(
    kind: str, data: Any, tmp_path_factory: Any
) -> None:
    """Nearly every event falls on another's moment or on a window's edge. What differs is told as it was drawn: shrinking takes minutes."""
    correlations = {name: data.draw(sections((), kind)) for name in ("x", "y")}
    correlations["z"] = data.draw(sections(("x", "y")))
    hits = data.draw(st.lists(HIT, min_size=15, max_size=30))
    content = content_of(correlations, tmp_path_factory.getbasetemp())
    events = events_of([{**hit, "at": hit["at"] // 0.5 * 0.5} for hit in hits])
    cuts = data.draw(st.lists(st.integers(0, 1_000), max_size=3))
    expected = expected_of(correlations, events)
    assert sorted(told(run(content, events, cuts, restarts=data.draw(st.booleans())))) == expected
    assert sorted(told(run(content, events, [], lateness=ENDLESS))) == expected


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(correlations=correlation_sets(), hits=st.lists(HIT, min_size=2, max_size=25), data=st.data())
def test_order_of_arrival_within_the_lateness_changes_nothing(
    correlations: Any, hits: Any, data: Any, tmp_path_factory: Any
) -> None:
    """Every hit at its own moment: of hits of the very same moment the one that was received first is the earlier one."""
    content = content_of(correlations, tmp_path_factory.getbasetemp())
    apart = [{**hit, "at": hit["at"] + place / 1_000} for place, hit in enumerate(hits)]
    moments = sorted(hit["at"] for hit in apart)
    quiet = plain.silenced(correlations)
    names = {id_of(name) for name in correlations if name not in quiet}

    def seen(delays: list[float]) -> list[Any]:
        events = events_of([{**hit, "delay": delay} for hit, delay in zip(apart, delays, strict=True)])
        found = [each for each in run(content, events, []) if each.rule.id in names]
        return [
            (each.rule.id, each.group, moments.index((event.time - BEGIN).total_seconds()), each.matched[-1].value)
            for each in found
            for event in each.events[-1:]
        ]

    delay = st.sampled_from([0.0, 0.2, 1.0, 4.0, 9.75])
    late = data.draw(st.lists(delay, min_size=len(apart), max_size=len(apart)))
    assert seen(late) == seen([0.0] * len(apart))


LATE_KINDS = sorted({kind for kind in plain.KINDS if KINDS[kind].late is Late.OWN})
ALLOWED = timedelta(seconds=10)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    data=st.data(),
    hits=st.lists(HIT, min_size=2, max_size=25),
    cuts=st.lists(st.integers(0, 1_000), max_size=3),
    restarts=st.booleans(),
)
def test_what_comes_late_agrees_with_the_plain_correlation_of_its_lanes(
    data: Any, hits: Any, cuts: Any, restarts: bool, tmp_path_factory: Any
) -> None:
    """All of it comes an hour late, in the order drawn."""
    correlations: dict[str, Any] = {}
    for name in ("x", "y"):
        correlations[name] = data.draw(sections(tuple(correlations), data.draw(st.sampled_from(LATE_KINDS))))
    content = content_of(correlations, tmp_path_factory.getbasetemp())
    ahead = {"k": ["none"], "u": None, "v": None, "w": None, "n": None, "source": "ahead", "at": 3_600.0, "delay": 0.0}
    events = events_of(
        [ahead, *[{**hit, "delay": 3_601 + n / 100 - hit["at"]} for n, hit in enumerate(hits)]],
    )
    pairs = zip(happened(events)[1:], [event.source for event in events[1:]], strict=True)
    counted = [(event, source) for event, source in pairs if plain.takes_part(correlations, event)]
    late, sources = [event for event, _ in counted], [source for _, source in counted]
    quiet = plain.silenced(correlations)
    expected = [
        (id_of(alarm.name), alarm.group, alarm.number, figure_text(alarm.figure))
        for lane in plain.lanes(late, sources, ALLOWED // timedelta(microseconds=1))
        for alarm in plain.correlate(correlations, lane)
        if alarm.name not in quiet
    ]
    found = run(content, events, cuts, restarts=restarts, lateness=Lateness(ALLOWED))
    assert sorted(told([each for each in found if each.rule.kind == "correlation"])) == sorted(expected)


def test_clock_aligned_buckets_miss_what_a_sliding_window_finds(tmp_path: Path) -> None:
    """Ten failures, spread over 10 to 80 % of the window, at a random time of day: buckets miss about that share, the engine none."""
    section = {"type": "event_count", "rules": ["a"], "group-by": ["u"], "timespan": "30s", "condition": {"gte": 10}}
    content = content_of({"x": {**section, "generate": False}}, tmp_path)
    random = Random(10)
    bursts = 400
    for share in (0.1, 0.4, 0.8):
        events, missed = [], 0
        for burst in range(bursts):
            begin = burst * 120 + random.random() * 30
            times = [begin + share * 30 * step / 9 for step in range(10)]
            # the same ten in buckets of 30 s that begin at every whole half minute
            missed += max(Counter(int(time // 30) for time in times).values()) < 10
            events += [
                {"k": ["a"], "u": "p", "v": None, "w": None, "n": None, "source": "s1", "at": time, "delay": 0.0}
                for time in times
            ]
        assert len(run(content, events_of(events), [])) == bursts
        assert 0.75 * share < missed / bursts < 1.25 * share
