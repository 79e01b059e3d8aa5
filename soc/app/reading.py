"""The journal from an offset, for consumers that go on: a frame that the disk has damaged is told and passed over, never a full stop."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from collectors.errors import DamagedFrameError
from collectors.event import Event
from collectors.journal import JournalReader
from collectors.record import DeadLetter

BATCH = 2_000
"""Events a step: enough to share work over, few enough for the processor's caches (5,000 take up to a third longer)."""

_log = logging.getLogger(__name__)


def next_batch(journal: JournalReader, offset: int, limit: int = BATCH) -> tuple[list[Event], int]:
    """Events from `offset` and where to read on; the same offset only at the end.

    Where events were damaged the list is empty and the offset behind them: the conservation fact then says how many went unevaluated.
    """
    try:
        return journal.read(offset, limit)
    except DamagedFrameError as error:
        _log.error(
            "events of the journal are damaged and passed over",
            extra={"from": offset, "to": error.next_offset, "error": str(error)},
        )
        return [], error.next_offset


_PART = 5_000


def events_of(journal: JournalReader, start: int, end: int) -> Iterator[tuple[int, Event]]:
    """The events of offsets, each with its own; those that are damaged, or gone by retention, are left out."""
    offset = max(start, journal.start())
    while offset < end:
        events, following = next_batch(journal, offset, min(_PART, end - offset))
        if following == offset:
            return
        yield from enumerate(events, offset)
        offset = following


def letters_of(journal: JournalReader, start: int, end: int) -> Iterator[DeadLetter]:
    """The dead letters of offsets, which are their own; those that are gone by retention are left out."""
    offset = max(start, journal.dead_start())
    while offset < end:
        letters, following = journal.dead_letters(offset, min(_PART, end - offset))
        if following == offset:
            return
        yield from letters
        offset = following
