"""Verdicts on sequences and filters: what is tested runs from nothing each time, and a failure says how near it came."""

from __future__ import annotations

from pathlib import Path

import pytest

from soc.detect import rule_tests
from soc.detect.sigma import load
from tests.soc.detect.test_rule_test_sequences import CORRELATION, LINE

OVER_THE_EDGE = f"""\
format: syslog
match:
  - name: over the minute's edge
    events:
      - {{at: 45s, repeat: 10, every: 3s, line: '{LINE}'}}
    fires: 1
    group: {{source.ip: 203.0.113.45}}
near_miss:
  - name: one too few
    events: [{{at: 0s, repeat: 9, every: 1s, line: '{LINE}'}}]
  - name: too slow
    events: [{{repeat: 10, every: 4s, line: '{LINE}'}}]
  - name: from many places
    events: [{{repeat: 10, line: '{LINE.replace("203.0.113.45", "203.0.113.{n}")}'}}]
"""
CHAIN = """\
title: Log-in after Ten Failed Ones
id: 2b1c5f0e-6a52-4b63-9d0c-0d6a3f6f7c13
correlation:
    type: temporal_ordered
    rules: [1b1c5f0e-6a52-4b63-9d0c-0d6a3f6f7c12, login]
    group-by: [source.ip]
    timespan: 5m
level: critical
---
title: Log-in
id: 3b1c5f0e-6a52-4b63-9d0c-0d6a3f6f7c14
name: login
logsource: {product: linux, service: sshd}
detection:
    selection:
        event.action: ssh-login
        event.outcome: success
    condition: selection
level: low
"""
LOGIN = LINE.replace("Failed", "Accepted")


def written(folder: Path, test: str, rule: str = CORRELATION, name: str = "burst") -> Path:
    (folder / f"{name}.yml").write_text(rule.replace("ssh_login", "ssh-login"), encoding="utf-8")
    (folder / f"{name}.test.yml").write_text(test, encoding="utf-8")
    return folder


def failures(folder: Path, *only: str) -> list[str]:
    """Faults of the tests; `only`: of these files, with everything in the folder loaded."""
    tests = rule_tests.discover([folder / name for name in only] or [folder])
    return [str(result.fault) for result in rule_tests.run(tests, load([folder])) if result.fault]


def failure(folder: Path, test: str, rule: str = CORRELATION) -> str:
    found = [each for each in failures(written(folder, test, rule)) if "needs both kinds" not in each]
    assert len(found) == 1, found
    return found[0]


def test_sequences_that_do_as_they_say_pass(tmp_path: Path) -> None:
    assert failures(written(tmp_path, OVER_THE_EDGE)) == []


def test_sequence_that_does_not_fire_says_how_near_it_came(tmp_path: Path) -> None:
    said = failure(tmp_path, OVER_THE_EDGE.replace("repeat: 10, every: 3s", "repeat: 8, every: 3s"))
    assert f"{tmp_path}/burst.test.yml:3:5: the correlation did not fire" in said
    assert "source.ip=203.0.113.45 is at 8, needed is gte 10 until 00:01:15" in said
    assert "Failed Log-ins: 8 of 8 events, 2026-11-22 00:00:45 to 00:01:06" in said


def test_sequence_whose_rules_do_not_fire_explains_them(tmp_path: Path) -> None:
    said = failure(tmp_path, f"format: syslog\nmatch:\n  - events: ['{LOGIN}']\n")
    assert "Failed Log-ins (0b1c5f0e-6a52-4b63-9d0c-0d6a3f6f7c11): does not fire" in said
    assert "selection/event.outcome = failure" in said


def test_near_miss_that_fires_names_group_and_figure(tmp_path: Path) -> None:
    said = failure(tmp_path, OVER_THE_EDGE.replace("repeat: 9, every: 1s", "repeat: 11, every: 1s"))
    assert "burst.test.yml:9:5: the correlation fired on a near miss: source.ip 203.0.113.45" in said
    assert "10 (gte 10 in 0:00:30)" in said


def test_near_miss_of_which_nothing_is_a_hit_shows_nothing(tmp_path: Path) -> None:
    said = failure(tmp_path, f"format: syslog\nnear_miss:\n  - events: [{{repeat: 20, line: '{LOGIN}'}}]\n")
    assert "none of its events is a hit of a rule that the correlation names, so it shows nothing" in said


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("fires: 1", "fires: 2"), "the correlation fired 1 times (first at 00:01:12) and not 2"),
        (("203.0.113.45}", "192.0.2.1}"), "fired, but of the group source.ip=203.0.113.45 and not source.ip=192.0.2.1"),
    ],
)
def test_what_is_expected_of_a_match_is_held(tmp_path: Path, change: tuple[str, str], why: str) -> None:
    assert why in failure(tmp_path, OVER_THE_EDGE.replace(*change))


def test_samples_start_from_nothing(tmp_path: Path) -> None:
    five = f"{{events: [{{repeat: 5, every: 1s, line: '{LINE}'}}]}}"
    test = (
        f"format: syslog\nnear_miss: [{five}, {five}, {five}]\nmatch: [{{events: [{{repeat: 10, line: '{LINE}'}}]}}]\n"
    )
    assert failures(written(tmp_path, test)) == []


def test_single_line_is_a_sequence_of_one(tmp_path: Path) -> None:
    test = f"format: syslog\nnear_miss: ['{LINE}']\nmatch: ['{LINE}']\n"
    assert failures(written(tmp_path, test, CORRELATION.replace("gte: 10", "gte: 2"))) != []
    assert "near_miss" not in failure(
        tmp_path, test.replace("near_miss", "#"), CORRELATION.replace("gte: 10", "gte: 2")
    )
    assert "fired on a near miss" in failure(tmp_path, test, CORRELATION.replace("gte: 10", "gte: 1"))


def test_chain_is_tested_with_the_rules_of_other_files(tmp_path: Path) -> None:
    written(tmp_path, OVER_THE_EDGE)
    steps = f"{{repeat: 10, every: 1s, line: '{LINE}'}}, {{at: 1m, line: '{LOGIN}'}}"
    test = (
        f"format: syslog\nmatch: [{{events: [{steps}], fires: 1}}]\n"
        f"near_miss: [{{events: [{steps.replace('repeat: 10', 'repeat: 9')}]}}, {{events: [{steps.replace('at: 1m', 'at: 6m')}]}}]\n"
    )
    written(tmp_path, test, CHAIN, "chain")
    assert failures(tmp_path) == []
    assert failures(tmp_path, "chain.yml") == []


def test_rule_that_a_correlation_silences_is_tested_by_itself_all_the_same(tmp_path: Path) -> None:
    base, correlation = CORRELATION.split("---\n")
    written(tmp_path, OVER_THE_EDGE, correlation)
    written(tmp_path, f"format: syslog\nmatch: ['{LINE}']\nnear_miss: ['{LOGIN}']\n", base, "failed")
    assert failures(tmp_path) == []


ABSENCE = (
    CORRELATION.replace("event_count", "absence")
    .replace("    condition: {gte: 10}\n", "")
    .replace("[failed_login]", "[failed_login, login]")
    + "---\n"
    + CHAIN.split("---\n")[1]
)


def test_what_does_not_happen_is_looked_for_until_the_end_that_is_named(tmp_path: Path) -> None:
    test = (
        f"format: syslog\nmatch: [{{events: [{{at: 0s, line: '{LINE}'}}], until: 31s}}]\n"
        f"near_miss: [{{events: [{{at: 0s, line: '{LINE}'}}], until: 29s}}, {{events: [{{at: 0s, line: '{LINE}'}}]}},"
        f" {{events: [{{at: 0s, line: '{LINE}'}}, {{at: 20s, line: '{LOGIN}'}}], until: 1h}}]\n"
    )
    assert failures(written(tmp_path, test, ABSENCE)) == []


FILTER = """\
title: Scanner of Ours
id: 5b1c5f0e-6a52-4b63-9d0c-0d6a3f6f7c15
logsource: {product: linux, service: sshd}
filter:
    rules: [failed_login]
    selection:
        source.ip: 192.0.2.7
    condition: not selection
"""
OURS = LINE.replace("203.0.113.45", "192.0.2.7")


def filtered(folder: Path, test: str) -> list[str]:
    written(
        folder, f"format: syslog\nmatch: ['{LINE}']\nnear_miss: ['{LOGIN}']\n", CORRELATION.split("---\n")[0], "failed"
    )
    return failures(written(folder, test, FILTER, "tuning"))


def test_filter_hides_and_keeps_what_its_test_says(tmp_path: Path) -> None:
    assert filtered(tmp_path, f"format: syslog\nhidden: ['{OURS}']\nkept: ['{LINE}']\n") == []


@pytest.mark.parametrize(
    ("test", "why"),
    [
        (f"hidden: ['{LINE}']\nkept: ['{LINE}']", 'the filter does not hide it: "Failed Log-ins" still fires'),
        (
            f"hidden: ['{OURS}']\nkept: ['{OURS}']",
            'the filter hides what it must leave: "Failed Log-ins" no longer fires',
        ),
        (f"hidden: ['{LOGIN}']\nkept: ['{LINE}']", "no rule that the filter is for fires on it, so it shows nothing"),
        (f"hidden: ['{OURS}']", "has no kept sample; a filter needs both kinds"),
    ],
)
def test_filter_that_does_otherwise_fails_and_says_so(tmp_path: Path, test: str, why: str) -> None:
    [said] = filtered(tmp_path, f"format: syslog\n{test}\n")
    assert why in said


def test_filter_without_a_test_is_no_finding(tmp_path: Path) -> None:
    written(
        tmp_path,
        f"format: syslog\nmatch: ['{OURS}']\nnear_miss: ['{LOGIN}']\n",
        CORRELATION.split("---\n")[0],
        "failed",
    )
    (tmp_path / "tuning.yml").write_text(FILTER, encoding="utf-8")
    assert failures(tmp_path) == []
