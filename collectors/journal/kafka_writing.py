"""Topics made, messages of a transaction written: what the journal on Kafka and the stages beside it have in common.

Whoever opens a producer by its transactional id fences the one before, and what that one had under way is over.
Source of truth: KIP-98 (transactions).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from collectors.errors import JournalError
from collectors.journal.kafka_config import KafkaJournalConfig
from collectors.journal.kafka_messages import ANSWER_S, LONGEST_BYTES, told
from collectors.kafka import keys_of

if TYPE_CHECKING:
    from confluent_kafka import Producer

log = logging.getLogger(__name__)

TRANSACTION_S = 30.0
"""How long a transaction may take to be written."""
_BEGIN_S = 30.0
_LOOK_S = 0.05


def make_topics(config: KafkaJournalConfig, partitions: Mapping[str, int]) -> None:
    """Make topics that are missing, each with its partitions; nothing in them is ever let go by time. Raises: JournalError."""
    with told(config):
        from confluent_kafka import KafkaError, KafkaException
        from confluent_kafka.admin import AdminClient
        from confluent_kafka.cimpl import NewTopic

        admin = AdminClient(keys_of(config), logger=log)
        known = admin.list_topics(timeout=ANSWER_S).topics
        keys = {
            "retention.ms": "-1",
            "max.message.bytes": str(LONGEST_BYTES),
            "compression.type": "producer",
            "message.timestamp.type": "LogAppendTime",  # else a broker refuses whose clock is an hour ahead of its own
        }
        new = [NewTopic(topic, num_partitions=n, config=keys) for topic, n in partitions.items() if topic not in known]
        for made in admin.create_topics(new).values() if new else ():
            try:
                made.result(ANSWER_S)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise
        until, pause = time.monotonic() + ANSWER_S, threading.Event()  # brokers hear of a new topic one after the other
        while not partitions.keys() <= admin.list_topics(timeout=ANSWER_S).topics.keys():
            if time.monotonic() > until:
                raise JournalError(f"kafka {', '.join(partitions)}: the brokers do not make these topics")
            pause.wait(_LOOK_S)


def producer_of(config: KafkaJournalConfig, transactional_id: str) -> Producer:
    """A producer that is the only one of its id from now on. Raises: JournalError."""
    with told(config):
        from confluent_kafka import Producer

        producer = Producer(
            {
                **keys_of(config),
                "transactional.id": transactional_id,
                "compression.type": "lz4",
                "message.max.bytes": LONGEST_BYTES,
                "linger.ms": 0,
                "transaction.timeout.ms": 60_000,
            },
            logger=log,
        )
        producer.init_transactions(_BEGIN_S)
    return producer


def overtaken(error: Exception) -> bool:
    """Whether a producer was refused because another one of its id was opened."""
    from confluent_kafka import KafkaError, KafkaException

    return isinstance(error, KafkaException) and error.args[0].code() in (
        KafkaError._FENCED,
        KafkaError.INVALID_PRODUCER_EPOCH,
    )
