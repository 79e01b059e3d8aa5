"""A journal on Kafka for a process that does not write it: it reads, and hands what it has to say to the one that does (`Said`)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from collectors.errors import JournalError
from collectors.event import Event
from collectors.journal import frame
from collectors.journal.kafka_config import KafkaJournalConfig
from collectors.journal.kafka_messages import LONGEST_BYTES, name_of, told
from collectors.journal.kafka_reader import KafkaReader
from collectors.journal.kafka_stage import StageInput, stage
from collectors.journal.packing import pack
from collectors.kafka import keys_of
from collectors.record import DeadLetter, Mark

if TYPE_CHECKING:
    from confluent_kafka import Producer

log = logging.getLogger(__name__)

SAID = "said"
"""The topic of what others say; the mark of the journal that tells how far it was taken."""
_ANSWER_S = 30.0


class KafkaPeer(KafkaReader):
    """What `append` is given is in the journal a little later."""

    def __init__(self, config: KafkaJournalConfig) -> None:
        """Raises: JournalError."""
        super().__init__(config)
        self._said = stage(config, SAID)
        self._producer = _producer(config)

    def append(self, events: Sequence[Event], marks: Mapping[str, Mark | None], dead: Sequence[DeadLetter]) -> int:
        """Hand over events and dead letters; returns the journal's end as it is now. Raises: JournalError."""
        if marks:
            raise JournalError(f"{name_of(self.config)}: only who writes the journal has marks in it")
        content = bytearray()
        pack(content, events, {}, dead)
        wrong: list[str] = []
        with told(self.config):
            self._producer.produce(
                self._said.topic,
                bytes(content),
                partition=0,
                on_delivery=lambda error, _: None if error is None else wrong.append(str(error)),
            )
            if self._producer.flush(_ANSWER_S):
                wrong.append("the brokers do not answer")
        if wrong:
            raise JournalError(f"{self._said.topic}: {wrong[0]}")
        return self.end()

    def append_packed(self, content: bytes, events: int, dead: int, marks: Mapping[str, Mark | None]) -> int:  # noqa: ARG002
        """As `append`, of a transaction that another process packed."""
        return self.append(frame.WHOLE.decode(content).events, marks, frame.DEAD.decode(content).dead)

    def settled(self) -> bool:
        """Whether all that was ever said is in the journal. Raises: JournalError."""
        said = StageInput(self._said, 0)
        try:
            last = said.last()
        finally:
            said.close()
        mark = self.marks().get(SAID)
        return last is None or (mark is not None and mark.offset > last.at)


class Saying(NamedTuple):
    """What somebody said, and the marks to be journalled with it."""

    events: list[Event]
    dead: list[DeadLetter]
    marks: dict[str, Mark | None]


class Said:
    """What others say, for the one that writes the journal."""

    def __init__(self, config: KafkaJournalConfig, marks: Mapping[str, Mark]) -> None:
        """`marks`: of the journal, which say how far it was taken. Raises: JournalError."""
        self._input = StageInput(stage(config, SAID), 0)
        mark = marks.get(SAID)
        self._input.at = self._input.low() if mark is None else mark.offset

    def next(self) -> Saying | None:
        """What was said next; None where there is nothing. Raises: JournalError."""
        found = self._input.read(self._input.end())
        if found is None:
            return None
        mark = Mark("soc", SAID, "", self._input.at, 0)
        return Saying(frame.WHOLE.decode(found.content).events, frame.DEAD.decode(found.content).dead, {SAID: mark})

    def close(self) -> None:
        """Leave the brokers."""
        self._input.close()


def _producer(config: KafkaJournalConfig) -> Producer:
    with told(config):
        from confluent_kafka import Producer

        keys = {
            "enable.idempotence": True,
            "compression.type": "lz4",
            "message.max.bytes": LONGEST_BYTES,
            "linger.ms": 0,
        }
        return Producer({**keys_of(config), **keys}, logger=log)
