"""Verdicts on samples of formats in, JUnit XML out, as `soc rules test` writes it: a testsuite a file, a testcase a sample."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from soc.display import sanitise

if TYPE_CHECKING:
    from soc.app.formats import SampleResult


def junit(results: Sequence[SampleResult], root: Path) -> ElementTree[Element]:
    """The report on results as `run_samples` gives them. Paths below `root` are told from there."""
    suites = Element("testsuites", {"name": "soc sources test", **_counts(results)})
    for path, group in groupby(results, key=lambda result: result.file.path):
        of_file = list(group)
        name = str(path.relative_to(root) if path.is_relative_to(root) else path)
        suite = SubElement(suites, "testsuite", {"name": name, "file": name, **_counts(of_file)})
        for result in of_file:
            _add_case(suite, result, name)
    indent(suites)
    return ElementTree(suites)


def _add_case(suite: Element, result: SampleResult, name: str) -> None:
    kind, number = result.sample.at
    place = result.file.document.fault(result.sample.at, "")
    title = f"{kind} {int(number) + 1}"
    case = SubElement(suite, "testcase", {"name": title, "classname": name, "file": name, "line": str(place.line)})
    if result.fault is not None:
        failure = SubElement(case, "failure", {"type": str(kind), "message": sanitise(result.fault.message)})
        failure.text = "\n".join(map(sanitise, str(result.fault).splitlines()))


def _counts(results: Iterable[SampleResult]) -> dict[str, str]:
    passed = [result.fault is None for result in results]
    return {"tests": str(len(passed)), "failures": str(passed.count(False)), "errors": "0"}
