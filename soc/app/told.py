"""What became of each batch of each source in, counts that end at one offset of the journal out: the half of conservation that collecting
knows.

What a run that died did not tell is counted from the journal at the next start (`recovered`).
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Protocol

import msgspec

from collectors.errors import JournalError
from collectors.event import Event
from collectors.intake import Taken
from collectors.journal import Journal
from collectors.record import DeadLetter, Mark
from soc.app.audit import SOURCE
from soc.app.books import COUNTS, Books, no_counts
from soc.app.indexing import STORE
from soc.app.reading import events_of, letters_of
from soc.app.replaying import is_replayed

_log = logging.getLogger(__name__)


class Window(msgspec.Struct, array_like=True):
    """What the counts of the sources stand for: offsets from `told_from` to `told_to`. `counts`: COUNTS -> source -> how many.

    `dead_letters`: how many the journal holds. `missing`: what does not add up, in words; `waiting`: whether batches beyond a gap wait.
    `at`: where another process told it, behind which place.
    """

    told_from: int
    told_to: int
    dead_letters: int
    counts: dict[str, dict[str, int]]
    recovered: dict[str, int]
    missing: list[str]
    waiting: bool = False
    at: int = 0

    @property
    def empty(self) -> bool:
        """Whether it says nothing."""
        return self.told_from == self.told_to and not self.waiting and not any(map(any, self._numbers()))

    def _numbers(self) -> list[list[int]]:
        return [list(counts.values()) for counts in self.counts.values()]


class Counted(Protocol):
    """Who knows what became of the batches of the sources."""

    def window(self) -> Window:
        """Since the last window that was taken."""
        ...

    def took(self, window: Window) -> None:
        """The window is written down: the next one begins where it ends."""
        ...

    def tell(self, events: Sequence[Event]) -> None:
        """Put audit events of the SOC's own into the journal, and those that could not be put there before."""
        ...


class Told:
    """Keeps the counts of the process that writes the journal."""

    def __init__(self, journal: Journal, told_to: int | None, dead_to: int) -> None:
        """`told_to`, `dead_to`: offsets up to which events and dead letters were counted before; None where a new count begins."""
        self._journal = journal
        self._lock = threading.Lock()
        self._totals = no_counts()
        self._journal_at_start = journal.end()
        self._books = Books(self._journal_at_start)
        self._taken: dict[str, Counter[str]] = no_counts()
        self._told_to = self._books.to
        self._stuck_at = -1
        self._recovered: dict[str, int] = {}
        self._own = 0
        self._telling = threading.Lock()
        self._untold: list[Event] = []
        if told_to is not None and told_to <= self._journal_at_start:
            self._told_to = told_to
            self._take_up(dead_to)

    def taken(self, taken: Taken) -> None:
        """Count what a source's batch became; from any thread."""
        with self._lock:
            for name in COUNTS:
                self._totals[name][taken.source] += getattr(taken, name)
            self._books.add(taken)

    def totals(self) -> dict[str, int]:
        """What this run took in so far, over all sources: received, parsed, dead, dropped."""
        with self._lock:
            return {name: sum(counter.values()) for name, counter in self._totals.items()}

    def tell(self, events: Sequence[Event]) -> None:
        """Put audit events of the SOC's own into the journal; they come from no source, so they are counted apart.

        What a full disk refuses waits in memory for the next call or fact: what is wrong is then told late, and not never.
        """
        with self._telling:
            self._untold += events
            if not self._untold:
                return
            try:
                following = self._journal.append(self._untold, {}, [])
            except JournalError as error:
                facts = {"events": len(self._untold), "error": str(error)}
                _log.error("the journal cannot be written; what the SOC has to say of itself waits", extra=facts)
                return
            told, self._untold = len(self._untold), []
        with self._lock:
            self._own += told
            self._books.add(Taken(SOURCE, 0, told, 0, 0, following))

    def replayed(self, events: Sequence[Event], marks: Mapping[str, Mark]) -> None:
        """Put what dead letters became into the journal: parsed now, received before. Raises: JournalError."""
        following = self._journal.append(events, marks, []) - len(events)
        with self._lock:
            self._own += len(events)
            for source, run in groupby(events, attrgetter("source")):
                parsed = sum(1 for _ in run)
                following += parsed
                self._books.add(Taken(source, 0, parsed, 0, 0, following))

    def said(self, events: Sequence[Event], marks: Mapping[str, Mark | None], dead: Sequence[DeadLetter]) -> None:
        """Put into the journal what other processes of this SOC say. Raises: JournalError."""
        following = self._journal.append(events, marks, dead)
        with self._lock:
            self._own += len(events)
            self._books.add(Taken(SOURCE, 0, len(events), 0, 0, following))

    def window(self) -> Window:
        """Since the last window that was taken."""
        with self._lock:
            totals = {name: counter.copy() for name, counter in self._totals.items()}
            counts = {name: counter.copy() for name, counter in self._books.counts.items()}
            to, waiting = self._books.to, self._books.waiting
        missing = self._missing(totals, self._journal.end())
        if waiting and self._stuck_at == to:
            missing.append(f"events of the journal from offset {to} on that nobody told of")
        self._stuck_at = to if waiting else -1
        since = {name: dict(counter - self._taken[name]) for name, counter in counts.items()}
        return Window(self._told_to, to, self._journal.dead_end(), since, self._recovered, missing, waiting)

    def took(self, window: Window) -> None:
        """The window is written down."""
        for name, counts in window.counts.items():
            self._taken[name].update(counts)
        self._told_to, self._recovered = window.told_to, {}

    def _take_up(self, dead_to: int) -> None:
        """Count from the journal what a run before did not tell; dead letters of the event store were events before."""
        counts = self._books.counts
        for _, event in events_of(self._journal, self._told_to, self._journal_at_start):
            counts["parsed"][event.source] += 1
            if not is_replayed(event):
                counts["received"][event.source] += 1
                self._recovered[event.source] = self._recovered.get(event.source, 0) + 1
        for letter in letters_of(self._journal, dead_to, self._journal.dead_end()):
            if letter.format != STORE:
                counts["received"][letter.record.source] += 1
                counts["dead"][letter.record.source] += 1

    def _missing(self, totals: Mapping[str, Counter[str]], end: int) -> list[str]:
        """What does not add up, in words. Counts are read before the journal's end, so what is in flight never looks lost."""
        found = []
        for source, received in totals["received"].items():
            known = totals["parsed"][source] + totals["dead"][source]
            if received != known:
                found.append(f"{source}: {received} received, {known} parsed or dead-lettered")
        parsed, journalled = sum(totals["parsed"].values()), end - self._journal_at_start - self._own
        if parsed > journalled:
            found.append(f"{parsed} parsed, {journalled} journalled")
        return found
