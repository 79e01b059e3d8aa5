"""Correlations are read into our own form with every default filled in, and what is wrong in one is said with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from soc.detect.sigma import ir, load
from soc.errors import FaultsError
from tests.soc.detect.sigma.material import RULE_ID, rule, write

CORRELATION_ID = "0c5ff3f4-2d6a-4a4e-9f53-6f7a3f4f0a01"
BASES = {"a": {"field": "x"}, "b": {"field": "y"}}


def base(name: str) -> dict[str, Any]:
    made = rule({"s": BASES.get(name, {"field": name}), "condition": "s"}, name=name, title=f"Base {name}")
    del made["id"]
    return made


def correlation(**section: Any) -> dict[str, Any]:
    keys = {key.replace("_", "-") if key == "group_by" else key: value for key, value in section.items()}
    return {"title": "C", "id": CORRELATION_ID, "status": "test", "level": "high", "correlation": keys}


def loaded(folder: Path, *bases: str, **section: Any) -> ir.Correlation:
    path = write(folder, *map(base, bases or ("a", "b")), correlation(**section))
    [found] = [each for _, each in load([path], cache=folder / "cache") if isinstance(each, ir.Correlation)]
    [again] = [each for _, each in load([path], cache=folder / "cache") if isinstance(each, ir.Correlation)]
    assert found == again, "the cache keeps all of it"
    return found


def wrong(folder: Path, section: str, *bases: str) -> list[str]:
    head = f"title: C\nid: {CORRELATION_ID}\nstatus: test\nlevel: high\ncorrelation:\n"
    path = write(folder, head + section, *map(base, bases or ("a", "b")))
    with pytest.raises(FaultsError) as caught:
        load([path])
    return [f"{fault.line}:{fault.column}: {fault.message}" for fault in caught.value.faults]


def test_count_of_events_is_read(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        type="event_count",
        rules="a",
        group_by=["user.name", "host.name"],
        timespan="5m",
        condition={"gte": 10, "lt": 100},
    )
    assert (found.kind, found.rules, found.group_by, found.timespan_s) == (
        "event_count",
        ("a",),
        ("user.name", "host.name"),
        300,
    )
    assert found.conditions == (ir.Condition("gte", 10), ir.Condition("lt", 100))
    assert (found.id, found.title, found.level, found.generate) == (CORRELATION_ID, "C", "high", False)


@pytest.mark.parametrize(
    ("timespan", "seconds"),
    [
        ("15s", 15),
        ("30m", 1_800),
        ("1h", 3_600),
        ("7d", 604_800),
        ("1w", 604_800),
        ("1M", 2_629_746),
        ("1y", 31_556_952),
    ],
)
def test_timespans_are_seconds(timespan: str, seconds: int, tmp_path: Path) -> None:
    found = loaded(tmp_path, type="event_count", rules=["a"], timespan=timespan, condition={"gte": 2})
    assert found.timespan_s == seconds


def test_temporal_without_a_condition_wants_all_of_its_rules(tmp_path: Path) -> None:
    found = loaded(tmp_path, type="temporal", rules=["a", "b"], timespan="1m")
    assert found.expression == ir.And((ir.Leaf("a", "", ()), ir.Leaf("b", "", ())))


def test_expression_over_rules_names_them_too(tmp_path: Path) -> None:
    found = loaded(tmp_path, "a", "b", "c", type="temporal", timespan="1m", condition="a and (b or not c)")
    assert found.rules == ("a", "b", "c")
    a, b, c = (ir.Leaf(name, "", ()) for name in "abc")
    assert found.expression == ir.And((a, ir.Or((b, ir.Not(c)))))


def test_values_have_their_field_and_percentile(tmp_path: Path) -> None:
    condition = {"field": "bytes", "percentile": 95, "gt": 1e6}
    found = loaded(tmp_path, type="value_percentile", rules=["a"], timespan="1h", condition=condition)
    assert (found.fields, found.percentile, found.conditions) == (("bytes",), 95.0, (ir.Condition("gt", 1e6),))
    several = {"field": ["user.name", "host.name"], "gte": 3}
    assert loaded(tmp_path, type="value_count", rules=["a"], timespan="1h", condition=several).fields == (
        "user.name",
        "host.name",
    )


def test_our_kinds_have_their_defaults_and_take_others(tmp_path: Path) -> None:
    new = loaded(tmp_path, type="new_value", rules="a", timespan="30d", condition={"field": "source.ip"})
    assert (new.fields, new.options) == (("source.ip",), {"learning_s": 604_800.0})
    spike = loaded(tmp_path, type="spike", rules="a", timespan="1h", condition={"gte": 5}, baseline="1d", minimum=50)
    assert spike.options == {"baseline_s": 86_400.0, "minimum": 50.0}
    quiet = loaded(tmp_path, type="flatline", rules="a", timespan="1h", condition={"lte": 0.1})
    assert quiet.options == {"baseline_s": 604_800.0, "minimum": 10.0}
    absent = loaded(tmp_path, type="absence", rules=["a", "b"], timespan="10m")
    assert (absent.rules, absent.conditions, absent.expression) == (("a", "b"), (), None)
    few = {"field": "process.name", "gt": 1, "lte": 2}
    rare = loaded(tmp_path, type="rarity", rules="a", timespan="30d", group_by=["host.name"], condition=few)
    assert (rare.fields, rare.options) == (("process.name",), {"learning_s": 604_800.0, "minimum": 100.0})


def test_aliases_are_kept_by_rule(tmp_path: Path) -> None:
    aliases = {"who": {"a": "user.name", "b": "user.target.name"}}
    found = loaded(tmp_path, type="temporal", rules=["a", "b"], timespan="1m", group_by=["who"], aliases=aliases)
    assert found.aliases == aliases


def test_base_rule_without_an_id_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, base("a"), correlation(type="event_count", rules=["a"], timespan="1m", condition={"gte": 2}))
    first, second = ([each.id for _, each in load([path])] for _ in range(2))
    assert first == second
    assert len(set(first)) == 2


CONDITION = "  condition: {gte: 2}\n"
COUNT = "  type: event_count\n  rules: [a]\n  timespan: 5m\n"
ONE = [
    ("no map", "  - a\n", '6:3: "correlation" is a map'),
    (
        "unknown type",
        COUNT.replace("event_count", "event_cuont") + CONDITION,
        '6:9: "event_cuont" is not a correlation type; did you mean "event_count"?',
    ),
    ("no type", COUNT.replace("  type: event_count\n", "") + CONDITION, '5:1: the correlation has no "type"'),
    ("no rules", COUNT.replace("  rules: [a]\n", "") + CONDITION, '5:1: the correlation has no "rules"'),
    ("no timespan", COUNT.replace("  timespan: 5m\n", "") + CONDITION, '5:1: the correlation has no "timespan"'),
    ("no condition", COUNT, '5:1: the correlation has no "condition"'),
    ("no rule named", COUNT.replace("[a]", "[]") + CONDITION, "7:3: the list of rules is empty"),
    ("rule twice", COUNT.replace("[a]", "[a, a]") + CONDITION, '7:14: "a" is named twice'),
    ("rule that is a number", COUNT.replace("[a]", "[1]") + CONDITION, "7:11: a rule's name or id is text"),
    (
        "unknown key",
        COUNT + CONDITION + "  group_by: [x]\n",
        '10:3: unknown key "group_by"; did you mean "group-by"?',
    ),
    (
        "another kind's key",
        COUNT + CONDITION + "  baseline: 7d\n",
        '10:3: unknown key "baseline" (it belongs to flatline',
    ),
    ("zero", COUNT.replace("5m", "0s") + CONDITION, '8:13: "timespan" is zero'),
    ("huge", COUNT.replace("5m", "999999999y") + CONDITION, '8:13: "timespan" is longer than 10y'),
    ("endless digits", COUNT.replace("5m", "9" * 5_000 + "s") + CONDITION, '8:13: "999'),
    ("other digits", COUNT.replace("5m", "٥m") + CONDITION, '8:13: "٥m" is not a timespan'),
    ("no unit", COUNT.replace("5m", "5") + CONDITION, '8:13: "5" is not a timespan: write a number and s, m, h'),
    ("date as timespan", COUNT.replace("5m", "2026-11-22") + CONDITION, '8:13: "2026-11-22" is not a timespan'),
    ("list as timespan", COUNT.replace("5m", "[5m]") + CONDITION, "8:13: a list is not a timespan"),
    ("empty condition", COUNT + "  condition: {}\n", "9:3: the condition compares nothing"),
    (
        "unknown operator",
        COUNT + "  condition: {gte: 2, gtr: 5}\n",
        '9:23: the condition of event_count takes gt, gte, lt, lte, eq, neq, not "gtr"; did you mean',
    ),
    ("text as number", COUNT + "  condition: {gte: many}\n", '9:20: "gte" is a number, not "many"'),
    ("boolean as number", COUNT + "  condition: {gte: true}\n", '9:20: "gte" is a number, not true or false'),
    ("not a number", COUNT + "  condition: {gte: .nan}\n", '9:20: "gte" is a number, not a number'),
    ("empty range", COUNT + "  condition: {gt: 5, lt: 6}\n", "9:3: no number is in this range"),
    ("below zero", COUNT + "  condition: {lt: 0}\n", "9:3: no number is in this range"),
    (
        "count with a field",
        COUNT + "  condition: {gte: 2, field: user.name}\n",
        '9:23: the condition of event_count takes gt, gte, lt, lte, eq, neq, not "field"',
    ),
    (
        "values without a field",
        COUNT.replace("event_count", "value_count") + CONDITION,
        '9:3: the condition of value_count needs a "field"',
    ),
    (
        "sum of two",
        COUNT.replace("event_count", "value_sum") + "  condition: {gte: 2, field: [a, b]}\n",
        "9:30: value_sum measures one field, not 2",
    ),
    (
        "percentile out of reach",
        COUNT.replace("event_count", "value_percentile") + "  condition: {gte: 2, field: a, percentile: 101}\n",
        "9:45: a percentile is 0 to 100, not 101",
    ),
    (
        "expression of counts",
        COUNT + "  condition: a and b\n",
        "9:14: the condition of event_count is not text; an expression over rules belongs to temporal",
    ),
    (
        "temporal with a list",
        "  type: temporal\n  rules: [a, b]\n  timespan: 5m\n  condition: [a, b]\n",
        "9:14: the condition of temporal is an expression over its rules, as text (a and b), or how many of them (gte: 2), not a list",
    ),
    (
        "expression with a stranger",
        "  type: temporal\n  rules: [a, b]\n  timespan: 5m\n  condition: a and b and c\n",
        '9:26: the condition names "c", which is not a rule here',
    ),
    (
        "expression without one",
        "  type: temporal\n  rules: [a, b]\n  timespan: 5m\n  condition: a\n",
        '7:14: the condition does not use the rule "b"',
    ),
    (
        "rarity among no groups",
        COUNT.replace("event_count", "rarity") + "  condition: {field: a, lte: 2}\n",
        '6:9: rarity counts the groups that have a value: it needs "group-by"',
    ),
    *[
        (
            f"rarity of {operator}",
            COUNT.replace("event_count", "rarity") + f"  group-by: [h]\n  condition: {{field: a, {operator}: 2}}\n",
            f"10:25: rarity is of values that few groups have: the condition needs a bound above, lt, lte or eq; did you mean {meant}?",
        )
        for operator, meant in (("gt", '"lt"'), ("gte", '"lte"'), ("neq", '"eq"'))
    ],
    ("absence of one", "  type: absence\n  rules: [a]\n  timespan: 5m\n", "7:10: an absence has two rules"),
    ("field twice", COUNT + CONDITION + "  group-by: [x, x]\n", '10:17: the field "x" is named twice'),
    ("field that is a date", COUNT + CONDITION + "  group-by: [2026]\n", "10:14: a field is text, not a number"),
    ("generate in words", COUNT + CONDITION + "  generate: maybe\n", '10:13: "generate" is true or false, not text'),
    (
        "alias of a stranger",
        COUNT + CONDITION + "  aliases:\n    who:\n      b: user.name\n",
        '12:7: the alias "who" names "b", which is not among the rules',
    ),
    ("alias of nothing", COUNT + CONDITION + "  aliases:\n    who: x\n", "11:10: an alias is a name, and a map"),
    ("unknown rule", COUNT.replace("[a]", "[alpha]") + CONDITION, '7:11: no rule has the id or name "alpha"'),
]


@pytest.mark.parametrize(("section", "expected"), [case[1:] for case in ONE], ids=[case[0] for case in ONE])
def test_fault_has_its_place_and_its_words(section: str, expected: str, tmp_path: Path) -> None:
    found = wrong(tmp_path, section)
    assert found[0].startswith(expected)
    assert len(found) == 1


def test_all_faults_of_a_correlation_come_at_once(tmp_path: Path) -> None:
    found = wrong(tmp_path, "  type: event_count\n  rules: [1]\n  timespan: soon\n  condition: {gte: x}\n")
    assert [each.split(":")[0] for each in found] == ["7", "8", "9"]


def test_file_that_is_two_kinds_at_once_is_refused(tmp_path: Path) -> None:
    both = correlation(type="event_count", rules=["a"], timespan="1m", condition={"gte": 2}) | {"detection": {}}
    with pytest.raises(FaultsError, match='a document is one rule: it has "detection" and "correlation"'):
        load([write(tmp_path, both)])


# --- Names of other rules -------------------------------------------------------------------------------------------------------


def test_rules_are_named_by_id_in_any_case_or_by_name(tmp_path: Path) -> None:
    write(tmp_path, rule({"s": {"field": "x"}, "condition": "s"}), name="z.yml")
    write(
        tmp_path,
        correlation(type="event_count", rules=[RULE_ID.upper()], timespan="1m", condition={"gte": 2}),
        name="c.yml",
    )
    assert len(load([tmp_path])) == 2


def test_name_that_two_rules_have_is_ambiguous(tmp_path: Path) -> None:
    for number in (1, 2):
        named = base("a") | {"id": f"{RULE_ID[:-1]}{number}"}
        write(tmp_path, named, name=f"{number}.yml")
    path = write(
        tmp_path, correlation(type="event_count", rules=["a"], timespan="1m", condition={"gte": 2}), name="c.yml"
    )
    with pytest.raises(FaultsError) as caught:
        load([tmp_path])
    [fault] = caught.value.faults
    assert fault.path == str(path)
    assert '2 rules have the name "a"' in fault.message


def test_two_base_rules_of_one_name_are_told_by_it(tmp_path: Path) -> None:
    with pytest.raises(FaultsError, match='the name "a" is taken by "Base a"'):
        load([write(tmp_path, base("a"), base("a"))])


def chain(length: int, last: str) -> list[dict[str, Any]]:
    made = []
    for number in range(length):
        over = f"c{number + 1}" if number + 1 < length else last
        section = {"type": "event_count", "rules": [over], "timespan": "1m", "condition": {"gte": 2}}
        uuid = f"0c5ff3f4-2d6a-4a4e-9f53-{number:012x}"
        made.append({"title": f"C{number}", "name": f"c{number}", "id": uuid, "correlation": section})
    return made


def test_circle_of_correlations_is_refused_also_from_the_cache(tmp_path: Path) -> None:
    write(tmp_path, *chain(3, "c1"), base("a"))
    for _ in range(2):
        with pytest.raises(FaultsError) as caught:
            load([tmp_path], cache=tmp_path / "cache")
        assert len(caught.value.faults) == 2, "c1 and c2; c0 only stands over them"
        assert all("leads back to this correlation" in fault.message and fault.source for fault in caught.value.faults)


def test_chain_of_a_thousand_correlations_is_refused_in_bounded_time(tmp_path: Path) -> None:
    write(tmp_path, *chain(1_000, "a"), base("a"))
    with pytest.raises(FaultsError, match="a chain of more than 16 correlations"):
        load([tmp_path])


def test_chain_of_sixteen_is_taken(tmp_path: Path) -> None:
    assert len(load([write(tmp_path, *chain(16, "a"), base("a"))])) == 17


def test_correlation_of_many_thousand_rules_is_refused_in_bounded_time(tmp_path: Path) -> None:
    names = ", ".join(f"r{number}" for number in range(100_000))
    [found] = wrong(tmp_path, f"  type: event_count\n  rules: [{names}]\n  timespan: 5m\n{CONDITION}")
    assert found.startswith("7:3: 100,000 rules; at most 1,000 can be named")


def test_rule_in_a_file_that_cannot_be_read_is_not_called_missing(tmp_path: Path) -> None:
    write(tmp_path, base("a") | {"level": "hihg"}, name="a.yml")
    write(tmp_path, correlation(type="event_count", rules=["a"], timespan="1m", condition={"gte": 2}), name="c.yml")
    with pytest.raises(FaultsError) as caught:
        load([tmp_path])
    assert ["hihg" in fault.message for fault in caught.value.faults] == [True]


# --- The documentation ------------------------------------------------------------------------------------------------------------


def test_examples_of_the_documentation_load(tmp_path: Path) -> None:
    page = (Path(__file__).parents[4] / "docs" / "rules.md").read_text(encoding="utf-8")
    blocks = [block.partition("```")[0] for block in page.split("```yaml\n")[1:]]
    documents = [block for block in blocks if "correlation:\n" in block or "filter:\n" in block]
    assert len(documents) == 2
    for number, block in enumerate(documents):
        write(tmp_path, block, name=f"{number}.yml")
    for path in (Path(__file__).parents[4] / "rules" / "linux").glob("sshd_root_password_login.yml"):
        write(tmp_path, path.read_text(encoding="utf-8"), name=path.name)
    kinds = sorted(type(each).__name__ for _, each in load([tmp_path]))
    assert kinds == ["Correlation", "Filter", "Rule", "Rule"]
