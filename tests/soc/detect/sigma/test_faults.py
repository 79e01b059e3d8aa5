"""What is wrong in a rule is said with its place, all of it at once, and nothing that is right is called wrong."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from soc.detect.ruleset import load
from soc.errors import FaultsError
from tests.soc.detect.sigma.material import RULE_ID, rule, write

HEAD = f"title: T\nid: {RULE_ID}\nstatus: test\nlevel: high\nlogsource:\n  product: test\n"
"""Six lines."""

TAIL = "detection:\n  s: {a: x}\n  condition: s\n"


def faults_of(folder: Path, text: str) -> list[str]:
    """`line:column: message` of every fault."""
    with pytest.raises(FaultsError) as caught:
        load([write(folder, text)])
    return [f"{fault.line}:{fault.column}: {fault.message}" for fault in caught.value.faults]


def detection(body: str) -> str:
    return f"{HEAD}detection:\n{body}"


ONE = [
    ("near miss of a key", HEAD.replace("level:", "levle:") + TAIL, '4:1: unknown key "levle"; did you mean "level"?'),
    ("unknown level", HEAD.replace("high", "hihg") + TAIL, '4:8: "hihg" is not a level (one of informational'),
    ("unknown status", HEAD.replace("status: test", "status: tested") + TAIL, '3:9: "tested" is not a status'),
    ("id that is no UUID", HEAD.replace(RULE_ID, "42") + TAIL, '2:5: "42" is not a UUID'),
    (
        "logsource key",
        HEAD.replace("product: test", "produkt: test\n  service: x") + TAIL,
        '6:3: unknown logsource key "produkt"; did you mean "product"?',
    ),
    (
        "empty logsource",
        HEAD.replace("product: test", "definition: x") + TAIL,
        "5:1: the logsource names no category, product or service",
    ),
    ("date", HEAD + "date: 22.11.2026\n" + TAIL, '7:7: "22.11.2026" is not a date'),
    ("impossible date", HEAD + "date: 2026-02-30\n" + TAIL, '7:7: "2026-02-30" is not a date'),
    ("tag without a name space", HEAD + "tags:\n  - t1110\n" + TAIL, '8:5: "t1110" is not a tag'),
    ("list that is text", HEAD + "references: http://x\n" + TAIL, '7:13: "references" is a list, not text'),
    (
        "unknown modifier",
        detection("  s:\n    a|contian: x\n  condition: s\n"),
        '9:7: unknown modifier "contian"; did you mean "contains"?',
    ),
    (
        "second modifier",
        detection("  s:\n    a|contains|al: x\n  condition: s\n"),
        '9:16: unknown modifier "al"; did you mean "all"?',
    ),
    (
        "condition names no selection",
        detection("  selection: {a: x}\n  condition: selecton\n"),
        '9:14: the condition names "selecton", which is not a selection here; did you mean "selection"?',
    ),
    (
        "second name in a condition",
        detection("  selection: {a: x}\n  condition: selection and not filter\n"),
        '9:32: the condition names "filter", which is not',
    ),
    (
        "pattern that fits nothing",
        detection("  selection: {a: x}\n  condition: selection and not 1 of filter_*\n"),
        '9:37: no selection fits "filter_*"',
    ),
    (
        "selection never used",
        detection("  s: {a: x}\n  t: {a: y}\n  condition: s\n"),
        '9:3: no condition uses the selection "t"',
    ),
    (
        "upper case operator",
        detection("  s: {a: x}\n  t: {a: y}\n  condition: s AND t\n"),
        '10:16: "and" or "or" is expected here, not "AND"; operators are lower case: "and"',
    ),
    (
        "missing operator",
        detection("  s: {a: x}\n  t: {a: y}\n  condition: s t\n"),
        '10:16: "and" or "or" is expected here, not "t"',
    ),
    ("condition ends early", detection("  s: {a: x}\n  condition: s and\n"), '9:16: the condition ends after "and"'),
    ("open bracket", detection("  s: {a: x}\n  condition: (s and s\n"), "9:14: this bracket is never closed"),
    ("closing bracket", detection("  s: {a: x}\n  condition: s)\n"), "9:15: this bracket was never opened"),
    ("unknown quantifier", detection("  s: {a: x}\n  condition: 2 of s*\n"), '9:14: "2 of" is not known'),
    (
        "aggregation",
        detection("  s: {a: x}\n  condition: s | count() > 5\n"),
        '9:16: "and" or "or" is expected here, not "|"; aggregations after |',
    ),
    ("timeframe", detection("  s: {a: x}\n  timeframe: 5m\n  condition: s\n"), '9:3: "timeframe" is Sigma 1'),
    ("no condition", detection("  s: {a: x}\n  conditon: s\n"), '9:3: the detection has no "condition"'),
    ("empty condition", detection("  s: {a: x}\n  condition: ''\n"), "9:14: the condition is empty"),
    ("empty selection", detection("  s: {}\n  condition: s\n"), "8:6: the selection is empty"),
    ("selection of nothing", detection("  s:\n  condition: s\n"), "8:3: the selection is empty"),
    ("empty list of values", detection("  s:\n    a: []\n  condition: s\n"), "9:5: the list of values is empty"),
    (
        "map as a value",
        detection("  s:\n    a: {b: c}\n  condition: s\n"),
        "9:8: a value is text, a number, true, false or null, not a map",
    ),
    (
        "list in a list",
        detection("  s:\n    - [x]\n  condition: s\n"),
        "9:7: a list in a list of a selection is not Sigma",
    ),
    (
        "number as a field",
        detection("  s:\n    4624: x\n  condition: s\n"),
        "9:5: a field name is text, not a number: quote it",
    ),
    ("no detection", HEAD, '1:1: the rule has no "detection"'),
    (
        "detection that is a list",
        HEAD + "detection:\n  - a\n",
        '8:3: "detection" is a map of selections and a condition, not a list',
    ),
    ("rule that is a list", "- a\n", "1:1: a Sigma rule is a map of keys, not a list"),
    ("wrong network", detection("  s:\n    a|cidr: 10.0.0.1/8\n  condition: s\n"), "9:13: invalid CIDR expression"),
    (
        "one network of several",
        detection("  s:\n    a|cidr:\n      - 10.0.0.0/8\n      - 10.0.0.0/33\n  condition: s\n"),
        "11:9: invalid CIDR expression",
    ),
    (
        "wrong expression",
        detection("  s:\n    a|re: 'a('\n  condition: s\n"),
        "9:11: regular expression 'a(' is invalid",
    ),
    (
        "expression without bound",
        detection("  s:\n    a|re: '(?=x)(a+)+$'\n  condition: s\n"),
        "9:11: RE2 does not take this expression",
    ),
    (
        "comparison with text",
        detection("  s:\n    a|lt: x\n  condition: s\n"),
        '9:11: modifier "lessthan" incompatible to value type of',
    ),
    (
        "wildcard before base64",
        detection("  s:\n    a|base64: 'a*b'\n  condition: s\n"),
        "9:15: base64 needs a plain value",
    ),
    ("exists of text", detection("  s:\n    a|exists: x\n  condition: s\n"), '9:15: modifier "exists" incompatible'),
    ("null keyword", detection("  s:\n    - null\n  condition: s\n"), "9:7: a keyword has no value"),
    ("duplicate key", detection("  s: {a: x, a: y}\n  condition: s\n"), '8:13: duplicate key "a"'),
    ("unknown action", HEAD + "action: globl\n" + TAIL, '7:9: unknown action "globl"'),
    ("empty title", HEAD.replace("title: T", "title: ''") + TAIL, '1:8: "title" is empty'),
    ("related that is no relation", HEAD + "related:\n  - id: x\n    type: similar\n" + TAIL, '8:9: "x" is not a UUID'),
    (
        "relation of an unknown kind",
        f"{HEAD}related:\n  - id: {RULE_ID}\n    type: similer\n{TAIL}",
        '9:11: "similer" is not a relation (one of derived',
    ),
    (
        "relation without a kind",
        f"{HEAD}related:\n  - id: {RULE_ID}\n{TAIL}",
        "8:5: a relation is a map of id and type",
    ),
]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in ONE], ids=[case[0] for case in ONE])
def test_fault_has_its_place_and_its_words(text: str, expected: str, tmp_path: Path) -> None:
    (found,) = faults_of(tmp_path, text)
    assert found.startswith(expected)


def test_all_faults_of_all_files_come_at_once(tmp_path: Path) -> None:
    write(tmp_path, rule({"s": {"a|contian": "x", "b|endwith": "y"}, "condition": "s"}, level="hihg"), name="a.yml")
    write(tmp_path, "title: [\n", name="b.yml")
    write(tmp_path, rule({"s": {"a|cidr": ["x", "y"], "b|re": "("}, "condition": "s"}), name="c.yml")
    with pytest.raises(FaultsError) as caught:
        load([tmp_path])
    assert [Path(fault.path).name for fault in caught.value.faults] == ["a.yml"] * 3 + ["b.yml"] + ["c.yml"] * 3
    assert caught.value.exit_code == 2


def test_fault_shows_the_line_with_a_caret(tmp_path: Path) -> None:
    with pytest.raises(FaultsError) as caught:
        load([write(tmp_path, detection("  s:\n    a|contian: x\n  condition: s\n"))])
    assert str(caught.value).splitlines()[1:] == ["    9 |     a|contian: x", "      |       ^^^^^^^"]


def test_same_id_twice_is_a_fault_that_names_the_other_file(tmp_path: Path) -> None:
    write(tmp_path, rule({"s": {"a": "x"}, "condition": "s"}, title="First"), name="a.yml")
    write(tmp_path, rule({"s": {"a": "y"}, "condition": "s"}, title="Second"), name="b.yml")
    with pytest.raises(FaultsError) as caught:
        load([tmp_path])
    (fault,) = caught.value.faults
    assert fault.path.endswith("b.yml")
    assert f'the id {RULE_ID} is taken by "First"' in fault.message


def test_copy_of_a_file_is_a_duplicate_too(tmp_path: Path) -> None:
    for name in ("a.yml", "b.yml"):
        write(tmp_path, rule({"s": {"a": "x"}, "condition": "s"}), name=name)
    with pytest.raises(FaultsError, match="is taken by"):
        load([tmp_path])


def test_path_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(FaultsError, match="no such file or folder"):
        load([tmp_path / "nowhere"])


def test_condition_folded_over_lines_has_the_place_of_its_beginning(tmp_path: Path) -> None:
    (found,) = faults_of(tmp_path, detection("  s: {a: x}\n  condition: >-\n    s and\n    nothere\n"))
    assert found.startswith('9:14: the condition names "nothere"')


# --- Rules made to hurt ---------------------------------------------------------------------------------------------------------


def seconds(text: str, folder: Path) -> tuple[float, list[str]]:
    began = time.process_time()
    found = faults_of(folder, text)
    return time.process_time() - began, found


def test_condition_nested_a_thousand_deep_is_refused(tmp_path: Path) -> None:
    for deep in ("(" * 1000 + "s" + ")" * 1000, "not " * 1000 + "s"):
        took, found = seconds(detection(f"  s: {{a: x}}\n  condition: {deep}\n"), tmp_path)
        assert "nested deeper than 64 levels" in found[0]
        assert took < 2


def test_condition_of_a_hundred_thousand_words_is_refused(tmp_path: Path) -> None:
    took, found = seconds(detection(f"  s: {{a: x}}\n  condition: {'s and ' * 100_000}s\n"), tmp_path)
    assert "at most 10,000 are read" in found[0]
    assert took < 5


def test_condition_that_spells_out_to_millions_is_refused(tmp_path: Path) -> None:
    selections = "".join(f"  s{n}: {{a: x}}\n" for n in range(1000))
    took, found = seconds(detection(f"{selections}  condition: {' and '.join(['1 of them'] * 300)}\n"), tmp_path)
    assert "spells out to more than 20,000 selections" in found[0]
    assert took < 5


def test_rule_of_ten_megabytes_is_refused(tmp_path: Path) -> None:
    took, found = seconds(detection(f"  s:\n    a: {'x' * 10_000_000}\n  condition: s\n"), tmp_path)
    assert "at most 1,000,000 are read" in found[0]
    assert took < 1


def test_yaml_bomb_is_refused(tmp_path: Path) -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*{'a' if not n else f'b{n - 1}'}, *a]\n" for n in range(30))
    took, found = seconds(bomb + HEAD, tmp_path)
    assert "aliases are not supported" in found[0]
    assert took < 1


def test_expression_that_explodes_elsewhere_is_matched_in_linear_time(tmp_path: Path) -> None:
    from tests.soc.detect.sigma.material import event, fires, rule_set

    rules = rule_set(tmp_path, {"s": {"a|re": "(a+)+$", "b|re": "(x|x)*y"}, "condition": "1 of s"})
    began = time.process_time()
    assert fires(rules, [event({"a": "a" * 50_000 + "!", "b": "x" * 50_000})]) == []
    assert time.process_time() - began < 2


UNBOUNDED = [
    "(?=a)" + "a?" * 40 + "a" * 40,
    "(?=x)" + "(a|a)" * 9,
    r"(?!x).*.*.*.*y",
    "(((a{999}){999}){999})",
]


@pytest.mark.parametrize("expression", UNBOUNDED)
def test_expression_without_bound_is_refused(expression: str, tmp_path: Path) -> None:
    took, found = seconds(detection(f"  s:\n    a|re: '{expression}'\n  condition: s\n"), tmp_path)
    assert "too often for bounded time" in found[0]
    assert took < 3


def test_expression_that_needs_look_around_is_matched_on_a_bounded_text_with_a_warning(tmp_path: Path) -> None:
    from tests.soc.detect.sigma.material import event, fires, rule_set

    rules = rule_set(tmp_path, {"s": {"a|re": "^(?!safe).*evil"}, "condition": "s"})
    assert "is matched without RE2, on the first 4,096 characters of a value only" in rules.warnings[0]
    assert fires(rules, [event({"a": "an evil"}, number=1), event({"a": "safe evil"}, number=2)]) == [(0, RULE_ID)]
    began = time.process_time()
    assert fires(rules, [event({"a": "e" * 1_000_000})]) == []
    assert time.process_time() - began < 1


def test_windash_with_forty_dashes_does_not_explode(tmp_path: Path) -> None:
    from tests.soc.detect.sigma.material import event, fires, rule_set

    began = time.process_time()
    rules = rule_set(tmp_path, {"s": {"a|windash|contains": " -x" * 40}, "condition": "s"})
    assert fires(rules, [event({"a": " /x" * 40})]) == [(0, RULE_ID)]
    assert time.process_time() - began < 2


def test_placeholders_that_multiply_to_millions_are_refused(tmp_path: Path) -> None:
    text = detection("  s:\n    a|expand: '%n%%n%%n%%n%'\n  condition: s\n")
    with pytest.raises(FaultsError, match="fill in to more than 10,000 patterns"):
        load([write(tmp_path, text)], placeholders={"n": [str(n) for n in range(100)]})


def test_wildcards_are_matched_without_backtracking(tmp_path: Path) -> None:
    from tests.soc.detect.sigma.material import event, fires, rule_set

    rules = rule_set(tmp_path, {"s": {"a": "*a" * 50 + "b"}, "condition": "s"})
    began = time.process_time()
    assert fires(rules, [event({"a": "a" * 20_000})]) == []
    assert time.process_time() - began < 1
