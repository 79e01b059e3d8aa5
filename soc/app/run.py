"""The running SOC: what collects, what detects, what indexes, and a tick that accounts and signs.

Where the machine has the cores for it, collecting and indexing are processes of their own (soc.app.part); else threads of this one.
Every loop goes on from offsets and marks that are durable, so it does not matter when or how the process ends.
"""

from __future__ import annotations

import logging
import threading

from collectors.errors import CollectorError
from iso27001.errors import IsoError
from soc.app.accounting import TICK_S, Accounting
from soc.app.conservation import Conservation, told_before
from soc.app.evaluation import CONSUMER, Evaluation
from soc.app.indexing import INDEX_BATCH, IndexerApart, Indexing, LocalIndexer
from soc.app.legal_minimum import keeping
from soc.app.life import Life
from soc.app.loops import Loops
from soc.app.memory import settle
from soc.app.reading import BATCH
from soc.app.reload import Reloader
from soc.app.replay_requests import Replayer
from soc.app.rule_files import RuleFiles, versions_of
from soc.app.site import Site
from soc.app.taking import Taking
from soc.app.told import Told
from soc.app.watch import rules_loaded, rules_refused
from soc.detect.tuning import expired
from soc.errors import Fault, SocError
from soc.metrics import Metrics

DETECT_EVERY_S = 0.02
INDEX_EVERY_S = 1.0
"""Between two batches that are not full: few large ones cost less than many small ones. A first event and a backlog do not wait."""

_log = logging.getLogger(__name__)


class Running(Life):
    """A site at work. `start`, then `wait` or do other things, then `stop`; or as a context manager."""

    def __init__(self, site: Site) -> None:
        """Build everything, so that every fault is told before the first event. Raises: SocError, FaultsError, CollectorError."""
        self.site = site
        self.metrics = Metrics()
        journal = site.journal
        keeping(site)
        files = RuleFiles(site.config.rules, site.config.data / "cache", site.placeholders)
        content = files.load(files.stamps())
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
        self._accounting = Accounting(site, self._conservation, self._evaluation, self._indexing)
        self._stop = threading.Event()
        self._intakes_over = threading.Event()
        self._loops = loops = Loops(self.metrics)
        self.broken = loops.broken
        """Set when a loop failed: whoever runs this stops it then; what is durable is taken up at the next start."""
        self._taking = Taking(site, journal, self._told, self.metrics, self._source_ended)
        ends = self._intakes_over, journal.wait
        self._consumers = [
            loops.thread("detect", loops.consume, self._evaluation, DETECT_EVERY_S, BATCH, *ends),
            loops.thread("index", loops.consume, self._indexing, INDEX_EVERY_S, INDEX_BATCH, *ends),
        ]
        self._ticker = loops.thread("tick", self._tick)
        self._keeper = loops.thread("retain", self._accounting.retain, self._intakes_over)
        self._watcher = loops.thread("rules", self._reloader.run)
        self._replayer = loops.thread("replay", Replayer(site, self._told.replayed).run, self._stop)
        self._server = self.metrics.serve(site.config.metrics.listen) if site.config.metrics.listen else None

    def start(self) -> None:
        """Begin to collect, detect and index."""
        settle()
        for thread in (*self._consumers, self._ticker, self._keeper, self._watcher, self._replayer):
            thread.start()
        self._taking.collector.start()

    def reload(self) -> None:
        """Load the rules anew, soon; also from a signal handler."""
        self._reloader.ask()

    def finished(self) -> bool:
        """Whether every source has ended (files that are read once), so that only what is under way is left."""
        return self._taking.collector.finished()

    def summary(self) -> str:
        """What this run took in, in one line."""
        return self._taking.summary()

    def stop(self) -> None:
        """Stop the sources, finish what is in the journal, account and sign."""
        read_out = self.finished()
        self._stop.set()
        self._taking.collector.stop()
        self._reloader.stop()
        for thread in (self._watcher, self._replayer):
            thread.join()
        self._intakes_over.set()
        for thread in (*self._consumers, self._ticker, self._keeper):
            thread.join()
        if read_out and not self.broken.is_set():
            self._read_out()
        self._evaluation.close()
        self._accounting.account()
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

    def _source_ended(self, source: str, error: str, ours: bool) -> None:
        self._loops.failed.append(f"{source}: {error}")
        if ours:
            self.broken.set()

    def _tick(self) -> None:
        while not self._intakes_over.wait(TICK_S):
            self._taking.look()
            self._accounting.measure()
            self._accounting.account()
