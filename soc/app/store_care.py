"""A site whose events live in Elasticsearch: what differs there from the site's journal and from this version's templates, and the filling
of a store from the journal. Nothing here decides what an event is: that stands in the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from collectors.event import Event, Value
from soc.app.heartbeat import is_heartbeat
from soc.app.reading import next_batch
from soc.errors import SocError

if TYPE_CHECKING:
    from collectors.journal import JournalReader
    from soc.app.site import Site
    from soc.store.elastic import Client
    from soc.store.elastic_events import ElasticEventStore

SHOWN = 10
"""Events that are named where the store and the journal differ."""


@dataclass(frozen=True, slots=True)
class Migrated:
    """Events of the journal: those that the store had, has now, and refused; `sha256`: over the documents of the journal in its order.

    `missing` and `changed`: ids of events that the store has not, or has otherwise; the first of them.
    """

    events: int
    stored: int
    present: int
    refused: tuple[tuple[str, str], ...]
    sha256: str
    missing: tuple[str, ...]
    changed: tuple[str, ...]


def elastic_store(site: Site) -> tuple[ElasticEventStore, Client]:
    """The site's store and its client. Raises: SocError where the store is the embedded one, of which the journal is the only copy."""
    from soc.store.config import StoreKind

    if site.config.store.kind is not StoreKind.ELASTICSEARCH:
        raise SocError(
            'this is for "store: {kind: elasticsearch, hosts: [...]}": the embedded store is a view of the journal beside it'
        )
    from soc.store.elastic_events import ElasticEventStore

    store = site.events
    assert isinstance(store, ElasticEventStore)
    return store, store.client


def migrate(journal: JournalReader, store: ElasticEventStore, tell: Callable[[int], None]) -> Migrated:
    """Every event of the journal into the store, then each document of the store held against the journal's, by count and hash.

    May be interrupted and begun again: what is stored is asked for first. `tell`: is told how many events are done, stored and checked.
    """
    stored = present = done = 0
    refused: list[tuple[str, str]] = []
    for offset, events in _batches(journal):
        for first, run in _runs(offset, events):
            result = store.index(run, first)
            stored, present = stored + result.stored, present + result.duplicates
            refused += ((event.id, reason) for event, reason in result.refused)
            done += len(run)
        tell(done)
    ours, theirs, checked = sha256(), sha256(), 0
    missing: list[str] = []
    changed: list[str] = []
    left_out = {event_id for event_id, _ in refused}
    for _, events in _batches(journal):
        wanted = [event for event in events if not is_heartbeat(event) and event.id not in left_out]
        found = store.documents([event.id for event in wanted])
        for event in wanted:
            text, copy = _canonical(event.document()), found.get(event.id)
            ours.update(text)
            if copy is None:
                missing.append(event.id)
                continue
            theirs.update(kept := _canonical(copy))
            if kept != text:
                changed.append(event.id)
        checked += len(wanted)
        tell(done + checked)
    return Migrated(
        done, stored, present, tuple(refused[:SHOWN]), ours.hexdigest(), tuple(missing[:SHOWN]), tuple(changed[:SHOWN])
    )


def _batches(journal: JournalReader) -> Iterator[tuple[int, list[Event]]]:
    offset, end = journal.start(), journal.end()
    while offset < end:
        events, following = next_batch(journal, offset)
        if events:
            yield offset, events[: end - offset]
        if following == offset:
            return
        offset = following


def _runs(offset: int, events: list[Event]) -> Iterator[tuple[int, list[Event]]]:
    """Events between heartbeats, which are nothing to search for, with the offset of the first."""
    run: list[Event] = []
    for at, event in enumerate(events, offset):
        if not is_heartbeat(event):
            run.append(event)
        elif run:
            yield at - len(run), run
            run = []
    if run:
        yield offset + len(events) - len(run), run


def _canonical(document: dict[str, Value]) -> bytes:
    import orjson

    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
