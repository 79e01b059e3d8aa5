"""A site whose events live in Elasticsearch: what differs there from the site's journal and from this version's templates, and the filling
of a store from the journal, and from the embedded store that was before it, whose files hold what the journal keeps no longer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from collectors.event import Event, Value
from soc.app.audit import is_heartbeat
from soc.app.reading import next_batch
from soc.errors import SocError

if TYPE_CHECKING:
    from collectors.journal import JournalReader
    from soc.app.site import Site
    from soc.store.elastic import Client
    from soc.store.elastic_events import ElasticEventStore
    from soc.store.segments.view import View

SHOWN = 10
"""Events that are named where the store and the journal differ."""


@dataclass(frozen=True, slots=True)
class Migrated:
    """Events of the journal and of the embedded store: those that the store had, has now, and refused; `sha256`: over their documents in
    the order of the journal.

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


def embedded(site: Site) -> View | None:
    """What the embedded store left in files; None where there was none."""
    from soc.app.sealing import store_folder
    from soc.store.segments.view import View

    folder = store_folder(site)
    return View(folder, lambda *_: []) if folder.is_dir() else None


def migrate(
    journal: JournalReader, store: ElasticEventStore, tell: Callable[[int], None], before: View | None = None
) -> Migrated:
    """Every event of the journal into the store, then each document of the store held against it, by count and hash.

    `before`: files of an embedded store, for what stands below the journal's start.

    May be interrupted and begun again: what is stored is asked for first. `tell`: is told how many events are done, stored and checked.
    """
    stored = present = done = 0
    refused: list[tuple[str, str]] = []
    for rows in _batches(journal, before):
        for first, run in _runs(rows):
            result = store.index(run, first)
            stored, present = stored + result.stored, present + result.duplicates
            refused += ((event.id, reason) for event, reason in result.refused)
            done += len(run)
        tell(done)
    ours, theirs, checked = sha256(), sha256(), 0
    missing: list[str] = []
    changed: list[str] = []
    left_out = {event_id for event_id, _ in refused}
    for rows in _batches(journal, before):
        wanted = [event for _, event in rows if not is_heartbeat(event) and event.id not in left_out]
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


def _batches(journal: JournalReader, before: View | None) -> Iterator[Sequence[tuple[int, Event]]]:
    """Events with their offsets, in the order of the journal."""
    offset, end = journal.start(), journal.end()
    if before is not None:
        yield from before.below(offset)
    while offset < end:
        events, following = next_batch(journal, offset)
        yield [*enumerate(events[: end - offset], offset)]
        if following == offset:
            return
        offset = following


def _runs(rows: Sequence[tuple[int, Event]]) -> Iterator[tuple[int, list[Event]]]:
    """Events that stand one after the other, with the offset of the first; heartbeats are nothing to search for."""
    first, run = 0, list[Event]()
    for offset, event in rows:
        if is_heartbeat(event):
            continue
        if run and offset != first + len(run):
            yield first, run
            run = []
        first = first if run else offset
        run.append(event)
    if run:
        yield first, run


def _canonical(document: dict[str, Value]) -> bytes:
    import orjson

    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
