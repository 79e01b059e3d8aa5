"""What a rule matches: a table of cases, and a plain matcher of the specification as referee over generated rules and events."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from soc.detect.ruleset import RuleSet, load
from soc.detect.sigma.index import Memory
from soc.detect.sigma.ir import Rule
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


# --- Generated rules and events: few letters, so that they meet -----------------------------------------------------------------

FIELDS = ("a", "b", "c")
TEXT = st.text(st.sampled_from("abAB-/ .\\*?1\nđĐſ"), max_size=6)
NUMBER = st.one_of(st.integers(-3, 20), st.sampled_from([0.5, 1.0, -1.5]))
SCALAR = st.one_of(TEXT, TEXT, TEXT, NUMBER, st.booleans())
PLAIN = st.text(st.sampled_from("abAB-/ .1đ"), min_size=1, max_size=5)
ADDRESS = st.sampled_from(["10.0.0.1", "10.1.2.3", "192.0.2.7", "::1", "2001:db8::5", "x", ""])
TIME = st.sampled_from(["2026-11-22T03:04:05Z", "2025-01-01 00:00:00", "2026-11-22", "x"])
EXPRESSION = st.sampled_from(
    ["a", "^a", "b$", "a.b", "a+b*", "[ab]{2}", "(?:a|b)1", "A", r"\*", "^$", "đ", "1|2", ".b", "s"]
)


def one_or_many(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(values, st.lists(values, min_size=1, max_size=3))


def keyed(
    modifiers: list[str], values: st.SearchStrategy[Any], fields: tuple[str, ...] = FIELDS
) -> st.SearchStrategy[tuple[str, Any]]:
    return st.tuples(
        st.builds(lambda f, m: f + m, st.sampled_from(fields), st.sampled_from(modifiers)), one_or_many(values)
    )


ITEM = st.one_of(
    keyed(["", "|neq", "|all"], st.one_of(SCALAR, st.none())),
    keyed(
        ["|contains", "|startswith", "|endswith", "|contains|all", "|contains|neq", "|cased", "|contains|cased"], TEXT
    ),
    keyed(
        ["|contains|windash", "|windash", "|windash|startswith", "|endswith|windash|all"],
        st.sampled_from(["-a", " -a", "a -b", "/a-b", "-a -b"]),
    ),
    keyed(["|re", "|re|i", "|re|m", "|re|s", "|re|i|m|s", "|re|all", "|re|neq"], EXPRESSION),
    keyed(
        ["|cidr", "|cidr|neq"], st.sampled_from(["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "::/0", "0.0.0.0/0"])
    ),
    keyed(
        [
            "|base64",
            "|base64|contains",
            "|base64offset|contains",
            "|wide|base64offset|contains",
            "|utf16|base64|startswith",
        ],
        PLAIN,
    ),
    keyed(["|lt", "|lte", "|gt", "|gte", "|gt|neq"], NUMBER),
    keyed(
        ["|hour", "|minute", "|day", "|week|gte", "|month|lt", "|year"], st.sampled_from([0, 1, 3, 4, 11, 22, 47, 2026])
    ),
    keyed(
        ["|fieldref", "|fieldref|startswith", "|fieldref|endswith", "|fieldref|contains", "|fieldref|neq"],
        st.sampled_from(FIELDS),
    ),
    st.tuples(st.sampled_from(["a|exists", "b|exists"]), st.booleans()),
)
MAP = st.lists(ITEM, min_size=1, max_size=3).map(dict)
KEYWORD = st.one_of(
    st.lists(PLAIN, min_size=1, max_size=2), st.builds(lambda v: {"|all": v}, st.lists(PLAIN, min_size=2, max_size=2))
)
SELECTION = st.one_of(MAP, MAP, MAP, st.lists(MAP, min_size=1, max_size=2), KEYWORD)
CONDITION = st.recursive(
    st.sampled_from(["s1", "s2", "s3", "1 of them", "all of them", "1 of s*", "all of s1*"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(" and ".join),
        st.tuples(inner, inner).map(" or ".join),
        inner.map("not {}".format),
        inner.map("({})".format),
    ),
    max_leaves=4,
)
DETECTION = st.builds(
    lambda one, two, three, condition: {"s1": one, "s2": two, "s3": three, "condition": f"{condition} or (s1 and s2 and s3)"},
    SELECTION, SELECTION, SELECTION, CONDITION,
)  # fmt: skip
HELD = st.one_of(
    SCALAR, SCALAR, PLAIN, ADDRESS, TIME, st.just(["a", "B1"]), st.just([]), st.just([1, 2]), st.just("YWJhYg==")
)
FIELDS_OF_EVENT = st.dictionaries(st.sampled_from(FIELDS), HELD, max_size=3)
EVENTS = st.lists(st.tuples(FIELDS_OF_EVENT, st.one_of(st.just(""), PLAIN)), min_size=1, max_size=6)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(detection=DETECTION, records=EVENTS)
@example(
    detection={"s1": {"a|re|i": "s"}, "s2": {"a": "x"}, "s3": {"a": "x"}, "condition": "s1 or 1 of them"},
    records=[({"a": "ſ"}, "")],
)
def test_engine_agrees_with_the_plain_matcher(
    detection: dict[str, Any], records: list[Any], tmp_path_factory: Any
) -> None:
    folder = tmp_path_factory.getbasetemp()
    rules = rule_set(folder, detection)
    events = [event(fields, original, number) for number, (fields, original) in enumerate(records)]
    expected = [at for at, one in enumerate(events) if matches(detection, one.fields, one.original)]
    assert [at for at, _ in fires(rules, events)] == expected
    for at, one in enumerate(events):
        assert rules.explain(RULE_ID, one).fires is (at in expected)


# --- A result depends on the rule and the event, and on nothing else -------------------------------------------------------------


def some_rules(folder: Path, detections: list[Any]) -> list[tuple[str, Rule]]:
    ids = [f"5e7f0c2e-93c7-4b5a-8d5a-{number:012x}" for number in range(len(detections))]
    write(folder, *(rule(detection, id=each) for each, detection in zip(ids, detections, strict=True)))
    from soc.detect.sigma.load import _parsed

    path = folder / "rule.yml"
    return [("rule.yml", each) for each in _parsed(path, path.read_bytes(), {})]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    detections=st.lists(DETECTION, min_size=2, max_size=6),
    records=st.lists(st.tuples(FIELDS_OF_EVENT, PLAIN), max_size=30),
    data=st.data(),
)
def test_neighbours_batches_and_order_change_nothing(
    detections: list[Any], records: list[Any], data: Any, tmp_path_factory: Any
) -> None:
    rules = some_rules(tmp_path_factory.getbasetemp(), detections)
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
    monkeypatch.setattr("soc.detect.sigma.matcher.Memory", lambda: Memory(500))
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


def test_letters_of_the_generators_are_what_they_claim() -> None:
    assert not set("abAB") - set(string.ascii_letters)


def test_loading_twice_gives_equal_rules(tmp_path: Path) -> None:
    path = write(tmp_path, rule({"s": {"a": "x"}, "condition": "s"}))
    assert load([path]).rules == load([path]).rules
