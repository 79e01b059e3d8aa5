"""Topics of a real Kafka broker: positions in our marks, brokers that go and come back, messages that were deleted before we read them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from collectors.errors import SourceError
from collectors.record import Mark
from collectors.sources import KafkaConfig, open_source
from tests.servers.kafka import KafkaNode

server = pytest.mark.server
PATIENCE_S = 30.0


@pytest.fixture
def topic(kafka_node: KafkaNode) -> Iterator[str]:
    """A topic of two partitions."""
    name = f"events-{uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": kafka_node.server})
    admin.create_topics([NewTopic(name, 2, 1)])[name].result(PATIENCE_S)
    yield name
    admin.delete_topics([name])[name].result(PATIENCE_S)


def produce(node: KafkaNode, topic: str, values: list[bytes | None], *, partition: int = 0) -> None:
    producer = Producer({"bootstrap.servers": node.server, "linger.ms": 5})
    for value in values:
        producer.produce(topic, value, partition=partition)
    assert producer.flush(PATIENCE_S) == 0


def numbered(first: int, end: int) -> list[bytes | None]:
    return [b'{"n": %d}' % number for number in range(first, end)]


class Reader:
    """Reads until there are so many; `marks` are kept as a journal keeps them."""

    def __init__(self, config: KafkaConfig) -> None:
        self.config = config
        self.marks: dict[str, Mark] = {}
        self.ids: list[tuple[str, int]] = []
        self.counts: Any = None

    def read(self, until: int, *, crash_after: int = 0) -> list[bytes]:
        """What was durable; `crash_after`: batches whose marks are kept, then the process is gone."""
        source, stop = open_source(self.config, self.marks), threading.Event()
        timer = threading.Timer(PATIENCE_S, stop.set)
        timer.start()
        found: list[bytes] = []
        try:
            for number, batch in enumerate(source.batches(stop), 1):
                if crash_after and number > crash_after:
                    break
                found += [record.data for record in batch.records]
                self.ids += [(record.position.stream, record.position.offset) for record in batch.records]
                self.marks.update({key: mark for key, mark in batch.marks.items() if mark is not None})
                if len(found) >= until:
                    break
        finally:
            timer.cancel()
            source.close()
        self.counts = source.counts
        return found


@server
def test_all_partitions_are_read_and_a_restart_goes_on_where_the_journal_is(kafka_node: KafkaNode, topic: str) -> None:
    produce(kafka_node, topic, numbered(0, 6_000))
    produce(kafka_node, topic, numbered(6_000, 6_050), partition=1)
    reader = Reader(KafkaConfig("bus", (kafka_node.server,), (topic,)))
    first = reader.read(6_050, crash_after=1)
    rest = reader.read(6_050 - len(first))
    assert sorted(first + rest) == sorted(value for value in numbered(0, 6_050) if value)
    assert len(set(reader.ids)) == 6_050
    assert {(mark.stream, mark.offset) for mark in reader.marks.values()} == {(f"{topic}/0", 6_000), (f"{topic}/1", 50)}


@server
def test_latest_begins_with_what_comes_now_and_empty_messages_are_counted(kafka_node: KafkaNode, topic: str) -> None:
    produce(kafka_node, topic, numbered(0, 10))
    reader = Reader(KafkaConfig("bus", (kafka_node.server,), (topic,), start="latest", max_record_bytes=12))
    later = threading.Timer(3, produce, (kafka_node, topic, [b'{"n": "1234567890"}', None, b" ", b'{"n": 1}']))
    later.start()
    assert reader.read(2) == [b'{"n": "12345', b'{"n": 1}']
    assert (reader.counts.blank, reader.counts.truncated) == (2, 1)
    later.join()


@server
def test_messages_that_were_deleted_unread_are_counted(kafka_node: KafkaNode, topic: str) -> None:
    reader = Reader(KafkaConfig("bus", (kafka_node.server,), (topic,)))
    produce(kafka_node, topic, numbered(0, 10))
    assert len(reader.read(10)) == 10
    produce(kafka_node, topic, numbered(10, 60))
    admin = AdminClient({"bootstrap.servers": kafka_node.server})
    [deleted] = admin.delete_records([TopicPartition(topic, 0, 50)]).values()
    deleted.result(PATIENCE_S)
    assert reader.read(10) == numbered(50, 60)
    assert reader.counts.dropped == 40


@server
def test_a_partition_that_is_added_is_read_and_a_broker_that_was_killed_is_waited_for(
    kafka_node: KafkaNode, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.sources.kafka._LIST_EVERY_S", 0.5)
    produce(kafka_node, topic, numbered(0, 5))
    source, stop, found = (
        open_source(KafkaConfig("bus", (kafka_node.server,), (topic,)), {}),
        threading.Event(),
        list[bytes](),
    )
    thread = threading.Thread(
        target=lambda: [found.extend(record.data for record in batch.records) for batch in source.batches(stop)]
    )
    thread.start()
    try:
        _wait_for(found, 5)
        admin = AdminClient({"bootstrap.servers": kafka_node.server})
        admin.create_partitions([NewPartitions(topic, 3)])[topic].result(PATIENCE_S)
        produce(kafka_node, topic, numbered(5, 10), partition=2)
        _wait_for(found, 10)
        kafka_node.kill()
        kafka_node.start()
        produce(kafka_node, topic, numbered(10, 15), partition=1)
        _wait_for(found, 15)
    finally:
        stop.set()
        thread.join()
        source.close()
    assert sorted(found) == sorted(value for value in numbered(0, 15) if value)


def _wait_for(found: list[bytes], count: int) -> None:
    end = time.monotonic() + PATIENCE_S
    while len(found) < count:
        assert time.monotonic() < end, f"{len(found)} of {count}"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"servers": ()}, "one each"),
        ({"user": "soc"}, "go together"),
        ({"ca_file": Path("ca.pem")}, "for tls"),
        ({"user": "soc", "password_file": Path("p"), "mechanism": "PLAIN"}, "needs tls"),
    ],
)
def test_configurations_that_make_no_sense_are_refused(keys: Mapping[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        KafkaConfig(**{"id": "bus", "servers": ("127.0.0.1:9092",), "topics": ("events",), **keys})


def test_a_password_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    config = KafkaConfig("bus", ("127.0.0.1:9092",), ("events",), user="soc", password_file=tmp_path / "gone")
    with pytest.raises(SourceError, match=r"bus: .*gone"):
        open_source(config, {})


def test_it_ends_soon_where_no_broker_answers() -> None:
    source, stop = open_source(KafkaConfig("bus", ("127.0.0.1:1",), ("events",)), {}), threading.Event()
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()
    assert list(source.batches(stop)) == []
    source.close()
    assert time.monotonic() - began < 15
