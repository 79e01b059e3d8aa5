"""Filters are read with who answers for them; one that would narrow a rule to its benign case, or hides nothing, is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from soc.detect.sigma import ir, load
from soc.errors import FaultsError
from tests.soc.detect.sigma.material import RULE_ID, rule, write

FILTER_ID = "0c5ff3f4-2d6a-4a4e-9f53-6f7a3f4f0b01"
BASE = rule({"s": {"a": "x"}, "condition": "s"}, name="base", logsource={"product": "test", "service": "one"})


def filter_of(section: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"title": "F", "id": FILTER_ID, "logsource": {"product": "test"}, "filter": section, **keys}


def loaded(folder: Path, section: dict[str, Any], **keys: Any) -> ir.Filter:
    path = write(folder, BASE, filter_of(section, **keys))
    first, again = (
        [each for _, each in load([path], cache=folder / "cache") if isinstance(each, ir.Filter)] for _ in range(2)
    )
    assert first == again, "the cache keeps all of it"
    return first[0]


def faults(folder: Path, section: dict[str, Any], *others: dict[str, Any], **keys: Any) -> list[str]:
    path = write(folder, BASE, *others, filter_of(section, **keys))
    with pytest.raises(FaultsError) as caught:
        load([path])
    assert all(fault.line and fault.source for fault in caught.value.faults)
    return [fault.message for fault in caught.value.faults]


def test_filter_says_what_still_fires_for_whom_and_until_when(tmp_path: Path) -> None:
    tuning = {"reason": "The backup runs at night", "owner": "lan.nt", "expires": "2027-01-31"}
    found = loaded(tmp_path, {"rules": ["base"], "s": {"user.name": "backup"}, "condition": "not s"}, tuning=tuning)
    assert (found.rules, str(found.logsource)) == (("base",), "product:test")
    assert (found.reason, found.owner, found.expires) == ("The backup runs at night", "lan.nt", "2027-01-31")
    assert isinstance(found.tree, ir.Not)
    assert found.warnings == ()


def test_any_is_every_rule_of_the_logsource_and_one_rule_needs_no_list(tmp_path: Path) -> None:
    assert loaded(tmp_path, {"rules": "any", "s": {"a": "b"}, "condition": "not s"}).rules == ()
    assert loaded(tmp_path, {"rules": "base", "s": {"a": "b"}, "condition": "not s"}).rules == ("base",)


POLARITY = [
    ({"s": {"a": "b"}, "condition": "s"}, "not s"),
    ({"s": {"a": "b"}, "t": {"c": "d"}, "condition": "s and not t"}, "not (s and not t)"),
    ({"s": {"a": "b"}, "t": {"c": "d"}, "condition": "1 of them"}, "not (1 of them)"),
    ({"s": {"a": "b"}, "condition": "not not s"}, "not (not not s)"),
    ({"s": {"a|neq": "b"}, "condition": "not s"}, "not (not s)"),
]


@pytest.mark.parametrize(("section", "mended"), POLARITY)
def test_filter_that_would_narrow_its_rule_to_the_benign_case_is_refused(
    section: dict[str, Any], mended: str, tmp_path: Path
) -> None:
    [message] = faults(tmp_path, {"rules": ["base"], **section})
    assert "the rules would fire only where a selection matches, which is the benign case" in message
    assert f'write "{mended}"' in message
    again = {"rules": ["base"], **section, "condition": mended}
    assert isinstance(loaded(tmp_path, again), ir.Filter), "what is proposed is taken"


def test_filter_by_what_does_not_equal_is_taken(tmp_path: Path) -> None:
    loaded(tmp_path, {"rules": ["base"], "s": {"a|neq": "b"}, "condition": "s"})
    loaded(tmp_path, {"rules": ["base"], "s": {"a": "b"}, "t": {"c": "d"}, "condition": "not s or t"})


ONE: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"s": {"a": "b"}, "condition": "not s"}, {}, 'the filter has no "rules"'),
    ({"rules": [], "s": {"a": "b"}, "condition": "not s"}, {}, "the list of rules is empty"),
    ({"rules": ["nobody"], "s": {"a": "b"}, "condition": "not s"}, {}, 'no rule has the id or name "nobody"'),
    ({"rules": ["bsae"], "s": {"a": "b"}, "condition": "not s"}, {}, 'did you mean "base"?'),
    ({"rules": ["base"], "s": {"a": "b"}}, {}, 'the filter has no "condition"'),
    ({"rules": ["base"], "condition": "not s"}, {}, "the filter has no selection"),
    ({"rules": ["base"], "s": {"a": "b"}, "condition": ["not s"]}, {}, "a filter has one condition"),
    ({"rules": ["base"], "s": {"a|contian": "b"}, "condition": "not s"}, {}, 'did you mean "contains"?'),
    ({"rules": ["base"], "s": {"a|re": "("}, "condition": "not s"}, {}, "is invalid"),
    ({"rules": 7, "s": {"a": "b"}, "condition": "not s"}, {}, '"rules" is a list of names or ids'),
    ({"rules": ["base"], "s": {"a": "b"}, "condition": "not s"}, {"logsource": {}}, "names no category"),
    ({"rules": ["base"], "s": {"a": "b"}, "condition": "not s"}, {"tuning": []}, '"tuning" is a map'),
]


@pytest.mark.parametrize(("section", "keys", "expected"), ONE)
def test_fault_has_its_words(section: dict[str, Any], keys: dict[str, Any], expected: str, tmp_path: Path) -> None:
    found = faults(tmp_path, section, **keys)
    assert expected in found[0]


GOOD = {"rules": ["base"], "s": {"a": "b"}, "condition": "not s"}
TUNING = [
    ({"reason": "r", "owner": "o"}, '"tuning" has no "expires"; all of reason, owner, expires'),
    ({"reason": "", "owner": "o", "expires": "2027-01-31"}, '"reason" is empty'),
    ({"reason": "r", "owner": 7, "expires": "2027-01-31"}, '"owner" is text, not a number'),
    ({"reason": "r", "owner": "o", "expires": "soon"}, '"soon" is not a date'),
    ({"reason": "r", "owner": "o", "expires": "2027-02-30"}, '"2027-02-30" is not a date'),
    ({"reason": "r", "owner": "o", "expires": "20270131"}, '"expires" is text, not a number'),
    ({"reason": "r", "owner": "o", "expires": "٢٠٢٧-01-31"}, "is not a date"),
    ({"reason": "r", "owner": "o", "expires": "2027-01-31", "ownr": "x"}, 'unknown key "ownr"; did you mean "owner"?'),
]


@pytest.mark.parametrize(("tuning", "expected"), TUNING)
def test_tuning_is_whole_or_refused(tuning: dict[str, Any], expected: str, tmp_path: Path) -> None:
    text = "\n".join(
        f"  {key}: {value!r}" if key != "expires" else f"  expires: {value}" for key, value in tuning.items()
    )
    path = write(tmp_path, BASE, filter_of(GOOD), f"title: G\nid: {FILTER_ID[:-1]}2\nlogsource: {{product: test}}\nfilter: "
                 f"{{rules: any, s: {{a: b}}, condition: not s}}\ntuning:\n{text}\n")  # fmt: skip
    with pytest.raises(FaultsError) as caught:
        load([path])
    assert expected in caught.value.faults[0].message


def test_filter_in_the_tuning_folder_must_say_who_answers_for_it(tmp_path: Path) -> None:
    (tmp_path / "tuning").mkdir()
    write(tmp_path, BASE, name="base.yml")
    path = write(tmp_path / "tuning", filter_of(GOOD), name="f.yml")
    with pytest.raises(FaultsError, match="says who answers for it"):
        load([tmp_path])
    path.write_text(path.read_text() + "tuning: {reason: r, owner: o, expires: 2027-01-31}\n")
    assert len(load([tmp_path])) == 2


def test_filter_on_a_correlation_is_told_to_name_its_base_rules(tmp_path: Path) -> None:
    count = {"title": "C", "name": "many", "id": FILTER_ID[:-1] + "3"}
    count["correlation"] = {"type": "event_count", "rules": ["base"], "timespan": "1m", "condition": {"gte": 2}}  # type: ignore[assignment]
    [message] = faults(tmp_path, GOOD | {"rules": ["many"]}, count)
    assert message == '"many" is a correlation, which sees no event fields: name its base rules (base)'


def test_filter_whose_logsource_does_not_fit_is_warned_of(tmp_path: Path) -> None:
    found = loaded(tmp_path, GOOD, logsource={"product": "test", "service": "other"})
    [warning] = found.warnings
    assert 'it hides nothing of "base": that rule is of product:test/service:one' in warning
    found = loaded(tmp_path, GOOD | {"rules": "any"}, logsource={"product": "other"})
    assert found.warnings == ("no rule has its logsource product:other: it hides nothing",)
    assert loaded(tmp_path, GOOD | {"rules": [RULE_ID]}, logsource={"service": "one"}).warnings == ()
