"""The role that collects: sources in, the journal out, of which this is the one writer; also what the other roles say of themselves."""

from __future__ import annotations

import logging

from collectors.errors import CollectorError, JournalError
from collectors.journal.kafka import KafkaJournal
from collectors.journal.kafka_peer import Said
from collectors.journal.kafka_stage import StageInput, StageOutput
from soc.app.accounting import TICK_S
from soc.app.heartbeat import Heartbeat
from soc.app.loops import IDLE_S, RETRY_S
from soc.app.site import Site
from soc.app.stages.messages import Topics, decode_told, encode
from soc.app.stages.role import Role
from soc.app.taking import Taking
from soc.app.told import Told, Window

_log = logging.getLogger(__name__)


class Collect(Role):
    """Of one site; the newest one is the one, and the one before ends."""

    def __init__(self, site: Site, topics: Topics) -> None:
        """Build everything, so that every fault is told before the first event. Raises: SocError, CollectorError."""
        super().__init__(site)
        self._topics = topics
        journal = site.journal
        assert isinstance(journal, KafkaJournal), "roles are for a journal on Kafka"
        self._journal = journal
        self._output = StageOutput(topics.journal, "collect")
        last = _last(topics)
        self._told = Told(journal, last.told_to if last else journal.start(), last.dead_letters if last else 0)
        self._said = Said(topics.journal, journal.marks())
        site.at_close(self._said.close)
        self._taking = Taking(site, journal, self._told, self.metrics, self._ended)
        self._threads += [
            self._loops.thread("said", self._hear),
            self._loops.thread("tick", self._tick),
        ]

    def start(self) -> None:
        """Begin to collect."""
        super().start()
        self._taking.collector.start()

    def finished(self) -> bool:
        """Whether every source has ended (files that are read once)."""
        return self._taking.collector.finished()

    def summary(self) -> str:
        """What this run took in, in one line."""
        return self._taking.summary()

    def stop(self) -> None:
        """Stop the sources; where each has said all that it will say, correlations need not wait."""
        read_out = self.finished()
        self._taking.collector.stop()
        if read_out and not self.broken.is_set():
            Heartbeat(self._told.tell, self.site.clock()).read_out(self.site.clock())
        super().stop()
        self._tell()

    def _ended(self, source: str, error: str, ours: bool) -> None:
        self._loops.failed.append(f"{source}: {error}")
        if ours:
            self.broken.set()

    def _hear(self) -> None:
        """Put into the journal what the other roles say."""
        while not self._over.is_set():
            try:
                saying = self._said.next()
                if saying is None:
                    self._over.wait(IDLE_S)
                    continue
                while not self._over.is_set():
                    try:
                        self._told.said(saying.events, saying.marks, saying.dead)
                        break
                    except JournalError as error:
                        self._look(error)
            except JournalError as error:
                self._look(error)

    def _look(self, error: JournalError) -> None:
        """Whether this is still the one that writes the journal; if not, it ends."""
        if self._journal.overtaken:
            self._loops.failed.append(str(error))
            self.broken.set()
            self._over.wait()
        _log.error("what the SOC says of itself waits", extra={"error": str(error)})
        self._over.wait(RETRY_S)

    def _tick(self) -> None:
        while not self._over.wait(TICK_S):
            self._taking.look()
            self._tell()

    def _tell(self) -> None:
        """Tell who writes the ledger what became of the batches since the last time."""
        try:
            self._told.tell([])
            window = self._told.window()
            if not window.empty:
                self._output.write([(self._topics.told, 0, encode(window))])
                self._told.took(window)
        except CollectorError as error:
            _log.error("what was collected is told later", extra={"error": str(error)})


def _last(topics: Topics) -> Window | None:
    """What was told last. Raises: JournalError."""
    told = StageInput(topics.told, 0)
    try:
        last = told.last()
    finally:
        told.close()
    return decode_told(last.content) if last else None
