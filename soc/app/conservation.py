"""Counts of the flow in, one ledger fact a window out: received = parsed + dead, parsed = journalled = evaluated (invariant 2).

A fact covers the journal's offsets from where the last one ended, twice: `from` to `to` is what was evaluated, `told_from` to `told_to`
what the counts of the sources stand for. So the facts together say that no event of any hour came from nowhere or went unevaluated, and
`soc sources audit` reads the journal to see that it is so. What the sources' batches became is counted by who collects (soc.app.told).
`so_far` are the totals of each source since the ledger began, so that the last fact tells them.
`unseen` names the rules that were suspended, and which of these offsets they did not see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from collectors.event import Event
from collectors.journal import JournalReader
from iso27001.ledger import Entry, Fact
from soc.app.audit import audit_event
from soc.app.evaluation import Progress
from soc.app.gaps import Gap
from soc.app.indexing import Indexing
from soc.app.reading import events_of
from soc.app.site import Site
from soc.app.told import Counted

KIND = "conservation"

TOTALS = ("received", "parsed", "dead", "dropped")
"""What the facts count of each source and `so_far` adds up."""


class Evaluated(Protocol):
    """What evaluates the journal's events."""

    def progress(self) -> Progress:
        """How far it is, as of one moment."""
        ...

    @property
    def gaps(self) -> Sequence[Gap]:
        """What rules did not see."""
        ...


class Conservation:
    """Keeps what was recorded; `record` writes what happened since. `evaluated_to`: where the run begins."""

    def __init__(self, site: Site, journal: JournalReader, counted: Counted, evaluated_to: int) -> None:
        self._site = site
        self._journal = journal
        self._counted = counted
        self._told: Counter[str] = Counter()
        self._since = site.clock()
        self._from = evaluated_to
        self._evaluated_before: Counter[str] = Counter()
        self._so_far = so_far(site, site.ledger.last(KIND))
        self._take_up(evaluated_to)

    def tell(self, events: Sequence[Event]) -> None:
        """Put audit events of the SOC's own into the journal, late where it cannot be written now."""
        self._counted.tell(events)

    def record(self, now: datetime, evaluation: Evaluated, indexing: Indexing) -> Fact | None:
        """Write the fact of the window that ends now; None where nothing flowed. A mismatch goes to the journal too, for a rule to see."""
        self.tell([])
        window = self._counted.window()
        progress = evaluation.progress()
        evaluated = progress.evaluated + self._evaluated_before
        counts = {**window.counts, "evaluated": evaluated - self._told}
        end, to = self._journal.end(), progress.offset
        if to == self._from and window.empty and not any(counts["evaluated"].values()):
            return None
        missing = [*window.missing]
        offsets, seen = to - self._from, sum(counts["evaluated"].values())
        if offsets != seen:
            missing.append(f"{offsets} journalled, {seen} evaluated")
        sources = sorted({source for counter in counts.values() for source in counter})
        of_source = {s: {name: counter.get(s, 0) for name, counter in counts.items()} for s in sources}
        totals = _grown(self._so_far, of_source, now.isoformat())
        body: dict[str, Any] = {
            "since": self._since.isoformat(),
            "until": now.isoformat(),
            "journal": {
                "from": self._from,
                "to": to,
                "end": end,
                "told_from": window.told_from,
                "told_to": window.told_to,
            }
            | ({"told_at": window.at} if window.at else {}),
            "dead_letters": window.dead_letters,
            "recovered": window.recovered,
            "indexed_to": indexing.offset,
            "refused": indexing.refused,
            "sources": of_source,
            "so_far": totals,
            "heard": {
                f"{system}/{dataset}": at.isoformat() for (system, dataset), at in sorted(progress.heard.items())
            },
            "unseen": [
                {
                    "rule": gap.rule,
                    "from": max(gap.start, self._from),
                    "to": to if gap.end is None else min(gap.end, to),
                }
                | ({} if gap.partition is None else {"partition": gap.partition})
                for gap in evaluation.gaps
                if gap.overlaps(self._from, to)
            ],
            "balanced": not missing,
            "missing": missing,
        }
        fact = Fact(f"{KIND}:{self._from}:{to}:{now.isoformat()}", KIND, now, "engine", body)
        self._site.ledger.append([fact])
        self._counted.took(window)
        self._told, self._since, self._from, self._so_far = evaluated, now, to, totals
        if missing:
            self.tell([audit_event("conservation-mismatch", {"message": "; ".join(missing)}, now)])
        return fact

    def _take_up(self, evaluated_to: int) -> None:
        """Go on where the last fact ended: what was evaluated after it, and not told, is counted from the journal."""
        last = self._site.ledger.last(KIND)
        begin = self._journal.start()
        to = last.fact.body["journal"]["to"] if last else begin
        if to <= evaluated_to:
            self._from = to
            for _, event in events_of(self._journal, max(begin, to), evaluated_to):
                self._evaluated_before[event.source] += 1


def so_far(site: Site, last: Entry | None) -> dict[str, dict[str, Any]]:
    """Totals of each source as the facts tell up to the last one: TOTALS, and `last`, when one that received something ended."""
    if last is None or "so_far" in last.fact.body:
        return last.fact.body["so_far"] if last else {}
    found: dict[str, dict[str, Any]] = {}
    for entry in site.ledger.entries(kinds=[KIND]):  # of before the facts told it
        found = _grown(found, entry.fact.body["sources"], entry.fact.body["until"])
    return found


def _grown(
    before: Mapping[str, Mapping[str, Any]], counts: Mapping[str, Mapping[str, int]], until: str
) -> dict[str, dict[str, Any]]:
    """Totals with those of one more fact."""
    found = {source: dict(totals) for source, totals in before.items()}
    for source, counted in counts.items():
        totals = found.setdefault(source, dict.fromkeys(TOTALS, 0))
        for name in TOTALS:
            totals[name] += counted[name]
        if counted["received"]:
            totals["last"] = until
    return found


def told_before(site: Site, journal: JournalReader) -> tuple[int | None, int]:
    """Up to which event, and which dead letter, the facts of the ledger stand for what sources' batches became."""
    last = site.ledger.last(KIND)
    if last is None:
        return journal.start(), 0
    return last.fact.body["journal"].get("told_to"), int(last.fact.body["dead_letters"])
