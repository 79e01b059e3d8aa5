"""Batches in, messages of a topic's partitions out: the journal on Kafka, for sites that one machine is too small for.

One `append` is one transaction of one or more messages (a broker takes at most 1 MB in one), so all of it is there or nothing, and is seen
at one moment, for it is in one partition: that of its source, whose id is the key. (What dead letters of several sources became is in
that of the first.) Each message holds the packed content of a frame
(`collectors.journal.packing`), and in its header which events and dead letters these are:

    "soc" = u64 number | u64 first event | u64 first dead letter | u32 events | u32 dead letters | i64 number of the last snapshot

Numbers are ours, from 0 without a gap over all partitions, so the topic has one order, whoever reads how many of them; the broker's offsets
also count its own records, and are found by bisection. A snapshot is a message with all marks, written every `SNAPSHOT_EVERY` messages, so
that marks are known without reading a topic from its start. Who opens the journal to write it fences whoever wrote it before (Kafka's
transactional id), and a transaction that was under way is over then.
Source of truth: KIP-98 (transactions), librdkafka's CONFIGURATION.md.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from collectors.errors import JournalError
from collectors.event import Event
from collectors.journal import frame
from collectors.journal.durable import make_directory
from collectors.journal.kafka_config import KafkaJournalConfig
from collectors.journal.kafka_messages import (
    HEADER,
    OWN,
    Cursor,
    Head,
    name_of,
    partition_of,
)
from collectors.journal.kafka_reader import KafkaReader
from collectors.journal.kafka_writing import TRANSACTION_S, make_topics, overtaken, producer_of
from collectors.journal.lock import hold
from collectors.journal.packing import pack
from collectors.journal.reader import apply
from collectors.record import DeadLetter, Mark

if TYPE_CHECKING:
    from confluent_kafka import Message

log = logging.getLogger(__name__)

SNAPSHOT_EVERY = 1_000
"""Messages between two of all marks."""
MESSAGE_BYTES = 900_000
"""Of events in one message, as far as single events allow."""
_LOOK_S = 0.001


class KafkaJournal(KafkaReader):
    """Reads and writes; see `collectors.journal.Journal` for what each method promises."""

    def __init__(self, config: KafkaJournalConfig, folder: Path | None = None) -> None:
        """Makes the topic where it is missing, and fences whoever wrote it. `folder`: held while this writes, so that no
        second process of this machine begins to. Raises: JournalError.
        """
        self._held_fd = _held(folder)
        make_topics(config, {config.topic: config.partitions})
        self._producer = producer_of(config, config.topic)
        super().__init__(config)
        self._watch = Cursor(config)
        self._writing = threading.Lock()
        self._appended = threading.Condition()
        self._pause = threading.Event()
        """Never set: to wait by a clock that no step of the wall clock moves."""
        self._unsure = False
        """Whether a transaction was not seen to its end, which may be in the journal nevertheless,"""
        self._doubt: tuple[bytes, Head, Mapping[str, Mark | None]] | None = None
        """which one (the digest of its content, its last head, its marks),"""
        self._written: dict[bytes, int] = {}
        """and those that are, for when they are given again."""
        self._snapshot = OWN
        """The number of the last snapshot."""
        self._buffer = bytearray()
        self._begin()

    def _begin(self) -> None:
        """Take over where the last writer left it."""
        last = self._newest()
        self._head = _BEFORE if last is None else last.head
        self._marks = super().marks()
        self._since = SNAPSHOT_EVERY  # a snapshot comes first

    @property
    def overtaken(self) -> bool:
        """Whether it can be written no more: it was closed, or another process writes it."""
        return self._closed.is_set()

    def end(self) -> int:
        """The offset that the next event will have."""
        return self._head.next

    def dead_end(self) -> int:
        """The offset that the next dead letter will have."""
        return self._head.next_dead

    def marks(self) -> dict[str, Mark]:
        """The last mark under every key that was not forgotten."""
        with self._appended:
            return dict(self._marks)

    def append(self, events: Sequence[Event], marks: Mapping[str, Mark | None], dead: Sequence[DeadLetter]) -> int:
        """Write one transaction; returns the next offset once it is durable."""
        with self._writing:
            if not (events or marks or dead):
                return self._head.next
            return self._append([*self._parts(events, marks, dead)], marks)

    def append_packed(self, content: bytes, events: int, dead: int, marks: Mapping[str, Mark | None]) -> int:
        """As `append`, of a transaction that another process packed."""
        if len(content) > MESSAGE_BYTES:
            return self.append(frame.WHOLE.decode(content).events, marks, frame.DEAD.decode(content).dead)
        with self._writing:
            return self._append([_Part(_source(content), content, events, dead)], marks)

    def wait(self, offset: int, timeout_s: float) -> bool:
        """Block until there is an event at `offset`; woken by the append itself."""
        with self._appended:
            self._appended.wait_for(lambda: self._closed.is_set() or self.end() > offset, timeout_s)
            return not self._closed.is_set() and self.end() > offset

    def close(self) -> None:
        """Leave the brokers and release the waiters; everything acknowledged is with them already."""
        super().close()
        with self._appended:
            self._appended.notify_all()
        with self._writing:
            self._watch.close()
            if self._held_fd >= 0:
                os.close(self._held_fd)
                self._held_fd = -1

    def _parts(
        self, events: Sequence[Event], marks: Mapping[str, Mark | None], dead: Sequence[DeadLetter]
    ) -> Iterator[_Part]:
        """Packed content of the events of one source each; the marks and dead letters stand in the last one's."""
        runs = [(source, [*run]) for source, run in groupby(events, attrgetter("source"))]
        for source, run in runs[:-1]:
            yield from self._split(source, run, {}, ())
        source, run = runs[-1] if runs else (dead[0].record.source if dead else "", [])
        yield from self._split(source, run, marks, dead)

    def _split(
        self, source: str, events: Sequence[Event], marks: Mapping[str, Mark | None], dead: Sequence[DeadLetter]
    ) -> Iterator[_Part]:
        """Packed content of at most `MESSAGE_BYTES`, as far as single events allow; the marks stand in the last part."""
        events, dead = pack(self._buffer, events, marks, dead)
        if len(self._buffer) <= MESSAGE_BYTES or len(events) + len(dead) <= 1:
            yield _Part(source, bytes(self._buffer), len(events), len(dead))
            return
        half, dead_half = len(events) // 2, (len(dead) + 1) // 2
        yield from self._split(source, events[:half], {}, dead[:dead_half])
        yield from self._split(source, events[half:], marks, dead[dead_half:])

    def _append(self, parts: Sequence[_Part], marks: Mapping[str, Mark | None]) -> int:
        if self._closed.is_set():
            raise JournalError(f"{name_of(self.config)}: the journal is closed")
        self._settle()
        batch = blake2b(b"".join(part.content for part in parts)).digest() if self._written else b""
        if batch in self._written:
            return self._written.pop(batch)
        if self._since >= SNAPSHOT_EVERY:
            pack(self._buffer, (), self._marks, ())
            head = Head(self._head.number + 1, self._head.next, self._head.next_dead, 0, 0, OWN)
            self._transact([(head, "", bytes(self._buffer))])
            self._snapped(head)
        messages = [*self._messages(parts)]
        try:
            self._transact(messages)
        except JournalError:
            self._doubt = blake2b(b"".join(part.content for part in parts)).digest(), messages[-1][0], marks
            raise
        self._took(messages[-1][0], marks, len(messages))
        return self._head.next

    def _messages(self, parts: Sequence[_Part]) -> Iterator[tuple[Head, str, bytes]]:
        last = self._head
        for part in parts:
            last = Head(last.number + 1, last.next, last.next_dead, part.events, part.dead, self._snapshot)
            yield last, part.source, part.content

    def _snapped(self, head: Head) -> None:
        """A snapshot is in the journal."""
        self._head, self._snapshot, self._since = head, head.number, 0

    def _took(self, head: Head, marks: Mapping[str, Mark | None], messages: int) -> None:
        """A transaction is in the journal; `head`: of its last message."""
        with self._appended:
            self._head = head
            apply(self._marks, marks)
            self._since += messages
            self._appended.notify_all()

    def _transact(self, messages: Sequence[tuple[Head, str, bytes]]) -> None:
        """Write messages, each of a source, all or none. Raises: JournalError; then `_settle` has to look."""
        from confluent_kafka import KafkaException

        partition, placed = partition_of(messages[0][1], self.partitions), [-1]

        def delivered(error: object, message: Message) -> None:
            if error is None:
                placed.append(message.offset() or 0)

        self._unsure = True
        try:
            self._producer.begin_transaction()
            for head, source, content in messages:
                self._producer.produce(
                    self.config.topic,
                    content,
                    key=source.encode("utf-8", "backslashreplace"),
                    partition=partition,
                    headers={HEADER: head.written()},
                    on_delivery=delivered,
                )
            self._producer.flush(TRANSACTION_S)
            self._producer.commit_transaction(TRANSACTION_S)
        except (KafkaException, BufferError) as error:
            if overtaken(error):
                self._closed.set()
                raise JournalError(f"{name_of(self.config)}: another process writes this journal now") from error
            raise JournalError(f"{name_of(self.config)}: {error}") from error
        self._await(partition, placed[-1])
        self._unsure = False

    def _await(self, partition: int, at: int) -> None:
        """Return when readers see the message at this offset of the broker's: it answers before it has marked the transaction's end."""
        until = time.monotonic() + TRANSACTION_S
        while time.monotonic() < until:
            if self._watch.bounds(partition)[1] > at:
                return
            self._pause.wait(_LOOK_S)
        raise JournalError(f"{name_of(self.config)}: the brokers do not end a transaction")

    def _settle(self) -> None:
        """After a transaction that failed: begin anew with the brokers, and see whether it is there nevertheless. Raises: JournalError."""
        if not self._unsure:
            return
        self._producer.purge()
        self._producer = producer_of(
            self.config, self.config.topic
        )  # what was under way is over then, one way or the other
        with self._lock:
            self._last = [(-1, None)] * self.partitions
            last = self._newest()
        head = _BEFORE if last is None else last.head
        doubt, self._doubt = self._doubt, None
        if head.number == self._head.number + 1 and head.snapshot == OWN:
            self._snapped(head)
        elif doubt is not None and head == doubt[1]:
            self._took(head, doubt[2], 1)
            self._written[doubt[0]] = head.next
        elif head != self._head:
            self._closed.set()
            raise JournalError(f"{name_of(self.config)}: another process writes this journal")
        self._unsure = False


_BEFORE = Head(-1, 0, 0, 0, 0, OWN)
"""Before the first message of all."""


def _held(folder: Path | None) -> int:
    if folder is None:
        return -1
    try:
        make_directory(folder)
        return hold(folder)
    except OSError as error:
        raise JournalError(f"{folder}: {error.strerror}") from error


class _Part(NamedTuple):
    """The content of one message, and whose events these are."""

    source: str
    content: bytes
    events: int
    dead: int


def _source(content: bytes) -> str:
    """Whose packed events, or else dead letters, these are."""
    body = frame.PIECES.decode(content)
    if body.events:
        return frame.EVENT.decode(body.events[0]).source
    letters = frame.DEAD.decode(content).dead
    return letters[0].record.source if letters else ""
