"""Alerts in, the risk of each entity that they name out: 0 to 100, and less with time. Pure.

    risk of an entity = 100 x (1 - product over its rules of (1 - r / 100))
    r = the greatest of the rule's alerts on it of: risk x 0.5 ^ (age / half-life)

So two different signs weigh more than one, and one noisy rule no more than its worst alert. Alerts that turned out to be nothing count for
nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from soc.alert import Alert, CloseReason, Entity

NOTHING = frozenset({CloseReason.FALSE_POSITIVE, CloseReason.BENIGN, CloseReason.DUPLICATE})

HALF_LIVES = 7
"""How many half-lives an alert counts: what is left after seven is below one of a hundred."""


@dataclass(frozen=True, slots=True)
class EntityRisk:
    """`risk` now, 0 to 100; `rules`: how many different rules speak of it; `worst`: the alert that weighs most now."""

    entity: Entity
    risk: int
    rules: int
    alerts: int
    worst: str
    last_seen: datetime


def entity_risks(alerts: Iterable[Alert], now: datetime, half_life: timedelta) -> list[EntityRisk]:
    """Every entity of alerts that still weigh, the one at the greatest risk first."""
    weights: dict[Entity, dict[str, tuple[float, str]]] = {}
    counts: dict[Entity, int] = {}
    seen: dict[Entity, datetime] = {}
    for alert in alerts:
        age = max(timedelta(), now - alert.last_seen)
        if alert.reason in NOTHING or alert.suppressed_by or age > HALF_LIVES * half_life:
            continue
        weight = alert.risk * 0.5 ** (age / half_life)
        for entity in alert.entities:
            of_rules = weights.setdefault(entity, {})
            of_rules[alert.rule_id] = max(of_rules.get(alert.rule_id, (0.0, "")), (weight, alert.id))
            counts[entity] = counts.get(entity, 0) + 1
            seen[entity] = max(seen.get(entity, alert.last_seen), alert.last_seen)
    found = [
        EntityRisk(
            entity,
            round(100 * (1 - math.prod(1 - weight / 100 for weight, _ in of_rules.values()))),
            len(of_rules),
            counts[entity],
            max(of_rules.values())[1],
            seen[entity],
        )
        for entity, of_rules in weights.items()
    ]
    return sorted(found, key=lambda each: (-each.risk, each.entity))
