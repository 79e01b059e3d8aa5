"""The account of one event at one rule: where the rule looks, the least that is missing, which filter hides."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.event import Event, Value, make_event
from collectors.record import Position, RawRecord
from soc.detect import rule_tests
from soc.detect.account import Account, Accountant, least
from soc.detect.rule_tests import RECEIVED
from soc.detect.ruleset import RuleSet
from soc.detect.sigma import Part, ir, load

RULE = """\
title: Copy of a Password File
id: 3b1c5f0e-6a52-4b63-9d0c-0d6a3f6f7c11
name: password_copy
logsource: {product: test}
detection:
    selection:
        command: cp
        path|startswith: /etc/shadow
    other:
        command: scp
        path|contains: shadow
        user.name: root
    known:
        user.name: backup
    condition: (selection or other) and not known
level: high
"""
FILTER = """\
title: Image Builder
id: 4b1c5f0e-6a52-4b63-9d0c-0d6a3f6f7c12
logsource: {product: test}
filter:
    rules: [password_copy]
    selection:
        host.name: build-01
    condition: not selection
"""


def event(**fields: Value) -> Event:
    record = RawRecord(b"x", "test", Position("", "test", 0, 1), RECEIVED)
    return make_event(record, RECEIVED, {"event.module": "test", **{k.replace("_", "."): v for k, v in fields.items()}})


def account(folder: Path, one: Event, *more: str, rule: str = RULE) -> Account:
    for number, text in enumerate((rule, *more)):
        (folder / f"{number}.yml").write_text(text, encoding="utf-8")
    content = load([folder])
    path, found = next(pair for pair in content if isinstance(pair[1], ir.Rule))
    assert isinstance(found, ir.Rule)
    return Accountant(path, found, content).of(one)


def missing(found: Account) -> list[str]:
    return [part.where for part in found.short_by]


def test_rule_that_fires_lacks_nothing(tmp_path: Path) -> None:
    found = account(tmp_path, event(command="cp", path="/etc/shadow"))
    assert (found.fires, found.routed, found.short_by) == (True, True, ())


def test_least_is_the_shortest_way_through_an_or(tmp_path: Path) -> None:
    assert missing(account(tmp_path, event(command="scp", path="/tmp/shadow"))) == ["other/user.name"]
    assert missing(account(tmp_path, event(command="cp", path="/etc/passwd"))) == ["selection/path|startswith"]


def test_what_must_not_be_there_is_missing_too(tmp_path: Path) -> None:
    found = account(tmp_path, event(command="cp", path="/etc/passwd", user_name="backup"))
    assert missing(found) == ["selection/path|startswith", "known/user.name"]


def test_event_of_another_source_is_told_what_the_rule_wants_and_what_it_has(tmp_path: Path) -> None:
    other = event(command="cp", path="/etc/shadow")
    other.fields.update({"event.module": "nginx"})
    found = account(tmp_path, other)
    assert (found.fires, found.routed, found.tree.holds) == (False, False, True)
    claims = [claim for way in found.ways for claim in way.claims]
    assert ("event.module", ("test",), "nginx", False) in [(c.field, c.wanted, c.value, c.holds) for c in claims]
    assert not any(way.takes for way in found.ways)


def test_module_of_an_event_without_one_is_that_of_its_dataset(tmp_path: Path) -> None:
    one = event(command="cp", path="/etc/shadow", event_dataset="test.log")
    del one.fields["event.module"]
    found = account(tmp_path, one)
    assert found.fires
    assert any(claim.value == "test" and claim.holds for way in found.ways for claim in way.claims)


def test_rule_of_a_program_tells_the_program_that_it_wants(tmp_path: Path) -> None:
    rule = RULE.replace("{product: test}", "{product: linux, service: cron}")
    one = event(event_dataset="syslog", process_name="sshd", path="/etc/shadow")
    one.fields.update({"process.command_line": "cp"})
    found = account(tmp_path, one, rule=rule)
    assert not found.fires
    failed = [claim for way in found.ways for claim in way.claims if not claim.holds and claim.field == "process.name"]
    assert failed[0].value == "sshd"
    assert "crond" in failed[0].wanted
    assert missing(found) == ["logsource/process.name"]


FILTERED = [("build-01", True), ("jump-01", False)]


@pytest.mark.parametrize(("host", "hidden"), FILTERED)
def test_filter_tells_whether_it_is_for_the_event(tmp_path: Path, host: str, hidden: bool) -> None:
    found = account(tmp_path, event(command="cp", path="/etc/shadow", host_name=host), FILTER)
    [one] = found.filters
    assert one.matches is hidden
    assert (one.title, Path(one.path).name) == ("Image Builder", "1.yml")
    assert [leaf.value for leaf in leaves(one.tree)] == [host]


def test_filter_of_another_rule_is_not_told(tmp_path: Path) -> None:
    second = RULE.replace("3b1c", "5b1c").replace("password_copy", "second").replace("Copy", "Zopy")
    (tmp_path / "rule.yml").write_text(second, encoding="utf-8")
    found = account(tmp_path, event(), FILTER.replace("[password_copy]", "[second]"))
    assert found.filters == ()


def leaves(part: Part) -> list[Part]:
    return [part] if part.kind == "leaf" else [leaf for each in part.parts for leaf in leaves(each)]


NODES = st.recursive(
    st.builds(Part, st.just("leaf"), st.booleans(), where=st.uuids().map(str)),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(
            lambda parts: Part("and", all(p.holds for p in parts), tuple(parts))
        ),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda parts: Part("or", any(p.holds for p in parts), tuple(parts))
        ),
        inner.map(lambda part: Part("not", not part.holds, (part,))),
    ),
    max_leaves=8,
)


def turned(part: Part, names: frozenset[str]) -> bool:
    """The verdict of a tree with the named leaves turned round."""
    if part.kind == "leaf":
        return part.holds is not (part.where in names)
    verdicts = [turned(each, names) for each in part.parts]
    return {"and": all(verdicts), "or": any(verdicts), "not": not verdicts[0]}[part.kind]


@given(NODES)
def test_least_makes_the_tree_true_and_nothing_smaller_does(tree: Part) -> None:
    found = least(tree)
    names = frozenset(part.where for part in found)
    assert turned(tree, names)
    every = [leaf.where for leaf in leaves(tree)]
    smaller = [frozenset(every[i] for i in range(len(every)) if bits >> i & 1) for bits in range(1 << len(every))]
    assert not any(turned(tree, some) for some in smaller if len(some) < len(names))


def test_account_and_the_engine_agree_on_every_line_of_our_rules() -> None:
    folder = Path(__file__).parents[3] / "rules" / "linux"
    content = load([folder])
    rules = {rule.id: (path, rule) for path, rule in content if isinstance(rule, ir.Rule)}
    readings = [
        reading for reading in rule_tests.read_samples(rule_tests.discover([folder])) if reading.test.rule_id in rules
    ]
    fired = {
        (d.rule.id, d.events[-1].id) for d in RuleSet(rules.values()).detect([e for r in readings for e in r.events])
    }
    for reading in readings:
        path, rule = rules[reading.test.rule_id]
        for one in reading.events:
            found = Accountant(path, rule, content).of(one)
            assert found.fires is ((rule.id, one.id) in fired)
            assert found.fires is (found.routed and not found.short_by and not found.hidden_by)
