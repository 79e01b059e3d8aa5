"""The journal's files in; the oldest that a site keeps no longer dropped, with one fact that says what stood in them.

A file goes when all of it is evaluated, indexed into files of the store and told by a conservation fact, and its last event came in longer
ago than `journal.retention`. What it held is found by search as before, and an event behind a detection is read from the store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from collectors.errors import JournalError
from collectors.journal import writer_of
from iso27001.ledger import Fact
from soc.app.conservation import KIND as CONSERVATION
from soc.app.evaluation import CONSUMER as DETECT
from soc.app.indexing import CONSUMER as INDEX
from soc.app.indexing import STORE
from soc.app.keeping import Looked, Plan
from soc.app.reading import letters_of
from soc.app.sealing import digest, store_folder
from soc.app.site import Site
from soc.store.config import StoreKind

if TYPE_CHECKING:
    from collectors.journal.reader import LocalReader, Stretch

DROPPED = "journal.dropped"


def journal_plans(site: Site, kept: timedelta, now: datetime) -> Iterator[Plan]:
    """One plan a file, from the oldest on to the first that is young. Raises: JournalError, IsoError."""
    from collectors.journal.reader import LocalReader

    if not site.journal_folder.is_dir():
        return
    journal = site.journal_reader
    assert isinstance(journal, LocalReader)
    ours = "journal" in site.__dict__ or not writer_of(site.journal_folder)
    limit = done_to(site)
    for stretch in journal.closed():
        received = _received(journal, stretch)
        if received > now - kept:
            return
        events = stretch.events[1] - stretch.events[0]
        if stretch.events[1] > limit:
            why = f"evaluated, told and in files of the store is only what stands below {limit:,}"
        elif not ours:
            why = "`soc run` writes the journal, and does this itself"
        else:
            looked = Looked("journal", stretch.path.name, events, received, events, "")
            yield Plan(looked, partial(_drop, site, stretch, received))
            continue
        yield Plan(Looked("journal", stretch.path.name, events, received, 0, why))


def done_to(site: Site) -> int:
    """The offset below which nobody needs the journal to go on."""
    journal, told = site.journal_reader, site.ledger.last(CONSERVATION)
    if told is None:
        return 0
    place = told.fact.body["journal"]
    done: list[int] = [journal.committed(DETECT), journal.committed(INDEX), place["to"], place["told_to"]]
    if site.config.store.kind is StoreKind.LOCAL:
        from soc.store.segments.folder import listed

        folder = store_folder(site)
        files = listed(folder) if folder.is_dir() else []
        done.append(files[-1].end if files else 0)
    return min(done)


def _received(journal: LocalReader, stretch: Stretch) -> datetime:
    """When the last of its events came in; of a file without any, or a damaged one, when it was last written."""
    try:
        if stretch.events[1] > stretch.events[0]:
            return journal.fetch(stretch.events[1] - 1).ingested
    except JournalError:
        pass
    return datetime.fromtimestamp(stretch.path.stat().st_mtime, UTC)


def _drop(site: Site, stretch: Stretch, received: datetime) -> None:
    from collectors.journal.local import LocalJournal

    journal = site.journal
    assert isinstance(journal, LocalJournal)
    first, end = stretch.events
    dead = Counter(letter.record.source for letter in letters_of(journal, *stretch.dead) if letter.format != STORE)
    body = {
        "file": stretch.path.name,
        "from": first,
        "to": end,
        "dead_from": stretch.dead[0],
        "dead_to": stretch.dead[1],
        "dead": dict(sorted(dead.items())),
        "received": received.isoformat(),
        "sha256": digest(stretch.path),
    }
    site.ledger.append([Fact(f"{DROPPED}:{stretch.path.name}", DROPPED, site.clock(), "engine", body)])
    journal.drop(end)


def dropped(site: Site) -> tuple[Sequence[tuple[int, int]], Counter[str]]:
    """The spans of offsets that facts say are dropped, and how many dead letters of each source with them."""
    spans, dead = [], Counter[str]()
    for entry in site.ledger.entries(kinds=[DROPPED]):
        spans.append((entry.fact.body["from"], entry.fact.body["to"]))
        dead.update(entry.fact.body["dead"])
    return spans, dead
