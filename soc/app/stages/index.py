"""The role that indexes and decides: what was found in, the ledger and the projections out, of which this is the one writer; and the events
into their store."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Sequence

from collectors.errors import JournalError
from collectors.event import Event
from collectors.journal.kafka_peer import KafkaPeer
from collectors.journal.kafka_stage import StageInput
from soc.app.accounting import TICK_S, Accounting
from soc.app.books import no_counts
from soc.app.conservation import KIND, Conservation
from soc.app.indexing import INDEX_BATCH, IndexerApart, Indexing, LocalIndexer
from soc.app.legal_minimum import keeping
from soc.app.loops import IDLE_S, RETRY_S
from soc.app.reading import BATCH
from soc.app.rule_files import versions_of
from soc.app.run import DETECT_EVERY_S, INDEX_EVERY_S
from soc.app.site import Site
from soc.app.stages.merging import Merging
from soc.app.stages.messages import Topics, decode_told
from soc.app.stages.role import Role
from soc.app.told import Window
from soc.app.watch import rules_loaded

_log = logging.getLogger(__name__)


class ToldElsewhere:
    """What the process that collects told, window after window; and a way to say something to it."""

    def __init__(self, topics: Topics, peer: KafkaPeer, at: int | None, told_to: int) -> None:
        """`at`: behind which of its words the last fact stands, None before the first; `told_to`: up to which offset."""
        self._input = StageInput(topics.told, 0)
        self._input.at = self._input.low() if at is None else at
        self._peer = peer
        self._pending = Window(told_to, told_to, 0, no_counts_told(), {}, [])
        self._saying = threading.Lock()
        self._unsaid: list[Event] = []

    def window(self) -> Window:
        """Since the last window that was taken. Raises: JournalError."""
        end = self._input.end()
        while (message := self._input.read(end)) is not None:
            self._pending = _joined(self._pending, decode_told(message.content), message.at + 1)
        return self._pending

    def took(self, window: Window) -> None:
        """The window is written down."""
        self._pending = Window(
            window.told_to, window.told_to, window.dead_letters, no_counts_told(), {}, [], at=window.at
        )

    def tell(self, events: Sequence[Event]) -> None:
        """Hand events of the SOC's own to the process that collects; what cannot be handed over now waits for the next call."""
        with self._saying:
            self._unsaid += events
            if not self._unsaid:
                return
            try:
                self._peer.append(self._unsaid, {}, [])
                self._unsaid = []
            except JournalError as error:
                facts = {"events": len(self._unsaid), "error": str(error)}
                _log.error("what the SOC has to say of itself waits", extra=facts)

    def close(self) -> None:
        """Leave the brokers."""
        self._input.close()


def no_counts_told() -> dict[str, dict[str, int]]:
    """No counts, as a window has them."""
    return {name: {} for name in no_counts()}


def _joined(before: Window, after: Window, at: int) -> Window:
    counts = {name: dict(Counter(of) + Counter(after.counts.get(name, {}))) for name, of in before.counts.items()}
    recovered = dict(Counter(before.recovered) + Counter(after.recovered))
    return Window(
        before.told_from,
        after.told_to,
        after.dead_letters,
        counts,
        recovered,
        list(dict.fromkeys((*before.missing, *after.missing))),
        after.waiting,
        at,
    )


class Index(Role):
    """Of one site; the ledger is its own."""

    def __init__(self, site: Site, topics: Topics) -> None:
        """Build everything, so that every fault is told before the first event. Raises: SocError, FaultsError, CollectorError."""
        super().__init__(site)
        keeping(site)
        self._peer = peer = KafkaPeer(topics.journal)
        site.at_close(peer.close)
        last = site.ledger.last(KIND)
        place = last.fact.body["journal"] if last else {}
        self._told = ToldElsewhere(topics, peer, place.get("told_at"), place.get("told_to", peer.start()))
        site.at_close(self._told.close)
        content = site.content()
        titles = {each.id: each.title for _, each in content}
        self._merging = Merging(site, topics, self.metrics, self._told.tell, titles)
        indexer = IndexerApart(site) if site.config.run.apart else LocalIndexer(peer, site.events)
        site.at_close(indexer.close)
        self._indexing = Indexing(peer, indexer, self.metrics)
        self._conservation = Conservation(site, peer, self._told, self._merging.offset)
        self._told.tell(rules_loaded(site, versions_of(content), self._merging.offset, site.clock()))
        self._accounting = Accounting(site, self._conservation, self._merging, self._indexing)
        consume = self._loops.consume
        self._threads += [
            self._loops.thread("decide", consume, self._merging, DETECT_EVERY_S, BATCH, self._over, self._pause),
            self._loops.thread("index", self._index),
            self._loops.thread("tick", self._tick),
            self._loops.thread("retain", self._accounting.retain, self._over),
        ]

    def stop(self) -> None:
        """Decide and index what is there, account and sign."""
        super().stop()
        self._accounting.account()
        self._merging.close()
        self._indexing.close()

    def summary(self) -> str:
        """How far it came, in one line."""
        return f"decided to offset {self._merging.offset:,}, indexed to {self._indexing.offset:,}"

    def _pause(self, _offset: int, _timeout_s: float) -> None:
        self._over.wait(DETECT_EVERY_S)

    def _index(self) -> None:
        """Index; but what the store refused before must be in the journal first, else it would become a dead letter again."""
        while not self._settled():
            if self._over.wait(IDLE_S):
                return
        self._loops.consume(self._indexing, INDEX_EVERY_S, INDEX_BATCH, self._over, self._peer.wait)

    def _settled(self) -> bool:
        try:
            return self._peer.settled()
        except JournalError as error:
            _log.error("the journal does not answer", extra={"error": str(error)})
            self._over.wait(RETRY_S)
            return False

    def _tick(self) -> None:
        while not self._over.wait(TICK_S):
            self._accounting.measure()
            self._accounting.account()
