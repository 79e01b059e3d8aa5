"""The test door of rules: what it runs, what it finds missing, and how it says why."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from soc.detect import rule_tests
from soc.detect.rule_tests import Kind, Result
from soc.detect.sigma import load
from soc.errors import FaultsError

RULE = """\
title: Root Logged In with a Password
id: 0b1c5f0e-6a52-4b63-9d0c-0d6a3f6f7c11
status: test
logsource: {product: linux, service: sshd}
detection:
    selection:
        message|startswith: 'Accepted password for root from '
    condition: selection
level: high
"""
MATCH = "Nov 20 02:14:07 jump-01 sshd[2231]: Accepted password for root from 203.0.113.45 port 41022 ssh2"
NEAR_MISS = "Nov 20 02:14:07 jump-01 sshd[2231]: Failed password for root from 203.0.113.45 port 41022 ssh2"
GOOD = f"format: syslog\nmatch:\n  - '{MATCH}'\nnear_miss:\n  - '{NEAR_MISS}'\n"
EGOV_RULE = """\
title: Approved by Its Creator
id: 7e0f7c7e-3b0e-4c0a-8f57-0c6b5d3c2d12
status: test
logsource: {product: egov, service: audit}
detection:
    selection:
        event.action: approve
        egov.amount|gte: 500
    condition: selection
level: high
"""


def written(folder: Path, test: str | None = GOOD, rule: str = RULE, name: str = "root_login") -> Path:
    """A rule and its test in a folder."""
    (folder / f"{name}.yml").write_text(rule, encoding="utf-8")
    if test is not None:
        (folder / f"{name}.test.yml").write_text(test, encoding="utf-8")
    return folder


def results_of(folder: Path) -> list[Result]:
    return rule_tests.run(rule_tests.discover([folder]), load([folder]))


def failures_of(folder: Path) -> list[str]:
    return [str(result.fault) for result in results_of(folder) if not result.passed]


def test_rule_that_does_as_its_lines_say_passes(tmp_path: Path) -> None:
    results = results_of(written(tmp_path))
    assert [(r.passed, r.sample.kind if r.sample else None) for r in results] == [
        (True, Kind.MATCH),
        (True, Kind.NEAR_MISS),
    ]


def test_line_that_should_fire_and_does_not_is_explained_at_its_place(tmp_path: Path) -> None:
    [failure] = failures_of(written(tmp_path, GOOD.replace(MATCH, NEAR_MISS)))
    assert failure.startswith(f"{tmp_path}/root_login.test.yml:3:5: the rule did not fire:")
    assert "Accepted password for root from" in failure
    assert "Failed password for root" in failure


def test_near_miss_that_fires_names_what_matched(tmp_path: Path) -> None:
    [failure] = failures_of(written(tmp_path, GOOD.replace(NEAR_MISS, MATCH)))
    assert failure.startswith(f"{tmp_path}/root_login.test.yml:5:5: the rule fired on a near miss: selection/message")


def test_rule_without_a_test_is_a_finding(tmp_path: Path) -> None:
    assert failures_of(written(tmp_path, test=None)) == [
        f"{tmp_path}/root_login.yml: has no test: write root_login.test.yml beside it"
    ]


@pytest.mark.parametrize(
    ("kind", "left"), [("near_miss", GOOD.split("near_miss")[0]), ("match", "format: syslog\nnear_miss:\n  - x\n")]
)
def test_rule_whose_test_lacks_a_kind_is_a_finding(tmp_path: Path, kind: str, left: str) -> None:
    test = left.replace("- x", f"- '{NEAR_MISS}'")
    assert any(
        f"has no {kind} sample; a rule needs both kinds" in failure for failure in failures_of(written(tmp_path, test))
    )


def test_test_without_its_rule_is_a_finding(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "gone.test.yml").write_text(GOOD, encoding="utf-8")
    [failure] = failures_of(tmp_path)
    assert "no rule gone.yml stands beside this test" in failure


def test_line_that_its_parser_refuses_fails_with_the_parsers_reason(tmp_path: Path) -> None:
    [failure] = failures_of(written(tmp_path, f"format: postgresql-csv\nmatch: ['a,b']\nnear_miss: ['{csv_line()}']\n"))
    assert "the postgresql-csv parser cannot read it" in failure


def csv_line() -> str:
    session = '2026-11-20 02:31:07.412 +07,"an","portal",48,"192.0.2.9:5184",6b0.1,1,"idle"'
    return session + ',2026-11-20 02:31:07 +07,4/12,0,LOG,00000,"ok",,,,,,,,,"","client backend",,0'


def test_unreadable_near_miss_fails_too_since_it_proves_nothing(tmp_path: Path) -> None:
    line = f"<38>1 2026-11-20T02:14:07Z jump-01 sshd 2231 - - {MATCH.split(': ', 1)[1]}"
    test = f"format: rfc5424\nmatch: ['{line}']\nnear_miss: ['nonsense']\n"
    [failure] = failures_of(written(tmp_path, test))
    assert "the rfc5424 parser cannot read it" in failure


def test_rule_that_was_not_loaded_fails_and_is_never_passed_over(tmp_path: Path) -> None:
    folder, other = written(tmp_path), tmp_path / "other"
    other.mkdir()
    (other / "x.yml").write_text(EGOV_RULE, encoding="utf-8")
    tests = rule_tests.discover([folder / "root_login.yml"])
    results = rule_tests.run(tests, load([other]))
    assert [r.passed for r in results] == [False, False]
    assert "no rule of id" in str(results[0].fault)


def test_fields_are_laid_over_given_and_parsed_as_json(tmp_path: Path) -> None:
    test = (
        "format: json\n"
        "given: {event.dataset: egov.audit, event.action: approve, egov.amount: 500}\n"
        "match: [{}]\n"
        "near_miss: [{egov.amount: 499}, {egov.amount: null}, {event.dataset: other.audit}]\n"
    )
    results = results_of(written(tmp_path, test, EGOV_RULE))
    assert [r.passed for r in results] == [True] * 4
    readings = rule_tests.read_samples(rule_tests.discover([tmp_path]))
    assert readings[0].event is not None
    assert readings[0].event.raw.startswith(b'{"@timestamp":')
    assert readings[2].event is not None
    assert "egov.amount" not in readings[2].event.fields


def test_received_decides_the_year_of_a_line_without_one(tmp_path: Path) -> None:
    written(tmp_path, GOOD.replace("match:", "received: 2024-12-01T00:00:00Z\nmatch:", 1))
    [reading, _] = rule_tests.read_samples(rule_tests.discover([tmp_path]))
    assert reading.event is not None
    assert reading.event.time == datetime(2024, 11, 20, 2, 14, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("test", "fault"),
    [
        (GOOD.replace("near_miss", "nearmiss"), ':4:1: unknown key "nearmiss"; did you mean "near_miss"?'),
        (GOOD.replace("syslog", "sylog"), ':1:9: format "sylog" is not one of'),
        (GOOD.replace("match:", "received: yesterday\nmatch:", 1), ":2:11: a time with its zone is expected"),
        (GOOD.replace("match:", "received: 2026-11-22T00:00:00\nmatch:", 1), ":2:11: a time with its zone is expected"),
        ("format: syslog\nmatch: text\nnear_miss: []\n", ":2:8: a list is expected"),
        ("format: syslog\nmatch: [{user.name: an}]\nnear_miss: []\n", ':2:9: fields are written as JSON: the format must be "json"'),
        ("format: json\nmatch: [7]\nnear_miss: []\n", ":2:9: a raw line or a mapping of field names to values is expected"),
        ("format: json\ngiven: [a]\nmatch: []\n", ":2:8: a mapping of field names to values is expected"),
        ("- a\n", ":1:1: a mapping is expected"),
        ("format: json\nmatch: [{a: {b: 1}}]\n", ":2:9: a raw line or a mapping of field names to values is expected"),
        ("format: json\nmatch: [{a: 1, a.b: 1}]\n", ':2:9: "a.b" cannot stand beside "a", which is a value'),
        ("format: json\ngiven: {a.b.c: 1}\nmatch: [{a.b: 1}]\n", ':3:9: "a.b.c" cannot stand beside "a.b", which is a value'),
    ],
)  # fmt: skip
def test_fault_in_a_test_file_has_its_place(tmp_path: Path, test: str, fault: str) -> None:
    written(tmp_path, test)
    with pytest.raises(FaultsError) as raised:
        rule_tests.discover([tmp_path])
    assert any(fault in str(each) for each in raised.value.faults), str(raised.value)


def test_file_with_two_rules_is_refused_since_a_test_would_show_one(tmp_path: Path) -> None:
    written(tmp_path, rule=f"{RULE}---\n{EGOV_RULE}")
    with pytest.raises(FaultsError, match=r"root_login\.yml holds 2 rules; a rule with a test has a file of its own"):
        rule_tests.discover([tmp_path])


def test_all_faults_of_all_files_are_named_at_once(tmp_path: Path) -> None:
    written(tmp_path, "format: nothing\nmach: []\n", name="one")
    written(tmp_path, "format: [\n", name="two")
    with pytest.raises(FaultsError) as raised:
        rule_tests.discover([tmp_path])
    assert len(raised.value.faults) == 3


def test_two_rules_are_judged_apart_in_one_run(tmp_path: Path) -> None:
    written(tmp_path)
    other = RULE.replace("0b1c5f0e", "1b1c5f0e").replace("Accepted", "Failed").replace("title: Root", "title: Nobody")
    written(tmp_path, GOOD.replace(MATCH, "@").replace(NEAR_MISS, MATCH).replace("@", NEAR_MISS), other, "failed_login")
    assert not failures_of(tmp_path)
    assert len(results_of(tmp_path)) == 4
