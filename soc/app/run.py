"""The running SOC: what collects, what detects, what indexes, and a tick that accounts and signs.

Where the machine has the cores for it, collecting and indexing are processes of their own (soc.app.part); else threads of this one.
Every loop goes on from offsets and marks that are durable, so it does not matter when or how the process ends.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Self

from collectors.errors import CollectorError, JournalError
from collectors.intake import Taken
from iso27001.errors import IsoError
from iso27001.ledger import Fact
from iso27001.ledger.anchor import write_anchor
from soc.app.auditing import accounted_to, failed_audits
from soc.app.collecting import Collecting, CollectingApart, Collector
from soc.app.conservation import Conservation, told_before
from soc.app.escalation import Escalation
from soc.app.evaluation import CONSUMER, Evaluation
from soc.app.indexing import INDEX_BATCH, IndexerApart, Indexing, LocalIndexer
from soc.app.keeping import keeping
from soc.app.measuring import Measuring
from soc.app.memory import settle
from soc.app.reading import BATCH
from soc.app.reload import Reloader
from soc.app.reminding import Reminding
from soc.app.replay_requests import Replayer
from soc.app.retention import retain
from soc.app.rule_files import RuleFiles, versions_of
from soc.app.sealing import tell_sealed
from soc.app.silence import Silence
from soc.app.site import Site
from soc.app.told import Told
from soc.app.watch import disk_low, enrichment_refused, held_up, ledger_checked, rules_loaded, rules_refused
from soc.detect.tuning import expired
from soc.errors import Fault, SocError, UnreachableError
from soc.metrics import Metrics

IDLE_S = 0.5
"""How long a consumer waits for new events before it looks whether it shall stop; it wakes at once when one comes."""

RETRY_S = 2.0
"""Pause before a store that did not answer is asked again."""

DETECT_EVERY_S = 0.02
INDEX_EVERY_S = 1.0
"""Between two batches that are not full: few large ones cost less than many small ones. A first event and a backlog do not wait."""

TICK_S = 60.0
"""Between two conservation facts and signed heads."""

RETAIN_EVERY_S = 3_600.0
"""Between two looks for what retention drops."""

_log = logging.getLogger(__name__)


class Running:
    """A site at work. `start`, then `wait` or do other things, then `stop`; or as a context manager."""

    def __init__(self, site: Site) -> None:
        """Build everything, so that every fault is told before the first event. Raises: SocError, FaultsError, CollectorError."""
        self.site = site
        self.metrics = Metrics()
        journal = site.journal
        keeping(site)
        files = RuleFiles(site.config.rules, site.config.data / "cache", site.placeholders)
        content = files.load(files.stamps())
        self._measuring = Measuring(site)
        self._reminding = Reminding(site)
        self._told = Told(journal, *told_before(site, journal))
        self._conservation = Conservation(site, journal, self._told, journal.committed(CONSUMER))
        detectors = site.detectors(content)
        self.rules = site.rule_count(detectors)
        self.metrics.rules.set(self.rules)
        self._evaluation = Evaluation(site, journal, detectors, self.metrics, self._conservation.tell)
        apart = site.config.run.apart
        indexer = IndexerApart(site) if apart else LocalIndexer(journal, site.events)
        site.at_close(indexer.close)
        self._indexing = Indexing(journal, indexer, self.metrics)
        self._conservation.tell(rules_loaded(site, versions_of(content), self._evaluation.offset, site.clock()))
        for ended in expired(content, site.clock()):
            _log.warning("a tuning has ended", extra={"tuning": ended})
        every_s = site.config.detect.watch.total_seconds()
        self._reloader = Reloader(files, every_s, self._evaluation.replace, self._refuse)
        self._escalation = Escalation(site)
        self._audited_to = accounted_to(site)
        self._silence = Silence(site)
        self._disk_low = False
        self._not_enriched: Mapping[str, str] = {}
        self._stop = threading.Event()
        self._intakes_over = threading.Event()
        self._failed: list[str] = []
        self.broken = threading.Event()
        """Set when a loop failed: whoever runs this stops it then; what is durable is taken up at the next start."""
        collecting = CollectingApart if apart else Collecting
        self._collector: Collector = collecting(site, journal, self._taken, self._source_ended)
        site.at_close(self._collector.stop)
        self.metrics.collected = self._collector.collected
        self._consumers = [
            self._thread("detect", self._consume, self._evaluation, DETECT_EVERY_S, BATCH),
            self._thread("index", self._consume, self._indexing, INDEX_EVERY_S, INDEX_BATCH),
        ]
        self._ticker = self._thread("tick", self._tick)
        self._keeper = self._thread("retain", self._retain)
        self._watcher = self._thread("rules", self._reloader.run)
        self._replayer = self._thread("replay", Replayer(site, self._told.replayed).run, self._stop)
        self._server = self.metrics.serve(site.config.metrics.listen) if site.config.metrics.listen else None

    def _thread(self, name: str, target: Callable[..., None], *arguments: object) -> threading.Thread:
        return threading.Thread(name=name, target=self._guarded, args=(name, target, *arguments), daemon=True)

    def _guarded(self, name: str, target: Callable[..., None], *arguments: object) -> None:
        """The outermost loop of a thread: a fault of ours must end the program in the open, never one thread in silence."""
        try:
            target(*arguments)
        except Exception as error:
            self._failed.append(f"{name}: {type(error).__name__}: {error}")
            _log.exception("a loop of the program failed; it stops", extra={"loop": name})
            self.broken.set()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def metrics_port(self) -> int:
        """Where /metrics is served; 0 where it is not."""
        return self._server.port if self._server else 0

    def start(self) -> None:
        """Begin to collect, detect and index."""
        settle()
        for thread in (*self._consumers, self._ticker, self._keeper, self._watcher, self._replayer):
            thread.start()
        self._collector.start()

    def reload(self) -> None:
        """Load the rules anew, soon; also from a signal handler."""
        self._reloader.ask()

    def finished(self) -> bool:
        """Whether every source has ended (files that are read once), so that only what is under way is left."""
        return self._collector.finished()

    def summary(self) -> str:
        """What this run took in, in one line."""
        totals = self._told.totals()
        dropped = f", {totals['dropped']:,} dropped by the kernel" if totals["dropped"] else ""
        return f"{totals['received']:,} records received, {totals['parsed']:,} parsed, {totals['dead']:,} dead letters{dropped}"

    def failures(self) -> list[str]:
        """Sources that could not be read and loops that failed, in words."""
        return list(self._failed)

    def stop(self) -> None:
        """Stop the sources, finish what is in the journal, account and sign."""
        read_out = self.finished()
        self._stop.set()
        self._collector.stop()
        self._reloader.stop()
        for thread in (self._watcher, self._replayer):
            thread.join()
        self._intakes_over.set()
        for thread in (*self._consumers, self._ticker, self._keeper):
            thread.join()
        if read_out and not self.broken.is_set():
            self._read_out()
        self._evaluation.close()
        self._account()
        self._indexing.close()
        if self._server is not None:
            self._server.stop()

    def _read_out(self) -> None:
        """Every source has said all that it will say: let correlations wait no longer than they must."""
        try:
            self._evaluation.read_out()
            self._indexing.drain()
        except (CollectorError, IsoError, SocError) as error:
            _log.error("what correlations hold back waits for the next start", extra={"error": str(error)})

    def _refuse(self, faults: list[Fault]) -> None:
        self.metrics.reloads.labels("refused").inc()
        self._conservation.tell([rules_refused(faults, self.site.clock())])

    def _taken(self, taken: Taken) -> None:
        self._told.taken(taken)
        self.metrics.received.labels(taken.source).inc(taken.received)
        self.metrics.parsed.labels(taken.source).inc(taken.parsed)
        self.metrics.dead.labels(taken.source).inc(taken.dead)
        self.metrics.journalled.inc(taken.parsed)
        if taken.waited_s:
            self._conservation.tell([held_up(taken.source, timedelta(seconds=taken.waited_s), self.site.clock())])

    def _source_ended(self, source: str, error: str, ours: bool) -> None:
        self._failed.append(f"{source}: {error}")
        if ours:
            self.broken.set()

    def _consume(self, consumer: Evaluation | Indexing, every_s: float, full: int) -> None:
        """Step while there are events, `every_s` apart where batches are not `full`; at the end, only leave when the sources have left."""
        while True:
            began = time.monotonic()
            try:
                if taken := consumer.step():
                    if taken < full:
                        self._intakes_over.wait(began + every_s - time.monotonic())
                    continue
            except UnreachableError as error:
                self.metrics.unreachable.inc()
                _log.warning("a store does not answer; nothing is lost, trying again", extra={"error": str(error)})
                if self._intakes_over.wait(RETRY_S):
                    return
                continue
            except (JournalError, IsoError, SocError) as error:
                _log.error("a batch could not be taken; trying again", extra={"error": str(error)})
                if self._intakes_over.wait(RETRY_S):
                    return
                continue
            if self._intakes_over.is_set():
                return
            self.site.journal.wait(consumer.offset, IDLE_S)

    def _tick(self) -> None:
        while not self._intakes_over.wait(TICK_S):
            self._look_at_disk()
            self._look_at_enrichment()
            self._measure()
            self._account()

    def _retain(self) -> None:
        wait_s = TICK_S
        while not self._intakes_over.wait(wait_s):
            wait_s = RETAIN_EVERY_S
            try:
                for each in retain(self.site, self._intakes_over.is_set):
                    if each.dropped:
                        _log.info("events were dropped that are kept no longer", extra=dataclasses.asdict(each))
            except (OSError, IsoError, CollectorError, SocError) as error:
                _log.error("what is kept no longer could not be dropped", extra={"error": str(error)})

    def _look_at_disk(self) -> None:
        low = disk_low(self.site, self.site.clock())
        if low is not None and not self._disk_low:
            self._conservation.tell([low])
        self._disk_low = low is not None

    def _look_at_enrichment(self) -> None:
        refused = self._collector.collected().refused
        new = {what: why for what, why in refused.items() if self._not_enriched.get(what) != why}
        self._conservation.tell([enrichment_refused(what, why, self.site.clock()) for what, why in new.items()])
        self._not_enriched = refused

    def _measure(self) -> None:
        try:
            _, verdict = self._measuring.take()
            self._conservation.tell(ledger_checked(verdict, self.site.clock()) if verdict else [])
            self._conservation.tell([*self._reminding.look(self.site.clock())])
        except (IsoError, CollectorError, SocError) as error:
            _log.error("measures could not be taken", extra={"error": str(error)})

    def _account(self) -> None:
        try:
            now = self.site.clock()
            failed, self._audited_to = failed_audits(self.site, self._audited_to)
            self._conservation.tell(failed)
            fact = account(self.site, self._conservation, self._evaluation, self._indexing)
            self._conservation.tell([*self._silence.look(fact.body if fact else None, now)])
            self._conservation.tell([*self._escalation.look(now)])  # last: the store of alerts may be down
        except (IsoError, CollectorError, SocError) as error:
            _log.error("the ledger could not be signed", extra={"error": str(error)})


def account(site: Site, conservation: Conservation, evaluation: Evaluation, indexing: Indexing) -> Fact | None:
    """Write what flowed since the last time and which segments were sealed, then sign; the fact, where anything flowed."""
    fact = conservation.record(site.clock(), evaluation, indexing)
    tell_sealed(site)
    sign(site)
    return fact


def sign(site: Site) -> None:
    """Sign the ledger as it stands, unless it stands as it was signed, and write the head a second time."""
    now, ledger = site.clock(), site.ledger
    last = ledger.last_head()
    if last is None or last.size != ledger.size:
        write_anchor([ledger.sign(max(now, last.time) if last else now)], site.anchor_path)
