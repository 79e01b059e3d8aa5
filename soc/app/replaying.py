"""Dead letters in, events out: after a parser was mended, those that parse now go into the journal, each once; the rest stay.

Which letters a batch takes stands in a mark, in the same frame as its events: a crash neither loses one nor takes it twice. A fact before
it names the letters and who wanted it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from collectors.choosing import AUTO, ChoosingParser
from collectors.errors import ParseError
from collectors.event import Event
from collectors.journal.frame import encodes
from collectors.record import Mark
from iso27001.ledger import Fact
from soc.app.enrichment import Enricher
from soc.app.indexing import STORE
from soc.app.intakes import context_of

if TYPE_CHECKING:
    from collectors.journal import JournalReader
    from collectors.record import DeadLetter
    from soc.app.site import Site

KIND = "deadletters.replayed"

REPLAYED = "replayed"
"""The flag in `log.flags` of an event that was a dead letter first."""

_BATCH = 2_000

_MARKS = "dead-letters"
"""The source of the marks that say which letters were taken, a mark a batch: their numbers stand where others have a path."""


@dataclass(slots=True)
class Replay:
    """`looked`: dead letters that were tried. `before`: taken by an earlier replay. `replayed`, `stayed`: by source, with the `reasons`."""

    looked: int = 0
    before: int = 0
    replayed: Counter[str] = field(default_factory=Counter)
    stayed: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)


def is_replayed(event: Event) -> bool:
    """Whether an event was a dead letter first, which was counted as received then."""
    flags = event.fields.get("log.flags")
    return isinstance(flags, list) and REPLAYED in flags


Append = Callable[[Sequence[Event], Mapping[str, Mark]], object]
"""Puts events and marks into the journal, in one frame."""


def replay(
    site: Site,
    actor: str,
    source_id: str = "",
    append: Append | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> Replay:
    """Try every dead letter (of one source) again, with what `soc run` would read it with. `append`: None for a trial.

    `is_over`: asked between batches, whether to stop there. Raises: FaultsError, CollectorError, IsoError.
    """
    journal = site.journal_reader
    taken = _taken(journal)
    parsers = _Parsers(site)
    result, offset = Replay(), journal.dead_start()
    while offset < (end := journal.dead_end()) and not is_over():
        letters, following = journal.dead_letters(offset, min(_BATCH, end - offset))
        asked: list[tuple[int, DeadLetter]] = []
        for number, letter in enumerate(letters, offset):
            if letter.format == STORE or (source_id and letter.record.source != source_id):
                continue
            if number in taken:
                result.before += 1
            else:
                asked.append((number, letter))
        offset = following
        events = _parsed(parsers, asked, result)
        if events and append is not None:
            _take(site, events, actor, append)
    return result


def _taken(journal: JournalReader) -> set[int]:
    """The dead letters whose events are in the journal."""
    marks = journal.marks().values()
    return {number for mark in marks if mark.source == _MARKS for number in _numbers(mark.path)}


def _parsed(parsers: _Parsers, asked: Sequence[tuple[int, DeadLetter]], result: Replay) -> dict[int, Event]:
    """The events of the letters that parse now, by the letters' numbers."""
    events = {}
    for number, letter in asked:
        result.looked += 1
        source = letter.record.source
        try:
            events[number] = parsers.event(letter)
        except ParseError as error:
            result.stayed[source] += 1
            result.reasons[source, error.reason] += 1
        else:
            result.replayed[source] += 1
    return events


def _take(site: Site, events: Mapping[int, Event], actor: str, append: Append) -> None:
    now, first, letters = site.clock(), site.journal_reader.end(), _ranges(events)
    sources = Counter(event.source for event in events.values())
    body: dict[str, Any] = {"letters": letters, "journal": {"from": first}, "sources": dict(sources)}
    site.ledger.append([Fact(f"{KIND}:{first}:{now.isoformat()}", KIND, now, actor, body)])
    number = min(events)
    mark = Mark(source=_MARKS, stream=str(number), path=letters, offset=number, index=len(events))
    append(list(events.values()), {f"{_MARKS} {number}": mark})


class _Parsers:
    """Reads dead letters in the format that their source has today, or, of a source that is gone, in the one that they were read in."""

    def __init__(self, site: Site) -> None:
        self._sources = {source.id: source for source in site.config.sources}
        self._site = site
        self._parsers: dict[tuple[str, str], ChoosingParser] = {}
        self._enrich = Enricher(site)

    def event(self, letter: DeadLetter) -> Event:
        """The event. Raises: ParseError."""
        record = letter.record
        if not record.position.index:
            raise ParseError("a whole file, not a record")
        source = self._sources.get(record.source)
        name = source.format if source else letter.format or AUTO
        key = (record.source, name)
        if key not in self._parsers:
            self._parsers[key] = ChoosingParser(name, context_of(self._site, source))
        parsed, dead = self._parsers[key].parse([record])
        if dead:
            raise ParseError(dead[0].reason)
        [event] = self._enrich(parsed)
        if why := encodes(event):
            raise ParseError(f"cannot be journalled: {why}")
        flags = event.fields.get("log.flags")
        flagged = [*(flags if isinstance(flags, list) else []), REPLAYED]
        return replace(event, fields={**event.fields, "log.flags": flagged})


def _ranges(numbers: Iterable[int]) -> str:
    """`3-5,9` of 3, 4, 5, 9: a million letters in a row stay one line of the ledger."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ",".join(f"{first}-{last}" if last > first else str(first) for first, last in found)


def _numbers(ranges: str) -> Iterator[int]:
    for each in ranges.split(","):
        first, _, last = each.partition("-")
        yield from range(int(first), int(last or first) + 1)


def rows(result: Replay) -> list[Mapping[str, Any]]:
    """One row a source."""
    return [
        {"source": source, "replayed": result.replayed[source], "stayed": result.stayed[source]}
        for source in sorted(result.replayed.keys() | result.stayed.keys())
    ]
