"""The port behind the terminal UI: everything that its screens read and do. No terminal here, no store and no ledger.

`soc.app` implements it over the projections and the ledger; tests with a list in memory. The UI calls it from one thread of its own,
never from two at once and never from the thread that paints, so an implementation may block and needs no locks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from collectors.event import Value
from soc.alert import Alert, CloseReason
from soc.incident import Incident
from soc.incident.clocks import Clocks
from soc.store import AlertQuery, Facet


class Outcome(Protocol):
    """What an action came to."""

    @property
    def done(self) -> Sequence[str]:
        """Ids that it changed."""
        ...

    @property
    def refused(self) -> Mapping[str, str]:
        """Why others are as they were, by id."""
        ...


class Desk(Protocol):
    """An analyst's desk. Any method may raise SocError: the message line says so, what it names is unchanged, and the UI goes on."""

    @property
    def site(self) -> str:
        """The site's name, for the first line of every screen."""
        ...

    def now(self) -> datetime:
        """The clock, aware: due times are told from it. Cheap; the one method that the painting thread calls too."""
        ...

    def version(self) -> int:
        """A number that differs when an alert or incident changed, appeared or went. Asked four times a second: cheap."""
        ...

    def alert_ids(self, query: AlertQuery) -> Sequence[str]:
        """Ids that fit, in the order of triage (highest risk first, then newest). May be long; is never changed afterwards."""
        ...

    def alert_count(self, query: AlertQuery) -> int:
        """How many fit; `limit` counts for nothing."""
        ...

    def facets(self, query: AlertQuery, facet: Facet, limit: int) -> Sequence[tuple[str, str, int]]:
        """The most frequent values of the alerts that fit: value, the value in words (a rule's title), how many have it."""
        ...

    def alerts(self, ids: Sequence[str]) -> list[Alert]:
        """The alerts of these ids (a few hundred at most), in their order; unknown ids are left out."""
        ...

    def raw_events(self, ids: Sequence[str]) -> list[Mapping[str, Value]]:
        """Documents of these events (see Event.document: flat ECS with `event.original`), in their order; unknown ids are left out."""
        ...

    def rule_text(self, rule_id: str, version: str) -> str:
        """The rule's YAML as its author wrote it, "" where it is not known; `version` is the alert's `rule_version`."""
        ...

    def incident_ids(self) -> Sequence[str]:
        """Ids of all incidents: open ones first, then highest risk, then newest."""
        ...

    def incidents(self, ids: Sequence[str]) -> list[Incident]:
        """The incidents of these ids, in their order; unknown ids are left out."""
        ...

    def clocks(self, ids: Sequence[str]) -> Mapping[str, Clocks]:
        """The legal notices of these incidents, by id."""
        ...

    def acknowledge(self, ids: Sequence[str]) -> None:
        """Record that the analyst has looked at these alerts; durable when it returns."""
        ...

    def close(self, ids: Sequence[str], reason: CloseReason, note: str) -> None:
        """Record the analyst's decision on these alerts; durable when it returns."""
        ...

    def reopen(self, ids: Sequence[str]) -> None:
        """Put these alerts back to new, as a further line of their history; durable when it returns."""
        ...

    def on_alerts(self, name: str, ids: Sequence[str], given: Mapping[str, Any]) -> Outcome:
        """Do an action of soc.incident.actions.ON_ALERTS. `given`: texts as typed, by argument; True for a flag, several as a tuple."""
        ...

    def on_incidents(self, name: str, ids: Sequence[str], given: Mapping[str, Any]) -> Outcome:
        """Do an action of soc.incident.actions.ON_INCIDENTS; as `on_alerts`."""
        ...
