"""The account of a correlation: the group that an event is in, as it stood then; whether it fires is what the engine says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.event import Event, Value, make_event
from collectors.record import Position, RawRecord
from soc.detect.correlation import ENDLESS, Lateness
from soc.detect.group_account import CorrelationAccount, CorrelationAccountant
from soc.detect.rule_tests import RECEIVED
from soc.detect.ruleset import RuleSet
from soc.detect.sigma import ir, load

BASE = """\
title: {title}
id: {number}b1c5f0e-6a52-4b63-9d0c-0d6a3f6f7c11
name: {name}
logsource: {{product: test}}
detection:
    selection:
        what: {name}
    condition: selection
level: low
---
"""
BASES = BASE.format(title="Asked", number=1, name="asked") + BASE.format(title="Answered", number=2, name="answered")
ON_TOP = """\
title: On Top
id: 9b1c5f0e-6a52-4b63-9d0c-0d6a3f6f7c11
correlation:
    group-by: [who]
    timespan: {timespan}
"""


def event(second: float, who: str, what: str = "asked", **fields: Value) -> Event:
    time = RECEIVED + timedelta(seconds=second)
    raw = f"{second} {who} {what} {sorted(fields.items())}".encode()
    record = RawRecord(raw, "test", Position("", "test", round(second * 1_000), 1), time)
    return make_event(record, time, {"event.module": "test", "who": who, "what": what, **fields})


def accountant(
    folder: Path, correlation: str, lateness: Lateness = ENDLESS, timespan: str = "1m"
) -> CorrelationAccountant:
    lines = "".join(f"    {line}\n" for line in correlation.splitlines())
    (folder / "rules.yml").write_text(
        BASES + ON_TOP.format(timespan=timespan) + lines + "level: high\n", encoding="utf-8"
    )
    content = load([folder])
    top = next(each for _, each in content if isinstance(each, ir.Correlation))
    return CorrelationAccountant(top, content, lateness)


def account(folder: Path, correlation: str, events: Sequence[Event], timespan: str = "1m") -> CorrelationAccount:
    """Of the last event."""
    return accountant(folder, correlation, timespan=timespan).of(events[-1], [events])


KINDS = [
    ("type: event_count\nrules: [asked]\ncondition: {gte: 3}", [event(n, "an") for n in range(3)], 3, True),
    ("type: event_count\nrules: [asked]\ncondition: {gte: 4}", [event(n, "an") for n in range(3)], 3, False),
    ("type: value_count\nrules: [asked]\ncondition: {field: page, gte: 2}", [event(n, "an", page=f"p{n % 2}") for n in range(2)], 2, True),
    ("type: value_count\nrules: [asked]\ncondition: {field: page, gte: 2}", [event(n, "an", page="p") for n in range(2)], 1, False),
    ("type: value_sum\nrules: [asked]\ncondition: {field: size, gt: 9}", [event(n, "an", size=5) for n in range(2)], 10, True),
    ("type: value_avg\nrules: [asked]\ncondition: {field: size, gt: 9}", [event(n, "an", size=5 + n) for n in range(2)], 5.5, False),
    ("type: temporal\nrules: [asked, answered]", [event(0, "an"), event(1, "an", "answered")], 2, True),
    ("type: temporal_ordered\nrules: [asked, answered]", [event(0, "an", "answered"), event(1, "an")], 1, False),
    ("type: temporal_ordered\nrules: [asked, answered]", [event(0, "an"), event(1, "an", "answered")], 2, True),
]  # fmt: skip


@pytest.mark.parametrize(("correlation", "events", "figure", "fires"), KINDS)
def test_group_is_told_as_it_stood_with_the_event(
    tmp_path: Path, correlation: str, events: list[Event], figure: float, fires: bool
) -> None:
    others = [event(0.5, "lan", size=1_000, page="q"), event(1.5, "lan", "answered", size=1_000)]
    found = account(tmp_path, correlation, [*others, *events])
    [layer] = found.layers
    [group] = layer.groups
    assert group.key == (("who", "an"),)
    assert group.figure == figure
    assert group.needed
    assert group.until is not None
    assert found.fires is fires


OURS = [
    ("type: new_value\nrules: [asked]\ncondition: {field: page}\nlearning: 1h", "7d",
     [event(0, "an", page="p"), event(7_200, "an", page="q")], True),
    ("type: new_value\nrules: [asked]\ncondition: {field: page}\nlearning: 1h", "7d",
     [event(0, "an", page="p"), event(7_200, "an", page="p")], False),
    ("type: absence\nrules: [asked, answered]", "1m", [event(0, "an"), event(90, "lan"), event(100, "an", "answered")], False),
]  # fmt: skip


@pytest.mark.parametrize(("correlation", "timespan", "events", "fires"), OURS)
def test_kinds_of_ours_are_told_too(
    tmp_path: Path, correlation: str, timespan: str, events: list[Event], fires: bool
) -> None:
    found = account(tmp_path, correlation, events, timespan)
    assert found.fires is fires
    assert found.seen == len(events)


def test_what_was_missing_fires_with_the_event_that_waited_for_it(tmp_path: Path) -> None:
    events = [event(0, "an"), event(90, "lan")]
    found = accountant(tmp_path, "type: absence\nrules: [asked, answered]").of(events[0], [events])
    assert found.fires
    [firing] = found.firings
    assert firing.time == RECEIVED + timedelta(minutes=1)


def test_group_of_a_rare_value_is_the_values_own(tmp_path: Path) -> None:
    text = "type: rarity\nrules: [asked]\ncondition: {field: page, lte: 1}\nlearning: 1h\nminimum: 2"
    usual = [event(n * 10, f"u{n}", page="usual") for n in range(400)]
    found = account(tmp_path, text, [*usual, event(7_200, "an", page="odd")], "7d")
    assert [group.key for group in found.layers[-1].groups] == [(("page", "odd"),)]
    assert found.fires
    found = account(tmp_path, text, [*usual, event(7_200, "an", page="usual")], "7d")
    assert not found.fires


def test_event_without_the_group_is_in_none(tmp_path: Path) -> None:
    lone = event(0, "an")
    del lone.fields["who"]
    found = account(tmp_path, "type: event_count\nrules: [asked]\ncondition: {gte: 1}", [lone])
    assert found.layers[-1].ungrouped
    assert found.layers[-1].groups == ()
    assert not found.fires


def test_group_is_found_by_the_name_that_its_rule_has_for_it(tmp_path: Path) -> None:
    aliases = "aliases:\n    subject: {asked: who, answered: whom}"
    text = f"type: event_count\nrules: [asked, answered]\ncondition: {{gte: 9}}\n{aliases}"
    events = [event(0, "an"), event(1, "x", "answered", whom="an")]
    made = accountant(tmp_path, text)
    path = tmp_path / "rules.yml"
    path.write_text(path.read_text("utf-8").replace("group-by: [who]", "group-by: [subject]"), encoding="utf-8")
    content = load([tmp_path])
    made = CorrelationAccountant(next(e for _, e in content if isinstance(e, ir.Correlation)), content, ENDLESS)
    [group] = made.of(events[-1], [events]).layers[-1].groups
    assert (group.key, group.figure) == ((("subject", "an"),), 2)


STEPS = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from(("an", "lan")), st.sampled_from(("asked", "answered"))),
    min_size=1,
    max_size=12,
    unique=True,
)
TEXTS = st.sampled_from([text for text, _, _, _ in KINDS if "field" not in text])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS, TEXTS, st.integers(1, 5))
def test_an_event_fires_where_the_engine_shows_it(
    tmp_path: Path, steps: list[tuple[int, str, str]], text: str, size: int
) -> None:
    made = accountant(tmp_path, text, Lateness(timedelta(seconds=100)), timespan="20s")
    events = [event(second, who, what) for second, who, what in steps]
    engine = RuleSet(load([tmp_path]), lateness=Lateness(timedelta(seconds=100)))
    found = [*engine.detect(events), *engine.finish()]
    shown = {each.id for detection in found if detection.rule.title == "On Top" for each in detection.events}
    batches = [events[at : at + size] for at in range(0, len(events), size)]
    for each in events:
        assert made.of(each, batches).fires is (each.id in shown)
