"""How much an alert matters: 0 to 100, with each factor as a reason.

    risk = severity x criticality x confidence x rarity, and a little for repetition, at most 100

severity: by the rule's level; criticality: of the system; confidence: what analysts made of the rule's alerts; rarity: how seldom the rule
fires here. The tables and formulas are below; docs/reference.md tells them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from collectors.event import Event
from soc.detect import Level
from soc.reason import Because, Reason

SEVERITY = {Level.INFORMATIONAL: 5, Level.LOW: 20, Level.MEDIUM: 40, Level.HIGH: 60, Level.CRITICAL: 80}
CRITICALITY = {1: 0.7, 2: 0.85, 3: 1.0, 4: 1.15, 5: 1.3}
"""Of a system: 1 least, 5 most."""

MAX_REPEATS = 10
"""Points that repetition can add: doubling the count adds two, so a thousand detections add no more than a level."""

_PRIOR = 2
"""Decisions each way that a rule is taken to have had: one false positive does not halve a rule."""


@dataclass(frozen=True, slots=True)
class Score:
    """`risk` 0 to 100, `why`: a reason each factor, `system`: the asset's id ("" unknown)."""

    risk: int
    why: tuple[Reason, ...]
    system: str


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """What became of the alerts of a rule: how many opened, how many were confirmed, and how many turned out to be nothing."""

    opened: int = 0
    confirmed: int = 0
    rejected: int = 0

    @property
    def confidence(self) -> float:
        """0.5 (all were nothing) to 1.5 (all were confirmed); 1 where nothing was decided."""
        decided = self.confirmed + self.rejected
        return 0.5 + (self.confirmed + _PRIOR) / (decided + 2 * _PRIOR)

    @property
    def rarity(self) -> float:
        """1.2 (no other alert) to 0.8 (15 and more): a tenth less for each doubling."""
        return max(0.8, 1.2 - 0.1 * math.log2(1 + self.opened))


class RuleHistory:
    """The records of a site's rules, over the days of `days`; without any, nothing is known and every factor is 1."""

    def __init__(self, records: Mapping[str, RuleRecord] | None = None, days: int = 0) -> None:
        self._records = None if records is None else dict(records)
        self.days = days

    def renew(self, newer: RuleHistory) -> None:
        """Be what was read of the site anew."""
        self._records, self.days = newer._records, newer.days

    def of(self, rule_id: str) -> RuleRecord | None:
        """The record of a rule; None where the site is too young to have any."""
        return None if self._records is None else self._records.get(rule_id, RuleRecord())

    def count(self, rule_id: str) -> None:
        """One more alert of the rule opened."""
        if self._records is not None:
            held = self._records.get(rule_id, RuleRecord())
            self._records[rule_id] = replace(held, opened=held.opened + 1)


@dataclass(frozen=True, slots=True)
class Scoring:
    """`criticality`: asset id -> 1 to 5; a system that the inventory does not know counts as 3."""

    criticality: Mapping[str, int]
    history: RuleHistory = field(default_factory=RuleHistory)

    def score(
        self, rule_id: str, level: Level, events: Sequence[Event], count: int, model_score: float | None
    ) -> Score:
        """The score of an alert of a rule whose newest detection holds `events` and that has `count` detections."""
        system = next((str(e.fields["service.name"]) for e in events if e.fields.get("service.name")), "")
        criticality = self.criticality.get(system, 3)
        record = self.history.of(rule_id)
        factors = (CRITICALITY[criticality], record.confidence if record else 1.0, record.rarity if record else 1.0)
        repeats = min(MAX_REPEATS, round(2 * math.log2(count)))
        risk = min(100, round(SEVERITY[level] * math.prod(factors)) + repeats)
        why = [Reason(Because.LEVEL, (level.value, SEVERITY[level]))]
        if system:
            why.append(Reason(Because.CRITICALITY, (system, criticality, factors[0])))
        if record:
            decided = record.confirmed + record.rejected
            why.append(Reason(Because.CONFIDENCE, (record.confirmed, decided, round(factors[1], 2))))
            why.append(Reason(Because.RARITY, (record.opened, self.history.days, round(factors[2], 2))))
        if repeats:
            why.append(Reason(Because.REPETITION, (count, repeats)))
        if model_score is not None:
            why.append(Reason(Because.ANOMALY, (round(model_score, 2),)))
        return Score(risk, tuple(why), system)
