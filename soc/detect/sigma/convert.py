"""Sigma rules in, queries of another engine out, by sigma-cli and its backends, over the same taxonomy as our own engine.

A rule whose events come from several places (Sysmon 1 and Security 4688) gives one query for each. What a keyword field's case means is the
index's business: Sigma folds it, a keyword field of Elasticsearch does not.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from soc.detect.sigma.ir import Logsource
from soc.detect.sigma.load import documents, files
from soc.detect.sigma.route import WRITTEN, Route
from soc.detect.sigma.taxonomy import routes
from soc.errors import SocError

TARGETS = ("lucene", "eql", "esql")


_SLIDES = (
    "a correlation slides over the time of events; the queries of Elasticsearch count in windows that the clock begins, which miss what "
    "lies across two of them: soc run and soc scan count it"
)


@dataclass(frozen=True, slots=True)
class Query:
    """One query of one rule. `problem`: why there is none, in the backend's words."""

    rule_id: str
    title: str
    query: str
    problem: str = ""


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


def _queries(rule: dict[str, Any], target: str) -> Iterator[Query]:
    said = rule.get("logsource") or {}
    logsource = Logsource(*(str(said.get(key, "")) for key in ("category", "product", "service")))
    for route in routes(logsource):
        try:
            text = _sigma_cli(rule, _pipeline(rule, route), target)
        except SocError as error:
            yield Query(str(rule.get("id", "")), str(rule.get("title", "")), "", str(error))
            continue
        yield Query(str(rule.get("id", "")), str(rule.get("title", "")), text)


def _sigma_cli(rule: dict[str, Any], pipeline: dict[str, Any], target: str) -> str:
    """What `sigma convert` prints for one rule and pipeline. Raises: SocError with its message."""
    import click

    with contextlib.redirect_stderr(
        io.StringIO()
    ):  # where its progress goes is bound when it is imported, and is not ours to show
        from sigma.cli.convert import convert as command

    with tempfile.TemporaryDirectory() as folder:
        names = {name: Path(folder) / name for name in ("rule.yml", "pipeline.yml", "query.txt")}
        names["rule.yml"].write_text(yaml.safe_dump(rule, sort_keys=False, allow_unicode=True), "utf-8")
        names["pipeline.yml"].write_text(yaml.safe_dump(pipeline, sort_keys=False), "utf-8")
        arguments = ["-t", target, "-p", str(names["pipeline.yml"]), "-o", str(names["query.txt"])]
        try:
            command.main([*arguments, str(names["rule.yml"])], standalone_mode=False)
        except click.ClickException as error:
            raise SocError(error.format_message()) from error
        return names["query.txt"].read_text("utf-8").strip()


def _pipeline(rule: dict[str, Any], route: Route) -> dict[str, Any]:
    """Our taxonomy as a pySigma processing pipeline: field names, and the condition that takes the route's events."""
    mapping = {}
    for name in sorted(_fields(rule["detection"])):
        columns = list(route.columns(name))
        mapping[name] = columns[0] if len(columns) == 1 else columns
    conditions = {name: sorted(WRITTEN.get(v, v) for v in values) for name, values in (*route.where, *route.require)}
    return {
        "name": "soc",
        "priority": 10,
        "transformations": [
            {"id": "fields", "type": "field_name_mapping", "mapping": mapping},
            {"id": "route", "type": "add_condition", "conditions": conditions},
        ],
    }


def _fields(detection: Any) -> set[str]:
    """Field names in a detection section, without their modifiers."""
    if isinstance(detection, list):
        return {name for item in detection for name in _fields(item)}
    if not isinstance(detection, dict):
        return set()
    found: set[str] = set()
    for key, value in detection.items():
        if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(item, dict) for item in value)):
            found |= _fields(value)
        elif key not in ("condition", "timeframe"):
            found.add(str(key).split("|", 1)[0])
    return found - {""}
