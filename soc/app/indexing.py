"""The journal's events in, the event store filled: a consumer of its own, so that a store that is down holds up no detection."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Protocol

import msgspec

from collectors.errors import CollectorError
from collectors.event import Event, event_id
from collectors.journal import Journal, JournalReader
from collectors.record import DeadLetter, RawRecord
from soc.app.audit import is_heartbeat
from soc.app.memory import settle
from soc.app.part import INDEX, Part, Ready, encode
from soc.app.reading import letters_of, next_batch
from soc.errors import SocError, UnreachableError
from soc.metrics import Metrics
from soc.store import EventStore

if TYPE_CHECKING:
    from soc.app.site import Site

CONSUMER = "index"

STORE = "event store"
"""The format of dead letters that the store made of events; they stand in the journal as events too."""

INDEX_BATCH = 4_096
"""Events a step: at most one part of the embedded store is built in it (soc.store.segments), which takes less than 100 ms."""


def refused_ids(journal: JournalReader) -> set[str]:
    """The ids of the events that the store refused for good: dead letters that are in the journal as events too."""
    letters = letters_of(journal, 0, journal.dead_end())
    return {event_id(letter.record) for letter in letters if letter.format == STORE}


class Done(msgspec.Struct, array_like=True, tag=True):
    """What became of a batch of the journal that went on to `following`: events `kept` by the store, and those that it refused."""

    following: int
    kept: int
    refused: list[tuple[Event, str]]


class Indexer(Protocol):
    """Puts the events of the journal from an offset on into the event store."""

    def empty(self) -> bool:
        """Whether the store holds nothing. Raises: UnreachableError."""
        ...

    def index(self, offset: int, limit: int) -> Done:
        """The next `limit` events from `offset` on: what was not acknowledged yet is not indexed, even where it can be read by now.

        Raises: UnreachableError, SocError; the batch is then worth a retry.
        """
        ...

    def close(self) -> None:
        """Let go of what it works with."""
        ...


class LocalIndexer:
    """In this process."""

    def __init__(self, journal: JournalReader, store: EventStore) -> None:
        self._journal = journal
        self._store = store

    def empty(self) -> bool:
        """Whether the store holds nothing."""
        return not self._store.count()

    def index(self, offset: int, limit: int) -> Done:
        """Runs of events between heartbeats, which only tell the time and are nothing to search for."""
        events, following = next_batch(self._journal, offset, limit)
        kept, refused = 0, list[tuple[Event, str]]()
        for own, run in groupby(events, is_heartbeat):
            part = list(run)
            if not own:
                done = self._store.index(part, offset)
                kept += done.stored + done.duplicates
                refused += done.refused
            offset += len(part)
        return Done(following, kept, refused)

    def close(self) -> None:
        """Nothing: journal and store are the site's."""


class Indexing:
    """One consumer of the journal: every event goes into the store once; what the store refuses becomes a dead letter with its reason.

    A store that is empty (a new one, a thrown away index) is filled from the journal's start. What is a dead letter of the store already,
    from a run that died before it could say how far it was, or from the store that was thrown away, becomes none again.
    """

    def __init__(self, journal: Journal, indexer: Indexer, metrics: Metrics) -> None:
        self._journal = journal
        self._indexer = indexer
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
        if self._indexer.empty():
            self.offset = self._journal.start()
        self._begun = True

    def step(self) -> int:
        """Index the next batch; how many events it had. Raises: UnreachableError; the batch is then worth a retry."""
        if not self._begun:
            self._begin()
        if (left := self._journal.end() - self.offset) <= 0:
            return 0
        done = self._indexer.index(self.offset, min(INDEX_BATCH, left))
        if refused := self._untold(done.refused):
            dead = [
                DeadLetter(RawRecord(e.raw, e.source, e.position, e.ingested, e.peer), STORE, reason)
                for e, reason in refused
            ]
            self._journal.append([], {}, dead)
        self._journal.commit(CONSUMER, done.following)
        offset, self.offset = self.offset, done.following
        self.indexed += done.kept
        self.refused += len(done.refused)
        self._metrics.indexed.inc(done.kept)
        self._metrics.refused.inc(len(done.refused))
        return done.following - offset

    def _untold(self, refused: Sequence[tuple[Event, str]]) -> Sequence[tuple[Event, str]]:
        """Those that are no dead letters yet; only of events that were there at the start can another run have told."""
        if self.offset >= self._found:
            self._told = None
            return refused
        if refused and self._told is None:
            self._told = refused_ids(self._journal)
        return [each for each in refused if each[0].id not in (self._told or ())]

    def drain(self) -> None:
        """Index to the end of the journal as it stands."""
        while self.step():
            pass

    def close(self) -> None:
        """Let go of the store."""
        self._indexer.close()


# --- in a process of its own


class _Failed(msgspec.Struct, array_like=True, tag=True):
    """A batch that was not taken; `unreachable`: because the store does not answer."""

    error: str
    unreachable: bool


class _Empty(msgspec.Struct, array_like=True, tag=True):
    """Whether the store holds nothing."""

    empty: bool


_decode = msgspec.msgpack.Decoder(Done | _Failed | _Empty).decode


class IndexerApart:
    """A process that reads the journal and fills the store, a batch whenever it is asked."""

    def __init__(self, site: Site) -> None:
        """Starts the process and waits until it has opened the store. Raises: SocError."""
        self._part = Part(INDEX, site.path)
        self._part.ready()

    def empty(self) -> bool:
        """Whether the store holds nothing."""
        answer = self._ask(None)
        assert isinstance(answer, _Empty)
        return answer.empty

    def index(self, offset: int, limit: int) -> Done:
        """The next batch. Raises: ChildProcessError where the process is gone."""
        answer = self._ask((offset, limit))
        assert isinstance(answer, Done)
        return answer

    def close(self) -> None:
        """End the process."""
        self._part.close()

    def _ask(self, batch: tuple[int, int] | None) -> Done | _Empty:
        way = self._part.connection
        try:
            way.send_bytes(encode(batch))
            answer: Done | _Failed | _Empty = _decode(way.recv_bytes())
        except (EOFError, OSError) as error:
            raise ChildProcessError(self._part.ended()) from error
        if isinstance(answer, _Failed):
            raise (UnreachableError if answer.unreachable else SocError)(answer.error)
        return answer


def run_part(site: Site, way: Connection, _orders: Connection) -> None:
    """The process apart: build, say so, and index what it is asked for. Raises: SocError, CollectorError; EOFError, OSError at the end."""
    indexer = LocalIndexer(site.journal_reader, site.events)
    way.send_bytes(encode(Ready()))
    settle()
    while True:
        batch = msgspec.msgpack.decode(way.recv_bytes(), type=tuple[int, int] | None)
        answer: Done | _Empty | _Failed
        try:
            answer = _Empty(indexer.empty()) if batch is None else indexer.index(*batch)
        except (SocError, CollectorError) as error:
            answer = _Failed(str(error), isinstance(error, UnreachableError))
        way.send_bytes(encode(answer))
