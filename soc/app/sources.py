"""A site in, one row a source out: what soc.yaml says of it, what it promises, how far it is read, and what came of it so far."""

from __future__ import annotations

import importlib
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from collectors.sources import CONFIGS, SourceConfig
from soc.app.conservation import KIND, TOTALS, so_far
from soc.app.indexing import STORE
from soc.app.reading import events_of, letters_of
from soc.app.replaying import is_replayed

if TYPE_CHECKING:
    from collectors.journal import JournalReader
    from collectors.record import Mark
    from soc.app.site import Site

_MOST_UNTOLD = 200_000
_DELIVERY = re.compile(r"Delivery: ([^.:,;]+)")


@dataclass(slots=True)
class Flow:
    """Records of a source. `last`: when the last of them came, to the minute where facts count them."""

    received: int = 0
    parsed: int = 0
    dead: int = 0
    dropped: int = 0
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """One source. `where`: path or address. `delivery`: in the words of its module. `marks`: how far its streams are read."""

    source: SourceConfig
    where: str
    delivery: str
    flow: Flow
    marks: tuple[Mark, ...]


def standings(site: Site) -> list[Standing]:
    """Every source of soc.yaml, in its order."""
    flows = flows_of(site)
    marks = site.journal_reader.marks()
    return [
        Standing(
            source,
            place_of(source),
            delivery_of(source.kind),
            flows.get(source.id, Flow()),
            tuple(mark for mark in marks.values() if mark.source == source.id),
        )
        for source in site.config.sources
    ]


def flows_of(site: Site) -> Mapping[str, Flow]:
    """What came of each source since the ledger began: as facts count it, and what stands in the journal since the last of them."""
    last = site.ledger.last(KIND)
    found: dict[str, Flow] = defaultdict(Flow)
    for source, totals in so_far(site, last).items():
        ended = totals.get("last")
        counts = {name: totals[name] for name in TOTALS}
        found[source] = Flow(**counts, last=datetime.fromisoformat(ended) if ended else None)
    told = last.fact.body["journal"].get("told_to", 0) if last else 0
    _add_untold(site.journal_reader, told, last.fact.body["dead_letters"] if last else 0, found)
    return found


def _add_untold(journal: JournalReader, offset: int, dead_offset: int, found: dict[str, Flow]) -> None:
    """Count the last minute, of which no fact tells yet; of a longer time (a SOC that was killed) its end."""
    end = journal.end()
    for _, event in events_of(journal, max(offset, end - _MOST_UNTOLD), end):
        if not is_replayed(event):
            flow = found[event.source]
            flow.received, flow.parsed, flow.last = flow.received + 1, flow.parsed + 1, event.ingested
    for letter in letters_of(journal, dead_offset, journal.dead_end()):
        if letter.format != STORE:
            flow = found[letter.record.source]
            flow.received, flow.dead, flow.last = flow.received + 1, flow.dead + 1, letter.record.received


def place_of(source: SourceConfig) -> str:
    """Where a source reads or listens; "" for standard input and the machine's own journal."""
    listen = str(getattr(source, "listen", ""))
    if listen:
        transport = str(getattr(source, "transport", ""))
        return f"{transport} {listen}".strip()
    if topics := getattr(source, "topics", ()):
        return f"{', '.join(topics)} at {', '.join(getattr(source, 'servers', ()))}"
    return str(getattr(source, "path", "") or getattr(source, "url", "") or getattr(source, "directory", None) or "")


@cache
def delivery_of(kind: str) -> str:
    """What delivery a kind of source promises: the words after "Delivery:" in the documentation of its code."""
    config = CONFIGS[kind]
    for text in (config.__doc__, importlib.import_module(config.__module__).__doc__, _module_of(kind)):
        found = _DELIVERY.search(" ".join((text or "").split()))
        if found:
            return found[1]
    return ""


def _module_of(kind: str) -> str | None:
    return importlib.import_module(f"collectors.sources.{kind}").__doc__
