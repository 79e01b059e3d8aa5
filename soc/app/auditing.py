"""The ledger's conservation facts and the journal in, proof or mismatch out, per source and window (a minute as a rule).

    received (+ replayed) = parsed + dead      as the sources counted
    parsed    = journalled                     events read from the journal between the offsets that the counts stand for
    journalled = evaluated                     events read from the journal between the offsets that were evaluated
    journalled = indexed + refused             the store was given all of them, and what it refused for good is a dead letter;
                                               with `store`, each is looked for in it
    dead letters in the journal >= dead        what is held whole is not less than what was counted

What retention dropped of the journal, by its facts, cannot be read anew: it is `expired`, and no more may be missing than they say.

Offsets of one fact begin where those of the last one end, so that nothing stands between two windows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from collectors.event import Event
from collectors.journal import JournalReader
from iso27001.ledger import Fact
from soc.app.audit import SOURCE, audit_event, is_heartbeat
from soc.app.conservation import KIND
from soc.app.indexing import STORE, refused_ids
from soc.app.journal_retention import dropped
from soc.app.reading import events_of, letters_of
from soc.app.replaying import is_replayed
from soc.app.sealing import DROPPED as STORE_DROPPED

if TYPE_CHECKING:
    from soc.app.site import Site

_BATCH = 5_000


@dataclass(slots=True)
class Line:
    """One source in one window. `journalled`, of the told offsets, and `read`, of the evaluated ones, are read from the journal anew.

    `replayed`: were dead letters first. `refused`: are dead letters of the store. `unindexable`: heartbeats, and what is on its way to it.
    `expired`, of the told offsets, and `expired_read`, of the evaluated ones: retention dropped them from the journal.
    """

    since: datetime
    until: datetime
    source: str
    received: int = 0
    parsed: int = 0
    dead: int = 0
    dropped: int = 0
    journalled: int = 0
    replayed: int = 0
    evaluated: int = 0
    read: int = 0
    indexed: int = 0
    refused: int = 0
    unindexable: int = 0
    expired: int = 0
    expired_read: int = 0

    def missing(self) -> Iterator[str]:
        """What does not add up, in words."""
        came, went = self.received + self.replayed, self.parsed + self.dead
        if (
            self.source != SOURCE and not came <= went <= came + self.expired
        ):  # of what expired some may have been replayed
            yield f"{self.received:,} received, {self.parsed:,} parsed and {self.dead:,} dead"
        if self.parsed != self.journalled + self.expired:
            yield f"{self.parsed:,} parsed, {self.journalled:,} in the journal"
        if self.read + self.expired_read != self.evaluated:
            yield f"{self.read:,} in the journal, {self.evaluated:,} evaluated"
        if self.read != self.indexed + self.refused + self.unindexable:
            yield f"{self.read:,} in the journal, {self.indexed:,} indexed, {self.refused:,} refused by the store"


@dataclass(slots=True)
class Audit:
    """`windows`: facts that were held against the journal. `mismatches`: (since, until, source, what); a source of "" is the whole site."""

    windows: int = 0
    lines: list[Line] = field(default_factory=list)
    mismatches: list[tuple[datetime, datetime, str, str]] = field(default_factory=list)


AUDITED = "conservation.audited"

_KEPT = 20
"""Mismatches that a fact names; the audit that is run again has them all."""


def record(site: Site, result: Audit, since: datetime, until: datetime, actor: str) -> None:
    """Write what an audit found; a running SOC makes an alert of a mismatch."""
    told = [f"{source or 'all'}, until {end.isoformat()}: {what}" for _, end, source, what in result.mismatches]
    body = {
        "since": since.isoformat(),
        "until": until.isoformat(),
        "windows": result.windows,
        "balanced": not told,
        "missing": told[:_KEPT],
        "mismatches": len(told),
    }
    now = site.clock()
    site.ledger.append([Fact(f"{AUDITED}:{now.isoformat()}", AUDITED, now, actor, body)])


def accounted_to(site: Site) -> int:
    """The place in the ledger of the last conservation fact: a run that ended there had told all audits before it."""
    last = site.ledger.last(KIND)
    return last.seq if last else -1


def failed_audits(site: Site, after: int) -> tuple[list[Event], int]:
    """An event for each audit beyond this place in the ledger that found a mismatch, and the place up to which it looked."""
    events = []
    for entry in site.ledger.entries(after=after, kinds=[AUDITED]):
        after = entry.seq
        if not entry.fact.body["balanced"]:
            fields = {"message": "; ".join(entry.fact.body["missing"])}
            events.append(audit_event("conservation-mismatch", fields, entry.fact.time))
    return events, after


def audit(site: Site, since: datetime, until: datetime, *, store: bool = False) -> Audit:
    """Hold every fact whose window ends from `since` to `until` against the journal; `store`: and every event against the event store."""
    result = Audit()
    facts = [body for body in _facts(site, since, until) if "told_to" in body["journal"]]
    indexed_to = max((body["indexed_to"] for body in facts), default=0)
    before: Mapping[str, Any] | None = None
    counted, held = Counter[str](), Counter[str]()
    refused = refused_ids(site.journal_reader)
    gone = _Gone(site)
    held.update(gone.dead)
    for body in facts:
        result.windows += 1
        begin, end = datetime.fromisoformat(body["since"]), datetime.fromisoformat(body["until"])
        for message in (*body["missing"], *_gap(before, body)):
            result.mismatches.append((begin, end, "", message))
        lines = _lines(site, body, begin, end, indexed_to, refused, gone, store=store)
        for line in lines:
            counted[line.source] += line.dead
            result.mismatches += [(begin, end, line.source, message) for message in line.missing()]
        result.lines += lines
        before = body
    if facts:
        _count_dead(site.journal_reader, facts, held)
        for source, dead in counted.items():
            if held[source] < dead:
                place = (result.lines[0].since, result.lines[-1].until)
                result.mismatches.append((*place, source, f"{dead:,} counted dead, {held[source]:,} dead letters held"))
    return result


def _facts(site: Site, since: datetime, until: datetime) -> list[Mapping[str, Any]]:
    """The facts of a span, from the first to the last in it: between them a clock may have stood elsewhere."""
    within = [entry.seq for entry in site.ledger.entries(kinds=[KIND], since=since, until=until)]
    if not within:
        return []
    entries = site.ledger.entries(after=within[0] - 1, kinds=[KIND])
    return [entry.fact.body for entry in takewhile(lambda entry: entry.seq <= within[-1], entries)]


def _gap(before: Mapping[str, Any] | None, body: Mapping[str, Any]) -> Iterator[str]:
    """Whether a fact begins where the one before it ended."""
    if before is None:
        return
    for name, first, last in (("evaluated", "from", "to"), ("told", "told_from", "told_to")):
        if before["journal"][last] != body["journal"][first]:
            yield f"{name} to offset {before['journal'][last]:,}, and then from {body['journal'][first]:,}"


def _lines(
    site: Site,
    body: Mapping[str, Any],
    since: datetime,
    until: datetime,
    indexed_to: int,
    refused: set[str],
    gone: _Gone,
    *,
    store: bool,
) -> list[Line]:
    """One line for each source of a window, with what the journal (and the store) holds."""
    found = {source: Line(since, until, source, **_counts(counts)) for source, counts in body["sources"].items()}
    place = body["journal"]

    def line(source: str) -> Line:
        return found.setdefault(source, Line(since, until, source))

    for _, event in events_of(site.journal_reader, place["told_from"], place["told_to"]):
        each = line(event.source)
        each.journalled += 1
        each.replayed += is_replayed(event)
    asked: list[tuple[Line, str]] = []
    for offset, event in events_of(site.journal_reader, place["from"], place["to"]):
        each = line(event.source)
        each.read += 1
        if is_heartbeat(event):
            each.unindexable += 1
        elif offset >= indexed_to:
            each.unindexable += 1  # on its way: the store has its own pace, and a later fact says more
        elif event.id in refused:
            each.refused += 1
        elif store and not gone.of_store(offset):
            asked.append((each, event.id))
            if len(asked) >= _BATCH:
                _look_up(site, asked)
        else:
            each.indexed += 1
    _look_up(site, asked)
    lines = [found[source] for source in sorted(found)]
    _expire(lines, gone, place)
    return lines


def _expire(lines: Sequence[Line], gone: _Gone, place: Mapping[str, int]) -> None:
    """Take what is missing for dropped, where it is as much as retention dropped of the window."""
    told = [each.parsed - each.journalled for each in lines]
    if sum(told) == gone.of_journal(place["told_from"], place["told_to"]):
        for each, count in zip(lines, told, strict=True):
            each.expired = count
    read = [each.evaluated - each.read for each in lines]
    if sum(read) == gone.of_journal(place["from"], place["to"]):
        for each, count in zip(lines, read, strict=True):
            each.expired_read = count


class _Gone:
    """What retention dropped, by its facts: of the journal, with `dead` letters by source, and of the store."""

    def __init__(self, site: Site) -> None:
        self._start = site.journal_reader.start()
        self._journal, self.dead = dropped(site)
        self._store = [
            (entry.fact.body["from"], entry.fact.body["to"]) for entry in site.ledger.entries(kinds=[STORE_DROPPED])
        ]

    def of_journal(self, first: int, end: int) -> int:
        """How many events of these offsets."""
        return sum(max(0, min(end, to, self._start) - max(first, begin)) for begin, to in self._journal)

    def of_store(self, offset: int) -> bool:
        """Whether the event of an offset may be dropped."""
        return any(begin <= offset < to for begin, to in self._store)


def _look_up(site: Site, asked: list[tuple[Line, str]]) -> None:
    """Count those of these events as indexed that the store holds; nothing is asked after that."""
    if asked:
        held = site.events.held([event_id for _, event_id in asked])
        for line, event_id in asked:
            line.indexed += event_id in held
        asked.clear()


def _counts(counts: dict[str, int]) -> dict[str, int]:
    return {name: counts[name] for name in ("received", "parsed", "dead", "dropped", "evaluated")}


def _count_dead(journal: JournalReader, facts: Sequence[Mapping[str, Any]], held: Counter[str]) -> None:
    """Dead letters of sources that the journal holds up to the last fact; before the first one there may be more."""
    letters = letters_of(journal, 0, facts[-1]["dead_letters"])
    held.update(letter.record.source for letter in letters if letter.format != STORE)
