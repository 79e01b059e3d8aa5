"""One source in, what it sends and how that parses out, live: of the journal where `soc run` is at work, else heard here, and not kept."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from collectors.choosing import ChoosingParser
from collectors.event import Event
from collectors.journal import open_reader, writer_of
from collectors.record import DeadLetter
from collectors.sources import EvtxConfig, FileConfig, StdinConfig, SyslogConfig, open_source
from soc.app.enrichment import Enricher
from soc.app.intakes import context_of
from soc.app.line_testing import source_named
from soc.errors import SocError

if TYPE_CHECKING:
    from collectors.sources import SourceConfig
    from soc.app.site import Site

_BATCH = 1_000
_WAIT_S = 0.2
_UNACKNOWLEDGED = (FileConfig, EvtxConfig, StdinConfig, SyslogConfig)
"""Kinds whose senders are told nothing, so that listening takes nothing away. Others would be told that what nobody keeps is safe."""


def tap(site: Site, source_id: str, stop: threading.Event) -> Iterator[Event | DeadLetter]:
    """Events and dead letters of a source from now on, until `stop`. Raises: SocError, SourceError."""
    source = source_named(site, source_id)
    return _heard(site, source, stop) if listens_itself(site) else _followed(site, source_id, stop)


def listens_itself(site: Site) -> bool:
    """Whether a tap would have to listen itself, because nobody writes the journal."""
    return not writer_of(site.journal_folder)


def _followed(site: Site, source_id: str, stop: threading.Event) -> Iterator[Event | DeadLetter]:
    journal = open_reader(site.journal_config)
    offset, dead_offset = journal.end(), journal.dead_end()
    try:
        while not stop.is_set():
            journal.wait(offset, _WAIT_S)
            events, offset = journal.read(offset, _BATCH)
            letters, dead_offset = journal.dead_letters(dead_offset, _BATCH)
            yield from (event for event in events if event.source == source_id)
            yield from (letter for letter in letters if letter.record.source == source_id)
    finally:
        journal.close()


def _heard(site: Site, source: SourceConfig, stop: threading.Event) -> Iterator[Event | DeadLetter]:
    if not isinstance(source, _UNACKNOWLEDGED):
        raise SocError(
            f"{source.id}: soc run is not at work, and a tap that listens itself would tell the senders that all is kept; start soc run"
        )
    if isinstance(source, FileConfig) and source.follow:
        source = dataclasses.replace(source, from_start=False)
    parser = ChoosingParser(source.format, context_of(site, source))
    enricher = Enricher(site)
    heard = open_source(source, {}, parser.continues())
    try:
        for batch in heard.batches(stop):
            parsed, dead = parser.parse(batch.records)
            yield from enricher(parsed)
            yield from (*batch.dead, *dead)
    finally:
        heard.close()
