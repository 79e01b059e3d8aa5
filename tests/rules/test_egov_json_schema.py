"""docs/egov-audit.schema.json: it says what docs/egov-audit.md and the parser say, and tells an application's author what is wrong."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from collectors.parse.ecs import ADDRESSES, FLAGS, INTEGERS, LISTS
from soc import yaml_file

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "egov-audit.schema.json").read_text(encoding="utf-8"))
CHECK = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
DOTTED: dict[str, dict[str, str]] = SCHEMA["$defs"]["dotted"]["properties"]
FULL: dict[str, Any] = {
    "@timestamp": "2026-11-20T08:14:03.120+07:00",
    "event.dataset": "egov.audit",
    "event.action": "approve",
    "event.outcome": "success",
    "user.name": "minh.pq",
    "user.roles": ["approver"],
    "source.ip": "192.0.2.62",
    "egov.system": "budget-treasury",
    "egov.amount": 48_000_000,
    "egov.off_hours": False,
    "egov.record.subject": ["an.nv", "binh.tt"],
}


def nested(line: dict[str, Any]) -> dict[str, Any]:
    """The same line with objects for dots."""
    made: dict[str, Any] = {}
    for name, value in line.items():
        *above, last = [name] if name == "@timestamp" else name.split(".")
        node = made
        for part in above:
            node = node.setdefault(part, {})
        node[last] = value
    return made


def faults(line: dict[str, Any]) -> list[str]:
    return [error.message for error in CHECK.iter_errors(line)]


def leaves_of(node: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, below in node["properties"].items():
        if "properties" in below:
            yield from leaves_of(below, f"{prefix}{name}.")
        else:
            yield prefix + name, below


def test_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_both_ways_to_write_a_line_have_the_same_fields() -> None:
    assert dict(leaves_of(SCHEMA["$defs"]["nested"])) == DOTTED


def test_every_field_of_the_document_is_in_the_schema_and_the_other_way_round() -> None:
    document = (ROOT / "docs" / "egov-audit.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[^|]*`) \|[^|]*\|[^|]*\|$", document, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`([^`]*)`", row)} == set(DOTTED)


def test_types_are_those_that_the_parser_gives() -> None:
    def of(kind: str) -> set[str]:
        return {name for name, each in DOTTED.items() if each.get("$ref") == f"#/$defs/{kind}"}

    assert of("count") <= INTEGERS
    assert of("flag") <= FLAGS
    assert of("texts") <= LISTS
    assert of("address") <= ADDRESSES
    typed = INTEGERS | FLAGS | LISTS | ADDRESSES
    assert {name for name in typed if name.startswith("egov.")} <= of("count") | of("flag") | of("texts") | of(
        "address"
    )


@pytest.mark.parametrize("way", [dict, nested])
def test_line_that_is_right_has_no_fault(way: Any) -> None:
    assert faults(way(FULL)) == []
    assert faults(way({**FULL, "ecs.version": "8.17.0", "message": "x", "host.name": "app-01"})) == []


@pytest.mark.parametrize("way", [dict, nested])
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"egov.amount": "48000000"}, "'48000000' is not of type 'integer'"),
        ({"egov.amount": -1}, "-1 is less than the minimum of 0"),
        ({"egov.off_hours": "false"}, "'false' is not of type 'boolean'"),
        ({"event.outcome": "ok"}, "'ok' is not one of ['success', 'failure']"),
        ({"event.action": "Approve"}, "'Approve' does not match"),
        ({"event.dataset": "audit"}, "'egov.audit' was expected"),
        ({"@timestamp": "2026-11-20 08:14:03"}, "does not match"),
        ({"source.ip": "10.1"}, "'10.1' is not valid under any of the given schemas"),
        ({"user.roles": "approver"}, "'approver' is not of type 'array'"),
        ({"user.name": ""}, "'' "),
        ({"egov.sytem": "x"}, "egov"),
        ({"egov.payload.sha256": "abc"}, "'abc' does not match"),
    ],
)
def test_what_is_wrong_is_told(way: Any, wrong: dict[str, Any], told: str) -> None:
    found = faults(way({**FULL, **wrong}))
    assert len(found) == 1
    assert told in found[0] or ("sytem" in found[0] and told == "egov")


@pytest.mark.parametrize("name", ["@timestamp", "event.action", "event.outcome", "user.name", "egov.system"])
def test_what_every_line_has_is_asked_for(name: str) -> None:
    line = {key: value for key, value in FULL.items() if key != name}
    assert any("is a required property" in fault for fault in faults(line))
    assert any("is a required property" in fault for fault in faults(nested(line)))


def test_line_of_the_document_and_the_demo_s_day_are_right() -> None:
    [line] = re.findall(r"```json\n(.*)\n```", (ROOT / "docs" / "egov-audit.md").read_text(encoding="utf-8"))
    assert faults(json.loads(line)) == []
    lines = gzip.decompress((ROOT / "soc" / "demo" / "day" / "egov-audit.jsonl.gz").read_bytes()).splitlines()[::17]
    assert len(lines) > 200
    assert [fault for each in lines for fault in faults(json.loads(each))] == []


def test_samples_of_the_rules_are_lines_that_an_application_may_write() -> None:
    wrong = []
    for path in sorted((ROOT / "rules" / "egov").glob("*.test.yml")):
        data = yaml_file.read_one(path).data
        for kind in ("match", "near_miss"):
            for change in data[kind]:
                if not isinstance(change, dict) or data.get("given", {}).get("event.dataset") != "egov.audit":
                    continue
                line = {"@timestamp": "2026-11-20T08:00:00Z", **data["given"], **change}
                wrong += [(path.name, fault) for fault in faults({k: v for k, v in line.items() if v is not None})]
    left_out = (
        "is a required property",
        "should be non-empty",
    )  # what a rule is about may be that something is missing
    assert [each for each in wrong if not each[1].endswith(left_out)] == []
