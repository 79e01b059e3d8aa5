"""Dead letters in, events out: after a parser was mended, those that parse now go into the journal, each once; the rest stay.

Before a batch is appended a fact says which dead letters it takes and where in the journal its events will stand. A crash in between
leaves a fact whose events are not there: the next replay sees that and takes those letters again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from collectors.choosing import AUTO, ChoosingParser
from collectors.errors import JournalError, ParseError
from collectors.event import Event
from collectors.journal.frame import encodes
from iso27001.ledger import Fact
from soc.app.enrichment import Enricher
from soc.app.indexing import STORE
from soc.app.intakes import context_of
from soc.errors import SocError

if TYPE_CHECKING:
    from collectors.journal import Journal
    from collectors.record import DeadLetter
    from soc.app.site import Site

KIND = "deadletters.replayed"

REPLAYED = "replayed"
"""The flag in `log.flags` of an event that was a dead letter first."""

_BATCH = 2_000


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


def replay(site: Site, actor: str, source_id: str = "", *, dry_run: bool = False) -> Replay:
    """Try every dead letter (of one source) again. Raises: SocError while `soc run` writes the journal."""
    journal = _journal(site)
    taken = _taken(site, journal)
    parsers = _Parsers(site)
    result, offset = Replay(), 0
    while offset < (end := journal.dead_end()):
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
        _take(site, journal, parsers, asked, actor, result, dry_run=dry_run)
    return result


def _journal(site: Site) -> Journal:
    try:
        return site.journal
    except JournalError as error:
        raise SocError(f"{error}; dead letters are replayed while soc run does not run") from error


def _taken(site: Site, journal: Journal) -> set[int]:
    """The dead letters whose events are in the journal."""
    found: set[int] = set()
    for entry in site.ledger.entries(kinds=[KIND]):
        body = entry.fact.body
        first = body["journal"]["from"]
        if first < journal.start() or (first < journal.end() and journal.fetch(first).id == body["first"]):
            found.update(_numbers(body["letters"]))
    return found


def _take(
    site: Site,
    journal: Journal,
    parsers: _Parsers,
    asked: Sequence[tuple[int, DeadLetter]],
    actor: str,
    result: Replay,
    *,
    dry_run: bool,
) -> None:
    events, numbers = [], []
    for number, letter in asked:
        result.looked += 1
        source = letter.record.source
        try:
            events.append(parsers.event(letter))
        except ParseError as error:
            result.stayed[source] += 1
            result.reasons[source, error.reason] += 1
        else:
            numbers.append(number)
            result.replayed[source] += 1
    if not events or dry_run:
        return
    now, first = site.clock(), journal.end()
    body: dict[str, Any] = {
        "letters": _ranges(numbers),
        "first": events[0].id,
        "journal": {"from": first, "to": first + len(events)},
        "sources": dict(Counter(event.source for event in events)),
    }
    site.ledger.append([Fact(f"{KIND}:{first}:{now.isoformat()}", KIND, now, actor, body)])
    journal.append(events, {}, [])


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
