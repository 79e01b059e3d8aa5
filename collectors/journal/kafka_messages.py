"""What a journal on Kafka is made of: the heads of its messages, the partition of a source, a consumer that reads on from a place."""

from __future__ import annotations

import logging
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from collectors.errors import JournalError
from collectors.journal.kafka_config import KafkaJournalConfig
from collectors.kafka import keys_of

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message, TopicPartition

log = logging.getLogger(__name__)

HEADER = "soc"
"""The header of a message that is its head."""
LONGEST_BYTES = 8 * 1024 * 1024
"""What the topic takes in a message: more than the longest record of any source."""
OWN = -1
"""In the head of a snapshot: this one."""
ANSWER_S = 10.0
POLL_S = 0.05
_BACK = 8
"""How many broker's offsets before the end the last message is looked for first: each transaction ends with a record of the broker's."""
_HEAD = struct.Struct("<QQQIIq")


class Head(NamedTuple):
    """What a message's header says. `number`: of the message, from 0 over all partitions; `snapshot`: of the last one with all marks."""

    number: int
    first: int
    first_dead: int
    events: int
    dead: int
    snapshot: int

    @property
    def next(self) -> int:
        """The event after those of this message."""
        return self.first + self.events

    @property
    def next_dead(self) -> int:
        """The dead letter after those of this message."""
        return self.first_dead + self.dead

    def written(self) -> bytes:
        """As it stands in the header."""
        return _HEAD.pack(*self)


class Read(NamedTuple):
    """A message: its place with the broker, its head and its content."""

    at: int
    head: Head
    content: bytes


class Cursor:
    """A consumer that reads on from a place; for one thread at a time."""

    def __init__(self, config: KafkaJournalConfig) -> None:
        self._config = config
        self._consumer = consumer_of(config, "cursor")
        self._next = (-1, -1)
        """What the consumer reads next: the partition, and the broker's offset,"""
        self._empty_to = -1
        """below which, as it has said, nothing more comes."""

    def partitions(self) -> int:
        """How many the topic has. Raises: JournalError where there is none."""
        with told(self._config):
            found = self._consumer.list_topics(self._config.topic, timeout=ANSWER_S).topics[self._config.topic]
        if not found.partitions:
            raise JournalError(f"{name_of(self._config)}: there is no such topic")
        return len(found.partitions)

    def bounds(self, partition: int) -> tuple[int, int]:
        """The first offset of the broker's, and the one after the last that is committed. Raises: JournalError."""
        with told(self._config):
            low, high = self._consumer.get_watermark_offsets(place(self._config, partition), timeout=ANSWER_S)
        return low, high

    def read(self, partition: int, at: int, high: int) -> Read | None:
        """The first message of a journal from the broker's offset `at` on, below `high`; None where there is none. Raises: JournalError."""
        found = self.message(partition, at, high)
        return None if found is None else read_of(found, self._config)

    def message(self, partition: int, at: int, high: int) -> Message | None:
        """As `read`, whatever the message is."""
        until = time.monotonic() + ANSWER_S
        while at < high and not (self._goes_on(partition, at) and self._empty_to >= high):
            if (found := self._came(partition, at, POLL_S)) is not None:
                return found
            if time.monotonic() > until:
                self._next = (-1, -1)
                raise JournalError(f"{name_of(self._config)}: the brokers do not answer")
        return None

    def come(self, partition: int, at: int, timeout_s: float) -> Message | None:
        """The first message from the broker's offset `at` on, at once where it is at hand; None where none comes for so long.

        It asks the brokers nothing, who send what there is by themselves: whoever reads on waits for no answer. Raises: JournalError.
        """
        until = time.monotonic() + timeout_s
        while (found := self._came(partition, at, max(0.0, until - time.monotonic()))) is None:
            if time.monotonic() >= until:
                return None
        return found

    def _goes_on(self, partition: int, at: int) -> bool:
        """Whether the consumer reads this next: there is nothing between that and where it is."""
        return self._next[0] == partition and self._next[1] <= at <= max(self._next[1], self._empty_to)

    def _came(self, partition: int, at: int, timeout_s: float) -> Message | None:
        """The next message from `at` on; None after so long, or as soon as the consumer says that it is at the end."""
        with told(self._config):
            if not self._goes_on(partition, at):
                self._consumer.assign([place(self._config, partition, at)])
                self._next, self._empty_to = (partition, at), -1
            for message in self._consumer.consume(1, timeout_s):
                if message.error() is None:
                    self._next = (partition, (message.offset() or 0) + 1)
                    return message
                self._look_at(message)
        return None

    def last(self, partition: int, low: int, high: int) -> Message | None:
        """The last message from `low` on, below `high`. Raises: JournalError."""
        back, found = _BACK, None
        while found is None and low < high:
            at = max(low, high - back)
            while (each := self.message(partition, at, high)) is not None:
                found, at = each, (each.offset() or 0) + 1
            if high - back <= low:
                break
            back *= 8
        return found

    def _look_at(self, message: Message) -> None:
        """What the library says instead of a message. Raises: JournalError where it does not go on by itself."""
        from confluent_kafka import KafkaError

        error = message.error()
        assert error is not None
        if error.code() == KafkaError._PARTITION_EOF:
            self._empty_to = message.offset() or 0
        elif error.fatal() or error.code() == KafkaError._AUTO_OFFSET_RESET:
            self._next = (-1, -1)
            raise JournalError(f"{name_of(self._config)}: {error.str()}")

    def close(self) -> None:
        """Leave the brokers."""
        self._consumer.close()


def consumer_of(config: KafkaJournalConfig, name: str) -> Consumer:
    """A consumer that sees only what was committed; `name`: of whoever's offsets it keeps. Raises: JournalError."""
    from confluent_kafka import Consumer

    with told(config):
        return Consumer(
            {
                **keys_of(config),
                "group.id": f"{config.topic}.{name}",
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "fetch.message.max.bytes": LONGEST_BYTES,
                "fetch.wait.max.ms": 20,
            },
            logger=log,
        )


def place(config: KafkaJournalConfig, partition: int, offset: int = 0) -> TopicPartition:
    """An offset in a partition of the journal, as the library says it."""
    from confluent_kafka import TopicPartition

    return TopicPartition(config.topic, partition, offset)


def partition_of(source: str, partitions: int) -> int:
    """Where the events of a source are, all of them, so that one partition has them in their order."""
    return zlib.crc32(source.encode("utf-8", "backslashreplace")) % partitions


def read_of(message: Message, config: KafkaJournalConfig) -> Read:
    """A message of a journal. Raises: JournalError for one that is none."""
    return Read(message.offset() or 0, head_of(message, config), message.value() or b"")


def head_of(message: Message, config: KafkaJournalConfig) -> Head:
    """The head in a message's header. Raises: JournalError for a message that is none of a journal's."""
    found = dict(message.headers() or ()).get(HEADER)
    if not isinstance(found, bytes) or len(found) != _HEAD.size:
        raise JournalError(f"{name_of(config)}: the message at {message.offset()} is none of a journal's")
    return Head._make(_HEAD.unpack(found))


def name_of(config: KafkaJournalConfig) -> str:
    """What errors call the journal."""
    return f"kafka {config.topic}"


@contextmanager
def told(config: KafkaJournalConfig) -> Iterator[None]:
    """Faults of brokers and of the library as ours."""
    try:
        from confluent_kafka import KafkaException
    except ImportError as error:
        raise JournalError('a journal on Kafka needs a library: pip install "soc[kafka]"') from error
    try:
        yield
    except (KafkaException, OSError, UnicodeDecodeError) as error:
        raise JournalError(f"{name_of(config)}: {error}") from error
