"""Messages of one partition in, events by offset out: `KafkaReader`, what every process may do with a journal on Kafka.

Numbers of events are ours, from 0 without a gap; the broker's offsets count its own records too, so a message is found by bisection.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from collectors.errors import JournalError
from collectors.event import Event
from collectors.journal import frame
from collectors.journal.consumers import check_name
from collectors.journal.kafka_config import KafkaJournalConfig
from collectors.journal.kafka_messages import (
    ANSWER_S,
    OWN,
    POLL_S,
    Cursor,
    Head,
    Read,
    consumer_of,
    name_of,
    place,
    told,
)
from collectors.journal.reader import apply
from collectors.record import DeadLetter, Mark

if TYPE_CHECKING:
    from confluent_kafka import Consumer

_BACK = 8
"""How many broker's offsets before the end the last message is looked for first: each transaction ends with a record of the broker's."""
_KNOWN = 4_096
"""Places of messages that a reader remembers."""


class KafkaReader:
    """Reads a journal that this or another process writes; see `collectors.journal.JournalReader` for what each method promises."""

    def __init__(self, config: KafkaJournalConfig) -> None:
        """Raises: JournalError where the brokers do not answer or have no such topic."""
        self._config = config
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._cursor, self._probe = Cursor(config), Cursor(config)
        self._places: list[tuple[int, Head]] = []
        self._last: tuple[int, Read | None] = (-1, None)
        """The last message, as of which end of the partition."""
        self._next = (-1, -1)
        """Where the cursor goes on: the offset of an event, and the broker's."""
        self._held: tuple[int, list[msgspec.Raw]] = (0, [])
        """Events of the last message that was read, from this offset on."""
        self._fetched: tuple[int, list[msgspec.Raw]] = (0, [])
        """Of the last fetch, since the next one is near it as a rule."""
        self._consumers: dict[str, Consumer] = {}
        try:
            self._probe.bounds()
        except JournalError:
            self.close()
            raise

    def start(self) -> int:
        """The lowest offset that can be read."""
        return self._first()[0]

    def end(self) -> int:
        """The offset that the next event will have."""
        return self._ends()[0]

    def dead_start(self) -> int:
        """The lowest offset of a dead letter that can be read."""
        return self._first()[1]

    def dead_end(self) -> int:
        """The offset that the next dead letter will have."""
        return self._ends()[1]

    def read(self, offset: int, limit: int) -> tuple[list[Event], int]:
        """Up to `limit` events from `offset` in order, and where to read on."""
        events: list[Event] = []
        with self._lock:
            first, pieces = self._held
            if not first <= offset <= first + len(pieces):
                self._check(offset, self.start())
            end = self.end()
            while len(events) < limit and offset < end:
                if not first <= offset < first + len(pieces):
                    first, pieces = self._held = self._pieces(offset)
                taken = pieces[offset - first : offset - first + limit - len(events)]
                events += map(frame.EVENT.decode, taken)
                offset += len(taken)
        return events, offset

    def fetch(self, offset: int) -> Event:
        """The one event at `offset`."""
        with self._lock:
            first, pieces = self._fetched
            if not first <= offset < first + len(pieces):
                if not self.start() <= offset < self.end():
                    raise JournalError(f"{name_of(self._config)}: no event at offset {offset}")
                found = self._find(lambda head: (head.first, head.next), offset)
                first, pieces = self._fetched = found.head.first, frame.PIECES.decode(found.content).events
            return frame.EVENT.decode(pieces[offset - first])

    def dead_letters(self, offset: int, limit: int) -> tuple[list[DeadLetter], int]:
        """As `read`, for dead letters, which have offsets of their own."""
        letters: list[DeadLetter] = []
        with self._lock:
            end = self.dead_end()
            self._check(offset, self._first()[1])
            while len(letters) < limit and offset < end:
                found = self._find(lambda head: (head.first_dead, head.next_dead), offset)
                skip = offset - found.head.first_dead
                taken = frame.DEAD.decode(found.content).dead[skip : skip + limit - len(letters)]
                letters += taken
                offset += len(taken)
        return letters, offset

    def marks(self) -> dict[str, Mark]:
        """The last mark under every key that was not forgotten: of the last snapshot, and after it."""
        marks: dict[str, Mark] = {}
        with self._lock:
            low, high = self._probe.bounds()
            last = self._tail(low, high)
            at = high if last is None else last.at if last.head.snapshot == OWN else last.head.snapshot
            while (found := self._probe.read(max(at, low), high)) is not None:
                apply(marks, frame.MARKS.decode(found.content).marks)
                at = found.at + 1
        return marks

    def committed(self, consumer: str) -> int:
        """Where this consumer goes on reading; `start()` for one that never committed."""
        with self._lock, told(self._config):
            [found] = self._group(consumer).committed([place(self._config)], timeout=ANSWER_S)
        return self.start() if found.offset < 0 else min(found.offset, self.end())

    def wait(self, offset: int, timeout_s: float) -> bool:
        """Block until there is an event at `offset`; looks every 50 ms."""
        until = time.monotonic() + timeout_s
        while not self._closed.is_set():
            if self.end() > offset:
                return True
            left = until - time.monotonic()
            if left <= 0:
                break
            self._closed.wait(min(left, POLL_S))
        return False

    def close(self) -> None:
        """Leave the brokers and release the waiters; a second time changes nothing."""
        self._closed.set()
        with self._lock:
            self._cursor.close()
            self._probe.close()
            for consumer in self._consumers.values():
                consumer.close()
            self._consumers.clear()

    def _check(self, offset: int, first: int) -> None:
        if offset < first:
            raise JournalError(f"{name_of(self._config)}: offset {offset} is below the first one")

    def _first(self) -> tuple[int, int]:
        """The first event and the first dead letter that can be read."""
        with self._lock:
            low, high = self._probe.bounds()
            if self._places and self._places[0][0] == low:
                head = self._places[0][1]
                return head.first, head.first_dead
            found = self._probe.read(low, high)
            if found is None:
                return self._ends()
            self._remember(found)
            return found.head.first, found.head.first_dead

    def _ends(self) -> tuple[int, int]:
        """The offsets that the next event and the next dead letter will have."""
        with self._lock:
            last = self._tail(*self._probe.bounds())
            return (0, 0) if last is None else (last.head.next, last.head.next_dead)

    def _tail(self, low: int, high: int) -> Read | None:
        """The last message below `high`."""
        if self._last[0] == high:
            return self._last[1]
        back, found = _BACK, None
        while found is None and low < high:
            at = max(low, high - back)
            while (each := self._probe.read(at, high)) is not None:
                found, at = each, each.at + 1
            if high - back <= low:
                break
            back *= 8
        self._last = high, found
        return found

    def _pieces(self, offset: int) -> tuple[int, list[msgspec.Raw]]:
        """The events of the message that holds this one, and the offset of the first."""
        _, high = self._probe.bounds()
        expected, at = self._next
        if offset != expected:
            at = self._find(lambda head: (head.first, head.next), offset).at
        while True:
            found = self._cursor.read(at, high)
            if found is None:
                raise JournalError(f"{name_of(self._config)}: event {offset} is not there")
            at = found.at + 1
            if found.head.next > offset:
                break
        self._next = found.head.next, at
        return found.head.first, frame.PIECES.decode(found.content).events

    def _find(self, span: Callable[[Head], tuple[int, int]], wanted: int) -> Read:
        """The message whose span holds what is wanted. Raises: JournalError."""
        low, high = self._probe.bounds()
        known = bisect_right(self._places, wanted, key=lambda each: span(each[1])[0])
        begin = low
        if known:
            at, head = self._places[known - 1]
            begin = max(low, at if wanted < span(head)[1] else at + 1)
        end = self._places[known][0] if known < len(self._places) else high
        middle = begin
        while begin < end:
            found = self._probe.read(middle, high)
            if found is None:
                end = middle
            else:
                self._remember(found)
                first, following = span(found.head)
                if first <= wanted < following:
                    return found
                if following <= wanted:
                    begin = found.at + 1
                else:
                    end = middle
            middle = (begin + end) // 2
        raise JournalError(f"{name_of(self._config)}: {wanted} is not there")

    def _remember(self, read: Read) -> None:
        if len(self._places) >= _KNOWN:
            del self._places[::2]
        at = bisect_right(self._places, read.at, key=lambda each: each[0])
        if not at or self._places[at - 1][0] != read.at:
            self._places.insert(at, (read.at, read.head))

    def _group(self, consumer: str) -> Consumer:
        check_name(consumer)
        if consumer not in self._consumers:
            self._consumers[consumer] = consumer_of(self._config, consumer)
        return self._consumers[consumer]
