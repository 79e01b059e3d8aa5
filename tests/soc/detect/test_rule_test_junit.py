"""The report for CI systems: its shape is that of the schema that Jenkins publishes (junit-10.xsd), its text survives hostile events."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, fromstring, tostring

from soc.detect import rule_tests
from soc.detect.rule_tests.junit import junit
from soc.detect.sigma import load
from tests.soc.detect.test_rule_tests import GOOD, MATCH, NEAR_MISS, RULE, written

SCHEMA: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "disabled", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests"},
        {"failures", "errors", "group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url", "version"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "testcase": (
        {"name", "classname"},
        {"assertions", "time", "status", "class", "file", "line", "log", "group", "url"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "failure": (set(), {"type", "message"}, set()),
}  # fmt: skip
"""Element -> attributes that it must have, that it may have, children that it may have."""


def faults(element: Element) -> list[str]:
    required, optional, children = SCHEMA[element.tag]
    found = [f"{element.tag} lacks {name}" for name in required - set(element.keys())]
    found += [f"{element.tag} has {name}" for name in set(element.keys()) - required - optional]
    found += [f"{child.tag} stands in {element.tag}" for child in element if child.tag not in children]
    counted = {"tests": "testcase", "failures": "testcase/failure"} if element.tag == "testsuite" else {}
    found += [
        f"{name} is wrong" for name, path in counted.items() if int(element.get(name, "")) != len(element.findall(path))
    ]
    return found + [fault for child in element if child.tag in children for fault in faults(child)]


def report(folder: Path) -> Element:
    results = rule_tests.run(rule_tests.discover([folder]), load([folder]))
    return fromstring(tostring(junit(results, folder).getroot()))


def test_report_is_valid_and_counts_what_it_holds(tmp_path: Path) -> None:
    written(tmp_path, GOOD.replace(NEAR_MISS, MATCH))
    written(tmp_path, None, RULE.replace("0b1c5f0e", "1b1c5f0e"), "untested")
    root = report(tmp_path)
    assert faults(root) == []
    assert (root.get("tests"), root.get("failures")) == ("3", "2")


def test_failure_tells_its_place_from_where_the_command_runs(tmp_path: Path) -> None:
    (tmp_path / "linux").mkdir()
    written(tmp_path / "linux", GOOD.replace(NEAR_MISS, MATCH))
    suite = report(tmp_path).find("testsuite")
    assert suite is not None
    assert suite.get("name") == "linux/root_login.yml"
    [passed, failed] = suite
    assert (failed.get("classname"), failed.get("name")) == ("linux.root_login", "near_miss 1")
    assert (failed.get("file"), failed.get("line")) == ("linux/root_login.test.yml", "5")
    assert passed.find("failure") is None
    failure = failed.find("failure")
    assert failure is not None
    assert (failure.get("message") or "").startswith("the rule fired on a near miss: selection/message|startswith")
    assert "root_login.test.yml:5:5" in (failure.text or "")


def test_event_that_xml_cannot_hold_is_shown_by_name(tmp_path: Path) -> None:
    hostile = '"Nov 20 02:14:07 jump-01 sshd[1]: \\e[31mAccepted password for root from \\uFFFE <&]]> x"'
    written(tmp_path, GOOD.replace(f"'{MATCH}'", hostile))
    failure = report(tmp_path).find(".//failure")
    assert failure is not None
    assert "␛[31m" in (failure.text or "")
    assert "<&]]>" in (failure.text or "")
