"""A file of lines and a source's format in, what each line becomes out: how `soc sources test ID FILE` shows that a source can be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from collectors.choosing import AUTO, ChoosingParser
from collectors.event import Event
from collectors.record import DeadLetter
from collectors.sources import SourceConfig, read_file
from soc.app.enrichment import Enricher
from soc.app.intakes import context_of
from soc.errors import SocError
from soc.yaml_file import nearest

if TYPE_CHECKING:
    from soc.app.site import Site

_GENERAL = frozenset({"event.dataset", "message", "host.name", "process.name", "process.pid"})
"""What a header says; an event that has no more was read and not understood."""
_HEADERS = ("log.syslog.", "soc.", "service.", "labels.")


@dataclass(slots=True)
class Read:
    """What was read so far. `understood`: events that say more than a header; `fields`: how many events have each field."""

    events: int = 0
    dead: int = 0
    understood: int = 0
    datasets: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Event | DeadLetter) -> None:
        """Count one outcome."""
        if isinstance(outcome, DeadLetter):
            self.dead += 1
            self.reasons[outcome.reason] += 1
            return
        self.events += 1
        self.understood += understood(outcome)
        self.datasets[str(outcome.fields.get("event.dataset"))] += 1
        self.fields.update(outcome.fields.keys())


def understood(event: Event) -> bool:
    """Whether an event says more than its header."""
    return any(name not in _GENERAL and not name.startswith(_HEADERS) for name in event.fields)


def source_named(site: Site, source_id: str) -> SourceConfig:
    """The source of soc.yaml that has this id. Raises: SocError."""
    for source in site.config.sources:
        if source.id == source_id:
            return source
    ids = [source.id for source in site.config.sources]
    known = ", ".join(ids) or "soc.yaml has none"
    raise SocError(f'there is no source "{source_id}"{nearest(source_id, ids)} ({known})')


def read_lines(site: Site, source_id: str, path: Path) -> Iterator[Event | DeadLetter]:
    """What the records of a file become at this source: its format, the site's zone and inventory. Nothing is kept. Raises: SocError."""
    source = source_named(site, source_id)
    parser = ChoosingParser(source.format, context_of(site, source))
    enricher = Enricher(site)
    for batch in read_file(path, source.id, site.clock(), parser.continues() if source.format != AUTO else None):
        yield from batch.dead
        parsed, dead = parser.parse(batch.records)
        yield from enricher(parsed)
        yield from dead
