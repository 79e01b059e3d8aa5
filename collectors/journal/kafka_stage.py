"""What processes that share the work on a journal hand to each other: topics beside the journal's, "TOPIC-NAME".

A message is bytes. `StageInput` reads one partition on from a place; `StageOutput` writes a transaction over several topics, and is the
only one of its name, so that of two processes that hold themselves for the owner of the same work the older one writes nothing more.
`Members` tells which partitions are this process's, as the brokers share them out among all of its group.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from collectors.errors import JournalError
from collectors.journal.kafka_config import KafkaJournalConfig
from collectors.journal.kafka_messages import ANSWER_S, Cursor, place, told
from collectors.journal.kafka_writing import TRANSACTION_S, overtaken, producer_of
from collectors.kafka import keys_of

if TYPE_CHECKING:
    from confluent_kafka import Consumer, TopicPartition

log = logging.getLogger(__name__)

SESSION_MS = 6_000
"""After so long without a sign of life a process is taken for dead, and others get its partitions: the least that brokers allow."""

REFRESH_MS = 2_000
"""A broker that has just started may not know its topics yet: a group that heard so would share out nothing until it asks again."""


class OvertakenError(JournalError):
    """Another process does this work now."""


class Message(NamedTuple):
    """What stands in a partition: at which offset of the broker's, and the content."""

    at: int
    content: bytes


def stage(config: KafkaJournalConfig, name: str) -> KafkaJournalConfig:
    """The topic of that name beside the journal's."""
    return dataclasses.replace(config, topic=f"{config.topic}-{name}")


class StageInput:
    """One partition of a topic, read in order; for one thread at a time."""

    def __init__(self, config: KafkaJournalConfig, partition: int) -> None:
        self._cursor = Cursor(config)
        self._partition = partition
        self.at = 0
        """The offset of the broker's to read on from."""

    def low(self) -> int:
        """The first offset that is there."""
        return self._cursor.bounds(self._partition)[0]

    def end(self) -> int:
        """The offset of the broker's behind everything that is committed. Raises: JournalError."""
        return self._cursor.bounds(self._partition)[1]

    def last(self) -> Message | None:
        """The last message. Raises: JournalError."""
        found = self._cursor.last(self._partition, *self._cursor.bounds(self._partition))
        return None if found is None else Message(found.offset() or 0, found.value() or b"")

    def read(self, end: int) -> Message | None:
        """The next message below `end`; None where there is none. Raises: JournalError."""
        found = self._cursor.message(self._partition, self.at, end)
        if found is None:
            self.at = max(self.at, end)
            return None
        self.at = (found.offset() or 0) + 1
        return Message(self.at - 1, found.value() or b"")

    def come(self, timeout_s: float) -> Message | None:
        """The next message, at once where it is at hand; None where none comes for so long. Raises: JournalError."""
        found = self._cursor.come(self._partition, self.at, timeout_s)
        if found is None:
            return None
        self.at = (found.offset() or 0) + 1
        return Message(self.at - 1, found.value() or b"")

    def close(self) -> None:
        """Leave the brokers."""
        self._cursor.close()


class StageOutput:
    """Writes what comes of one piece of work, `name`d; whoever opened it before is overtaken."""

    def __init__(self, config: KafkaJournalConfig, name: str) -> None:
        """Raises: JournalError."""
        self._config = config
        self._name = name
        self._producer = producer_of(config, f"{config.topic}-{name}")

    def write(self, messages: Sequence[tuple[KafkaJournalConfig, int, bytes]]) -> None:
        """Messages, each with its topic and partition, all or none. Raises: OvertakenError, JournalError (nobody knows which)."""
        from confluent_kafka import KafkaException

        try:
            self._producer.begin_transaction()
            for config, partition, content in messages:
                self._producer.produce(config.topic, content, partition=partition)
            self._producer.commit_transaction(TRANSACTION_S)
        except (KafkaException, BufferError) as error:
            if overtaken(error):
                raise OvertakenError(f"{self._config.topic}-{self._name}: another process does this now") from error
            raise JournalError(f"{self._config.topic}-{self._name}: {error}") from error

    def close(self) -> None:
        """Give up what is under way: it would be waited for."""
        self._producer.purge()


class Members:
    """Of a group that shares the partitions of topics: each is given to one member, as long as that gives signs of life."""

    def __init__(self, config: KafkaJournalConfig, group: str, topics: Sequence[KafkaJournalConfig]) -> None:
        """Raises: JournalError."""
        self._config = config
        self._topics = [each.topic for each in topics]
        self._consumer = self._joined(group)
        self._ours: frozenset[tuple[str, int]] = frozenset()

    def _joined(self, group: str) -> Consumer:
        with told(self._config):
            from confluent_kafka import Consumer

            consumer = Consumer(
                {
                    **keys_of(self._config),
                    "group.id": f"{self._config.topic}.{group}",
                    "enable.auto.commit": False,
                    "session.timeout.ms": SESSION_MS,
                    "heartbeat.interval.ms": SESSION_MS // 3,
                    "topic.metadata.refresh.interval.ms": REFRESH_MS,
                    "partition.assignment.strategy": "range",
                },
                logger=log,
            )
            consumer.subscribe(self._topics, on_assign=self._assigned, on_lost=self._lost)
        return consumer

    def ours(self, timeout_s: float) -> frozenset[tuple[str, int]]:
        """Which (topic, partition) are this member's, after waiting so long for news. Raises: JournalError."""
        until = time.monotonic() + timeout_s
        with told(self._config):
            while (left := until - time.monotonic()) > 0:
                self._consumer.poll(left)
        return self._ours

    def close(self) -> None:
        """Leave the group: the others get what was ours at once."""
        self._consumer.close()

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.assign(partitions)
        consumer.pause(partitions)  # others read them
        self._ours = frozenset((each.topic, each.partition) for each in partitions)

    def _lost(self, _consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        self._ours = frozenset()


class Positions:
    """How far one consumer has read several partitions, kept by the brokers: all that is committed together is there, or nothing."""

    def __init__(self, config: KafkaJournalConfig, group: str) -> None:
        with told(config):
            from confluent_kafka import Consumer

            keys = {**keys_of(config), "group.id": f"{config.topic}.{group}", "enable.auto.commit": False}
            self._consumer = Consumer(keys, logger=log)
        self._config = config

    def load(self, places: Sequence[tuple[KafkaJournalConfig, int]]) -> list[int | None]:
        """Of each topic and partition where to read on; None where nothing was committed. Raises: JournalError."""
        with told(self._config):
            wanted = [place(config, partition) for config, partition in places]
            found = {(each.topic, each.partition): each.offset for each in self._consumer.committed(wanted, ANSWER_S)}
        offsets = [found[config.topic, partition] for config, partition in places]
        return [None if offset < 0 else offset for offset in offsets]

    def save(self, places: Mapping[tuple[KafkaJournalConfig, int], int]) -> None:
        """Raises: JournalError."""
        with told(self._config):
            offsets = [place(config, partition, at) for (config, partition), at in places.items()]
            self._consumer.commit(offsets=offsets, asynchronous=False)

    def close(self) -> None:
        """Leave the brokers."""
        self._consumer.close()


def trim(config: KafkaJournalConfig, below: Mapping[tuple[KafkaJournalConfig, int], int]) -> None:
    """Let go of messages below an offset of the broker's. Raises: JournalError."""
    with told(config):
        from confluent_kafka.admin import AdminClient

        wanted = [place(each, partition, at) for (each, partition), at in below.items()]
        admin = AdminClient(keys_of(config), logger=log)
        for done in admin.delete_records(wanted).values() if wanted else ():
            done.result(ANSWER_S)


def partitions_of(config: KafkaJournalConfig) -> int:
    """How many a topic has. Raises: JournalError where there is none."""
    cursor = Cursor(config)
    try:
        return cursor.partitions()
    finally:
        cursor.close()
