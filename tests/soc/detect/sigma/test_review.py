"""What can be said of rules without an event: logic that nothing or everything matches, twins, conventions; and nothing false."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from soc.detect.ruleset import RuleSet
from soc.detect.sigma import ir, logic
from soc.detect.sigma.parse import content
from soc.detect.sigma.review import Kind, review
from soc.yaml_file import parse
from tests.soc.detect.sigma.material import RULE_ID, event, rule, write

OTHER_ID = "5e7f0c2e-93c7-4b5a-8d5a-3a1b9c0d7e11"


def remarks(folder: Path, detection: Any) -> list[tuple[str, str]]:
    found = review([write(folder, rule(detection))])
    assert found.faults == []
    return [(note.kind.value, note.fault.message) for note in found.notes]


NEVER: list[tuple[str, dict[str, Any]]] = [
    ("x and not x", {"s": {"a": "x"}, "condition": "s and not s"}),
    ("twins under not", {"s": {"a": ["x", "y"]}, "f": {"a": ["x", "y"]}, "condition": "s and not f"}),
    ("filter that takes it all", {"s": {"a|contains": "abc"}, "f": {"a|contains": "b"}, "condition": "s and not f"}),
    ("two values of one field", {"s": {"a": "x"}, "t": {"a": "y"}, "condition": "s and t"}),
    ("all of one value", {"s": {"a|all": ["x", "y"]}, "condition": "s"}),
    ("case is no difference", {"s": {"a": "Xy"}, "f": {"a|contains": "x"}, "condition": "s and not f"}),
    ("ends that differ", {"s": {"Image|endswith": "/sh"}, "t": {"Image|endswith": "-c"}, "condition": "all of them"}),
    ("starts that differ", {"s": {"a|startswith": "ab"}, "t": {"a|startswith": "ac"}, "condition": "s and t"}),
    ("equals and contains", {"s": {"a": "abc"}, "t": {"a|contains": "x"}, "condition": "s and t"}),
    ("empty range", {"s": {"a|gt": 5, "a|lt": 5}, "condition": "s"}),
    ("number outside", {"s": {"a": 3}, "t": {"a|gte": 4}, "condition": "s and t"}),
    ("networks apart", {"s": {"a|cidr": "10.0.0.0/8"}, "t": {"a|cidr": "192.168.0.0/16"}, "condition": "s and t"}),
    ("address outside", {"s": {"a|cidr": "10.0.0.0/8"}, "t": {"a": "192.0.2.1"}, "condition": "s and t"}),
    ("absent and there", {"s": {"a": None}, "t": {"a": "x"}, "condition": "s and t"}),
    ("exists and does not", {"s": {"a|exists": True}, "t": {"a|exists": False}, "condition": "s and t"}),
    (
        "each branch of an or",
        {"s": {"a": "x"}, "t": {"a": "y"}, "u": {"a": "z"}, "condition": "s and (t or u)"},
    ),
]


@pytest.mark.parametrize("detection", [case[1] for case in NEVER], ids=[case[0] for case in NEVER])
def test_logic_that_nothing_matches_is_told(detection: Any, tmp_path: Path) -> None:
    [(kind, _)] = remarks(tmp_path, detection)
    assert kind == "never"


ALWAYS: list[tuple[str, dict[str, Any]]] = [
    ("not alone", {"s": {"a": "x"}, "condition": "not s"}),
    ("x or not x", {"s": {"a": "x"}, "condition": "s or not s"}),
    ("one of with a tautology", {"s1": {"a": "x"}, "s2": {"b|neq": "y"}, "condition": "1 of s*"}),
    ("any value", {"s": {"a": "*"}, "condition": "s"}),
    ("contains nothing", {"s": {"a|contains": ""}, "condition": "s"}),
    ("any expression", {"s": {"a|re": ".*"}, "condition": "s"}),
    ("absence alone", {"s": {"a": None}, "condition": "s"}),
    ("exceptions only", {"s": {"a": "x"}, "f": {"b": None}, "condition": "not s and not f"}),
]


@pytest.mark.parametrize("detection", [case[1] for case in ALWAYS], ids=[case[0] for case in ALWAYS])
def test_logic_that_needs_no_match_is_told(detection: Any, tmp_path: Path) -> None:
    [(kind, message)] = remarks(tmp_path, detection)
    assert kind == "always"
    assert "would fire on" in message


SOUND: list[dict[str, Any]] = [
    {"s": {"a": "x"}, "t": {"b": "x"}, "condition": "s and t"},
    {"s": {"a|contains": ["x", "y"]}, "f": {"a|contains": "x"}, "condition": "s and not f"},
    {"s": {"a|contains|all": ["x", "y"]}, "condition": "s"},
    {"s": {"a|startswith": "x", "a|endswith": "y"}, "condition": "s"},
    {"s": {"a|gte": 5, "a|lte": 5}, "condition": "s"},
    {"s": {"a|cidr": "10.0.0.0/8"}, "f": {"a|cidr": "10.1.0.0/16"}, "condition": "s and not f"},
    {"s": {"a": "x"}, "f": {"b": None}, "condition": "s and not f"},
    {"s": {"a": ""}, "t": {"a": None}, "u": {"b": 1}, "condition": "(s or t) and u"},
]


@pytest.mark.parametrize("detection", SOUND)
def test_logic_that_some_events_match_is_not_remarked_on(detection: Any, tmp_path: Path) -> None:
    assert remarks(tmp_path, detection) == []


def test_part_that_nothing_matches_has_its_own_place(tmp_path: Path) -> None:
    detection = {"s": {"a": "x"}, "dead": {"a|all": ["y", "z"]}, "condition": "s or dead"}
    [note] = review([write(tmp_path, rule(detection))]).notes
    assert note.kind is Kind.NEVER
    assert note.fault.source.strip() == "dead:"
    assert note.fault.message == 'nothing can match this selection: "a" cannot have all of these values at once'


def test_base_of_a_correlation_may_fire_on_every_event(tmp_path: Path) -> None:
    base = rule({"s": {"a": "*"}, "condition": "s"}, name="base")
    section = {"type": "event_count", "rules": ["base"], "timespan": "1m", "condition": {"gte": 2}}
    assert review([write(tmp_path, base, {"title": "C", "id": OTHER_ID, "correlation": section})]).notes == []
    alone = {"title": "C", "id": OTHER_ID, "correlation": section | {"generate": True}}
    assert [note.kind for note in review([write(tmp_path, base, alone)]).notes] == [Kind.ALWAYS]


def test_selection_that_is_wanted_and_excluded_is_the_condition_s_fault(tmp_path: Path) -> None:
    [note] = review([write(tmp_path, rule({"s": {"a": "x"}, "condition": "s and not s"}))]).notes
    assert note.fault.source.strip() == "condition: s and not s"
    assert note.fault.message == "nothing can match this condition"


def test_selections_that_exclude_each_other_are_named(tmp_path: Path) -> None:
    made = rule({"s": {"a": "x"}, "t": {"a": "y"}, "u": {"b": 1}, "condition": "(s and t) or u"})
    [note] = review([write(tmp_path, made)]).notes
    assert note.fault.message == 's and t can never match together: "a" cannot have all of these values at once'


def test_condition_has_its_place(tmp_path: Path) -> None:
    [note] = review([write(tmp_path, rule({"s": {"a": "x"}, "condition": "not s"}))]).notes
    assert (note.fault.source.strip(), note.fault.length) == ("condition: not s", 5)


def test_rules_of_one_logic_are_twins_whatever_their_order(tmp_path: Path) -> None:
    one = {"s": {"a|contains": ["x", "y"]}, "t": {"B": 1}, "condition": "s and t"}
    other = {"second": {"B": 1}, "first": {"a|contains": ["Y", "x"]}, "condition": "all of them"}
    write(tmp_path, rule(one, title="One"), name="a.yml")
    write(tmp_path, rule(other, id=OTHER_ID, title="Other"), name="b.yml")
    [note] = review([tmp_path]).notes
    assert note.kind is Kind.DUPLICATE
    assert 'the same logic as "One"' in note.fault.message
    write(tmp_path, rule(other, id=OTHER_ID, logsource={"product": "else"}), name="b.yml")
    assert review([tmp_path]).notes == []


def test_one_bad_rule_never_stops_the_others_from_being_checked(tmp_path: Path) -> None:
    write(tmp_path, "title: [", name="a.yml")
    write(tmp_path, rule({"s": {"a|contian": "x"}, "condition": "s"}), name="b.yml")
    write(tmp_path, rule({"s": {"a": "x"}, "condition": "not s"}, id=OTHER_ID), name="c.yml")
    found = review([tmp_path])
    assert [Path(fault.path).name for fault in found.faults] == ["a.yml", "b.yml"]
    assert [note.kind for note in found.notes] == [Kind.ALWAYS]
    assert review([tmp_path / "nowhere"]).faults[0].message == "no such file or folder"


CONVENTIONS = [
    ({"title": "Detects a Thing"}, "the title begins with"),
    ({"title": "A Thing."}, "the title ends with a full stop"),
    ({"title": "A strange Thing"}, '"strange" is lower case in the title'),
    ({"title": "A " * 70}, "at most 120 are usual"),
    ({"description": "short"}, "the description has 5 characters"),
    ({"date": "2026/11/22"}, "is not written as YYYY-MM-DD"),
    ({"modified": "2020-01-01"}, "it was modified (2020-01-01) before it was made"),
    ({"references": ["a book"]}, '"a book" is not a URL'),
    ({"tags": ["attack.stelth"]}, '"stelth" is not a name in "attack"; did you mean "stealth"?'),
    ({"tags": ["atack.t1110"]}, '"atack" is not a namespace of tags; did you mean "attack"?'),
    ({"tags": ["attack.T1110"]}, "is not lower case"),
    ({"status": None}, 'the rule has no "status"'),
    ({"level": None}, 'the rule has no "level"'),
    ({"author": None}, 'the rule has no "author"'),
    ({"logsource": {"product": "windws"}}, 'unknown product "windws"; did you mean "windows"?'),
    (
        {"logsource": {"product": "windows", "service": "securty"}},
        'unknown service "securty" of Windows; did you mean "security"?',
    ),
]
GOOD: dict[str, Any] = {
    "title": "A Strange Thing in the Log",
    "description": "A thing that is strange and long enough.",
    "author": "An Author",
    "date": "2026-11-22",
    "references": ["https://example.org/why"],
    "tags": [
        "attack.stealth",
        "attack.defense-impairment",
        "attack.defense-evasion",
        "attack.t1685",
        "attack.t1562.001",
    ],
}


@pytest.mark.parametrize(("change", "expected"), CONVENTIONS, ids=[case[1][:30] for case in CONVENTIONS])
def test_convention_that_is_not_kept_is_a_note_and_no_fault(change: Any, expected: str, tmp_path: Path) -> None:
    keys = {key: value for key, value in (GOOD | change).items() if value is not None}
    made = rule({"s": {"a": "x"}, "condition": "s"}, **keys)
    for key, value in change.items():
        if value is None:
            made.pop(key, None)
    path = write(tmp_path, made, name="a_strange_thing.yml")
    found = review([path], by_convention=True)
    assert found.faults == []
    [note] = found.notes
    assert (note.kind, note.fault.line > 0) == (Kind.CONVENTION, True)
    assert expected in note.fault.message
    assert review([path]).notes == []


def test_rule_that_keeps_the_conventions_has_no_note(tmp_path: Path) -> None:
    path = write(tmp_path, rule({"s": {"a": "x"}, "condition": "s"}, **GOOD), name="a_strange_thing.yml")
    assert review([path], by_convention=True).notes == []
    short = write(tmp_path, rule({"s": {"a": "x"}, "condition": "s"}, **GOOD), name="A.yml")
    assert "is not named in lower_case.yml" in review([short], by_convention=True).notes[0].fault.message


# --- What is said is true ---------------------------------------------------------------------------------------------------------

FIELDS = st.sampled_from(
    ["a", "a|contains", "a|startswith", "a|endswith", "a|gt", "a|lte", "a|exists", "a|re", "b", "b|contains|all"]
)
TEXTS = st.sampled_from(["x", "xy", "y", "", "*", "x*y", "7"])


def values(name: str) -> st.SearchStrategy[Any]:
    if name.endswith(("gt", "lte")):
        return st.integers(5, 8)
    if name.endswith("exists"):
        return st.booleans()
    if name.endswith("re"):
        return st.sampled_from([".*", "x", "^x"])
    if "|" in name:
        return st.lists(TEXTS, min_size=1, max_size=2)
    return st.lists(st.one_of(TEXTS, st.integers(5, 8), st.none()), min_size=1, max_size=2)


SELECTIONS = st.lists(FIELDS, min_size=1, max_size=2, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: values(name) for name in names})
)
FIELD_VALUES = st.one_of(st.sampled_from(["x", "xy", "y", "", "z"]), st.integers(4, 9))
CONDITIONS = st.sampled_from(
    [
        "s and t",
        "s and not t",
        "not s",
        "s or not t",
        "not (s or t)",
        "s and t and not u",
        "(s or t) and u",
        "not s or t",
        "1 of them",
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    st.fixed_dictionaries({"s": SELECTIONS, "t": SELECTIONS, "u": SELECTIONS, "condition": CONDITIONS}),
    st.lists(st.dictionaries(st.sampled_from("ab"), FIELD_VALUES), min_size=8, max_size=8),
)
def test_what_is_said_of_logic_holds_on_every_event(detection: Any, events: list[dict[str, Any]]) -> None:
    [document] = parse(yaml.safe_dump(rule(detection)), "rule.yml")
    made = content(document, b"", {})
    assert isinstance(made, ir.Rule)
    rules = RuleSet([("rule.yml", made)])
    batch = [event(fields, number=number) for number, fields in enumerate([*events, {}], 1)]
    fired = len(rules.detect(batch))
    if not logic.satisfiable(made.tree):
        assert fired == 0
    if not logic.satisfiable(ir.Not(made.tree)):
        assert fired == len(batch)
    for remark in logic.remarks(made.tree):
        if "without these fields" in remark.message:
            assert rules.explain(RULE_ID, batch[-1]).fires
