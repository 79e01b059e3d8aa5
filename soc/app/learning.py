"""What people decided while the engine runs: their facts in, what groups, scores and links alerts brought to where they stand now."""

from __future__ import annotations

from datetime import datetime, timedelta

from soc.alert import decisions, suppression
from soc.alert import facts as alert_facts
from soc.alert.grouping import Grouper
from soc.alert.scoring import RuleHistory
from soc.app.site import Site
from soc.incident import decisions as incident_decisions
from soc.incident import facts as incident_facts
from soc.incident.linking import Linker
from soc.store import Projections

RECORD_DAYS = 30
"""Over how many days a rule's alerts make its record."""

YOUNG = timedelta(days=7)
"""A site whose alerts all opened within so long cannot tell what is rare."""

RECORD_FRESH = timedelta(minutes=5)
"""For so long records of rules stand as they were read: what people decide weighs after that, without a query for each of their keys."""

_LINKS = (
    *(decisions.STATUS, decisions.MERGED),
    *(incident_facts.OPENED, incident_facts.LINKED),
    *(incident_decisions.PHASE, incident_decisions.MERGED, incident_decisions.SPLIT),
)
"""Kinds of facts that say what alerts may still link."""


class Learning:
    """Reads each fact once; the first time those of suppressions from the ledger's beginning."""

    def __init__(self, site: Site, grouper: Grouper, linker: Linker, history: RuleHistory) -> None:
        """`history`: what `grouper` scores by; it is read here."""
        self._site = site
        self._history = history
        self._read: datetime | None = None
        self._grouper = grouper
        self._linker = linker
        self._learnt = site.projections.applied()
        for entry in site.ledger.entries(kinds=suppression.KINDS):
            if entry.seq < self._learnt:
                grouper.suppressions.fold(entry.fact)

    def learn(self) -> None:
        """Take in what came since the last time. Raises: UnreachableError."""
        self._renew(self._site.clock())
        alerts: dict[str, None] = {}
        incidents: dict[str, None] = {}
        last = self._learnt - 1
        for entry in self._site.ledger.entries(after=last, kinds=(*suppression.KINDS, *_LINKS)):
            last = entry.seq
            if entry.fact.kind in suppression.KINDS:
                self._grouper.suppressions.fold(entry.fact)
            elif entry.fact.actor != "engine":
                alerts |= dict.fromkeys(alert_facts.touched(entry.fact))
                incidents |= dict.fromkeys(incident_facts.touched(entry.fact))
        if alerts or incidents:
            self._site.catch_up()
            projections = self._site.projections
            self._linker.learn(projections.alerts(list(alerts)), projections.incidents(list(incidents)))
        self._learnt = last + 1

    def _renew(self, now: datetime) -> None:
        if self._read is None or abs(now - self._read) >= RECORD_FRESH:
            self._history.renew(rule_history(self._site.projections, now))
            self._read = now


def rule_history(projections: Projections, now: datetime) -> RuleHistory:
    """What became of the alerts of each rule; nothing where the site is young."""
    records = projections.rule_records(now - timedelta(days=RECORD_DAYS))
    recent = projections.rule_records(now - YOUNG)
    if sum(each.opened for each in records.values()) == sum(each.opened for each in recent.values()):
        return RuleHistory()
    return RuleHistory(records, RECORD_DAYS)
