"""The doors of this room: a `StoreConfig` in, the two ports out. What is not opened is not loaded (Elasticsearch: 0.85 s of CPU)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from collectors.event import Event
from collectors.journal import JournalReader
from soc.store import EventStore, Projections
from soc.store.config import StoreConfig, StoreKind


def open_events(
    config: StoreConfig,
    journal: JournalReader,
    path: Path,
    hidden: Callable[[Event], bool] | None = None,
    class_of: Callable[[str], str] | None = None,
) -> EventStore:
    """The event store. Of the local one: `journal`, where the newest events stand; `path`, the folder of its files, made when absent;
    `hidden`, which events of the journal are nothing to search for. Of Elasticsearch: `class_of`, see ElasticEventStore.

    Raises: SocError where the local files or the API key cannot be used. Elasticsearch is not asked before the first use.
    """
    if config.kind is StoreKind.LOCAL:
        from soc.store.local_events import LocalEventStore, nothing

        return LocalEventStore(path, journal, hidden or nothing)
    from soc.store.elastic import connect
    from soc.store.elastic_events import ElasticEventStore

    return ElasticEventStore(connect(config), config.namespace, class_of)


def open_projections(config: StoreConfig, path: Path) -> Projections:
    """The projections of the ledger. `path`: the local ones' file, made when absent. Raises: as open_events."""
    if config.kind is StoreKind.LOCAL:
        from soc.store.local_projections import LocalProjections

        return LocalProjections(path)
    from soc.store.elastic import connect
    from soc.store.elastic_projections import ElasticProjections

    return ElasticProjections(connect(config), config.namespace)
