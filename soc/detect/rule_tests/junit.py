"""Verdicts in, JUnit XML out: what CI systems show. One testsuite a rule file, one testcase a sample, the fault as the failure's text.

There is no standard; this is what the schema of Jenkins (junit-10.xsd) takes and what other CI systems read. Times are left out: a sample
takes microseconds of one pass over all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from soc.detect.rule_tests.verdict import Result
from soc.display import sanitise


def junit(results: Sequence[Result], root: Path) -> ElementTree[Element]:
    """The report on results as `run` gives them: those of one rule file are neighbours. Paths below `root` are told from there."""
    suites = Element("testsuites", {"name": "soc rules test", **_counts(results)})
    for path, group in groupby(results, key=lambda result: result.test.rule_path):
        of_file = list(group)
        name = _from(root, path)
        suite = SubElement(suites, "testsuite", {"name": str(name), "file": str(name), **_counts(of_file)})
        for result in of_file:
            _add_case(suite, result, root)
    indent(suites)
    return ElementTree(suites)


def _add_case(suite: Element, result: Result, root: Path) -> None:
    test, sample, fault = result.test, result.sample, result.fault
    title = sample.title if sample else "has both kinds of samples"
    place = fault or test.fault((sample.kind.value, sample.number) if sample else (), "")
    class_name = ".".join(_from(root, test.rule_path).with_suffix("").parts).lstrip("/.")
    case = SubElement(suite, "testcase", {"name": _clean(title), "classname": class_name})
    case.attrib |= {"file": str(_from(root, Path(place.path))), "line": str(place.line)}
    if fault is not None:
        kind = sample.kind.value if sample else "missing"
        first = fault.message.partition("\n")[0]
        failure = SubElement(case, "failure", {"type": kind, "message": _clean(first)})
        failure.text = "\n".join(map(_clean, str(fault).splitlines()))


def _from(root: Path, path: Path) -> Path:
    return path.relative_to(root) if path.is_relative_to(root) else path


def _counts(results: Iterable[Result]) -> dict[str, str]:
    passed = [result.passed for result in results]
    return {"tests": str(len(passed)), "failures": str(passed.count(False)), "errors": "0"}


def _clean(text: str) -> str:
    """Text that XML 1.0 can hold: events may hold any character, control characters among them."""
    return sanitise(text.replace("\t", "    "))
