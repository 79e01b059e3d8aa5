"""The sources of a site at work: what they take is counted, and what the SOC has to say of taking it goes into the journal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from collectors.intake import Taken
from collectors.journal import Journal
from soc.app.collecting import Collecting, CollectingApart, Collector, Ended
from soc.app.site import Site
from soc.app.told import Told
from soc.app.watch import disk_low, enrichment_refused, held_up
from soc.metrics import Metrics


class Taking:
    """Of one process, which writes the journal."""

    def __init__(self, site: Site, journal: Journal, told: Told, metrics: Metrics, ended: Ended) -> None:
        """Opens every source, here or in a process apart. Raises: SocError, CollectorError."""
        self._site = site
        self._told = told
        self._metrics = metrics
        self._disk_low = False
        self._not_enriched: Mapping[str, str] = {}
        collecting = CollectingApart if site.config.run.apart else Collecting
        self.collector: Collector = collecting(site, journal, self._taken, ended)
        site.at_close(self.collector.stop)
        metrics.collected = self.collector.collected

    def summary(self) -> str:
        """What this run took in, in one line."""
        totals = self._told.totals()
        dropped = f", {totals['dropped']:,} dropped by the kernel" if totals["dropped"] else ""
        return f"{totals['received']:,} records received, {totals['parsed']:,} parsed, {totals['dead']:,} dead letters{dropped}"

    def look(self) -> None:
        """Tell of a disk that is nearly full, and of files of enrichment that cannot be read, each once."""
        now = self._site.clock()
        low = disk_low(self._site, now)
        if low is not None and not self._disk_low:
            self._told.tell([low])
        self._disk_low = low is not None
        refused = self.collector.collected().refused
        new = {what: why for what, why in refused.items() if self._not_enriched.get(what) != why}
        self._told.tell([enrichment_refused(what, why, now) for what, why in new.items()])
        self._not_enriched = refused

    def _taken(self, taken: Taken) -> None:
        self._told.taken(taken)
        self._metrics.received.labels(taken.source).inc(taken.received)
        self._metrics.parsed.labels(taken.source).inc(taken.parsed)
        self._metrics.dead.labels(taken.source).inc(taken.dead)
        self._metrics.journalled.inc(taken.parsed)
        if taken.waited_s:
            self._told.tell([held_up(taken.source, timedelta(seconds=taken.waited_s), self._site.clock())])
