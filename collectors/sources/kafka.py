"""Topics of Kafka in, one record for each message out; goes on where the journal says it was.

Delivery and keys: `collectors.sources.kafka_config`. Partitions are assigned by us and not by the broker: the position is ours, a second
reader of the same topics (another site's SOC) disturbs nobody. Source of truth: librdkafka's CONFIGURATION.md and the documentation of
`confluent_kafka.Consumer`, which the extra `kafka` brings.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from collectors.errors import SourceError
from collectors.kafka import keys_of
from collectors.record import Mark, Position, RawRecord
from collectors.sources.kafka_config import KafkaConfig
from collectors.sources.source import BATCH_RECORDS, Batch, Counts

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message, TopicPartition

log = logging.getLogger(__name__)

_WAIT_S = 0.1
_LIST_EVERY_S = 30.0
"""How often topics are asked for partitions that are new."""
_ANSWER_S = 10.0

_Partition = tuple[str, int]


class KafkaSource:
    """Reads when driven; brokers that cannot be reached are tried again for as long as it is."""

    def __init__(self, config: KafkaConfig, marks: Mapping[str, Mark]) -> None:
        """Raises: SourceError without the library, or for keys that it refuses."""
        self._config = config
        self.counts = Counts()
        self._next: dict[_Partition, int] = {}
        """Which offset of each partition is read next."""
        self._marked = {
            mark.stream: mark.offset
            for mark in marks.values()
            if mark.source == config.id and mark.path in config.topics
        }
        self._listed_s = float("-inf")
        self._told = ""
        self._consumer = _consumer(config)

    @property
    def id(self) -> str:
        """As in soc.yaml."""
        return self._config.id

    def batches(self, stop: threading.Event) -> Iterator[Batch]:
        """Batches as messages come."""
        while not stop.is_set():
            if time.monotonic() - self._listed_s > _LIST_EVERY_S:
                self._list()
            if not self._next:
                stop.wait(_WAIT_S)
                continue
            records, read = self._records(self._consumer.consume(BATCH_RECORDS, _WAIT_S))
            if read:
                self.counts.add(records)
                yield Batch(records, {self._key(each): self._mark(each) for each in read})
                self._tell(read)

    def close(self) -> None:
        """Leave the brokers; a second time changes nothing."""
        self._consumer.close()

    def _key(self, partition: _Partition) -> str:
        return f"{self.id}\0{_stream(partition)}"

    def _mark(self, partition: _Partition) -> Mark:
        offset = self._next[partition]
        return Mark(self.id, _stream(partition), partition[0], offset, offset)

    def _records(self, messages: Sequence[Message]) -> tuple[list[RawRecord], set[_Partition]]:
        """The records of messages, and the partitions that were read on."""
        received = datetime.now(UTC)  # noqa: TID251  sources say when a record was received
        longest = self._config.max_record_bytes
        records: list[RawRecord] = []
        read: set[_Partition] = set()
        for message in messages:
            if message.error() is not None:
                self._fault(message)
                continue
            partition, offset = (message.topic() or "", message.partition() or 0), message.offset() or 0
            if offset < self._next[partition]:  # fetched before a partition was put elsewhere
                continue
            self._next[partition] = offset + 1
            read.add(partition)
            data = message.value() or b""
            if not data.strip():
                self.counts.blank += 1
                continue
            position = Position(partition[0], _stream(partition), offset, offset + 1)
            cut = max(0, len(data) - longest)
            records.append(RawRecord(data[:longest], self.id, position, received, "", cut))
        return records, read

    def _fault(self, message: Message) -> None:
        from confluent_kafka import KafkaError

        error = message.error()
        assert error is not None
        topic, partition = message.topic(), message.partition()
        if error.code() == KafkaError._AUTO_OFFSET_RESET and topic is not None and partition is not None:
            self._put_back((topic, partition))
        elif error.fatal():
            raise SourceError(f"{self.id}: {error.str()}")
        elif self._told != error.str():
            self._told = error.str()
            log.warning("kafka", extra={"source": self.id, "error": error.str()})

    def _put_back(self, partition: _Partition) -> None:
        """The broker has our offset no more: what lies between is lost to us, or the topic is another one by the same name."""
        from confluent_kafka import KafkaException

        try:
            low, high = self._consumer.get_watermark_offsets(_at(partition, 0), timeout=_ANSWER_S)
        except KafkaException as error:
            log.warning("kafka", extra={"source": self.id, "error": str(error)})
            return
        wanted = self._next[partition]
        facts = {"source": self.id, "partition": _stream(partition), "wanted": wanted, "first": low, "end": high}
        if wanted > high:
            self.counts.restarts += 1
            log.warning("a topic begins anew: read from its start", extra=facts)
        else:
            self.counts.dropped += low - wanted
            log.warning("messages were deleted before they were read", extra=facts)
        self._next[partition] = low
        self._assign()

    def _list(self) -> None:
        """Take in partitions that are new."""
        from confluent_kafka import KafkaException

        self._listed_s = time.monotonic()
        found: set[_Partition] = set()
        for topic in self._config.topics:
            try:
                known = self._consumer.list_topics(topic, timeout=_ANSWER_S).topics[topic]
            except KafkaException as error:
                known = None
                reason = str(error)
            else:
                reason = str(known.error or "")
            if reason or known is None:
                log.warning("a topic cannot be read yet", extra={"source": self.id, "topic": topic, "error": reason})
                self._listed_s += _WAIT_S * 10 - _LIST_EVERY_S
                continue
            found.update((topic, number) for number in known.partitions)
        new = found - self._next.keys()
        if not new:
            return
        for partition in new:
            self._next[partition] = self._begin(partition)
        self._assign()

    def _assign(self) -> None:
        """Ask for all partitions from where we are; what the library had fetched already is let go."""
        self._consumer.assign([_at(partition, offset) for partition, offset in self._next.items()])

    def _begin(self, partition: _Partition) -> int:
        marked = self._marked.get(_stream(partition))
        if marked is not None:
            return marked
        low, high = self._consumer.get_watermark_offsets(_at(partition, 0), timeout=_ANSWER_S)
        return high if self._config.start == "latest" else low

    def _tell(self, read: set[_Partition]) -> None:
        """Say to the broker how far we are; nobody but its tools reads that."""
        self._consumer.commit(offsets=[_at(each, self._next[each]) for each in read], asynchronous=True)


def _stream(partition: _Partition) -> str:
    return f"{partition[0]}/{partition[1]}"


def _at(partition: _Partition, offset: int) -> TopicPartition:
    from confluent_kafka import TopicPartition

    return TopicPartition(*partition, offset)


def _consumer(config: KafkaConfig) -> Consumer:
    try:
        from confluent_kafka import Consumer, KafkaException
    except ImportError as error:
        raise SourceError(f'{config.id}: reading Kafka needs a library: pip install "soc[kafka]"') from error
    try:
        keys = {
            **keys_of(config),
            "group.id": config.group,
            "client.id": f"soc-{config.id}",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "enable.partition.eof": False,
        }
        return Consumer(keys, logger=log)
    except (OSError, UnicodeDecodeError, KafkaException) as error:
        raise SourceError(f"{config.id}: {error}") from error
