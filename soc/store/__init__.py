"""The ports of the search side: `EventStore` (events) and `Projections` (alerts and incidents, a view of the ledger).

Each has a local implementation and one on Elasticsearch; tests/soc/store holds the contract that both pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from collectors.event import Event, Value
from iso27001.ledger import Entry
from soc.alert import Alert, AlertStatus
from soc.alert.scoring import RuleRecord
from soc.detect import Level
from soc.incident import Incident


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events: from `since` (inclusive) to `until` (exclusive), every field of `equals` equal; at most `limit`.

    What equal means: soc.store.matching.
    """

    since: datetime | None = None
    until: datetime | None = None
    equals: Mapping[str, Value] = field(default_factory=dict)
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Indexed:
    """What became of a batch: new ones stored, ids that were there before, and those refused for good with the reason."""

    stored: int
    duplicates: int
    refused: tuple[tuple[Event, str], ...] = ()


class EventStore(Protocol):
    """Events by id and by search. Indexing twice changes nothing."""

    def index(self, events: Sequence[Event], first_offset: int) -> Indexed:
        """Store consecutive events of the journal, the first of which stands at `first_offset`; every event is in one count of the answer.

        Raises: UnreachableError; then nothing may be acknowledged and the same batch is worth a retry, which neither loses nor doubles.
        """
        ...

    def event(self, event_id: str) -> dict[str, Value] | None:
        """The document of one event (see Event.document), or None."""
        ...

    def events(self, event_ids: Sequence[str]) -> list[Event]:
        """The events of these ids as they were journalled, as far as they are stored; in no order."""
        ...

    def held(self, event_ids: Sequence[str]) -> set[str]:
        """Those of these ids (as `Event.id` has them) that are stored."""
        ...

    def search(self, query: EventQuery) -> list[dict[str, Value]]:
        """Documents, newest first; of the same microsecond, the later in the journal first."""
        ...

    def count(self) -> int:
        """How many events are stored."""
        ...

    def close(self) -> None:
        """Flush and release."""
        ...


class Facet(StrEnum):
    """What alerts are told apart by."""

    LEVEL = "level"
    STATUS = "status"
    RULE = "rule"
    SYSTEM = "system"
    ENTITY = "entity"
    ASSIGNEE = "assignee"


@dataclass(frozen=True, slots=True)
class Having:
    """Alerts with this very value, or, where it is not `wanted`, all others. Of an entity its value, of a rule its id."""

    facet: Facet
    value: str
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Which alerts: empty means all. `text`: words that title, entity, system, labels or assignee contain (each of them somewhere), case
    folded and literal.

    `since` (inclusive) to `until` (exclusive): when they were last seen. `having`: each of these holds. `opened_since`: when the engine
    wrote them down. `due_before`: to be looked at before. `awake_at`: leaves out those that still sleep then. `suppressed`: only those, or
    only the others. `limit`: only the first so many.
    """

    statuses: frozenset[AlertStatus] = frozenset()
    levels: frozenset[Level] = frozenset()
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None
    incident_id: str = ""
    having: tuple[Having, ...] = ()
    limit: int | None = None
    opened_since: datetime | None = None
    due_before: datetime | None = None
    awake_at: datetime | None = None
    suppressed: bool | None = None


class Projections(Protocol):
    """Alerts and incidents as they stand: a fold of ledger facts that can be thrown away and rebuilt.

    The folds are soc.alert.facts and soc.incident.facts; facts of other kinds only count as applied.
    """

    def applied(self) -> int:
        """How many ledger entries are folded in: the next to apply has this sequence number."""
        ...

    def apply(self, entries: Iterable[Entry]) -> None:
        """Fold entries in order, effectively once: entries below `applied` are ignored; after a crash the next call goes on where it ended.

        Raises: UnreachableError; SocError where an entry is missing between two.
        """
        ...

    def alert_ids(self, query: AlertQuery) -> Sequence[str]:
        """Ids that fit, in the order of triage: highest risk first, then newest; what a paged table holds."""
        ...

    def alert_count(self, query: AlertQuery) -> int:
        """How many fit; `limit` counts for nothing."""
        ...

    def alerts(self, ids: Sequence[str]) -> list[Alert]:
        """The alerts of these ids, in their order; unknown ids are left out."""
        ...

    def facets(self, query: AlertQuery, facet: Facet, limit: int) -> list[tuple[str, int]]:
        """The values of the alerts that fit, the most frequent first, with how many have them; `limit` of the query counts for nothing."""
        ...

    def rule_records(self, since: datetime) -> dict[str, RuleRecord]:
        """By rule, what became of the alerts that opened since then; rules without any are left out."""
        ...

    def incident_ids(self) -> Sequence[str]:
        """Ids of all incidents: open ones first, then highest risk, then newest."""
        ...

    def incidents(self, ids: Sequence[str]) -> list[Incident]:
        """The incidents of these ids, in their order; unknown ids are left out."""
        ...

    def reset(self) -> None:
        """Forget everything, so that a rebuild starts from entry 0."""
        ...

    def close(self) -> None:
        """Flush and release."""
        ...
