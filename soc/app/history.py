"""A span of time in, the journal's events of that span out, with their offsets: what backtest, tuning and coverage look back on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from collectors.event import Event, effective
from collectors.journal import JournalReader
from soc.app.audit import SOURCE
from soc.app.reading import BATCH, next_batch


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` (inclusive) to `until` (exclusive), by when an event happened (`happened`)."""

    since: datetime
    until: datetime

    def holds(self, moment: datetime) -> bool:
        """Whether the moment is within."""
        return self.since <= moment < self.until


def history(journal: JournalReader, since: datetime) -> Iterator[tuple[int, Sequence[Event]]]:
    """Consecutive batches, each with the offset of its first event, that hold every event that happened from `since` on, and earlier ones.

    An event is received after it happened, so what was received before `since` is not read at all; what came late stands further on, so
    the journal is read to its end as it is now.
    """
    offset, end = first_received(journal, since), journal.end()
    while offset < end:
        events, following = next_batch(journal, offset, min(BATCH, end - offset))
        if following == offset:
            return
        if events:
            yield offset, events
        offset = following


def first_received(journal: JournalReader, since: datetime) -> int:
    """An offset below which nothing was received at or after `since`; a batch lower than the first such, as sources overlap a little."""
    low, high = journal.start(), journal.end()
    while low < high:
        middle = (low + high) // 2
        events, following = next_batch(journal, middle, 1)
        if events and events[0].ingested >= since:
            high = middle
        else:
            low = following if following > middle else middle + 1
    return max(journal.start(), low - BATCH)


_TAIL = 1_000
"""Events at the journal's end among which `newest` looks."""


def newest(journal: JournalReader) -> datetime | None:
    """When the newest of the last events that sources sent happened, the SOC's own left out; None where there is none."""
    offset = max(journal.start(), journal.end() - _TAIL)
    events, _ = next_batch(journal, offset, _TAIL)
    return max((effective(event) for event in events if event.source != SOURCE), default=None)
