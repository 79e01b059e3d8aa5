"""The doors of this room: a `StoreConfig` in, the two ports out. Elasticsearch is loaded only where it is chosen (0.85 s of CPU)."""

from __future__ import annotations

from pathlib import Path

from collectors.journal import JournalReader
from soc.store import EventStore, Projections
from soc.store.config import StoreConfig, StoreKind
from soc.store.local_events import LocalEventStore
from soc.store.local_projections import LocalProjections


def open_events(config: StoreConfig, journal: JournalReader, path: Path) -> EventStore:
    """The event store. `journal`: where the local one reads the events themselves; `path`: the local one's index file, made when absent.

    Raises: SocError where the local file or the API key cannot be used. Elasticsearch is not asked before the first use.
    """
    if config.kind is StoreKind.LOCAL:
        return LocalEventStore(path, journal)
    from soc.store.elastic import connect
    from soc.store.elastic_events import ElasticEventStore

    return ElasticEventStore(connect(config), config.namespace, config.retention)


def open_projections(config: StoreConfig, path: Path) -> Projections:
    """The projections of the ledger. `path`: the local ones' file, made when absent. Raises: as open_events."""
    if config.kind is StoreKind.LOCAL:
        return LocalProjections(path)
    from soc.store.elastic import connect
    from soc.store.elastic_projections import ElasticProjections

    return ElasticProjections(connect(config), config.namespace)
