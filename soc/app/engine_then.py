"""A rule and a moment in; whether the engine ran it then, in this version, and whether it was suspended, out: from ledger and journal.

What a rule would say of an event is one thing, whether it was asked is another: a rule may have come later, or been too costly for a while.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from soc.app.site import Site
from soc.app.watch import RESUMED, RULES_LOADED, SUSPENDED, fold
from soc.store import EventQuery

_LOOKED_AT = 100
"""Audit events of one rule that are looked at, newest first."""


@dataclass(frozen=True, slots=True)
class Then:
    """How a rule stood at a moment. `loaded`: among the rules that ran; `same`: as it is now; `since`: when those were loaded, None where
    no engine had run yet. `suspended`: why it did not run, "" where it did.
    """

    loaded: bool
    same: bool
    since: datetime | None
    suspended: str = ""

    @property
    def ran(self) -> bool:
        """Whether the engine asked the rule."""
        return self.loaded and not self.suspended


def then(site: Site, rule_id: str, version: str, moment: datetime) -> Then:
    """How a rule stood when an event was received. Raises: UnreachableError."""
    loaded: dict[str, str] = {}
    since = None
    for entry in site.ledger.entries(kinds=[RULES_LOADED]):
        if entry.fact.time > moment:
            break
        since = entry.fact.time
        fold(loaded, entry)
    return Then(rule_id in loaded, loaded.get(rule_id) == version, since, _suspended(site, rule_id, moment))


def _suspended(site: Site, rule_id: str, moment: datetime) -> str:
    about = {"event.dataset": "soc.audit", "egov.record.id": rule_id}
    query = EventQuery(until=moment + timedelta(microseconds=1), equals=about, limit=_LOOKED_AT)
    for document in site.events.search(query):
        if document.get("event.action") == RESUMED:
            return ""
        if document.get("event.action") == SUSPENDED:
            return f"since {document['@timestamp']}: {document.get('message', '')}"
    return ""
