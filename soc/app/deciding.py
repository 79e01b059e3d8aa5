"""Detections in their order in; alerts and incidents as ledger facts out, then the projections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from iso27001.ledger import Fact
from soc.alert import Alert, AlertStatus
from soc.alert.facts import detection_fact_id
from soc.alert.grouping import Grouper
from soc.alert.scoring import RuleHistory, Scoring
from soc.app.learning import Learning
from soc.app.site import Site
from soc.detect import Detection
from soc.errors import UnreachableError
from soc.incident.linking import Linker
from soc.metrics import Metrics
from soc.store import AlertQuery


class Decider:
    """Of one site; what the ledger knows already adds nothing."""

    def __init__(self, site: Site, metrics: Metrics) -> None:
        self._site = site
        self._metrics = metrics
        self._open: tuple[Grouper, Linker, Learning] | None = None
        with suppress(UnreachableError):  # a store that is down holds up no source: the first detection asks again
            self._alerts()

    def decide(self, detections: Sequence[Detection], places: Mapping[str, int]) -> None:
        """Write what is new; `places`: event id -> its place in the journal. Raises: UnreachableError; the same is then worth a retry."""
        known = self._site.ledger.known(detection_fact_id(d) for d in detections)
        fresh = [d for d in detections if detection_fact_id(d) not in known]
        grouper, linker = self._alerts()
        now = self._site.clock()
        alerts, facts = grouper.group(fresh, places, now)
        facts += linker.link(alerts, now)
        self._site.ledger.append(facts)
        self._site.catch_up()
        self._count(fresh, facts)

    def _alerts(self) -> tuple[Grouper, Linker]:
        """What goes on with the alerts and incidents that were open at the start. Raises: UnreachableError."""
        if self._open is None:
            site, projections = self._site, self._site.projections
            site.catch_up()
            open_ones = frozenset({AlertStatus.NEW, AlertStatus.ACKNOWLEDGED})
            unfinished = projections.alerts(projections.alert_ids(AlertQuery(statuses=open_ones)))
            unfinished.sort(key=lambda alert: alert.last_seen)
            incidents = projections.incidents(projections.incident_ids())
            members = [alert_id for each in incidents if each.closed is None for alert_id in each.alert_ids]
            linked = {alert.id: alert for alert in (*projections.alerts(members), *unfinished)}
            criticality = {asset.id: asset.criticality for asset in site.inventory.assets}
            history = RuleHistory()
            scoring = Scoring(criticality, history)
            repeats = projections.alerts([alert_id for alert in unfinished for alert_id in alert.duplicates])
            grouped = [*repeats, *unfinished]
            grouper = Grouper(site.config.alert, scoring, self._alert, grouped, site.config.site.zone)
            linker = Linker(site.config.incident, linked.values(), incidents)
            self._open = grouper, linker, Learning(site, grouper, linker, history)
        self._open[2].learn()
        return self._open[:2]

    def _alert(self, alert_id: str) -> Alert | None:
        return next(iter(self._site.projections.alerts([alert_id])), None)

    def _count(self, fresh: Sequence[Detection], facts: Sequence[Fact]) -> None:
        for detection in fresh:
            self._metrics.detections.labels(detection.rule.level.value).inc()
        for fact in facts:
            if fact.kind == "alert.opened":
                self._metrics.alerts.labels(fact.body["alert"]["level"]).inc()
            elif fact.kind == "incident.opened":
                self._metrics.incidents.inc()
