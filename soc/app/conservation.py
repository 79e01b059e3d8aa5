"""Counts of the flow in, one ledger fact a window out: received = parsed + dead, parsed = journalled = evaluated (invariant 2).

A fact covers the journal's offsets from where the last one ended, twice: `from` to `to` is what was evaluated, `told_from` to `told_to`
what the counts of the sources stand for. So the facts together say that no event of any hour came from nowhere or went unevaluated, and
`soc sources audit` reads the journal to see that it is so. What a run that died did not tell is counted from the journal at the next start
(`recovered`). `unseen` names the rules that were suspended, and which of these offsets they did not see.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from collectors.errors import JournalError
from collectors.event import Event
from collectors.intake import Taken
from collectors.journal import Journal
from collectors.record import Mark
from iso27001.ledger import Fact
from soc.app.audit import SOURCE, audit_event
from soc.app.books import COUNTS, Books, no_counts
from soc.app.evaluation import Evaluation
from soc.app.indexing import STORE, Indexing
from soc.app.reading import events_of, letters_of
from soc.app.replaying import is_replayed
from soc.app.site import Site

KIND = "conservation"

_log = logging.getLogger(__name__)


class Conservation:
    """Keeps the counts of this run; `record` writes what happened since the last record. `evaluated_to`: where the run begins."""

    def __init__(self, site: Site, journal: Journal, evaluated_to: int) -> None:
        self._site = site
        self._journal = journal
        self._lock = threading.Lock()
        self._totals = no_counts()
        self._told: dict[str, Counter[str]] = {name: Counter() for name in (*COUNTS, "evaluated")}
        self._since = site.clock()
        self._from = evaluated_to
        self._journal_at_start = journal.end()
        self._books = Books(self._journal_at_start)
        self._told_to = self._books.to
        self._stuck_at = -1
        self._evaluated_before: Counter[str] = Counter()
        self._recovered: dict[str, int] = {}
        self._own = 0
        self._telling = threading.Lock()
        self._untold: list[Event] = []
        self._take_up(evaluated_to)

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

    def record(self, now: datetime, evaluation: Evaluation, indexing: Indexing) -> Fact | None:
        """Write the fact of the window that ends now; None where nothing flowed. A mismatch goes to the journal too, for a rule to see."""
        self.tell([])
        with self._lock:
            totals = {name: counter.copy() for name, counter in self._totals.items()}
            told = {name: counter.copy() for name, counter in self._books.counts.items()}
            told_to, waiting = self._books.to, self._books.waiting
        progress = evaluation.progress()
        told["evaluated"] = progress.evaluated + self._evaluated_before
        end, to = self._journal.end(), progress.offset
        window = {name: counter - self._told[name] for name, counter in told.items()}
        if to == self._from and told_to == self._told_to and not waiting and not any(window.values()):
            return None
        missing = self._missing(totals, end, to - self._from, sum(window["evaluated"].values()))
        if waiting and self._stuck_at == told_to:
            missing.append(f"events of the journal from offset {told_to} on that nobody told of")
        self._stuck_at = told_to if waiting else -1
        sources = sorted({source for counter in window.values() for source in counter})
        body: dict[str, Any] = {
            "since": self._since.isoformat(),
            "until": now.isoformat(),
            "journal": {"from": self._from, "to": to, "end": end, "told_from": self._told_to, "told_to": told_to},
            "dead_letters": self._journal.dead_end(),
            "recovered": self._recovered,
            "indexed_to": indexing.offset,
            "refused": indexing.refused,
            "sources": {s: {name: counter[s] for name, counter in window.items()} for s in sources},
            "heard": {
                f"{system}/{dataset}": at.isoformat() for (system, dataset), at in sorted(progress.heard.items())
            },
            "unseen": [
                {
                    "rule": gap.rule,
                    "from": max(gap.start, self._from),
                    "to": to if gap.end is None else min(gap.end, to),
                }
                for gap in evaluation.gaps
                if gap.overlaps(self._from, to)
            ],
            "balanced": not missing,
            "missing": missing,
        }
        fact = Fact(f"{KIND}:{self._from}:{to}:{now.isoformat()}", KIND, now, "engine", body)
        self._site.ledger.append([fact])
        self._told, self._since, self._from, self._told_to, self._recovered = told, now, to, told_to, {}
        if missing:
            self.tell([audit_event("conservation-mismatch", {"message": "; ".join(missing)}, now)])
        return fact

    def _take_up(self, evaluated_to: int) -> None:
        """Go on where the last fact ended: what the run before did after that, and could not tell, is counted from the journal."""
        last = self._site.ledger.last(KIND)
        end = self._journal_at_start
        begin = self._journal.start()
        place = last.fact.body["journal"] if last else {"to": begin, "told_to": begin}
        if "told_to" not in place or place["told_to"] > end:
            return
        if place["to"] <= evaluated_to:
            self._from = place["to"]
        self._told_to = place["told_to"]
        offset = max(begin, min(self._from, self._told_to))
        counts = self._books.counts
        for at, event in events_of(self._journal, offset, end):
            if self._from <= at < evaluated_to:
                self._evaluated_before[event.source] += 1
            if at >= self._told_to:
                counts["parsed"][event.source] += 1
                if not is_replayed(event):
                    counts["received"][event.source] += 1
                    self._recovered[event.source] = self._recovered.get(event.source, 0) + 1
        self._take_up_dead(int(last.fact.body["dead_letters"]) if last else 0)

    def _take_up_dead(self, offset: int) -> None:
        """Dead letters that no fact counts yet; those of the event store were events before."""
        counts = self._books.counts
        for letter in letters_of(self._journal, offset, self._journal.dead_end()):
            if letter.format != STORE:
                counts["received"][letter.record.source] += 1
                counts["dead"][letter.record.source] += 1

    def _missing(self, totals: dict[str, Counter[str]], end: int, offsets: int, evaluated: int) -> list[str]:
        """What does not add up, in words. Counts are read before the journal's end, so what is in flight never looks lost."""
        found = []
        for source, received in totals["received"].items():
            known = totals["parsed"][source] + totals["dead"][source]
            if received != known:
                found.append(f"{source}: {received} received, {known} parsed or dead-lettered")
        parsed, journalled = sum(totals["parsed"].values()), end - self._journal_at_start - self._own
        if parsed > journalled:
            found.append(f"{parsed} parsed, {journalled} journalled")
        if offsets != evaluated:
            found.append(f"{offsets} journalled, {evaluated} evaluated")
        return found
