"""What a person names as an event (a line, a file, an id of the journal, an alert) in, `Received` out: read and enriched as `soc run` does.

An event of the journal is taken as it was journalled; a line or a file comes in now.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from collectors.choosing import AUTO, ChoosingParser
from collectors.errors import ParseError, SourceError
from collectors.event import Event, Value, effective
from collectors.parse import Context, detect_format, formats
from collectors.record import Position, RawRecord
from collectors.sources import read_file
from soc.alert import Alert
from soc.app.enrichment import Enricher
from soc.app.history import history
from soc.app.intakes import context_of
from soc.app.site import Site
from soc.errors import SocError

MOST = 5
"""Records of a file, events of an alert, that are explained."""

_SOURCE = "explain"
_ID_DIGITS = 32
_LONGEST_PATH = 1_000
_STRAGGLERS = timedelta(minutes=1)
"""Sources append to the journal side by side: one may be this much behind another."""
_UNINDEXED = 500_000
"""Events at the journal's end that are searched for an id that the event store does not have yet."""


@dataclass(frozen=True, slots=True)
class Read:
    """How a record was read. `how`: who chose the format ("as --format says"). `fault`: why it is no event, "" where it is one."""

    format: str
    how: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Received:
    """One record before it meets a rule. `place`: where it came from, in words. `added`: what enrichment gave it. `journalled`: whether it
    is an event of the journal, which has others around it."""

    place: str
    original: str
    read: Read
    event: Event | None = None
    added: Mapping[str, Value] = field(default_factory=dict)
    journalled: bool = False


def given(site: Site, text: str, format_name: str = AUTO) -> Iterator[Received]:
    """The records that `--event` names: "-" for standard input, a file, the id of an event in the journal, else the line itself.

    Raises: SocError where there is no such event.
    """
    if text == "-":
        lines = sys.stdin.buffer.read().splitlines()
        yield from _read(site, [(line, f"standard input:{n}") for n, line in enumerate(lines, 1) if line], format_name)
    elif len(text) == _ID_DIGITS and set(text.lower()) <= set("0123456789abcdef"):
        yield journalled(site, text.lower())
    elif "\n" not in text and len(text) < _LONGEST_PATH and Path(text).is_file():
        yield from _of_file(site, Path(text), format_name)
    else:
        like_a_path = not any(c.isspace() for c in text) and ("/" in text or "." in text)
        place = "as given (there is no such file)" if like_a_path else "as given"
        yield from _read(site, [(text.encode("utf-8", "surrogateescape"), place)], format_name)


def of_alert(site: Site, alert: Alert) -> Iterator[Received]:
    """The first events of an alert, as they were journalled. Raises: SocError."""
    for event_id in alert.event_ids[:MOST]:
        yield journalled(site, event_id)


def around(site: Site, event: Event, before: timedelta, after: timedelta) -> Iterator[Sequence[Event]]:
    """What was received around an event of the journal, in order: all that happened so long before it and after it, and was not much later
    than that. Other events are among it: what is late depends on all of them.
    """
    time = effective(event)
    allowed = site.config.detect.lateness_of.get(event.source, site.config.detect.lateness)
    last = max(time + after, event.ingested) + allowed + _STRAGGLERS
    for _, events in history(site.journal_reader, time - before):
        yield events
        if all(each.ingested > last for each in events):
            return


def journalled(site: Site, event_id: str) -> Received:
    """An event of the journal. Raises: SocError where it has none of the id."""
    offset, event = _found(site, event_id)
    source = next((each for each in site.config.sources if each.id == event.source), None)
    named = source.format if source else AUTO
    chosen, how = _chosen(event.raw, named, f"as source {event.source} says")
    record = RawRecord(event.raw, event.source, event.position, event.ingested, event.peer)
    parsed, _ = ChoosingParser(chosen, context_of(site, source)).parse([record])
    before = parsed[0].fields if parsed else event.fields
    added = {name: value for name, value in event.fields.items() if before.get(name) != value}
    place = f"journal offset {offset:,}, source {event.source}"
    return Received(place, event.original, Read(chosen, how), event, added, journalled=True)


def _found(site: Site, event_id: str) -> tuple[int, Event]:
    document = site.events.event(event_id)
    journal = site.journal_reader
    if document is not None:
        since = datetime.fromisoformat(str(document["event.ingested"]))
        batches = history(journal, since)
    else:
        offset = max(journal.start(), journal.end() - _UNINDEXED)
        batches = history(journal, journal.fetch(offset).ingested) if journal.end() > offset else iter(())
    for first, events in batches:
        for at, event in enumerate(events):
            if event.id == event_id:
                return first + at, event
    raise SocError(f"the journal has no event {event_id}; `soc scan --json` and alerts show ids")


def _chosen(data: bytes, named: str, how: str) -> tuple[str, str]:
    if named != AUTO:
        return named, how
    try:
        return detect_format(data, ""), "as its own form shows"
    except ParseError:
        return AUTO, "no format fits it"


def _of_file(site: Site, path: Path, format_name: str) -> Iterator[Received]:
    def records() -> Iterator[tuple[bytes, str]]:
        for batch in read_file(path, _SOURCE, site.clock(), ChoosingParser(format_name, Context()).continues()):
            for record in batch.records:
                yield record.data, f"{path}:{record.position.index}"

    try:
        yield from _read(site, records(), format_name)
    except SourceError as error:
        raise SocError(str(error)) from error


def _read(site: Site, records: Iterable[tuple[bytes, str]], format_name: str) -> Iterator[Received]:
    """Records that were never received: they come in now."""
    if format_name not in (AUTO, *formats()):
        raise SocError(f'format "{format_name}" is not one of {", ".join(formats())}')
    now, context = site.clock(), Context(timezone=site.config.site.zone)
    enrich = Enricher(site) if site.path.is_file() else list
    for number, (data, place) in enumerate(records):
        chosen, how = _chosen(data, format_name, "as --format says")
        record = RawRecord(data, _SOURCE, Position("", _SOURCE, number, number + 1), now)
        parsed, dead = ChoosingParser(chosen, context).parse([record])
        original = data.decode("utf-8", "backslashreplace")
        if dead:
            yield Received(place, original, Read(chosen, how, dead[0].reason))
            continue
        said = parsed[0].fields.copy()
        [event] = enrich(parsed)
        added = {name: value for name, value in event.fields.items() if said.get(name) != value}
        yield Received(place, original, Read(chosen, how), event, added)
