"""How much an alert matters: 0 to 100, with the reasons in words, from the rule's level, the system's criticality and how often it came."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from collectors.event import Event
from soc.detect import Level

_BASE = {Level.INFORMATIONAL: 5, Level.LOW: 20, Level.MEDIUM: 40, Level.HIGH: 60, Level.CRITICAL: 80}
_FACTOR = {1: 0.7, 2: 0.85, 3: 1.0, 4: 1.15, 5: 1.3}
"""Criticality of a system (1 least, 5 most) -> what its alerts' base is multiplied by."""

_MAX_REPEATS = 10
"""Points that repetition can add: doubling the count adds two, so a thousand detections add no more than a level."""


@dataclass(frozen=True, slots=True)
class Score:
    """`risk` 0 to 100, `why` in words, `system`: the asset's id ("" unknown)."""

    risk: int
    why: tuple[str, ...]
    system: str


@dataclass(frozen=True, slots=True)
class Scoring:
    """`criticality`: asset id -> 1 to 5; a system that the inventory does not know counts as 3."""

    criticality: Mapping[str, int]

    def score(self, level: Level, events: Sequence[Event], count: int, model_score: float | None) -> Score:
        """The score of an alert whose newest detection holds `events` and that has `count` detections."""
        system = next((str(e.fields["service.name"]) for e in events if e.fields.get("service.name")), "")
        criticality = self.criticality.get(system, 3)
        base = _BASE[level]
        repeats = min(_MAX_REPEATS, round(2 * math.log2(count)))
        risk = min(100, round(base * _FACTOR[criticality]) + repeats)
        why = [f"level {level.value}: {base}"]
        if system:
            why.append(f"system {system} has criticality {criticality} of 5: times {_FACTOR[criticality]}")
        if repeats:
            why.append(f"seen {count} times: +{repeats}")
        if model_score is not None:
            why.append(f"anomaly score {model_score:.2f}")
        return Score(risk, tuple(why), system)
