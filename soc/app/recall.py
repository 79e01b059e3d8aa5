"""Offsets of the journal in, their events out: what detection over several events asks for, and where what it got stands.

Detection remembers offsets only. The batch that is looked at is at hand; everything else is read from the journal, neighbours in one go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from collectors.event import Event
from collectors.journal import JournalReader
from soc.store.fetching import fetch


class JournalRecall:
    """For one thread that detects. Called with offsets it gives their events, but for those that retention dropped or a disk damaged."""

    def __init__(self, journal: JournalReader) -> None:
        self._journal = journal
        self._batch: Sequence[Event] = ()
        self._first = 0
        self._recalled: dict[str, int] = {}

    def begin(self, batch: Sequence[Event], first: int) -> None:
        """The batch that is looked at from here on, and the offset of its first event."""
        self._batch, self._first = batch, first
        self._recalled.clear()

    def __call__(self, offsets: Sequence[int]) -> list[Event]:
        """The events, in the order of the offsets."""
        first, end = self._first, self._first + len(self._batch)
        found = {offset: self._batch[offset - first] for offset in offsets if first <= offset < end}
        found.update(fetch(self._journal, [offset for offset in offsets if not first <= offset < end]))
        self._recalled.update((event.id, offset) for offset, event in found.items())
        return [found[offset] for offset in offsets if offset in found]

    def places(self) -> Mapping[str, int]:
        """Where the events of the batch stand, and those that were recalled since it began: event id -> offset."""
        return {event.id: offset for offset, event in enumerate(self._batch, self._first)} | self._recalled
