"""The journal's events in, the event store filled: a consumer of its own, so that a store that is down holds up no detection."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby

from collectors.event import Event, event_id
from collectors.journal import Journal, JournalReader
from collectors.record import DeadLetter, RawRecord
from soc.app.heartbeat import is_heartbeat
from soc.app.reading import next_batch
from soc.errors import UnreachableError
from soc.metrics import Metrics
from soc.store import EventStore, Indexed

CONSUMER = "index"

STORE = "event store"
"""The format of dead letters that the store made of events; they stand in the journal as events too."""

_LETTERS = 5_000

INDEX_BATCH = 10_000
"""Events a step: ids are random, so a transaction writes most pages of their index; fewer transactions write fewer."""


def refused_ids(journal: JournalReader) -> set[str]:
    """The ids of the events that the store refused for good: dead letters that are in the journal as events too."""
    found: set[str] = set()
    offset = 0
    while True:
        letters, following = journal.dead_letters(offset, _LETTERS)
        found.update(event_id(letter.record) for letter in letters if letter.format == STORE)
        if following == offset:
            return found
        offset = following


class Indexing:
    """One consumer of the journal: every event goes into the store once; what the store refuses becomes a dead letter with its reason.

    A store that is empty (a new one, a thrown away index) is filled from the journal's start. What is a dead letter of the store already,
    from a run that died before it could say how far it was, or from the store that was thrown away, becomes none again.
    """

    def __init__(self, journal: Journal, store: EventStore, metrics: Metrics) -> None:
        self._journal = journal
        self._store = store
        self._metrics = metrics
        self.offset = journal.committed(CONSUMER)
        self._begun = False
        self._found = journal.end()
        self._told: set[str] | None = None
        self.indexed = 0
        self.refused = 0
        with suppress(UnreachableError):  # a store that is down holds up no source: the first step asks again
            self._begin()

    def _begin(self) -> None:
        if not self._store.count():
            self.offset = self._journal.start()
        self._begun = True

    def step(self) -> int:
        """Index the next batch; how many events it had. Raises: UnreachableError; the batch is then worth a retry."""
        if not self._begun:
            self._begin()
        events, following = next_batch(self._journal, self.offset, INDEX_BATCH)
        if following == self.offset:
            return 0
        result = self._index(events)
        if refused := self._untold(result.refused):
            dead = [
                DeadLetter(RawRecord(e.raw, e.source, e.position, e.ingested, e.peer), STORE, reason)
                for e, reason in refused
            ]
            self._journal.append([], {}, dead)
        self._journal.commit(CONSUMER, following)
        offset, self.offset = self.offset, following
        self.indexed += result.stored + result.duplicates
        self.refused += len(result.refused)
        self._metrics.indexed.inc(result.stored + result.duplicates)
        self._metrics.refused.inc(len(result.refused))
        return following - offset

    def _untold(self, refused: Sequence[tuple[Event, str]]) -> Sequence[tuple[Event, str]]:
        """Those that are no dead letters yet; only of events that were there at the start can another run have told."""
        if self.offset >= self._found:
            self._told = None
            return refused
        if refused and self._told is None:
            self._told = refused_ids(self._journal)
        return [each for each in refused if each[0].id not in (self._told or ())]

    def _index(self, events: list[Event]) -> Indexed:
        """Runs of events between heartbeats, which only tell the time and are nothing to search for. Raises: UnreachableError."""
        offset, stored, duplicates = self.offset, 0, 0
        refused: tuple[tuple[Event, str], ...] = ()
        for own, run in groupby(events, is_heartbeat):
            part = list(run)
            if not own:
                done = self._store.index(part, offset)
                stored, duplicates = stored + done.stored, duplicates + done.duplicates
                refused += done.refused
            offset += len(part)
        return Indexed(stored, duplicates, refused)

    def drain(self) -> None:
        """Index to the end of the journal as it stands."""
        while self.step():
            pass
