"""The journal's events in; detections, alerts and incidents as ledger facts out, then the projections: the detection half of the flow.

Order is the safety: facts are durable in the ledger before the consumer's offset moves, and a detection has the same id each time, so a
crash at any point means that a batch is evaluated again and adds nothing (docs/architecture.md, invariants 1 and 3).
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from collectors.event import Event
from collectors.journal import Journal
from iso27001.ledger import Fact
from soc.alert import Alert, AlertStatus
from soc.alert.facts import detection_fact_id
from soc.alert.grouping import Grouper
from soc.alert.scoring import Scoring
from soc.app.reading import BATCH, next_batch
from soc.app.site import Site
from soc.detect import Detection, Detector
from soc.incident.linking import Linker
from soc.metrics import Metrics
from soc.store import AlertQuery

CONSUMER = "detect"

_WARM_UP = 50_000
"""Events before the committed offset that stateful detectors see again after a restart."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an evaluation is. `evaluated`: events by source since its start; `heard`: (system, dataset) -> when it last sent."""

    offset: int
    evaluated: Counter[str]
    heard: Mapping[tuple[str, str], datetime]


class Evaluation:
    """One consumer of the journal: every event goes through every detector, in the order of the journal."""

    def __init__(self, site: Site, journal: Journal, detectors: Sequence[Detector], metrics: Metrics) -> None:
        self._site = site
        self._journal = journal
        self._detectors = detectors
        self._metrics = metrics
        self._lock = threading.Lock()
        self._evaluated: Counter[str] = Counter()
        self._heard: dict[tuple[str, str], datetime] = {}
        self.offset = journal.committed(CONSUMER)
        site.catch_up()
        projections = site.projections
        open_ones = frozenset({AlertStatus.NEW, AlertStatus.ACKNOWLEDGED})
        unfinished = projections.alerts(projections.alert_ids(AlertQuery(statuses=open_ones)))
        unfinished.sort(key=lambda alert: alert.last_seen)
        scoring = Scoring({asset.id: asset.criticality for asset in site.inventory.assets})
        self._grouper = Grouper(site.config.alert, scoring, self._alert, unfinished)
        self._linker = Linker(site.config.incident, unfinished, projections.incidents(projections.incident_ids()))
        self._warm_up()

    def _alert(self, alert_id: str) -> Alert | None:
        return next(iter(self._site.projections.alerts([alert_id])), None)

    def _warm_up(self) -> None:
        offset = max(self._journal.start(), self.offset - _WARM_UP)
        while offset < self.offset:
            events, offset = next_batch(self._journal, offset, min(BATCH, self.offset - offset))
            for detector in self._detectors:
                detector.detect(events)

    def step(self) -> int:
        """Evaluate the next batch; how many offsets it had (0: the end of the journal).

        Raises: UnreachableError where projections do not answer; the batch is then worth a retry.
        """
        events, following = next_batch(self._journal, self.offset)
        if following == self.offset:
            return 0
        began = time.process_time()
        detections = [d for detector in self._detectors for d in detector.detect(events)]
        self._metrics.detect_seconds.inc(time.process_time() - began)
        if detections:
            self._decide(detections, {event.id: self.offset + i for i, event in enumerate(events)})
        self._journal.commit(CONSUMER, following)
        with self._lock:
            offset, self.offset = self.offset, following
            self._evaluated.update(Counter(event.source for event in events))
            self._hear(events)
        self._metrics.evaluated.inc(len(events))
        self._metrics.queue.set(self._journal.end() - following)
        if events:
            self._metrics.lag.set(max(timedelta(), self._site.clock() - events[-1].ingested).total_seconds())
        return following - offset

    def progress(self) -> Progress:
        """How far it is, as of one moment; from any thread."""
        with self._lock:
            return Progress(self.offset, self._evaluated.copy(), dict(self._heard))

    def drain(self) -> None:
        """Evaluate to the end of the journal as it stands."""
        while self.step():
            pass

    def _hear(self, events: Sequence[Event]) -> None:
        """Remember when each system last sent each kind of log, by time of receipt."""
        for event in events:
            system = event.fields.get("service.name")
            if isinstance(system, str):
                self._heard[system, str(event.fields.get("event.dataset"))] = event.ingested

    def _decide(self, detections: Sequence[Detection], offsets: Mapping[str, int]) -> None:
        known = self._site.ledger.known(detection_fact_id(d) for d in detections)
        fresh = [d for d in detections if detection_fact_id(d) not in known]
        now = self._site.clock()
        alerts, facts = self._grouper.group(fresh, offsets, now)
        facts += self._linker.link(alerts, now)
        self._site.ledger.append(facts)
        self._site.catch_up()
        self._count(fresh, facts)

    def _count(self, fresh: Sequence[Detection], facts: Sequence[Fact]) -> None:
        for detection in fresh:
            self._metrics.detections.labels(detection.rule.level.value).inc()
        for fact in facts:
            if fact.kind == "alert.opened":
                self._metrics.alerts.labels(fact.body["alert"]["level"]).inc()
            elif fact.kind == "incident.opened":
                self._metrics.incidents.inc()
