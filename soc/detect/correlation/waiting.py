"""Hits in as they come, hits out in order of time and sequence number once the watermark has passed them; an event counts once.

They wait in slots as wide as a step of the watermark, and a slot is sorted once, when it is released. Where everything waits for the end
there is one slot. Two events of the same id and time (one record that was received twice) are one.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from operator import itemgetter

from soc.detect.correlation.hits import SHIFT
from soc.detect.correlation.reading import Item
from soc.detect.correlation.watermark import STEP_US

_by_hit = itemgetter(0)


class Waiting:
    """What is held back. `slots`: by number (time // STEP_US, 0 where all waits for the end), the items and the ids of their events.

    `held`: items; `duplicates`: events that had come before: both are for the one who fills the slots to count.
    """

    def __init__(self, *, endless: bool) -> None:
        self.duplicates = 0
        self.endless = endless
        self.slots: dict[int, tuple[list[Item], set[str]]] = {}
        self._order: list[int] = []
        self.held = 0

    def open(self, number: int) -> tuple[list[Item], set[str]]:
        """A slot that was not there."""
        slot = self.slots[number] = ([], set())
        heapq.heappush(self._order, number)
        return slot

    @property
    def first_us(self) -> int | None:
        """Until when, at least, the earliest is held back."""
        if not self._order:
            return None
        if self.endless:
            return self.slots[0][0][0][0] >> SHIFT
        return (self._order[0] + 1) * STEP_US

    def middle(self) -> int:
        """A time that half of the items are before."""
        times = sorted(item[0] >> SHIFT for items, _ in self.slots.values() for item in items)
        return times[len(times) // 2]

    def before(self, time_us: int) -> Iterator[list[Item]]:
        """Release the items before a moment (a whole step, but of the one slot), sorted, a slot at a time."""
        while self._order and (self.endless or (self._order[0] + 1) * STEP_US <= time_us):
            items, ids = self.slots.pop(heapq.heappop(self._order))
            items.sort(key=_by_hit)
            if self.endless and items[-1][0] >> SHIFT >= time_us:
                kept = [item for item in items if item[0] >> SHIFT >= time_us]
                items = items[: len(items) - len(kept)]
                self.slots[0] = (kept, ids)
                self._order.append(0)
                self.held -= len(items)
                yield items
                return
            self.held -= len(items)
            yield items

    def all(self) -> Iterator[Item]:
        """What is held back, in the order in which it came within each slot."""
        for number in sorted(self.slots):
            yield from self.slots[number][0]

    def kept(self) -> list[tuple[int, list[Item], list[str]]]:
        """Number, items and event ids of each slot, to be kept."""
        return [(number, items, sorted(ids)) for number, (items, ids) in sorted(self.slots.items())]

    def load(self, number: int, items: list[Item], ids: list[str]) -> None:
        """Take up a slot."""
        self.slots[number] = (items, set(ids))
        heapq.heappush(self._order, number)
        self.held += len(items)
