"""Counts of the flow in, one ledger fact a window out: received = parsed + dead, parsed = journalled = evaluated (invariant 2).

A fact covers the journal's offsets from where the last one ended, so the facts together say that no event of any hour went unevaluated.
`unseen` names the rules that were suspended, and which of these offsets they did not see.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from collectors.event import Event
from collectors.intake import Taken
from collectors.journal import Journal
from iso27001.ledger import Fact
from soc.app.audit import audit_event
from soc.app.evaluation import Evaluation
from soc.app.indexing import Indexing
from soc.app.site import Site

KIND = "conservation"

_COUNTS = ("received", "parsed", "dead", "dropped")


class Conservation:
    """Keeps the counts of this run; `record` writes what happened since the last record. `evaluated_to`: where the run begins."""

    def __init__(self, site: Site, journal: Journal, evaluated_to: int) -> None:
        self._site = site
        self._journal = journal
        self._lock = threading.Lock()
        self._totals: dict[str, Counter[str]] = {name: Counter() for name in _COUNTS}
        self._told: dict[str, Counter[str]] = {name: Counter() for name in (*_COUNTS, "evaluated")}
        self._since = site.clock()
        self._from = evaluated_to
        self._journal_at_start = journal.end()
        self._own = 0

    def taken(self, taken: Taken) -> None:
        """Count what a source's batch became; from any thread."""
        with self._lock:
            for name in _COUNTS:
                self._totals[name][taken.source] += getattr(taken, name)

    def totals(self) -> dict[str, int]:
        """What this run took in so far, over all sources: received, parsed, dead, dropped."""
        with self._lock:
            return {name: sum(counter.values()) for name, counter in self._totals.items()}

    def tell(self, events: Sequence[Event]) -> None:
        """Put audit events of the SOC's own into the journal; they come from no source, so they are counted apart."""
        if events:
            with self._lock:
                self._own += len(events)
            self._journal.append(events, {}, [])

    def record(self, now: datetime, evaluation: Evaluation, indexing: Indexing) -> Fact | None:
        """Write the fact of the window that ends now; None where nothing flowed. A mismatch goes to the journal too, for a rule to see."""
        with self._lock:
            totals = {name: counter.copy() for name, counter in self._totals.items()}
        progress = evaluation.progress()
        totals["evaluated"] = progress.evaluated
        end, to = self._journal.end(), progress.offset
        window = {name: counter - self._told[name] for name, counter in totals.items()}
        if to == self._from and not any(window.values()):
            return None
        missing = self._missing(totals, end, to - self._from, sum(window["evaluated"].values()))
        sources = sorted({source for counter in window.values() for source in counter})
        body: dict[str, Any] = {
            "since": self._since.isoformat(),
            "until": now.isoformat(),
            "journal": {"from": self._from, "to": to, "end": end},
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
        self._told, self._since, self._from = totals, now, to
        if missing:
            self.tell([audit_event("conservation-mismatch", {"message": "; ".join(missing)}, now)])
        return fact

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
