"""What the counts of one moment share: facts, alerts, incidents and events of a site, each read when the first of them asks for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property

from iso27001.counting import Newest
from iso27001.ledger import Fact
from iso27001.measures import measure
from iso27001.status import Status
from iso27001.verifier.verdict import Verdict
from soc.alert import Alert
from soc.alert.facts import OPENED
from soc.app.assurance import check_ledger, current_status, incidents_with_alerts
from soc.app.conservation import KIND as CONSERVATION
from soc.app.notice_clocks import clocks_at
from soc.app.silence import stopped_sources
from soc.app.site import Site
from soc.app.stored import StoredEvents
from soc.evidence.response import Answered
from soc.incident import Incident
from soc.incident.clocks import severity_of, systems_of

WINDOW = timedelta(hours=24)
"""What a sample looks back on; but for measures of a moment, whose sample stands for the time since the one before."""

MOMENTARY = frozenset({"CAP-01"})

STATUS_OF = timedelta(days=10)
"""What the tracker looks back on to say of itself how many controls were evaluated: longer than any sample is fresh."""


class Round:
    """What the counts of one moment share, each read when the first of them asks for it."""

    def __init__(self, site: Site, now: datetime, known: Newest, stored: Site) -> None:
        self.site = site
        self.now = now
        self.known = known
        self.since = now - WINDOW
        self.stored = StoredEvents(stored, now)

    @property
    def since_last(self) -> datetime:
        """From when on a sample of a moment stands: since the one before, or as long ago as one is due."""
        before = [self.known.of_all[of].until for of in MOMENTARY if of in self.known.of_all]
        shortest = min(every for of in MOMENTARY if (every := measure(of).every))
        return min(self.now - timedelta(seconds=1), max([*before, self.now - 2 * shortest]))

    @cached_property
    def conservation(self) -> list[Fact]:
        """The conservation facts of the window."""
        return [entry.fact for entry in self.site.ledger.entries(kinds=[CONSERVATION], since=self.since)]

    @cached_property
    def opened(self) -> dict[str, datetime]:
        """Alerts of the window -> when they were opened."""
        entries = self.site.ledger.entries(kinds=[OPENED], since=self.since)
        return {entry.fact.body["alert"]["id"]: entry.fact.time for entry in entries}

    @cached_property
    def alerts(self) -> list[Alert]:
        """The alerts of the window. Raises: UnreachableError."""
        self.site.catch_up()
        return self.site.projections.alerts(list(self.opened))

    @cached_property
    def incidents(self) -> list[tuple[Incident, list[Alert]]]:
        """All incidents with their alerts. Raises: UnreachableError."""
        self.site.catch_up()
        return incidents_with_alerts(self.site)

    @cached_property
    def answered(self) -> list[Answered]:
        """All incidents with their class and their legal clocks. Raises: UnreachableError."""
        site, assets = self.site, {asset.id: asset for asset in self.site.inventory.assets}
        matrix = site.config.incident.matrix
        site.catch_up()
        return [
            Answered(i, severity_of(i, systems_of(i, assets), matrix), clocks_at(site, i, self.now))
            for i in site.projections.incidents(site.projections.incident_ids())
            if not i.merged_into
        ]

    @cached_property
    def status(self) -> Status:
        """The controls, over a time that is longer than any sample is fresh."""
        return current_status(self.site, self.now - STATUS_OF, self.now)

    @cached_property
    def verdict(self) -> Verdict:
        """What the ledger's verification says. Raises: LedgerError, SigningError."""
        return check_ledger(self.site)

    @cached_property
    def stopped(self) -> list[str]:
        """Sources that no longer speak, each with since when."""
        return stopped_sources(self.site, self.now)
