"""Every live SigmaHQ rule fires when it should: an event is drawn for each, parsed from a record of its log, and matched by all at once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
import yaml

from collectors.event import Event
from collectors.parse import Context, parse
from collectors.record import Position, RawRecord
from soc.detect.ruleset import RuleSet, load
from tests.soc.detect.sigma import shapes
from tests.soc.detect.sigma.material import FOLDERS, NOW, SIGMAHQ
from tests.soc.detect.sigma.plain_matcher import matches
from tests.soc.detect.sigma.synthesis import Draw, filled, placeholders_of

pytestmark = [pytest.mark.corpus, pytest.mark.skipif(not SIGMAHQ.is_dir(), reason="needs ../shared/corpus/sigmahq")]

DRAWS = 60
"""Attempts for a rule: filters meet some draws."""
FLOOR = 0.999
PATHS = [SIGMAHQ / folder for folder in FOLDERS]


@dataclass(frozen=True)
class Case:
    """A rule's id, an event drawn for it, and whether the rule fires on it by the plain matcher."""

    rule: str
    event: Event
    fires: bool
    about: str


def documents() -> list[dict[str, Any]]:
    """Every rule as YAML data."""
    files = sorted(path for folder in PATHS for path in folder.rglob("*.yml"))
    return [yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader) for path in files]


def event_of(source: shapes.Logsource, fields: dict[str, Any], texts: list[str], number: int) -> Event:
    windows = source[1] == "windows"
    data = shapes.windows_json(source, fields, texts, number) if windows else shapes.ecs_json(source, fields, texts)
    record = RawRecord(data, "test", Position("", "test", number, number), NOW)
    return parse(record, "windows-json" if windows else "json", Context())


def cases_of(rule: dict[str, Any], detection: dict[str, Any], number: int, seed: int = 0) -> list[Case]:
    """An event that the rule fires on, the same as Security 4688 where it can be one, and one without a field that it needs."""
    logsource = rule["logsource"]
    source = tuple((logsource.get(key) or "").lower() for key in ("category", "product", "service"))
    for attempt in range(DRAWS):
        random = Random(f"{rule['id']} {attempt} {seed}")
        draw = Draw(detection, random)
        fields = shapes.header(source, random, draw.fields) | draw.fields
        if not matches(detection, fields, " ".join(draw.texts)):
            continue
        about = f"{rule['title']} {source}: {fields} {draw.texts}"
        found = [Case(rule["id"], event_of(source, fields, draw.texts, 4 * number), True, about)]
        if source == ("process_creation", "windows", ""):
            audit = shapes.as_4688(fields)
            if audit is not None:
                found.append(
                    Case(rule["id"], event_of(source, audit, draw.texts, 4 * number + 1), True, "4688 " + about)
                )
        removable = [name for name in draw.fields if name not in ("EventID", "Provider_Name", "Channel", "Computer")]
        random.shuffle(removable)
        for name in removable:
            less = {key: value for key, value in fields.items() if key != name}
            if not matches(detection, less, " ".join(draw.texts)):
                found.append(
                    Case(
                        rule["id"],
                        event_of(source, less, draw.texts, 4 * number + 2),
                        False,
                        f"without {name}: {about}",
                    )
                )
                break
        return found
    return []


RULES = documents() if SIGMAHQ.is_dir() else []
PLACEHOLDERS = {name: [f"soc-{n}$"] for n, name in enumerate(sorted(placeholders_of([r["detection"] for r in RULES])))}


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    return load(PATHS, placeholders=PLACEHOLDERS)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return [
        case
        for number, rule in enumerate(RULES)
        for case in cases_of(rule, filled(rule["detection"], PLACEHOLDERS), number)
    ]


def fired(rules: RuleSet, cases: list[Case], size: int) -> dict[str, set[str]]:
    """Event id -> the rules that fire on it, matched in batches of a size."""
    found: dict[str, set[str]] = defaultdict(set)
    events = [case.event for case in cases]
    for at in range(0, len(events), size):
        for detection in rules.detect(events[at : at + size]):
            found[detection.events[0].id].add(detection.rule.id)
    return found


def test_an_event_is_found_for_almost_every_rule(cases: list[Case]) -> None:
    without = [rule["title"] for rule in RULES if rule["id"] not in {case.rule for case in cases if case.fires}]
    assert len(without) <= (1 - FLOOR) * len(RULES), without


@pytest.fixture(scope="module")
def at_once(rules: RuleSet, cases: list[Case]) -> dict[str, set[str]]:
    return fired(rules, cases, len(cases))


def test_every_rule_fires_when_it_should_and_only_then(cases: list[Case], at_once: dict[str, set[str]]) -> None:
    assert [case.about for case in cases if case.fires and case.rule not in at_once.get(case.event.id, ())] == []
    assert [case.about for case in cases if not case.fires and case.rule in at_once.get(case.event.id, ())] == []


def test_batches_of_7_find_the_same(rules: RuleSet, cases: list[Case], at_once: dict[str, set[str]]) -> None:
    assert fired(rules, cases, 7) == at_once
