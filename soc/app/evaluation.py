"""The journal's events in; detections, alerts and incidents as ledger facts out, then the projections: the detection half of the flow.

Order is the safety: facts are durable in the ledger before the consumer's offset moves, and a detection has the same id each time, so a
crash at any point means that a batch is evaluated again and adds nothing (docs/architecture.md, invariants 1 and 3).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from collectors.event import Event
from collectors.journal import Journal
from soc.app.correlation_state import StateFile
from soc.app.deciding import Decider
from soc.app.degradation import Degradation
from soc.app.gaps import Gap
from soc.app.heartbeat import Heartbeat
from soc.app.hidden import record_hidden
from soc.app.live_rules import LiveRules
from soc.app.models import warm_up
from soc.app.reading import next_batch
from soc.app.rule_files import Loaded, versions_of
from soc.app.site import Site
from soc.app.watch import rules_loaded
from soc.detect import Detection, Detector
from soc.detect.ruleset import RuleSet
from soc.metrics import Metrics

CONSUMER = "detect"

RECORD_EVERY_S = 60.0
"""Between two facts of what filters hid."""

_log = logging.getLogger(__name__)


class _Batch(NamedTuple):
    """Events that were detected on, where the journal goes on after them, what was found, and where each event of that stands."""

    events: list[Event]
    following: int
    detections: list[Detection]
    places: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an evaluation is. `evaluated`: events by source since its start; `heard`: (system, dataset) -> when it last sent."""

    offset: int
    evaluated: Counter[str]
    heard: Mapping[tuple[str, str], datetime]


class Evaluation:
    """One consumer of the journal: every event goes through every detector, in the order of the journal."""

    def __init__(
        self,
        site: Site,
        journal: Journal,
        detectors: Sequence[Detector],
        metrics: Metrics,
        tell: Callable[[Sequence[Event]], object] | None = None,
    ) -> None:
        """`detectors`: the rule set and models. `tell`: puts events of the SOC's own into the journal, and counts them."""
        self._site = site
        self._journal = journal
        [rules] = [detector for detector in detectors if isinstance(detector, RuleSet)]
        self.rules = LiveRules(rules, journal, site.recall, StateFile(site.state_path))
        self._models = [detector for detector in detectors if not isinstance(detector, RuleSet)]
        self._metrics = metrics
        self._tell = tell or (lambda events: journal.append(events, {}, []))
        self._heartbeat = Heartbeat(self._tell, site.clock())
        self._degradation = Degradation(site, metrics, self._tell)
        self._lock = threading.Lock()
        self._under_way: _Batch | None = None
        self._told: Counter[str] = Counter()
        self._told_of: RuleSet | None = None
        self._told_at = self._recorded_at = 0.0
        self._hidden: Counter[tuple[str, str]] = Counter()
        self._evaluated: Counter[str] = Counter()
        self._heard: dict[tuple[str, str], datetime] = {}
        self.offset = journal.committed(CONSUMER)
        self._decider = Decider(site, metrics)
        self._warm_up()

    def _warm_up(self) -> None:
        self.rules.resume(self.offset, self._degradation.gaps)
        self._degradation.begin(self.rules.rules, self.offset, self._site.clock())
        self._hidden.update(self.rules.rules.stats().hidden)  # of events that were evaluated, and told, before
        warm_up(self._models, self._journal, self.offset)

    def step(self) -> int:
        """Evaluate the next batch; how many offsets it had (0: the end of the journal).

        Raises: UnreachableError where projections do not answer; the batch is then worth a retry.
        """
        batch = self._under_way or self._detect()
        if batch is None:
            self._metrics.heartbeats.inc(self._heartbeat.beat(self._site.clock(), self.rules.rules.due))
            self._tell_stats()
            return 0
        self._under_way = batch
        if batch.detections:
            self._decider.decide(batch.detections, batch.places)
        self._journal.commit(CONSUMER, batch.following)
        self._under_way = None
        with self._lock:
            offset, self.offset = self.offset, batch.following
            self._evaluated.update(Counter(event.source for event in batch.events))
            self._heard |= heard(batch.events)
        self.rules.save(self.offset)
        self._measure(batch.events)
        return self.offset - offset

    def _detect(self) -> _Batch | None:
        """The next batch with its detections. Detectors remember, so they see it once, however often the facts have to be written."""
        self._take_over()
        events, following = next_batch(self._journal, self.offset)
        if following == self.offset:
            return None
        self._degradation.before(self.rules.rules, self.offset, self._site.clock())
        began = time.thread_time_ns()
        detections = self.rules.detect(events, self.offset)
        self._degradation.after(self.rules.rules, time.thread_time_ns() - began, len(events), self._site.clock())
        detections += [detection for model in self._models for detection in model.detect(events)]
        self._metrics.detect_seconds.inc((time.thread_time_ns() - began) / 1e9)
        return _Batch(events, following, detections, self.rules.places() if detections else {})

    def replace(self, content: Loaded) -> None:
        """Have rules of this content evaluate from the next batch on; from any thread. Raises: FaultsError; then nothing changes."""
        self.rules.replace(
            lambda rules: self._site.rule_set(content, self._site.recall, after=rules), versions_of(content)
        )

    def _take_over(self) -> None:
        """Let the rules that wait evaluate from here on, and record so before they see an event."""
        before = self.rules.rules
        versions = self.rules.take_over()
        if versions is not None:
            now = self._site.clock()
            record_hidden(self._site, before.stats().hidden, self._hidden, now)
            self._hidden.clear()
            self._tell(rules_loaded(self._site, versions, self.offset, now))
            self._degradation.swapped(self.rules.rules, versions, self.offset, now)
            self._metrics.rules.set(len(self.rules.rules) + len(self._models))
            self._metrics.reloads.labels("loaded").inc()
            _log.info("changed rules evaluate from here on", extra={"offset": self.offset, "rules": len(versions)})

    def read_out(self) -> None:
        """Every source has said all that it will say: correlations wait no longer for what may be under way."""
        if self.rules.rules.held_back:
            self._heartbeat.read_out(self._site.clock())
            self.drain()

    def close(self) -> None:
        """Save what correlations remember, and record what filters hid."""
        record_hidden(self._site, self.rules.rules.stats().hidden, self._hidden, self._site.clock())
        self.rules.save(self.offset, wait=True)

    @property
    def gaps(self) -> Sequence[Gap]:
        """What rules did not see, also before this start; from any thread."""
        return self._degradation.gaps

    def progress(self) -> Progress:
        """How far it is, as of one moment; from any thread."""
        with self._lock:
            return Progress(self.offset, self._evaluated.copy(), dict(self._heard))

    def drain(self) -> None:
        """Evaluate to the end of the journal as it stands."""
        while self.step():
            pass

    def _measure(self, events: Sequence[Event]) -> None:
        metrics = self._metrics
        metrics.evaluated.inc(len(events))
        metrics.queue.set(self._journal.end() - self.offset)
        self._tell_stats()
        if events:
            self._heartbeat.heard(events[-1])
            metrics.lag.set(max(timedelta(), self._site.clock() - events[-1].ingested).total_seconds())

    def _tell_stats(self) -> None:
        """What the rule set left out since it was last asked, at most once a second; a set that was swapped in begins at nothing."""
        if time.monotonic() - self._told_at < 1:
            return
        self._told_at = time.monotonic()
        if self._told_at - self._recorded_at >= RECORD_EVERY_S:
            self._recorded_at = self._told_at
            record_hidden(self._site, self.rules.rules.stats().hidden, self._hidden, self._site.clock())
        stats, metrics = self.rules.rules.stats(), self._metrics
        metrics.held_back.set(stats.held)
        metrics.groups.set(stats.groups)
        hidden: Counter[str] = Counter()
        for (filter_id, _), count in stats.hidden.items():
            hidden[filter_id] += count
        late, evicted = sum(stats.late.values()), sum(stats.evicted.values())
        now = Counter({"late": late, "early": stats.early, "evicted": evicted, **hidden})
        grown = now if self._told_of is not self.rules.rules else now - self._told
        self._told_of, self._told = self.rules.rules, now
        metrics.late.inc(grown.pop("late", 0))
        metrics.early.inc(grown.pop("early", 0))
        metrics.evicted.inc(grown.pop("evicted", 0))
        for filter_id, count in grown.items():
            metrics.hidden.labels(filter_id).inc(count)


def heard(events: Sequence[Event]) -> dict[tuple[str, str], datetime]:
    """When each system last sent each kind of log, by time of receipt."""
    last: dict[tuple[str, str], datetime] = {}
    for event in events:
        system = event.fields.get("service.name")
        if isinstance(system, str):
            last[system, str(event.fields.get("event.dataset"))] = event.ingested
    return last
