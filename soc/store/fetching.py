"""Journal offsets in, their events out: neighbours are read in one go, because the journal decodes by the frame (a batch of events)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import pairwise

from collectors.errors import DamagedFrameError
from collectors.event import Event
from collectors.journal import JournalReader

NEIGHBOUR = 256
"""Offsets this near are read together: passing over an event costs a twentieth of finding its frame again."""

_log = logging.getLogger(__name__)


def fetch(journal: JournalReader, offsets: Sequence[int]) -> Iterator[tuple[int, Event]]:
    """Offset and event, in the order of `offsets`. Left out: what retention dropped, and what is damaged on disk (logged as an error)."""
    start = journal.start()
    wanted = sorted(offset for offset in offsets if offset >= start)
    found: dict[int, Event] = {}
    for first, last in _runs(wanted):
        found.update(_read(journal, first, last))
    return ((offset, found[offset]) for offset in offsets if offset in found)


def _runs(offsets: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last offset of each run of neighbours; `offsets` ascend."""
    if not offsets:
        return
    first = offsets[0]
    for before, after in pairwise(offsets):
        if after - before > NEIGHBOUR:
            yield first, before
            first = after
    yield first, offsets[-1]


def _read(journal: JournalReader, offset: int, last: int) -> Iterator[tuple[int, Event]]:
    while offset <= last:
        try:
            events, after = journal.read(offset, last - offset + 1)
        except DamagedFrameError as error:
            _log.exception("events cannot be read", extra={"path": error.path, "offset": error.offset})
            offset = error.next_offset
            continue
        if not events:
            return
        yield from enumerate(events, offset)
        offset = after
