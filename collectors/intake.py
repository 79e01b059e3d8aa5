"""One source's batches in, a durable journal out: parse, enrich, append. The collecting half of the flow, for one thread a source.

Nothing is acknowledged before it is durable: the next batch is asked of the source only after the append returned. A disk that is full
stops the source (back-pressure) until the same append succeeds; nothing is dropped.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from collectors.choosing import ChoosingParser
from collectors.errors import JournalError
from collectors.event import Event
from collectors.journal import JournalWriter
from collectors.sources.source import Batch, Counts, Source

RETRY_S = 1.0
"""Pause before an append is tried again after the disk refused it."""

TOLD_EVERY = 60
"""Tries between two lines in the log about the same full disk."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one batch: `received` = `parsed` + `dead`; `dropped`: lost before the source could read them, as far as known.

    `following`: the journal's offset after its events, the last of which stands before it. `waited_s`: how long the disk refused it.
    """

    source: str
    received: int
    parsed: int
    dead: int
    dropped: int
    following: int = 0
    waited_s: float = 0.0


class Intake:
    """Drives one source. `parser` and `enrich` make events of its records; `count` hears what became of each batch."""

    def __init__(
        self,
        source: Source,
        parser: ChoosingParser,
        enrich: Callable[[Sequence[Event]], list[Event]],
        journal: JournalWriter,
        count: Callable[[Taken], None],
    ) -> None:
        self._source = source
        self._parser = parser
        self._enrich = enrich
        self._journal = journal
        self._count = count
        self._dropped = 0
        self._refused_since: float | None = None

    @property
    def source_id(self) -> str:
        """As in soc.yaml."""
        return self._source.id

    @property
    def counts(self) -> Counts:
        """What the source has seen."""
        return self._source.counts

    def waiting_s(self) -> float:
        """How long the disk has refused what the source gave; 0 where it does not. From any thread."""
        since = self._refused_since
        return 0.0 if since is None else time.monotonic() - since

    def run(self, stop: threading.Event) -> None:
        """Take batches until the source ends or `stop` is set. Raises: SourceError where the source cannot be read."""
        try:
            for batch in self._source.batches(stop):
                if not self._take(batch, stop):
                    break
        finally:
            self._source.close()

    def _take(self, batch: Batch, stop: threading.Event) -> bool:
        """Whether the batch is durable; it is not where the disk refused it until `stop`: the source gives it again after a restart."""
        parsed, refused = self._parser.parse(batch.records)
        events, dead = self._enrich(parsed), [*batch.dead, *refused]
        for tries in count():
            try:
                following = self._journal.append(events, batch.marks, dead)
                break
            except JournalError as error:
                if self._refused_since is None:
                    self._refused_since = time.monotonic()
                if tries % TOLD_EVERY == 0:
                    facts = {"source": self._source.id, "error": str(error), "tries": tries + 1}
                    _log.error("the journal cannot be written; the source waits", extra=facts)
                if stop.wait(RETRY_S):
                    return False
        dropped, self._dropped = self._source.counts.dropped - self._dropped, self._source.counts.dropped
        waited_s, self._refused_since = self.waiting_s(), None
        received = len(events) + len(dead)
        self._count(Taken(self._source.id, received, len(events), len(dead), dropped, following, waited_s))
        return True
