"""docs/egov-audit.md against the rules: what a rule reads, an application's author can read about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from collectors.parse import Context, parse
from collectors.record import Position, RawRecord
from soc import yaml_file

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "egov-audit.md").read_text(encoding="utf-8")
EXPLAINED = set(re.findall(r"`([a-z][a-z0-9_.-]*)`", DOCUMENT))
RULES = [
    path
    for folder in ("egov", "soc")
    for path in sorted((ROOT / "rules" / folder).glob("*.yml"))
    if not path.name.endswith(".test.yml")
]


def items(detection: object) -> Iterator[tuple[str, object]]:
    """Every field with its modifiers taken off, and its value, anywhere in a detection."""
    if isinstance(detection, dict):
        for key, value in detection.items():
            if isinstance(value, dict):
                yield from items(value)
            else:
                yield key, value


def fields() -> Iterator[tuple[Path, str, str, object]]:
    for path in RULES:
        for key, value in items(yaml_file.read_one(path).data["detection"]):
            if key != "condition":
                name, _, modifiers = key.partition("|")
                yield path, name, modifiers, value


def test_every_field_that_a_rule_reads_is_explained() -> None:
    unexplained = {
        (path.name, name) for path, name, _, _ in fields() if name not in EXPLAINED and name != "service.name"
    }
    assert not unexplained


def test_every_field_that_a_rule_compares_with_is_explained() -> None:
    compared = {str(value) for _, _, modifiers, value in fields() if modifiers == "fieldref"}
    assert compared
    assert compared <= EXPLAINED


def test_every_action_that_a_rule_waits_for_is_listed() -> None:
    actions = {
        each
        for _, name, _, value in fields()
        if name == "event.action"
        for each in (value if isinstance(value, list) else [value])
    }
    assert not actions - EXPLAINED


def test_line_that_the_document_shows_is_read_as_it_says() -> None:
    [line] = re.findall(r"```json\n(.*)\n```", DOCUMENT)
    record = RawRecord(line.encode(), "document", Position("", "s", 0, 1), datetime(2026, 11, 22, tzinfo=UTC))
    event = parse(record, "json", Context())
    assert event.time == datetime(2026, 11, 20, 1, 14, 3, 120_000, tzinfo=UTC)
    assert event.fields["egov.system"] == "budget-treasury"
    assert event.fields["egov.amount"] == 48_000_000
    assert set(event.fields) <= EXPLAINED
