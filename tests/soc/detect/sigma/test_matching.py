"""What a rule matches: a table of cases that the plain matcher agrees with. Generated rules and events: test_against_plain.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soc.detect.ruleset import RuleSet, load
from soc.detect.sigma.index import Memory
from soc.detect.sigma.ir import Rule
from tests.soc.detect.sigma import drawn
from tests.soc.detect.sigma.material import RULE_ID, event, fires, rule, rule_set, write
from tests.soc.detect.sigma.plain_matcher import matches

CASES = [
    pytest.param(
        case,
        id=f"{group}: {case.get('s', case.get('d'))} on {case.get('e', {})} {case.get('o', '')}".replace("\n", " ")[
            :120
        ],
    )
    for group, cases in yaml.safe_load(
        (Path(__file__).parent / "matcher_cases.yml").read_text(encoding="utf-8")
    ).items()
    for case in cases
]


def detection_of(case: dict[str, Any]) -> dict[str, Any]:
    return case.get("d") or {"s": case["s"], "condition": "s"}


@pytest.mark.parametrize("case", CASES)
def test_engine_agrees_with_the_table(case: dict[str, Any], tmp_path: Path) -> None:
    rules = rule_set(tmp_path, detection_of(case))
    record = event(case.get("e", {}), case.get("o", ""))
    found = rules.detect([record])
    assert bool(found) is case["x"], str(rules.explain(RULE_ID, record))
    assert rules.explain(RULE_ID, record).fires is case["x"]


@pytest.mark.parametrize("case", [case for case in CASES if "engine only" not in case.values[0]])
def test_plain_matcher_agrees_with_the_table(case: dict[str, Any]) -> None:
    assert matches(detection_of(case), {"event.dataset": "test", **case.get("e", {})}, case.get("o", "")) is case["x"]


# --- A result depends on the rule and the event, and on nothing else -------------------------------------------------------------


def some_rules(folder: Path, detections: list[Any]) -> list[tuple[str, Rule]]:
    ids = [f"5e7f0c2e-93c7-4b5a-8d5a-{number:012x}" for number in range(len(detections))]
    write(folder, *(rule(detection, id=each) for each, detection in zip(ids, detections, strict=True)))
    from soc.detect.sigma.load import _parsed

    path = folder / "rule.yml"
    return [("rule.yml", each) for each in _parsed(path, path.read_bytes(), {})]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    detections=st.lists(drawn.DETECTION, min_size=2, max_size=6),
    data=st.data(),
)
def test_neighbours_batches_and_order_change_nothing(detections: list[Any], data: Any, tmp_path_factory: Any) -> None:
    rules = some_rules(tmp_path_factory.getbasetemp(), detections)
    records = [record for detection in detections for record in data.draw(drawn.events_for(detection))]
    events = [event(fields, original, number) for number, (fields, original) in enumerate(records)]
    together = RuleSet(rules)
    whole = {(found.rule.id, found.events[0].id) for found in together.detect(events)}
    alone = {(found.rule.id, found.events[0].id) for each in rules for found in RuleSet([each]).detect(events)}
    assert alone == whole
    for size in (1, 7):
        batched = [found for at in range(0, len(events), size) for found in together.detect(events[at : at + size])]
        assert {(found.rule.id, found.events[0].id) for found in batched} == whole
    shuffled = data.draw(st.permutations(events))
    assert {(found.rule.id, found.events[0].id) for found in RuleSet(rules).detect(shuffled)} == whole


def test_forgetting_what_was_seen_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = some_rules(
        tmp_path, [{"s": {"a|contains": f"{digit}", "b|startswith": "x"}, "condition": "s"} for digit in range(10)]
    )
    events = [event({"a": f"v{n % 137}", "b": f"x{n % 7}"}, number=n) for n in range(1_000)]
    whole = [(found.rule.id, found.events[0].id) for found in RuleSet(rules).detect(events)]
    monkeypatch.setattr("soc.detect.sigma.store.Memory", lambda: Memory(500))
    short = RuleSet(rules)
    assert [(found.rule.id, found.events[0].id) for _ in range(2) for found in short.detect(events)] == whole * 2


def test_detections_come_in_the_order_of_events_and_then_of_rule_ids(tmp_path: Path) -> None:
    rules = RuleSet(
        some_rules(tmp_path, [{"s": {"a": "x"}, "condition": "s"}, {"s": {"a|contains": "x"}, "condition": "s"}])
    )
    events = [event({"a": "x"}, number=2), event({"a": "y"}, number=3), event({"a": "x"}, number=1)]
    assert [at for at, _ in fires(rules, events)] == [0, 0, 2, 2]
    assert [each for _, each in fires(rules, events)] == [rules.rules[0].id, rules.rules[1].id] * 2


def test_values_of_different_types_are_not_taken_for_one_another(tmp_path: Path) -> None:
    rules = rule_set(tmp_path, {"s": {"a": 1}, "condition": "s"})
    values: list[Any] = [1, True, 1.0, "1", False, 0, "true", None, [True], [1], [1.0], True, 1]
    assert [at for at, _ in fires(rules, [event({"a": value}, number=n) for n, value in enumerate(values)])] == [
        0,
        2,
        3,
        9,
        10,
        12,
    ]


def test_half_a_surrogate_pair_is_text_like_any_other(tmp_path: Path) -> None:
    rules = rule_set(
        tmp_path, {"s": {"a|contains": "evil"}, "r": {"a|re": "b.d"}, "k": ["keyword"], "condition": "1 of them"}
    )
    events = [
        event({"a": "\ud800evil"}, number=1),
        event({"a": "\udfffbad"}, number=2),
        event({"a": "\ud800keyword"}, number=3),
    ]
    assert [at for at, _ in fires(rules, [*events, event({"a": "\ud800"}, number=4)])] == [0, 1, 2]


def test_matched_names_the_leaf_the_column_and_the_value(tmp_path: Path) -> None:
    detection = {"sel": {"a|contains": ["x", "vil"], "b": 5}, "filter": {"c": "z"}, "condition": "sel and not filter"}
    (found,) = rule_set(tmp_path, detection).detect([event({"a": "Evil", "b": "5"})])
    assert [(m.where, m.field, m.pattern, m.value) for m in found.matched] == [
        ("sel/a|contains", "a", "vil", "Evil"),
        ("sel/b", "b", "5", "5"),
    ]


def test_explanation_shows_every_leaf_with_verdict_and_value(tmp_path: Path) -> None:
    rules = rule_set(
        tmp_path,
        {"sel": {"a|endswith": ["\\cmd.exe", "\\sh"]}, "filter": {"c|exists": True}, "condition": "sel and not filter"},
    )
    lines = str(rules.explain(RULE_ID, event({"a": "/bin/sh", "c": "y"}))).splitlines()
    assert lines[0] == f"A rule of a test ({RULE_ID}): does not fire"
    assert lines[1] == "PASS  logsource product:test"
    assert "FAIL    sel/a|endswith = \\cmd.exe | \\sh   [a: /bin/sh]" in lines
    assert "PASS      filter/c|exists = true   [c: y]" in lines


def test_event_of_another_source_is_not_matched_and_the_explanation_says_so(tmp_path: Path) -> None:
    rules = rule_set(tmp_path, {"s": {"a": "x"}, "condition": "s"})
    other = event({"a": "x", "event.dataset": "nginx.access"})
    assert rules.detect([other]) == []
    assert "FAIL  logsource product:test" in str(rules.explain(RULE_ID, other))


def test_placeholders_are_filled_in(tmp_path: Path) -> None:
    detection = {"s": {"a|expand": "%admins%", "b|contains|expand": "x-%site%-%n%"}, "condition": "s"}
    rules = rule_set(tmp_path, detection, {"admins": ["root", "adm*"], "site": ["hn", "hcm"], "n": ["1", "2"]})
    assert fires(rules, [event({"a": "ADMIN7", "b": "ax-hcm-2b"})]) == [(0, RULE_ID)]
    assert fires(rules, [event({"a": "admin", "b": "x-hue-1"})]) == []
    assert rules.warnings == ()


def test_placeholder_without_values_cannot_match_and_is_a_warning(tmp_path: Path) -> None:
    rules = rule_set(tmp_path, {"s": {"a|expand": ["%admins%", "plain"]}, "condition": "s"}, {"admins": []})
    assert fires(rules, [event({"a": "%admins%"}, number=1), event({"a": "plain"}, number=2)]) == [(1, RULE_ID)]
    assert len(rules.warnings) == 1
    assert "the placeholder %admins% has no values" in rules.warnings[0]


def test_escaped_percent_is_plain(tmp_path: Path) -> None:
    rules = rule_set(tmp_path, {"s": {"a|expand": r"\%plain%name%"}, "condition": "s"}, {"name": ["x"]})
    assert fires(rules, [event({"a": "%plainx"})]) == [(0, RULE_ID)]


def test_loading_twice_gives_equal_rules(tmp_path: Path) -> None:
    path = write(tmp_path, rule({"s": {"a": "x"}, "condition": "s"}))
    assert load([path]).rules == load([path]).rules
