"""Batches of Events in, Detections out. No I/O and no clock here: time comes from events, rules and models are passed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Protocol

from collectors.event import Event


class Level(StrEnum):
    """Sigma's levels, lowest first; `rank` orders them."""

    INFORMATIONAL = "informational"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 (informational) to 4 (critical)."""
        return _RANKS[self]


_RANKS = {level: rank for rank, level in enumerate(Level)}


@dataclass(frozen=True, slots=True)
class Rule:
    """What a detection, an alert and a report say of the rule or model that fired.

    `version`: SHA-256 (hex) of its text, so that a report can name the very rule that ran. `tags`: as written
    ("attack.t1110.001"). `logsource`: Sigma's ("product:linux/service:sshd"). `path`: file, or the model's name.
    """

    id: str
    title: str
    level: Level
    version: str
    tags: tuple[str, ...] = ()
    logsource: str = ""
    path: str = ""
    kind: str = "sigma"
    description: str = ""
    falsepositives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """One reason why: the part of the rule that was true, and the value of the event that made it so.

    `where`: "selection/CommandLine|contains". `pattern`: as the rule writes it. `field`: the event's ("" for keywords); `value`: its text.
    Of a correlation: "correlation/group-by" with a field and its value; "correlation/value_count" with its figure as the value, what was
    needed as the pattern, and the fields counted.
    """

    where: str
    field: str
    pattern: str
    value: str

    @property
    def subject(self) -> str:
        """What `value` is of: a field, a correlation's figure ("value_count of user.name"); "" for any text of the record."""
        kind = self.where.removeprefix(_CORRELATION)
        if kind in (self.where, _GROUP_BY):
            return self.field
        return f"{kind} of {self.field}" if self.field else kind


_CORRELATION, _GROUP_BY = "correlation/", "group-by"


@dataclass(frozen=True, slots=True)
class Detection:
    """One rule fired on one event (or, for a correlation, on several: the last is the one that completed it).

    `numbers`: the sequence numbers of the events, where the detector was told them. `group`: of a correlation, the values of its
    group-by. `at`: when it was found, where that is not the time of its last event: something did not happen until then.
    """

    rule: Rule
    events: tuple[Event, ...]
    matched: tuple[Match, ...] = ()
    score: float | None = None
    numbers: tuple[int, ...] = field(default=(), compare=False)
    group: tuple[str, ...] = ()
    at: datetime | None = None

    @property
    def time(self) -> datetime:
        """When it was found; if not told, when the last of its events happened."""
        return self.at or self.events[-1].time

    @property
    def id(self) -> str:
        """32 hex digits, the same for the same rule id, events, group and moment: evaluating again adds nothing."""
        when = (self.at.isoformat(),) if self.at else ()
        return detection_id(self.rule.id, [*(event.id for event in self.events), *self.group, *when])


def detection_id(rule_id: str, event_ids: Sequence[str]) -> str:
    """The id of a detection by its rule and events; of a correlation, the values of its group follow."""
    return blake2b("\0".join((rule_id, *event_ids)).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class Detector(Protocol):
    """What finds something in a batch: the Sigma rule set, an anomaly model. Stateless between batches or replayable from the journal."""

    def detect(self, batch: Sequence[Event]) -> list[Detection]:
        """All detections of the batch, ordered by the event's place in it and then by rule id; detections over several events come
        after those of the event that let them be decided."""
        ...
