"""Events that fired rules in, those of a detection out: the default memory of scans, tests and backtests. `soc run` asks the journal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from collectors.event import Event

Recall = Callable[[Sequence[int]], list[Event]]
"""Sequence numbers, ascending -> their events in that order, without those that are gone."""

MAX_BYTES = 128 << 20
"""What the events that are kept may take, as far as can be guessed."""
_EACH = 1_500
"""Bytes of an event besides its record."""
_COPIES = 3
"""An event's fields take about as much again as its record, twice."""


class Keeper:
    """Events by sequence number; the oldest are let go beyond the bound, and counted in `forgotten`."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.forgotten = 0
        self._events: dict[int, Event] = {}
        self._bytes = 0
        self._max_bytes = max_bytes

    def keep(self, number: int, event: Event) -> None:
        """Keep an event."""
        if number in self._events:
            return
        self._events[number] = event
        self._bytes += _size(event)
        if self._bytes > self._max_bytes:
            self._forget()

    def _forget(self) -> None:
        """Let go of the older half, so that this is seldom."""
        for number in sorted(self._events):
            if self._bytes <= self._max_bytes // 2 or len(self._events) == 1:
                return
            self._bytes -= _size(self._events.pop(number))
            self.forgotten += 1

    def recall(self, numbers: Sequence[int]) -> list[Event]:
        """The events of these numbers that are still kept."""
        found = (self._events.get(number) for number in numbers)
        return [event for event in found if event is not None]


def _size(event: Event) -> int:
    return _EACH + _COPIES * len(event.raw)
