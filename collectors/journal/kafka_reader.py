"""Messages of partitions in, events by offset out: `KafkaReader`, what every process may do with a journal on Kafka.

Numbers of events are ours, from 0 without a gap over all partitions, and ascend in each; the broker's offsets count its own records too,
so a message is found by bisection. A message is seen by readers before the one after it is written, in whatever partitions they are.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
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
    read_of,
    told,
)
from collectors.journal.reader import apply
from collectors.record import DeadLetter, Mark

if TYPE_CHECKING:
    from confluent_kafka import Consumer

_KNOWN = 4_096
"""Places of messages that a reader remembers."""


class KafkaReader:
    """Reads a journal that this or another process writes; see `collectors.journal.JournalReader` for what each method promises."""

    def __init__(self, config: KafkaJournalConfig) -> None:
        """Raises: JournalError where the brokers do not answer or have no such topic."""
        self.config = config
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._probe = Cursor(config)
        self._places: list[list[tuple[int, Head]]] = []
        """Of each partition, messages that were seen: the broker's offset and the head."""
        self._last: list[tuple[int, Read | None]] = []
        """Of each partition the last message, as of which end."""
        self._held: tuple[int, list[msgspec.Raw]] = (0, [])
        """Events of the last message that was read, from this offset on."""
        self._fetched: tuple[int, list[msgspec.Raw]] = (0, [])
        """Of the last fetch, since the next one is near it as a rule."""
        self._consumers: dict[str, Consumer] = {}
        try:
            self.partitions = self._probe.partitions()
        except JournalError:
            self.close()
            raise
        self._places = [[] for _ in range(self.partitions)]
        self._last = [(-1, None)] * self.partitions

    @cached_property
    def _events(self) -> _Merged:
        return _Merged(self, lambda head: (head.first, head.next))

    @cached_property
    def _dead(self) -> _Merged:
        return _Merged(self, lambda head: (head.first_dead, head.next_dead))

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
                    found = self._events.message(offset)
                    first, pieces = self._held = found.head.first, frame.PIECES.decode(found.content).events
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
                    raise JournalError(f"{name_of(self.config)}: no event at offset {offset}")
                found = self._find(offset)
                first, pieces = self._fetched = found.head.first, frame.PIECES.decode(found.content).events
            return frame.EVENT.decode(pieces[offset - first])

    def dead_letters(self, offset: int, limit: int) -> tuple[list[DeadLetter], int]:
        """As `read`, for dead letters, which have offsets of their own."""
        letters: list[DeadLetter] = []
        with self._lock:
            end = self.dead_end()
            self._check(offset, self._first()[1])
            while len(letters) < limit and offset < end:
                found = self._dead.message(offset)
                skip = offset - found.head.first_dead
                taken = frame.DEAD.decode(found.content).dead[skip : skip + limit - len(letters)]
                letters += taken
                offset += len(taken)
        return letters, offset

    def marks(self) -> dict[str, Mark]:
        """The last mark under every key that was not forgotten: of the last snapshot, and after it."""
        marks: dict[str, Mark] = {}
        with self._lock:
            last = self._newest()
            if last is None:
                return marks
            since = last.head.number if last.head.snapshot == OWN else last.head.snapshot
            changes: list[Read] = []
            for partition in range(self.partitions):
                _, high = self._probe.bounds(partition)
                found = self.after(partition, lambda head: head.number, since - 1)
                while found is not None:
                    changes.append(found)
                    found = self._probe.read(partition, found.at + 1, high)
            for change in sorted(changes, key=lambda each: each.head.number):
                apply(marks, frame.MARKS.decode(change.content).marks)
        return marks

    def committed(self, consumer: str) -> int:
        """Where this consumer goes on reading; `start()` for one that never committed."""
        with self._lock, told(self.config):
            [found] = self._group(consumer).committed([place(self.config, 0)], timeout=ANSWER_S)
        return self.start() if found.offset < 0 else min(found.offset, self.end())

    def commit(self, consumer: str, offset: int) -> None:
        """Remember that `consumer` is done with everything below `offset`."""
        if not self.start() <= offset <= self.end():
            raise JournalError(
                f"{name_of(self.config)}: {consumer} commits offset {offset}, beyond {self.start()} to {self.end()}"
            )
        with self._lock, told(self.config):
            self._group(consumer).commit(offsets=[place(self.config, 0, offset)], asynchronous=False)

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
            self._probe.close()
            for merged in (self.__dict__.get("_events"), self.__dict__.get("_dead")):
                if merged is not None:
                    merged.close()
            for consumer in self._consumers.values():
                consumer.close()
            self._consumers.clear()

    def _check(self, offset: int, first: int) -> None:
        if offset < first:
            raise JournalError(f"{name_of(self.config)}: offset {offset} is below the first one")

    def _first(self) -> tuple[int, int]:
        """The first event and the first dead letter from which on no partition lacks any."""
        first, first_dead = 0, 0
        with self._lock:
            for partition in range(self.partitions):
                low, high = self._probe.bounds(partition)
                if not low:
                    continue
                known = self._places[partition]
                if known and known[0][0] == low:
                    head = known[0][1]
                elif (found := self._probe.read(partition, low, high)) is not None:
                    self.remember(partition, found)
                    head = found.head
                else:
                    return self._ends()
                first, first_dead = max(first, head.first), max(first_dead, head.first_dead)
        return first, first_dead

    def _ends(self) -> tuple[int, int]:
        """The offsets that the next event and the next dead letter will have."""
        last = self._newest()
        return (0, 0) if last is None else (last.head.next, last.head.next_dead)

    def _newest(self) -> Read | None:
        """The last message of all."""
        with self._lock:
            tails = [self._tail(partition) for partition in range(self.partitions)]
            return max((each for each in tails if each is not None), key=lambda each: each.head.number, default=None)

    def _tail(self, partition: int) -> Read | None:
        """The last message of a partition."""
        low, high = self._probe.bounds(partition)
        if self._last[partition][0] == high:
            return self._last[partition][1]
        message = self._probe.last(partition, low, high)
        found = None if message is None else read_of(message, self.config)
        self._last[partition] = high, found
        return found

    def bounds(self, partition: int) -> tuple[int, int]:
        """The first offset of the broker's, and the one after the last that is committed. Raises: JournalError."""
        with self._lock:
            return self._probe.bounds(partition)

    def _find(self, offset: int) -> Read:
        """The message with this event. Raises: JournalError."""
        for partition in range(self.partitions):
            found = self.after(partition, lambda head: head.next, offset)
            if found is not None and found.head.first <= offset:
                return found
        raise JournalError(f"{name_of(self.config)}: event {offset} is not there")

    def after(self, partition: int, key: Callable[[Head], int], wanted: int) -> Read | None:
        """The first message of a partition whose key, which never descends, is beyond what is wanted."""
        low, high = self.bounds(partition)
        places = self._places[partition]
        known = bisect_right(places, wanted, key=lambda each: key(each[1]))
        beyond = places[known][0] if known < len(places) else high
        begin, end = max(low, places[known - 1][0] + 1 if known else low), beyond
        middle, result = begin, None
        while begin < end:
            found = self._probe.read(partition, middle, high)
            if found is None or found.at >= end:
                end = middle
            elif key(found.head) > wanted:
                result, end = found, middle
                self.remember(partition, found)
            else:
                begin = found.at + 1
                self.remember(partition, found)
            middle = (begin + end) // 2
        return result or self._probe.read(partition, max(low, beyond), high)

    def remember(self, partition: int, read: Read) -> None:
        """Where a message stands."""
        places = self._places[partition]
        if len(places) >= _KNOWN:
            del places[::2]
        at = bisect_right(places, read.at, key=lambda each: each[0])
        if not at or places[at - 1][0] != read.at:
            places.insert(at, (read.at, read.head))

    def _group(self, consumer: str) -> Consumer:
        check_name(consumer)
        if consumer not in self._consumers:
            self._consumers[consumer] = consumer_of(self.config, consumer)
        return self._consumers[consumer]


@dataclass(slots=True)
class _Stream:
    """One partition read in order: where the cursor goes on, up to where there was something, and the message that was read last."""

    cursor: Cursor
    at: int = 0
    high: int = 0
    ahead: Read | None = None


class _Merged:
    """All partitions read as one, in the order of our numbers. `span`: what a message holds of what is read, from where to where."""

    def __init__(self, reader: KafkaReader, span: Callable[[Head], tuple[int, int]]) -> None:
        self._reader = reader
        self._span = span
        self._streams = [_Stream(Cursor(reader.config)) for _ in range(reader.partitions)]
        self._next = -1

    def message(self, wanted: int) -> Read:
        """The message that holds what is wanted, which is below the end. Raises: JournalError."""
        if wanted != self._next:
            for partition, stream in enumerate(self._streams):
                _, end = self._reader.bounds(partition)
                stream.ahead = self._reader.after(partition, lambda head: self._span(head)[1], wanted)
                stream.at = stream.high = end if stream.ahead is None else stream.ahead.at + 1
        until = time.monotonic() + ANSWER_S
        while (found := self._come_to(wanted)) is None:
            if time.monotonic() > until:
                raise JournalError(f"{name_of(self._reader.config)}: {wanted} is not there")
            for partition, stream in enumerate(self._streams):
                _, stream.high = self._reader.bounds(partition)
        self._next = self._span(found.head)[1]
        return found

    def _come_to(self, wanted: int) -> Read | None:
        """The message of the stream that has come to what is wanted; None where none has."""
        for partition, stream in enumerate(self._streams):
            while stream.ahead is None or self._span(stream.ahead.head)[1] <= wanted:
                stream.ahead = stream.cursor.read(partition, stream.at, stream.high)
                if stream.ahead is None:
                    break
                stream.at = stream.ahead.at + 1
                self._reader.remember(partition, stream.ahead)
            if stream.ahead is not None and self._span(stream.ahead.head)[0] <= wanted:
                return stream.ahead
        return None

    def close(self) -> None:
        """Leave the brokers."""
        for stream in self._streams:
            stream.cursor.close()
