"""A journal on a real Kafka broker when things go wrong: another writer, a broker that dies, batches beyond what one message takes."""

from __future__ import annotations

import threading
import time
import uuid

import pytest
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME

from collectors.errors import JournalError
from collectors.journal import frame, open_journal, open_reader
from collectors.journal.kafka import MESSAGE_BYTES, SNAPSHOT_EVERY
from collectors.journal.kafka_config import KafkaJournalConfig
from collectors.journal.kafka_messages import Cursor
from tests.servers.kafka import KafkaNode

from .events import event, events, letter, mark

pytestmark = pytest.mark.server


def new_topic(node: KafkaNode, partitions: int = 1) -> KafkaJournalConfig:
    return KafkaJournalConfig((node.server,), topic=f"journal-{uuid.uuid4().hex}", partitions=partitions)


def test_the_newest_writer_is_the_one_and_the_one_before_writes_nothing_more(kafka_node: KafkaNode) -> None:
    config = new_topic(kafka_node)
    old = open_journal(config)
    old.append(events(0, 5), {"a": mark(5)}, [])
    new = open_journal(config)
    assert new.marks() == {"a": mark(5)}
    assert new.append(events(5, 7), {}, []) == 7
    for _ in range(2):
        with pytest.raises(JournalError, match=r"another process writes|closed"):
            old.append(events(90, 95), {"a": mark(95)}, [])
    assert new.append(events(7, 8), {}, []) == 8
    assert open_reader(config).read(0, 100) == (events(0, 8), 8)
    assert open_reader(config).marks() == {"a": mark(5)}
    old.close()
    new.close()


def test_a_batch_beyond_one_message_is_one_transaction(kafka_node: KafkaNode) -> None:
    config = new_topic(kafka_node)
    journal = open_journal(config)
    batch = [event(n, b"%d " % n + b"x" * 1_000) for n in range(3 * MESSAGE_BYTES // 1_000)]
    longest = event(len(batch), b"y" * 1_048_576)
    assert journal.append([*batch, longest], {"a": mark(1)}, [letter(1)]) == len(batch) + 1
    reader = open_reader(config)
    got, offset = [], 0
    while offset < reader.end():
        part, offset = reader.read(offset, 700)
        got += part
    assert got == [*batch, longest]
    assert reader.dead_letters(0, 10)[0] == [letter(1)]
    assert reader.marks() == {"a": mark(1)}
    journal.close()


def test_a_source_is_in_one_partition_and_all_partitions_are_one_order(kafka_node: KafkaNode) -> None:
    config = new_topic(kafka_node, partitions=3)
    journal = open_journal(config)
    for n in range(0, 60, 4):  # of one source each
        journal.append(events(n, n + 4), {f"k{n}": mark(n)}, [letter(n)])
    cursor = Cursor(config)
    partitions: dict[str, set[int]] = {}
    for partition in range(cursor.partitions()):
        at, high = cursor.bounds(partition)
        before = -1
        while (found := cursor.read(partition, at, high)) is not None:
            assert found.head.number > before
            before, at = found.head.number, found.at + 1
            for each in frame.WHOLE.decode(found.content).events:
                partitions.setdefault(each.source, set()).add(partition)
    assert [len(found) for found in partitions.values()] == [1, 1, 1]
    assert len(set.union(*partitions.values())) == 2
    cursor.close()
    reader = open_reader(config)
    assert reader.read(0, 100) == (events(0, 60), 60)
    assert reader.read(31, 7) == (events(31, 38), 38)
    assert reader.dead_letters(4, 3) == ([letter(16), letter(20), letter(24)], 7)
    assert reader.marks() == journal.marks() == {f"k{n}": mark(n) for n in range(0, 60, 4)}
    assert journal.append(events(60, 69), {}, []) == 69  # of three at once, as what dead letters became
    assert reader.read(58, 100) == (events(58, 69), 69)
    reader.close()
    journal.close()


def test_messages_have_the_time_of_the_broker(kafka_node: KafkaNode) -> None:
    """Else it refuses those of a host whose clock is more than an hour ahead of its own (message.timestamp.after.max.ms)."""
    config = new_topic(kafka_node)
    journal = open_journal(config)
    journal.append(events(0, 4), {}, [])
    cursor = Cursor(config)
    message = cursor.message(0, *cursor.bounds(0))
    assert message is not None
    assert message.timestamp()[0] == TIMESTAMP_LOG_APPEND_TIME
    cursor.close()
    journal.close()


def test_marks_are_known_from_the_last_snapshot_on(kafka_node: KafkaNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.journal.kafka.SNAPSHOT_EVERY", 5)
    assert SNAPSHOT_EVERY > 5
    config = new_topic(kafka_node)
    journal = open_journal(config)
    for n in range(23):
        journal.append(events(n, n + 1), {f"k{n % 7}": mark(n) if n % 3 else None}, [])
        assert open_reader(config).marks() == journal.marks()
    journal.close()


def test_a_broker_that_is_killed_under_load_loses_and_doubles_nothing(
    kafka_node: KafkaNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library would wait for the broker by itself; with little patience a transaction is given up, and may be there nevertheless."""
    monkeypatch.setattr("collectors.journal.kafka.TRANSACTION_S", 0.5)
    config = new_topic(kafka_node)
    journal = open_journal(config)
    batches, size, faults = 40, 40, 0

    def strike() -> None:
        for _ in range(2):
            time.sleep(1.5)
            kafka_node.kill()
            kafka_node.start()

    striking = threading.Thread(target=strike)
    striking.start()
    for n in range(batches):
        while True:
            try:
                following = journal.append(events(n * size, (n + 1) * size), {"a": mark(n)}, [letter(n)])
                break
            except JournalError:
                faults += 1
                time.sleep(0.2)
        assert following == (n + 1) * size
        if striking.is_alive():
            time.sleep(0.2)
    striking.join()
    reader = open_reader(config)
    got, offset = [], 0
    while offset < reader.end():
        part, offset = reader.read(offset, 500)
        got += part
    assert faults
    assert got == events(0, batches * size)
    assert reader.dead_letters(0, 1_000)[0] == [letter(n) for n in range(batches)]
    assert reader.marks() == {"a": mark(batches - 1)}
    journal.close()
