"""What the tests of this room are made of: events, rule files, and rule sets of one detection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from collectors.event import Event, Value, make_event
from collectors.record import Position, RawRecord
from soc.detect.ruleset import RuleSet, load

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
CORPUS = Path(__file__).parents[4].parent / "shared" / "corpus"
SIGMAHQ = CORPUS / "sigmahq"
FOLDERS = ("rules", "rules-compliance", "rules-emerging-threats", "rules-placeholder", "rules-threat-hunting")

RULE_ID = "5e7f0c2e-93c7-4b5a-8d5a-3a1b9c0d7e10"


def event(fields: Mapping[str, Value], original: str = "", number: int = 1) -> Event:
    """An event with these fields, of the data set "test" where they do not say."""
    record = RawRecord(original.encode("utf-8", "surrogatepass"), "test", Position("", "test", number, number), NOW)
    return make_event(record, None, {"event.dataset": "test", **fields})


def rule(detection: Any, **keys: Any) -> dict[str, Any]:
    """A rule as YAML data."""
    return {
        "title": "A rule of a test",
        "id": RULE_ID,
        "status": "test",
        "level": "high",
        "logsource": {"product": "test"},
        "detection": detection,
        **keys,
    }


def write(folder: Path, *rules: Mapping[str, Any] | str, name: str = "rule.yml") -> Path:
    """A file of these rules (data, or YAML text as it is)."""
    path = folder / name
    texts = [
        text if isinstance(text, str) else yaml.safe_dump(text, allow_unicode=True, sort_keys=False) for text in rules
    ]
    path.write_text("---\n".join(texts), encoding="utf-8")
    return path


def rule_set(folder: Path, detection: Any, placeholders: Mapping[str, list[str]] | None = None) -> RuleSet:
    """A set of one rule."""
    return load([write(folder, rule(detection))], cache=None, placeholders=placeholders or {})


def fires(rules: RuleSet, events: Sequence[Event]) -> list[tuple[int, str]]:
    """Place in the batch and rule id of every detection."""
    places = {each.id: at for at, each in enumerate(events)}
    return [(places[found.events[0].id], found.rule.id) for found in rules.detect(events)]
