"""`soc rules test`: the gate that CI runs, its report, and what it costs."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree.ElementTree import parse

import pytest

from soc.__main__ import run
from soc.app.content import shipped
from tests.soc.detect.test_rule_test_junit import faults
from tests.soc.detect.test_rule_test_sequences import CORRELATION
from tests.soc.detect.test_rule_test_verdicts import CHAIN, LINE, LOGIN, OVER_THE_EDGE, written

CPU_S = 3.0
"""What all shipped rules may take, the start of Python included, on this machine at its slowest."""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A copy of the rules for Linux, far from any site."""
    shutil.copytree(shipped() / "rules" / "linux", tmp_path / "linux")
    return tmp_path / "linux"


def test_report_of_shipped_rules_is_valid_and_all_of_them_pass(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.xml"
    assert run(["rules", "test", str(shipped() / "rules"), "--junit", str(report)]) == 0
    root = parse(report).getroot()
    assert root is not None
    assert faults(root) == []
    assert len(root.findall("testsuite")) == len(list((shipped() / "rules").rglob("*.test.yml")))
    assert f"{root.get('tests')} passed, 0 failed" in capfd.readouterr().err


@pytest.mark.parametrize("kind", ["match", "near_miss"])
def test_rule_that_loses_a_kind_of_sample_closes_the_gate(
    rules: Path, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = rules / "sshd_root_password_login.test.yml"
    text = path.read_text("utf-8")
    kept, drop = [], False
    for line in text.splitlines():
        drop = line == f"{kind}:" or (drop and line.startswith((" ", "-")))
        kept += [] if drop else [line]
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    assert run(["rules", "test", str(rules)]) == 1
    assert f"has no {kind} sample; a rule needs both kinds" in capfd.readouterr().out


def test_rule_without_a_test_closes_the_gate(rules: Path, tmp_path: Path) -> None:
    (rules / "sshd_root_password_login.test.yml").unlink()
    report = tmp_path / "report.xml"
    assert run(["rules", "test", str(rules), "--junit", str(report)]) == 1
    failed = parse(report).findall(".//failure")
    assert [each.get("type") for each in failed] == ["missing"]


def test_every_sample_is_an_object_of_json(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "test", str(written(tmp_path, OVER_THE_EDGE)), "--json"]) == 0
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [(row["kind"], row["number"], row["name"], row["passed"]) for row in rows] == [
        ("match", 0, "over the minute's edge", True),
        ("near_miss", 0, "one too few", True),
        ("near_miss", 1, "too slow", True),
        ("near_miss", 2, "from many places", True),
    ]


def test_correlation_alone_is_tested_with_the_rules_of_the_site(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site"
    (site / "rules").mkdir(parents=True)
    (site / "soc.yaml").write_text("data: var\nrules: [rules]\n")
    written(site / "rules", OVER_THE_EDGE)
    draft = tmp_path / "draft"
    draft.mkdir()
    steps = f"{{repeat: 10, every: 1s, line: '{LINE}'}}, {{at: 1m, line: '{LOGIN}'}}"
    near = steps.replace("repeat: 10", "repeat: 9")
    test = f"format: syslog\nmatch: [{{events: [{steps}]}}]\nnear_miss: [{{events: [{near}]}}]\n"
    written(draft, test, CHAIN, "chain")
    assert run(["rules", "test", str(draft), "--config", str(site / "soc.yaml")]) == 0
    assert "1 rules, 2 passed, 0 failed" in capfd.readouterr().err
    assert run(["rules", "test", str(draft), "--config", str(tmp_path / "none.yaml")]) == 2
    assert 'no rule has the id or name "1b1c5f0e' in capfd.readouterr().err


def test_rule_under_test_stands_in_for_the_sites_of_the_same_id(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "rules").mkdir(parents=True)
    (site / "soc.yaml").write_text("data: var\nrules: [rules]\n")
    base, burst = CORRELATION.replace("ssh_login", "ssh-login").split("---\n")
    (site / "rules" / "base.yml").write_text(base)
    (site / "rules" / "burst.yml").write_text(burst)
    draft = written(
        tmp_path, OVER_THE_EDGE.replace("repeat: 10, every: 3s", "repeat: 20, every: 1s"), burst.replace("10}", "20}")
    )
    failing = draft / "burst.yml"
    assert run(["rules", "test", str(failing), "--config", str(site / "soc.yaml")]) == 0


def test_all_shipped_rules_are_tested_within_their_time() -> None:
    command = [sys.executable, "-m", "soc", "rules", "test", str(shipped() / "rules")]
    taken = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(taken) < CPU_S, taken
