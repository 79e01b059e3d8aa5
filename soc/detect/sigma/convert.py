"""Sigma rules in, queries of Elasticsearch out, by the backends of sigma-cli, over the same taxonomy as our own engine.

A rule whose events come from several places (Sysmon 1 and Security 4688) gives one query for each. The Lucene queries are for the indices
that soc.store makes, whose keyword fields fold case as Sigma does; tests/soc/store/test_elastic_rules.py runs them on a real node beside
the engine, and elastic_differences.yml there says where the two differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from soc.detect.sigma.ir import Logsource
from soc.detect.sigma.load import documents, files
from soc.detect.sigma.route import Route
from soc.detect.sigma.taxonomy import routes
from soc.errors import SocError

TARGETS = ("lucene", "eql", "esql")

_SLIDES = (
    "a correlation slides over the time of events; the queries of Elasticsearch count in windows that the clock begins, which miss what "
    "lies across two of them: soc run and soc scan count it"
)


@dataclass(frozen=True, slots=True)
class Query:
    """One query of one rule. `problem`: why there is none, in the backend's words.

    `covers`: a query that finds every event which the rule could read; `inexact`: why `query` may find other events than the engine;
    `datasets`: values of event.dataset, lower case, that the rule reads; empty: any.
    """

    rule_id: str
    title: str
    query: str
    problem: str = ""
    covers: str = ""
    inexact: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()


def convert(paths: list[Path], target: str) -> Iterator[Query]:
    """The queries of all rules under the paths. Raises: FaultsError for files that are no rules, SocError for an unknown target."""
    if target not in TARGETS:
        raise SocError(f'"{target}" is not one of {", ".join(TARGETS)}')
    for path in files(paths):
        for document in documents(path):
            if not isinstance(document.data, dict):
                continue
            if "detection" in document.data:
                yield from _queries(document.data, target)
            elif "correlation" in document.data:
                yield Query(str(document.data.get("id", "")), str(document.data.get("title", "")), "", _SLIDES)


def _queries(data: dict[str, Any], target: str) -> Iterator[Query]:
    from sigma.exceptions import SigmaError
    from sigma.rule import SigmaRule

    from soc.detect.sigma.convert_tree import routed

    rule_id, title = str(data.get("id", "")), str(data.get("title", ""))
    said = data.get("logsource") or {}
    logsource = Logsource(*(str(said.get(key) or "").lower() for key in ("category", "product", "service")))
    backend = _backend(target)
    found_before: list[Route] = []
    for route in routes(logsource):
        covers = "*"
        datasets = tuple(sorted(dict(route.where).get("event.dataset", ())))
        backend.inexact = []
        try:
            rule = SigmaRule.from_dict(data)
            earlier = [other for other in found_before if not _apart(route, other)]
            found_before.append(route)
            if route.where or route.require:
                covers = backend.text(rule, routed(None, route, earlier))
            found = [backend.text(rule, routed(one.parsed, route, earlier)) for one in rule.detection.parsed_condition]
        except (SigmaError, NotImplementedError) as error:
            yield Query(rule_id, title, "", str(error) or type(error).__name__, covers, (), datasets)
            continue
        for text in found:
            yield Query(rule_id, title, text, "", covers, tuple(dict.fromkeys(backend.inexact)), datasets)


def _apart(route: Route, other: Route) -> bool:
    """Whether no event is of both routes: an event that is, is read by the first."""
    wanted = dict(other.where)
    return any(values.isdisjoint(wanted.get(name, values)) for name, values in route.where)


@cache
def _backend(target: str) -> Any:
    from soc.detect.sigma import convert_backends

    return convert_backends.BACKENDS[target]()
